//! Minting gives the tokens of existing deployments, byte for byte.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "a surprise stops a test")]

use std::borrow::Cow;

use ron_auth_core::{Capability, CapabilityBuilder, Caveat, MacKey, Rate, Scope};
use serde_json::Value;

const NOW_UNIX_S: u64 = 1_762_700_000;
const METHODS: [&str; 12] =
    ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE", "CONNECT", "PROPFIND", "SEARCH", "COPY"];

fn text(text: &str) -> String {
    text.to_owned()
}

fn methods(names: &[&'static str]) -> Vec<Cow<'static, str>> {
    names.iter().copied().map(Cow::Borrowed).collect()
}

fn custom(ns: &str, name: &str, cbor: &[u8]) -> Caveat {
    Caveat::Custom { ns: text(ns), name: text(name), cbor: cbor.to_vec() }
}

fn assert_minted_as_in_fixtures(name: &str, builder: CapabilityBuilder) {
    let file: Value = serde_json::from_str(include_str!("data/fixtures.json")).unwrap();
    let fixture = file["fixtures"].as_array().unwrap().iter().find(|fixture| fixture["name"] == name).unwrap();
    let key: [u8; 32] = hex::decode(fixture["mac_key_hex"].as_str().unwrap()).unwrap().try_into().unwrap();
    let capability = builder.sign(&MacKey::new(key)).unwrap();
    assert_eq!(hex::encode(capability.to_cbor()), fixture["cbor_hex"], "{name}");
    assert_eq!(hex::encode(capability.mac), fixture["mac_hex"], "{name}");
    assert_eq!(capability.to_base64url(), fixture["token"].as_str().unwrap(), "{name}");
}

#[test]
fn the_light_token_is_minted_byte_for_byte() {
    let builder = CapabilityBuilder::new("test", "k1", Scope::new("/index/", ["GET"])).caveats([
        Caveat::Aud(text("aud-demo")),
        Caveat::PathPrefix(text("/index/")),
        Caveat::Method(methods(&["GET"])),
        Caveat::Tenant(text("test")),
        Caveat::Exp(NOW_UNIX_S + 600),
    ]);
    assert_minted_as_in_fixtures("light", builder);
}

#[test]
fn the_heavy_token_is_minted_byte_for_byte() {
    let prefixes = ["/api/", "/api/v1/", "/api/v1/tenant/", "/api/v1/tenant/test/"];
    let nets = ["127.0.0.0/8", "10.0.0.0/8", "192.168.0.0/16", "172.16.0.0/12"];
    let builder = CapabilityBuilder::new("test", "k1", Scope::new("/api/v1/tenant/test/objects/", METHODS))
        .caveats([Caveat::Aud(text("aud-demo")), Caveat::Tenant(text("test")), Caveat::Exp(NOW_UNIX_S + 600)])
        .caveats(prefixes.map(|prefix| Caveat::PathPrefix(text(prefix))))
        .caveat(Caveat::Method(methods(&METHODS)))
        .caveats(nets.map(|net| Caveat::IpCidr(text(net))))
        .caveats([Caveat::BytesLe(1 << 20), Caveat::Amnesia(false)])
        .caveats((0..6).map(|index| custom("demo", &format!("x{index}"), &[0xf6])));
    assert_minted_as_in_fixtures("heavy", builder);
}

#[test]
fn the_token_with_every_caveat_is_minted_byte_for_byte() {
    let scope = Scope { prefix: None, methods: vec![], max_bytes: Some(70_000) };
    let builder = CapabilityBuilder::new("acme", "2025-11", scope).caveats([
        Caveat::Exp(NOW_UNIX_S + 1),
        Caveat::Nbf(NOW_UNIX_S - 1),
        Caveat::Aud(text("a")),
        Caveat::Method(methods(&["GET", "put"])),
        Caveat::PathPrefix(text("/x")),
        Caveat::IpCidr(text("2001:db8::/32")),
        Caveat::BytesLe(24),
        Caveat::Rate(Rate { per_s: 5, burst: 300 }),
        Caveat::Tenant(text("acme")),
        Caveat::Amnesia(true),
        Caveat::GovPolicyDigest(text("00ff")),
        custom("acme", "plan", &hex::decode("a26162f93e0062616183f6f53901f3").unwrap()),
    ]);
    assert_minted_as_in_fixtures("every-caveat", builder);
}

#[test]
fn a_custom_caveat_that_no_verifier_would_accept_is_not_minted() {
    for cbor in ["", "1817", "f6f6", "a1f400", "a2020001 00", "9fff"] {
        let cbor = hex::decode(cbor.replace(' ', "")).unwrap();
        let error = CapabilityBuilder::new("t", "k", Scope::default())
            .caveat(Caveat::Exp(1))
            .caveat(custom("acme", "plan", &cbor))
            .sign(&MacKey::new([0; 32]))
            .unwrap_err();
        assert!(error.to_string().starts_with("caveat 1 (Custom acme/plan)"), "{error}");
    }
}

#[test]
fn decoded_tokens_are_equal_only_if_every_part_is() {
    let parts = |tid: &str, kid: &str, prefix: &str, caveats: &[Caveat], mac: u8| {
        let scope = Scope { prefix: Some(prefix.to_owned()), ..Scope::default() };
        Capability::from_parts(tid.to_owned(), kid.to_owned(), scope, caveats.to_vec(), [mac; 32])
    };
    let token = parts("t", "k", "/", &[Caveat::Exp(1)], 7);
    assert_eq!(token, token.clone());
    for other in [
        parts("u", "k", "/", &[Caveat::Exp(1)], 7),
        parts("t", "l", "/", &[Caveat::Exp(1)], 7),
        parts("t", "k", "/a", &[Caveat::Exp(1)], 7),
        parts("t", "k", "/", &[Caveat::Exp(2)], 7),
        parts("t", "k", "/", &[], 7),
        parts("t", "k", "/", &[Caveat::Exp(1)], 8),
    ] {
        assert_ne!(token, other);
    }
}
