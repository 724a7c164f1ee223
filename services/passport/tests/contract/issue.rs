//! Section 1.3: what is signed.

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;

use crate::common::{ISSUE, Target, VERIFY};

#[test]
fn any_json_value_is_signed_in_its_canonical_form() {
    let passport = Target::new();
    for (given, signed) in [
        (r#" { "b" : {"z":1,"a":[{"y":1,"x":2}]} , "a" : 2 } "#, r#"{"a":2,"b":{"a":[{"x":2,"y":1}],"z":1}}"#),
        (r#"{"a":1,"b":2,"a":{"c":3}}"#, r#"{"a":{"c":3},"b":2}"#),
        (r#"{"n":1.50}"#, r#"{"n":1.5}"#),
        (r#"[1e2,18446744073709551615,-9223372036854775808]"#, "[100.0,18446744073709551615,-9223372036854775808]"),
        ("18446744073709551616", "1.8446744073709552e19"),
        (r#""\u00e9\/\ud83d\ude00""#, "\"é/😀\""),
        ("null", "null"),
        (" true ", "true"),
        ("[]", "[]"),
        ("-7", "-7"),
        (r#"{"é":1,"z":2,"Z":3,"":4}"#, r#"{"":4,"Z":3,"z":2,"é":1}"#),
    ] {
        let answer = passport.post(ISSUE, given);
        assert_eq!(answer.status, 200, "{given}: {answer:?}");
        let message = BASE64_STANDARD.decode(answer.json()["msg_b64"].as_str().unwrap()).unwrap();
        assert_eq!(String::from_utf8(message).unwrap(), signed, "{given}");
        assert_eq!(passport.post(VERIFY, &answer.body).body, "true", "{given}");
    }
}

#[test]
fn nothing_is_added_to_what_is_signed_and_the_envelope_has_its_fields_in_order() {
    let passport = Target::new();
    let answer = passport.post(ISSUE, "{}");
    assert_eq!(answer.json()["msg_b64"], "e30=");
    let places: Vec<_> =
        ["alg", "aud", "kid", "msg_b64", "sig_b64"].map(|key| answer.body.find(&format!("\"{key}\":"))).into();
    assert!(places.is_sorted() && places.iter().all(Option::is_some), "{answer:?}");
    assert_eq!(answer.json().as_object().unwrap().len(), 5);
    assert!(!answer.body.contains(' '));
    assert_eq!(answer.json()["alg"], "Ed25519");
}

#[test]
fn a_message_whose_canonical_form_is_too_long_is_refused_as_a_problem() {
    let passport = Target::new();
    let message = |bytes: usize| format!("\"{}\"", "x".repeat(bytes - 2));
    assert_eq!(passport.post(ISSUE, &message(4_096)).status, 200);
    let answer = passport.post(ISSUE, &message(4_097));
    assert_eq!(answer.problem(), (413, "MsgTooLarge".to_owned()));
    // It is the canonical form that counts.
    let spaced = format!("[{}1]", " ".repeat(10_000));
    assert_eq!(passport.post(ISSUE, &spaced).status, 200);
}

#[test]
fn nesting_without_end_is_refused_and_costs_nobody_the_service() {
    let passport = Target::new();
    let deep = "[".repeat(500_000);
    assert_eq!(passport.post(ISSUE, &deep).status, 400);
    assert_eq!(passport.get("/healthz").status, 200);
}
