//! `perf-lab probe`: a variant's work and nothing else, for whoever watches a process from outside.
//!
//! With a variant alone it is a probe: it serves the canonical cases of that variant over standard input and output, by
//! the protocol of `perf/PROTOCOL.md`. With a fixture as well it goes `--passes` times over the tokens of that cell and
//! prints the SIMD path: for tools that count a whole run.
//!
//! With `--points`, `--stages` or `--lots` it serves other cases than the canonical ones: those of a sweep, the stages
//! of a verification, tokens that are dear to verify. The lab starts itself so.
//!
//! With `--ask` it is the other end: it has a probe say hello, checks every case and runs each once. That is what to
//! try a probe of one's own with.

use std::io::{stdin, stdout};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use anyhow::Context;
use clap::Args as ClapArgs;
use fairbench::cmd::probe::ask;
use fairbench::exit::{CommandResult, Exit, Failure};
use fairbench_probe::place::displace_heap_as_told;
use fairbench_probe::serve::{Probe, Suite, Tally};
use perf_probe::cases::Canonical;
use perf_probe::face::Face;
use ron_auth_catalogue::{Variant, Verifier};
use ron_auth_core::{AuthError, Decision};
use ron_auth_fixtures::Corpus;
use ron_auth_fixtures::environment::simd_path;

use super::hooks::project;
use super::{print, variant_named};
use crate::assurance::hostile::lot::LotSuite;
use crate::catalogue::workload::{Workload, tokens_per_pass};
use crate::catalogue::{Knobs, REFERENCE};
use crate::corpus::Source;
use crate::floor::probe::FloorSuite;
use crate::own::jemalloc;
use crate::profile::timed::StageSuite;
use crate::sweep::points::{PointSuite, Worker};

/// Serve as the probe of a variant (perf/PROTOCOL.md), or try out any probe with --ask
#[derive(Debug, ClapArgs)]
pub struct Args {
    /// The variant to serve
    #[arg(long, required_unless_present_any = ["ask", "floor"], conflicts_with_all = ["ask", "floor"])]
    variant: Option<String>,
    /// Serve the floor, which is the least work that each case can be
    #[arg(long, conflicts_with = "ask")]
    floor: bool,
    /// Try out this side of a comparison, such as the path of a probe: greet it, check every case, run each case
    #[arg(long, value_name = "SIDE")]
    ask: Option<String>,
    /// File with the points to serve instead of the canonical cases: a JSON list, as a sweep writes it
    #[arg(long, value_name = "FILE", conflicts_with_all = ["ask", "fixture"])]
    points: Option<PathBuf>,
    /// Serve the stages of the variant on single tokens of this fixture or corpus file, as `flame` times them
    #[arg(long, value_name = "CORPUS", requires = "variant", conflicts_with_all = ["fixture", "points", "lots"])]
    stages: Option<String>,
    /// File with the lots of tokens to serve instead: a JSON list, as `hostile` writes it
    #[arg(long, value_name = "FILE", requires = "variant", conflicts_with_all = ["fixture", "points"])]
    lots: Option<PathBuf>,
    /// Verify the tokens of this fixture or corpus file instead of serving, then print the SIMD path
    #[arg(long, requires = "variant")]
    fixture: Option<String>,
    /// Tokens per call, with --fixture
    #[arg(long, default_value_t = 1)]
    batch: usize,
    /// Number of passes over the corpus, with --fixture
    #[arg(long, default_value_t = 1, requires = "fixture")]
    passes: u64,
    /// Do this many times the work that is reported, such as 1.05, so that a gate can be tested with it
    #[arg(long, value_name = "FACTOR", default_value_t = 1.0, conflicts_with = "fixture")]
    work_factor: f64,
}

