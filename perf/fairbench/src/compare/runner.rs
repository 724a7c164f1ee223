//! What the engine needs of a probe: that it can be launched, and that it runs a case and says how long that took.
//!
//! The engine, the decision and every test of them are written against these two traits. A probe process behind a pipe
//! fills them, and so does a simulation whose true ratio is known.

use fairbench_probe::spent::Spent;
use serde::{Deserialize, Serialize};
use thiserror::Error;

use super::layout::Layout;
use crate::exit::Failure;

/// Which part a launched probe plays in its block.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Role {
    /// What the candidate is compared with.
    Base,
    /// What is judged.
    Candidate,
    /// The base once more: it must come out equal to the base, or the block measured something else than the code.
    Control,
}

/// A case: a piece of work that both sides can do.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct CaseInfo {
    /// Its name, the same on both sides.
    pub name: String,
    /// Threads that it works on. One: measured pinned, in CPU time. More: not pinned, in wall time.
    pub threads: usize,
    /// Items that one iteration works on.
    pub items_per_iteration: u64,
}

impl CaseInfo {
    /// Whether one thread does it all.
    #[must_use]
    pub const fn is_single_threaded(&self) -> bool {
        self.threads == 1
    }
}

/// What a probe says of a turn.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Ran {
    /// Nanoseconds on the clock of the case; 0 is less than its clock can tell.
    pub elapsed_ns: f64,
    /// Where the time went, as far as the probe tells.
    pub spent: Spent,
}

/// A probe that is ready to be timed: it has given the right answers on every case that it was launched for.
pub trait Runner {
    /// Runs a case that many times and returns how long that took.
    ///
    /// # Errors
    /// The probe ended, did not answer in time, or answered something else.
    fn run(&mut self, case: &str, iterations: u64) -> Result<Ran, MeasureError>;
}

/// Starts probes.
pub trait Launcher {
    /// Starts a fresh probe for a role, laid out as told, pinned to the measuring core if `pin` is set and the system
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

/// Why something could not be measured. Each is one line: which probe, what happened, what to do.
#[derive(Clone, Debug, Error, PartialEq)]
pub enum MeasureError {
    /// The process could not be started at all.
    #[error("{probe}: could not be started: {detail}")]
    CouldNotStart {
        /// Label of the probe.
        probe: String,
        /// What the system said.
        detail: String,
    },
    /// The process ended while it was needed.
    #[error("{probe}: ended with {status} while asked to {asked}: {last_line}")]
    Crashed {
        /// Label of the probe.
        probe: String,
        /// What it had been asked.
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
        /// What it had been asked.
        asked: String,
        /// How long it was waited for.
        seconds: f64,
    },
    /// The answer was not one of the protocol's, or not one to this question.
    #[error("{probe}: said {said:?}; expected {expected} (see perf/PROTOCOL.md)")]
    Nonsense {
        /// Label of the probe.
        probe: String,
        /// What it said, shortened.
        said: String,
        /// What would have been right.
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
        /// Where it lies.
        program: String,
        /// Digest of what was built.
        expected: String,
        /// Digest of what lies there.
        found: String,
    },
    /// The probe speaks another version of the protocol.
    #[error(
        "{probe}: speaks protocol version {theirs}; expected {oldest} to {ours}: use a probe and a fairbench of one age"
    )]
    OtherVersion {
        /// Label of the probe.
        probe: String,
        /// Its version.
        theirs: u64,
        /// The oldest version that is read here.
        oldest: u64,
        /// The newest.
        ours: u64,
    },
    /// The probe decided wrongly on the corpus of a case. Nothing was timed.
    #[error("{probe}: wrong answer on {case}: {detail}; nothing was timed")]
    WrongAnswer {
        /// Label of the probe.
        probe: String,
        /// The case.
        case: String,
        /// Which answer, what was expected, what came.
        detail: String,
    },
    /// The probe said that it cannot do what it was asked.
    #[error("{probe}: refused to {asked}: {message}")]
    Refused {
        /// Label of the probe.
        probe: String,
        /// What it had been asked.
        asked: String,
        /// Its words.
        message: String,
    },
    /// The clock of a probe cannot tell the time of its work.
    #[error("{probe}: its clock is too coarse: {detail}; time it with a finer one (see perf/PROTOCOL.md)")]
    TooCoarse {
        /// Label of the probe, or what is known of it.
        probe: String,
        /// What was tried, and what it read.
        detail: String,
    },
    /// Ctrl-C. What was measured is kept.
    #[error("interrupted")]
    Interrupted,
}

impl From<MeasureError> for Failure {
    fn from(error: MeasureError) -> Self {
        if error == MeasureError::Interrupted { Self::interrupted() } else { Self::could_not(error) }
    }
}
