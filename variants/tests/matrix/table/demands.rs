//! Class 74: tokens that lack what a configuration demands of every token, under both semantics.

use ron_auth_core::{AuthError, Caveat, CaveatKind, Demands, DenyReason, Rate, RequestCtx, Scope, Semantics};

use super::token::{minted, minted_for, wide};
use super::{NOW_UNIX_S, Setting, config, ctx, reasons};

pub fn fill(settings: &mut Vec<Setting>) {
    for semantics in [Semantics::Strict, Semantics::Compat] {
        let demanding = |name: &str, demands: Demands, ctx: RequestCtx<'static>| {
            Setting::new(
                format!("{name}, {semantics:?}"),
                config().with_semantics(semantics).with_demands(demands),
                ctx,
            )
        };
        for kind in CaveatKind::ALL {
            let mut setting = demanding(&format!("{kind:?}"), Demands::default().caveat(*kind), known());
            kinds(&mut setting, *kind, semantics);
            settings.push(setting);
        }
        let mut lifetime = demanding("a lifetime", Demands::default().max_lifetime_secs(600), known());
        lifetimes(&mut lifetime);
        settings.push(lifetime);
        for (name, ctx, ours) in [
            ("an audience", known(), Some("us")),
            ("an audience that is empty", known().audience("").policy_digest(""), Some("")),
            ("an audience that is unknown", RequestCtx::new(NOW_UNIX_S, "GET", "/", "acme").policy_digest("us"), None),
        ] {
            let mut setting = demanding(name, Demands::default().audience(), ctx);
            audiences(&mut setting, ours, semantics);
            settings.push(setting);
        }
    }
    let everything = CaveatKind::ALL.iter().fold(Demands::default(), |demands, kind| demands.caveat(*kind));
    let config = config().with_demands(everything.max_lifetime_secs(0).audience());
    let mut setting = Setting::new("everything demanded", config, ctx());
    order(&mut setting);
    settings.push(setting);
}

/// A request whose audience is the policy digest as well, so that `Aud` comes to the same under both semantics.
fn known() -> RequestCtx<'static> {
    ctx().policy_digest("us")
}

/// A caveat of each kind, all of which hold.
fn one_of_each() -> Vec<Caveat> {
    vec![
        Caveat::Exp(NOW_UNIX_S),
        Caveat::Nbf(NOW_UNIX_S),
        Caveat::Aud("us".into()),
        Caveat::methods(["GET"]),
        Caveat::PathPrefix("/index".into()),
        Caveat::IpCidr("10.0.0.0/8".into()),
        Caveat::BytesLe(24),
        Caveat::Rate(Rate { per_s: 1, burst: 2 }),
        Caveat::Tenant("acme".into()),
        Caveat::Amnesia(false),
        Caveat::GovPolicyDigest("us".into()),
        Caveat::Custom { ns: "any".into(), name: String::new(), cbor: vec![0xf6] },
    ]
}

fn kinds(setting: &mut Setting, kind: CaveatKind, semantics: Semantics) {
    let rates = |caveats: &[Caveat]| -> Vec<Rate> {
        let rates =
            caveats.iter().filter_map(|caveat| if let Caveat::Rate(rate) = caveat { Some(*rate) } else { None });
        if semantics == Semantics::Strict { rates.collect() } else { Vec::new() }
    };
    let all = one_of_each();
    setting.allows_obliged(74, "one of each kind", minted(&wide(), all.clone()), &wide(), rates(&all));
    setting.denies(74, "none", minted(&wide(), []), [DenyReason::MissingCaveat(kind)]);
    for (place, own) in CaveatKind::ALL.iter().enumerate() {
        let alone = &all[place..=place];
        let (name, token) = (format!("{own:?} alone"), minted(&wide(), alone.to_vec()));
        if *own == kind {
            setting.allows_obliged(74, name, token, &wide(), rates(alone));
            let mut others = all.clone();
            others.remove(place);
            setting.denies(74, "all others", minted(&wide(), others), [DenyReason::MissingCaveat(kind)]);
        } else {
            setting.denies(74, name, token, [DenyReason::MissingCaveat(kind)]);
        }
    }
}

