//! The engine: blocks, until every case is decided or the budget is out.
//!
//! A case that is decided leaves the blocks, so that the time goes to those that need it. Raw values are kept whatever
//! happens: a crash or Ctrl-C loses the block that was running, nothing else.

use std::time::Duration;

use rand::SeedableRng;
use rand_chacha::ChaCha8Rng;
use serde::{Deserialize, Serialize};

use super::block::{self, CaseBlock};
use super::decide::{CaseDecision, Claim, LOOKS, Rule};
use super::group::Effort;
use super::layout::Layout;
use super::runner::{CaseInfo, Launcher, MeasureError};
use super::unseen::UnseenFinding;

/// How the three probes of a block are laid out in memory.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Layouts {
    /// All three alike: the code is compared, not the place where it lies.
    Shared,
    /// Each by a draw of its own: what remains does not depend on any one place.
    Independent,
}

impl Layouts {
    fn draw(self, rng: &mut ChaCha8Rng) -> [Layout; 3] {
        match self {
            Self::Shared => [Layout::draw(rng); 3],
            Self::Independent => std::array::from_fn(|_| Layout::draw(rng)),
        }
    }
}

/// What is to be measured, and how much of it.
#[derive(Clone, Debug)]
pub struct ComparisonPlan {
    /// The cases, each with how it is decided.
    pub cases: Vec<(CaseInfo, Rule)>,
    /// How much each block measures.
    pub effort: Effort,
    /// How the probes of a block are laid out.
    pub layouts: Layouts,
    /// Time for all blocks together.
    pub budget: Duration,
    /// Seed of orders and layouts.
    pub seed: u64,
}

/// What surrounds a comparison: its clock, a way to stop it, and who is told of its progress.
pub struct Surroundings<'a> {
    /// Returns the time since some fixed start.
    pub now: &'a dyn Fn() -> Duration,
    /// Returns whether Ctrl-C was pressed.
    pub interrupted: &'a dyn Fn() -> bool,
    /// Is called after every block.
    pub progress: &'a mut dyn FnMut(ComparisonProgress),
}

/// How far a comparison is.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct ComparisonProgress {
    /// Number of blocks that are done.
    pub blocks: usize,
    /// Number of cases that are decided.
    pub decided: usize,
    /// Number of cases in all.
    pub cases: usize,
    /// Part of the budget that is spent, from 0 to 1.
    pub spent: f64,
}

/// A case with what was measured of it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct MeasuredCase {
    /// The case.
    pub case: CaseInfo,
    /// What the times of the case allow to be claimed.
    pub decision: CaseDecision,
    /// What the clock of the case does not see. Empty for a case on several threads, whose clock is wall time, and if a
    /// probe does not say where its time goes.
    pub unseen: Vec<UnseenFinding>,
    /// Values of each block, in the order in which they were measured.
    pub blocks: Vec<CaseBlock>,
}

/// Why no more blocks were taken.
#[derive(Clone, Debug, PartialEq)]
pub enum ComparisonEnd {
    /// Every case was decided.
    Decided,
    /// The budget was spent.
    OutOfBudget,
    /// A probe failed, or Ctrl-C was pressed.
    Failed(MeasureError),
}

/// What came of a comparison.
#[derive(Clone, Debug, PartialEq)]
pub struct Comparison {
    /// The cases, in the order of the plan.
    pub cases: Vec<MeasuredCase>,
    /// Time that the comparison took.
    pub elapsed: Duration,
    /// Why the comparison ended.
    pub ended: ComparisonEnd,
}

/// A case that is being measured.
struct Open {
    case: CaseInfo,
    rule: Rule,
    blocks: Vec<CaseBlock>,
    decided: bool,
}

impl Open {
    /// What the blocks so far allow to be claimed, by the clock of the case and about what that clock does not see.
    fn found(&self) -> (CaseDecision, Vec<UnseenFinding>) {
        let (ratios, controls): (Vec<f64>, Vec<f64>) =
            self.blocks.iter().map(|block| (block.log_ratio, block.log_control)).unzip();
        let single = self.case.is_single_threaded();
        let unseen = if single { UnseenFinding::all(&self.rule, &self.blocks) } else { Vec::new() };
        (self.rule.last_look(&ratios, &controls), unseen)
    }

