//! No token makes a decoder recurse deep: the deepest ones are read, refused and dropped on a small stack. An overflow
//! would end the process, and this test with it. (Without any optimisation of the backends, frames are several times as
//! large, and this stack is too small.)
#![allow(clippy::unwrap_used, reason = "a surprise stops a test")]

use ron_auth_catalogue::catalogue;
use ron_auth_core::{AuthError, MacKey, Malformed, RequestCtx, VerifierConfig, wire};

/// Less than any thread has that a service is likely to verify on: those of Rust have 2 MiB, those of musl 128 KiB.
const STACK_BYTES: usize = 32 << 10;

#[test]
fn the_deepest_tokens_are_refused_on_a_small_stack() {
    for variant in catalogue() {
        let refused = std::thread::Builder::new().stack_size(STACK_BYTES).spawn(move || {
            let verifier = variant.build();
            let ctx = RequestCtx::new(0, "GET", "/", "acme");
            for max_token_bytes in [4096, 16 << 10] {
                let mut config = VerifierConfig::default();
                config.max_token_bytes = max_token_bytes;
                for cbor in deep_tokens(max_token_bytes) {
                    let token = base64url(&cbor);
                    let key = MacKey::new([7; 32]);
                    let result = verifier.verify_token(&config, &token, &ctx, &key);
                    assert_eq!(result, Err(AuthError::Malformed(Malformed::Cbor)), "{}", variant.name);
                }
            }
        });
        refused.unwrap().join().unwrap();
    }
}

fn deep_tokens(len: usize) -> Vec<Vec<u8>> {
    let mut opening = b"\xa5\x63tid\x64acme\x63kid\x62k1\x65scope".to_vec();
    wire::encode_scope(&ron_auth_core::Scope::default(), &mut opening);
    opening.extend(b"\x67caveats");
    let mut tokens = Vec::new();
    for start in [
        &[][..],
        b"\xa5\x63tid",
        b"\xa5\x63tid\x64acme\x63kid\x62k1\x65scope",
        b"\xa5\x63tid\x64acme\x63kid\x62k1\x65scope\xa3\x66prefix\xf6\x67methods\x81",
        &[&opening[..], b"\x81"].concat(),
        &[&opening[..], b"\x81\xa2\x61v"].concat(),
        &[&opening[..], b"\x81\xa2\x61t"].concat(),
        &[&opening[..], b"\x81\xa2\x61t\x63Exp\x61v"].concat(),
        &[&opening[..], b"\x81\xa2\x61t\x66Method\x61v\x81"].concat(),
        &[&opening[..], b"\x81\xa2\x61t\x66Custom\x61v\xa3\x62ns\x60\x64name\x60\x64cbor"].concat(),
    ] {
        for nested in [
            &b"\x81"[..],
            b"\x9f",
            b"\xa1\x00",
            b"\xbf\x00",
            b"\xc1",
            b"\xd9\xd9\xf7",
            b"\xa1",
            b"\x81\xc1",
            b"\xc2\x81",
        ] {
            let token = start.iter().chain(nested.iter().cycle()).copied().take(len).collect();
            tokens.push(token);
        }
    }
    tokens
}

fn base64url(bytes: &[u8]) -> String {
    use base64::Engine as _;
    base64::engine::general_purpose::URL_SAFE_NO_PAD.encode(bytes)
}
