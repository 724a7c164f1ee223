//! All variants agree on any bytes. Bytes that decode are also tried with their MAC put right, so that the fuzzer
//! gets past the MAC and into the caveats.
//!
//! ```text
//! cargo fuzz run -s none agreement
//! ```
#![no_main]

use std::sync::LazyLock;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use libfuzzer_sys::fuzz_target;
use ron_auth_core::seam::Decode;
use ron_auth_core::{EvalMode, MacKey, RequestCtx, Semantics, Verifier, VerifierConfig, chain};
use ron_auth_variants::catalogue;
use ron_auth_variants::decode::ZeroCopyDecode;

static VERIFIERS: LazyLock<Vec<(&str, Box<dyn Verifier>)>> =
    LazyLock::new(|| catalogue().iter().map(|variant| (variant.name, variant.build())).collect());

fuzz_target!(|input: &[u8]| {
    if let Ok(text) = str::from_utf8(input) {
        agree(text);
    }
    agree(&URL_SAFE_NO_PAD.encode(input));
    if let Some(signed) = signed(input) {
        agree(&URL_SAFE_NO_PAD.encode(signed));
    }
});

fn key() -> MacKey {
    MacKey::new([7; 32])
}

/// The token with the MAC that it should have.
fn signed(cbor: &[u8]) -> Option<Vec<u8>> {
    let mut arena = <ZeroCopyDecode as Decode>::Arena::default();
    let token = ZeroCopyDecode.decode(cbor, 64, &mut arena).ok()?;
    let tag = chain::tag_of(&key(), ZeroCopyDecode::view(&token, cbor, &arena));
    let mut signed = cbor[..cbor.len() - 32].to_vec();
    signed.extend(tag.as_bytes());
    Some(signed)
}

fn agree(token: &str) {
    let ctx = RequestCtx::new(1_762_700_000, "GET", "/index/1", "test")
        .peer_ip("10.1.2.3".parse::<std::net::IpAddr>().ok())
        .audience("aud-demo")
        .policy_digest("9f86d081")
        .content_len(100);
    for semantics in [Semantics::Strict, Semantics::Compat] {
        let config = VerifierConfig::default().with_semantics(semantics);
        let verify = |verifier: &dyn Verifier, mode| verifier.verify_token(mode, &config, token, &ctx, &key());
        let (_, plain) = &VERIFIERS[0];
        let expected = verify(&**plain, EvalMode::StreamingOnly);
        for (name, verifier) in &*VERIFIERS {
            for mode in [EvalMode::StreamingOnly, EvalMode::SoaOnly] {
                assert_eq!(verify(&**verifier, mode), expected, "{name} {mode:?} on {token}");
            }
        }
    }
}
