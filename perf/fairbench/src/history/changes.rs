//! Change points: runs between which a benchmark's level changed for good.
//!
//! **Is there one?** If nothing changed, any order of the runs was as likely as any other. At each place that leaves
//! [`FEWEST_RUNS`] on either side, the ranks before it are held against those after it: the sum of the centred ranks
//! before it, as in Pettitt (*A non-parametric approach to the change-point problem*, Applied Statistics 28, 1979),
//! here divided by √(before · after), which is its standard deviation but for a constant, so that a change near either
//! end is found as well as one in the middle. The largest of all places counts, and p is how often shuffled runs have
//! one as large. Ranks don't mind a run that is far off.
//!
//! Shuffling ends early where the answer is clear: at the 50th shuffle as extreme as the runs, of l, p is 50 / l, which
//! is as valid as going on (Besag & Clifford, *Sequential Monte Carlo p-values*, Biometrika 78, 1991). A p-value
//! below 1 / (permutations + 1) is never claimed.
//!
//! **Where?** Where two medians describe the runs best: the least sum of absolute deviations.
//!
//! **More than one?** Both parts are searched again (binary segmentation: Vostrikova, *Detecting “disorder” in
//! multidimensional random processes*, 1981). A part of k of n runs has to be significant at k/n of the level, and its
//! p is no less than that of the whole that it is part of: so a test that searches a tree keeps its promise
//! (Meinshausen, *Hierarchical testing of variable importance*, Biometrika 95, 2008).
//!
//! **How large?** Median against median of the runs up to the neighbouring changes. What comes to less than
//! [`SMALLEST_PERCENT`] is not marked, however sure it is: it is about what a new layout of unchanged code is worth.

use std::ops::Range;

use rand::SeedableRng;
use rand::seq::SliceRandom;
use rand_chacha::ChaCha8Rng;
use serde::Serialize;

use crate::measure::stats::median;

/// Fewest runs on either side of a change: fewer may all be from one bad afternoon.
pub const FEWEST_RUNS: usize = 3;
/// The smallest change that is marked, in per cent.
pub const SMALLEST_PERCENT: f64 = 0.5;
/// Number of shuffles as extreme as the runs after which p is known well enough.
const ENOUGH: usize = 50;
/// Seed of the shuffles. It is fixed, so that the same runs give the same p.
const SEED: u64 = 1979;

/// A change of a benchmark's level.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct LevelChange {
    /// Index of the first run after the change.
    pub at: usize,
    /// Size of the change, in per cent of the level before. Above 0 the benchmark got slower.
    pub percent: f64,
    /// Chance of such a finding anywhere in these runs if nothing had changed.
    pub p: f64,
}

/// The changes in a series of log ratios, in the order of time, that are significant at `level` for the series as a
/// whole. `permutations` are the most shuffles for each question.
#[must_use]
pub fn find(values: &[f64], level: f64, permutations: usize) -> Vec<LevelChange> {
    let mut found = Vec::new();
    search(values, 0..values.len(), (0.0, level), permutations, &mut found);
    found.sort_unstable_by_key(|&(at, _)| at);
    loop {
        let changes = sized(values, &found);
        let smallest = changes.iter().min_by(|a, b| a.percent.abs().total_cmp(&b.percent.abs()));
        match smallest {
            Some(smallest) if smallest.percent.abs() < SMALLEST_PERCENT => found.retain(|&(at, _)| at != smallest.at),
            _ => return changes,
        }
    }
}

/// Chance that runs in any order show a change as clear as these do, at whatever place.
#[must_use]
pub fn p_of_any(values: &[f64], permutations: usize) -> f64 {
    let mut ranks = centred_ranks(values);
    let weights = weights(values.len());
    // Equal up to rounding is as extreme.
    let observed = largest(&ranks, &weights) * (1.0 - 1e-9);
    if weights.is_empty() || observed <= 0.0 {
        return 1.0;
    }
    let mut rng = ChaCha8Rng::seed_from_u64(SEED);
    let mut extreme = 0;
    for shuffles in 1..=permutations {
        ranks.shuffle(&mut rng);
        extreme += usize::from(largest(&ranks, &weights) >= observed);
        if extreme == ENOUGH {
            return ENOUGH as f64 / shuffles as f64;
        }
    }
    (extreme + 1) as f64 / (permutations + 1) as f64
}

