//! What a token claims costs no memory: until its MAC has been checked, verifying one allocates in all no more than a
//! few times its length, whatever it announces, on every variant.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::panic, reason = "a surprise stops a test")]

#[path = "matrix/table/mod.rs"]
mod table;

use std::alloc::System;

use ron_auth_catalogue::{Verifier, catalogue};
use ron_auth_core::{AuthError, MacKey, MacKeyProvider, RequestCtx, VerifierConfig, wire};
use stats_alloc::{INSTRUMENTED_SYSTEM, Region, StatsAlloc};

#[global_allocator]
static ALLOCATOR: &StatsAlloc<System> = &INSTRUMENTED_SYSTEM;

/// All that is ever allocated for a text, in bytes per character and beside that. What is held at a time is less.
const BYTES_PER_CHAR: usize = 4;
const BYTES_BESIDE: usize = 4 << 10;

/// All up to the head of the caveat array.
fn opening() -> Vec<u8> {
    let mut cbor = b"\xa5\x63tid\x64acme\x63kid\x62k1\x65scope".to_vec();
    wire::encode_scope(&ron_auth_core::Scope::default(), &mut cbor);
    cbor.extend(b"\x67caveats");
    cbor
}

/// Tokens that announce or contain far more than they are worth, each as long as a token may be, if `len` is that.
fn tokens(len: usize) -> Vec<(String, Vec<u8>)> {
    let opening = opening();
    let filled = |start: &[u8], repeated: &[u8]| -> Vec<u8> {
        start.iter().chain(repeated.iter().cycle()).copied().take(len).collect()
    };
    let custom = [&opening[..], b"\x81\xa2\x61t\x66Custom\x61v\xa3\x62ns\x60\x64name\x60\x64cbor"].concat();
    let value_first = [&opening[..], b"\x81\xa2\x61v"].concat();
    let aud = [&opening[..], b"\x81\xa2\x61t\x63Aud\x61v"].concat();
    let method = [&opening[..], b"\x81\xa2\x61t\x66Method\x61v"].concat();
    let scope_methods = b"\xa5\x63tid\x64acme\x63kid\x62k1\x65scope\xa3\x66prefix\xf6\x67methods".to_vec();
    let mut tokens = Vec::new();
    for (place, start) in [
        ("a custom value", &custom),
        ("a value before its name", &value_first),
        ("an audience", &aud),
        ("methods", &method),
        ("the scope's methods", &scope_methods),
        ("the caveats", &opening),
    ] {
        for (what, repeated) in [
            ("arrays of 2^32 - 1", &b"\x9a\xff\xff\xff\xff"[..]),
            ("arrays of 1,023", b"\x99\x03\xff"),
            ("arrays of 65,535", b"\x99\xff\xff"),
            ("arrays of 2^63", b"\x9b\x80\x00\x00\x00\x00\x00\x00\x00"),
            ("maps of 2^32 - 1", b"\xba\xff\xff\xff\xff\x00"),
            ("maps of 1,023", b"\xb9\x03\xff\x00"),
            ("texts of 2^32 - 1", b"\x7a\xff\xff\xff\xff"),
            ("texts of 2^31", b"\x7a\x80\x00\x00\x00"),
            ("byte strings of 2^32 - 1", b"\x5a\xff\xff\xff\xff"),
            ("indefinite arrays", b"\x9f"),
            ("indefinite maps", b"\xbf\x00"),
            ("indefinite texts", b"\x7f\x61a"),
            ("indefinite byte strings", b"\x5f\x41\x00"),
            ("arrays of one", b"\x81"),
            ("tags", b"\xc1"),
            ("empty texts in arrays", b"\x98\xff\x60"),
        ] {
            tokens.push((format!("{place}: {what}"), filled(start, repeated)));
        }
        for (what, item) in [("zeros", 0x00), ("empty texts", 0x60), ("empty arrays", 0x80), ("nulls", 0xf6)] {
            let rest = len - start.len() - 3;
            let head = [&[0x99][..], &u16::try_from(rest.min(0xffff)).unwrap().to_be_bytes()].concat();
            tokens.push((format!("{place}: an array of {what}"), filled(&[&start[..], &head].concat(), &[item])));
        }
        let head = [0x79, 0x0f, 0x00];
        tokens.push((format!("{place}: a long text"), filled(&[&start[..], &head].concat(), b"a")));
        tokens
            .push((format!("{place}: a long byte string"), filled(&[&start[..], &[0x59, 0x0f, 0x00]].concat(), b"a")));
    }
    let caveats = [&opening[..], b"\x98\x40"].concat();
    tokens.push(("64 small caveats".into(), filled(&caveats, b"\xa2\x61t\x63Exp\x61v\x00")));
    tokens.push(("64 small texts".into(), filled(&caveats, b"\xa2\x61t\x63Aud\x61v\x60")));
    tokens.push(("64 small lists".into(), filled(&caveats, b"\xa2\x61t\x66Method\x61v\x82\x60\x60")));
    let small = b"\xa2\x61t\x66Custom\x61v\xa3\x62ns\x60\x64name\x60\x64cbor\xf6";
    tokens.push(("64 small customs".into(), filled(&caveats, small)));
    tokens
}

// One test, because the counts are the process's.
#[test]
fn what_a_token_claims_costs_no_memory() {
    let verifiers: Vec<_> = catalogue().into_iter().map(|variant| (variant.name, variant.build())).collect();
    let (config, ctx) = (VerifierConfig::default(), RequestCtx::new(0, "GET", "/", "acme"));
    for (name, cbor) in [200, 600, 4096].into_iter().flat_map(tokens) {
        for (variant, verifier) in &verifiers {
            refused_in_little_memory(&**verifier, &config, &base64url(&cbor), &ctx, &MacKey::new([7; 32]))
                .unwrap_or_else(|what| panic!("{name}, {variant}: {what}"));
        }
    }
    for setting in table::settings() {
        let malformed = setting
            .cases
            .iter()
            .filter(|case| matches!(case.expected, Err(AuthError::Malformed(_) | AuthError::Bounds)));
        for case in malformed {
            for (variant, verifier) in &verifiers {
                refused_in_little_memory(&**verifier, &setting.config, &case.token, &setting.ctx, &table::Keys)
                    .unwrap_or_else(|what| panic!("{}: {}, {variant}: {what}", setting.name, case.name));
            }
        }
    }
}

fn refused_in_little_memory(
    verifier: &dyn Verifier,
    config: &VerifierConfig,
    token: &str,
    ctx: &RequestCtx<'_>,
    keys: &(dyn MacKeyProvider + Sync),
) -> Result<(), String> {
    // Once before: what a thread keeps is allocated once.
    let first = verifier.verify_token(config, token, ctx, keys);
    let region = Region::new(ALLOCATOR);
    let result = verifier.verify_token(config, token, ctx, keys);
    let allocated = region.change().bytes_allocated;
    if result.is_ok() || result != first {
        return Err(format!("{result:?}"));
    }
    if allocated > BYTES_PER_CHAR * token.len() + BYTES_BESIDE {
        return Err(format!("{allocated} bytes for {} characters", token.len()));
    }
    Ok(())
}

fn base64url(bytes: &[u8]) -> String {
    use base64::Engine as _;
    base64::engine::general_purpose::URL_SAFE_NO_PAD.encode(bytes)
}
