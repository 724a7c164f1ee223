//! Counts allocations for `perf-lab`, which starts it. Without arguments: a JSON list of cells on standard input, a
//! line of JSON per cell on standard output. With `--variant NAME`: the probe of that variant, which answers `count`.
#![forbid(unsafe_code)]

use std::alloc::System;
use std::io::{Write, stdin, stdout};

use anyhow::Context;
use clap::Parser;
use fairbench_probe::serve::Tally;
use perf_lab::cmd::probe::serve;
use perf_lab::count::allocations::{CountRequest, count};
use stats_alloc::{INSTRUMENTED_SYSTEM, StatsAlloc};

#[global_allocator]
static COUNTING: &StatsAlloc<System> = &INSTRUMENTED_SYSTEM;

#[derive(Parser)]
struct Args {
    #[arg(long)]
    variant: Option<String>,
    #[arg(long, default_value_t = 1.0)]
    work_factor: f64,
}

fn main() -> anyhow::Result<()> {
    let args = Args::parse();
    if let Some(name) = &args.variant {
        let variant = ron_auth_catalogue::find(name)?;
        return serve(&variant, args.work_factor, Some(tally)).map_err(anyhow::Error::msg);
    }
    let requests: Vec<CountRequest> =
        serde_json::from_reader(stdin().lock()).context("expected a JSON list of cells on standard input")?;
    for request in &requests {
        let counts = count(request, tally)?;
        writeln!(stdout().lock(), "{}", serde_json::to_string(&counts)?)?;
    }
    Ok(())
}

fn tally() -> Tally {
    let stats = COUNTING.stats();
    Tally { allocations: (stats.allocations + stats.reallocations) as u64, bytes: stats.bytes_allocated as u64 }
}
