//! `perf-lab probe`: does a cell's work and nothing else, for tools that watch a process from outside.

use clap::Args as ClapArgs;
use ron_auth_fixtures::environment::simd_path;

use super::{fixture_named, print, variant_named};
use crate::cell::Knobs;
use crate::exit::{Exit, Outcome};
use crate::workload::{Workload, corpus_for};

/// Do a cell's work on this thread and nothing else; prints the SIMD path
#[derive(Debug, ClapArgs)]
pub struct Args {
    /// Variant
    #[arg(long)]
    variant: String,
    /// Fixture
    #[arg(long)]
    fixture: String,
    /// Tokens per call
    #[arg(long, default_value_t = 1)]
    batch: usize,
    /// Passes over the corpus
    #[arg(long, default_value_t = 1)]
    passes: u64,
}

/// Runs it.
///
/// # Errors
/// An unknown variant or fixture.
pub fn run(args: &Args) -> Outcome {
    let variant = variant_named(&args.variant)?;
    let corpus = corpus_for(fixture_named(&args.fixture)?, args.batch);
    let workload = Workload::new(&variant, corpus, args.batch, Knobs::sequential());
    for _ in 0..args.passes {
        workload.pass();
    }
    print(simd_path());
    Ok(Exit::Success)
}
