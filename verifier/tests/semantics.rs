//! Every row of the table in docs/WIRE.md, strict and compat, through the public API.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "a surprise stops a test")]

use std::net::IpAddr;

use ron_auth::{
    AuthError, CapabilityBuilder, Caveat, CustomCaveat, Decision, DenyReason, MacKey, Rate, RequestCtx, Scope,
    Semantics, VerifierConfig, verify_token,
};

const NOW_UNIX_S: u64 = 1_762_700_000;

fn key() -> MacKey {
    MacKey::new([7; 32])
}

/// A scope that permits every request here.
fn wide() -> Scope {
    Scope { prefix: None, methods: vec!["GET".into(), "POST".into()], max_bytes: None }
}

fn ctx() -> RequestCtx<'static> {
    RequestCtx::new(NOW_UNIX_S, "GET", "/index/1", "acme")
}

fn judge(
    semantics: Semantics,
    scope: Scope,
    caveats: impl IntoIterator<Item = Caveat>,
    ctx: &RequestCtx<'_>,
) -> Result<Decision, AuthError> {
    let token = CapabilityBuilder::new("acme", "k", scope).caveats(caveats).sign(&key()).unwrap().to_base64url();
    verify_token(&VerifierConfig::default().with_semantics(semantics), &token, ctx, &key())
}

/// Asserts what one caveat comes to under both semantics: `None` allows.
#[track_caller]
fn assert_rows(caveat: Caveat, ctx: &RequestCtx<'_>, strict: Option<DenyReason>, compat: Option<DenyReason>) {
    for (semantics, reason) in [(Semantics::Strict, strict), (Semantics::Compat, compat)] {
        let expected = match reason {
            None => Decision::Allow { scope: wide(), obligations: vec![] },
            Some(reason) => Decision::Deny { reasons: vec![reason] },
        };
        assert_eq!(judge(semantics, wide(), [caveat.clone()], ctx), Ok(expected), "{semantics:?} {caveat:?}");
    }
}

fn assert_both(caveat: Caveat, ctx: &RequestCtx<'_>, reason: Option<DenyReason>) {
    assert_rows(caveat, ctx, reason.clone(), reason);
}

#[test]
fn exp_and_nbf_hold_within_the_skew_and_fail_hard_beyond_it() {
    let skew_s = 60;
    for semantics in [Semantics::Strict, Semantics::Compat] {
        let judge = |caveat, now| judge(semantics, wide(), [caveat], &RequestCtx::new(now, "GET", "/", "acme"));
        assert!(judge(Caveat::Exp(NOW_UNIX_S), NOW_UNIX_S + skew_s).is_ok());
        assert_eq!(judge(Caveat::Exp(NOW_UNIX_S), NOW_UNIX_S + skew_s + 1), Err(AuthError::Expired));
        assert!(judge(Caveat::Nbf(NOW_UNIX_S), NOW_UNIX_S - skew_s).is_ok());
        assert_eq!(judge(Caveat::Nbf(NOW_UNIX_S), NOW_UNIX_S - skew_s - 1), Err(AuthError::NotYetValid));
        assert!(judge(Caveat::Exp(u64::MAX), u64::MAX).is_ok(), "sums saturate");
        assert!(judge(Caveat::Nbf(u64::MAX), u64::MAX - 1).is_ok(), "sums saturate");
        assert_eq!(judge(Caveat::Exp(0), u64::MAX), Err(AuthError::Expired));
    }
}

#[test]
fn aud_is_the_audience_and_under_compat_the_policy_digest() {
    let caveat = || Caveat::Aud("us".into());
    let bad = || Some(DenyReason::BadAudience);
    assert_rows(caveat(), &ctx().audience("us"), None, bad());
    assert_rows(caveat(), &ctx().policy_digest("us"), bad(), None);
    assert_rows(caveat(), &ctx().audience("them").policy_digest("them"), bad(), bad());
    assert_rows(caveat(), &ctx(), bad(), bad());
}

#[test]
fn gov_policy_digest_must_be_the_digest_in_force() {
    let caveat = || Caveat::GovPolicyDigest("00ff".into());
    assert_both(caveat(), &ctx().policy_digest("00ff"), None);
    assert_both(caveat(), &ctx().policy_digest("00FF"), Some(DenyReason::GovPolicyDigestMismatch));
    assert_both(caveat(), &ctx(), Some(DenyReason::GovPolicyDigestMismatch));
}

