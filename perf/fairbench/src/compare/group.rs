//! Arms that take turns, so that whatever the machine does meanwhile it does to all of them.
//!
//! A round gives each arm two turns: in a shuffled order, then in the reverse of it (ABBA, for any number of arms), so
//! that a drift which is linear within the round meets all alike, and a fixed position is worth nothing. A round's log
//! ratio compares the sums of the two turns; a group's is the mean over its rounds without those that something else
//! got in the way of.

use std::time::{Duration, Instant};

use rand::seq::SliceRandom;
use rand_chacha::ChaCha8Rng;
use serde::{Deserialize, Serialize};

use super::clock::{LONGEST_TURN_NS, Readings, TICKS_PER_TURN, coarse_tick_ns};
use super::runner::{CaseInfo, MeasureError, Ran, Runner};
use super::spent::{Ledger, Times};
use crate::measure::stats::{median, robust_sd};

/// Turns of each arm before anything is recorded: the first one meets cold caches and untouched memory.
pub const WARM_UP_TURNS: usize = 2;
/// If a turn has more iterations than this and still reads 0, the clock stands still …
const MOST_ITERATIONS: f64 = 1e9;
/// … and so is one that reads 0 for a turn that takes this long.
const STANDS_STILL: Duration = Duration::from_secs(2);
/// Iterations of a turn that tells a clock of ticks from a probe that always says the same.
const TELLING_ITERATIONS: u64 = 7;
/// Turns that are taken to find the tick of a clock that read 0.
const TICK_TURNS: u64 = 8;

/// A round is disturbed if it lies further from the median than this many robust standard deviations …
const DISTURBED_SD: f64 = 5.0;
/// … of which one counts as at least this much: few rounds may agree by chance, and none is to be dropped for that.
const LEAST_SD: f64 = 0.015;

/// How much a comparison group measures.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Effort {
    /// A turn is at least this long, in nanoseconds. Shorter ones would measure the pipe and the clock; longer ones
    /// would let the machine change within a round.
    pub turn_ns: f64,
    /// Number of rounds of each group.
    pub rounds: usize,
}

/// How the lengths of the turns of different arms relate.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Turns {
    /// All arms do the same number of iterations, that of the fastest: for programs that are nearly equal in speed.
    EqualWork,
    /// Each arm does as many iterations as fill its turn, so that the cost of a turn beside its work is the same part
    /// of each: for programs of which one may be ten times as fast as another.
    EqualTime,
}

/// One of the participants that take turns.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Arm {
    /// Index of the process that does the work. Several arms may share one.
    pub process: usize,
    /// The case that the arm runs.
    pub case: CaseInfo,
}

/// What a comparison group found about an arm.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct ArmEstimate {
    /// ln(time / time of the first arm): above 0 it is slower. 0 for the first.
    pub log_ratio: f64,
    /// Median over rounds of the time per item, in nanoseconds.
    pub ns_per_item: f64,
    /// Iterations of each turn.
    pub iterations: u64,
    /// Where the time went, over all turns; `None` if the process does not tell.
    pub times: Option<Times>,
    /// The tick of the clock, in nanoseconds, if it is so coarse that turns were made longer.
    pub tick_ns: Option<f64>,
}

/// Runs all rounds and returns one estimate for each arm, in the order of the arms.
///
/// # Errors
/// A process failed, or Ctrl-C was pressed.
pub fn run(
    processes: &mut [Box<dyn Runner>],
    arms: &[Arm],
    effort: Effort,
    turns: Turns,
    rng: &mut ChaCha8Rng,
    interrupted: &dyn Fn() -> bool,
) -> Result<Vec<ArmEstimate>, MeasureError> {
    let (mut iterations, mut tick_ns) = iterations_per_turn(processes, arms, effort.turn_ns, turns)?;
    let mut longer = effort;
    if let Some(tick_ns) = tick_ns {
        longer = longer_for(effort, arms, tick_ns)?;
    }
    let mut found = rounds(processes, arms, longer.rounds, &iterations, rng, interrupted)?;
    // A clock whose ticks the first turns did not show may show them now.
    if tick_ns.is_none()
        && let Some(tick) = coarse_tick_ns(&found.readings)
    {
        tick_ns = Some(tick);
        longer = longer_for(effort, arms, tick)?;
        let mut per_iteration = Vec::with_capacity(arms.len());
        for (times, arm) in found.times.iter().zip(arms) {
            let ns = median(times) * arm.case.items_per_iteration.max(1) as f64;
            per_iteration.push(over_many_ticks(processes, arm, ns.max(tick / 10.0), longer.turn_ns, tick)?);
        }
        iterations = filling(per_iteration, longer.turn_ns, turns);
        found = rounds(processes, arms, longer.rounds, &iterations, rng, interrupted)?;
    }
    if found.times.iter().flatten().any(|ns| *ns <= 0.0) {
        return Err(too_coarse(arms, format!("0 ns in a round of turns of {} ms", longer.turn_ns / 1e6)));
    }
    let first = found.times.first().cloned().unwrap_or_default();
    let estimate = |((times, iterations), ledger): ((Vec<f64>, u64), Ledger)| {
        let log_ratios: Vec<f64> = times.iter().zip(&first).map(|(own, first)| (own / first).ln()).collect();
        ArmEstimate {
            log_ratio: mean_of_undisturbed(&log_ratios),
            ns_per_item: median(&times),
            iterations,
            times: ledger.times(),
            tick_ns,
        }
    };
    Ok(found.times.into_iter().zip(iterations).zip(found.ledgers).map(estimate).collect())
}

