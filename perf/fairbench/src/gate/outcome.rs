//! What a gate found, as data: everything that is shown, and the raw values it rests on.

use fairbench_probe::protocol::{Hello, ITEM};
use serde::{Deserialize, Serialize};

use super::unseen::Unseen;
use crate::compare::block::CaseBlock;
use crate::compare::decide::{CaseDecision, Claim, Levels};
use crate::compare::evidence::{GateVerdict, PairCounts};
use crate::exit::{Exit, Failure};
use crate::host::Host;
use crate::measure::interval::MedianInterval;
use crate::missing::{self, Missing};
use crate::settings::GateConfig;
use crate::side::manifest::Likeness;

/// Name and version of the format of an outcome in JSON.
pub const FORMAT: &str = "perf-lab gate v1";

/// The result of a gate.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct GateOutcome {
    /// Name and version of the format: [`FORMAT`].
    pub format: String,
    /// The outcome in one line.
    pub verdict_line: String,
    /// The worst of the rows' verdicts; `None` if it was interrupted or a probe failed.
    pub verdict: Option<GateVerdict>,
    /// Exit code of the process.
    pub exit_code: u8,
    /// Label of the base.
    pub base: String,
    /// Label of the candidate.
    pub candidate: String,
    /// The benchmarks, one row each.
    pub rows: Vec<GateRow>,
    /// The tripwires that bind here; empty if they were not judged.
    pub tripwires: Vec<Tripwire>,
    /// What was to be judged and is not there.
    #[serde(default)]
    pub missing: Vec<Missing>,
    /// Whether probes on one thread were pinned to one core.
    pub pinned: bool,
    /// The core that they were pinned to; `None` if they were not.
    #[serde(default)]
    pub core: Option<usize>,
    /// Whether address randomisation was off.
    pub fixed_addresses: bool,
    /// The host that it was measured on.
    pub host: Option<Host>,
    /// What base and candidate say about themselves.
    pub probes: Option<[Hello; 2]>,
    /// How both sides were built, held against each other; `None` unless both were built here.
    #[serde(default)]
    pub likeness: Option<Likeness>,
    /// Time of measuring in seconds, without building and counting.
    pub measuring_seconds: f64,
    /// Notes for readers of the outcome.
    pub notes: Vec<String>,
    /// Why it stopped early; `None` if it did not.
    pub stopped: Option<String>,
    /// Whether it stopped because variants decide differently, which is worse than anything that time can tell.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub differs: bool,
    /// The settings by which it was judged.
    pub settings: GateConfig,
    /// Seed of layouts and orders.
    pub seed: u64,
}

/// One benchmark of the outcome.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct GateRow {
    /// Name of the benchmark.
    pub benchmark: String,
    /// Threads that it works on.
    pub threads: usize,
    /// The verdict on the benchmark, when everything is weighed.
    pub verdict: GateVerdict,
    /// Why the verdict is what it is, or what else was noticed.
    pub reason: Option<String>,
    /// What the times alone allow to be claimed.
    #[serde(rename = "standing")]
    pub claim: Claim,
    /// The levels that it was judged by.
    pub levels: Levels,
    /// candidate / base; above 1 is slower. `None` if there were too few blocks.
    pub ratio: Option<Ratio>,
    /// control / base, which should be 1. `None` if there were too few blocks.
    pub control: Option<Ratio>,
    /// Time of the base, in nanoseconds per item: the median over blocks. (In JSON, an item goes by the name of the
    /// first ones: a token.)
    #[serde(rename = "base_ns_per_token")]
    pub base_ns_per_item: Option<f64>,
    /// What the clock does not see of it: waiting, and other threads' work. Empty for a benchmark on several threads,
    /// whose clock is wall time, and if a probe does not say where its time goes.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub unseen: Vec<Unseen>,
    /// What was counted on both sides.
    pub counts: PairCounts,
    /// Values of each block.
    pub blocks: Vec<CaseBlock>,
    /// The confirmation with independent layouts; `None` if none was needed.
    pub confirmation: Option<Confirmation>,
}

/// A ratio with its interval, at the confidence of the settings.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Ratio {
    /// Median over blocks.
    pub estimate: f64,
    /// Lower end of the interval.
    pub lower: f64,
    /// Upper end of the interval.
    pub upper: f64,
}

