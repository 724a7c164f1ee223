use rand::SeedableRng;
use rand_chacha::ChaCha8Rng;

use super::*;
use crate::history::simulated::{entries, series};
use crate::measure::simulated::SimulatedNoise;

const PERMUTATIONS: usize = 299;

fn of(values: Vec<f64>) -> TrendFindings {
    judge(&[values], PERMUTATIONS).remove(0)
}

fn moved(judged: &TrendFindings) -> bool {
    !judged.0.is_empty() || judged.1.is_some()
}

#[test]
fn under_pure_noise_at_most_5_percent_of_histories_name_anything_whatever_the_noise() {
    for noise in [SimulatedNoise::Normal, SimulatedNoise::HeavyTails] {
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
            let (changes, drift) =
                of(series(&mut rng, SimulatedNoise::Normal, 30, |run| if run < at { 0.0 } else { 0.02 }));
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
            let (changes, drift) = of(series(&mut rng, SimulatedNoise::Normal, 40, |run| 0.001 * run as f64));
            changes.is_empty() && drift.is_some_and(|drift| drift.log_per_run > 0.0)
        })
        .count();
    assert!(right > 95, "{right} of {trials}");
}

#[test]
fn a_drift_between_steps_is_named_beside_them() {
    let mut rng = ChaCha8Rng::seed_from_u64(24);
    let saw = |run: usize| 0.0005 * run as f64 - if run < 25 { 0.0 } else { 0.04 };
    let (changes, drift) = of(series(&mut rng, SimulatedNoise::Normal, 50, saw));
    assert!(changes.iter().any(|change| change.at.abs_diff(25) <= 1 && change.percent < 0.0), "{changes:?}");
    assert!(drift.is_some_and(|drift| drift.log_per_run > 0.0), "{drift:?}");
}

#[test]
fn among_many_benchmarks_the_bar_is_higher_and_p_says_so() {
    let mut rng = ChaCha8Rng::seed_from_u64(25);
    let step = series(&mut rng, SimulatedNoise::Normal, 30, |run| if run < 15 { 0.0 } else { 0.02 });
    let mut all = vec![step.clone()];
    all.extend((0..19).map(|_| series(&mut rng, SimulatedNoise::Normal, 30, |_| 0.0)));
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
