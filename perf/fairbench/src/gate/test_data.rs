//! An example of an outcome, for tests of how it is shown.

use super::outcome::{GateOutcome, GateRow, Ratio};
use crate::compare::decide::{Claim, Levels};
use crate::compare::evidence::{Counts, GateVerdict, PairCounts};
use crate::settings::GateConfig;

pub(crate) fn row(benchmark: &str, verdict: GateVerdict, (lower, estimate, upper): (f64, f64, f64)) -> GateRow {
    let counts =
        |instructions: f64| Counts { instructions: Some(instructions), allocations: Some(3.0), allocated_bytes: None };
    GateRow {
        benchmark: benchmark.into(),
        threads: 1,
        verdict,
        reason: (verdict == GateVerdict::Regression).then(|| "time and instructions are up".to_owned()),
        claim: Claim::Pass,
        levels: Levels { warn: 0.05, fail: 0.07 },
        ratio: Some(Ratio { estimate, lower, upper }),
        control: Some(Ratio { estimate: 1.001, lower: 0.998, upper: 1.004 }),
        base_ns_per_item: Some(668.2),
        unseen: Vec::new(),
        counts: PairCounts { base: counts(2000.0), candidate: counts(2000.0 * estimate.max(1.0)) },
        blocks: Vec::new(),
        confirmation: None,
    }
}

pub(crate) fn outcome(rows: Vec<GateRow>) -> GateOutcome {
    let settings = GateConfig::default();
    let mut outcome = GateOutcome {
        rows,
        pinned: true,
        measuring_seconds: 9.87,
        notes: vec!["A note.".into()],
        ..GateOutcome::empty("HEAD~1", "working tree", &settings)
    };
    outcome.conclude(false);
    outcome
}
