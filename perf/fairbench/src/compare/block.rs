//! A block: one fresh process for each role, measured against each other in turns.
//!
//! The block is the unit of the statistics. Where the pages of a process lie and what its caches hold is drawn once,
//! when it starts, so a thousand turns of one process are a thousand readings of one draw. A block makes three draws,
//! base, candidate and control, takes enough turns to read them, and gives one number for each case and comparison.
//!
//! Within the block everything that could favour a side is either equal or shuffled. The probes are started in random
//! order, lie as the block's [`Layout`]s say, and take their turns as a [`panel`] of any size does.

use rand_chacha::ChaCha8Rng;
use serde::{Deserialize, Serialize};

use super::group::{Arm, ArmEstimate, Effort, Turns};
use super::layout::Layout;
use super::panel;
use super::runner::{CaseInfo, Launcher, MeasureError, Role};
use super::spent::Times;

/// The roles of a block, in the order in which their layouts and runners are kept.
pub const ROLES: [Role; 3] = [Role::Base, Role::Candidate, Role::Control];

/// What a block found of one case.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct CaseBlock {
    /// ln(candidate / base): above 0 the candidate is slower.
    pub log_ratio: f64,
    /// ln(control / base): 0 but for noise.
    pub log_control: f64,
    /// Time of the base, in nanoseconds per item. (In JSON, an item goes by the name of the first ones: a token.)
    #[serde(rename = "base_ns_per_token")]
    pub base_ns_per_item: f64,
    /// Iterations of each turn.
    pub iterations: u64,
    /// Where the time of each side went; `None` if a probe does not tell.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub spent: Option<Sides>,
    /// The tick of the clock, in nanoseconds, if it is so coarse that turns were made longer.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tick_ns: Option<f64>,
}

/// Where the time of each side of a block went.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Sides {
    /// Times of the base.
    pub base: Times,
    /// Times of the candidate.
    pub candidate: Times,
    /// Times of the control.
    pub control: Times,
}

/// Runs one block on all of `cases`, in random order, and returns what it found, in the order of `cases`.
///
/// # Errors
/// A probe that could not be launched or did not answer, or an interruption. What a block found before that is lost:
/// half a block is of no use.
pub fn run(
    launcher: &dyn Launcher,
    cases: &[CaseInfo],
    layouts: [Layout; 3],
    effort: Effort,
    rng: &mut ChaCha8Rng,
    interrupted: &dyn Fn() -> bool,
) -> Result<Vec<CaseBlock>, MeasureError> {
    let pin = cases.iter().all(CaseInfo::is_single_threaded);
    let processes: Vec<(Role, Layout)> = ROLES.into_iter().zip(layouts).collect();
    let group = |case: &CaseInfo| (0..ROLES.len()).map(|process| Arm { process, case: case.clone() }).collect();
    let groups: Vec<Vec<Arm>> = cases.iter().map(group).collect();
    let start = |(role, layout): &(Role, Layout)| launcher.launch(*role, cases, *layout, pin);
    let found = panel::block(&processes, start, &groups, effort, Turns::EqualWork, rng, interrupted)?;
    found.iter().map(|arms| of_case(arms)).collect()
}

fn of_case(arms: &[ArmEstimate]) -> Result<CaseBlock, MeasureError> {
    let [base, candidate, control] = arms else {
        return Err(MeasureError::Nonsense {
            probe: "a block".to_owned(),
            said: format!("{} probes", arms.len()),
            expected: "one for each role".to_owned(),
        });
    };
    Ok(CaseBlock {
        log_ratio: candidate.log_ratio,
        log_control: control.log_ratio,
        base_ns_per_item: base.ns_per_item,
        iterations: base.iterations,
        spent: sides(base.times, candidate.times, control.times),
        tick_ns: base.tick_ns,
    })
}

fn sides(base: Option<Times>, candidate: Option<Times>, control: Option<Times>) -> Option<Sides> {
    Some(Sides { base: base?, candidate: candidate?, control: control? })
}

#[cfg(test)]
mod tests {
    use std::cell::Cell;

    use rand::SeedableRng;

    use super::*;
    use crate::compare::group::WARM_UP_TURNS;
    use crate::compare::simulated::{Machine, case};

