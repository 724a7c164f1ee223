//! `cargo fairbench …`: the command line of [`fairbench`] as a subcommand of Cargo.
#![forbid(unsafe_code)]

use std::process::ExitCode;

fn main() -> ExitCode {
    // Cargo puts the name of the subcommand first.
    let mut arguments: Vec<_> = std::env::args_os().collect();
    if arguments.get(1).is_some_and(|argument| argument == "fairbench") {
        arguments.remove(1);
    }
    fairbench::cli::main(arguments)
}
