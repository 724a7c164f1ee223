//! Why a token is allowed or not.

use super::*;

fn explained(caveats: impl IntoIterator<Item = Caveat>, config: &VerifierConfig, ctx: &RequestCtx<'_>) -> Explanation {
    explain(config, &minted(caveats).to_base64url(), ctx, &MacKey::new(KEY))
}

/// What the only caveat comes to, and why.
fn judged(caveat: Caveat, config: &VerifierConfig, ctx: &RequestCtx<'_>) -> (Judgement, String) {
    let explanation = explained([caveat], config, ctx);
    let condition = explanation.conditions().last().unwrap();
    assert!(matches!(condition.on(), Subject::Caveat { index: 0, .. }));
    (condition.judgement().clone(), condition.why().to_owned())
}

#[test]
fn each_caveat_is_explained_with_the_values_on_both_sides() {
    let strict = config();
    let bare = RequestCtx::new(NOW, "POST", "/index/docs", "acme");
    let full = ctx();
    let denies = |reason| Judgement::Denies(reason);
    let custom = |reason: &str| Judgement::Denies(DenyReason::Custom(reason.into()));
    let text = |text: &str| text.to_owned();
    let plan = |ns: &str, name: &str| Caveat::Custom { ns: ns.into(), name: name.into(), cbor: vec![0xf5] };
    let mapped = full.clone().peer_ip("::ffff:10.1.2.3".parse::<IpAddr>().unwrap());
    for (caveat, ctx, judgement, why) in [
        (
            Caveat::Exp(NOW + 600),
            &full,
            Judgement::Holds,
            "2025-11-09T15:03:20Z is 600 s (10 min) ahead (now 2025-11-09T14:53:20Z)",
        ),
        (
            Caveat::Exp(NOW - 60),
            &full,
            Judgement::Holds,
            "2025-11-09T14:52:20Z is 60 s past, within the skew of 60 s (now 2025-11-09T14:53:20Z)",
        ),
        (
            Caveat::Exp(NOW - 72),
            &full,
            Judgement::Refuses(AuthError::Expired),
            "2025-11-09T14:52:08Z is 12 s past the skew of 60 s (now 2025-11-09T14:53:20Z)",
        ),
        (
            Caveat::Exp(NOW * 1000),
            &full,
            Judgement::Holds,
            "1762700000000 s after 1970 (in milliseconds it would be 2025-11-09T14:53:20Z) is 1760937300000 s (20381218 days) ahead (now 2025-11-09T14:53:20Z)",
        ),
        (Caveat::Nbf(NOW - 5), &full, Judgement::Holds, "2025-11-09T14:53:15Z is 5 s past (now 2025-11-09T14:53:20Z)"),
        (
            Caveat::Nbf(NOW + 60),
            &full,
            Judgement::Holds,
            "2025-11-09T14:54:20Z is 60 s ahead, within the skew of 60 s (now 2025-11-09T14:53:20Z)",
        ),
        (
            Caveat::Nbf(NOW + 61),
            &full,
            Judgement::Refuses(AuthError::NotYetValid),
            "2025-11-09T14:54:21Z is 1 s beyond the skew of 60 s (now 2025-11-09T14:53:20Z)",
        ),
        (Caveat::Aud(text("search")), &full, Judgement::Holds, "\"search\" is this service's audience"),
        (
            Caveat::Aud(text("other")),
            &full,
            denies(DenyReason::BadAudience),
            "wants \"other\"; this service's audience is \"search\"",
        ),
        (
            Caveat::Aud(text("search")),
            &bare,
            denies(DenyReason::BadAudience),
            "wants \"search\"; this service's audience is unknown",
        ),
        (Caveat::methods(["get", "HEAD"]), &full, Judgement::Holds, "method \"GET\" is among \"get\", \"HEAD\""),
        (
            Caveat::methods(["GET", "HEAD"]),
            &bare,
            denies(DenyReason::MethodNotAllowed),
            "method \"POST\" is not among \"GET\", \"HEAD\"",
        ),
        (
            Caveat::methods([""; 0]),
            &bare,
            denies(DenyReason::MethodNotAllowed),
            "method \"POST\": the list is empty, which permits none",
        ),
        (
            Caveat::PathPrefix(text("/index")),
            &full,
            Judgement::Holds,
            "path \"/index/docs/42\" is \"/index\" or below it",
        ),
        (
            Caveat::PathPrefix(text("/index/d")),
            &full,
            denies(DenyReason::PathNotAllowed),
            "path \"/index/docs/42\" begins with \"/index/d\", but the prefix ends within a segment of it",
        ),
        (
            Caveat::PathPrefix(text("/admin")),
            &full,
            denies(DenyReason::PathNotAllowed),
            "path \"/index/docs/42\" does not begin with \"/admin\"",
        ),
        (Caveat::IpCidr(text("10.0.0.0/8")), &full, Judgement::Holds, "peer 10.1.2.3 is in \"10.0.0.0/8\""),
        (
            Caveat::IpCidr(text("10.0.0.0/8")),
            &mapped,
            Judgement::Holds,
            "peer ::ffff:10.1.2.3, judged as 10.1.2.3, is in \"10.0.0.0/8\"",
        ),
        (
            Caveat::IpCidr(text("192.0.2.0/24")),
            &full,
            denies(DenyReason::IpNotAllowed),
            "peer 10.1.2.3 is not in \"192.0.2.0/24\"",
        ),
        (
            Caveat::IpCidr(text("10.0.0.1/8")),
            &full,
            denies(DenyReason::IpNotAllowed),
            "peer 10.1.2.3: \"10.0.0.1/8\" has host bits set; the net is 10.0.0.0/8",
        ),
        (
            Caveat::IpCidr(text("2001:DB8::/32")),
            &full,
            denies(DenyReason::IpNotAllowed),
            "peer 10.1.2.3: \"2001:DB8::/32\" is not the canonical spelling, 2001:db8::/32",
        ),
        (
            Caveat::IpCidr(text("ten")),
            &full,
            denies(DenyReason::IpNotAllowed),
            "peer 10.1.2.3: \"ten\" is not a net in CIDR notation",
        ),
        (
            Caveat::IpCidr(text("10.0.0.0/8")),
            &bare,
            denies(DenyReason::IpNotAllowed),
            "wants a peer in \"10.0.0.0/8\"; the peer is unknown",
        ),
        (Caveat::BytesLe(1000), &full, Judgement::Holds, "at most 1000 bytes; the request has 1000 bytes"),
        (
            Caveat::BytesLe(999),
            &full,
            denies(DenyReason::BytesExceed),
            "at most 999 bytes; the request has 1000 bytes, 1 too many",
        ),
        (Caveat::BytesLe(1), &bare, denies(DenyReason::BytesExceed), "at most 1 byte; the request's length is unknown"),
        (
            Caveat::Rate(Rate { per_s: 5, burst: 9 }),
            &full,
            Judgement::Obliges(Rate { per_s: 5, burst: 9 }),
            "5 per second, 9 at once: for the caller's limiter to honour",
        ),
        (Caveat::Tenant(text("acme")), &full, Judgement::Holds, "\"acme\" is the request's tenant"),
        (
            Caveat::Tenant(text("other")),
            &full,
            denies(DenyReason::TenantMismatch),
            "wants \"other\"; the request's tenant is \"acme\"",
        ),
        (
            Caveat::Amnesia(true),
            &full,
            denies(DenyReason::AmnesiaMismatch),
            "wants amnesia true; this service's is false",
        ),
        (Caveat::GovPolicyDigest(text("b3:9f")), &full, Judgement::Holds, "\"b3:9f\" is the policy digest"),
        (
            Caveat::GovPolicyDigest(text("b3:9f")),
            &bare,
            denies(DenyReason::GovPolicyDigestMismatch),
            "wants \"b3:9f\"; the policy digest is unknown",
        ),
        (plan("plan", "paid"), &full, Judgement::Holds, "\"plan\"/\"paid\" with CBOR f5: its handler agrees"),
        (
            plan("plan", "free"),
            &full,
            custom("plan_not\npaid"),
            "\"plan\"/\"free\" with CBOR f5: its handler says \"plan_not\\npaid\"",
        ),
        (
            plan("other", "x"),
            &full,
            denies(DenyReason::Unhandled { ns: text("other"), name: text("x") }),
            "\"other\"/\"x\" with CBOR f5: no handler is registered for its namespace",
        ),
    ] {
        assert_eq!(judged(caveat, &strict, ctx), (judgement, why.to_owned()));
    }
}

