//! What to run in production: the fastest safe composition for a workload, from measurements on this host.

use ron_auth_variants::Variant;

use crate::cell::Knobs;
use crate::measure::stats::PairedRatio;
use crate::run::{Point, Run};

/// What is asked about.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Question {
    /// Name of a fixture, or path of a corpus file.
    pub corpus: String,
    /// Tokens per call.
    pub batch: usize,
    /// Cores that the service may use.
    pub cores: usize,
}

/// A composition with its knobs, measured.
#[derive(Clone, Debug)]
pub struct Candidate {
    /// Which.
    pub variant: Variant,
    /// Its knobs.
    pub knobs: Knobs,
    /// Time / time of the fastest, 95 %.
    pub to_fastest: PairedRatio,
    /// Time / time of `plain`, 95 %.
    pub to_plain: PairedRatio,
    /// Time per token, in nanoseconds, median over blocks.
    pub ns_per_token: f64,
}

/// The answer.
#[derive(Clone, Debug)]
pub struct Advice {
    /// What was asked.
    pub question: Question,
    /// Where it was measured.
    pub point: Point,
    /// What to run: of those that nothing faster can be told from, the one with the fewest features.
    pub chosen: Candidate,
    /// All safe compositions, fastest first, the chosen one among them.
    pub ranking: Vec<Candidate>,
    /// Names of those that cannot be told from the fastest.
    pub indistinguishable: Vec<String>,
    /// The fastest of those that can: time / time of the chosen one.
    pub next_best: Option<(String, PairedRatio)>,
    /// What would change the advice, a sentence each.
    pub would_change: Vec<String>,
}

/// Why there is no advice.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NoAdvice {
    /// The run holds no compositions on this workload.
    #[error("the run did not measure all safe compositions on {0}")]
    NotMeasured(String),
}

/// The advice that a run's measurements give.
///
/// # Errors
/// The run did not measure this workload.
pub fn advise(_run: &Run, question: &Question) -> Result<Advice, NoAdvice> {
    Err(NoAdvice::NotMeasured(format!("{}, batch {}", question.corpus, question.batch)))
}

impl Advice {
    /// One sentence: what to run and how sure that is.
    #[must_use]
    pub fn headline(&self) -> String {
        String::new()
    }

    /// The line of a service's `Cargo.toml`.
    #[must_use]
    pub fn cargo_toml(&self) -> String {
        String::new()
    }

    /// The `VerifierConfig`, in Rust.
    #[must_use]
    pub fn config(&self) -> String {
        String::new()
    }

    /// What to expect, in words: tokens per second, CPU time per million verifications.
    #[must_use]
    pub fn expectation(&self) -> String {
        String::new()
    }

    /// All of it, for a terminal or a pull request.
    #[must_use]
    pub fn markdown(&self) -> String {
        String::new()
    }
}