/// Values of all rounds of a group, by arm.
struct Rounds {
    /// Nanoseconds per item in each round.
    times: Vec<Vec<f64>>,
    ledgers: Vec<Ledger>,
    readings: Vec<Readings>,
}

fn rounds(
    processes: &mut [Box<dyn Runner>],
    arms: &[Arm],
    count: usize,
    iterations: &[u64],
    rng: &mut ChaCha8Rng,
    interrupted: &dyn Fn() -> bool,
) -> Result<Rounds, MeasureError> {
    let mut order: Vec<usize> = (0..arms.len()).collect();
    let mut times: Vec<Vec<f64>> = vec![Vec::new(); arms.len()];
    let mut ledgers = vec![Ledger::default(); arms.len()];
    let mut readings = vec![Readings::default(); arms.len()];
    for _ in 0..count.max(1) {
        order.shuffle(rng);
        let mut round_ns = vec![0.0; arms.len()];
        for &index in order.iter().chain(order.iter().rev()) {
            if interrupted() {
                return Err(MeasureError::Interrupted);
            }
            if let (Some(arm), Some(&count), Some(total_ns), Some(ledger), Some(readings)) = (
                arms.get(index),
                iterations.get(index),
                round_ns.get_mut(index),
                ledgers.get_mut(index),
                readings.get_mut(index),
            ) {
                let ran = turn(processes, arm, count)?;
                *total_ns += ran.elapsed_ns;
                ledger.add(&ran, count * arm.case.items_per_iteration.max(1));
                readings.push(count, ran.elapsed_ns);
            }
        }
        for (((times, total_ns), arm), count) in times.iter_mut().zip(round_ns).zip(arms).zip(iterations) {
            times.push(total_ns / (2 * count * arm.case.items_per_iteration.max(1)) as f64);
        }
    }
    Ok(Rounds { times, ledgers, readings })
}

/// The mean of the values that are not far from their median. Rounds of one group scatter evenly but for disturbances,
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

/// Warms up; finds how many iterations fill a turn of each arm, and the tick of the clock if it is coarse.
fn iterations_per_turn(
    processes: &mut [Box<dyn Runner>],
    arms: &[Arm],
    turn_ns: f64,
    turns: Turns,
) -> Result<(Vec<u64>, Option<f64>), MeasureError> {
    let mut least_ns = vec![f64::INFINITY; arms.len()];
    let mut readings = vec![Readings::default(); arms.len()];
    for _ in 0..WARM_UP_TURNS {
        for ((arm, least_ns), readings) in arms.iter().zip(&mut least_ns).zip(&mut readings) {
            let elapsed_ns = turn(processes, arm, 1)?.elapsed_ns;
            readings.push(1, elapsed_ns);
            *least_ns = least_ns.min(elapsed_ns);
        }
    }
    for ((arm, least_ns), readings) in arms.iter().zip(&mut least_ns).zip(&mut readings) {
        if *least_ns <= 0.0 {
            let more = read_more(processes, arm)?;
            *least_ns = more.0;
            readings.append(more.1);
        } else if readings.are_all_one() {
            // 12 ms always read 10 by a clock that counts in tens, but seven times 12 ms are not 70.
            readings.push(TELLING_ITERATIONS, turn(processes, arm, TELLING_ITERATIONS)?.elapsed_ns);
        }
    }
    let tick_ns = coarse_tick_ns(&readings);
    let Some(tick_ns) = tick_ns else { return Ok((filling(least_ns, turn_ns, turns), None)) };
    let turn_ns = turn_ns.max(TICKS_PER_TURN * tick_ns);
    if turn_ns <= LONGEST_TURN_NS {
        // What is less than a tick was read from many turns already.
        for (arm, least_ns) in arms.iter().zip(&mut least_ns).filter(|(_, least_ns)| **least_ns >= tick_ns) {
            *least_ns = over_many_ticks(processes, arm, *least_ns, turn_ns, tick_ns)?;
        }
    }
    Ok((filling(least_ns, turn_ns, turns), Some(tick_ns)))
}