#[test]
fn the_compat_semantics_are_explained_as_they_decide() {
    let compat = config().with_semantics(Semantics::Compat);
    let full = ctx();
    for (caveat, judgement, why) in [
        (
            Caveat::Aud("b3:9f".into()),
            Judgement::Holds,
            "\"b3:9f\" is the policy digest, which the compat semantics compare with Aud",
        ),
        (
            Caveat::Aud("search".into()),
            Judgement::Denies(DenyReason::BadAudience),
            "wants \"search\"; the policy digest, which the compat semantics compare with Aud, is \"b3:9f\"",
        ),
        (Caveat::PathPrefix("/index/d".into()), Judgement::Holds, "path \"/index/docs/42\" begins with \"/index/d\""),
        (Caveat::IpCidr("10.0.0.1/8".into()), Judgement::Holds, "peer 10.1.2.3 is in \"10.0.0.1/8\""),
        (Caveat::Rate(Rate { per_s: 1, burst: 1 }), Judgement::Ignored, "the compat semantics ignore it"),
        (
            Caveat::Custom { ns: "plan".into(), name: "free".into(), cbor: vec![0xf5] },
            Judgement::Ignored,
            "\"plan\"/\"free\" with CBOR f5: the compat semantics ignore it",
        ),
    ] {
        assert_eq!(judged(caveat, &compat, &full), (judgement, why.to_owned()));
    }
    let elsewhere = RequestCtx::new(NOW, "POST", "/", "other");
    let explanation = explained([], &compat, &elsewhere);
    assert!(explanation.outcome().is_ok_and(Decision::is_allow));
    assert!(explanation.conditions().iter().all(|condition| *condition.judgement() == Judgement::Ignored));
}