/// A slow-down that counts do not explain, measured again with a layout for each side.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Confirmation {
    /// What the times of the confirmation allow to be claimed.
    #[serde(rename = "standing")]
    pub claim: Claim,
    /// candidate / base in the confirmation. `None` if there were too few blocks.
    pub ratio: Option<Ratio>,
    /// Values of each block of the confirmation.
    pub blocks: Vec<CaseBlock>,
}

/// A limit of `tripwires.toml`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Tripwire {
    /// Name of the tripwire.
    pub name: String,
    /// The limit, in words.
    pub limit: String,
    /// What was measured, in words.
    pub measured: String,
    /// Whether what was measured crosses the limit by more than the noise.
    pub broken: bool,
}

impl Ratio {
    /// Converts an interval of log ratios.
    #[must_use]
    pub fn of(log: MedianInterval) -> Self {
        Self { estimate: log.median.exp(), lower: log.lower.exp(), upper: log.upper.exp() }
    }
}

impl Confirmation {
    pub(super) fn of(decision: &CaseDecision, blocks: Vec<CaseBlock>) -> Self {
        Self { claim: decision.claim, ratio: decision.change.map(Ratio::of), blocks }
    }
}

impl GateRow {
    /// The finding that a verdict of "waits" rests on; `None` for any other verdict.
    #[must_use]
    pub fn waits(&self) -> Option<&Unseen> {
        let alarms = self.unseen.iter().filter(|unseen| matches!(unseen.claim, Claim::Warn | Claim::Fail));
        let estimate = |unseen: &Unseen| unseen.ratio.map_or(1.0, |ratio| ratio.estimate);
        alarms.max_by(|a, b| estimate(a).total_cmp(&estimate(b))).filter(|_| self.verdict == GateVerdict::Waits)
    }

    /// candidate / base, of the times that the verdict rests on.
    pub(super) fn judged_ratio(&self) -> Option<Ratio> {
        self.waits().map_or(self.ratio, |waits| waits.ratio)
    }

    /// Whether it waits by as much as must stop a change.
    fn waits_too_long(&self) -> bool {
        self.waits().is_some_and(|waits| waits.claim == Claim::Fail)
    }
}

impl GateOutcome {
    /// What an item is, in the singular: the word of both probes if all of their cases have the same one, else "item".
    #[must_use]
    pub fn item(&self) -> &str {
        let mut items = self.probes.iter().flatten().flat_map(|probe| &probe.cases).map(|case| case.item.as_deref());
        let first = items.next().flatten().unwrap_or(ITEM);
        if items.all(|item| item == Some(first)) { first } else { ITEM }
    }

    /// An outcome of which nothing was measured yet.
    pub(super) fn empty(base: &str, candidate: &str, config: &GateConfig) -> Self {
        Self {
            format: FORMAT.to_owned(),
            verdict_line: String::new(),
            verdict: None,
            exit_code: 0,
            base: base.to_owned(),
            candidate: candidate.to_owned(),
            rows: Vec::new(),
            tripwires: Vec::new(),
            missing: Vec::new(),
            pinned: false,
            core: None,
            fixed_addresses: false,
            host: None,
            probes: None,
            likeness: None,
            measuring_seconds: 0.0,
            notes: Vec::new(),
            stopped: None,
            differs: false,
            settings: config.clone(),
            seed: 0,
        }
    }

    /// The outcome of a comparison that failed before it began, for example because a side does not build.
    #[must_use]
    pub fn failed(base: &str, candidate: &str, config: &GateConfig, failure: &Failure) -> Self {
        let mut outcome = Self::empty(base, candidate, config);
        outcome.stop(failure);
        outcome
    }

    /// Records that what was to come failed; what is there already is kept.
    pub fn stop(&mut self, failure: &Failure) {
        self.stopped = Some(failure.to_string());
        self.differs |= failure.exit() == Exit::Difference;
        self.conclude(failure.exit() == Exit::Interrupted);
    }

    /// The rows with this verdict.
    pub fn with(&self, verdict: GateVerdict) -> impl Iterator<Item = &GateRow> {
        self.rows.iter().filter(move |row| row.verdict == verdict)
    }

