//! The program `fairbench`: its command line is in the library.
#![forbid(unsafe_code)]

use std::process::ExitCode;

fn main() -> ExitCode {
    fairbench::cli::main(std::env::args_os())
}
