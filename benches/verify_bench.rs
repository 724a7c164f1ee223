//! Wall-clock times of the features that this was built with. The names are established: stored baselines, tripwires
//! and dashboards use them.
//!
//! | benchmark | one iteration |
//! |---|---|
//! | `verify_single`, `verify_single_heavy` | one `verify_token`, of 64 tokens in turn |
//! | `verify_batch_64_loop` | 64 tokens, `verify_token` for each |
//! | `verify_many_64`, `verify_many_64_heavy` | 64 tokens, one `verify_many` |
//!
//! With the feature `bench-eval-modes` each exists twice more, with `_streaming_only` and `_soa_only` appended.
//! Results are made and dropped inside the measured region, as a service does.
//!
//! Each is a group of its own that states its tokens per iteration, so that Criterion and critcmp show tokens per
//! second (`elem/s`). Only a group can state that, and Criterion appends to its name what tells its members apart:
//! nothing, here, but for a `/`, which is taken off again when all is done.

use std::hint::black_box;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::Duration;

use criterion::{Bencher, BenchmarkId, Criterion, Throughput};
use ron_auth::{AuthError, BatchError, Decision};
use ron_auth_fixtures::{Corpus, Fixture, environment};

const BATCH_TOKENS: usize = 64;

fn main() -> ExitCode {
    environment::print_environment(ron_auth::ACTIVE_BACKENDS);
    // Half of Criterion's defaults: the five take half a minute.
    let defaults = Criterion::default().warm_up_time(Duration::from_secs(1)).measurement_time(Duration::from_secs(3));
    let mut criterion = defaults.configure_from_args();
    match run(&mut criterion) {
        Ok(()) => {
            criterion.final_summary();
            if let Err(error) = keep_established_names(&results()) {
                eprintln!("warning: {}: {error}; critcmp will show names that end in /", results().display());
            }
            ExitCode::SUCCESS
        }
        Err(message) => {
            eprintln!("error: {message}\nNothing more is timed: a time is worth nothing if the answer is wrong.");
            ExitCode::FAILURE
        }
    }
}

fn run(criterion: &mut Criterion) -> Result<(), String> {
    bench_mode(
        criterion,
        "",
        |corpus, token| ron_auth::verify_token(&corpus.config, token, &corpus.ctx, &corpus.keys),
        |corpus| ron_auth::verify_many(&corpus.config, &corpus.tokens, &corpus.ctx, &corpus.keys),
    )?;
    #[cfg(feature = "bench-eval-modes")]
    {
        bench_mode(
            criterion,
            "_streaming_only",
            |corpus, token| ron_auth::verify_token_streaming_only(&corpus.config, token, &corpus.ctx, &corpus.keys),
            |corpus| {
                let (Corpus { config, tokens, ctx, keys, .. }, mut out) = (corpus, Vec::new());
                ron_auth::verify_many_into_streaming_only(config, tokens, ctx, keys, &mut out).map(|()| out)
            },
        )?;
        bench_mode(
            criterion,
            "_soa_only",
            |corpus, token| ron_auth::verify_token_soa_only(&corpus.config, token, &corpus.ctx, &corpus.keys),
            |corpus| {
                let (Corpus { config, tokens, ctx, keys, .. }, mut out) = (corpus, Vec::new());
                ron_auth::verify_many_into_soa_only(config, tokens, ctx, keys, &mut out).map(|()| out)
            },
        )?;
    }
    Ok(())
}

fn bench_mode(
    criterion: &mut Criterion,
    suffix: &str,
    verify_one: impl Fn(&Corpus, &str) -> Result<Decision, AuthError>,
    verify_all: impl Fn(&Corpus) -> Result<Vec<Decision>, BatchError>,
) -> Result<(), String> {
    let light = Fixture::Light.corpus(BATCH_TOKENS);
    let heavy = Fixture::Heavy.corpus(BATCH_TOKENS);
    for (fixture, corpus) in [(Fixture::Light, &light), (Fixture::Heavy, &heavy)] {
        check(corpus, &verify_one, &verify_all).map_err(|message| format!("{fixture}{suffix}, {message}"))?;
    }

    let mut bench = |name: &str, tokens: usize, run: &mut dyn FnMut(&mut Bencher<'_>)| {
        let mut group = criterion.benchmark_group(format!("{name}{suffix}"));
        group.throughput(Throughput::Elements(tokens as u64));
        group.bench_function(BenchmarkId::from_parameter(""), run);
        group.finish();
    };
    for (name, corpus) in [("verify_single", &light), ("verify_single_heavy", &heavy)] {
        let mut tokens = corpus.tokens.iter().cycle();
        bench(name, 1, &mut |bencher| {
            bencher.iter(|| tokens.next().map(|token| verify_one(corpus, black_box(token))));
        });
    }
    bench("verify_batch_64_loop", BATCH_TOKENS, &mut |bencher| {
        bencher.iter(|| {
            for token in black_box(&light.tokens) {
                drop(black_box(verify_one(&light, token)));
            }
        });
    });
    for (name, corpus) in [("verify_many_64", &light), ("verify_many_64_heavy", &heavy)] {
        bench(name, BATCH_TOKENS, &mut |bencher| bencher.iter(|| verify_all(black_box(corpus))));
    }
    Ok(())
}

/// Where Criterion writes to: it asks these in this order.
fn results() -> PathBuf {
    if let Some(home) = std::env::var_os("CRITERION_HOME") {
        return home.into();
    }
    // This program lies in TARGET/PROFILE/deps.
    let beside = || std::env::current_exe().ok().and_then(|exe| Some(exe.ancestors().nth(3)?.to_path_buf()));
    let target = std::env::var_os("CARGO_TARGET_DIR").map(PathBuf::from).or_else(beside);
    target.unwrap_or_else(|| "target".into()).join("criterion")
}

/// Names as critcmp shows them, without the `/` of a group's only member: as stored baselines have them. Directories,
/// which the lab goes by, have these names anyway. With `--test` or `--list` there is nothing to do.
fn keep_established_names(results: &Path) -> std::io::Result<()> {
    let Ok(benchmarks) = std::fs::read_dir(results) else { return Ok(()) };
    for benchmark in benchmarks {
        let benchmark = benchmark?;
        let name = benchmark.file_name();
        let Some(name) = name.to_str().filter(|name| name.starts_with("verify_")) else { continue };
        for baseline in std::fs::read_dir(benchmark.path())? {
            let file = baseline?.path().join("benchmark.json");
            let Ok(text) = std::fs::read_to_string(&file) else { continue };
            let named = text.replace(&format!("\"{name}/\""), &format!("\"{name}\""));
            if named != text {
                std::fs::write(&file, named)?;
            }
        }
    }
    Ok(())
}

/// Whether every token comes to what it was made for, alone and in the batch.
fn check(
    corpus: &Corpus,
    verify_one: impl Fn(&Corpus, &str) -> Result<Decision, AuthError>,
    verify_all: impl Fn(&Corpus) -> Result<Vec<Decision>, BatchError>,
) -> Result<(), String> {
    for (index, (token, intended)) in corpus.tokens.iter().zip(&corpus.intended).enumerate() {
        let result = verify_one(corpus, token);
        if result != *intended {
            return Err(format!("token {index} alone: expected {intended:?}, got {result:?}: {token}"));
        }
    }
    let intended: Result<Vec<_>, _> = corpus.intended.iter().cloned().collect();
    let result = verify_all(corpus).map_err(AuthError::from);
    if result != intended {
        return Err(format!("as a batch: expected {intended:?}, got {result:?}"));
    }
    Ok(())
}
