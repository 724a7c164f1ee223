//! `gate`: may this change land?

use clap::Args as ClapArgs;

use super::judging::{self, Judging};
use crate::exit::CommandResult;
use crate::project::Project;

/// Judge whether a change is slower than a revision, on all benchmarks and by the tripwires; made for CI
///
/// Exit codes: 0 pass, and a warning too unless --strict is given; 1 regression, in time or in waiting, or broken
/// tripwire; 2 inconclusive; 3 could not measure, or something is missing that is not expected to be; 64 usage; 125
/// with --bisect in place of 2, 3 and 64; 130 interrupted.
#[derive(Debug, ClapArgs)]
pub struct Args {
    /// What the change is compared with: a git revision, or any other side that `ab` takes
    #[arg(long, value_name = "REV")]
    base: String,
    /// What is judged: `.` is the working tree; a git revision, or any other side that `ab` takes
    #[arg(long, value_name = "SIDE", default_value = ".")]
    candidate: String,
    #[command(flatten)]
    judging: Judging,
}

/// Runs `gate`. Exit codes as `--help` lists them.
///
/// # Errors
/// Wrong usage; a side that does not build; a file that cannot be read or written.
pub fn run(args: &Args, project: &Project<'_>) -> CommandResult {
    judging::run(project, &args.base, &args.candidate, &args.judging, true)
}