#[test]
fn tenant_and_scope_are_explained_and_come_first() {
    let elsewhere = RequestCtx::new(NOW, "POST", "/index-admin", "other");
    let explanation = explained([Caveat::Tenant("acme".into())], &config(), &elsewhere);
    let told: Vec<_> = explanation
        .conditions()
        .iter()
        .map(|condition| (condition.on().to_string(), condition.judgement().name(), condition.why()))
        .collect();
    let expected = [
        ("tid", "denies", "wants \"acme\"; the request's tenant is \"other\""),
        ("scope.methods", "denies", "method \"POST\" is not among \"GET\", \"HEAD\""),
        ("scope.prefix", "denies", "path \"/index-admin\" does not begin with \"/index/\""),
        ("scope.max_bytes", "holds", "sets no condition"),
        ("caveats[0] Tenant", "denies", "wants \"acme\"; the request's tenant is \"other\""),
    ];
    assert_eq!(told, expected.map(|(on, judgement, why)| (on.to_owned(), judgement, why)));
    assert_eq!(explanation.summary(), "denied: tenant.mismatch, caveat.method, caveat.path, caveat.tenant");
    let walking = RequestCtx::new(NOW, "GET", "/index/../admin", "acme");
    assert_eq!(
        explained([], &config(), &walking).conditions()[2].why(),
        "path \"/index/../admin\" begins with \"/index/\", but some server could take it for another path"
    );
}

#[test]
fn what_the_settings_demand_is_explained_between_scope_and_caveats() {
    let demands = Demands::default().caveat(CaveatKind::Tenant).max_lifetime_secs(3600).audience();
    let told = |caveats: Vec<Caveat>, ctx: &RequestCtx<'_>| -> Vec<(String, &'static str, String)> {
        let explanation = explained(caveats, &config().with_demands(demands), ctx);
        let row = |condition: &Condition| {
            (condition.on().to_string(), condition.judgement().name(), condition.why().to_owned())
        };
        explanation.conditions()[4..7].iter().map(row).collect()
    };
    let rows = |judgement: &'static str, why: [&str; 3]| -> Vec<(String, &'static str, String)> {
        let on = ["demanded Tenant", "demanded lifetime", "demanded audience"];
        on.iter().zip(why).map(|(on, why)| ((*on).to_owned(), judgement, why.to_owned())).collect()
    };
    let good = vec![Caveat::Tenant("acme".into()), Caveat::Exp(NOW + 600), Caveat::Aud("search".into())];
    let met = [
        "the settings demand a caveat of kind Tenant; the token has one",
        "the settings demand that it expires within 3600 s (60 min); it does so in 600 s (10 min)",
        "the settings demand that an Aud names \"search\"; one does",
    ];
    assert_eq!(told(good.clone(), &ctx()), rows("holds", met));
    let lacking = [
        "the settings demand a caveat of kind Tenant; the token has none",
        "the settings demand that it expires within 3600 s (60 min); it never does",
        "the settings demand that an Aud names \"search\"; none does",
    ];
    assert_eq!(told(vec![], &ctx()), rows("denies", lacking));
    let bare = RequestCtx::new(NOW, "GET", "/index/1", "acme");
    let unknown = "the settings demand that an Aud names this service's audience, which is unknown";
    assert_eq!(told(good, &bare)[2], ("demanded audience".to_owned(), "denies", unknown.to_owned()));
    let late = told(vec![Caveat::Exp(NOW * 1000)], &ctx());
    assert!(
        late[1].1 == "denies" && late[1].2.ends_with("; it does so in 1760937300000 s (20381218 days)"),
        "{late:?}"
    );
}

