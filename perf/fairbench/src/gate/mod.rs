//! The gate: is the candidate slower than the base?
//!
//! [`judge`] is the one path from two programs to an outcome. `gate`, `ab` and `selftest` all take it, so that what the
//! self-test finds out about it holds for what people use.
//!
//! | file | holds |
//! |---|---|
//! | `outcome` | what came of it, as data |
//! | `provenance` | what the builds of both sides say |
//! | `line` | the verdict, in one line |
//! | `render` | the table, Markdown |
//! | `unseen` | what the clock does not see, weighed into the verdict |
//! | `sides` | from two resolved sides to a pair |

mod line;
pub mod outcome;
pub mod provenance;
pub mod render;
pub mod sides;
#[cfg(test)]
pub(crate) mod test_data;
pub mod unseen;

use std::collections::BTreeMap;
use std::time::Duration;

use fairbench_probe::clock::Clock;
use fairbench_probe::protocol::Hello;

use outcome::{Confirmation, GateOutcome, GateRow, Ratio};
use unseen::{Unseen, weigh_in};

use crate::compare::decide::Rule;
use crate::compare::engine::{Comparison, ComparisonEnd, ComparisonPlan, Layouts, MeasuredCase, Surroundings, compare};
use crate::compare::evidence::{PairCounts, needs_confirmation, weigh};
use crate::compare::runner::{CaseInfo, Launcher, MeasureError};
use crate::host::Host;
use crate::measure::pin::measuring_core;
use crate::measure::stats::Quartiles;
use crate::missing::{self, Missing};
use crate::settings::GateConfig;
use crate::side::manifest::Likeness;

/// Part of the budget that is kept back for confirming: a suspicion that took all the time could never be.
const KEPT_TO_CONFIRM: f64 = 0.3;

/// Two programs, and what is known about them before the clock starts.
pub struct ProgramPair<'a> {
    /// Label of the base.
    pub base: String,
    /// Label of the candidate.
    pub candidate: String,
    /// Starts the probes of both.
    pub launcher: &'a dyn Launcher,
    /// The cases that both can run.
    pub cases: Vec<CaseInfo>,
    /// Names of all benchmarks that either side has, also of those that are not asked for.
    pub known: Vec<String>,
    /// What was asked for and is not on both sides.
    pub missing: Vec<Missing>,
    /// Counts of both sides, by the name of the case.
    pub counts: BTreeMap<String, PairCounts>,
    /// Whether probes on one thread are pinned here.
    pub pinned: bool,
    /// Whether address randomisation is off here.
    pub fixed_addresses: bool,
    /// The host that is measured on; `None` if it is not known.
    pub host: Option<Host>,
    /// What base and candidate say about themselves; `None` if that is not known.
    pub probes: Option<[Hello; 2]>,
    /// Notes for readers of the outcome.
    pub notes: Vec<String>,
    /// How both sides were built, held against each other; `None` unless both were built here.
    pub likeness: Option<Likeness>,
}

/// Measures, decides and weighs. It never fails: what went wrong is part of the outcome.
pub fn judge(pair: &ProgramPair<'_>, config: &GateConfig, seed: u64, around: &mut Surroundings<'_>) -> GateOutcome {
    let mut outcome = GateOutcome {
        missing: missing_of(pair, config),
        pinned: pair.pinned,
        core: if pair.pinned { measuring_core() } else { None },
        fixed_addresses: pair.fixed_addresses,
        host: pair.host.clone(),
        probes: pair.probes.clone(),
        notes: pair.notes.iter().cloned().chain(notes(pair)).collect(),
        seed,
        likeness: pair.likeness.clone(),
        ..GateOutcome::empty(&pair.base, &pair.candidate, config)
    };
    if pair.cases.is_empty() {
        outcome.stopped = Some("the two sides have no benchmark in common".to_owned());
    }
    let mut interrupted = false;
    // What can be pinned and what cannot are different measurements, and don't share blocks.
    for single_threaded in [true, false] {
        let cases = pair.cases.iter().filter(|case| case.is_single_threaded() == single_threaded);
        let cases: Vec<(CaseInfo, Rule)> = cases.map(|case| (case.clone(), config.rule(&case.name))).collect();
        if cases.is_empty() || outcome.stopped.is_some() {
            continue;
        }
        let budget = config.budget(single_threaded);
        let first_budget = budget.mul_f64(1.0 - KEPT_TO_CONFIRM);
        let plan =
            ComparisonPlan { cases, effort: config.effort(), layouts: Layouts::Shared, budget: first_budget, seed };
        let first = compare(pair.launcher, &plan, around);
        let left = budget.saturating_sub(first.elapsed);
        let confirmation = confirm(pair, &plan, &first, left, around);
        for comparison in [Some(&first), confirmation.as_ref()].into_iter().flatten() {
            outcome.measuring_seconds += comparison.elapsed.as_secs_f64();
            if let ComparisonEnd::Failed(error) = &comparison.ended {
                interrupted = *error == MeasureError::Interrupted;
                outcome.stopped = Some(error.to_string());
            }
        }
        let confirmed = confirmation.map(|confirmation| confirmation.cases).unwrap_or_default();
        outcome.rows.extend(first.cases.into_iter().map(|measured| row(pair, config, measured, &confirmed)));
    }
    outcome.notes.extend(clock_notes(pair, &outcome.rows));
    outcome.conclude(interrupted);
    outcome
}

