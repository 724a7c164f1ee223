//! Sections 1.4 to 1.6: keys, rotation, attestation.

use serde_json::{Value, json};

use crate::common::{KEYS, Target, VERIFY, issued};

fn kids(keys: &Value) -> Vec<String> {
    keys["keys"].as_array().unwrap().iter().map(|key| key["kid"].as_str().unwrap().to_owned()).collect()
}

#[test]
fn keys_have_an_etag_of_their_bytes_and_may_be_kept_for_a_minute() {
    let passport = Target::new();
    let keys = passport.get(KEYS);
    assert_eq!(keys.header("etag"), format!("\"{}\"", blake3::hash(keys.body.as_bytes()).to_hex()));
    assert_eq!(keys.header("cache-control"), "public, max-age=60");
    for key in keys.json()["keys"].as_array().unwrap() {
        let names: Vec<_> = key.as_object().unwrap().keys().map(String::as_str).collect();
        assert_eq!(names, ["alg", "crv", "key_ops", "kid", "kty", "use", "x"]);
        assert_eq!(key["x"].as_str().unwrap().len(), 43);
        assert_eq!((&key["alg"], &key["key_ops"]), (&json!("EdDSA"), &json!(["verify"])));
    }
    // Written again from what was read: compact, and in the order of the alphabet.
    assert_eq!(keys.json().to_string(), keys.body);
}

#[test]
fn a_client_that_knows_the_etag_is_answered_304_and_no_other_form_of_it_is_known() {
    let passport = Target::new();
    let keys = passport.get(KEYS);
    let tag = keys.header("etag");
    let with = |value: &str| passport.send("GET", KEYS, &[("If-None-Match", value)], b"");
    let same = with(tag);
    assert_eq!((same.status, same.body.as_str()), (304, ""));
    for header in ["etag", "cache-control", "content-type"] {
        assert_eq!(same.header(header), keys.header(header), "{header}");
    }
    let unquoted = tag.trim_matches('"');
    for other in [
        &format!("W/{tag}"),
        "*",
        &format!("{tag}, \"x\""),
        &format!("\"x\", {tag}"),
        unquoted,
        "\"x\"",
        "",
        &tag.to_uppercase(),
    ] {
        let answer = with(other);
        assert_eq!((answer.status, &answer.body), (200, &keys.body), "{other}");
    }
}

#[test]
fn after_a_rotation_the_new_version_signs_and_the_old_one_verifies() {
    let passport = Target::alone();
    let before = passport.get(KEYS);
    let old = issued(&passport, &json!({"n": 1}));
    let rotated = passport.send("POST", "/admin/rotate", &[], b"");
    assert_eq!(rotated.status, 200, "{rotated:?}");
    assert!(rotated.is_json());
    let rotated = rotated.json();
    let current = rotated["current_kid"].as_str().unwrap();
    assert_eq!(rotated.as_object().unwrap().len(), 1);
    let version: u64 = old["kid"].as_str().unwrap().strip_prefix("ed25519/default/v").unwrap().parse().unwrap();
    assert_eq!(current, format!("ed25519/default/v{}", version + 1));
    let new = issued(&passport, &json!({"n": 1}));
    assert_eq!(new["kid"], current);
    assert_ne!(new["sig_b64"], old["sig_b64"]);
    for envelope in [&old, &new] {
        assert_eq!(passport.post(VERIFY, &envelope.to_string()).body, "true");
    }
    let after = passport.get(KEYS);
    assert_ne!(after.header("etag"), before.header("etag"));
    let mut expected = kids(&before.json());
    expected.push(current.to_owned());
    assert_eq!(kids(&after.json()), expected, "in order of creation");
    let stale = passport.send("GET", KEYS, &[("If-None-Match", before.header("etag"))], b"");
    assert_eq!((stale.status, stale.body), (200, after.body));
}

#[test]
fn attestation_tells_what_there_is_and_keys_are_of_it() {
    let passport = Target::new();
    let answer = passport.get("/admin/attest");
    assert_eq!(answer.status, 200);
    assert!(answer.is_json());
    let attest = answer.json();
    let build = &attest["build"];
    assert_eq!((&build["service"], &build["version"]), (&json!("svc-passport"), &json!("0.1.0")));
    assert!(build["profile"] == "debug" || build["profile"] == "release");
    assert_eq!(attest["current_kid"], attest["kms"]["current"]);
    assert_eq!(attest["kms"]["alg"], "Ed25519");
    let keys = passport.get(KEYS).json();
    assert_eq!(attest["kids"], json!(kids(&keys)));
    let attested = attest["kms"]["keys"].as_array().unwrap();
    assert_eq!(attested.len(), keys["keys"].as_array().unwrap().len());
    for (attested, jwk) in attested.iter().zip(keys["keys"].as_array().unwrap()) {
        assert_eq!(attested["alg"], "Ed25519");
        assert_eq!((&attested["kid"], &attested["vk_b64"]), (&jwk["kid"], &jwk["x"]));
    }
}
