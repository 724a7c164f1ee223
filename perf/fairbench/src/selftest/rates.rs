//! False-alarm rates and power over all trials, with 95 % intervals.

use std::collections::{BTreeMap, BTreeSet};

use comfy_table::Table;
use comfy_table::presets::ASCII_MARKDOWN;
use serde::Serialize;

use super::trials::{Nuisance, Trial, TrialKind};
use crate::compare::evidence::GateVerdict;
use crate::measure::binomial::Rate;
use crate::measure::stats::Quartiles;

/// From this rate on, equal pairs that are not decided count as false alarms: people would ignore such a gate as well.
const UNDECIDED_ALLOWED: f64 = 0.01;

/// The kind that stands for equal pairs with any nuisance.
const EQUAL: TrialKind = TrialKind::Equal(Nuisance::None);

/// Rates over the trials of one kind.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Rates {
    /// Name of the kind of trials.
    pub kind: String,
    /// Rate of whole gates with any alarm.
    pub suites_alarmed: Rate,
    /// Rate of benchmarks that got a warning or a failure.
    pub alarmed: Rate,
    /// Rate of benchmarks that failed.
    pub failed: Rate,
    /// Rate of benchmarks that were reported faster.
    pub faster: Rate,
    /// Rate of benchmarks without a decision: inconclusive, or with a control that was off.
    pub undecided: Rate,
    /// The median over benchmarks and trials of candidate / base.
    pub median_ratio: Option<f64>,
    /// Median of candidate / base for each benchmark: what was really injected. (Work is injected by the token; in a
    /// batch that is not full a token costs more, so batches come out above what was asked for.)
    pub median_ratio_of: BTreeMap<String, f64>,
    /// Median time of measuring, in seconds; `None` without trials.
    pub median_seconds: Option<f64>,
}

impl Rates {
    /// Computes the rates over the trials of this kind.
    #[must_use]
    pub fn of(kind: TrialKind, trials: &[Trial]) -> Self {
        let of_kind: Vec<&Trial> = trials.iter().filter(|trial| trial.kind.is_like(kind)).collect();
        let found: Vec<_> = of_kind.iter().flat_map(|trial| &trial.benchmarks).collect();
        let rate = |holds: &dyn Fn(GateVerdict) -> bool| {
            Rate::of(found.iter().filter(|found| holds(found.verdict)).count(), found.len())
        };
        let alarmed = |trial: &&&Trial| trial.benchmarks.iter().any(|found| found.verdict.is_alarm());
        let ratios: Vec<f64> = found.iter().filter_map(|found| Some(found.ratio?.estimate)).collect();
        let names: BTreeSet<&str> = found.iter().map(|found| found.benchmark.as_str()).collect();
        let seconds: Vec<f64> = of_kind.iter().map(|trial| trial.seconds).collect();
        let median = |values: &[f64]| Quartiles::of(values).map(|quartiles| quartiles.median);
        Self {
            kind: kind.name(),
            suites_alarmed: Rate::of(of_kind.iter().filter(alarmed).count(), of_kind.len()),
            alarmed: rate(&GateVerdict::is_alarm),
            failed: rate(&|verdict| verdict == GateVerdict::Regression),
            faster: rate(&|verdict| verdict == GateVerdict::Faster),
            undecided: rate(&|verdict| matches!(verdict, GateVerdict::Inconclusive | GateVerdict::CouldNotMeasure)),
            median_ratio: median(&ratios),
            median_ratio_of: names
                .into_iter()
                .filter_map(|name| {
                    let of_name = found.iter().filter(|found| found.benchmark == name);
                    let ratios: Vec<f64> = of_name.filter_map(|found| Some(found.ratio?.estimate)).collect();
                    Some((name.to_owned(), median(&ratios)?))
                })
                .collect(),
            median_seconds: median(&seconds),
        }
    }

    /// The rate of what must not happen to equal pairs.
    fn false_alarms(&self) -> Rate {
        let undecided = if self.undecided.rate > UNDECIDED_ALLOWED { self.undecided.events } else { 0 };
        Rate::of(self.alarmed.events + undecided, self.alarmed.trials)
    }
}

