use rand::{Rng, SeedableRng};

use super::*;
use crate::compare::simulated::case;

/// A process whose every iteration takes this many nanoseconds.
struct Steady(f64);

impl Runner for Steady {
    fn run(&mut self, _: &str, iterations: u64) -> Result<Ran, MeasureError> {
        Ok(Ran { elapsed_ns: self.0 * iterations as f64, ..Ran::default() })
    }
}

fn group(turns: Turns) -> Vec<ArmEstimate> {
    let mut processes: Vec<Box<dyn Runner>> = vec![Box::new(Steady(64_000.0)), Box::new(Steady(6_400.0))];
    let arms = [0, 1, 1].map(|process| Arm { process, case: case("a", 1) });
    let effort = Effort { turn_ns: 100_000.0, rounds: 3 };
    let mut rng = ChaCha8Rng::seed_from_u64(1);
    run(&mut processes, &arms, effort, turns, &mut rng, &|| false).unwrap()
}

#[test]
fn a_program_ten_times_as_fast_does_ten_times_the_work_in_its_turn() {
    let found = group(Turns::EqualTime);
    assert_eq!(found.iter().map(|arm| arm.iterations).collect::<Vec<_>>(), [2, 16, 16]);
    for (arm, expected_ns) in found.iter().zip([1000.0, 100.0, 100.0]) {
        assert!((arm.ns_per_item - expected_ns).abs() < 1e-9, "{found:?}");
        assert!((arm.log_ratio - (expected_ns / 1000.0_f64).ln()).abs() < 1e-9, "{found:?}");
    }
    assert!(group(Turns::EqualWork).iter().all(|arm| arm.iterations == 16));
}

#[test]
fn what_is_far_off_is_left_out_and_all_else_counts() {
    let mut values = vec![0.01, 0.02, 0.03, 0.04, 0.05];
    assert!((mean_of_undisturbed(&values) - 0.03).abs() < 1e-12);
    values.extend([5.0, -2.0]);
    assert!((mean_of_undisturbed(&values) - 0.03).abs() < 1e-12);
    // A minority that is only a little off is no disturbance.
    assert!((mean_of_undisturbed(&[0.0, 0.0, 0.0, 0.04]) - 0.01).abs() < 1e-12);
}

/// A process that reads whole ticks of a steady clock that goes on between turns.
struct Ticking {
    ns_per_iteration: f64,
    tick_ns: f64,
    now_ns: f64,
    /// Draws where between two ticks a turn begins.
    chance: ChaCha8Rng,
}

impl Runner for Ticking {
    fn run(&mut self, _: &str, iterations: u64) -> Result<Ran, MeasureError> {
        let at = |time: f64| (time / self.tick_ns).floor() * self.tick_ns;
        let start = self.now_ns;
        let end = start + self.ns_per_iteration * iterations as f64;
        self.now_ns = end + self.tick_ns * self.chance.random_range(0.0..1.0);
        Ok(Ran { elapsed_ns: at(end) - at(start), ..Ran::default() })
    }
}

fn ticking(ns_per_iteration: [f64; 2], tick_ns: f64) -> Result<Vec<ArmEstimate>, MeasureError> {
    let process = |ns_per_iteration| {
        let chance = ChaCha8Rng::seed_from_u64(2);
        Box::new(Ticking { ns_per_iteration, tick_ns, now_ns: 0.0, chance }) as Box<dyn Runner>
    };
    let mut processes = ns_per_iteration.map(process).into_iter().collect::<Vec<_>>();
    let arms = [0, 1].map(|process| Arm { process, case: case("a", 1) });
    let effort = Effort { turn_ns: 200_000.0, rounds: 25 };
    run(&mut processes, &arms, effort, Turns::EqualWork, &mut ChaCha8Rng::seed_from_u64(1), &|| false)
}

#[test]
fn a_coarse_clock_gets_turns_that_are_long_against_its_ticks() {
    // From far less than a tick to more than one.
    for ns_per_iteration in [40_000.0, 1e6, 3e6, 12e6, 100e6] {
        for tick_ns in [1e6, 10e6, 15.625e6] {
            if tick_ns < ns_per_iteration / 50.0 {
                continue;
            }
            let found = ticking([ns_per_iteration, 1.07 * ns_per_iteration], tick_ns).unwrap();
            let turn_ns = found[0].iterations as f64 * ns_per_iteration;
            let said = format!("{ns_per_iteration} {tick_ns}: {found:?}");
            assert!(found[0].tick_ns.is_some_and(|found| found >= 0.99 * tick_ns), "{said}");
            assert!(turn_ns >= 40.0 * tick_ns && turn_ns <= 400.0 * tick_ns, "{said}");
            assert!((found[1].log_ratio - 1.07_f64.ln()).abs() < 0.03, "{said}");
        }
    }
    assert!(ticking([40_000.0, 42_000.0], 1.0).unwrap().iter().all(|arm| arm.tick_ns.is_none()));
}

/// A process whose clock rounds down to whole ticks, wherever a turn begins.
struct Rounding(f64);

impl Runner for Rounding {
    fn run(&mut self, _: &str, iterations: u64) -> Result<Ran, MeasureError> {
        let elapsed_ns = (self.0 * iterations as f64 / 10e6).floor() * 10e6;
        Ok(Ran { elapsed_ns, ..Ran::default() })
    }
}

#[test]
fn a_clock_that_always_reads_the_same_tick_is_not_believed() {
    for ns_per_iteration in [12e6, 25e6] {
        let mut processes: Vec<Box<dyn Runner>> =
            vec![Box::new(Rounding(ns_per_iteration)), Box::new(Rounding(1.07 * ns_per_iteration))];
        let arms = [0, 1].map(|process| Arm { process, case: case("a", 1) });
        let effort = Effort { turn_ns: 200_000.0, rounds: 25 };
        let mut rng = ChaCha8Rng::seed_from_u64(1);
        let found = run(&mut processes, &arms, effort, Turns::EqualWork, &mut rng, &|| false).unwrap();
        assert!(found[0].tick_ns.is_some(), "{found:?}");
        assert!((found[1].log_ratio - 1.07_f64.ln()).abs() < 0.03, "{found:?}");
    }
}

#[test]
fn a_clock_that_ticks_once_a_second_or_never_is_one_clear_error() {
    for tick_ns in [1e9, 1e18] {
        let error = ticking([40e6, 40e6], tick_ns).unwrap_err();
        assert!(matches!(error, MeasureError::TooCoarse { .. }), "{error}");
        assert!(error.to_string().contains("its clock is too coarse"), "{error}");
    }
}
