//! `ab`: is the candidate slower than the base? Any two sides.

use clap::Args as ClapArgs;

use super::judging::{self, Judging};
use crate::exit::CommandResult;
use crate::project::Project;

/// Compare two programs: revisions, variants, feature sets or probes
///
/// A side is `.` (the working tree), features such as `features:simd-b64,lanes`, the path of a program that speaks
/// perf/PROTOCOL.md (with arguments, in quotes), or a git revision; `features:`, `probe:` and `rev:` say which is
/// meant. In ron-auth's lab a variant such as `prod` is a side as well (`variant:`), and features need no prefix.
#[derive(Debug, ClapArgs)]
pub struct Args {
    /// The side that the candidate is compared with
    base: String,
    /// The side that is judged
    candidate: String,
    #[command(flatten)]
    judging: Judging,
}

/// Runs `ab`. Exit 0 pass or warning, 1 regression, 2 inconclusive, 3 could not measure, 130 interrupted.
///
/// # Errors
/// Wrong usage; a side that does not build; a file that cannot be read or written.
pub fn run(args: &Args, project: &Project<'_>) -> CommandResult {
    judging::run(project, &args.base, &args.candidate, &args.judging, false)
}