#[test]
fn method_is_one_of_without_regard_to_ascii_case() {
    let caveat = |names: &[&str]| Caveat::methods(names.iter().map(ToString::to_string));
    assert_both(caveat(&["POST", "get"]), &ctx(), None);
    let purging = RequestCtx::new(NOW_UNIX_S, "x-Purge", "/", "acme");
    let scope = Scope { methods: vec!["x-purge".into()], ..wide() };
    assert!(judge(Semantics::Strict, scope, [caveat(&["X-PURGE"])], &purging).is_ok_and(|d| d.is_allow()));
    assert_both(caveat(&["POST"]), &ctx(), Some(DenyReason::MethodNotAllowed));
    assert_both(caveat(&[]), &ctx(), Some(DenyReason::MethodNotAllowed));
}

#[test]
fn path_prefix_ends_at_a_segment_only_when_strict() {
    let no = || Some(DenyReason::PathNotAllowed);
    let at = |path| RequestCtx::new(NOW_UNIX_S, "GET", path, "acme");
    for (prefix, path, strict, compat) in [
        ("/index", "/index", None, None),
        ("/index", "/index/1", None, None),
        ("/index/", "/index/1", None, None),
        ("/index", "/index-admin", no(), None),
        ("/index/", "/index", no(), no()),
        ("/other", "/index", no(), no()),
        ("/index/", "/index/../secret", no(), None),
        ("/index/", "/index/./1", no(), None),
        ("/index/", "/index//1", no(), None),
        ("/index/", "/index/%2E%2e/1", no(), None),
        ("/index/", "/index%2fx/1", no(), no()),
        ("/index/", "/index/a%2Fb", no(), None),
        ("/index/", "/index/..b", None, None),
    ] {
        assert_rows(Caveat::PathPrefix(prefix.into()), &at(path), strict, compat);
    }
}

#[test]
fn ip_cidr_has_one_spelling_and_sees_through_mapped_addresses_only_when_strict() {
    let no = || Some(DenyReason::IpNotAllowed);
    let from = |peer: &str| ctx().peer_ip(peer.parse::<IpAddr>().unwrap());
    for (net, peer, strict, compat) in [
        ("10.0.0.0/8", "10.1.2.3", None, None),
        ("10.0.0.0/8", "11.1.2.3", no(), no()),
        ("10.0.0.0/8", "::ffff:10.1.2.3", None, no()),
        ("10.0.0.1/8", "10.1.2.3", no(), None),
        ("2001:db8::/32", "2001:db8::7", None, None),
        ("2001:DB8::/32", "2001:db8::7", no(), None),
        ("10.0.0.0", "10.0.0.0", no(), no()),
        ("not a net", "10.0.0.0", no(), no()),
    ] {
        assert_rows(Caveat::IpCidr(net.into()), &from(peer), strict, compat);
    }
    assert_both(Caveat::IpCidr("0.0.0.0/0".into()), &ctx(), no());
}

#[test]
fn bytes_le_wants_a_known_length_only_when_strict() {
    let no = || Some(DenyReason::BytesExceed);
    assert_both(Caveat::BytesLe(24), &ctx().content_len(24), None);
    assert_both(Caveat::BytesLe(24), &ctx().content_len(25), no());
    assert_rows(Caveat::BytesLe(24), &ctx(), no(), None);
}

#[test]
fn rate_obliges_only_when_strict() {
    let rate = |per_s| Rate { per_s, burst: 9 };
    let caveats = || [Caveat::Rate(rate(2)), Caveat::Exp(u64::MAX), Caveat::Rate(rate(1)), Caveat::Rate(rate(3))];
    let obligations = vec![rate(2), rate(1), rate(3)];
    let allow = |obligations| Ok(Decision::Allow { scope: wide(), obligations });
    assert_eq!(judge(Semantics::Strict, wide(), caveats(), &ctx()), allow(obligations));
    assert_eq!(judge(Semantics::Compat, wide(), caveats(), &ctx()), allow(vec![]));
}

#[test]
fn tenant_and_amnesia_must_equal_the_requests() {
    assert_both(Caveat::Tenant("acme".into()), &ctx(), None);
    assert_both(Caveat::Tenant("ACME".into()), &ctx(), Some(DenyReason::TenantMismatch));
    assert_both(Caveat::Amnesia(false), &ctx(), None);
    assert_both(Caveat::Amnesia(true), &ctx(), Some(DenyReason::AmnesiaMismatch));
    assert_both(Caveat::Amnesia(true), &ctx().amnesia(true), None);
}