    const EFFORT: Effort = Effort { turn_ns: 300_000.0, rounds: 11 };

    fn block(machine: &Machine, seed: u64) -> Result<Vec<CaseBlock>, MeasureError> {
        let mut rng = ChaCha8Rng::seed_from_u64(seed);
        run(machine, &[case("a", 1), case("b", 1)], [Layout::default(); 3], EFFORT, &mut rng, &|| false)
    }

    #[test]
    fn a_machine_that_slows_down_while_it_is_measured_does_not_bend_the_ratio() {
        let machine = Machine { drift_per_second: 0.5, change: 0.04, ..Machine::quiet() };
        for found in block(&machine, 1).unwrap() {
            assert!((found.log_ratio - 0.04_f64.ln_1p()).abs() < 1e-3, "{found:?}");
            assert!(found.log_control.abs() < 1e-3, "{found:?}");
        }
    }

    #[test]
    fn preempted_turns_do_not_show() {
        let machine = Machine { preempted: 0.03, change: 0.04, ..Machine::quiet() };
        for found in block(&machine, 2).unwrap() {
            assert!((found.log_ratio - 0.04_f64.ln_1p()).abs() < 1e-3, "{found:?}");
        }
    }

    #[test]
    fn every_round_is_a_shuffled_order_and_its_reverse_with_equal_work() {
        let machine = Machine::quiet();
        block(&machine, 3).unwrap();
        let turns = machine.turns.borrow();
        // Of the first case: what follows the warm-up, which has a turn more where all readings are the same.
        let first = &turns[0].case;
        let measured: Vec<_> = turns.iter().filter(|turn| turn.case == *first).skip(3 * (WARM_UP_TURNS + 1)).collect();
        assert_eq!(measured.len(), 6 * EFFORT.rounds);
        assert!(measured.iter().all(|turn| turn.iterations == measured[0].iterations && turn.iterations > 1));
        let mut orders = Vec::new();
        for round in measured.chunks(6) {
            let roles: Vec<Role> = round.iter().map(|turn| turn.role).collect();
            assert!(roles.iter().eq(roles.iter().rev()), "{roles:?}");
            assert!(ROLES.iter().all(|role| roles.contains(role)), "{roles:?}");
            orders.push(roles);
        }
        orders.dedup();
        assert!(orders.len() > 3, "never shuffled: {orders:?}");
    }

    #[test]
    fn a_turn_is_long_enough_and_probes_start_in_random_order() {
        let machine = Machine::quiet();
        let starts: Vec<Role> = (0..8)
            .map(|seed| {
                let found = block(&machine, seed).unwrap();
                let turn_ns = found[0].base_ns_per_item * 64.0 * found[0].iterations as f64;
                assert!((EFFORT.turn_ns..2.0 * EFFORT.turn_ns).contains(&turn_ns), "{turn_ns}");
                machine.launches.borrow_mut().drain(..).next().unwrap().role
            })
            .collect();
        assert!(ROLES.iter().filter(|role| starts.contains(role)).count() > 1, "{starts:?}");
    }

    #[test]
    fn a_probe_that_fails_or_stands_still_ends_the_block() {
        let crash = MeasureError::Crashed {
            probe: "candidate".into(),
            asked: "run a".into(),
            status: "exit code 101".into(),
            last_line: "oops".into(),
        };
        let machine = Machine { fails_after: Some((20, crash.clone())), ..Machine::quiet() };
        assert_eq!(block(&machine, 4), Err(crash));
        let machine = Machine { ns_per_iteration: 0.0, ..Machine::quiet() };
        assert!(block(&machine, 5).unwrap_err().to_string().contains("0 ns for 1000000000 iterations"));
    }

    #[test]
    fn an_interruption_is_noticed_between_turns() {
        let asked = Cell::new(0);
        let interrupted = || {
            asked.set(asked.get() + 1);
            asked.get() > 20
        };
        let mut rng = ChaCha8Rng::seed_from_u64(1);
        let machine = Machine::quiet();
        let ended = run(&machine, &[case("a", 1)], [Layout::default(); 3], EFFORT, &mut rng, &interrupted);
        assert_eq!(ended, Err(MeasureError::Interrupted));
    }
}