/// Runs `probe`.
///
/// # Errors
/// An unknown variant or fixture; a probe that fails.
pub fn run(args: &Args) -> CommandResult {
    if let Some(side) = &args.ask {
        return ask(side, &project()?);
    }
    if let Some(points) = &args.points {
        serve_points(args.variant.as_deref(), points, args.work_factor, None)?;
        return Ok(Exit::Success);
    }
    if args.floor {
        serve_as(Probe::new("floor", Vec::new(), FloorSuite), args.work_factor, None)?;
        return Ok(Exit::Success);
    }
    let variant = variant_named(args.variant.as_deref().unwrap_or_default())?;
    if let Some(corpus) = &args.stages {
        let suite = StageSuite::new(variant, &corpus.parse().map_err(Failure::usage)?);
        serve_as(Probe::new(variant.name, Vec::new(), suite), args.work_factor, None)?;
        return Ok(Exit::Success);
    }
    if let Some(lots) = &args.lots {
        let suite = LotSuite::read(variant, variant_named(REFERENCE)?, lots)?;
        serve_as(Probe::new(variant.name, Vec::new(), suite), args.work_factor, None)?;
        return Ok(Exit::Success);
    }
    let Some(fixture) = &args.fixture else {
        serve(&variant, args.work_factor, None)?;
        return Ok(Exit::Success);
    };
    let source: Source = fixture.parse().map_err(Failure::usage)?;
    let corpus = Arc::new(source.corpus(tokens_per_pass(args.batch)));
    let workload = Workload::new(&variant, corpus, args.batch, Knobs::sequential());
    for _ in 0..args.passes {
        workload.pass();
    }
    print(simd_path());
    Ok(Exit::Success)
}

/// Serves the points of a file until told to quit, of a variant or of the floor; with `tally`, under a counting
/// allocator.
///
/// # Errors
/// The variant is unknown; the file cannot be read; the work factor is out of its range; reading or writing fails.
pub fn serve_points(
    variant: Option<&str>,
    points: &Path,
    work_factor: f64,
    tally: Option<fn() -> Tally>,
) -> Result<(), Failure> {
    let worker = match variant {
        Some(name) => Worker::Variant(variant_named(name)?),
        None => Worker::Floor,
    };
    let suite = PointSuite::read(worker, points)?;
    serve_as(Probe::new(variant.unwrap_or("floor"), Vec::new(), suite), work_factor, tally)
}

/// Serves one variant until told to quit; with `tally`, under a counting allocator.
///
/// # Errors
/// The work factor is out of its range; reading or writing fails.
pub fn serve(variant: &Variant, work_factor: f64, tally: Option<fn() -> Tally>) -> Result<(), Failure> {
    let features = variant.features.iter().map(|&feature| feature.to_owned()).collect();
    serve_as(Probe::new(variant.name, features, Canonical::new(Built(variant.build()))), work_factor, tally)
}

/// A variant of the catalogue by the functions that the canonical cases call.
struct Built(Box<dyn Verifier>);

impl Face for Built {
    fn verify_token(&self, corpus: &Corpus, token: &str) -> Result<Decision, AuthError> {
        self.0.verify_token(&corpus.config, token, &corpus.ctx, &corpus.keys)
    }

    fn verify_many(&self, corpus: &Corpus, tokens: &[String]) -> Result<Vec<Decision>, AuthError> {
        let mut decisions = Vec::new();
        let Corpus { config, ctx, keys, .. } = corpus;
        self.0.verify_many_into(config, tokens, ctx, keys, &mut decisions)?;
        Ok(decisions)
    }
}

fn serve_as(probe: Probe<impl Suite>, work_factor: f64, tally: Option<fn() -> Tally>) -> Result<(), Failure> {
    if !(work_factor > 0.0 && work_factor <= 100.0) {
        return Err(Failure::usage("--work-factor: expected a number above 0, up to 100"));
    }
    displace_heap_as_told();
    let mut probe = probe.work_factor(work_factor);
    probe = match tally {
        Some(tally) => probe.counting(tally),
        // Without a counting allocator this process has jemalloc.
        None => probe.remembering(jemalloc::memory),
    };
    probe.serve(stdin().lock(), stdout().lock()).context("could not read requests or write answers")?;
    Ok(())
}
