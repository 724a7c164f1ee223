//! Sections 1.2, 1.3 and 1.7: what is looked at, and in which order.

use serde_json::{Value, json};

use crate::common::{Target, VERIFY, issued, tampered, with};

#[test]
fn a_good_signature_is_true_and_any_other_false() {
    let passport = Target::new();
    let envelope = issued(&passport, &json!({"sub": "alice"}));
    let other = issued(&passport, &json!({"sub": "bob"}));
    let short = "A".repeat(84);
    let long = format!("{}A=", "A".repeat(86));
    for (envelope, expected) in [
        (envelope.clone(), "true"),
        (with(&envelope, "aud", json!("somebody else")), "true"),
        (with(&envelope, "more", json!({"nobody": "minds"})), "true"),
        (tampered(&envelope), "false"),
        (with(&envelope, "msg_b64", other["msg_b64"].clone()), "false"),
        (with(&envelope, "sig_b64", other["sig_b64"].clone()), "false"),
        (with(&envelope, "sig_b64", json!("")), "false"),
        (with(&envelope, "sig_b64", json!(short)), "false"),
        (with(&envelope, "sig_b64", json!(long)), "false"),
        (with(&envelope, "msg_b64", json!("")), "false"),
    ] {
        let answer = passport.post(VERIFY, &envelope.to_string());
        assert_eq!((answer.status, answer.body.as_str()), (200, expected), "{envelope}");
        assert!(answer.is_json(), "{answer:?}");
    }
}

#[test]
fn faults_are_told_with_their_codes_in_the_order_of_the_contract() {
    let passport = Target::new();
    let good = issued(&passport, &json!({}));
    let kid = good["kid"].as_str().unwrap();
    let bad = |fields: &[(&str, Value)]| {
        let envelope =
            fields.iter().fold(good.clone(), |envelope, (field, value)| with(&envelope, field, value.clone()));
        let answer = passport.post(VERIFY, &envelope.to_string());
        let (status, code) = answer.problem();
        assert!(answer.json().as_object().unwrap().keys().all(|key| key == "code" || key == "message"), "{answer:?}");
        (status, code, envelope)
    };
    let alg = ("alg", json!("RSA256"));
    let no_kid = ("kid", json!("  \t"));
    let no_aud = ("aud", Value::Null);
    let msg = ("msg_b64", json!("*"));
    let sig = ("sig_b64", json!("*"));
    let unknown = ("kid", json!("ed25519/default/v0"));
    for (fields, code) in [
        (vec![alg.clone()], "BadAlg"),
        (vec![("alg", json!("ed25519"))], "BadAlg"),
        (vec![("alg", json!(""))], "BadAlg"),
        (vec![no_kid.clone()], "BadKid"),
        (vec![("kid", json!(""))], "BadKid"),
        (vec![no_aud.clone()], "BadAudience"),
        (vec![("aud", json!(""))], "BadAudience"),
        (vec![msg.clone()], "Malformed"),
        (vec![sig.clone()], "Malformed"),
        (vec![unknown.clone()], "Malformed"),
        // Looked up as it is, not trimmed.
        (vec![("kid", json!(format!(" {kid}")))], "Malformed"),
        (vec![sig.clone(), msg.clone(), no_aud.clone(), no_kid.clone(), alg], "BadAlg"),
        (vec![sig.clone(), msg.clone(), no_aud.clone(), no_kid], "BadKid"),
        (vec![sig, msg, no_aud, unknown], "BadAudience"),
    ] {
        let (status, found, envelope) = bad(&fields);
        assert_eq!((status, found.as_str()), (400, code), "{envelope}");
    }
    let null_aud = passport.post(VERIFY, &{
        let mut envelope = good.clone();
        envelope["aud"] = Value::Null;
        envelope.to_string()
    });
    assert_eq!(null_aud.problem(), (400, "BadAudience".to_owned()));
}

#[test]
fn base64_is_of_the_standard_alphabet_with_padding_and_without_stray_bits() {
    let passport = Target::new();
    let good = issued(&passport, &json!({}));
    for bad in ["e30", "e31=", "_-8=", "e30 ", "e30=\n", "e30==", "="] {
        for field in ["msg_b64", "sig_b64"] {
            let answer = passport.post(VERIFY, &with(&good, field, json!(bad)).to_string());
            assert_eq!(answer.problem(), (400, "Malformed".to_owned()), "{field} {bad}");
        }
    }
    let answer = passport.post(VERIFY, &with(&good, "msg_b64", json!("+/8=")).to_string());
    assert_eq!((answer.status, answer.body.as_str()), (200, "false"));
}
