//! What a decision costs, counted, without a clock: rules that can't match are passed over.
#![allow(missing_docs, clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, reason = "a test may fail loudly")]

use ron_policy::{Bundle, Cost, Effect, EvalError, Format, Policy, Request};

fn policy(rules: impl Iterator<Item = String>) -> Policy {
    let rules = rules.collect::<Vec<_>>().join(",");
    let bundle = format!(r#"{{"schema":"ron-policy/2","version":1,"rules":[{rules}]}}"#);
    Bundle::parse(bundle.as_bytes(), Format::Json).unwrap().compile()
}

/// A rule of one of a hundred kinds of shape, for somebody of its own.
fn rule(number: usize) -> String {
    let effect = ["permit", "permit", "deny"][number % 3];
    let when = match number % 8 {
        0 => format!(r#""subjects":["user-{number}"],"resources":["docs/{number}/**"]"#),
        1 => format!(r#""tenants":["t{number}"],"actions":["read","list"]"#),
        2 => format!(r#""roles_any":["role-{number}","chief-{number}"]"#),
        3 => format!(r#""scopes_all":["common","scope-{number}"]"#),
        4 => format!(r#""actions":["read"],"resources":["files/{number}-*/x"]"#),
        5 => format!(r#""tags_all":["Tag-{number}"],"regions":["EU"]"#),
        6 => format!(r#""peers":["10.{}.{}.0/24"],"methods":["POST"]"#, number / 256 % 256, number % 256),
        _ => format!(r#""subjects":["team-{number}:*"],"time":{{"daily":[{{"from":"08:00","to":"18:00"}}]}}"#),
    };
    format!(r#"{{"id":"r{number}","effect":"{effect}","when":{{{when}}}}}"#)
}

const ASKS: Request<'_> = Request {
    subject: Some("user-48"),
    action: Some("read"),
    resource: Some("docs/48/plan"),
    tenant: Some("nobody"),
    method: Some("POST"),
    region: Some("EU"),
    scopes: &["common", "other"],
    roles: &["reader", "writer"],
    tags: &["paid"],
    body_bytes: Some(0),
    peer: Some(std::net::IpAddr::V4(std::net::Ipv4Addr::new(192, 0, 2, 1))),
    now_unix_s: Some(40_000),
};

#[test]
fn the_cost_does_not_grow_with_rules_that_cannot_match() {
    let costs: Vec<Cost> = [100, 1_000, 100_000]
        .into_iter()
        .map(|count| {
            let (decision, cost) = policy((0..count).map(rule)).decide_with_cost(&ASKS).map(owned).unwrap();
            assert_eq!(decision, (Effect::Permit, Some("r48".to_owned())));
            cost
        })
        .collect();
    // Of a hundred rules a few are judged in place of being told apart; of more, fewer.
    assert!(costs.iter().all(|cost| cost.rules <= 24 && cost.places <= 24), "{costs:?}");
    assert!(costs[2].rules <= costs[0].rules && costs[2].places <= costs[1].places, "{costs:?}");
}

fn owned((decision, cost): (ron_policy::Decision<'_>, Cost)) -> ((Effect, Option<String>), Cost) {
    ((decision.effect, decision.rule.map(str::to_owned)), cost)
}

#[test]
fn rules_of_two_fields_are_told_apart_by_both() {
    // Each subject is in 100 rules and each resource in 100.
    let grid = |number: usize| {
        let (subject, resource) = (number / 100, number % 100);
        format!(
            r#"{{"id":"r{number}","effect":"deny","when":{{"subjects":["s{subject}"],"resources":["d{resource}"]}}}}"#
        )
    };
    let policy = policy((0..10_000).map(grid));
    let request = Request { subject: Some("s70"), resource: Some("d30"), ..ASKS };
    let (decision, cost) = policy.decide_with_cost(&request).unwrap();
    assert_eq!(decision.rule, Some("r7030"));
    assert_eq!(cost.rules, 1);
    // A request that doesn't say who asks could be anybody on the list, and is held against those of the resource only.
    let (decision, cost) = policy.decide_with_cost(&Request { subject: None, ..request }).unwrap();
    assert_eq!(decision.rule, Some("r30"));
    assert!(cost.rules <= 1, "{cost:?}");
}

#[test]
fn a_rule_that_all_could_match_is_judged_once() {
    let same =
        |number| format!(r#"{{"id":"r{number}","effect":"permit","when":{{"body_bytes":{{"at_most":{number}}}}}}}"#);
    let (decision, cost) =
        policy((0..500).map(same)).decide_with_cost(&Request { body_bytes: Some(400), ..ASKS }).map(owned).unwrap();
    assert_eq!(decision.1.as_deref(), Some("r400"));
    assert_eq!(cost.rules, 401);
}

#[test]
fn a_request_out_of_bounds_is_an_error_and_no_decision() {
    let policy = policy([r#"{"id":"all","effect":"permit","when":{}}"#.to_owned()].into_iter());
    let (long, many) = ("x".repeat(8193), vec!["x"; 257]);
    let too_long = |what| Err(EvalError::TooLong { what, found: 8193, most: 8192 });
    let too_many = |what| Err(EvalError::TooMany { what, found: 257, most: 256 });
    let longs = [long.as_str()];
    for (request, expected) in [
        (Request { subject: Some(&long), ..ASKS }, too_long("subject")),
        (Request { resource: Some(&long), ..ASKS }, too_long("resource")),
        (Request { tags: &longs, ..ASKS }, too_long("tags")),
        (Request { roles: &many, ..ASKS }, too_many("roles")),
        (Request { scopes: &many, ..ASKS }, too_many("scopes")),
    ] {
        assert_eq!(policy.decide(&request), expected);
        assert_eq!(policy.trace(&request).map(|trace| trace.decision), expected);
    }
    assert!(policy.decide(&ASKS).unwrap().is_permit());
}
