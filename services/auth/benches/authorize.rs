//! Decisions of the real svc-auth over one kept connection, with the real svc-passport beside it.
//!
//! | benchmark | what is asked |
//! |---|---|
//! | `authorize_single` | may the bearer of this envelope do that? svc-passport verifies it, over loopback |
//! | `authorize_batch_64` | the same for 64 envelopes in one request |
//! | `authorize_single_token`, `authorize_batch_64_tokens` | the same for capability tokens, verified in svc-auth |
//! | `constant` | nothing: what a request costs, whatever it asks for |
//!
//! One iteration is one request, and time is what passes for its client. Envelopes and tokens are all different, and
//! svc-auth's memory for envelopes is off. `cargo bench -p svc-auth --bench authorize`; for ratios that mean something
//! on a machine that others use, `scripts/service_speed.sh`.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a benchmark may stop at the first surprise"
)]

#[path = "../tests/common/mod.rs"]
mod common;

use std::process::ExitCode;
use std::time::Duration;

use criterion::Criterion;
use serde_json::{Value, json};

use common::{AUTHORIZE, BATCH, Kept, World, may_read, reader, verdict, with};

const ITEMS: usize = 64;
/// Requests that are sent in turns.
const REQUESTS: usize = 8;

fn main() -> ExitCode {
    if common::is_passport() {
        return common::run_passport();
    }
    let settings = "extensions.constant_route = true\n\
                    caching = { verify_positive_ttl_ms = 0, verify_negative_ttl_ms = 0 }";
    let world = World::with(settings);
    let mut criterion = Criterion::default()
        .warm_up_time(Duration::from_secs(1))
        .measurement_time(Duration::from_secs(3))
        .configure_from_args();
    let envelopes: Vec<_> = (0..ITEMS * REQUESTS)
        .map(|number| may_read(&world.envelope(&with(&reader(), "n", json!(number))), "docs/a"))
        .collect();
    let tokens: Vec<_> = (0..ITEMS * REQUESTS)
        .map(|number| {
            let path = format!("/index/{number}");
            let token = world.own().minter.good_for(&path);
            json!({"token": token, "action": "GET", "resource": path, "context": {"tenant": "acme"}})
        })
        .collect();
    for (single, batch, items) in [
        ("authorize_single", "authorize_batch_64", &envelopes),
        ("authorize_single_token", "authorize_batch_64_tokens", &tokens),
    ] {
        let alone: Vec<_> = items.iter().take(ITEMS).map(Value::to_string).collect();
        bench(&mut criterion, &world, single, AUTHORIZE, &alone, |answer| verdict(answer) == "Permit");
        let together: Vec<_> = items.chunks(ITEMS).map(|items| json!(items).to_string()).collect();
        bench(&mut criterion, &world, batch, BATCH, &together, |answer| {
            let answers = answer.as_array().unwrap();
            answers.len() == ITEMS && answers.iter().all(|answer| verdict(answer) == "Permit")
        });
    }
    let nothing = ["{}".to_owned()];
    bench(&mut criterion, &world, "constant", "/v1/constant", &nothing, |answer| *answer == json!(true));
    criterion.final_summary();
    ExitCode::SUCCESS
}

/// Checks each answer once, then sends the bodies in turns.
fn bench(
    criterion: &mut Criterion,
    world: &World,
    name: &str,
    path: &str,
    bodies: &[String],
    is_right: impl Fn(&Value) -> bool,
) {
    let mut connection = Kept::new(&world.auth);
    for body in bodies {
        let answer = connection.post(path, body).unwrap();
        assert!(answer.status == 200 && is_right(&answer.json()), "{name}: {answer:?}");
    }
    let mut turns = bodies.iter().cycle();
    criterion.bench_function(name, |bencher| {
        bencher.iter(|| {
            let answer = connection.post(path, turns.next().unwrap()).unwrap();
            assert_eq!(answer.status, 200);
        });
    });
}
