//! The command line: parse, dispatch, exit code.

use std::process::ExitCode;

use clap::{Parser, Subcommand};

use crate::cmd;
use crate::exit::{self, Exit};

/// Run every variant of the ron-auth verifier side by side: prove that they decide alike, measure them against each
/// other, and compare the result with baselines and tripwires.
#[derive(Debug, Parser)]
#[command(name = "perf-lab", version, after_help = exit::HELP, arg_required_else_help = true)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    List(cmd::list::Args),
    Vectors(cmd::vectors::Args),
    Sweep(cmd::sweep::Args),
    Recommend(cmd::recommend::Args),
    Ab(cmd::ab::Args),
    Gate(cmd::gate::Args),
    Selftest(cmd::selftest::Args),
    Noise(cmd::noise::Args),
    Baseline(cmd::baseline::Args),
    Floor(cmd::floor::Args),
    Adaptive(cmd::adaptive::Args),
    Hostile(cmd::hostile::Args),
    Timing(cmd::timing::Args),
    Peers(cmd::peers::Args),
    Corpus(cmd::corpus::Args),
    Report(cmd::report::Args),
    Flame(cmd::flame::Args),
    Token(cmd::token::Args),
    Trend(cmd::trend::Args),
    Tripwires(cmd::tripwires::Args),
    Probe(cmd::probe::Args),
    Clean(cmd::clean::Args),
}

/// Runs the command that the process's arguments name.
#[must_use]
pub fn main() -> ExitCode {
    let cli = match Cli::try_parse() {
        Ok(cli) => cli,
        Err(error) => {
            // Help and version go to standard output and are no failure.
            let exit = if error.use_stderr() { Exit::Usage } else { Exit::Success };
            let is_bisecting = std::env::args_os().any(|argument| argument == "--bisect");
            let exit = if is_bisecting { exit.for_bisect() } else { exit };
            let _ = error.print();
            return exit.into();
        }
    };
    let outcome = match cli.command {
        Command::List(args) => cmd::list::run(&args),
        Command::Vectors(args) => cmd::vectors::run(&args),
        Command::Sweep(args) => cmd::sweep::run(&args),
        Command::Recommend(args) => cmd::recommend::run(&args),
        Command::Ab(args) => cmd::ab::run(&args),
        Command::Gate(args) => cmd::gate::run(&args),
        Command::Selftest(args) => cmd::selftest::run(&args),
        Command::Noise(args) => cmd::noise::run(&args),
        Command::Baseline(args) => cmd::baseline::run(&args),
        Command::Floor(args) => cmd::floor::run(&args),
        Command::Adaptive(args) => cmd::adaptive::run(&args),
        Command::Hostile(args) => cmd::hostile::run(&args),
        Command::Timing(args) => cmd::timing::run(&args),
        Command::Peers(args) => cmd::peers::run(&args),
        Command::Corpus(args) => cmd::corpus::run(&args),
        Command::Report(args) => cmd::report::run(&args),
        Command::Flame(args) => cmd::flame::run(&args),
        Command::Token(args) => cmd::token::run(&args),
        Command::Trend(args) => cmd::trend::run(&args),
        Command::Tripwires(args) => cmd::tripwires::run(&args),
        Command::Probe(args) => cmd::probe::run(&args),
        Command::Clean(args) => cmd::clean::run(&args),
    };
    if let Some(reason) = cmd::unprinted() {
        eprintln!("perf-lab: could not write to standard output: {reason}");
        return match outcome {
            Ok(Exit::Success) => Exit::CouldNot.into(),
            Ok(exit) => exit.into(),
            Err(failure) => failure.exit().into(),
        };
    }
    match outcome {
        Ok(exit) => exit.into(),
        Err(failure) => {
            eprintln!("perf-lab: {failure}");
            failure.exit().into()
        }
    }
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    use super::*;

    #[test]
    fn the_command_line_is_well_formed() {
        Cli::command().debug_assert();
    }
}
