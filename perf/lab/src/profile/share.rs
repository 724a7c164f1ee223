//! Samples as shares of the time, with intervals.

use crate::run::record::StageSamples;

/// The part of all samples that fell into a stage, with its 95 % interval.
#[derive(Clone, Debug, PartialEq)]
pub struct Share {
    /// Name of the stage.
    pub stage: String,
    /// Part of the samples, 0 to 1.
    pub share: f64,
    /// Lower end of the interval.
    pub lower: f64,
    /// Upper end of the interval.
    pub upper: f64,
}

/// The share of each stage, in the order given; empty if there are no samples.
///
/// The interval is Wilson's for a proportion (Journal of the American Statistical Association 22, 1927), which stays
/// between 0 and 1 and is good for few samples too. It takes samples as independent and so covers only the chance of
/// sampling. It ignores that a sample is charged to the instruction after the slow one, that a build without line
/// tables hides inlined functions, and that another process, laid out elsewhere in memory, may split its time
/// differently.
#[must_use]
pub fn shares(stages: &[StageSamples]) -> Vec<Share> {
    let total: u64 = stages.iter().map(|stage| stage.samples).sum();
    let share = |stage: &StageSamples| {
        let (share, (lower, upper)) = (stage.samples as f64 / total as f64, wilson(stage.samples, total));
        Share { stage: stage.stage.clone(), share, lower, upper }
    };
    if total == 0 { Vec::new() } else { stages.iter().map(share).collect() }
}

/// Wilson's 95 % interval for the proportion that `hits` of `total` > 0 estimate.
fn wilson(hits: u64, total: u64) -> (f64, f64) {
    /// The 97.5 % point of the standard normal distribution.
    const Z: f64 = 1.959_964;
    let (n, p) = (total as f64, hits as f64 / total as f64);
    let centre = p + Z * Z / (2.0 * n);
    let half = Z * (p * (1.0 - p) / n + Z * Z / (4.0 * n * n)).sqrt();
    let scale = 1.0 + Z * Z / n;
    (((centre - half) / scale).max(0.0), ((centre + half) / scale).min(1.0))
}

#[cfg(test)]
mod tests {
    use rand::{Rng, SeedableRng};
    use rand_chacha::ChaCha8Rng;

    use super::*;

    #[test]
    fn the_interval_is_wilsons() {
        // Newcombe (Statistics in Medicine 17, 1998), table I: 81 of 263, 15 of 148, 0 of 20, 1 of 29.
        for (hits, total, lower, upper) in
            [(81, 263, 0.2553, 0.3662), (15, 148, 0.0624, 0.1605), (0, 20, 0.0, 0.1611), (1, 29, 0.0061, 0.1718)]
        {
            let found = wilson(hits, total);
            assert!((found.0 - lower).abs() < 1e-4 && (found.1 - upper).abs() < 1e-4, "{hits}/{total}: {found:?}");
        }
    }

    #[test]
    fn the_interval_holds_the_truth_in_about_95_percent_of_cases() {
        let mut rng = ChaCha8Rng::seed_from_u64(7);
        for truth in [0.03, 0.3] {
            let holds = (0..2000)
                .filter(|_| {
                    let hits = (0..300).filter(|_| rng.random_bool(truth)).count() as u64;
                    let (lower, upper) = wilson(hits, 300);
                    lower <= truth && truth <= upper
                })
                .count();
            assert!((0.93..=0.97).contains(&(holds as f64 / 2000.0)), "{truth}: {holds}");
        }
    }

    #[test]
    fn shares_add_up_to_one_and_no_samples_have_none() {
        let stages =
            [("mac", 30), ("decode", 10)].map(|(stage, samples)| StageSamples { stage: stage.to_owned(), samples });
        let found = shares(&stages);
        assert_eq!(found.iter().map(|share| share.share).collect::<Vec<_>>(), [0.75, 0.25]);
        assert!(found.iter().all(|share| share.lower < share.share && share.share < share.upper));
        assert_eq!(shares(&[]), []);
    }
}