    /// The tripwires that are broken.
    pub fn broken(&self) -> impl Iterator<Item = &Tripwire> {
        self.tripwires.iter().filter(|tripwire| tripwire.broken)
    }

    /// Whether something is missing that neither the settings nor an option allow to be missing.
    #[must_use]
    pub fn is_incomplete(&self) -> bool {
        missing::any_unexpected(&self.missing)
    }

    /// Draws the conclusion from rows, tripwires and the way the measuring ended. To be called again whenever those
    /// change.
    pub(super) fn conclude(&mut self, interrupted: bool) {
        // What is shown outweighs what is not: a regression stays one even if another benchmark could not be measured.
        let waits_too_long = self.rows.iter().any(GateRow::waits_too_long);
        let worst = [
            GateVerdict::Regression,
            if waits_too_long { GateVerdict::Waits } else { GateVerdict::Regression },
            GateVerdict::CouldNotMeasure,
            GateVerdict::Inconclusive,
            GateVerdict::Waits,
            GateVerdict::Warn,
            GateVerdict::Faster,
            GateVerdict::Pass,
        ]
        .into_iter()
        .find(|&verdict| self.with(verdict).next().is_some())
        .or_else(|| self.untimed_verdict());
        // Also if the comparison did not come to its end: what is shown is shown. An interruption asks for no verdict.
        let is_shown = waits_too_long || worst == Some(GateVerdict::Regression);
        self.verdict = if self.stopped.is_some() && (interrupted || !is_shown) { None } else { worst };
        let exit = match (self.verdict, interrupted) {
            (None, true) => Exit::Interrupted,
            _ if self.differs || self.broken().next().is_some() => Exit::Difference,
            (None, false) => Exit::CouldNot,
            (Some(GateVerdict::Regression), _) => Exit::Difference,
            (Some(GateVerdict::Waits), _) if waits_too_long => Exit::Difference,
            (Some(GateVerdict::CouldNotMeasure), _) => Exit::CouldNot,
            (Some(_), _) if self.is_incomplete() => Exit::CouldNot,
            (Some(GateVerdict::Inconclusive), _) => Exit::Inconclusive,
            (Some(GateVerdict::Pass | GateVerdict::Faster | GateVerdict::Warn | GateVerdict::Waits), _) => {
                Exit::Success
            }
        };
        self.exit_code = exit.code();
        self.verdict_line = super::line::verdict_line(self, interrupted);
    }

    /// The exit code as a type.
    #[must_use]
    pub fn exit(&self) -> Exit {
        [Exit::Success, Exit::Difference, Exit::Inconclusive, Exit::CannotTell, Exit::Interrupted]
            .into_iter()
            .find(|exit| exit.code() == self.exit_code)
            .unwrap_or(Exit::CouldNot)
    }

    /// Lets a warning count as a regression from now on.
    pub fn be_strict(&mut self) {
        // A slow-down that is shown outweighs what is missing.
        let is_slower = self.with(GateVerdict::Warn).chain(self.with(GateVerdict::Waits)).next().is_some();
        if self.verdict.is_some() && is_slower && self.exit() != Exit::Difference {
            self.exit_code = Exit::Difference.code();
            self.notes.push("--strict: a warning ends with exit code 1.".to_owned());
        }
    }

    /// Adds levels of benchmarks that are not `known` as missing, and draws the conclusion anew.
    pub fn add_levels_of_none(&mut self, known: &[String]) {
        self.missing.extend(super::levels_of_none(known, &self.settings));
        if self.stopped.is_none() {
            self.conclude(false);
        }
    }

    /// Adds tripwires that bind here and were not measured. [`add_tripwires`](Self::add_tripwires) draws the
    /// conclusion.
    pub fn add_unmeasured(&mut self, mut unmeasured: Vec<Missing>) {
        missing::allow(&mut unmeasured, &self.settings.allow_missing, true);
        self.missing.extend(unmeasured);
    }

    /// Adds tripwires and draws the conclusion anew.
    pub fn add_tripwires(&mut self, tripwires: Vec<Tripwire>) {
        self.tripwires = tripwires;
        if self.stopped.is_none() {
            self.conclude(false);
        }
    }
}