/// What a self-test prints as JSON. The first five fields are what tools read.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct SelftestSummary {
    /// Part of the whole gates on equal pairs that raised an alarm.
    pub false_alarm_rate: f64,
    /// Part of the benchmarks with 5 % more work that were caught.
    pub power_5pct: f64,
    /// Part of the benchmarks with 3 % more work that were caught at a warn level of 3 %.
    pub power_3pct: f64,
    /// Number of trials in all, without those of Criterion.
    pub trials: usize,
    /// Mean time of measuring of a gate on equal pairs, in seconds.
    pub seconds_per_gate: f64,
    /// Part of the benchmarks with 7 % more work that failed.
    pub fails_7pct: f64,
    /// False alarms per benchmark of equal pairs.
    pub false_alarms_per_benchmark: Rate,
    /// False alarms per whole gate: as observed.
    pub false_alarms_per_gate: Rate,
    /// The rate of false alarms per whole gate as derived from that per benchmark, at its estimate and its upper end:
    /// `1 - (1 - rate)^n`.
    pub derived_false_alarms_per_gate: [f64; 2],
    /// Rates of false alarms of Criterion, per benchmark and per suite.
    pub criterion_false_alarms: [Rate; 2],
    /// The rates of each kind of trial.
    pub kinds: Vec<Rates>,
    /// Whether the self-test was interrupted.
    pub interrupted: bool,
}

impl SelftestSummary {
    /// Sums up all trials so far.
    #[must_use]
    pub fn of(trials: &[Trial], interrupted: bool) -> Self {
        let rates = |kind: TrialKind| Rates::of(kind, trials);
        let injected = |percent, warn_percent| rates(TrialKind::Injected { percent, warn_percent });
        let equal = rates(EQUAL);
        let criterion = rates(TrialKind::Criterion);
        let per_benchmark = equal.false_alarms();
        let equal_trials: Vec<&Trial> = trials.iter().filter(|trial| trial.kind.is_like(EQUAL)).collect();
        let benchmarks = equal_trials.iter().map(|trial| trial.benchmarks.len()).max().unwrap_or_default();
        let derived = |rate: f64| 1.0 - (1.0 - rate).powi(benchmarks as i32);
        let undecided_count = equal.undecided.rate > UNDECIDED_ALLOWED;
        let alarmed = |trial: &&&Trial| {
            trial.benchmarks.iter().any(|found| {
                found.verdict.is_alarm()
                    || undecided_count
                        && matches!(found.verdict, GateVerdict::Inconclusive | GateVerdict::CouldNotMeasure)
            })
        };
        let per_gate = Rate::of(equal_trials.iter().filter(alarmed).count(), equal_trials.len());
        // The four nuisances are one row.
        let rows = TrialKind::ROUND.into_iter().filter(|kind| *kind == EQUAL || !kind.is_like(EQUAL));
        let seconds: f64 = equal_trials.iter().map(|trial| trial.seconds).sum();
        Self {
            false_alarm_rate: per_gate.rate,
            power_5pct: injected(5.0, 5.0).alarmed.rate,
            power_3pct: injected(3.0, 3.0).alarmed.rate,
            trials: trials.iter().filter(|trial| trial.kind != TrialKind::Criterion).count(),
            seconds_per_gate: seconds / equal_trials.len().max(1) as f64,
            fails_7pct: injected(7.0, 5.0).failed.rate,
            false_alarms_per_benchmark: per_benchmark,
            false_alarms_per_gate: per_gate,
            derived_false_alarms_per_gate: [derived(per_benchmark.rate), derived(per_benchmark.upper95)],
            criterion_false_alarms: [criterion.alarmed, criterion.suites_alarmed],
            kinds: rows.map(rates).collect(),
            interrupted,
        }
    }

    /// The rates as a Markdown table.
    #[must_use]
    pub fn table(&self) -> String {
        let mut table = Table::new();
        table.load_style(ASCII_MARKDOWN);
        table.set_header([
            "trials",
            "benchmarks",
            "warned or failed",
            "failed",
            "reported faster",
            "undecided",
            "gates with an alarm",
            "median ratio",
            "seconds",
        ]);
        for kind in &self.kinds {
            let or_none = |value: Option<f64>, digits: usize| {
                value.map_or_else(|| "n/a".to_owned(), |value| format!("{value:.digits$}"))
            };
            table.add_row([
                kind.kind.clone(),
                kind.alarmed.trials.to_string(),
                percent(kind.alarmed),
                percent(kind.failed),
                percent(kind.faster),
                percent(kind.undecided),
                percent(kind.suites_alarmed),
                or_none(kind.median_ratio, 4),
                or_none(kind.median_seconds, 1),
            ]);
        }
        table.to_string()
    }
}

