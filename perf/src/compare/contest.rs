//! Seats that take turns, so that whatever the machine does meanwhile it does to all of them.
//!
//! A round gives each seat two turns: in a shuffled order, then in the reverse of it (ABBA, for any number of seats),
//! so that a drift which is linear within the round meets all alike, and a fixed position is worth nothing. A round's log
//! ratio compares the sums of the two turns; a contest's is the mean over its rounds without those that something else
//! got in the way of.

use rand::seq::SliceRandom;
use rand_chacha::ChaCha8Rng;
use serde::{Deserialize, Serialize};

use super::runner::{CaseInfo, MeasureError, Runner};
use crate::measure::stats::{median, robust_sd};

/// Turns of each seat before anything is recorded: the first meets cold caches and untouched memory.
pub const WARM_UP_TURNS: usize = 2;
/// More iterations than this in a turn are a clock that stands still.
const MOST_ITERATIONS: f64 = 1e9;

/// A round is disturbed if it lies further from the median than this many robust standard deviations …
const DISTURBED_SD: f64 = 5.0;
/// … of which one counts as at least this much: few rounds may agree by chance, and none is to be dropped for that.
const LEAST_SD: f64 = 0.015;

/// How much a contest measures.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Effort {
    /// A turn is at least this long, in nanoseconds. Shorter ones would measure the pipe and the clock; longer ones
    /// would let the machine change within a round.
    pub turn_ns: f64,
    /// Rounds of each contest.
    pub rounds: usize,
}

/// How long the turns of different seats are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Turns {
    /// All do the same number of iterations, those of the fastest: for programs that are nearly equal.
    EqualWork,
    /// Each does as many as fill its turn, so that what a turn costs beside the work is the same part of all: for
    /// programs of which one may be ten times as fast as another.
    EqualTime,
}

/// One of those that take turns.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Seat {
    /// Index of the process that does the work. Several seats may share one.
    pub process: usize,
    /// What it does.
    pub case: CaseInfo,
}

/// What a contest found of a seat.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Standing {
    /// ln(time / time of the first seat): above 0 it is slower. 0 for the first.
    pub log_ratio: f64,
    /// Nanoseconds per token, median over rounds.
    pub ns_per_token: f64,
    /// Iterations of each turn.
    pub iterations: u64,
}

/// Runs all rounds; one standing for each seat, in their order.
///
/// # Errors
/// A process that failed, or Ctrl-C.
pub fn run(
    processes: &mut [Box<dyn Runner>],
    seats: &[Seat],
    effort: Effort,
    turns: Turns,
    rng: &mut ChaCha8Rng,
    interrupted: &dyn Fn() -> bool,
) -> Result<Vec<Standing>, MeasureError> {
    let iterations = iterations_per_turn(processes, seats, effort.turn_ns, turns)?;
    let mut order: Vec<usize> = (0..seats.len()).collect();
    // For each seat, of each round: nanoseconds per token.
    let mut times: Vec<Vec<f64>> = vec![Vec::new(); seats.len()];
    for _ in 0..effort.rounds.max(1) {
        order.shuffle(rng);
        let mut round_ns = vec![0.0; seats.len()];
        for &index in order.iter().chain(order.iter().rev()) {
            if interrupted() {
                return Err(MeasureError::Interrupted);
            }
            if let (Some(seat), Some(&count), Some(total_ns)) =
                (seats.get(index), iterations.get(index), round_ns.get_mut(index))
            {
                *total_ns += turn(processes, seat, count)?;
            }
        }
        for (((times, total_ns), seat), count) in times.iter_mut().zip(round_ns).zip(seats).zip(&iterations) {
            times.push(total_ns / (2 * count * seat.case.tokens_per_iteration.max(1)) as f64);
        }
    }
    let first = times.first().cloned().unwrap_or_default();
    let standing = |(times, iterations): (Vec<f64>, u64)| {
        let log_ratios: Vec<f64> = times.iter().zip(&first).map(|(own, first)| (own / first).ln()).collect();
        Standing { log_ratio: mean_of_undisturbed(&log_ratios), ns_per_token: median(&times), iterations }
    };
    Ok(times.into_iter().zip(iterations).map(standing).collect())
}

