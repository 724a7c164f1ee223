//! What a configuration may demand of every token: each demand, met and not, under both semantics, by both evaluators
//! and every function.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "a surprise stops a test")]

use std::net::IpAddr;

use ron_auth::{
    AuthError, CapabilityBuilder, Caveat, CaveatKind, CustomCaveat, Decision, Demands, DenyReason, MacKey, Rate,
    RequestCtx, Scope, Semantics, VerifierConfig, Workspace, verify_each, verify_each_in, verify_many, verify_token,
    verify_token_in,
};

const NOW_UNIX_S: u64 = 1_762_700_000;
const US: &str = "search";

fn key() -> MacKey {
    MacKey::new([7; 32])
}

/// A request whose audience is the policy digest as well, so that `Aud` comes to the same under both semantics.
fn ctx() -> RequestCtx<'static> {
    RequestCtx::new(NOW_UNIX_S, "GET", "/index/1", "acme")
        .audience(US)
        .policy_digest(US)
        .content_len(10)
        .peer_ip(IpAddr::from([10, 1, 2, 3]))
}

/// A caveat of each kind, all of which hold.
fn one_of_each() -> Vec<Caveat> {
    vec![
        Caveat::Exp(NOW_UNIX_S + 600),
        Caveat::Nbf(NOW_UNIX_S),
        Caveat::Aud(US.into()),
        Caveat::methods(["GET"]),
        Caveat::PathPrefix("/index/".into()),
        Caveat::IpCidr("10.0.0.0/8".into()),
        Caveat::BytesLe(10),
        Caveat::Rate(Rate { per_s: 1, burst: 1 }),
        Caveat::Tenant("acme".into()),
        Caveat::Amnesia(false),
        Caveat::GovPolicyDigest(US.into()),
        Caveat::Custom { ns: "plan".into(), name: "paid".into(), cbor: vec![0xf5] },
    ]
}

fn minted(scope: &Scope, caveats: &[Caveat]) -> String {
    let token = CapabilityBuilder::new("acme", "k", scope.clone()).caveats(caveats.iter().cloned());
    token.sign(&key()).unwrap().to_base64url()
}

fn scope() -> Scope {
    Scope::new("/index/", ["GET"])
}

/// What a token comes to, once all functions and both evaluators have come to the same.
#[track_caller]
fn judge(
    semantics: Semantics,
    demands: Demands,
    token: &str,
    ctx: &RequestCtx<'_>,
) -> Result<Vec<DenyReason>, AuthError> {
    let config = VerifierConfig::default()
        .with_semantics(semantics)
        .with_demands(demands)
        .with_custom_handler("plan", |_: &CustomCaveat<'_>, _: &RequestCtx<'_>| Ok(()));
    let expected = verify_token(&config, token, ctx, &key());
    for soa_threshold in [0, usize::MAX] {
        let mut config = config.clone();
        config.soa_threshold = soa_threshold;
        let batch = [token; 5];
        assert_eq!(verify_token(&config, token, ctx, &key()), expected);
        assert!(verify_each(&config, &batch, ctx, &key()).iter().all(|result| *result == expected));
        let many = verify_many(&config, &batch, ctx, &key()).map_err(AuthError::from);
        assert_eq!(many, expected.clone().map(|decision| vec![decision; 5]));
        let mut workspace = Workspace::default();
        let verdict = verify_token_in(&config, token, ctx, &key(), &mut workspace);
        assert_eq!(verdict.map(|verdict| verdict.to_decision()), expected);
        verify_each_in(&config, &batch, ctx, &key(), &mut workspace, |_, verdict| {
            assert_eq!(verdict.map(|verdict| verdict.to_decision()), expected);
        });
    }
    expected.map(|decision| match decision {
        Decision::Allow { .. } => Vec::new(),
        Decision::Deny { reasons } => {
            assert!(!reasons.is_empty());
            reasons
        }
    })
}

