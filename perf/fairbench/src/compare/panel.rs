//! Any number of processes, and the comparison groups that they take turns in: one block, and blocks until it is
//! enough.
//!
//! The gate's block has three processes and a group for each case ([`block`](super::block)), a sweep's has one for each
//! variant. Here it makes no difference: all are started in random order, then the groups follow one another in random
//! order, and in each its arms take turns.

use std::time::Duration;

use rand::seq::SliceRandom;
use rand_chacha::ChaCha8Rng;

use super::group::{self, Arm, ArmEstimate, Effort, Turns};
use super::runner::{MeasureError, Runner};
use crate::measure::interval::{ERROR_PER_SIDE, FEWEST_BLOCKS, MedianInterval};
use crate::measure::stats::{PairedRatio, Quartiles};

/// Runs one block: `start` starts a process that is ready to be timed, and arms name processes by their place in
/// `processes`. Returns an estimate for each group and each of its arms, in their order.
///
/// # Errors
/// A process that could not be started or did not answer; an interruption. What the block found before that is lost:
/// half a block is no block.
pub fn block<P>(
    processes: &[P],
    start: impl Fn(&P) -> Result<Box<dyn Runner>, MeasureError>,
    groups: &[Vec<Arm>],
    effort: Effort,
    turns: Turns,
    rng: &mut ChaCha8Rng,
    interrupted: &dyn Fn() -> bool,
) -> Result<Vec<Vec<ArmEstimate>>, MeasureError> {
    let mut order: Vec<(usize, &P)> = processes.iter().enumerate().collect();
    order.shuffle(rng);
    let mut started = Vec::with_capacity(order.len());
    for (index, process) in order {
        if interrupted() {
            return Err(MeasureError::Interrupted);
        }
        started.push((index, start(process)?));
    }
    started.sort_unstable_by_key(|(index, _)| *index);
    let mut runners: Vec<Box<dyn Runner>> = started.into_iter().map(|(_, runner)| runner).collect();

    let mut order: Vec<(usize, &Vec<Arm>)> = groups.iter().enumerate().collect();
    order.shuffle(rng);
    let mut found = Vec::with_capacity(order.len());
    for (index, arms) in order {
        found.push((index, group::run(&mut runners, arms, effort, turns, rng, interrupted)?));
    }
    found.sort_unstable_by_key(|(index, _)| *index);
    Ok(found.into_iter().map(|(_, arms)| arms).collect())
}

/// When a panel has enough blocks.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Enough {
    /// Blocks that no panel gets more of.
    pub most: usize,
    /// Half-width of the widest interval that is narrow enough, as a part of one: 0.01 is 1 %.
    pub precision: f64,
    /// Time for all blocks together. The fewest that make an interval are taken whatever time they need.
    pub budget: Duration,
}

/// What an arm came to: one value for each block.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct ArmBlocks {
    /// Nanoseconds per item.
    pub ns_per_item: Vec<f64>,
    /// ln(time / time of the first arm of its group).
    pub log_ratio: Vec<f64>,
    /// Iterations of a turn, in the last block.
    pub iterations: u64,
}

/// What the blocks of a panel found.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct PanelBlocks {
    /// Each group with its arms, in the order of the panel.
    pub groups: Vec<Vec<ArmBlocks>>,
}

impl PanelBlocks {
    /// Number of blocks.
    #[must_use]
    pub fn blocks(&self) -> usize {
        self.groups.iter().flatten().map(|arm| arm.log_ratio.len()).max().unwrap_or_default()
    }

    /// The arm at this place.
    #[must_use]
    pub fn arm(&self, group: usize, arm: usize) -> Option<&ArmBlocks> {
        self.groups.get(group)?.get(arm)
    }

    /// Time of an arm in nanoseconds per item, over blocks: for people; ratios are what counts.
    #[must_use]
    pub fn time_ns(&self, group: usize, arm: usize) -> Option<Quartiles> {
        Quartiles::of(&self.arm(group, arm)?.ns_per_item)
    }

