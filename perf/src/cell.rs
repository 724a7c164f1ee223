//! What a sweep measures: cells, and the groups that are measured against each other.

use std::fmt;

pub use perf_probe::workload::Knobs;
use ron_auth_fixtures::Fixture;
use ron_auth_variants::Variant;

/// One point of the sweep.
#[derive(Clone, Copy, Debug)]
pub struct Cell {
    /// Which verifier.
    pub variant: Variant,
    /// On which kind of token.
    pub fixture: Fixture,
    /// Tokens per call; 1 means `verify_token`.
    pub batch: usize,
    /// With which settings.
    pub knobs: Knobs,
}

impl fmt::Display for Cell {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { variant, fixture, batch, knobs: Knobs { soa_threshold, par_min_batch, threads } } = self;
        write!(
            f,
            "{} on {}, batch {batch}, soa_threshold {soa_threshold}, par_min_batch {par_min_batch}, threads {threads}",
            variant.name,
            fixture.name()
        )
    }
}

/// Why a group is measured.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Purpose {
    /// All variants against each other, at default knobs.
    Variants,
    /// One variant at several knobs.
    Knobs,
}

/// Cells on the same tokens, measured against `plain` in the same rounds.
#[derive(Clone, Debug)]
pub struct Group {
    /// Why.
    pub purpose: Purpose,
    /// The kind of token.
    pub fixture: Fixture,
    /// Tokens per call.
    pub batch: usize,
    /// Threads: 1 is measured pinned to one core.
    pub threads: usize,
    /// What is measured, without `plain` itself, its control and the floor.
    pub cells: Vec<Cell>,
}

impl Group {
    /// Whether one thread does it all.
    #[must_use]
    pub const fn is_single_threaded(&self) -> bool {
        self.threads == 1
    }

    /// What the progress bar shows.
    #[must_use]
    pub fn label(&self) -> String {
        let what = match (self.purpose, self.cells.first()) {
            (Purpose::Knobs, Some(cell)) => format!("knobs of {}", cell.variant.name),
            _ => format!("{} variants", self.cells.len() + 1),
        };
        format!("{} batch {} threads {}: {what}", self.fixture.name(), self.batch, self.threads)
    }
}

/// Name of the variant that everything is compared with.
pub const REFERENCE: &str = "plain";
