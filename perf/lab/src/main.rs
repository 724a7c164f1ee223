//! The program `perf-lab`: its command line is in the library.
#![forbid(unsafe_code)]

use std::process::ExitCode;

/// jemalloc, so that what is timed allocates as a production service does, and can be asked about it.
#[global_allocator]
static ALLOCATOR: tikv_jemallocator::Jemalloc = tikv_jemallocator::Jemalloc;

fn main() -> ExitCode {
    perf_lab::cli::main()
}
