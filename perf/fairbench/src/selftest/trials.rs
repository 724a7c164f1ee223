//! The kinds of trials, and what is kept of each.

use serde::{Deserialize, Serialize};

use crate::compare::evidence::GateVerdict;
use crate::gate::outcome::{GateOutcome, GateRow, Ratio};
use crate::settings::GateConfig;

/// A difference between two programs that must not matter.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Nuisance {
    /// The same program.
    None,
    /// The same program with a larger environment.
    EnvironmentSize,
    /// A copy of the program at another path.
    BinaryPath,
    /// The program with a function that nobody calls.
    UnusedFunction,
}

/// The kind of a trial.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum TrialKind {
    /// Equal programs.
    Equal(Nuisance),
    /// The candidate does so much more of the same work, in percent; below 0 it does less.
    Injected {
        /// How much more work the candidate does, in percent.
        percent: f64,
        /// The warn level that it is judged by, in percent.
        warn_percent: f64,
    },
    /// Two runs of Criterion on the same program.
    Criterion,
}

/// The warn level in use; 3 % is also judged by a stricter one.
const WARN_PERCENT: f64 = 5.0;
const STRICT_WARN_PERCENT: f64 = 3.0;
/// The fail level that goes with the strict warn level.
const STRICT_FAIL_PERCENT: f64 = 5.0;

impl TrialKind {
    /// The trials of a round: equal pairs with each nuisance, then each injection once, then Criterion. Trials go round
    /// by round, so that what is there after an interruption is balanced, and a change of the machine meets all kinds
    /// alike. Equal pairs come more often: a rare false alarm takes many trials to be seen, and they are the quickest.
    pub const ROUND: [Self; 11] = {
        const fn injected(percent: f64, warn_percent: f64) -> TrialKind {
            TrialKind::Injected { percent, warn_percent }
        }
        [
            Self::Equal(Nuisance::None),
            Self::Equal(Nuisance::UnusedFunction),
            Self::Equal(Nuisance::EnvironmentSize),
            Self::Equal(Nuisance::BinaryPath),
            injected(2.0, WARN_PERCENT),
            injected(3.0, WARN_PERCENT),
            injected(3.0, STRICT_WARN_PERCENT),
            injected(5.0, WARN_PERCENT),
            injected(7.0, WARN_PERCENT),
            injected(-5.0, WARN_PERCENT),
            Self::Criterion,
        ]
    };

    /// Whether both are trials of one row of the table: all nuisances are one.
    #[must_use]
    pub fn is_like(self, other: Self) -> bool {
        self == other || matches!((self, other), (Self::Equal(_), Self::Equal(_)))
    }

    /// The settings that it is judged by: those in use, but for the strict warn level.
    #[must_use]
    pub fn settings(self, config: &GateConfig) -> GateConfig {
        match self {
            Self::Injected { warn_percent, .. } if warn_percent == STRICT_WARN_PERCENT => GateConfig {
                warn_percent: STRICT_WARN_PERCENT,
                fail_percent: STRICT_FAIL_PERCENT,
                benchmarks: [].into(),
                ..config.clone()
            },
            _ => config.clone(),
        }
    }

    /// The name of the kind in tables.
    #[must_use]
    pub fn name(self) -> String {
        match self {
            Self::Equal(_) => "equal programs".to_owned(),
            Self::Injected { percent, warn_percent } => {
                let what = if percent < 0.0 { "less" } else { "more" };
                let strict = if warn_percent == STRICT_WARN_PERCENT { ", warn level 3 %" } else { "" };
                format!("{} % {what} work{strict}", percent.abs())
            }
            Self::Criterion => "equal programs, by Criterion".to_owned(),
        }
    }
}

/// One trial: a whole gate, or two runs of Criterion.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Trial {
    /// The kind of trial.
    pub kind: TrialKind,
    /// Seed of layouts and orders.
    pub seed: u64,
    /// Time of measuring, in seconds.
    pub seconds: f64,
    /// The findings, one for each benchmark.
    pub benchmarks: Vec<TrialFinding>,
}

/// The finding about one benchmark.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct TrialFinding {
    /// Name of the benchmark.
    pub benchmark: String,
    /// The verdict of the gate. For Criterion it is a regression if the benchmark is more than 5 % slower.
    pub verdict: GateVerdict,
    /// candidate / base, with the interval that the verdict rests on. For Criterion the ratio of the means, without
    /// one.
    pub ratio: Option<Ratio>,
    /// ln(candidate / base) of each block, in millionths.
    pub log_ratio_ppm: Vec<i32>,
    /// ln(control / base) of each block, in millionths.
    pub log_control_ppm: Vec<i32>,
}

impl Trial {
    /// The trial of a gate that came to an end.
    #[must_use]
    pub fn of(kind: TrialKind, outcome: &GateOutcome) -> Self {
        Self {
            kind,
            seed: outcome.seed,
            seconds: outcome.measuring_seconds,
            benchmarks: outcome.rows.iter().map(TrialFinding::of).collect(),
        }
    }
}

impl TrialFinding {
    fn of(row: &GateRow) -> Self {
        let millionths = |part: f64| (part * 1e6).round() as i32;
        Self {
            benchmark: row.benchmark.clone(),
            verdict: row.verdict,
            ratio: row.ratio,
            log_ratio_ppm: row.blocks.iter().map(|block| millionths(block.log_ratio)).collect(),
            log_control_ppm: row.blocks.iter().map(|block| millionths(block.log_control)).collect(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_round_has_every_kind_once() {
        for (index, kind) in TrialKind::ROUND.iter().enumerate() {
            assert!(!TrialKind::ROUND[..index].contains(kind), "{kind:?}");
        }
        assert_eq!(TrialKind::ROUND.iter().filter(|kind| kind.is_like(TrialKind::ROUND[0])).count(), 4);
    }

    #[test]
    fn three_percent_is_also_judged_by_a_warn_level_of_three_percent() {
        let settings = GateConfig::default();
        let levels: Vec<(f64, f64)> = TrialKind::ROUND
            .into_iter()
            .filter(|kind| matches!(kind, TrialKind::Injected { percent: 3.0, .. }))
            .map(|kind| kind.settings(&settings))
            .map(|settings| (settings.warn_percent, settings.fail_percent))
            .collect();
        assert_eq!(levels, [(5.0, 7.0), (3.0, 5.0)]);
    }
}
