//! A decision takes no memory. Alone in its program: what other tests take would be counted.
#![allow(missing_docs, clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, reason = "a test may fail loudly")]

use std::alloc::System;

use rand::SeedableRng;
use rand_chacha::ChaCha8Rng;
use ron_policy::{Bundle, Format, Policy, Request};
use stats_alloc::{INSTRUMENTED_SYSTEM, Region, StatsAlloc};

mod common;

#[global_allocator]
static ALLOCATOR: &StatsAlloc<System> = &INSTRUMENTED_SYSTEM;

#[test]
fn a_decision_takes_no_memory() {
    let mut rng = ChaCha8Rng::seed_from_u64(31);
    for draw_bundle in [common::draw::deployed, common::draw::schema_2] {
        let bundle = draw_bundle(&mut rng, 200);
        let policy = Bundle::parse(&serde_json::to_vec(&bundle).unwrap(), Format::Json).unwrap().compile();
        for _ in 0..200 {
            let request = common::draw::request(&mut rng);
            request.with(|request| assert_no_memory(&policy, request));
        }
        let many: Vec<String> = (0..256).map(|number| format!("Role-{number}")).collect();
        let many: Vec<&str> = many.iter().map(String::as_str).collect();
        let longest = "x".repeat(8192);
        let request = Request {
            subject: Some(&longest),
            method: Some(&longest),
            roles: &many,
            tags: &many,
            ..Request::default()
        };
        assert_no_memory(&policy, &request);
    }
}

fn assert_no_memory(policy: &Policy, request: &Request<'_>) {
    let region = Region::new(ALLOCATOR);
    let decision = std::hint::black_box(policy.decide(request));
    let change = region.change();
    assert!(decision.is_ok());
    assert_eq!((change.allocations, change.reallocations), (0, 0), "{request:?}");
}
