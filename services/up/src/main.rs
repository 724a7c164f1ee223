//! The program `ron-services`: its command line is in the library.

use std::process::ExitCode;

fn main() -> ExitCode {
    ron_services::main(std::env::args_os())
}