#[test]
fn handlers_are_asked_as_in_verification_and_not_behind_an_error() {
    let asked = std::sync::Arc::new(std::sync::Mutex::new(Vec::new()));
    let config = VerifierConfig::default().with_custom_handler("n", {
        let asked = asked.clone();
        move |caveat: &CustomCaveat<'_>, _: &RequestCtx<'_>| {
            asked.lock().unwrap().push(caveat.name().to_owned());
            if caveat.name() == "bad" { Err("no".into()) } else { Ok(()) }
        }
    });
    let custom = |name: &str| Caveat::Custom { ns: "n".into(), name: name.into(), cbor: vec![0xf6] };
    let caveats =
        [custom("a"), custom("bad"), Caveat::Exp(1), custom("b"), Caveat::Nbf(u64::MAX), Caveat::Aud("x".into())];
    let explanation = explained(caveats, &config, &ctx());
    assert_eq!((explanation.outcome(), explanation.stage()), (Err(AuthError::Expired), Stage::Time));
    assert_eq!(*asked.lock().unwrap(), ["a", "bad"]);
    let judgements: Vec<_> = explanation.conditions()[4..].iter().map(|c| c.judgement().name()).collect();
    assert_eq!(judgements, ["holds", "denies", "refuses", "unasked", "refuses", "denies"]);
    let shown = explanation.to_string();
    assert!(shown.starts_with("genuine: its MAC matches; judged under the strict semantics\n"), "{shown}");
    assert!(shown.ends_with("\nrefused: token has expired"), "{shown}");
}

#[test]
fn a_token_that_does_not_verify_is_explained_by_its_stage_alone() {
    let asked = RefCell::new(0);
    struct Counting<'a>(&'a RefCell<u32>, Option<[u8; 32]>);
    impl MacKeyProvider for Counting<'_> {
        fn key_for(&self, _name: KeyName<'_>) -> Option<MacKey> {
            *self.0.borrow_mut() += 1;
            self.1.map(MacKey::new)
        }
    }
    let good = minted([Caveat::Exp(1)]).to_base64url();
    let expected_tag = hex::encode(minted([Caveat::Exp(1)]).mac);
    for (text, key, stage, error, asks, summary) in [
        ("A".repeat(6000), Some(KEY), Stage::Bounds, AuthError::Bounds, 0, "refused: out of bounds at character 5462"),
        (
            format!("{good}="),
            Some(KEY),
            Stage::Base64,
            AuthError::Malformed(Malformed::Base64),
            0,
            "refused: not Base64URL at",
        ),
        (
            good[..40].to_owned(),
            Some(KEY),
            Stage::Cbor,
            AuthError::Malformed(Malformed::Cbor),
            0,
            "refused: not canonical CBOR at character 40, byte 30 of the CBOR",
        ),
        (
            good.clone(),
            None,
            Stage::Key,
            AuthError::UnknownKid,
            1,
            "refused: there is no key for key id \"k1\" of tenant namespace \"acme\"",
        ),
        (
            good.clone(),
            Some([8; 32]),
            Stage::Mac,
            AuthError::MacMismatch,
            1,
            "refused: the MAC does not match; altered, or minted with another key than that of key id \"k1\"",
        ),
        (good.clone(), Some(KEY), Stage::Time, AuthError::Expired, 1, "refused: token has expired"),
    ] {
        *asked.borrow_mut() = 0;
        let explanation = explain(&config(), &text, &ctx(), &Counting(&asked, key));
        assert_eq!((explanation.stage(), explanation.outcome()), (stage, Err(error)));
        assert_eq!(*asked.borrow(), asks, "{stage}");
        assert!(explanation.summary().starts_with(summary), "{}", explanation.summary());
        assert_eq!(explanation.flaw().is_some(), stage < Stage::Key, "{stage}");
        assert_eq!(explanation.conditions().is_empty(), stage != Stage::Time, "{stage}");
        let all = format!("{explanation} {explanation:?}");
        assert!(!all.contains(&expected_tag[..10]) && !all.contains("c7c7") && !all.contains("0808"), "{all}");
    }
}
