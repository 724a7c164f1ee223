//! The compiled policy decides as an interpreter of the document does, on bundles and requests that are drawn.
#![allow(missing_docs, clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, reason = "a test may fail loudly")]

use std::collections::BTreeMap;

use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;
use ron_policy::{Bundle, Format, Step};
use serde_json::Value;

mod common;

use common::{draw, interpreter};

const BUNDLES: usize = 400;
const REQUESTS_PER_BUNDLE: usize = 50;

#[test]
fn deployed_bundles_are_decided_as_they_are_written() {
    let seen = compare(21, draw::deployed);
    for answer in ["Permit by rule", "Deny by rule", "Permit by default", "Deny by default"] {
        assert!(seen[answer] > 100, "{seen:?}");
    }
}

#[test]
fn bundles_of_schema_2_are_decided_as_they_are_written() {
    let seen = compare(22, draw::schema_2);
    for answer in ["Permit by rule", "Deny by rule", "Deny by default", "Deny by what is unknown"] {
        assert!(seen[answer] > 300, "{seen:?}");
    }
}

fn compare(seed: u64, draw_bundle: fn(&mut ChaCha8Rng, usize) -> Value) -> BTreeMap<String, usize> {
    let mut rng = ChaCha8Rng::seed_from_u64(seed);
    let mut seen = BTreeMap::new();
    for _ in 0..BUNDLES {
        let rules = rng.random_range(0..80);
        let bundle = draw_bundle(&mut rng, rules);
        let bytes = serde_json::to_vec(&bundle).unwrap();
        let policy = Bundle::parse(&bytes, Format::Json).unwrap_or_else(|error| panic!("{error}\n{bundle}")).compile();
        for _ in 0..REQUESTS_PER_BUNDLE {
            let request = draw::request(&mut rng);
            let (effect, rule, reason) = interpreter::decide(&bundle, &request);
            request.with(|borrowed| {
                let decision = policy.decide(borrowed).unwrap();
                let found = (format!("{:?}", decision.effect), decision.rule, decision.reason);
                assert_eq!(found, (effect.to_owned(), rule.as_deref(), reason.as_deref()), "{request:?}\n{bundle}");
                let trace = policy.trace(borrowed).unwrap();
                assert_eq!(trace.decision, decision, "{request:?}\n{bundle}");
                let by = match trace.steps.last() {
                    Some(Step::Hit { unknown: None, .. }) => "rule",
                    Some(Step::Hit { unknown: Some(_), .. }) => "what is unknown",
                    _ => "default",
                };
                *seen.entry(format!("{effect} by {by}")).or_default() += 1;
            });
        }
    }
    seen
}
