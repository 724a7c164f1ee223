//! The checks that need no key: which fault an envelope with several has, and what is read of one at all.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test may stop at the first surprise")]

use ron_envelope::{AudienceRule, Envelope, EnvelopeFault};

const GOOD: [&str; 5] = ["Ed25519", "kid", "bQ==", "cw==", "aud"];

fn fault(fields: [&str; 5], rule: AudienceRule) -> Option<EnvelopeFault> {
    let [alg, kid, msg, sig, aud] = fields;
    let text = serde_json::json!({ "alg": alg, "kid": kid, "msg_b64": msg, "sig_b64": sig, "aud": aud }).to_string();
    serde_json::from_str::<Envelope>(&text).unwrap().decode(rule).err()
}

#[test]
fn the_first_fault_in_the_order_of_the_contract_is_told() {
    let bad = ["RSA256", " \t", "eA", "eA=", ""];
    let expected = [
        EnvelopeFault::BadAlg,
        EnvelopeFault::BadKid,
        EnvelopeFault::BadAudience,
        EnvelopeFault::MalformedMessage,
        EnvelopeFault::MalformedSignature,
    ];
    // The field that is at fault for the sake of each place in the order.
    let order = [0, 1, 4, 2, 3];
    for bits in 0..32_u32 {
        let is_bad = |field: usize| bits >> field & 1 == 1;
        let fields = std::array::from_fn(|field| if is_bad(field) { bad[field] } else { GOOD[field] });
        let first = order.iter().position(|field| is_bad(*field)).map(|place| expected[place]);
        assert_eq!(fault(fields, AudienceRule::Required), first, "{fields:?}");
        let without = order.iter().position(|field| *field != 4 && is_bad(*field)).map(|place| expected[place]);
        assert_eq!(fault(fields, AudienceRule::Optional), without, "{fields:?}");
    }
    let codes = expected.map(EnvelopeFault::code);
    assert_eq!(codes, ["BadAlg", "BadKid", "BadAudience", "Malformed", "Malformed"]);
}

#[test]
fn an_algorithm_is_spelled_one_way() {
    for alg in ["", "ed25519", "ED25519", " Ed25519", "Ed25519 ", "EdDSA", "Ed25519ph", "none"] {
        assert_eq!(fault([alg, "kid", "", "", "aud"], AudienceRule::Required), Some(EnvelopeFault::BadAlg), "{alg:?}");
    }
}

#[test]
fn base64_is_standard_padded_and_canonical() {
    for (text, good) in [
        ("", true),
        ("eA==", true),
        ("+/+/", true),
        ("eA", false),
        ("eA=", false),
        ("eB==", false),
        ("-_-_", false),
        ("eA==\n", false),
        ("eA== ", false),
        ("====", false),
        ("eA==eA==", false),
        ("é", false),
    ] {
        assert_eq!(fault(["Ed25519", "k", text, "", "a"], AudienceRule::Required).is_none(), good, "{text:?}");
        assert_eq!(fault(["Ed25519", "k", "", text, "a"], AudienceRule::Required).is_none(), good, "{text:?}");
    }
}

#[test]
fn an_audience_may_be_absent_null_or_there() {
    let read = |text: &str| serde_json::from_str::<Envelope>(text).map(|it| it.aud.map(|aud| aud.into_owned()));
    let with = |aud: &str| format!(r#"{{"alg":"a","kid":"k","msg_b64":"","sig_b64":""{aud}}}"#);
    assert_eq!(read(&with("")).unwrap(), None);
    assert_eq!(read(&with(r#","aud":null"#)).unwrap(), None);
    assert_eq!(read(&with(r#","aud":"x","more":[1]"#)).unwrap().as_deref(), Some("x"));
    assert_eq!(read(&with(r#","aud":"\u0078""#)).unwrap().as_deref(), Some("x"));
    for wrong in [r#","aud":["x"]"#, r#","aud":1"#] {
        assert!(read(&with(wrong)).is_err(), "{wrong}");
    }
    for missing in ["alg", "kid", "msg_b64", "sig_b64"] {
        let text = with("").replace(missing, "other");
        assert!(serde_json::from_str::<Envelope>(&text).is_err(), "{missing}");
    }
}
