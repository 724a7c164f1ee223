//! The program `perf-probe`: all of it is in the library.
#![forbid(unsafe_code)]

use std::process::ExitCode;

/// jemalloc, so that what is timed allocates as a production service does.
#[global_allocator]
static ALLOCATOR: tikv_jemallocator::Jemalloc = tikv_jemallocator::Jemalloc;

fn main() -> ExitCode {
    perf_probe::command_line::main(None)
}