/// Time of an iteration in nanoseconds, from turns of about this length: a single iteration may read one tick and no
/// more.
fn over_many_ticks(
    processes: &mut [Box<dyn Runner>],
    arm: &Arm,
    mut ns_per_iteration: f64,
    turn_ns: f64,
    tick_ns: f64,
) -> Result<f64, MeasureError> {
    for _ in 0..TICK_TURNS {
        let iterations = (turn_ns / ns_per_iteration).ceil().clamp(1.0, MOST_ITERATIONS);
        let elapsed_ns = turn(processes, arm, iterations as u64)?.elapsed_ns;
        ns_per_iteration = elapsed_ns.max(tick_ns / 2.0) / iterations;
        if elapsed_ns >= 0.8 * turn_ns {
            break;
        }
    }
    Ok(ns_per_iteration)
}

/// Adds iterations until they read more than 0 ns. Returns the time of one iteration and all readings on the way.
fn read_more(processes: &mut [Box<dyn Runner>], arm: &Arm) -> Result<(f64, Readings), MeasureError> {
    let mut readings = Readings::default();
    let mut iterations = 1;
    loop {
        iterations *= 10;
        let start = Instant::now();
        let elapsed_ns = turn(processes, arm, iterations)?.elapsed_ns;
        readings.push(iterations, elapsed_ns);
        if elapsed_ns > 0.0 {
            break;
        }
        if iterations as f64 >= MOST_ITERATIONS || start.elapsed() > STANDS_STILL {
            return Err(too_coarse(std::slice::from_ref(arm), format!("0 ns for {iterations} iterations")));
        }
    }
    // Other amounts of work end at other places between two ticks.
    let (mut sum_ns, mut sum_iterations) = (0.0, 0);
    for step in 0..TICK_TURNS {
        let count = iterations + step * iterations.div_ceil(TICK_TURNS);
        let elapsed_ns = turn(processes, arm, count)?.elapsed_ns;
        readings.push(count, elapsed_ns);
        sum_ns += elapsed_ns;
        sum_iterations += count;
    }
    if sum_ns <= 0.0 {
        return Err(too_coarse(std::slice::from_ref(arm), format!("0 ns for {sum_iterations} iterations")));
    }
    Ok((sum_ns / sum_iterations as f64, readings))
}

/// Number of iterations of each arm that fill a turn, from the time that one iteration takes.
fn filling(ns_per_iteration: impl IntoIterator<Item = f64>, turn_ns: f64, turns: Turns) -> Vec<u64> {
    let filling = |ns: f64| (turn_ns / ns).ceil().clamp(1.0, MOST_ITERATIONS) as u64;
    let mut iterations: Vec<u64> = ns_per_iteration.into_iter().map(filling).collect();
    if turns == Turns::EqualWork {
        let most = iterations.iter().copied().max().unwrap_or(1);
        iterations.fill(most);
    }
    iterations
}

/// Turns that are long against a tick, and so few rounds that all of them take about the intended time.
fn longer_for(effort: Effort, arms: &[Arm], tick_ns: f64) -> Result<Effort, MeasureError> {
    let turn_ns = effort.turn_ns.max(TICKS_PER_TURN * tick_ns);
    if turn_ns > LONGEST_TURN_NS {
        return Err(too_coarse(arms, format!("it ticks every {:.0} ms", tick_ns / 1e6)));
    }
    let rounds = (effort.rounds as f64 * effort.turn_ns / turn_ns).floor().max(1.0) as usize;
    Ok(Effort { turn_ns, rounds })
}

fn too_coarse(arms: &[Arm], detail: String) -> MeasureError {
    MeasureError::TooCoarse { probe: probe_of(arms.first()), detail }
}

fn probe_of(arm: Option<&Arm>) -> String {
    format!("a probe of {}", arm.map_or("nothing", |arm| &arm.case.name))
}

fn turn(processes: &mut [Box<dyn Runner>], arm: &Arm, iterations: u64) -> Result<Ran, MeasureError> {
    let nonsense = |said: String, expected: &str| MeasureError::Nonsense {
        probe: probe_of(Some(arm)),
        said,
        expected: expected.to_owned(),
    };
    let Some(process) = processes.get_mut(arm.process) else {
        return Err(nonsense(format!("process {}", arm.process), "a process that was started"));
    };
    let ran = process.run(&arm.case.name, iterations)?;
    if ran.elapsed_ns.is_finite() && ran.elapsed_ns >= 0.0 {
        return Ok(ran);
    }
    Err(nonsense(format!("{} ns for {iterations} iterations", ran.elapsed_ns), "a time"))
}

#[cfg(test)]
mod tests;
