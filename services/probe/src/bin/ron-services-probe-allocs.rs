//! The probe of the service plane under an allocator that counts. Its times mean nothing; it answers `count`.
#![forbid(unsafe_code)]

use std::alloc::System;
use std::process::ExitCode;

use fairbench_probe::serve::Tally;
use stats_alloc::{INSTRUMENTED_SYSTEM, StatsAlloc};

#[global_allocator]
static COUNTING: &StatsAlloc<System> = &INSTRUMENTED_SYSTEM;

fn main() -> ExitCode {
    ron_services_probe::program(&ron_services_probe::CASES, Some(tally)).main()
}

fn tally() -> Tally {
    let stats = COUNTING.stats();
    Tally { allocations: (stats.allocations + stats.reallocations) as u64, bytes: stats.bytes_allocated as u64 }
}
