//! The counting twin of `perf-lab probe`, which starts it: the probe of a variant, on the canonical cases or on the
//! points of a file, that answers `count`.
#![forbid(unsafe_code)]

use std::alloc::System;
use std::path::PathBuf;

use clap::Parser;
use fairbench_probe::serve::Tally;
use perf_lab::cmd::probe::{serve, serve_points};
use stats_alloc::{INSTRUMENTED_SYSTEM, StatsAlloc};

#[global_allocator]
static COUNTING: &StatsAlloc<System> = &INSTRUMENTED_SYSTEM;

#[derive(Parser)]
struct Args {
    #[arg(long)]
    variant: String,
    #[arg(long)]
    points: Option<PathBuf>,
    #[arg(long, default_value_t = 1.0)]
    work_factor: f64,
}

fn main() -> anyhow::Result<()> {
    let Args { variant, points, work_factor } = Args::parse();
    let served = match points {
        Some(points) => serve_points(Some(&variant), &points, work_factor, Some(tally)),
        None => serve(&ron_auth_catalogue::find(&variant)?, work_factor, Some(tally)),
    };
    served.map_err(anyhow::Error::msg)
}

fn tally() -> Tally {
    let stats = COUNTING.stats();
    Tally { allocations: (stats.allocations + stats.reallocations) as u64, bytes: stats.bytes_allocated as u64 }
}
