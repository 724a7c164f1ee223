//! The levels that the gate judges by, its confidence, and its budget.

use std::collections::BTreeMap;
use std::time::Duration;

use anyhow::ensure;
use serde::{Deserialize, Serialize};

use crate::compare::decide::{Levels, Rule};
use crate::compare::group::Effort;

/// Longest budget that is accepted, in seconds: a day.
const LONGEST_BUDGET_S: f64 = 86_400.0;

/// The section `[gate]` of the settings.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct GateConfig {
    /// Slow-down that must be noticed, in percent.
    pub warn_percent: f64,
    /// Slow-down that must stop a change, in percent.
    pub fail_percent: f64,
    /// Confidence of the intervals, in percent.
    pub confidence_percent: f64,
    /// Half-width of an interval that is precise enough for an alarm, in percent.
    pub precise_percent: f64,
    /// How far off the control's interval may lie, in percent.
    pub control_percent: f64,
    /// Time for single-threaded benchmarks together, in seconds.
    pub budget_seconds: f64,
    /// Time for benchmarks on all cores together, in seconds.
    pub all_cores_budget_seconds: f64,
    /// Length of a turn, in microseconds.
    pub turn_us: f64,
    /// Number of rounds of a block.
    pub rounds: usize,
    /// Benchmarks, levels and tripwires that are expected to be missing: see [`crate::missing`].
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub allow_missing: Vec<String>,
    /// Levels of single benchmarks.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub benchmarks: BTreeMap<String, Override>,
}

/// Settings that are different for one benchmark.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Override {
    /// Warn level of the benchmark, in place of [`GateConfig::warn_percent`].
    pub warn_percent: Option<f64>,
    /// Fail level of the benchmark, in place of [`GateConfig::fail_percent`].
    pub fail_percent: Option<f64>,
}

impl Default for GateConfig {
    /// Chosen on a loaded 2-core machine (2026-11): turns of 100 µs spread no more than those of 200 µs, and those of
    /// 400 µs more; 200 µs of work outweigh the fixed cost of a turn.
    fn default() -> Self {
        Self {
            warn_percent: 5.0,
            fail_percent: 7.0,
            confidence_percent: 99.0,
            precise_percent: 1.0,
            control_percent: 1.0,
            budget_seconds: 60.0,
            all_cores_budget_seconds: 60.0,
            turn_us: 200.0,
            rounds: 25,
            allow_missing: Vec::new(),
            benchmarks: BTreeMap::new(),
        }
    }
}

impl GateConfig {
    /// Checks that all values are in their ranges.
    ///
    /// # Errors
    /// The first value that is not, with its range.
    pub fn check(&self) -> anyhow::Result<()> {
        let within = |name: &str, value: f64, least: f64, most: f64| {
            ensure!(value >= least && value <= most, "{name} is {value}; expected {least} to {most}");
            Ok(())
        };
        let levels = |of: &str, levels: Levels| {
            within(&format!("warn_percent{of}"), percent(levels.warn), 0.1, 100.0)?;
            within(&format!("fail_percent{of}"), percent(levels.fail), percent(levels.warn), 1000.0)
        };
        levels("", Levels { warn: self.warn_percent / 100.0, fail: self.fail_percent / 100.0 })?;
        for name in self.benchmarks.keys() {
            levels(&format!(" of {name}"), self.levels(name))?;
        }
        within("confidence_percent", self.confidence_percent, 50.0, 99.99)?;
        within("precise_percent", self.precise_percent, 0.01, 100.0)?;
        within("control_percent", self.control_percent, 0.1, 100.0)?;
        within("budget_seconds", self.budget_seconds, 0.1, LONGEST_BUDGET_S)?;
        within("all_cores_budget_seconds", self.all_cores_budget_seconds, 0.1, LONGEST_BUDGET_S)?;
        within("turn_us", self.turn_us, 100.0, 5000.0)?;
        within("rounds", self.rounds as f64, 1.0, 1000.0)
    }

    /// The levels of a benchmark.
    #[must_use]
    pub fn levels(&self, benchmark: &str) -> Levels {
        let special = self.benchmarks.get(benchmark).copied().unwrap_or_default();
        Levels {
            warn: special.warn_percent.unwrap_or(self.warn_percent) / 100.0,
            fail: special.fail_percent.unwrap_or(self.fail_percent) / 100.0,
        }
    }

    /// The rule by which a benchmark is decided.
    #[must_use]
    pub fn rule(&self, benchmark: &str) -> Rule {
        Rule {
            levels: self.levels(benchmark),
            confidence: self.confidence_percent / 100.0,
            precise_half_width: self.precise_percent / 100.0,
            control_margin: self.control_percent / 100.0,
        }
    }

    /// How much a block measures.
    #[must_use]
    pub fn effort(&self) -> Effort {
        Effort { turn_ns: self.turn_us * 1e3, rounds: self.rounds }
    }

    /// Time for the benchmarks on one thread, or for those on all cores.
    #[must_use]
    pub fn budget(&self, single_threaded: bool) -> Duration {
        Duration::from_secs_f64(if single_threaded { self.budget_seconds } else { self.all_cores_budget_seconds })
    }
}

/// A percentage as a part of one, rounded to a millionth: 0.07 is not exactly 7 / 100.
fn percent(part: f64) -> f64 {
    (part * 1e8).round() / 1e6
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_levels_are_those_that_are_documented() {
        let config = GateConfig::default();
        config.check().unwrap();
        assert_eq!(config.levels("any"), Levels { warn: 0.05, fail: 0.07 });
        assert_eq!(config.budget(true), Duration::from_secs(60));
        assert!((config.rule("any").confidence - 0.99).abs() < 1e-12);
    }

    #[test]
    fn a_benchmark_may_have_levels_of_its_own() {
        let noisy = Override { warn_percent: Some(8.0), fail_percent: None };
        let config =
            GateConfig { benchmarks: [("noisy".to_owned(), noisy)].into(), fail_percent: 9.0, ..GateConfig::default() };
        assert_eq!(config.levels("noisy"), Levels { warn: 0.08, fail: 0.09 });
        assert_eq!(config.levels("other"), Levels { warn: 0.05, fail: 0.09 });
        config.check().unwrap();
        let error = GateConfig { fail_percent: 7.0, ..config }.check().unwrap_err().to_string();
        assert_eq!(error, "fail_percent of noisy is 7; expected 8 to 1000");
    }
}
