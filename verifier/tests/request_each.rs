//! What it costs that every token of a batch has a request of its own.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "a surprise stops a test")]

use std::hint::black_box;
use std::time::{Duration, Instant};

use ron_auth::{RequestCtx, verify_each, verify_each_request};
use ron_auth_fixtures::Fixture;

/// `cargo test --release -p ron-auth --features full --test request_each -- --ignored --nocapture`
#[test]
#[ignore = "measures, and wants a release build on a quiet machine"]
fn what_a_request_for_each_token_costs() {
    for fixture in [Fixture::Light, Fixture::Heavy] {
        for batch in [64, 1024] {
            let corpus = fixture.corpus(batch);
            let mut config = corpus.config.clone();
            config.par_min_batch = usize::MAX;
            let items: Vec<(String, &RequestCtx<'_>)> =
                corpus.tokens.iter().map(|token| (token.clone(), &corpus.ctx)).collect();
            // As services have them: built for each token.
            let owned: Vec<(String, RequestCtx<'_>)> =
                corpus.tokens.iter().map(|token| (token.clone(), corpus.ctx.clone())).collect();
            let one = || verify_each(&config, &corpus.tokens, &corpus.ctx, &corpus.keys);
            let each = || verify_each_request(&config, &items, &corpus.keys);
            let each_owned = || verify_each_request(&config, &owned, &corpus.keys);
            assert!(one() == each() && each() == each_owned());
            let time = |work: &dyn Fn()| {
                let start = Instant::now();
                for _ in 0..1024 / batch {
                    work();
                }
                start.elapsed()
            };
            let works: [&dyn Fn(); 3] =
                [&|| drop(black_box(one())), &|| drop(black_box(each())), &|| drop(black_box(each_owned()))];
            let mut ratios = [const { Vec::new() }; 2];
            let mut one_ns = Vec::new();
            for round in 0..301 {
                let mut times = [Duration::ZERO; 3];
                // Another order in every round, so that none is always the first.
                for place in 0..3 {
                    let turn = (place + round) % 3;
                    times[turn] = time(works[turn]);
                }
                one_ns.push(times[0].as_secs_f64() * 1e9 / 1024.0);
                for (ratios, time) in ratios.iter_mut().zip(&times[1..]) {
                    ratios.push(time.as_secs_f64() / times[0].as_secs_f64());
                }
            }
            let quartiles = |values: &mut Vec<f64>| {
                values.sort_by(f64::total_cmp);
                [values.len() / 4, values.len() / 2, 3 * values.len() / 4].map(|rank| values[rank])
            };
            let [_, median_ns, _] = quartiles(&mut one_ns);
            println!("{fixture}, batch {batch}: one request {median_ns:.0} ns a token");
            for (what, ratios) in ["the same request for each", "a request of its own for each"].iter().zip(&mut ratios)
            {
                let [lower, median, upper] = quartiles(ratios);
                println!("  {what}: {median:.3} times (quartiles {lower:.3} to {upper:.3})");
            }
        }
    }
}