/// Cuts a series of so many runs into segments that begin at the start and at these indices.
#[must_use]
pub fn segments(count: usize, changes: impl IntoIterator<Item = usize>) -> Vec<Range<usize>> {
    let mut start = 0;
    let ends = changes.into_iter().chain([count]);
    ends.map(|end| std::mem::replace(&mut start, end)..end).collect()
}

fn search(
    values: &[f64],
    segment: Range<usize>,
    (p_of_whole, level): (f64, f64),
    permutations: usize,
    found: &mut Vec<(usize, f64)>,
) {
    let runs = values.get(segment.clone()).unwrap_or_default();
    let Some(split) = best_split(runs) else { return };
    let share = runs.len() as f64 / values.len() as f64;
    let p = (p_of_any(runs, permutations) / share).clamp(p_of_whole, 1.0);
    if p <= level {
        let at = segment.start + split;
        found.push((at, p));
        search(values, segment.start..at, (p, level), permutations, found);
        search(values, at..segment.end, (p, level), permutations, found);
    }
}

fn sized(values: &[f64], found: &[(usize, f64)]) -> Vec<LevelChange> {
    let segments = segments(values.len(), found.iter().map(|&(at, _)| at));
    let levels: Vec<f64> = segments.into_iter().filter_map(|runs| values.get(runs)).map(median).collect();
    let steps = levels.windows(2).filter_map(|pair| Some(pair.last()? - pair.first()?));
    found.iter().zip(steps).map(|(&(at, p), step)| LevelChange { at, percent: 100.0 * step.exp_m1(), p }).collect()
}

/// Ranks less their mean; equal values share their ranks.
fn centred_ranks(values: &[f64]) -> Vec<f64> {
    let count = |holds: &dyn Fn(&f64) -> bool| values.iter().filter(|value| holds(value)).count() as f64;
    values.iter().map(|own| (count(&|other| other < own) - count(&|other| other > own)) / 2.0).collect()
}

/// Weight of each place with enough runs on either side: 1 / √(before · after).
fn weights(count: usize) -> Vec<f64> {
    let places = FEWEST_RUNS..(count + 1).saturating_sub(FEWEST_RUNS);
    places.map(|before| 1.0 / ((before * (count - before)) as f64).sqrt()).collect()
}

/// The largest weighted sum of the ranks before a place.
fn largest(ranks: &[f64], weights: &[f64]) -> f64 {
    let mut sum: f64 = ranks.iter().take(FEWEST_RUNS - 1).sum();
    let mut largest = 0.0_f64;
    for (rank, weight) in ranks.iter().skip(FEWEST_RUNS - 1).zip(weights) {
        sum += rank;
        largest = largest.max(sum.abs() * weight);
    }
    largest
}

/// Index of the first run after the place where two medians describe the runs best; `None` if there are too few.
fn best_split(values: &[f64]) -> Option<usize> {
    let places = FEWEST_RUNS..(values.len() + 1).saturating_sub(FEWEST_RUNS);
    let left_over = |&at: &usize| values.split_at_checked(at).map(|(before, after)| spread(before) + spread(after));
    places.filter_map(|at| Some((at, left_over(&at)?))).min_by(|a, b| a.1.total_cmp(&b.1)).map(|(at, _)| at)
}

/// Sum of the distances of the values to their median.
fn spread(values: &[f64]) -> f64 {
    let median = median(values);
    values.iter().map(|value| (value - median).abs()).sum()
}

#[cfg(test)]
mod tests {
    use rand::{Rng, SeedableRng};

    use super::*;
    use crate::history::simulated::series;
    use crate::measure::simulated::SimulatedNoise;

    const PERMUTATIONS: usize = 299;

