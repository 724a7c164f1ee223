//! Counts allocations for `perf-lab`, which starts it: a JSON list of cells on standard input, a line of JSON per
//! cell on standard output.
#![forbid(unsafe_code)]

use std::alloc::System;
use std::io::{Write, stdin, stdout};

use anyhow::Context;
use perf_lab::count::allocations::{Request, Tally, count};
use stats_alloc::{INSTRUMENTED_SYSTEM, StatsAlloc};

#[global_allocator]
static COUNTING: &StatsAlloc<System> = &INSTRUMENTED_SYSTEM;

fn main() -> anyhow::Result<()> {
    let requests: Vec<Request> =
        serde_json::from_reader(stdin().lock()).context("expected a JSON list of cells on standard input")?;
    for request in &requests {
        let counts = count(request, tally)?;
        writeln!(stdout().lock(), "{}", serde_json::to_string(&counts)?)?;
    }
    Ok(())
}

fn tally() -> Tally {
    let stats = COUNTING.stats();
    Tally { allocations: stats.allocations + stats.reallocations, allocated_bytes: stats.bytes_allocated }
}
