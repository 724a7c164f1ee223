//! The digest of a bundle is what a token's `GovPolicyDigest` caveat is held against.
#![allow(missing_docs, clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, reason = "a test may fail loudly")]

use ron_auth::{CapabilityBuilder, Caveat, MacKey, RequestCtx, Scope, VerifierConfig, verify_token};
use ron_policy::{Bundle, Format, Policy};

#[test]
fn it_is_blake3_of_the_bytes_in_lower_case_hexadecimal_digits() {
    let bundle = Bundle::parse(b"version = 1\n", Format::Toml).unwrap();
    let digest = bundle.digest().to_owned();
    assert_eq!(digest, blake3::hash(b"version = 1\n").to_hex().as_str());
    assert!(digest.len() == 64 && digest.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f')));
    assert_eq!(bundle.compile().digest(), digest);
    let other = Bundle::parse(b"version = 1 \n", Format::Toml).unwrap();
    assert_ne!(other.digest(), digest, "each byte counts");
}

#[test]
fn a_token_for_one_bundle_is_refused_under_another() {
    let policy = |text: &str| Bundle::parse(text.as_bytes(), Format::Toml).unwrap().compile();
    let (loaded, other) = (policy("version = 1\n"), policy("version = 2\n"));
    let key = MacKey::new([7; 32]);
    let token = CapabilityBuilder::new("acme", "k", Scope::new("/", ["GET"]))
        .caveat(Caveat::GovPolicyDigest(loaded.digest().into()))
        .sign(&key)
        .unwrap()
        .to_base64url();
    let is_allowed = |policy: &Policy| {
        let ctx = RequestCtx::new(1_750_000_000, "GET", "/", "acme").policy_digest(policy.digest());
        verify_token(&VerifierConfig::default(), &token, &ctx, &key).unwrap().is_allow()
    };
    assert!(is_allowed(&loaded));
    assert!(!is_allowed(&other));
}
