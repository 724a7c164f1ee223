//! `perf-lab flame VARIANT FIXTURE`: where does the time go?

use std::path::PathBuf;
use std::time::{Duration, Instant};

use anyhow::Context;
use clap::Args as ClapArgs;

use super::{fixture_named, print, variant_named};
use crate::cell::Knobs;
use crate::exit::{Exit, Failure, Outcome};
use crate::files::{repository_root, write_whole};
use crate::report::flamegraph;
use crate::workload::{Workload, corpus_for};

/// Samples per second: not a divisor of anything that might run in step with it.
const FREQUENCY_HZ: i32 = 997;

/// Draw a flamegraph of a variant on a fixture
///
/// Use scripts/flamegraph.sh, which builds with the symbols that a flamegraph needs.
#[derive(Debug, ClapArgs)]
pub struct Args {
    /// Variant
    variant: String,
    /// Fixture
    fixture: String,
    /// Tokens per call; 1 means verify_token
    #[arg(long, default_value_t = 1)]
    batch: usize,
    /// How long to sample
    #[arg(long, default_value_t = 5.0)]
    seconds: f64,
    /// Where to write the SVG [default: reports/flame-VARIANT-FIXTURE.svg of the repository]
    #[arg(long, value_name = "FILE")]
    out: Option<PathBuf>,
}

/// Runs it.
///
/// # Errors
/// An unknown variant or fixture, a system that cannot be profiled, a file that cannot be written.
pub fn run(args: &Args) -> Outcome {
    let variant = variant_named(&args.variant)?;
    let fixture = fixture_named(&args.fixture)?;
    if !(args.seconds > 0.0 && args.seconds <= 3600.0) {
        return Err(Failure::usage("--seconds: expected a number above 0, up to 3600"));
    }
    let out = args.out.clone().unwrap_or_else(|| {
        repository_root().join("reports").join(format!("flame-{}-{}.svg", variant.name, fixture.name()))
    });
    let workload = Workload::new(&variant, corpus_for(fixture, args.batch), args.batch, Knobs::sequential());

    let guard = pprof::ProfilerGuardBuilder::default()
        .frequency(FREQUENCY_HZ)
        .build()
        .context("could not start the profiler")?;
    let (start, duration) = (Instant::now(), Duration::from_secs_f64(args.seconds));
    while start.elapsed() < duration {
        workload.pass();
    }
    let report = guard.report().build().context("could not read the profiler's samples")?;
    drop(guard);

    let title = format!("{} on {}, batch {}", variant.name, fixture.name(), args.batch);
    let (svg, samples) = flamegraph::render(&report, &title)?;
    write_whole(&out, svg)?;
    print(format_args!("{title}: {samples} samples"));
    print(out.display());
    Ok(Exit::Success)
}
