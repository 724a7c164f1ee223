//! The command line: parse, dispatch, exit code.

use std::process::ExitCode;

use clap::{Parser, Subcommand};
use fairbench::cli::{finish, is_bisecting, refused};
use fairbench::cmd as instrument;
use fairbench::exit::CommandResult;

use crate::cmd;
use crate::cmd::hooks::project;

/// The name of this program, for messages.
const NAME: &str = "perf-lab";
/// How `--help` shows the commands: by what they are for.
const HELP: &str = "\
{about-with-newline}
{usage-heading} {usage}

Measure:
  sweep      Measure every variant of a plan beside each other, and write a report
  ab         Compare two programs: revisions, variants, feature sets or probes
  floor      Measure an engine against the floor, the deployed verifier's build, and plain
  adaptive   Streaming against columnar evaluation, for each number of caveats
  peers      Other token libraries on the same work
  noise      Show what this machine can tell apart

Judge:
  gate       Judge whether a change is slower than a revision; made for CI
  tripwires  Hold Criterion's results against the established limits
  selftest   Test the gate as an instrument: false alarms and power
  vectors    Replay recorded decisions on every variant
  hostile    Search for the dearest token of a length
  timing     Test whether the time of verifying tells a secret

Explain:
  recommend  Say what to run in production, for what a service verifies
  report     Draw the report of a run anew
  flame      Flame graph of one cell, or of two beside each other
  trend      Show how benchmarks developed over the runs so far
  token      Inspect, explain, mint or sign a token

Stored, and what it is made with:
  baseline   Store benchmarks of this host; list, compare and export what is stored
  results    Make the pages in docs/results from stored data, or check them
  corpus     Describe, mint or import a corpus of tokens
  list       List variants and fixtures
  probe      Serve as the probe of a variant, or try out any probe
  clean      Remove what is kept below the target directory
  help       Print this message or the help of the given subcommand

Options:
{options}{after-help}";
/// What `--help` says about exit codes.
const EXIT_CODES: &str = "\
Exit codes:
  0    done, and nothing is wrong; a gate's warning too, unless --strict
  1    a difference between variants, a regression (in time, or in waiting), or a broken tripwire;
       of `token`, one that is denied, refused or not canonical
  2    inconclusive: neither a pass nor a regression was shown within the budget
  3    the work could not be done: a missing or unreadable file, a tool that failed, something to be
       judged that is not there and is not allowed to be missing (a regression outweighs it: 1)
  64   usage: an unknown option, subcommand, variant or fixture
  125  only with --bisect, for `git bisect run`: the revision could not be judged (else 2, 3 or 64)
  130  interrupted; what was measured is written (`git bisect run` stops at it)";

/// Run every variant of the ron-auth verifier side by side: prove that they decide alike, measure them against each
/// other, and compare the result with baselines and tripwires.
#[derive(Debug, Parser)]
#[command(name = NAME, version, help_template = HELP, after_help = EXIT_CODES, arg_required_else_help = true)]
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
    Ab(instrument::ab::Args),
    Gate(instrument::gate::Args),
    Selftest(instrument::selftest::Args),
    Noise(instrument::noise::Args),
    Baseline(instrument::baseline::Args),
    Floor(cmd::floor::Args),
    Adaptive(cmd::adaptive::Args),
    Hostile(cmd::hostile::Args),
    Timing(cmd::timing::Args),
    Peers(cmd::peers::Args),
    Corpus(cmd::corpus::Args),
    Report(cmd::report::Args),
    Results(cmd::results::Args),
    Flame(cmd::flame::Args),
    Token(cmd::token::Args),
    Trend(instrument::trend::Args),
    Tripwires(cmd::tripwires::Args),
    Probe(cmd::probe::Args),
    Clean(instrument::clean::Args),
}

/// Runs the command that the process's arguments name.
#[must_use]
pub fn main() -> ExitCode {
    match Cli::try_parse() {
        Ok(cli) => finish(NAME, run(&cli.command)),
        Err(error) => refused(&error),
    }
}

fn run(command: &Command) -> CommandResult {
    // Only what fairbench does reads its settings.
    let project = || project().map_err(|failure| if is_bisecting() { failure.for_bisect() } else { failure });
    match command {
        Command::List(args) => cmd::list::run(args),
        Command::Vectors(args) => cmd::vectors::run(args),
        Command::Sweep(args) => cmd::sweep::run(args),
        Command::Recommend(args) => cmd::recommend::run(args),
        Command::Ab(args) => instrument::ab::run(args, &project()?),
        Command::Gate(args) => instrument::gate::run(args, &project()?),
        Command::Selftest(args) => instrument::selftest::run(args, &project()?),
        Command::Noise(args) => instrument::noise::run(args, &project()?),
        Command::Baseline(args) => instrument::baseline::run(args, &project()?),
        Command::Floor(args) => cmd::floor::run(args),
        Command::Adaptive(args) => cmd::adaptive::run(args),
        Command::Hostile(args) => cmd::hostile::run(args),
        Command::Timing(args) => cmd::timing::run(args),
        Command::Peers(args) => cmd::peers::run(args),
        Command::Corpus(args) => cmd::corpus::run(args),
        Command::Report(args) => cmd::report::run(args),
        Command::Results(args) => cmd::results::run(args),
        Command::Flame(args) => cmd::flame::run(args),
        Command::Token(args) => cmd::token::run(args),
        Command::Trend(args) => instrument::trend::run(args, &project()?),
        Command::Tripwires(args) => cmd::tripwires::run(args),
        Command::Probe(args) => cmd::probe::run(args),
        Command::Clean(args) => instrument::clean::run(args, &project()?),
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

    #[test]
    fn the_help_names_every_command_once() {
        for command in Cli::command().get_subcommands() {
            let lines = HELP.lines().filter(|line| line.starts_with(&format!("  {} ", command.get_name())));
            assert_eq!(lines.count(), 1, "{}", command.get_name());
        }
    }
}
