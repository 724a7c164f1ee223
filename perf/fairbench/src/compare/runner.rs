//! What the engine needs of a probe: that it can be launched, and that it runs a case and says how long that took.
//!
//! The engine, the decision and every test of them are written against these two traits. A probe process behind a pipe
//! fills them, and so does a simulation whose true ratio is known.

use fairbench_probe::spent::Spent;
use serde::{Deserialize, Serialize};
use thiserror::Error;

use super::layout::Layout;
use crate::exit::Failure;

/// Role of a launched probe in its block.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Role {
    /// The program that the candidate is compared with.
    Base,
    /// The program that is judged.
    Candidate,
    /// The base once more: it must come out equal to the base, or the block measured something else than the code.
    Control,
}

/// A case: a piece of work that both sides can do.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct CaseInfo {
    /// Name of the case, the same on both sides.
    pub name: String,
    /// Threads that it works on. A case on one thread is measured pinned and in CPU time; one on more in wall time.
    pub threads: usize,
    /// Items that one iteration works on.
    pub items_per_iteration: u64,
}

impl CaseInfo {
    /// Whether the case works on one thread alone.
    #[must_use]
    pub const fn is_single_threaded(&self) -> bool {
        self.threads == 1
    }
}

/// What a probe reports of a turn.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Ran {
    /// Time on the clock of the case, in nanoseconds; 0 means less than the clock can tell.
    pub elapsed_ns: f64,
    /// Where the time went, as far as the probe tells.
    pub spent: Spent,
}

/// A probe that is ready to be timed: it has given the right answers on every case that it was launched for.
pub trait Runner {
    /// Runs a case so many times and returns how long that took.
    ///
    /// # Errors
    /// The probe ended, did not answer in time, or answered something else.
    fn run(&mut self, case: &str, iterations: u64) -> Result<Ran, MeasureError>;
}

/// Starts probes.
pub trait Launcher {
    /// Starts a fresh probe for a role with this layout, pinned to the measuring core if `pin` is set and the system
    /// can do it, and has it checked on every one of `cases`.
    ///
    /// # Errors
    /// The probe did not start, speaks another protocol, or gave a wrong answer.
    fn launch(
        &self,
        role: Role,
        cases: &[CaseInfo],
        layout: Layout,
        pin: bool,
    ) -> Result<Box<dyn Runner>, MeasureError>;
}

/// Why something could not be measured. Each error is one line: which probe, what happened, what to do.
#[derive(Clone, Debug, Error, PartialEq)]
pub enum MeasureError {
    /// The process could not be started at all.
    #[error("{probe}: could not be started: {detail}")]
    CouldNotStart {
        /// Label of the probe.
        probe: String,
        /// Reason that the system gave.
        detail: String,
    },
    /// The process ended while it was needed.
    #[error("{probe}: ended with {status} while asked to {asked}: {last_line}")]
    Crashed {
        /// Label of the probe.
        probe: String,
        /// What the probe had been asked.
        asked: String,
        /// Exit code or signal.
        status: String,
        /// The last line that it wrote to standard error.
        last_line: String,
    },
    /// No answer came in time; the process was killed.
    #[error("{probe}: no answer within {seconds} s when asked to {asked}; it was killed")]
    TimedOut {
        /// Label of the probe.
        probe: String,
        /// What the probe had been asked.
        asked: String,
        /// How long fairbench waited for the answer, in seconds.
        seconds: f64,
    },
    /// The answer was not one of the protocol's, or not one to this question.
    #[error("{probe}: said {said:?}; expected {expected} (see perf/PROTOCOL.md)")]
    Nonsense {
        /// Label of the probe.
        probe: String,
        /// What the probe said, shortened.
        said: String,
        /// What would have been a right answer.
        expected: String,
    },
    /// The program is not the one that was built for this side. Nothing of it was timed.
    #[error(
        "{probe}: {program} is not what was built: its digest should be {expected} and is {found}; nothing was timed \
         (`clean` drops what is kept)"
    )]
    OtherProgram {
        /// Label of the probe.
        probe: String,
        /// Path of the program.
        program: String,
        /// Digest of the program that was built.
        expected: String,
        /// Digest of the program that was found.
        found: String,
    },
    /// The probe speaks another version of the protocol.
    #[error(
        "{probe}: speaks protocol version {theirs}; expected {oldest} to {ours}: use a probe and a fairbench of one age"
    )]
    OtherVersion {
        /// Label of the probe.
        probe: String,
        /// Version that the probe speaks.
        theirs: u64,
        /// The oldest version that fairbench reads.
        oldest: u64,
        /// The newest version that fairbench reads.
        ours: u64,
    },
    /// The probe decided wrongly on the corpus of a case. Nothing was timed.
    #[error("{probe}: wrong answer on {case}: {detail}; nothing was timed")]
    WrongAnswer {
        /// Label of the probe.
        probe: String,
        /// Name of the case.
        case: String,
        /// Which answer was wrong, what was expected, and what came.
        detail: String,
    },
    /// The probe said that it cannot do what it was asked.
    #[error("{probe}: refused to {asked}: {message}")]
    Refused {
        /// Label of the probe.
        probe: String,
        /// What the probe had been asked.
        asked: String,
        /// The probe's own words.
        message: String,
    },
    /// The clock of a probe cannot tell the time of its work.
    #[error("{probe}: its clock is too coarse: {detail}; time it with a finer one (see perf/PROTOCOL.md)")]
    TooCoarse {
        /// Label of the probe, or what is known of it.
        probe: String,
        /// What was tried, and what the clock read.
        detail: String,
    },
    /// Ctrl-C was pressed. What was measured is kept.
    #[error("interrupted")]
    Interrupted,
}

impl MeasureError {
    /// What it comes to where programs that must decide alike are measured beside each other: a wrong answer is a
    /// difference between them (exit 1). Where one side is judged, it is a side that cannot be measured (exit 3).
    #[must_use]
    pub fn into_difference(self) -> Failure {
        if matches!(self, Self::WrongAnswer { .. }) { Failure::difference(self) } else { self.into() }
    }
}

impl From<MeasureError> for Failure {
    fn from(error: MeasureError) -> Self {
        if error == MeasureError::Interrupted { Self::interrupted() } else { Self::could_not(error) }
    }
}
