//! Drift: a benchmark that creeps, run by run.
//!
//! Mann (*Nonparametric tests against trend*, Econometrica 13, 1945) and Kendall: of all pairs of runs, those where the
//! later is slower less those where it is faster make S. Without a drift every order of n runs is as likely, and S has
//! the distribution of n independent counts, the i-th even over 0 … i − 1. It is summed up here exactly, for any number
//! of runs, so no normal approximation is needed. Ties count as neither, which can only make |S| smaller: the test gets
//! more careful by them.
//!
//! Where the level changed in steps, pairs are taken within the segments between them (as Hirsch, Slack & Smith,
//! *Techniques of trend analysis for monthly water quality data*, Water Resources Research 18, 1982, take them within
//! months), so that a step is not taken for a drift.
//!
//! The slope is the median over the same pairs (Theil 1950; Sen, *Estimates of the regression coefficient based on
//! Kendall's tau*, Journal of the American Statistical Association 63, 1968): runs that are far off hardly move it.

use serde::Serialize;

use super::changes::segments;
use crate::measure::stats::median;

/// With fewer runs, no drift is looked for.
pub const FEWEST_RUNS: usize = 8;

/// A slope and how sure it is that there is one.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Drift {
    /// Change of the log ratio from run to run. Above 0 the benchmark gets slower.
    pub log_per_run: f64,
    /// Chance of so clear an order, up or down, if there were none.
    pub p: f64,
}

impl Drift {
    /// Finds the drift of a series of log ratios whose level changed at these indices. `None` if there are fewer than
    /// [`FEWEST_RUNS`].
    #[must_use]
    pub fn of(values: &[f64], changes: impl IntoIterator<Item = usize>) -> Option<Self> {
        if values.len() < FEWEST_RUNS {
            return None;
        }
        let segments: Vec<&[f64]> =
            segments(values.len(), changes).into_iter().filter_map(|segment| values.get(segment)).collect();
        let slopes: Vec<f64> = segments.iter().flat_map(|runs| slopes(runs)).collect();
        let score: i64 = slopes.iter().map(|slope| i64::from(*slope > 0.0) - i64::from(*slope < 0.0)).sum();
        let log_per_run = median(&slopes);
        let p = p_of(score.unsigned_abs() as usize, slopes.len(), segments.iter().map(|runs| runs.len()));
        log_per_run.is_finite().then_some(Self { log_per_run, p })
    }

    /// The change over so many runs, in per cent.
    #[must_use]
    pub fn percent_over(&self, runs: usize) -> f64 {
        100.0 * (self.log_per_run * runs as f64).exp_m1()
    }
}

/// The change from run to run between the two of every pair.
fn slopes(runs: &[f64]) -> impl Iterator<Item = f64> {
    runs.iter().enumerate().flat_map(move |(first, &from)| {
        runs.iter().skip(first + 1).enumerate().map(move |(between, to)| (to - from) / (between + 1) as f64)
    })
}

/// Chance of |S| at least as large as `score` in segments of these lengths, which have `pairs` pairs in all.
fn p_of(score: usize, pairs: usize, lengths: impl Iterator<Item = usize>) -> f64 {
    // S is the number of pairs less twice the inversions. With ties it may lie between two possible values.
    let most = pairs.saturating_sub(score).div_ceil(2);
    // The chance of each number of inversions, up to the most.
    let mut chances = vec![1.0];
    for evenly in lengths.flat_map(|length| 1..=length) {
        let at = |inversions: usize| chances.get(inversions).copied().unwrap_or(0.0);
        let mut sum = 0.0;
        let next = (0..(chances.len() + evenly - 1).min(most + 1)).map(|inversions| {
            sum += at(inversions) - inversions.checked_sub(evenly).map_or(0.0, at);
            // Sums of differences may end below nothing by a rounding.
            f64::max(sum / evenly as f64, 0.0)
        });
        chances = next.collect();
    }
    (2.0 * chances.iter().sum::<f64>()).min(1.0)
}

#[cfg(test)]
mod tests {
    use rand::SeedableRng;
    use rand_chacha::ChaCha8Rng;

    use super::*;
    use crate::history::simulated::series;
    use crate::measure::simulated::SimulatedNoise;

    fn of(values: &[f64]) -> Drift {
        Drift::of(values, []).unwrap()
    }

    #[test]
    fn p_values_are_those_of_kendalls_tables() {
        let p = |score, runs: usize| p_of(score, runs * (runs - 1) / 2, std::iter::once(runs));
        // Kendall, Rank Correlation Methods, table of S: one-sided chances.
        for (score, runs, one_sided) in
            [(16, 8, 0.031), (20, 8, 0.0071), (18, 9, 0.038), (21, 10, 0.036), (28, 8, 1.0 / 40320.0)]
        {
            assert!((p(score, runs) / 2.0 - one_sided).abs() < 5e-4, "{score} {runs}: {}", p(score, runs) / 2.0);
        }
        assert_eq!(p(0, 9), 1.0);
        assert!((p(28, 8) * 20160.0 - 1.0).abs() < 1e-9);
    }

    #[test]
    fn segments_are_counted_by_themselves() {
        // Two of two runs each: S is 2, 0, 0 or -2.
        assert!((p_of(2, 2, [2, 2].into_iter()) - 0.5).abs() < 1e-12);
        let step: Vec<f64> =
            (0..20).map(|run| if run < 10 { 0.0 } else { 1.0 } + 0.01 * f64::from(run * 7 % 5)).collect();
        assert!(of(&step).p < 0.01);
        assert!(Drift::of(&step, [10]).unwrap().p > 0.3);
    }

    #[test]
    fn runs_without_a_drift_are_said_to_drift_in_at_most_5_percent_of_cases_whatever_the_noise() {
        for noise in SimulatedNoise::ALL {
            let mut rng = ChaCha8Rng::seed_from_u64(11);
            let alarms = (0..300).filter(|_| of(&series(&mut rng, noise, 40, |_| 0.0)).p <= 0.05).count();
            // 5 % of 300 is 15, give or take 2.3 standard deviations of 3.8.
            assert!((6..=24).contains(&alarms), "{noise:?}: {alarms}");
        }
    }

    #[test]
    fn a_tenth_of_a_percent_a_run_is_found_and_its_slope_is_right() {
        let mut rng = ChaCha8Rng::seed_from_u64(12);
        let trials = 200;
        let found = (0..trials)
            .filter(|_| {
                let drift = of(&series(&mut rng, SimulatedNoise::Normal, 40, |run| 0.001 * run as f64));
                drift.p <= 0.05 && (drift.percent_over(10) - 1.0).abs() < 0.3
            })
            .count();
        assert!(found > 190, "{found} of {trials}");
    }

    #[test]
    fn ties_make_it_careful_and_few_runs_silent() {
        assert_eq!(of(&[1.0; 12]), Drift { log_per_run: 0.0, p: 1.0 });
        let tied = [0.0, 0.0, 0.0, 0.0, 1.0, 1.0, 1.0, 1.0];
        let untied = [0.0, 0.1, 0.2, 0.3, 1.0, 1.1, 1.2, 1.3];
        assert!(of(&tied).p > of(&untied).p);
        assert_eq!(Drift::of(&[0.0; 7], []), None);
    }

    #[test]
    fn hundreds_of_runs_are_no_trouble() {
        let rising: Vec<f64> = (0..300).map(f64::from).collect();
        let drift = of(&rising);
        assert!(drift.p < 1e-100 && (drift.log_per_run - 1.0).abs() < 1e-12, "{drift:?}");
    }
}
