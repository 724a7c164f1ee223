//! All benchmarks of a history, judged at once.
//!
//! Each benchmark is asked twice: is there a [change](super::changes), is there a [drift](super::drift)? With the
//! smaller p, doubled, it takes its place among all benchmarks, and Holm's procedure (*A simple sequentially rejective
//! multiple test procedure*, Scandinavian Journal of Statistics 6, 1979) says which have moved: if none has, the chance
//! that any is named is at most [`LEVEL`], however many there are.
//!
//! Of those that have moved it is then said how. A drift looks like a step in the middle to a search for steps, and a
//! step like a drift to a test for drifts. So both descriptions are made, steps and one straight line, and the one is
//! taken that leaves less. What is left is measured by the dispersion of ranks (Jaeckel, *Estimating regression
//! coefficients by minimizing the dispersion of the residuals*, Annals of Mathematical Statistics 43, 1972), which
//! bears outliers, with a charge for each number that had to be chosen (Schwarz, *Estimating the dimension of a model*,
//! Annals of Statistics 6, 1978). A step counts as three, for its place was searched for (Zhang & Siegmund, *A modified
//! Bayes information criterion*, Biometrics 63, 2007). Beside steps, a drift is named only if it shows within the
//! segments between them.

use std::collections::BTreeMap;
use std::ops::Range;

use serde::Serialize;

use super::changes::{self, LevelChange, SMALLEST_PERCENT, segments};
use super::drift::Drift;
use super::entry::Entry;
use crate::measure::stats::{PairedRatio, median};

/// Chance of naming any benchmark although none has moved.
pub const LEVEL: f64 = 0.05;
/// A benchmark with fewer runs is not judged.
pub const FEWEST_RUNS: usize = super::drift::FEWEST_RUNS;

/// A benchmark in one run.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct TrendPoint {
    /// Index of the run among all of them: a benchmark need not be part of each.
    pub run: usize,
    /// Time / time of the floor, with the run's own interval.
    pub ratio: PairedRatio,
}

/// A benchmark over all runs.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Trend {
    /// Name of the benchmark.
    pub benchmark: String,
    /// The runs of the benchmark, oldest first.
    pub points: Vec<TrendPoint>,
    /// Indices of `points` that begin a new segment: from there on another compiler or other flags built it. What lies
    /// between two segments is no change of the code, and is not judged.
    pub starts: Vec<usize>,
    /// Where its level changed. `at` is an index of `points`; p is adjusted for the number of benchmarks.
    pub changes: Vec<LevelChange>,
    /// The drift beside those changes, found in the last segment that has one; p is adjusted likewise. `None` without a
    /// drift.
    pub drift: Option<Drift>,
    /// The points in which the drift was found.
    pub drifting: Range<usize>,
}

impl Trend {
    /// Whether it has enough runs to be judged.
    #[must_use]
    pub fn is_judged(&self) -> bool {
        segments(self.points.len(), self.starts.iter().copied()).iter().any(|segment| segment.len() >= FEWEST_RUNS)
    }

    /// Where its level may change: at changes, and where segments begin.
    #[must_use]
    pub fn breaks(&self) -> Vec<usize> {
        let mut breaks: Vec<usize> = self.changes.iter().map(|change| change.at).chain(self.starts.clone()).collect();
        breaks.sort_unstable();
        breaks.dedup();
        breaks
    }

    /// Whether it changed or drifts.
    #[must_use]
    pub fn has_moved(&self) -> bool {
        !self.changes.is_empty() || self.drift.is_some()
    }

    /// Whether it got slower, at once or slowly, at any time in these runs.
    #[must_use]
    pub fn got_slower(&self) -> bool {
        self.changes.iter().any(|change| change.percent > 0.0)
            || self.drift.is_some_and(|drift| drift.log_per_run > 0.0)
    }