    #[test]
    fn runs_in_which_nothing_changed_are_called_changed_in_at_most_5_percent_of_cases_whatever_the_noise() {
        for noise in SimulatedNoise::ALL {
            let mut rng = ChaCha8Rng::seed_from_u64(7);
            let p: Vec<f64> = (0..300).map(|_| p_of_any(&series(&mut rng, noise, 40, |_| 0.0), PERMUTATIONS)).collect();
            let alarms = p.iter().filter(|&&p| p <= 0.05).count();
            // 5 % of 300 is 15, give or take 2.3 standard deviations of 3.8.
            assert!(alarms <= 24, "{noise:?}: {alarms}");
            // Nor is it timid: half of the p-values lie below one half.
            let below_half = p.iter().filter(|&&p| p <= 0.5).count();
            assert!((120..=180).contains(&below_half), "{noise:?}: {below_half}");
        }
    }

    #[test]
    fn a_step_of_2_percent_in_noise_of_half_a_percent_is_found_where_it_is() {
        let mut rng = ChaCha8Rng::seed_from_u64(8);
        let trials = 100;
        let found = (0..trials)
            .filter(|_| {
                let at = rng.random_range(5..=25);
                let values = series(&mut rng, SimulatedNoise::Normal, 30, |run| if run < at { 0.0 } else { 0.02 });
                let changes = find(&values, 0.05, PERMUTATIONS);
                changes.iter().any(|change| change.at.abs_diff(at) <= 2 && (change.percent - 2.0).abs() < 1.0)
            })
            .count();
        assert!(found > 95, "{found} of {trials}");
    }

    #[test]
    fn several_changes_are_found_one_by_one_with_their_sizes_and_seldom_one_too_many() {
        let mut rng = ChaCha8Rng::seed_from_u64(9);
        let level = |run: usize| match run {
            0..=14 => 0.0,
            15..=29 => 0.03,
            _ => -0.02,
        };
        let trials = 40;
        let mut too_many = 0;
        for _ in 0..trials {
            let changes = find(&series(&mut rng, SimulatedNoise::Normal, 45, level), 0.05, PERMUTATIONS);
            let near = |at: usize, percent: f64| {
                let is_it =
                    |change: &&LevelChange| change.at.abs_diff(at) <= 1 && (change.percent - percent).abs() < 1.0;
                changes.iter().find(is_it).is_some_and(|change| change.p < 0.01)
            };
            assert!(near(15, 3.0) && near(30, -4.9), "{changes:?}");
            too_many += usize::from(changes.len() > 2);
        }
        assert!(too_many <= 5, "{too_many} of {trials}");
    }

    #[test]
    fn a_trifle_is_not_marked_however_sure_it_is() {
        let step = |percent: f64| {
            let mut rng = ChaCha8Rng::seed_from_u64(10);
            let level = move |run: usize| if run < 20 { 0.0 } else { percent / 100.0 };
            let values: Vec<f64> = series(&mut rng, SimulatedNoise::Normal, 40, |_| 0.0);
            let quiet: Vec<f64> = values.iter().enumerate().map(|(run, noise)| level(run) + noise / 50.0).collect();
            assert!(p_of_any(&quiet, PERMUTATIONS) < 0.01);
            find(&quiet, 0.05, PERMUTATIONS).len()
        };
        assert_eq!((step(0.4), step(0.6)), (0, 1));
    }

    #[test]
    fn one_bad_run_is_no_change() {
        let mut values = vec![0.0; 20];
        for (run, value) in values.iter_mut().enumerate() {
            *value = 0.001 * ((run * 7) % 5) as f64;
        }
        values[10] = 0.5;
        assert!(find(&values, 0.05, PERMUTATIONS).is_empty());
    }

    #[test]
    fn too_few_or_equal_runs_say_nothing() {
        for values in [&[][..], &[1.0], &[0.0, 0.0, 0.0, 1.0, 1.0], &[0.5; 40]] {
            assert_eq!(p_of_any(values, PERMUTATIONS), 1.0);
            assert!(find(values, 0.05, PERMUTATIONS).is_empty());
        }
        // Three against three: 2 of the 20 orders are as extreme.
        let p = p_of_any(&[0.0, 0.1, 0.2, 1.0, 1.1, 1.2], 1999);
        assert!((p - 0.1).abs() < 0.05, "{p}");
    }

    #[test]
    fn segments_lie_between_changes() {
        assert_eq!(segments(9, []), vec![0..9; 1]);
        assert_eq!(segments(9, [3, 5]), [0..3, 3..5, 5..9]);
    }
}