#[track_caller]
fn assert_both(demands: Demands, caveats: &[Caveat], ctx: &RequestCtx<'_>, reasons: &[DenyReason]) {
    for semantics in [Semantics::Strict, Semantics::Compat] {
        let judged = judge(semantics, demands, &minted(&scope(), caveats), ctx);
        assert_eq!(judged.as_deref(), Ok(reasons), "{semantics:?} {demands:?} {caveats:?}");
    }
}

#[test]
fn nothing_is_demanded_by_default() {
    assert_eq!(VerifierConfig::default().demands, Demands::default());
    assert_eq!(ron_auth::compat::config().demands, Demands::default());
    assert_both(Demands::default(), &[], &ctx(), &[]);
    assert_both(Demands::default(), &[Caveat::Exp(u64::MAX)], &ctx(), &[]);
}

#[test]
fn each_kind_can_be_demanded_and_only_that_kind_meets_it() {
    let each = one_of_each();
    assert_eq!(each.len(), CaveatKind::ALL.len());
    for (place, &kind) in CaveatKind::ALL.iter().enumerate() {
        let demands = Demands::default().caveat(kind);
        let others: Vec<Caveat> =
            each.iter().enumerate().filter(|(index, _)| *index != place).map(|(_, caveat)| caveat.clone()).collect();
        let missing = [DenyReason::MissingCaveat(kind)];
        assert_both(demands, &each, &ctx(), &[]);
        assert_both(demands, &each[place..=place], &ctx(), &[]);
        assert_both(demands, &others, &ctx(), &missing);
        assert_both(demands, &[], &ctx(), &missing);
        assert!(missing[0].code().starts_with("demand.missing."));
    }
}

#[test]
fn a_caveat_that_is_there_and_does_not_hold_is_not_missing() {
    let demands = Demands::default().caveat(CaveatKind::Tenant);
    assert_both(demands, &[Caveat::Tenant("other".into())], &ctx(), &[DenyReason::TenantMismatch]);
}

#[test]
fn a_lifetime_is_counted_from_the_request_to_the_earliest_exp() {
    let (fine, too_long): (&[_], &[_]) = (&[], &[DenyReason::LifetimeExceeded]);
    let within = Demands::default().max_lifetime_secs(3600);
    let exp = |from_now_s: u64| Caveat::Exp(NOW_UNIX_S + from_now_s);
    for (caveats, reasons) in [
        (vec![exp(0)], fine),
        (vec![exp(3600)], fine),
        (vec![exp(3601)], too_long),
        (vec![exp(3601), exp(3600)], fine),
        (vec![exp(3600), exp(3601)], fine),
        (vec![exp(3601), exp(3602)], too_long),
        (vec![Caveat::Exp(NOW_UNIX_S * 1000)], too_long),
        (vec![Caveat::Exp(u64::MAX)], too_long),
        (vec![], too_long),
        (vec![Caveat::Nbf(NOW_UNIX_S)], too_long),
    ] {
        assert_both(within, &caveats, &ctx(), reasons);
    }
    // Sums saturate, and what never expires is longer than the longest.
    let any = Demands::default().max_lifetime_secs(u64::MAX);
    assert_both(any, &[Caveat::Exp(u64::MAX)], &ctx(), &[]);
    assert_both(any, &[], &ctx(), too_long);
    let none = Demands::default().max_lifetime_secs(0);
    assert_both(none, &[exp(0)], &ctx(), &[]);
    assert_both(none, &[exp(1)], &ctx(), too_long);
}