    fn look(&mut self) {
        if LOOKS.contains(&self.blocks.len()) {
            let (time, unseen) = self.found();
            let fails = |decision: &CaseDecision| decision.claim == Claim::Fail && self.rule.is_decided(decision);
            // What fails in one way has failed; anything else has to be shown in every way.
            self.decided = fails(&time)
                || unseen.iter().any(|finding| fails(&finding.decision))
                || self.rule.is_decided(&time) && unseen.iter().all(|finding| finding.is_decided(&self.rule));
        }
    }

    fn close(self) -> MeasuredCase {
        let (decision, unseen) = self.found();
        MeasuredCase { case: self.case, decision, unseen, blocks: self.blocks }
    }
}

/// Compares candidate with base on every case of the plan. An error ends the comparison and stands in
/// [`Comparison::ended`], beside what was measured until then.
pub fn compare(launcher: &dyn Launcher, plan: &ComparisonPlan, around: &mut Surroundings<'_>) -> Comparison {
    let start = (around.now)();
    let mut rng = ChaCha8Rng::seed_from_u64(plan.seed);
    let mut open: Vec<Open> = plan
        .cases
        .iter()
        .map(|(case, rule)| Open { case: case.clone(), rule: *rule, blocks: Vec::new(), decided: false })
        .collect();
    let mut blocks = 0_u32;
    let ended = loop {
        let undecided: Vec<CaseInfo> = open.iter().filter(|open| !open.decided).map(|open| open.case.clone()).collect();
        if undecided.is_empty() {
            break ComparisonEnd::Decided;
        }
        let elapsed = (around.now)().saturating_sub(start);
        // A block that would not end within the budget is not begun. What is left may be all the quicker for the cases
        // that were decided meanwhile, so this errs towards a shorter measurement.
        let typical = elapsed.checked_div(blocks).unwrap_or_default();
        if elapsed + typical > plan.budget {
            break ComparisonEnd::OutOfBudget;
        }
        let layouts = plan.layouts.draw(&mut rng);
        match block::run(launcher, &undecided, layouts, plan.effort, &mut rng, around.interrupted) {
            Ok(found) => {
                blocks += 1;
                let still_open = open.iter_mut().filter(|open| !open.decided);
                for (open, block) in still_open.zip(found) {
                    open.blocks.push(block);
                    open.look();
                }
            }
            Err(error) => break ComparisonEnd::Failed(error),
        }
        (around.progress)(ComparisonProgress {
            blocks: blocks as usize,
            decided: open.iter().filter(|open| open.decided).count(),
            cases: open.len(),
            spent: (elapsed.as_secs_f64() / plan.budget.as_secs_f64()).min(1.0),
        });
    };
    let elapsed = (around.now)().saturating_sub(start);
    Comparison { cases: open.into_iter().map(Open::close).collect(), elapsed, ended }
}

#[cfg(test)]
mod tests {
    use std::cell::Cell;

    use super::*;
    use crate::compare::decide::Claim;
    use crate::compare::runner::Role;
    use crate::compare::simulated::{Machine, RULE, case};

    fn plan(names: &[&str]) -> ComparisonPlan {
        ComparisonPlan {
            cases: names.iter().map(|name| (case(name, 1), RULE)).collect(),
            effort: Effort { turn_ns: 300_000.0, rounds: 5 },
            layouts: Layouts::Shared,
            budget: Duration::from_secs(60),
            seed: 7,
        }
    }

    fn run(machine: &Machine, plan: &ComparisonPlan) -> Comparison {
        let now = || machine.elapsed();
        compare(machine, plan, &mut Surroundings { now: &now, interrupted: &|| false, progress: &mut |_| {} })
    }

    #[test]
    fn only_the_case_that_got_slower_is_blamed() {
        let machine = Machine { change: 0.08, changed_case: Some("b"), ..Machine::shared() };
        let comparison = run(&machine, &plan(&["a", "b", "c"]));
        let claims: Vec<Claim> = comparison.cases.iter().map(|case| case.decision.claim).collect();
        assert_eq!(claims, [Claim::Pass, Claim::Fail, Claim::Pass]);
        assert_eq!(comparison.ended, ComparisonEnd::Decided);
    }