/// The mean of the values that are not far from their median. Rounds of one contest scatter evenly but for disturbances,
/// which are gross; without those the mean wastes less than the median, whose variance is half as large again.
fn mean_of_undisturbed(values: &[f64]) -> f64 {
    let centre = median(values);
    let limit = DISTURBED_SD * robust_sd(values).max(LEAST_SD);
    let (mut sum, mut count) = (0.0, 0_usize);
    for value in values.iter().filter(|value| (*value - centre).abs() <= limit) {
        sum += value;
        count += 1;
    }
    sum / count as f64
}

fn iterations_per_turn(
    processes: &mut [Box<dyn Runner>],
    seats: &[Seat],
    turn_ns: f64,
    turns: Turns,
) -> Result<Vec<u64>, MeasureError> {
    let mut least_ns = vec![f64::INFINITY; seats.len()];
    for _ in 0..WARM_UP_TURNS {
        for (seat, least_ns) in seats.iter().zip(&mut least_ns) {
            *least_ns = least_ns.min(turn(processes, seat, 1)?);
        }
    }
    let filling = |ns: f64| (turn_ns / ns).ceil().clamp(1.0, MOST_ITERATIONS) as u64;
    let mut iterations: Vec<u64> = least_ns.into_iter().map(filling).collect();
    if turns == Turns::EqualWork {
        let most = iterations.iter().copied().max().unwrap_or(1);
        iterations.fill(most);
    }
    Ok(iterations)
}

fn turn(processes: &mut [Box<dyn Runner>], seat: &Seat, iterations: u64) -> Result<f64, MeasureError> {
    let nonsense = |said: String, expected: &str| MeasureError::Nonsense {
        probe: format!("a probe of {}", seat.case.name),
        said,
        expected: expected.to_owned(),
    };
    let Some(process) = processes.get_mut(seat.process) else {
        return Err(nonsense(format!("process {}", seat.process), "a process that was started"));
    };
    let elapsed_ns = process.run(&seat.case.name, iterations)?;
    if elapsed_ns.is_finite() && elapsed_ns > 0.0 {
        return Ok(elapsed_ns);
    }
    Err(nonsense(format!("{elapsed_ns} ns for {iterations} iterations"), "a time above 0"))
}

#[cfg(test)]
mod tests {
    use rand::SeedableRng;

    use super::*;
    use crate::compare::simulated::case;

    /// Takes this long for each iteration.
    struct Steady(f64);

    impl Runner for Steady {
        fn run(&mut self, _: &str, iterations: u64) -> Result<f64, MeasureError> {
            Ok(self.0 * iterations as f64)
        }
    }

    fn contest(turns: Turns) -> Vec<Standing> {
        let mut processes: Vec<Box<dyn Runner>> = vec![Box::new(Steady(64_000.0)), Box::new(Steady(6_400.0))];
        let seats = [0, 1, 1].map(|process| Seat { process, case: case("a", 1) });
        let effort = Effort { turn_ns: 100_000.0, rounds: 3 };
        let mut rng = ChaCha8Rng::seed_from_u64(1);
        run(&mut processes, &seats, effort, turns, &mut rng, &|| false).unwrap()
    }

    #[test]
    fn a_program_ten_times_as_fast_does_ten_times_the_work_in_its_turn() {
        let found = contest(Turns::EqualTime);
        assert_eq!(found.iter().map(|seat| seat.iterations).collect::<Vec<_>>(), [2, 16, 16]);
        for (seat, expected_ns) in found.iter().zip([1000.0, 100.0, 100.0]) {
            assert!((seat.ns_per_token - expected_ns).abs() < 1e-9, "{found:?}");
            assert!((seat.log_ratio - (expected_ns / 1000.0_f64).ln()).abs() < 1e-9, "{found:?}");
        }
        assert!(contest(Turns::EqualWork).iter().all(|seat| seat.iterations == 16));
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
}
