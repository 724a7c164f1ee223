//! Each code, from a token that brings it about. (That the table in docs/CODES.md is complete, core's tests hold.)
#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "a surprise stops a test")]

use std::net::IpAddr;

use ron_auth::{
    CapabilityBuilder, Caveat, CustomCaveat, Decision, Demands, MacKey, RequestCtx, Scope, VerifierConfig, Workspace,
    compat, verify_token, verify_token_in,
};

const NOW_UNIX_S: u64 = 1_762_700_000;

fn key() -> MacKey {
    MacKey::new([7; 32])
}

fn ctx() -> RequestCtx<'static> {
    RequestCtx::new(NOW_UNIX_S, "GET", "/index/1", "acme").content_len(10).peer_ip(IpAddr::from([10, 1, 2, 3]))
}

fn minted(tid: &str, scope: Scope, caveats: impl IntoIterator<Item = Caveat>) -> String {
    CapabilityBuilder::new(tid, "k", scope).caveats(caveats).sign(&key()).unwrap().to_base64url()
}

fn with(caveat: Caveat) -> String {
    minted("acme", Scope::new("/index/", ["GET"]), [caveat])
}

/// The codes that a token comes to: of its error or of its reasons, owned and borrowed.
#[track_caller]
fn codes(config: &VerifierConfig, token: &str) -> Vec<&'static str> {
    let owned = match verify_token(config, token, &ctx(), &key()) {
        Ok(Decision::Allow { .. }) => vec![],
        Ok(Decision::Deny { reasons }) => reasons.iter().map(|reason| reason.code()).collect(),
        Err(error) => vec![error.code()],
    };
    let mut workspace = Workspace::default();
    let borrowed = match verify_token_in(config, token, &ctx(), &key(), &mut workspace) {
        Ok(ron_auth::Verdict::Allow { .. }) => vec![],
        Ok(ron_auth::Verdict::Deny { reasons }) => reasons.iter().map(|reason| reason.code()).collect(),
        Err(error) => vec![error.code()],
    };
    assert_eq!(owned, borrowed);
    owned
}

#[test]
fn each_error_has_its_code() {
    let config = VerifierConfig::default();
    let good = with(Caveat::Exp(NOW_UNIX_S));
    assert_eq!(codes(&config, &good), [""; 0]);
    let forged = CapabilityBuilder::new("acme", "k", Scope::default()).sign(&MacKey::new([8; 32])).unwrap();
    for (token, code) in [
        ("A".repeat(5463), "parse.bounds"),
        (minted("acme", Scope::default(), (0..65).map(Caveat::Exp)), "parse.bounds"),
        (format!("{good}="), "parse.b64"),
        (String::new(), "parse.cbor"),
        (forged.to_base64url(), "mac.mismatch"),
        (with(Caveat::Exp(1)), "caveat.exp"),
        (with(Caveat::Nbf(u64::MAX)), "caveat.nbf"),
    ] {
        assert_eq!(codes(&config, &token), [code], "{token}");
    }
    let no_keys = ron_auth::KeyRing::new();
    assert_eq!(verify_token(&config, &good, &ctx(), &no_keys).unwrap_err().code(), "kid.unknown");
}

#[test]
fn each_reason_has_its_code_and_the_scope_has_its_own() {
    let text = String::from;
    let custom = |ns: &str| Caveat::Custom { ns: ns.into(), name: "paid".into(), cbor: vec![0xf5] };
    let config = VerifierConfig::default()
        .with_custom_handler("plan", |_: &CustomCaveat<'_>, _: &RequestCtx<'_>| Err("plan_not_paid".into()));
    for (token, code) in [
        (minted("globex", Scope::new("/index/", ["GET"]), []), "tenant.mismatch"),
        (minted("acme", Scope::new("/index/", ["PUT"]), []), "caveat.method"),
        (minted("acme", Scope::new("/other/", ["GET"]), []), "caveat.path"),
        (minted("acme", Scope::new("/index/", ["GET"]).with_max_bytes(9), []), "caveat.bytes"),
        (with(Caveat::Aud(text("billing"))), "caveat.aud"),
        (with(Caveat::methods(["PUT"])), "caveat.method"),
        (with(Caveat::PathPrefix(text("/other/"))), "caveat.path"),
        (with(Caveat::IpCidr(text("11.0.0.0/8"))), "caveat.ip"),
        (with(Caveat::BytesLe(9)), "caveat.bytes"),
        (with(Caveat::Tenant(text("globex"))), "caveat.tenant"),
        (with(Caveat::Amnesia(true)), "caveat.amnesia"),
        (with(Caveat::GovPolicyDigest(text("00ff"))), "caveat.policy_digest"),
        (with(custom("legacy")), "caveat.custom.unknown"),
        (with(custom("plan")), "caveat.custom.failed"),
    ] {
        assert_eq!(codes(&config, &token), [code]);
    }
}

#[test]
fn each_demand_has_its_code_under_both_semantics() {
    let all = ron_auth::CaveatKind::ALL.iter().fold(Demands::default(), |demands, &kind| demands.caveat(kind));
    let all = all.max_lifetime_secs(60).audience();
    let token = minted("acme", Scope::new("/index/", ["GET"]), []);
    for config in [VerifierConfig::default(), compat::config()] {
        assert_eq!(codes(&config, &token), [""; 0]);
        assert_eq!(
            codes(&config.with_demands(all), &token),
            [
                "demand.missing.exp",
                "demand.missing.nbf",
                "demand.missing.aud",
                "demand.missing.method",
                "demand.missing.path",
                "demand.missing.ip",
                "demand.missing.bytes",
                "demand.missing.rate",
                "demand.missing.tenant",
                "demand.missing.amnesia",
                "demand.missing.policy_digest",
                "demand.missing.custom",
                "demand.lifetime",
                "demand.audience",
            ]
        );
    }
}

#[test]
fn no_handler_and_no_token_can_imitate_another_reason() {
    let table = include_str!("../CODES.md");
    let codes_and_variants =
        table.lines().filter(|line| line.starts_with("| `")).flat_map(|row| row.split('`').skip(1).step_by(2).take(2));
    let mut said: Vec<&'static str> = codes_and_variants.collect();
    assert!(said.len() > 60);
    said.extend(["amnesia_mismatch", "gov_policy_digest_mismatch", "unhandled:plan/paid", "BadAudience", ""]);
    for reason in said {
        let config = VerifierConfig::default()
            .with_custom_handler("plan", move |_: &CustomCaveat<'_>, _: &RequestCtx<'_>| Err(reason.into()));
        let named = |ns: &str| with(Caveat::Custom { ns: ns.into(), name: reason.into(), cbor: vec![0xf5] });
        assert_eq!(codes(&config, &named("plan")), ["caveat.custom.failed"], "{reason}");
        assert_eq!(codes(&config, &named("other")), ["caveat.custom.unknown"], "{reason}");
    }
}
