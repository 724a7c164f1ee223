//! An outcome, as far as tests of how it is shown need one.

use super::outcome::{Outcome, Ratio, Row};
use crate::compare::decide::{Levels, Standing};
use crate::compare::evidence::{Counts, PairCounts, Verdict};
use crate::settings::GateConfig;

pub(crate) fn row(benchmark: &str, verdict: Verdict, (lower, estimate, upper): (f64, f64, f64)) -> Row {
    let counts =
        |instructions: f64| Counts { instructions: Some(instructions), allocations: Some(3.0), allocated_bytes: None };
    Row {
        benchmark: benchmark.into(),
        threads: 1,
        verdict,
        reason: (verdict == Verdict::Regression).then(|| "time and instructions are up".to_owned()),
        standing: Standing::Pass,
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

pub(crate) fn outcome(rows: Vec<Row>) -> Outcome {
    let settings = GateConfig::default();
    let mut outcome = Outcome {
        rows,
        pinned: true,
        measuring_seconds: 9.87,
        notes: vec!["A note.".into()],
        ..Outcome::empty("HEAD~1", "working tree", &settings)
    };
    outcome.conclude(false);
    outcome
}