    #[test]
    fn decided_cases_leave_the_blocks() {
        // In between the levels a case is decided only when its interval is narrow.
        let machine = Machine { change: 0.06, changed_case: Some("b"), process_sd: 0.01, ..Machine::shared() };
        let comparison = run(&machine, &plan(&["a", "b"]));
        let blocks: Vec<usize> = comparison.cases.iter().map(|case| case.blocks.len()).collect();
        assert!(blocks[0] < blocks[1] && blocks.iter().all(|blocks| LOOKS.contains(blocks)), "{blocks:?}");
        assert!(comparison.cases.iter().all(|case| case.decision.blocks == case.blocks.len()));
    }

    #[test]
    fn the_budget_is_kept_and_what_is_not_shown_by_then_is_inconclusive() {
        let machine = Machine { process_sd: 0.2, ..Machine::quiet() };
        let plan = ComparisonPlan { budget: Duration::from_secs(1), ..plan(&["a"]) };
        let comparison = run(&machine, &plan);
        assert_eq!(comparison.ended, ComparisonEnd::OutOfBudget);
        assert!(comparison.elapsed <= Duration::from_millis(1050), "{:?}", comparison.elapsed);
        assert!(comparison.cases[0].blocks.len() > 12);
        assert_eq!(comparison.cases[0].decision.claim, Claim::Inconclusive);
    }

    #[test]
    fn a_failing_probe_ends_it_and_the_blocks_before_are_kept() {
        let error = MeasureError::TimedOut { probe: "base".into(), asked: "run a".into(), seconds: 5.0 };
        let machine = Machine { fails_after: Some((100, error.clone())), ..Machine::shared() };
        let comparison = run(&machine, &plan(&["a"]));
        assert_eq!(comparison.ended, ComparisonEnd::Failed(error));
        assert_eq!(comparison.cases[0].blocks.len(), 2);
    }

    #[test]
    fn an_interruption_keeps_what_was_measured() {
        let machine = Machine::shared();
        let blocks_done = Cell::new(0);
        let comparison = compare(
            &machine,
            &plan(&["a"]),
            &mut Surroundings {
                now: &|| machine.elapsed(),
                interrupted: &|| blocks_done.get() == 3,
                progress: &mut |progress| blocks_done.set(progress.blocks),
            },
        );
        assert_eq!(comparison.ended, ComparisonEnd::Failed(MeasureError::Interrupted));
        assert_eq!(comparison.cases[0].blocks.len(), 3);
    }

    #[test]
    fn layouts_are_shared_within_a_block_and_drawn_anew_for_the_next() {
        let machine = Machine::quiet();
        run(&machine, &plan(&["a"]));
        let launches = machine.launches.borrow();
        assert!(launches.iter().all(|launch| launch.pin));
        let blocks: Vec<_> = launches.chunks(3).collect();
        for block in &blocks {
            assert!(block.iter().all(|launch| launch.layout == block[0].layout));
        }
        assert!(blocks.windows(2).any(|pair| pair[0][0].layout != pair[1][0].layout));
        drop(launches);

        let machine = Machine::quiet();
        run(&machine, &ComparisonPlan { layouts: Layouts::Independent, ..plan(&["a"]) });
        let launches = machine.launches.borrow();
        let of = |role: Role| launches.iter().filter(move |launch| launch.role == role).map(|launch| launch.layout);
        assert!(of(Role::Base).zip(of(Role::Candidate)).filter(|(base, candidate)| base != candidate).count() > 10);
    }

    #[test]
    fn what_is_shared_cancels_and_what_is_independent_averages_out() {
        let machine = Machine { layout_worth: 0.02, change: 0.03, ..Machine::quiet() };
        let shared = run(&machine, &plan(&["a"])).cases.remove(0).decision.change.unwrap();
        assert!(shared.half_width() < 1e-6 && (shared.median - 0.03_f64.ln_1p()).abs() < 1e-6, "{shared:?}");
        let independent = ComparisonPlan { layouts: Layouts::Independent, ..plan(&["a"]) };
        let independent = run(&machine, &independent).cases.remove(0).decision.change.unwrap();
        assert!(independent.half_width() > 0.003, "{independent:?}");
        assert!(independent.lower < 0.03_f64.ln_1p() && 0.03_f64.ln_1p() < independent.upper, "{independent:?}");
    }

    #[test]
    fn cases_on_several_threads_are_not_pinned() {
        let machine = Machine::quiet();
        let plan = ComparisonPlan { cases: vec![(case("all", 2), RULE)], ..plan(&[]) };
        run(&machine, &plan);
        assert!(machine.launches.borrow().iter().all(|launch| !launch.pin));
    }
}
