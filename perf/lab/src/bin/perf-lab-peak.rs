//! The program that `perf-lab hostile` starts with the name of a variant. It prints a line of JSON about the token that
//! holds most memory for its length before its MAC is checked.
#![forbid(unsafe_code)]

use std::io::{Write, stdout};

use clap::Parser;
use peak_alloc::PeakAlloc;
use perf_lab::assurance::hostile::memory::most_taken;

#[global_allocator]
static PEAK: PeakAlloc = PeakAlloc;

#[derive(Parser)]
struct Args {
    variant: String,
}

fn main() -> anyhow::Result<()> {
    let taken = most_taken(&ron_auth_catalogue::find(&Args::parse().variant)?, &most_held)?;
    writeln!(stdout().lock(), "{}", serde_json::to_string(&taken)?)?;
    Ok(())
}

fn most_held(work: &mut dyn FnMut()) -> u64 {
    PEAK.reset_peak_usage();
    let before = PEAK.current_usage();
    work();
    PEAK.peak_usage().saturating_sub(before) as u64
}
