//! Exit codes, and the errors that lead to them. A gate whose exit code is not documented gets ignored.

use std::fmt;
use std::process::ExitCode;

/// What `--help` says about exit codes.
pub const HELP: &str = "\
Exit codes:
  0    done, and nothing is wrong; a gate's warning too, unless --strict
  1    a regression (in time, or in waiting), a wrong answer, or a broken tripwire
  2    inconclusive: neither a pass nor a regression was shown within the budget
  3    the work could not be done: a missing or unreadable file, a tool that failed, something to be
       judged that is not there and is not allowed to be missing (a regression outweighs it: 1)
  64   usage: an unknown option, subcommand or side
  125  only with --bisect, for `git bisect run`: the revision could not be judged (else 2, 3 or 64)
  130  interrupted; what was measured is written (`git bisect run` stops at it)";

/// How a command ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Exit {
    /// Done, and nothing is wrong: exit 0.
    Success,
    /// A difference, a regression or a broken tripwire: exit 1.
    Difference,
    /// Neither a pass nor a regression was shown: exit 2.
    Inconclusive,
    /// The command could not do its work: exit 3.
    CouldNot,
    /// Wrong usage: exit 64.
    Usage,
    /// For `git bisect run`, a revision that is neither good nor bad and is to be skipped: exit 125.
    CannotTell,
    /// Interrupted by Ctrl-C: exit 130.
    Interrupted,
}

impl Exit {
    /// The number that the process ends with.
    #[must_use]
    pub const fn code(self) -> u8 {
        match self {
            Self::Success => 0,
            Self::Difference => 1,
            Self::Inconclusive => 2,
            Self::CouldNot => 3,
            Self::Usage => 64,
            Self::CannotTell => 125,
            Self::Interrupted => 130,
        }
    }

    /// The code for `git bisect run`, which takes 0 for good, 125 for "skip this one", stops from 128 on, and takes
    /// everything else for bad. So only what was shown to be bad gets such a code.
    #[must_use]
    pub const fn for_bisect(self) -> Self {
        match self {
            Self::Success | Self::Difference | Self::Interrupted => self,
            Self::Inconclusive | Self::CouldNot | Self::Usage | Self::CannotTell => Self::CannotTell,
        }
    }
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        Self::from(exit.code())
    }
}

/// Why a command stopped: an exit code and one line for the person who ran it.
#[derive(Debug)]
pub struct Failure {
    exit: Exit,
    message: String,
}

impl Failure {
    /// Wrong usage, such as a name that nothing has.
    pub fn usage(message: impl fmt::Display) -> Self {
        Self { exit: Exit::Usage, message: message.to_string() }
    }

    /// A difference where there must be none, such as two variants that decide otherwise.
    pub fn difference(message: impl fmt::Display) -> Self {
        Self { exit: Exit::Difference, message: message.to_string() }
    }

    /// Work that cannot be done here. The message says what and why.
    pub fn could_not(message: impl fmt::Display) -> Self {
        Self { exit: Exit::CouldNot, message: message.to_string() }
    }

    /// Ctrl-C before there was anything to keep.
    #[must_use]
    pub fn interrupted() -> Self {
        Self { exit: Exit::Interrupted, message: "interrupted".to_owned() }
    }

    /// Changes the exit code to that of [`Exit::for_bisect`].
    #[must_use]
    pub fn for_bisect(self) -> Self {
        Self { exit: self.exit.for_bisect(), ..self }
    }

    /// The exit code that the failure leads to.
    #[must_use]
    pub const fn exit(&self) -> Exit {
        self.exit
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl From<anyhow::Error> for Failure {
    fn from(error: anyhow::Error) -> Self {
        // `{:#}` puts the chain of causes on one line.
        Self { exit: Exit::CouldNot, message: format!("{error:#}") }
    }
}

/// What a command returns.
pub type CommandResult = Result<Exit, Failure>;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bisect_takes_for_bad_only_what_was_shown_to_be() {
        let codes =
            [Exit::Success, Exit::Difference, Exit::Inconclusive, Exit::CouldNot, Exit::Usage, Exit::Interrupted];
        assert_eq!(codes.map(Exit::code), [0, 1, 2, 3, 64, 130]);
        assert_eq!(codes.map(|exit| exit.for_bisect().code()), [0, 1, 125, 125, 125, 130]);
        assert_eq!(Failure::usage("x").for_bisect().exit().code(), 125);
        assert_eq!(Failure::interrupted().for_bisect().exit().code(), 130);
    }
}
