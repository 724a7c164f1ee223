//! Tokens that claim more than they hold: a few bytes that announce millions of items.

use base64_simd::URL_SAFE_NO_PAD;
use ron_auth_core::{Scope, wire};

use super::TENANT;

/// What is claimed, with its bytes, which are repeated until the token is full.
const CLAIMS: [(&str, &[u8]); 16] = [
    ("arrays of 2^32 - 1", b"\x9a\xff\xff\xff\xff"),
    ("arrays of 2^63", b"\x9b\x80\x00\x00\x00\x00\x00\x00\x00"),
    ("arrays of 65,535", b"\x99\xff\xff"),
    ("arrays of one", b"\x81"),
    ("maps of 2^32 - 1", b"\xba\xff\xff\xff\xff\x00"),
    ("maps of 1,023", b"\xb9\x03\xff\x00"),
    ("texts of 2^32 - 1", b"\x7a\xff\xff\xff\xff"),
    ("byte strings of 2^32 - 1", b"\x5a\xff\xff\xff\xff"),
    ("arrays without end", b"\x9f"),
    ("maps without end", b"\xbf\x00"),
    ("texts without end", b"\x7f\x61a"),
    ("byte strings without end", b"\x5f\x41\x00"),
    ("tags", b"\xc1"),
    ("arrays of empty texts", b"\x98\xff\x60"),
    ("empty arrays", b"\x80"),
    ("zeros", b"\x00"),
];

/// Texts of about `cbor_bytes` bytes of CBOR, each with a description: every claim at every place that holds an item.
#[must_use]
pub fn claims(cbor_bytes: usize) -> Vec<(String, String)> {
    let mut until_caveats = b"\xa5\x63tid".to_vec();
    wire::encode_text(TENANT, &mut until_caveats);
    until_caveats.extend(b"\x63kid\x62k1\x65scope");
    let until_scope = until_caveats.clone();
    wire::encode_scope(&Scope::default(), &mut until_caveats);
    until_caveats.extend(b"\x67caveats");
    let behind = |start: &[u8], more: &[u8]| [start, more].concat();
    let many_zeros = b"\x99\xff\xff";
    let custom = behind(&until_caveats, b"\x81\xa2\x61t\x66Custom\x61v\xa3\x62ns\x60\x64name\x60\x64cbor");
    let places = [
        ("instead of a token", Vec::new()),
        ("as a tenant", b"\xa5\x63tid".to_vec()),
        ("as a scope", until_scope.clone()),
        ("as the scope's methods", behind(&until_scope, b"\xa3\x66prefix\xf6\x67methods")),
        ("in the scope's methods", behind(&until_scope, b"\xa3\x66prefix\xf6\x67methods\x99\xff\xff")),
        ("as the caveats", until_caveats.clone()),
        ("as a caveat", behind(&until_caveats, b"\x81")),
        ("as a value before its name", behind(&until_caveats, b"\x81\xa2\x61v")),
        ("as an audience", behind(&until_caveats, b"\x81\xa2\x61t\x63Aud\x61v")),
        ("as methods", behind(&until_caveats, b"\x81\xa2\x61t\x66Method\x61v")),
        ("as a custom value", custom.clone()),
        ("in an array of a custom value", behind(&custom, many_zeros)),
    ];
    let full = |start: &[u8], claim: &[u8]| -> Vec<u8> {
        start.iter().chain(claim.iter().cycle()).copied().take(cbor_bytes.max(start.len())).collect()
    };
    places
        .iter()
        .flat_map(|(place, start)| {
            CLAIMS.iter().map(move |(claim, bytes)| {
                (format!("{claim} {place}"), URL_SAFE_NO_PAD.encode_to_string(full(start, bytes)))
            })
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use ron_auth_catalogue::catalogue;
    use ron_auth_core::AuthError;

    use super::*;
    use crate::assurance::hostile::{key, request, settings};

    #[test]
    fn no_claim_is_a_token_and_all_engines_say_so_alike() {
        let claims = claims(1024);
        assert_eq!(claims.len(), 12 * CLAIMS.len());
        let verifiers: Vec<_> = catalogue().iter().map(|variant| (variant.name, variant.build())).collect();
        for (what, text) in &claims {
            for (engine, verifier) in &verifiers {
                let result = verifier.verify_token(&settings(), text, &request(), &key());
                let expected = verifiers[0].1.verify_token(&settings(), text, &request(), &key());
                assert!(matches!(result, Err(AuthError::Malformed(_) | AuthError::Bounds)), "{engine}, {what}");
                assert_eq!(result, expected, "{engine}, {what}");
            }
        }
    }
}