    /// The runs on either side of a change, as indices of the history.
    #[must_use]
    pub fn around(&self, change: &LevelChange) -> Option<(usize, usize)> {
        let before = self.points.get(change.at.checked_sub(1)?)?;
        Some((before.run, self.points.get(change.at)?.run))
    }

    /// The ratio at each run, as changes and drift describe it.
    #[must_use]
    pub fn fit(&self) -> Vec<f64> {
        let values = logs(&self.points);
        let slope = self.drift.map_or(0.0, |drift| drift.log_per_run);
        let parts = segments(values.len(), self.breaks()).into_iter().flat_map(|part| {
            let drifts = self.drifting.contains(&part.start);
            fit(values.get(part).unwrap_or_default(), &[], if drifts { slope } else { 0.0 })
        });
        parts.map(f64::exp).collect()
    }
}

/// The runs with which a new segment begins: they were built by another compiler, or with other flags, than the one
/// before.
#[must_use]
pub fn starts(entries: &[&Entry]) -> Vec<usize> {
    let pairs = entries.windows(2).enumerate();
    let differs = |pair: &[&Entry]| pair.first().zip(pair.last()).is_some_and(|(one, next)| !one.is_built_alike(next));
    pairs.filter(|(_, pair)| differs(pair)).map(|(index, _)| index + 1).collect()
}

/// Every benchmark of these runs, which are of one machine and in the order of time, by name. Each segment is judged
/// for itself.
#[must_use]
pub fn trends(entries: &[&Entry]) -> Vec<Trend> {
    let mut points: BTreeMap<&str, Vec<TrendPoint>> = BTreeMap::new();
    for (run, entry) in entries.iter().enumerate() {
        for (name, benchmark) in &entry.benchmarks {
            points.entry(name).or_default().push(TrendPoint { run, ratio: benchmark.to_floor() });
        }
    }
    let starts_of_runs = starts(entries);
    let mut all: Vec<Trend> = points
        .into_iter()
        .map(|(name, points)| {
            let first_at = |start: &usize| points.iter().position(|point| point.run >= *start);
            let mut starts: Vec<usize> = starts_of_runs.iter().filter_map(first_at).filter(|at| *at > 0).collect();
            starts.dedup();
            Trend {
                benchmark: name.to_owned(),
                drifting: 0..points.len(),
                points,
                starts,
                changes: Vec::new(),
                drift: None,
            }
        })
        .collect();
    let place = |(index, trend): (usize, &Trend)| {
        let parts = segments(trend.points.len(), trend.starts.iter().copied());
        parts.into_iter().map(move |part| (index, part)).collect::<Vec<_>>()
    };
    let places: Vec<(usize, Range<usize>)> = all.iter().enumerate().flat_map(place).collect();
    let values = |(index, part): &(usize, Range<usize>)| {
        all.get(*index).and_then(|trend| trend.points.get(part.clone())).map(logs).unwrap_or_default()
    };
    let series: Vec<Vec<f64>> = places.iter().map(values).collect();
    let judged = judge(&series, permutations_for(series.len()));
    for ((index, part), (changes, drift)) in places.into_iter().zip(judged) {
        let Some(trend) = all.get_mut(index) else { continue };
        trend.changes.extend(changes.into_iter().map(|change| LevelChange { at: part.start + change.at, ..change }));
        if drift.is_some() {
            (trend.drift, trend.drifting) = (drift, part);
        }
    }
    all
}

/// So many that the least p-value is a tenth of the strictest level that one of so many benchmarks may have to meet:
/// there is room for a search within parts of a series.
fn permutations_for(benchmarks: usize) -> usize {
    let strictest = LEVEL / (2 * benchmarks.max(1)) as f64;
    ((10.0 / strictest) as usize).clamp(2_000, 100_000)
}

type TrendFindings = (Vec<LevelChange>, Option<Drift>);