    /// Time of one arm / time of another one of its group, with a 95 % interval; `None` with fewer than six blocks.
    #[must_use]
    pub fn ratio(&self, group: usize, arm: usize, to: usize) -> Option<PairedRatio> {
        let (arm, to) = (self.arm(group, arm)?, self.arm(group, to)?);
        let log_ratios: Vec<f64> = arm.log_ratio.iter().zip(&to.log_ratio).map(|(arm, to)| arm - to).collect();
        PairedRatio::over_blocks(&log_ratios, ERROR_PER_SIDE)
    }

    /// Takes in what another block found.
    pub fn push(&mut self, block: &[Vec<ArmEstimate>]) {
        self.groups.resize_with(self.groups.len().max(block.len()), Vec::new);
        for (arms, found) in self.groups.iter_mut().zip(block) {
            arms.resize_with(arms.len().max(found.len()), ArmBlocks::default);
            for (arm, found) in arms.iter_mut().zip(found) {
                arm.ns_per_item.push(found.ns_per_item);
                arm.log_ratio.push(found.log_ratio);
                arm.iterations = found.iterations;
            }
        }
    }

    /// Half-width of the widest 95 % interval of a ratio to the first arm of a group; infinite with too few blocks.
    #[must_use]
    pub fn half_width(&self) -> f64 {
        let others = self.groups.iter().flat_map(|arms| arms.iter().skip(1));
        let half_width = |arm: &ArmBlocks| {
            MedianInterval::of(&arm.log_ratio, ERROR_PER_SIDE).map_or(f64::INFINITY, |interval| interval.half_width())
        };
        others.map(half_width).fold(0.0, f64::max)
    }
}

/// Takes blocks until it is enough. `take` takes one; `now` is the time since some start.
///
/// # Errors
/// What `take` fails with; blocks that were taken before are lost.
pub fn measure(
    enough: Enough,
    now: &dyn Fn() -> Duration,
    take: &mut dyn FnMut() -> Result<Vec<Vec<ArmEstimate>>, MeasureError>,
) -> Result<PanelBlocks, MeasureError> {
    let start = now();
    let mut found = PanelBlocks::default();
    for taken in 0_u32.. {
        let elapsed = now().saturating_sub(start);
        // A block that would not end within the budget is not begun.
        let is_late = elapsed + elapsed.checked_div(taken).unwrap_or_default() > enough.budget;
        let is_precise = || found.half_width() <= enough.precision;
        let taken = taken as usize;
        if taken >= FEWEST_BLOCKS && (is_late || taken >= enough.most || is_precise()) {
            break;
        }
        found.push(&take()?);
    }
    Ok(found)
}

#[cfg(test)]
mod tests {
    use std::cell::{Cell, RefCell};
    use std::rc::Rc;

    use rand::SeedableRng;

    use super::*;
    use crate::compare::layout::Layout;
    use crate::compare::runner::{Launcher, Role};
    use crate::compare::simulated::{Machine, case};

    const EFFORT: Effort = Effort { turn_ns: 300_000.0, rounds: 3 };
    const ENOUGH: Enough = Enough { most: 40, precision: 0.002, budget: Duration::from_secs(60) };

    /// Two groups of base, candidate and base once more, on a machine that is simulated.
    fn run(machine: &Machine, enough: Enough) -> Result<PanelBlocks, MeasureError> {
        let roles = [Role::Base, Role::Candidate, Role::Control];
        let arms = |name| (0..roles.len()).map(|process| Arm { process, case: case(name, 1) }).collect::<Vec<_>>();
        let groups = [arms("a"), arms("b")];
        let mut rng = ChaCha8Rng::seed_from_u64(3);
        measure(enough, &|| machine.elapsed(), &mut || {
            let start = |role: &Role| machine.launch(*role, &[], Layout::default(), true);
            block(&roles, start, &groups, EFFORT, Turns::EqualTime, &mut rng, &|| false)
        })
    }

