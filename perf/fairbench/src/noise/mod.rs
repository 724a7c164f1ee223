//! What can be told apart on this machine, and what stands in the way.
//!
//! A program is compared with itself, block by block, exactly as the gate does it; whatever comes out is noise. From
//! the blocks follows how small a change could still have been shown in a given time, by drawing that many blocks from
//! them again and again: a change of δ would be shown if the lower bound of the interval, moved up by δ, lies above 0.
//!
//! This is about the noise of measuring. What a new code layout is worth (1–2 %) is not in it: the program is the same.

pub mod culprits;

use std::time::Duration;

use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;
use serde::Serialize;

use crate::compare::decide::{Levels, Rule};
use crate::compare::engine::{Comparison, ComparisonEnd, ComparisonPlan, Layouts, MeasuredCase, Surroundings, compare};
use crate::compare::runner::{CaseInfo, Launcher, MeasureError};
use crate::measure::stats::robust_sd;
use crate::settings::GateConfig;

/// Budgets for which detectable changes are estimated, in seconds.
pub const BUDGETS_S: [f64; 3] = [1.0, 10.0, 60.0];
/// Part of comparisons in which a change must be shown to count as detectable.
const POWER: f64 = 0.95;
/// Number of draws for each budget.
const DRAWS: usize = 2000;
/// Most blocks that are drawn. Beyond it the interval, and so the estimate, shrinks with the root of their number.
const MOST_DRAWN_BLOCKS: usize = 400;

/// The noise of one benchmark.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct BenchmarkNoise {
    /// Name of the benchmark.
    pub benchmark: String,
    /// Threads that it works on.
    pub threads: usize,
    /// Number of blocks that were measured.
    pub blocks: usize,
    /// Spread of a block's ratio of the program to itself, as a part of one: a robust standard deviation.
    pub block_sd: f64,
    /// The largest deviation of a block's ratio from 1, as a part of one.
    pub worst: f64,
    /// Time that a block takes, in seconds.
    pub block_s: f64,
    /// The smallest change, as a part of one, that would be shown in 95 % of comparisons of this benchmark alone, for
    /// each of [`BUDGETS_S`]. `None` if there are too few blocks in that time to show anything.
    pub detectable: [Option<f64>; 3],
}

/// Compares a program with itself, each benchmark for `budget`.
///
/// # Errors
/// A probe that failed, or an interruption.
pub fn measure(
    launcher: &dyn Launcher,
    cases: &[CaseInfo],
    config: &GateConfig,
    budget: Duration,
    seed: u64,
    around: &mut Surroundings<'_>,
) -> Result<Vec<BenchmarkNoise>, MeasureError> {
    let mut rng = ChaCha8Rng::seed_from_u64(seed);
    let mut found = Vec::with_capacity(cases.len());
    for case in cases {
        // No change at all may be excluded, so that nothing is decided before the time is up.
        let never = Levels { warn: 0.0, fail: f64::INFINITY };
        let rule = Rule { levels: never, precise_half_width: 0.0, ..config.rule(&case.name) };
        let plan = ComparisonPlan {
            cases: vec![(case.clone(), rule)],
            effort: config.effort(),
            layouts: Layouts::Shared,
            budget,
            seed,
        };
        let Comparison { cases, elapsed, ended } = compare(launcher, &plan, around);
        if let ComparisonEnd::Failed(error) = ended {
            return Err(error);
        }
        found.extend(cases.iter().map(|measured| noise_of(measured, &rule, elapsed, &mut rng)));
    }
    Ok(found)
}

fn noise_of(measured: &MeasuredCase, rule: &Rule, elapsed: Duration, rng: &mut ChaCha8Rng) -> BenchmarkNoise {
    // Candidate and control are both the base once more.
    let values: Vec<f64> = measured.blocks.iter().flat_map(|block| [block.log_ratio, block.log_control]).collect();
    let block_s = elapsed.as_secs_f64() / measured.blocks.len().max(1) as f64;
    BenchmarkNoise {
        benchmark: measured.case.name.clone(),
        threads: measured.case.threads,
        blocks: measured.blocks.len(),
        block_sd: robust_sd(&values),
        worst: values.iter().map(|value| value.abs()).fold(0.0, f64::max),
        block_s,
        detectable: BUDGETS_S.map(|budget_s| detectable(&values, rule, (budget_s / block_s) as usize, rng)),
    }
}

/// The smallest change that the interval of so many blocks shows with the power wanted.
fn detectable(values: &[f64], rule: &Rule, blocks: usize, rng: &mut ChaCha8Rng) -> Option<f64> {
    let drawn = blocks.min(MOST_DRAWN_BLOCKS);
    let mut needed = Vec::with_capacity(DRAWS);
    let mut sample = vec![0.0; drawn];
    for _ in 0..DRAWS {
        for slot in &mut sample {
            *slot = values.get(rng.random_range(0..values.len().max(1))).copied()?;
        }
        needed.push(-rule.interval(&sample)?.lower);
    }
    needed.sort_unstable_by(f64::total_cmp);
    let log_change = needed.get((POWER * DRAWS as f64) as usize)?;
    let shrunk = log_change * (drawn as f64 / blocks.max(1) as f64).sqrt();
    Some(shrunk.max(0.0).exp_m1())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::compare::simulated::{Machine, case};

    fn noise(machine: &Machine, seconds: u64) -> Vec<BenchmarkNoise> {
        let config = GateConfig { rounds: 3, ..GateConfig::default() };
        let now = || machine.elapsed();
        let mut around = Surroundings { now: &now, interrupted: &|| false, progress: &mut |_| {} };
        measure(machine, &[case("a", 1)], &config, Duration::from_secs(seconds), 1, &mut around).unwrap()
    }

    #[test]
    fn the_spread_is_that_of_the_machine_and_more_time_tells_smaller_changes() {
        // A block compares two processes, so its spread is √2 times a process's.
        let found = noise(&Machine { process_sd: 0.01, ..Machine::quiet() }, 8).remove(0);
        assert!((found.block_sd / (0.01 * 2.0_f64.sqrt()) - 1.0).abs() < 0.25, "{found:?}");
        let [one, ten, sixty] = found.detectable.map(Option::unwrap);
        assert!(one > ten && ten > sixty && sixty > 0.001 && one < 0.05, "{found:?}");
    }

    #[test]
    fn a_quiet_machine_tells_anything_apart() {
        let found = noise(&Machine::quiet(), 3).remove(0);
        assert!(found.block_sd < 1e-9 && found.detectable[1].unwrap() < 1e-9, "{found:?}");
    }

    #[test]
    fn where_a_second_holds_too_few_blocks_nothing_is_claimed() {
        let found = noise(&Machine { start_ns: 100e6, process_sd: 0.01, ..Machine::quiet() }, 6).remove(0);
        assert_eq!(found.detectable[0], None);
        assert!(found.detectable[2].is_some());
    }

    #[test]
    fn a_probe_that_fails_ends_it() {
        let error = MeasureError::Interrupted;
        let machine = Machine { fails_after: Some((50, error.clone())), ..Machine::quiet() };
        let config = GateConfig::default();
        let now = || machine.elapsed();
        let mut around = Surroundings { now: &now, interrupted: &|| false, progress: &mut |_| {} };
        let ended = measure(&machine, &[case("a", 1)], &config, Duration::from_secs(5), 1, &mut around);
        assert_eq!(ended, Err(error));
    }
}