fn lifetimes(setting: &mut Setting) {
    let exp = |after: u64| Caveat::Exp(NOW_UNIX_S.saturating_add(after));
    for (caveats, held) in [
        (vec![], false),
        (vec![Caveat::Nbf(NOW_UNIX_S)], false),
        (vec![exp(0)], true),
        (vec![exp(600)], true),
        (vec![exp(601)], false),
        (vec![exp(u64::MAX)], false),
        (vec![Caveat::Exp(NOW_UNIX_S * 1000)], false),
        (vec![exp(601), exp(600)], true),
        (vec![exp(600), exp(u64::MAX)], true),
        (vec![exp(601), exp(601)], false),
    ] {
        let (name, token) = (format!("{caveats:?}"), minted(&wide(), caveats));
        if held {
            setting.allows(74, name, token, &wide());
        } else {
            setting.denies(74, name, token, [DenyReason::LifetimeExceeded]);
        }
    }
}

fn audiences(setting: &mut Setting, ours: Option<&str>, semantics: Semantics) {
    let aud = |name: &str| Caveat::Aud(name.into());
    for (names, named) in [
        (&[][..], false),
        (&["us"], true),
        (&["them"], false),
        (&["US"], false),
        (&[""], false),
        (&["us", "us"], true),
        (&["us", "them"], true),
        (&["them", "us"], true),
    ] {
        let token = minted(&wide(), names.iter().map(|name| aud(name)));
        // By strict semantics what is unknown is nothing's equal; by compat the digest is what counts.
        let held = |name: &&&str| match ours {
            Some(ours) => **name == ours,
            None => semantics == Semantics::Compat && **name == "us",
        };
        let mut reasons = if named && ours == Some("us") { vec![] } else { vec![DenyReason::AudienceNotNamed] };
        reasons.extend(names.iter().filter(|name| !held(name)).map(|_| reasons::aud()));
        let name = format!("{names:?}");
        if reasons.is_empty() {
            setting.allows(74, name, token, &wide());
        } else {
            setting.denies(74, name, token, reasons);
        }
    }
}

/// Demands come after the scope and before the caveats, and an error before all of them.
fn order(setting: &mut Setting) {
    let missing = |present: &[CaveatKind]| -> Vec<DenyReason> {
        let missing = CaveatKind::ALL.iter().filter(|kind| !present.contains(kind));
        missing.map(|kind| DenyReason::MissingCaveat(*kind)).collect()
    };
    let unmet = [DenyReason::LifetimeExceeded, DenyReason::AudienceNotNamed];
    setting.denies(74, "none", minted(&wide(), []), [missing(&[]), unmet.to_vec()].concat());
    let narrow = Scope { prefix: Some("/x".into()), methods: vec![], max_bytes: Some(23) };
    let caveats = [Caveat::Aud("them".into()), Caveat::Tenant("other".into())];
    let reasons = [
        vec![reasons::tid(), reasons::scope_methods(), reasons::scope_prefix(), reasons::scope_max_bytes()],
        missing(&[CaveatKind::Aud, CaveatKind::Tenant]),
        unmet.to_vec(),
        vec![reasons::aud(), reasons::tenant()],
    ];
    setting.denies(74, "nothing is right", minted_for("other", "k1", &narrow, caveats.clone()), reasons.concat());
    for (name, time, error) in
        [("expired", Caveat::Exp(1), AuthError::Expired), ("early", Caveat::Nbf(u64::MAX), AuthError::NotYetValid)]
    {
        let caveats = caveats.iter().cloned().chain([time]);
        setting.fails(74, format!("nothing is right, and {name}"), minted_for("other", "k1", &narrow, caveats), error);
    }
}