    #[test]
    fn the_ratio_of_any_two_arms_of_a_group_is_found_and_nearly_all_intervals_hold_the_truth() {
        let truths = [(0, 1, 0, 1.0), (1, 1, 0, 1.25), (1, 2, 1, 0.8), (1, 2, 0, 1.0)];
        let mut held = 0;
        for seed in 0..50 {
            let rng = Rc::new(RefCell::new(ChaCha8Rng::seed_from_u64(seed)));
            let machine = Machine { change: 0.25, changed_case: Some("b"), rng, ..Machine::shared() };
            let found = run(&machine, Enough { most: 20, ..ENOUGH }).unwrap();
            for (group, arm, to, truth) in truths {
                let ratio = found.ratio(group, arm, to).unwrap();
                assert!((ratio.estimate / truth - 1.0).abs() < 0.01, "{group} {arm} {to}: {ratio:?}");
                held += usize::from(ratio.lower <= truth && truth <= ratio.upper);
            }
            let times = [0, 1].map(|arm| found.time_ns(1, arm).unwrap().median);
            assert!((times[1] / times[0] - 1.25).abs() < 0.05, "{times:?}");
            assert_eq!((found.ratio(2, 0, 0), found.ratio(0, 3, 0)), (None, None));
        }
        // Of 200, 190 on average.
        assert!((180..=198).contains(&held), "{held}");
    }

    #[test]
    fn blocks_are_fresh_processes_in_random_order_and_six_are_taken_whatever_they_cost() {
        let machine = Machine { process_sd: 0.1, ..Machine::quiet() };
        let found = run(&machine, Enough { budget: Duration::ZERO, ..ENOUGH }).unwrap();
        assert_eq!((found.blocks(), machine.launches.borrow().len()), (6, 18));
        let first: Vec<Role> = machine.launches.borrow().chunks(3).map(|block| block[0].role).collect();
        assert!(first.iter().any(|role| *role != first[0]), "{first:?}");
        assert!(found.ratio(0, 1, 0).is_some());
    }

    #[test]
    fn what_is_precise_ends_early_and_what_is_not_takes_its_time_or_the_most_blocks() {
        let blocks = |process_sd, enough| {
            let machine = Machine { process_sd, ..Machine::quiet() };
            let blocks = run(&machine, enough).unwrap().blocks();
            (blocks, machine.elapsed())
        };
        assert_eq!(blocks(0.0, ENOUGH).0, 6);
        assert_eq!(blocks(0.1, ENOUGH).0, ENOUGH.most);
        let (taken, elapsed) = blocks(0.1, Enough { budget: Duration::from_secs(1), ..ENOUGH });
        assert!((7..ENOUGH.most).contains(&taken) && elapsed <= Duration::from_millis(1050), "{taken} in {elapsed:?}");
    }

    #[test]
    fn a_process_that_fails_and_an_interruption_end_it() {
        let error = MeasureError::TimedOut { probe: "base".into(), asked: "run a".into(), seconds: 5.0 };
        let machine = Machine { fails_after: Some((100, error.clone())), ..Machine::quiet() };
        assert_eq!(run(&machine, ENOUGH), Err(error));

        let (machine, asked) = (Machine::quiet(), Cell::new(0));
        let started = RefCell::new(0);
        let start = |role: &Role| {
            *started.borrow_mut() += 1;
            machine.launch(*role, &[], Layout::default(), true)
        };
        let interrupted = || {
            asked.set(asked.get() + 1);
            asked.get() > 2
        };
        let mut rng = ChaCha8Rng::seed_from_u64(1);
        let ended = block(&[Role::Base; 3], start, &[], EFFORT, Turns::EqualTime, &mut rng, &interrupted);
        assert_eq!((ended, *started.borrow()), (Err(MeasureError::Interrupted), 2));
    }
}
