//! Public keys as a JWK set: RFC 7517, RFC 8037.

use base64::Engine as _;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use serde::Serialize;

/// The fields stand in the order in which the deployed service writes them, which is alphabetical.
#[derive(Serialize)]
struct Jwk<'a> {
    alg: &'a str,
    crv: &'a str,
    key_ops: [&'a str; 1],
    kid: &'a str,
    kty: &'a str,
    r#use: &'a str,
    x: String,
}

#[derive(Serialize)]
struct JwkSet<'a> {
    keys: Vec<Jwk<'a>>,
}

/// The bytes of the set of these keys, in this order.
pub(super) fn jwk_set<'a>(keys: impl Iterator<Item = (&'a str, &'a [u8; 32])>) -> Vec<u8> {
    let jwk = |(kid, bytes): (&'a str, &'a [u8; 32])| Jwk {
        alg: "EdDSA",
        crv: "Ed25519",
        key_ops: ["verify"],
        kid,
        kty: "OKP",
        r#use: "sig",
        x: BASE64_URL_SAFE_NO_PAD.encode(bytes),
    };
    // Texts always can be written.
    serde_json::to_vec(&JwkSet { keys: keys.map(jwk).collect() }).unwrap_or_default()
}
