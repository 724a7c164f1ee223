//! The command line: parse, dispatch, exit code.

use std::ffi::OsString;
use std::process::ExitCode;

use clap::{Parser, Subcommand};

use crate::cmd;
use crate::exit::{self, CommandResult, Exit};
use crate::project::{NoHooks, Project};

/// The name of this program, for messages.
const NAME: &str = "fairbench";

/// Compare two programs honestly, on a machine that cannot be trusted: pairs of fresh processes, a control, a verdict
/// with a confidence.
///
/// Settings are those of the nearest fairbench.toml, from the working directory upwards.
#[derive(Debug, Parser)]
#[command(name = NAME, version, after_help = exit::HELP, arg_required_else_help = true)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    Ab(cmd::ab::Args),
    Gate(cmd::gate::Args),
    Selftest(cmd::selftest::Args),
    Noise(cmd::noise::Args),
    Baseline(cmd::baseline::Args),
    Trend(cmd::trend::Args),
    Probe(cmd::probe::Args),
    Clean(cmd::clean::Args),
}

/// Runs the command that these arguments name; the first is the program.
#[must_use]
pub fn main(arguments: impl IntoIterator<Item = OsString>) -> ExitCode {
    match Cli::try_parse_from(arguments) {
        Ok(cli) => finish(NAME, run(&cli.command)),
        Err(error) => refused(&error),
    }
}

fn run(command: &Command) -> CommandResult {
    let project = Project::here(&NoHooks);
    let project = || project.map_err(|failure| if is_bisecting() { failure.for_bisect() } else { failure });
    match command {
        Command::Ab(args) => cmd::ab::run(args, &project()?),
        Command::Gate(args) => cmd::gate::run(args, &project()?),
        Command::Selftest(args) => cmd::selftest::run(args, &project()?),
        Command::Noise(args) => cmd::noise::run(args, &project()?),
        Command::Baseline(args) => cmd::baseline::run(args, &project()?),
        Command::Trend(args) => cmd::trend::run(args, &project()?),
        Command::Probe(args) => cmd::probe::run(args, &project()?),
        Command::Clean(args) => cmd::clean::run(args, &project()?),
    }
}

/// Whether `--bisect` is given, so that exit codes have to be those that `git bisect run` understands.
#[must_use]
pub fn is_bisecting() -> bool {
    std::env::args_os().any(|argument| argument == "--bisect")
}

/// Prints what clap has to say and returns the exit code. Help and version go to standard output and are no failure.
#[must_use]
pub fn refused(error: &clap::Error) -> ExitCode {
    let exit = if error.use_stderr() { Exit::Usage } else { Exit::Success };
    let _ = error.print();
    if is_bisecting() { exit.for_bisect().into() } else { exit.into() }
}

/// Prints why a command of the program `name` stopped, if it did, and returns the exit code of the process.
#[must_use]
pub fn finish(name: &str, outcome: CommandResult) -> ExitCode {
    if let Some(reason) = cmd::unprinted() {
        eprintln!("{name}: could not write to standard output: {reason}");
        return match outcome {
            Ok(Exit::Success) => Exit::CouldNot.into(),
            Ok(exit) => exit.into(),
            Err(failure) => failure.exit().into(),
        };
    }
    match outcome {
        Ok(exit) => exit.into(),
        Err(failure) => {
            eprintln!("{name}: {failure}");
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
