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
//! coefficients by minimizing the dispersion of the residuals*, Annals of Mathematical Statistics 43, 1972), which bears
//! outliers, with a charge for each number that had to be chosen (Schwarz, *Estimating the dimension of a model*, Annals
//! of Statistics 6, 1978). A step counts as three, for its place was searched for (Zhang & Siegmund, *A modified Bayes
//! information criterion*, Biometrics 63, 2007). Beside steps, a drift is named only if it shows within the segments
//! between them.

use std::collections::BTreeMap;
use std::ops::Range;

use serde::Serialize;

use super::changes::{self, Change, SMALLEST_PERCENT, segments};
use super::drift::Drift;
use super::entry::Entry;
use crate::measure::stats::{PairedRatio, median};

/// The chance of naming any benchmark if none has moved.
pub const LEVEL: f64 = 0.05;
/// A benchmark with fewer runs is not judged.
pub const FEWEST_RUNS: usize = super::drift::FEWEST_RUNS;

/// A benchmark of one run.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Point {
    /// Index of the run among all of them: a benchmark need not be part of each.
    pub run: usize,
    /// Time / time of the floor, with the run's own interval.
    pub ratio: PairedRatio,
}

/// A benchmark over all runs.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Trend {
    /// Its name.
    pub benchmark: String,
    /// Its runs, oldest first.
    pub points: Vec<Point>,
    /// Indices of `points` that begin a new segment: from there on another compiler or other flags built it. What lies
    /// between two segments is no change of the code, and is not judged.
    pub starts: Vec<usize>,
    /// Where its level changed. `at` is an index of `points`; p is adjusted for the number of benchmarks.
    pub changes: Vec<Change>,
    /// Whether it creeps apart from that; p adjusted likewise. In the last segment that has one.
    pub drift: Option<Drift>,
    /// The points that the drift was found in.
    pub drifting: Range<usize>,
}

impl Trend {
    /// Whether there are runs enough to judge it.
    #[must_use]
    pub fn is_judged(&self) -> bool {
        segments(self.points.len(), self.starts.iter().copied()).iter().any(|segment| segment.len() >= FEWEST_RUNS)
    }

    /// Where its level may be another one: at changes, and where segments begin.
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
    pub fn around(&self, change: &Change) -> Option<(usize, usize)> {
        let before = self.points.get(change.at.checked_sub(1)?)?;
        Some((before.run, self.points.get(change.at)?.run))
    }

