//! Instructions of the cases that `verify_bench` times, counted under callgrind: exact, so that a difference of one
//! instruction is a difference.
//!
//! Counted is the call and the dropping of its result, on the calling thread (so build without `parallel`). Not
//! counted is what lies outside the benchmark function: minting the tokens, checking them, and one warm-up call per
//! token, which has the processor's features detected and thread-local memory grown, as in a service that has been up
//! for a while. Callgrind has no AVX-512: a build that has it everywhere (`target-cpu=native`) says n/a.
//!
//! Needs valgrind and the runner of gungraun's own version on the `PATH`; `scripts/bench_auth.sh` sees to the runner.

#![allow(missing_docs, unused_qualifications, reason = "both are about what gungraun's macros generate")]
#![cfg_attr(target_feature = "avx512f", allow(dead_code, reason = "such a build says why it counts nothing"))]

use std::hint::black_box;

use gungraun::prelude::*;
use ron_auth::{AuthError, verify_many_into, verify_token};
use ron_auth_fixtures::{Corpus, Fixture, environment};

const BATCH_TOKENS: usize = 64;

/// A group: the five cases with one pair of entry points.
macro_rules! cases {
    (
        $group:ident, $verify_token:path, $verify_many_into:path,
        [$single:ident, $loop_64:ident, $many_64:ident, $single_heavy:ident, $many_64_heavy:ident]
    ) => {
        #[library_benchmark]
        #[bench::light(ready(Fixture::Light))]
        fn $single(corpus: &'static Corpus) {
            let Corpus { tokens, keys, ctx, config, .. } = corpus;
            let token = tokens.first().map_or("", String::as_str);
            drop(black_box($verify_token(config, black_box(token), ctx, keys)));
        }

        #[library_benchmark]
        #[bench::light(ready(Fixture::Light))]
        fn $loop_64(corpus: &'static Corpus) {
            let Corpus { tokens, keys, ctx, config, .. } = corpus;
            for token in tokens {
                drop(black_box($verify_token(config, black_box(token), ctx, keys)));
            }
        }

        #[library_benchmark]
        #[bench::light(ready(Fixture::Light))]
        fn $many_64(corpus: &'static Corpus) {
            let Corpus { tokens, keys, ctx, config, .. } = corpus;
            let mut decisions = Vec::new();
            let _ = black_box($verify_many_into(config, black_box(tokens), ctx, keys, &mut decisions));
        }

        #[library_benchmark]
        #[bench::heavy(ready(Fixture::Heavy))]
        fn $single_heavy(corpus: &'static Corpus) {
            let Corpus { tokens, keys, ctx, config, .. } = corpus;
            let token = tokens.first().map_or("", String::as_str);
            drop(black_box($verify_token(config, black_box(token), ctx, keys)));
        }

        #[library_benchmark]
        #[bench::heavy(ready(Fixture::Heavy))]
        fn $many_64_heavy(corpus: &'static Corpus) {
            let Corpus { tokens, keys, ctx, config, .. } = corpus;
            let mut decisions = Vec::new();
            let _ = black_box($verify_many_into(config, black_box(tokens), ctx, keys, &mut decisions));
        }

        library_benchmark_group!(
            name = $group,
            benchmarks = [$single, $loop_64, $many_64, $single_heavy, $many_64_heavy]
        );
    };
}

cases!(
    adaptive,
    verify_token,
    verify_many_into,
    [verify_single, verify_batch_64_loop, verify_many_64, verify_single_heavy, verify_many_64_heavy]
);

#[cfg(feature = "bench-eval-modes")]
cases!(
    streaming_only,
    ron_auth::verify_token_streaming_only,
    ron_auth::verify_many_into_streaming_only,
    [
        verify_single_streaming_only,
        verify_batch_64_loop_streaming_only,
        verify_many_64_streaming_only,
        verify_single_heavy_streaming_only,
        verify_many_64_heavy_streaming_only
    ]
);

#[cfg(feature = "bench-eval-modes")]
cases!(
    soa_only,
    ron_auth::verify_token_soa_only,
    ron_auth::verify_many_into_soa_only,
    [
        verify_single_soa_only,
        verify_batch_64_loop_soa_only,
        verify_many_64_soa_only,
        verify_single_heavy_soa_only,
        verify_many_64_heavy_soa_only
    ]
);

/// Callgrind ends such a program at its first instruction of AVX-512.
#[cfg(target_feature = "avx512f")]
fn main() {
    println!("instructions: n/a: built with AVX-512 everywhere, which callgrind does not have; build without flags");
}

#[cfg(all(not(feature = "bench-eval-modes"), not(target_feature = "avx512f")))]
main!(library_benchmark_groups = adaptive);

#[cfg(all(feature = "bench-eval-modes", not(target_feature = "avx512f")))]
main!(library_benchmark_groups = adaptive, streaming_only, soa_only);

/// A batch, of which each token has been verified once, with the right outcome. It lives as long as the process, so
/// that its end is not counted either.
fn ready(fixture: Fixture) -> &'static Corpus {
    let corpus: &Corpus = Box::leak(Box::new(fixture.corpus(BATCH_TOKENS)));
    let Corpus { tokens, keys, ctx, config, intended } = corpus;
    for (token, intended) in tokens.iter().zip(intended) {
        let result = verify_token(config, token, ctx, keys);
        assert!(result == *intended, "{fixture}: expected {intended:?}, got {result:?}: {token}");
    }
    let mut decisions = Vec::new();
    let outcome = verify_many_into(config, tokens, ctx, keys, &mut decisions);
    assert!(
        outcome.map(|()| decisions).map_err(AuthError::from) == intended.iter().cloned().collect(),
        "{fixture}: wrong as a batch"
    );
    // Part of the result: counts differ with it. Shown where the runner is told not to capture it.
    println!("SIMD path: {}", environment::simd_path());
    corpus
}