/// Measures what got slower without doing more once more, with a layout of its own for each side. `None` if there is
/// nothing to confirm, or no time for it.
fn confirm(
    pair: &ProgramPair<'_>,
    plan: &ComparisonPlan,
    first: &Comparison,
    left: Duration,
    around: &mut Surroundings<'_>,
) -> Option<Comparison> {
    let suspect = |measured: &&MeasuredCase| {
        let counts = pair.counts.get(&measured.case.name).cloned().unwrap_or_default();
        needs_confirmation(measured.decision.claim, &counts)
    };
    let suspects: Vec<&CaseInfo> = first.cases.iter().filter(suspect).map(|measured| &measured.case).collect();
    if suspects.is_empty() || left.is_zero() || matches!(first.ended, ComparisonEnd::Failed(_)) {
        return None;
    }
    let cases = plan.cases.iter().filter(|(case, _)| suspects.contains(&case)).cloned().collect();
    // Another seed: other layouts than those that raised the suspicion.
    let plan = ComparisonPlan {
        cases,
        layouts: Layouts::Independent,
        budget: left,
        seed: plan.seed.wrapping_add(1),
        ..plan.clone()
    };
    Some(compare(pair.launcher, &plan, around))
}

fn row(pair: &ProgramPair<'_>, config: &GateConfig, measured: MeasuredCase, confirmed: &[MeasuredCase]) -> GateRow {
    let MeasuredCase { case, decision, unseen, blocks } = measured;
    let counts = pair.counts.get(&case.name).cloned().unwrap_or_default();
    let confirmation = confirmed.iter().find(|confirmed| confirmed.case == case);
    let weighed = weigh(decision.claim, &counts, confirmation.map(|confirmed| confirmed.decision.claim));
    let weighed = weigh_in(weighed, decision.claim, &unseen);
    let base_ns: Vec<f64> = blocks.iter().map(|block| block.base_ns_per_item).collect();
    GateRow {
        levels: config.levels(&case.name),
        benchmark: case.name,
        threads: case.threads,
        verdict: weighed.verdict,
        reason: weighed.reason,
        claim: decision.claim,
        ratio: decision.change.map(Ratio::of),
        control: decision.control.map(Ratio::of),
        base_ns_per_item: Quartiles::of(&base_ns).map(|quartiles| quartiles.median),
        unseen: unseen.iter().map(Unseen::of).collect(),
        counts,
        blocks,
        confirmation: confirmation.map(|confirmed| Confirmation::of(&confirmed.decision, confirmed.blocks.clone())),
    }
}

fn notes(pair: &ProgramPair<'_>) -> Vec<String> {
    let mut notes = Vec::new();
    if !pair.pinned {
        notes.push(
            "This system does not let probes be pinned to a core: intervals are wider, and undecided benchmarks more \
             likely."
                .to_owned(),
        );
    }
    if !pair.fixed_addresses {
        notes.push(
            "Address randomisation could not be switched off: every process lies elsewhere, which widens the intervals."
                .to_owned(),
        );
    }
    if pair.cases.iter().any(|case| !case.is_single_threaded()) {
        notes.push(
            "Benchmarks on several threads cannot be pinned and are in wall time: their intervals are wider."
                .to_owned(),
        );
    }
    notes
}

/// Notes about the clocks, for readers of the outcome.
fn clock_notes(pair: &ProgramPair<'_>, rows: &[GateRow]) -> Vec<String> {
    let mut notes = Vec::new();
    let single = || rows.iter().filter(|row| row.threads == 1 && !row.blocks.is_empty());
    // The wall clock sees waiting by itself.
    let by_the_wall = |row: &&GateRow| {
        let of_probe =
            |hello: &Hello| hello.cases.iter().any(|case| case.name == row.benchmark && case.clock == Clock::Wall);
        pair.probes.as_ref().is_some_and(|probes| probes.iter().all(of_probe))
    };
    let silent = names(single().filter(|row| row.unseen.is_empty() && !by_the_wall(row)));
    if !silent.is_empty() {
        notes.push(format!(
            "Waiting cannot be seen on {silent}: a probe does not say where its time goes (wall_ns and thread_cpu_ns, \
             perf/PROTOCOL.md)."
        ));
    }
    let untold = |row: &&GateRow| row.unseen.iter().any(|unseen| unseen.switches_per_1000.is_none());
    let untold = names(single().filter(untold));
    if !untold.is_empty() {
        notes.push(format!(
            "Waiting is judged by wall time against CPU time on {untold}: a probe does not report voluntary switches, \
             so waiting counts where it is shown and is not excluded elsewhere."
        ));
    }
    for row in rows {
        if let Some(tick_ns) = row.blocks.iter().find_map(|block| block.tick_ns) {
            notes.push(format!(
                "The clock of {} ticks only every {:.1} ms: its turns, and so its blocks, were made longer.",
                row.benchmark,
                tick_ns / 1e6
            ));
        }
    }
    notes
}

fn names<'r>(rows: impl Iterator<Item = &'r GateRow>) -> String {
    rows.map(|row| row.benchmark.as_str()).collect::<Vec<_>>().join(", ")
}

/// What is not on both sides, and levels for benchmarks that neither side has.
fn missing_of(pair: &ProgramPair<'_>, config: &GateConfig) -> Vec<Missing> {
    let mut missing = pair.missing.clone();
    missing::allow(&mut missing, &config.allow_missing, false);
    missing.extend(levels_of_none(&pair.known, config));
    missing
}

/// Levels in the settings for benchmarks that are not `known`.
fn levels_of_none(known: &[String], config: &GateConfig) -> Vec<Missing> {
    let without = config.benchmarks.keys().filter(|name| !known.contains(*name));
    let level = |name: &String| {
        Missing::new(name, format!("the settings have levels for {name}, but no benchmark has that name"))
    };
    let mut missing: Vec<Missing> = without.map(level).collect();
    missing::allow(&mut missing, &config.allow_missing, false);
    missing
}

#[cfg(test)]
mod tests;
