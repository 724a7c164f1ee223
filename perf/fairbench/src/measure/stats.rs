//! Centre and spread of times, and ratios of two.
//!
//! Times on a shared machine have a long tail to the right, so the centre is the median and the spread is given as
//! quartiles. A ratio is the median over blocks of the log ratio, with the [`interval`](super::interval) of that.

use std::fmt;

use serde::{Deserialize, Serialize};

use super::interval::MedianInterval;

/// Centre and spread of a quantity.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Quartiles {
    /// A quarter of the values lie below.
    pub q1: f64,
    /// Half of the values lie below.
    pub median: f64,
    /// Three quarters of the values lie below.
    pub q3: f64,
}

impl Quartiles {
    /// Quartiles of at least one value, linear between neighbours (type 7 of Hyndman & Fan); `None` without values.
    #[must_use]
    pub fn of(values: &[f64]) -> Option<Self> {
        let mut sorted = values.to_vec();
        sorted.sort_unstable_by(f64::total_cmp);
        Some(Self { q1: quantile(&sorted, 0.25)?, median: quantile(&sorted, 0.5)?, q3: quantile(&sorted, 0.75)? })
    }

    /// The same quartiles in another unit, all values times `factor`.
    #[must_use]
    pub fn scaled(self, factor: f64) -> Self {
        Self { q1: self.q1 * factor, median: self.median * factor, q3: self.q3 * factor }
    }
}

/// A ratio candidate / baseline of two that were measured in the same blocks, with its interval. Above 1 the candidate
/// is slower.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct PairedRatio {
    /// Median over blocks.
    pub estimate: f64,
    /// Lower end of the interval.
    pub lower: f64,
    /// Upper end of the interval.
    pub upper: f64,
}

impl PairedRatio {
    /// The ratio over blocks, from ln(candidate / baseline) of each: the median, with an interval that misses the true
    /// one on each side with a probability of at most `error` (0.025 makes a 95 % interval). `None` if there are too
    /// few blocks to promise that; see [`MedianInterval::of`].
    #[must_use]
    pub fn over_blocks(log_ratios: &[f64], error: f64) -> Option<Self> {
        MedianInterval::of(log_ratios, error).map(Self::from)
    }

    /// The inverse ratio, baseline / candidate: above 1 the candidate is faster.
    #[must_use]
    pub fn inverse(self) -> Self {
        Self { estimate: 1.0 / self.estimate, lower: 1.0 / self.upper, upper: 1.0 / self.lower }
    }

    /// Whether the whole interval lies more than `margin` (0.02 = 2 %) away from 1.
    #[must_use]
    pub fn excludes_one_by(self, margin: f64) -> bool {
        self.lower > 1.0 + margin || self.upper < 1.0 / (1.0 + margin)
    }
}

impl From<MedianInterval> for PairedRatio {
    /// Makes the ratio from the interval of its logarithm.
    fn from(MedianInterval { median, lower, upper }: MedianInterval) -> Self {
        Self { estimate: median.exp(), lower: lower.exp(), upper: upper.exp() }
    }
}

impl fmt::Display for PairedRatio {
    /// Writes the ratio as `0.403 (0.395–0.411)`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:.3} ({:.3}–{:.3})", self.estimate, self.lower, self.upper)
    }
}

/// The median of the values; NaN if there are none.
#[must_use]
pub fn median(values: &[f64]) -> f64 {
    median_of(&mut values.to_vec()).unwrap_or(f64::NAN)
}

/// The standard deviation of a normal distribution with these values' median absolute deviation: gross outliers don't
/// show in it.
#[must_use]
pub fn robust_sd(values: &[f64]) -> f64 {
    /// A normal distribution's median absolute deviation is its standard deviation divided by this.
    const MAD_TO_SD: f64 = 1.4826;
    let centre = median(values);
    let deviations: Vec<f64> = values.iter().map(|value| (value - centre).abs()).collect();
    MAD_TO_SD * median(&deviations)
}

/// The median of the values, whose order is changed.
fn median_of(values: &mut [f64]) -> Option<f64> {
    let middle = values.len() / 2;
    if values.is_empty() {
        return None;
    }
    let even = values.len().is_multiple_of(2);
    let (below, &mut upper, _) = values.select_nth_unstable_by(middle, f64::total_cmp);
    if !even {
        return Some(upper);
    }
    let lower = below.iter().copied().max_by(f64::total_cmp)?;
    Some(lower.midpoint(upper))
}

fn quantile(sorted: &[f64], part: f64) -> Option<f64> {
    let position = part * sorted.len().checked_sub(1)? as f64;
    let below = sorted.get(position.floor() as usize)?;
    let above = sorted.get(position.ceil() as usize)?;
    Some(below + (above - below) * position.fract())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quartiles_of_a_known_list() {
        let quartiles = Quartiles::of(&[5.0, 1.0, 3.0, 2.0, 4.0]).unwrap();
        assert_eq!(quartiles, Quartiles { q1: 2.0, median: 3.0, q3: 4.0 });
        assert_eq!(Quartiles::of(&[1.0, 2.0]).unwrap().median, 1.5);
        assert_eq!(Quartiles::of(&[]), None);
    }

    #[test]
    fn both_medians_agree_for_odd_and_even_counts() {
        for count in 1..40 {
            let mut values: Vec<f64> = (0..count).map(|index| f64::from(index * 7919 % 1009)).collect();
            let expected = Quartiles::of(&values).unwrap().median;
            assert!((median_of(&mut values).unwrap() - expected).abs() < 1e-15);
        }
    }

    #[test]
    fn a_ratio_over_blocks_is_the_exponential_of_the_median_and_a_spoilt_block_does_not_move_it() {
        let mut log_ratios = vec![1.1_f64.ln(); 31];
        log_ratios[7] = 7.0;
        let ratio = PairedRatio::over_blocks(&log_ratios, 0.025).unwrap();
        assert!((ratio.estimate - 1.1).abs() < 1e-9 && ratio.upper < 1.1 + 1e-9, "{ratio:?}");
        assert_eq!(PairedRatio::over_blocks(&log_ratios[..5], 0.025), None);
    }

    #[test]
    fn a_control_is_doubted_only_when_its_whole_interval_is_off() {
        let ratio = |lower, upper| PairedRatio { estimate: 1.0, lower, upper };
        assert!(!ratio(0.97, 1.03).excludes_one_by(0.02));
        assert!(!ratio(1.01, 1.05).excludes_one_by(0.02));
        assert!(ratio(1.03, 1.05).excludes_one_by(0.02));
        assert!(ratio(0.90, 0.97).excludes_one_by(0.02));
    }

    #[test]
    fn the_inverse_of_a_ratio_is_the_speed_up() {
        let inverse = PairedRatio { estimate: 0.5, lower: 0.4, upper: 0.8 }.inverse();
        assert_eq!(inverse, PairedRatio { estimate: 2.0, lower: 1.25, upper: 2.5 });
    }
}