    /// The ratio at each run as changes and drift describe it.
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
    let mut points: BTreeMap<&str, Vec<Point>> = BTreeMap::new();
    for (run, entry) in entries.iter().enumerate() {
        for (name, benchmark) in &entry.benchmarks {
            points.entry(name).or_default().push(Point { run, ratio: benchmark.to_floor() });
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
        trend.changes.extend(changes.into_iter().map(|change| Change { at: part.start + change.at, ..change }));
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

type Judged = (Vec<Change>, Option<Drift>);

fn judge(series: &[Vec<f64>], permutations: usize) -> Vec<Judged> {
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

/// Steps or a line, whichever leaves less.
fn describe(values: &[f64], level: f64, permutations: usize) -> Judged {
    let drift_within = |changes: &[Change]| {
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

/// What a description leaves, and what its numbers cost. Only differences between descriptions mean something.
fn cost(values: &[f64], fit: &[f64], numbers: usize) -> f64 {
    let runs = values.len() as f64;
    let mut left: Vec<f64> = values.iter().zip(fit).map(|(value, fit)| value - fit).collect();
    left.sort_unstable_by(f64::total_cmp);
    // Each weighted by its rank, less the mean rank.
    let dispersion: f64 = left.iter().enumerate().map(|(rank, left)| (rank as f64 - (runs - 1.0) / 2.0) * left).sum();
    2.0 * runs * dispersion.ln() + numbers as f64 * runs.ln()
}

/// The log ratio at each run: a level for each segment, on a common slope.
fn fit(values: &[f64], changes: &[Change], slope: f64) -> Vec<f64> {
    let level: Vec<f64> = values.iter().enumerate().map(|(run, value)| value - slope * run as f64).collect();
    let medians = segments(values.len(), changes.iter().map(|change| change.at)).into_iter().flat_map(|segment| {
        let median = median(level.get(segment.clone()).unwrap_or_default());
        segment.map(move |run| median + slope * run as f64)
    });
    medians.collect()
}

fn logs(points: &[Point]) -> Vec<f64> {
    points.iter().map(|point| point.ratio.estimate.ln()).collect()
}

#[cfg(test)]
mod tests {
    use rand::SeedableRng;
    use rand_chacha::ChaCha8Rng;

    use super::*;
    use crate::history::simulated::{entries, series};
    use crate::measure::simulated::Noise;

    const PERMUTATIONS: usize = 299;

    fn of(values: Vec<f64>) -> Judged {
        judge(&[values], PERMUTATIONS).remove(0)
    }

    fn moved(judged: &Judged) -> bool {
        !judged.0.is_empty() || judged.1.is_some()
    }

    #[test]
    fn under_pure_noise_at_most_5_percent_of_histories_name_anything_whatever_the_noise() {
        for noise in [Noise::Normal, Noise::HeavyTails] {
            let mut rng = ChaCha8Rng::seed_from_u64(21);
            let alarms = (0..300).filter(|_| moved(&of(series(&mut rng, noise, 40, |_| 0.0)))).count();
            assert!(alarms <= 15, "{noise:?}: {alarms} of 300");
            // Ten benchmarks a history.
            let alarms = (0..40)
                .filter(|_| {
                    let all: Vec<_> = (0..10).map(|_| series(&mut rng, noise, 20, |_| 0.0)).collect();
                    judge(&all, PERMUTATIONS).iter().any(moved)
                })
                .count();
            assert!(alarms <= 5, "{noise:?}: {alarms} of 40");
        }
    }

    #[test]
    fn a_step_is_called_a_step_and_not_a_drift() {
        let mut rng = ChaCha8Rng::seed_from_u64(22);
        let trials = 100;
        let right = (0..trials)
            .filter(|trial| {
                let at = 6 + trial % 19;
                let (changes, drift) = of(series(&mut rng, Noise::Normal, 30, |run| if run < at { 0.0 } else { 0.02 }));
                changes.iter().any(|change| change.at.abs_diff(at) <= 2) && drift.is_none()
            })
            .count();
        assert!(right > 95, "{right} of {trials}");
    }

    #[test]
    fn a_drift_of_a_tenth_of_a_percent_a_run_is_called_a_drift_and_not_a_step() {
        let mut rng = ChaCha8Rng::seed_from_u64(23);
        let trials = 100;
        let right = (0..trials)
            .filter(|_| {
                let (changes, drift) = of(series(&mut rng, Noise::Normal, 40, |run| 0.001 * run as f64));
                changes.is_empty() && drift.is_some_and(|drift| drift.log_per_run > 0.0)
            })
            .count();
        assert!(right > 95, "{right} of {trials}");
    }

    #[test]
    fn a_drift_between_steps_is_named_beside_them() {
        let mut rng = ChaCha8Rng::seed_from_u64(24);
        let saw = |run: usize| 0.0005 * run as f64 - if run < 25 { 0.0 } else { 0.04 };
        let (changes, drift) = of(series(&mut rng, Noise::Normal, 50, saw));
        assert!(changes.iter().any(|change| change.at.abs_diff(25) <= 1 && change.percent < 0.0), "{changes:?}");
        assert!(drift.is_some_and(|drift| drift.log_per_run > 0.0), "{drift:?}");
    }

    #[test]
    fn among_many_benchmarks_the_bar_is_higher_and_p_says_so() {
        let mut rng = ChaCha8Rng::seed_from_u64(25);
        let step = series(&mut rng, Noise::Normal, 30, |run| if run < 15 { 0.0 } else { 0.02 });
        let mut all = vec![step.clone()];
        all.extend((0..19).map(|_| series(&mut rng, Noise::Normal, 30, |_| 0.0)));
        let judged = judge(&all, permutations_for(20));
        let [change] = &judged[0].0[..] else { panic!("{judged:?}") };
        assert!(change.p <= LEVEL && change.p > of(step).0[0].p / 10.0, "{change:?}");
        assert!(!judged[1..].iter().any(moved), "{judged:?}");
    }

    #[test]
    fn holm_stops_at_the_first_that_is_not_significant_and_counts_no_benchmark_without_runs() {
        assert_eq!(holm(&[Some(0.03), Some(0.001), Some(0.026), None]), [None, Some(3), None, None]);
        assert_eq!(holm(&[Some(0.03), Some(0.001), Some(0.024), None]), [Some(1), Some(3), Some(2), None]);
        assert_eq!(holm(&[]), []);
    }

    #[test]
    fn a_history_becomes_trends_by_name_and_a_change_lies_between_two_runs() {
        let mut runs = entries(30);
        // One benchmark was not measured in the first two runs.
        for entry in runs.iter_mut().take(2) {
            entry.benchmarks.remove("lanes/light/64");
        }
        let runs: Vec<&Entry> = runs.iter().collect();
        let trends = trends(&runs);
        let names: Vec<&str> = trends.iter().map(|trend| trend.benchmark.as_str()).collect();
        assert_eq!(names, ["lanes/light/64", "plain/light/64", "prod/light/64"]);
        let [lanes, plain, prod] = &trends[..] else { panic!("three") };
        assert!(!plain.has_moved() && plain.is_judged() && !plain.got_slower());
        assert!(lanes.got_slower() && lanes.drift.is_some() && lanes.changes.is_empty(), "{lanes:?}");
        assert_eq!((lanes.points[0].run, lanes.points.len()), (2, 28));
        let [change] = &prod.changes[..] else { panic!("{prod:?}") };
        assert_eq!(prod.around(change), Some((17, 18)));
        assert!(prod.got_slower() && (change.percent - 3.0).abs() < 0.6, "{change:?}");
        let fit = prod.fit();
        assert!((fit[29] / fit[0] - 1.03).abs() < 0.006 && fit[17] == fit[0] && fit[18] == fit[29], "{fit:?}");
        assert!(!trends_of_first(7, &runs).iter().any(Trend::is_judged));
    }

    #[test]
    fn a_new_compiler_begins_a_segment_and_what_it_changes_is_no_change_of_the_code() {
        let mut runs = entries(40);
        for (run, entry) in runs.iter_mut().enumerate() {
            // A fifth slower from run 20 on, by a new compiler alone.
            if run >= 20 {
                entry.compiler = Some("rustc 1.96.0".to_owned());
                entry.host = "test-cpu-2c-avx2-89abcdef".to_owned();
                entry.benchmarks.get_mut("plain/light/64").unwrap().ratio_to_floor *= 1.2;
            }
        }
        let runs: Vec<&Entry> = runs.iter().collect();
        assert!(runs[39].is_same_series(runs[0]) && !runs[39].is_built_alike(runs[0]));
        assert_eq!(starts(&runs), [20]);
        let [lanes, plain, _] = &trends(&runs)[..] else { panic!("three") };
        assert!(!plain.has_moved() && plain.is_judged(), "{plain:?}");
        assert_eq!(plain.starts, [20]);
        let fit = plain.fit();
        assert!((fit[20] / fit[19] - 1.2).abs() < 0.02 && fit[0] == fit[19] && fit[20] == fit[39], "{fit:?}");
        assert!(lanes.drift.is_some() && lanes.got_slower(), "a drift within a segment is still seen: {lanes:?}");
        // The same with the compiler of before: it is one.
        let without: Vec<Entry> =
            runs.iter().map(|entry| Entry { compiler: Some("rustc 1.95.0".to_owned()), ..(*entry).clone() }).collect();
        let without: Vec<&Entry> = without.iter().collect();
        assert!(trends(&without)[1].got_slower());
    }

    #[test]
    fn threads_and_backends_begin_neither_a_series_nor_a_segment() {
        let runs = entries(2);
        let other = Entry { host: "test-cpu-1c-avx2-89abcdef".to_owned(), ..runs[1].clone() };
        assert!(other.is_same_series(&runs[0]) && other.is_built_alike(&runs[0]));
        for another in [
            Entry { cpu: "Another".to_owned(), ..other.clone() },
            Entry { host: "test-cpu-1c-avx512-89abcdef".to_owned(), ..other.clone() },
            Entry { system: Some("linux x86_64 debug".to_owned()), ..other.clone() },
        ] {
            assert!(!another.is_same_series(&runs[0]), "{another:?}");
        }
        // An entry of before tells less: it is of the series, and a segment of its own if its fingerprint is another.
        let old = Entry { system: None, compiler: None, ..other };
        assert!(old.is_same_series(&runs[0]) && !old.is_built_alike(&runs[0]));
    }

    fn trends_of_first(count: usize, runs: &[&Entry]) -> Vec<Trend> {
        trends(&runs[..count])
    }
}
