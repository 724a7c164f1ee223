//! Section 1.13: the worked examples, byte for byte.

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use ed25519_dalek::{Signer as _, SigningKey};
use serde_json::json;

use crate::common::{BATCH, EXAMPLE_KID, ISSUE, KEYS, Process, Target, VERIFY};

const ENVELOPE: &str = concat!(
    r#"{"alg":"Ed25519","aud":"svc-passport","kid":"ed25519/default/v1","msg_b64":"eyJoZWxsbyI6IndvcmxkIn0=","#,
    r#""sig_b64":"Jp2WzRw3S1xdCzvlPylTAJrp5B6yVihmHNBnZ3H+Cl9RDYDrUXFh91zHi6dpoiaxj0MsOBRYN1X1s+xv7yhOCw=="}"#
);

#[test]
fn example_a_is_signed_as_written() {
    let passport = Target::new();
    if !passport.has_example_key() {
        return;
    }
    let given = r#"{
        "ttl_s": 900, "sub": "passport:main:dev", "scopes": ["profile:read", "profile:write"],
        "nonce": "handlers-test-nonce-001", "ctx": {"purpose": "handlers_roundtrip"}, "aud": ["svc-passport"]
    }"#;
    let signed = concat!(
        r#"{"aud":["svc-passport"],"ctx":{"purpose":"handlers_roundtrip"},"nonce":"handlers-test-nonce-001","#,
        r#""scopes":["profile:read","profile:write"],"sub":"passport:main:dev","ttl_s":900}"#
    );
    let envelope = passport.post(ISSUE, given).json();
    assert_eq!(signed.len(), 177);
    assert_eq!(envelope["msg_b64"], BASE64_STANDARD.encode(signed));
    let signature = "3dLd2IjuNIeZfME6UUjcu161fJlTVQ5GqoQ1aoIZLOFo7vgrt0PDfdBGDrzkc2nlQbSzucGajlEfxEn1acIXDQ==";
    assert_eq!(envelope["sig_b64"], signature);
    let smallest = passport.post(ISSUE, r#"{"hello":"world"}"#);
    assert_eq!((smallest.status, smallest.body.as_str()), (200, ENVELOPE));
}

#[test]
fn example_b_is_verified_as_written() {
    let passport = Target::new();
    let bad_alg = json!({"alg": "RSA256", "kid": "K", "msg_b64": "eA==", "sig_b64": "eA=="});
    assert_eq!(passport.post(VERIFY, &bad_alg.to_string()).problem(), (400, "BadAlg".to_owned()));
    if !passport.has_example_key() {
        return;
    }
    assert_eq!(passport.post(VERIFY, ENVELOPE).body, "true");
    // 26, the signature's first byte, with its lowest bit flipped.
    let flipped = ENVELOPE.replace("Jp2W", "J52W");
    assert_eq!(passport.post(VERIFY, &flipped).body, "false");
    assert_eq!(passport.post(BATCH, &format!("[{ENVELOPE},{flipped}]")).body, "[true,false]");
    let without_aud = ENVELOPE.replace(r#""aud":"svc-passport","#, "");
    assert_eq!(passport.post(VERIFY, &without_aud).problem(), (400, "BadAudience".to_owned()));
}

#[test]
fn example_c_has_its_limits() {
    let process = Process::with_example_key("[limits]\nmax_msg_bytes = 64\nmax_batch = 4");
    let passport = process.client();
    let long = json!({"data": "x".repeat(80)});
    assert_eq!(passport.post(ISSUE, &long.to_string()).problem(), (413, "MsgTooLarge".to_owned()));
    let item = json!({"alg": "Ed25519", "kid": "K", "msg_b64": "eA==", "sig_b64": "eA==", "aud": "a"});
    let batch = json!({"items": vec![item; 5]});
    assert_eq!(passport.post(BATCH, &batch.to_string()).problem(), (413, "BatchTooLarge".to_owned()));
}

#[test]
fn example_d_has_its_bytes_and_its_etag() {
    let passport = Target::new();
    if !passport.has_example_key() {
        return;
    }
    let keys = passport.get(KEYS);
    assert_eq!(
        keys.body,
        concat!(
            r#"{"keys":[{"alg":"EdDSA","crv":"Ed25519","key_ops":["verify"],"kid":"ed25519/default/v1","kty":"OKP","#,
            r#""use":"sig","x":"A6EHv_POEL4dcN0Y50vAmWfk1jCbpQ1fHdyGZBJVMbg"}]}"#
        )
    );
    assert_eq!(keys.body.len(), 164);
    assert_eq!(keys.header("etag"), "\"eeec6b64e85b4878678fe125e404f6a322b4a37e5744030776a88f9992b5d50f\"");
}

#[test]
fn what_was_signed_elsewhere_is_verified_as_given_json_or_not() {
    let passport = Target::new();
    if !passport.has_example_key() {
        return;
    }
    let secret: [u8; 32] = std::array::from_fn(|index| index as u8);
    let key = SigningKey::from_bytes(&secret);
    for message in [br#"{ "b":1, "a":2 }"#.as_slice(), b"not json \xff\x00", b""] {
        let envelope = json!({
            "alg": "Ed25519", "kid": EXAMPLE_KID, "aud": "anybody",
            "msg_b64": BASE64_STANDARD.encode(message), "sig_b64": BASE64_STANDARD.encode(key.sign(message).to_bytes()),
        });
        assert_eq!(passport.post(VERIFY, &envelope.to_string()).body, "true");
    }
}

/// A scalar that is not canonical, and commitments of small order: what an equation over a batch may take, and the
/// strict check refuses.
#[test]
fn crafted_signatures_are_refused_alone_and_in_a_batch_alike() {
    let passport = Target::new();
    if !passport.has_example_key() {
        return;
    }
    let secret: [u8; 32] = std::array::from_fn(|index| index as u8);
    let signature = SigningKey::from_bytes(&secret).sign(b"message").to_bytes();
    let mut malleable = signature;
    // s + l, for the order l of the group, little-endian.
    let order = [
        0xed, 0xd3, 0xf5, 0x5c, 0x1a, 0x63, 0x12, 0x58, 0xd6, 0x9c, 0xf7, 0xa2, 0xde, 0xf9, 0xde, 0x14, 0, 0, 0, 0, 0,
        0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0x10_u8,
    ];
    let mut carry = 0_u16;
    for (byte, add) in malleable[32..].iter_mut().zip(order) {
        let sum = u16::from(*byte) + u16::from(add) + carry;
        (*byte, carry) = (sum as u8, sum >> 8);
    }
    let mut identity = [0; 64];
    identity[0] = 1;
    let mut small_commitment = signature;
    small_commitment[..32].copy_from_slice(&identity[..32]);
    let item = |signature: &[u8]| {
        json!({
            "alg": "Ed25519", "kid": EXAMPLE_KID, "aud": "a",
            "msg_b64": BASE64_STANDARD.encode("message"), "sig_b64": BASE64_STANDARD.encode(signature),
        })
    };
    let items = [item(&signature), item(&malleable), item(&identity), item(&small_commitment), item(&signature)];
    assert_eq!(passport.post(BATCH, &json!(items).to_string()).body, "[true,false,false,false,true]");
    for (item, expected) in items.iter().zip(["true", "false", "false", "false", "true"]) {
        assert_eq!(passport.post(VERIFY, &item.to_string()).body, expected);
    }
}