/// A rate as text, such as `1.7 % (0.4–4.2)`.
#[must_use]
pub fn percent(rate: Rate) -> String {
    if rate.trials == 0 {
        return "n/a".to_owned();
    }
    format!("{:.1} % ({:.1}–{:.1})", 100.0 * rate.rate, 100.0 * rate.lower95, 100.0 * rate.upper95)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::gate::outcome::Ratio;
    use crate::selftest::trials::TrialFinding;

    fn trial(kind: TrialKind, verdicts: &[GateVerdict]) -> Trial {
        let found = |&verdict: &GateVerdict| TrialFinding {
            benchmark: "b".into(),
            verdict,
            ratio: Some(Ratio { estimate: 1.01, lower: 1.0, upper: 1.02 }),
            log_ratio_ppm: Vec::new(),
            log_control_ppm: Vec::new(),
        };
        Trial { kind, seed: 0, seconds: 8.0, benchmarks: verdicts.iter().map(found).collect() }
    }

    #[test]
    fn rates_are_counted_per_benchmark_and_per_gate() {
        use GateVerdict::{Faster, Pass, Regression, Warn};
        let five = TrialKind::Injected { percent: 5.0, warn_percent: 5.0 };
        let strict = TrialKind::Injected { percent: 3.0, warn_percent: 3.0 };
        let trials = [
            trial(EQUAL, &[Pass, Pass]),
            trial(TrialKind::ROUND[1], &[Pass, Warn]),
            trial(TrialKind::ROUND[2], &[Pass, Pass]),
            trial(TrialKind::ROUND[3], &[Faster, Pass]),
            trial(five, &[Warn, Regression]),
            trial(strict, &[Warn, Pass]),
            trial(TrialKind::Criterion, &[Regression, Regression]),
        ];
        let summary = SelftestSummary::of(&trials, false);
        assert_eq!((summary.false_alarm_rate, summary.power_5pct, summary.power_3pct), (0.25, 1.0, 0.5));
        assert_eq!((summary.trials, summary.seconds_per_gate), (6, 8.0));
        assert_eq!((summary.false_alarms_per_benchmark.events, summary.false_alarms_per_benchmark.trials), (1, 8));
        assert!((summary.derived_false_alarms_per_gate[0] - (1.0 - 0.875_f64.powi(2))).abs() < 1e-12);
        assert_eq!(summary.criterion_false_alarms[1].rate, 1.0);
        assert!(summary.table().contains("| equal programs, by Criterion  | 2 "), "{}", summary.table());
    }

    #[test]
    fn undecided_equal_pairs_are_false_alarms_once_they_are_more_than_one_percent() {
        let pass = || trial(EQUAL, &[GateVerdict::Pass; 5]);
        let mut trials: Vec<Trial> = (0..40).map(|_| pass()).collect();
        trials[0].benchmarks[0].verdict = GateVerdict::Inconclusive;
        assert_eq!(SelftestSummary::of(&trials, false).false_alarm_rate, 0.0);
        trials[1].benchmarks[0].verdict = GateVerdict::CouldNotMeasure;
        trials[2].benchmarks[0].verdict = GateVerdict::CouldNotMeasure;
        assert_eq!(SelftestSummary::of(&trials, false).false_alarms_per_gate.events, 3);
    }

    #[test]
    fn the_json_begins_with_the_fields_that_tools_read() {
        let json = serde_json::to_string(&SelftestSummary::of(&[], true)).unwrap();
        let fields = ["false_alarm_rate", "power_5pct", "power_3pct", "trials", "seconds_per_gate"];
        let places: Vec<usize> = fields.iter().map(|field| json.find(&format!("\"{field}\":")).unwrap()).collect();
        assert!(places.is_sorted() && places[0] == 1, "{json}");
    }
}