fn judge(series: &[Vec<f64>], permutations: usize) -> Vec<TrendFindings> {
    let p_of = |values: &Vec<f64>| {
        let drift = Drift::of(values, [])?;
        Some(2.0 * drift.p.min(changes::p_of_any(values, permutations)))
    };
    let p: Vec<Option<f64>> = series.iter().map(p_of).collect();
    let describe_if_moved = |(values, among): (&Vec<f64>, Option<usize>)| {
        let Some(among) = among else { return (Vec::new(), None) };
        let tests = 2.0 * among as f64;
        let (mut changes, mut drift) = describe(values, LEVEL / tests, permutations);
        for p in changes.iter_mut().map(|change| &mut change.p).chain(drift.as_mut().map(|drift| &mut drift.p)) {
            *p = (*p * tests).min(1.0);
        }
        (changes, drift)
    };
    series.iter().zip(holm(&p)).map(describe_if_moved).collect()
}

/// For each test that Holm's procedure rejects: among how many it was the most significant one.
fn holm(p: &[Option<f64>]) -> Vec<Option<usize>> {
    let mut order: Vec<(usize, f64)> = p.iter().enumerate().filter_map(|(index, p)| Some((index, (*p)?))).collect();
    order.sort_by(|a, b| a.1.total_cmp(&b.1));
    let mut rejected = vec![None; p.len()];
    for (place, &(index, p)) in order.iter().enumerate() {
        let among = order.len() - place;
        if p * among as f64 > LEVEL {
            break;
        }
        if let Some(slot) = rejected.get_mut(index) {
            *slot = Some(among);
        }
    }
    rejected
}

/// Describes the values by steps or by a line, whichever leaves less.
fn describe(values: &[f64], level: f64, permutations: usize) -> TrendFindings {
    let drift_within = |changes: &[LevelChange]| {
        let drift = Drift::of(values, changes.iter().map(|change| change.at))?;
        let percent = drift.percent_over(values.len().saturating_sub(1));
        (drift.p <= level && percent.abs() >= SMALLEST_PERCENT).then_some(drift)
    };
    let steps = changes::find(values, level, permutations);
    let line = drift_within(&[]);
    let slope = |drift: Option<Drift>| drift.map_or(0.0, |drift| drift.log_per_run);
    let cost_of_line = cost(values, &fit(values, &[], slope(line)), 2);
    let cost_of_steps = cost(values, &fit(values, &steps, 0.0), 1 + 3 * steps.len());
    if line.is_some() && cost_of_line < cost_of_steps {
        return (Vec::new(), line);
    }
    let drift = drift_within(&steps);
    (steps, drift)
}

/// What a description leaves unexplained, with a charge for its numbers. Only differences between such costs mean
/// something.
fn cost(values: &[f64], fit: &[f64], numbers: usize) -> f64 {
    let runs = values.len() as f64;
    let mut left: Vec<f64> = values.iter().zip(fit).map(|(value, fit)| value - fit).collect();
    left.sort_unstable_by(f64::total_cmp);
    // Each weighted by its rank, less the mean rank.
    let dispersion: f64 = left.iter().enumerate().map(|(rank, left)| (rank as f64 - (runs - 1.0) / 2.0) * left).sum();
    2.0 * runs * dispersion.ln() + numbers as f64 * runs.ln()
}

/// The log ratio at each run: a level for each segment, on a common slope.
fn fit(values: &[f64], changes: &[LevelChange], slope: f64) -> Vec<f64> {
    let level: Vec<f64> = values.iter().enumerate().map(|(run, value)| value - slope * run as f64).collect();
    let medians = segments(values.len(), changes.iter().map(|change| change.at)).into_iter().flat_map(|segment| {
        let median = median(level.get(segment.clone()).unwrap_or_default());
        segment.map(move |run| median + slope * run as f64)
    });
    medians.collect()
}

fn logs(points: &[TrendPoint]) -> Vec<f64> {
    points.iter().map(|point| point.ratio.estimate.ln()).collect()
}

#[cfg(test)]
mod tests;