#[test]
fn custom_is_for_a_handler_and_ignored_under_compat() {
    let caveat = |name: &str| Caveat::Custom { ns: "plan".into(), name: name.into(), cbor: vec![0xf5] };
    let unhandled = DenyReason::Unhandled { ns: "plan".into(), name: "paid".into() };
    assert_rows(caveat("paid"), &ctx(), Some(unhandled), None);

    let config =
        VerifierConfig::default().with_custom_handler("plan", |caveat: &CustomCaveat<'_>, ctx: &RequestCtx<'_>| {
            assert_eq!((caveat.ns(), caveat.cbor(), ctx.tenant()), ("plan", &[0xf5][..], "acme"));
            if caveat.name() == "paid" { Ok(()) } else { Err("no_such_plan".into()) }
        });
    for (name, expected) in [
        ("paid", Decision::Allow { scope: wide(), obligations: vec![] }),
        ("free", Decision::Deny { reasons: vec![DenyReason::Custom("no_such_plan".into())] }),
    ] {
        let token = CapabilityBuilder::new("acme", "k", wide()).caveat(caveat(name)).sign(&key()).unwrap();
        assert_eq!(verify_token(&config, &token.to_base64url(), &ctx(), &key()), Ok(expected));
    }
}

#[test]
fn the_scope_is_enforced_only_when_strict() {
    let scope = |prefix: &str, methods: &[&str], max_bytes| Scope {
        prefix: Some(prefix.into()),
        methods: methods.iter().map(|name| name.to_string().into()).collect(),
        max_bytes,
    };
    let sized = ctx().content_len(10);
    for (scope, reasons) in [
        (scope("/index", &["get"], Some(10)), vec![]),
        (scope("/inde", &["GET"], None), vec![DenyReason::PathNotAllowed]),
        (scope("/index/", &["POST"], None), vec![DenyReason::MethodNotAllowed]),
        (scope("/index/", &[], None), vec![DenyReason::MethodNotAllowed]),
        (scope("/index/", &["GET"], Some(9)), vec![DenyReason::BytesExceed]),
        (
            scope("/x", &["PUT"], Some(9)),
            vec![DenyReason::MethodNotAllowed, DenyReason::PathNotAllowed, DenyReason::BytesExceed],
        ),
    ] {
        let allow = Decision::Allow { scope: scope.clone(), obligations: vec![] };
        let strict = if reasons.is_empty() { allow.clone() } else { Decision::Deny { reasons } };
        assert_eq!(judge(Semantics::Strict, scope.clone(), [], &sized), Ok(strict));
        assert_eq!(judge(Semantics::Compat, scope, [], &sized), Ok(allow));
    }
}

#[test]
fn the_tenant_namespace_must_be_the_requests_tenant_only_when_strict() {
    let ctx = RequestCtx::new(NOW_UNIX_S, "GET", "/", "other");
    let denied = Decision::Deny { reasons: vec![DenyReason::TidMismatch] };
    assert_eq!(judge(Semantics::Strict, wide(), [], &ctx), Ok(denied));
    assert!(judge(Semantics::Compat, wide(), [], &ctx).is_ok_and(|decision| decision.is_allow()));
}

#[test]
fn reasons_are_listed_scope_first_then_in_token_order() {
    let caveats = [Caveat::Tenant("other".into()), Caveat::Aud("other".into()), Caveat::Tenant("third".into())];
    let scope = Scope { methods: vec![], ..wide() };
    let reasons = vec![
        DenyReason::MethodNotAllowed,
        DenyReason::TenantMismatch,
        DenyReason::BadAudience,
        DenyReason::TenantMismatch,
    ];
    assert_eq!(judge(Semantics::Strict, scope, caveats, &ctx()), Ok(Decision::Deny { reasons }));
}

#[test]
fn the_first_hard_error_in_token_order_wins_over_any_reason() {
    let (expired, early) = (Caveat::Exp(1), Caveat::Nbf(u64::MAX));
    let denying = Caveat::Tenant("other".into());
    for semantics in [Semantics::Strict, Semantics::Compat] {
        let judge = |caveats: [&Caveat; 3]| judge(semantics, wide(), caveats.into_iter().cloned(), &ctx());
        assert_eq!(judge([&denying, &expired, &early]), Err(AuthError::Expired));
        assert_eq!(judge([&denying, &early, &expired]), Err(AuthError::NotYetValid));
    }
}