#[test]
fn the_audience_must_be_named_and_neither_unknown_nor_empty() {
    let not_named = [DenyReason::AudienceNotNamed];
    let bad_too = [DenyReason::AudienceNotNamed, DenyReason::BadAudience];
    let demands = Demands::default().audience();
    let aud = |name: &str| Caveat::Aud(name.into());
    assert_both(demands, &[aud(US)], &ctx(), &[]);
    assert_both(demands, &[aud(US), aud(US)], &ctx(), &[]);
    assert_both(demands, &[], &ctx(), &not_named);
    assert_both(demands, &[aud("billing")], &ctx(), &bad_too);
    assert_both(demands, &[aud("Search")], &ctx(), &bad_too);
    assert_both(demands, &[aud("")], &ctx(), &bad_too);
    // Named, but for another as well: both must hold.
    assert_both(demands, &[aud("billing"), aud(US)], &ctx(), &[DenyReason::BadAudience]);

    let empty = ctx().audience("").policy_digest("");
    assert_both(demands, &[aud("")], &empty, &not_named);
    assert_both(Demands::default(), &[aud("")], &empty, &[]);

    let unknown = RequestCtx::new(NOW_UNIX_S, "GET", "/index/1", "acme").policy_digest(US);
    let token = minted(&scope(), &[aud(US)]);
    assert_eq!(judge(Semantics::Strict, demands, &token, &unknown).as_deref(), Ok(&bad_too[..]));
    assert_eq!(judge(Semantics::Compat, demands, &token, &unknown).as_deref(), Ok(&not_named[..]));
}

#[test]
fn reasons_come_in_order_token_demands_caveats() {
    let demands = CaveatKind::ALL
        .iter()
        .rev()
        .fold(Demands::default().audience().max_lifetime_secs(60), |demands, &kind| demands.caveat(kind));
    let caveats = [Caveat::Tenant("other".into()), Caveat::IpCidr("11.0.0.0/8".into())];
    let missing = CaveatKind::ALL
        .iter()
        .filter(|kind| !matches!(kind, CaveatKind::Tenant | CaveatKind::IpCidr))
        .map(|&kind| DenyReason::MissingCaveat(kind));
    let mut of_both: Vec<DenyReason> = missing.collect();
    of_both.extend([
        DenyReason::LifetimeExceeded,
        DenyReason::AudienceNotNamed,
        DenyReason::TenantMismatch,
        DenyReason::IpNotAllowed,
    ]);
    let mut strict = vec![
        DenyReason::TidMismatch,
        DenyReason::MethodNotAllowed,
        DenyReason::PathNotAllowed,
        DenyReason::BytesExceed,
    ];
    strict.extend(of_both.iter().cloned());

    let narrow = Scope::new("/other", ["PUT"]).with_max_bytes(1);
    let token = CapabilityBuilder::new("globex", "k", narrow).caveats(caveats).sign(&key()).unwrap().to_base64url();
    assert_eq!(judge(Semantics::Strict, demands, &token, &ctx()), Ok(strict));
    assert_eq!(judge(Semantics::Compat, demands, &token, &ctx()), Ok(of_both));
}

#[test]
fn a_hard_error_wins_over_what_is_demanded() {
    let demands = Demands::default().caveat(CaveatKind::Tenant).max_lifetime_secs(1).audience();
    for semantics in [Semantics::Strict, Semantics::Compat] {
        let judge = |caveat| judge(semantics, demands, &minted(&scope(), &[caveat]), &ctx());
        assert_eq!(judge(Caveat::Exp(1)), Err(AuthError::Expired));
        assert_eq!(judge(Caveat::Nbf(u64::MAX)), Err(AuthError::NotYetValid));
    }
}

#[test]
fn what_is_met_leaves_obligations_as_they_are() {
    let demands = CaveatKind::ALL
        .iter()
        .fold(Demands::default().audience().max_lifetime_secs(600), |demands, &kind| demands.caveat(kind));
    let config = VerifierConfig::default()
        .with_demands(demands)
        .with_custom_handler("plan", |_: &CustomCaveat<'_>, _: &RequestCtx<'_>| Ok(()));
    let allow = Decision::Allow { scope: scope(), obligations: vec![Rate { per_s: 1, burst: 1 }] };
    assert_eq!(verify_token(&config, &minted(&scope(), &one_of_each()), &ctx(), &key()), Ok(allow));
}

#[test]
fn demands_are_shown_by_name() {
    let demands = Demands::default().caveat(CaveatKind::Aud).caveat(CaveatKind::Exp).max_lifetime_secs(60);
    assert_eq!(format!("{demands:?}"), "Demands { caveats: [Exp, Aud], max_lifetime_secs: Some(60), audience: false }");
    assert!(format!("{:?}", VerifierConfig::default().with_demands(demands)).contains("caveats: [Exp, Aud]"));
}
