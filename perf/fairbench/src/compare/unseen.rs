//! What the clock of a case does not see, decided as everything else is.
//!
//! A case on one thread is timed in CPU time of that thread. What a candidate sleeps, waits for locks and disks, or has
//! other threads do, costs nothing there. So two more questions are asked of the same blocks:
//!
//! | question | ratio |
//! |---|---|
//! | does it wait? | that of the clock, with what each side waited: wall time as it would be without neighbours |
//! | do other threads work for it? | that of the clock, with the CPU time of each side's other threads |
//!
//! Where nobody waits and no other thread works, both ratios *are* that of the clock, to the last digit, so that the
//! questions raise no alarm of their own. Each is held against the same levels, with the control as its guard.
//!
//! Whether a thread waits or is preempted shows in how often it gives up its core: a neighbour takes it unasked. Where
//! a probe does not report that, wall time against CPU time has to do. Preemption meets both sides alike, but it is
//! gross; so a slow-down that is shown in spite of it counts, and nothing else does.

use serde::{Deserialize, Serialize};

use super::block::{CaseBlock, Sides};
use super::decide::{CaseDecision, Claim, Rule};
use super::spent::Times;
use crate::measure::interval::MedianInterval;
use crate::measure::stats::median;

/// Part of a slow-down from which on it is attributed to what the clock does not see.
const MOST_OF_IT: f64 = 0.5;

/// A kind of time that the clock of a case does not see.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum UnseenKind {
    /// Time that the thread spent waiting.
    Waiting,
    /// CPU time of other threads.
    OtherThreads,
}

/// What the blocks say about one kind of unseen time.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct UnseenFinding {
    /// The kind of unseen time.
    pub kind: UnseenKind,
    /// The claim about the ratio of times that include it.
    pub decision: CaseDecision,
    /// By how much more of it the candidate has, as a part of the base's time; the median over blocks.
    pub more: f64,
    /// Its part of the candidate's time, as an interval over blocks: for waiting, of the time with it; for other
    /// threads, of the CPU time of the thread itself. `None` if there were too few blocks.
    pub share: Option<MedianInterval>,
    /// Its part of the base's time, median over blocks.
    pub base_share: f64,
    /// How often each side gave up its core per 1000 items, base and candidate, mean over blocks; `None` if the probes
    /// don't tell.
    pub switches_per_1000: Option<[f64; 2]>,
}

impl UnseenFinding {
    /// Finds everything unseen in these blocks. Empty if a probe does not say where its time goes.
    #[must_use]
    pub fn all(rule: &Rule, blocks: &[CaseBlock]) -> Vec<Self> {
        let sides: Option<Vec<Sides>> = blocks.iter().map(|block| block.spent).collect();
        let Some(sides) = sides.filter(|sides| !sides.is_empty()) else { return Vec::new() };
        let told = |of: &dyn Fn(&Times) -> Option<f64>| {
            sides.iter().all(|sides| [sides.base, sides.candidate, sides.control].iter().all(|side| of(side).is_some()))
        };
        let switches = told(&|times| times.voluntary_switches).then(|| {
            let mean = |of: fn(&Sides) -> Times| {
                let per_item = sides.iter().filter_map(|sides| of(sides).voluntary_switches).sum::<f64>();
                1000.0 * per_item / sides.len() as f64
            };
            [mean(|sides| sides.base), mean(|sides| sides.candidate)]
        });
        let mut findings = vec![Self::of(UnseenKind::Waiting, rule, blocks, &sides, switches)];
        if told(&Times::others_cpu_ns) {
            findings.push(Self::of(UnseenKind::OtherThreads, rule, blocks, &sides, switches));
        }
        findings
    }

    fn of(kind: UnseenKind, rule: &Rule, blocks: &[CaseBlock], sides: &[Sides], switches: Option<[f64; 2]>) -> Self {
        let with_it = |times: &Times| {
            let unseen_ns = match kind {
                UnseenKind::Waiting => times.unseen_wait_ns(),
                UnseenKind::OtherThreads => kind.of(times),
            };
            (unseen_ns / times.elapsed_ns).ln_1p()
        };
        let (mut ratios, mut controls, mut more, mut shares, mut base_shares) =
            (Vec::new(), Vec::new(), Vec::new(), Vec::new(), Vec::new());
        for (block, Sides { base, candidate, control }) in blocks.iter().zip(sides) {
            ratios.push(block.log_ratio + with_it(candidate) - with_it(base));
            controls.push(block.log_control + with_it(control) - with_it(base));
            more.push((kind.of(candidate) - kind.of(base)) / base.elapsed_ns);
            shares.push(kind.share(candidate));
            base_shares.push(kind.share(base));
        }
        Self {
            kind,
            decision: rule.last_look(&ratios, &controls),
            more: median(&more),
            share: rule.interval(&shares),
            base_share: median(&base_shares),
            switches_per_1000: switches,
        }
    }

    /// Whether the probes can tell it apart from preemption. The CPU time of other threads always can be.
    #[must_use]
    pub const fn is_told(&self) -> bool {
        matches!(self.kind, UnseenKind::OtherThreads) || self.switches_per_1000.is_some()
    }

    /// What may be claimed: what the probes cannot tell and the blocks do not show counts as a pass.
    #[must_use]
    pub fn claim(&self) -> Claim {
        match self.decision.claim {
            alarm @ (Claim::Warn | Claim::Fail) => alarm,
            other if self.is_told() => other,
            _ => Claim::Pass,
        }
    }

    /// Whether no more blocks are needed to decide it.
    #[must_use]
    pub fn is_decided(&self, rule: &Rule) -> bool {
        let shown_to_be_more = self.decision.change.is_some_and(|change| change.lower > 0.0);
        if !self.is_told() && !shown_to_be_more {
            return true;
        }
        rule.is_decided(&self.decision)
    }

    /// Whether most of what makes the candidate slower is this.
    #[must_use]
    pub fn explains_the_slow_down(&self) -> bool {
        let slower = self.decision.change.map_or(0.0, |change| change.median.exp_m1());
        slower > 0.0 && self.more >= MOST_OF_IT * slower
    }
}

impl UnseenKind {
    /// How much of it there is, in nanoseconds per item.
    fn of(self, times: &Times) -> f64 {
        match self {
            Self::Waiting => times.waited_ns,
            Self::OtherThreads => times.others_cpu_ns().unwrap_or(0.0),
        }
    }

    fn share(self, times: &Times) -> f64 {
        let own = times.thread_cpu_ns.max(1e-9);
        match self {
            Self::Waiting => times.waited_ns / (own + times.waited_ns),
            Self::OtherThreads => self.of(times) / own,
        }
    }
}

/// The worst of what the clock says and what it does not see, in the order of what is shown: a slow-down, then that
/// nothing can be said, then that nothing is wrong.
#[must_use]
pub fn worst(time: Claim, findings: &[UnseenFinding]) -> Claim {
    let rank = |claim: &Claim| match claim {
        Claim::Faster => 0,
        Claim::Pass => 1,
        Claim::Inconclusive => 2,
        Claim::ControlFailed => 3,
        Claim::Warn => 4,
        Claim::Fail => 5,
    };
    findings.iter().map(UnseenFinding::claim).chain([time]).max_by_key(rank).unwrap_or(time)
}

#[cfg(test)]
mod tests {
    use std::cell::RefCell;
    use std::rc::Rc;
    use std::time::Duration;

    use rand::SeedableRng;
    use rand_chacha::ChaCha8Rng;

    use super::*;
    use crate::compare::engine::{ComparisonPlan, Layouts, MeasuredCase, Surroundings, compare};
    use crate::compare::group::Effort;
    use crate::compare::simulated::{Machine, RULE, Sleep, Tells, case};

    /// An item takes 625 ns, so a turn of 200 µs has 320 of them.
    const EFFORT: Effort = Effort { turn_ns: 200_000.0, rounds: 25 };

    fn measured(machine: &Machine, seed: u64) -> MeasuredCase {
        let machine = Machine {
            rng: Rc::new(RefCell::new(ChaCha8Rng::seed_from_u64(seed))),
            clock_ns: Rc::default(),
            turns: Rc::default(),
            launches: Rc::default(),
            ..machine.clone()
        };
        let plan = ComparisonPlan {
            cases: vec![(case("a", 1), RULE)],
            effort: EFFORT,
            layouts: Layouts::Shared,
            budget: Duration::from_secs(60),
            seed,
        };
        let now = || machine.elapsed();
        let mut around = Surroundings { now: &now, interrupted: &|| false, progress: &mut |_| {} };
        compare(&machine, &plan, &mut around).cases.remove(0)
    }

    /// The part of the trials in which there is a finding of this kind with one of these claims.
    fn share(machine: &Machine, kind: UnseenKind, claims: &[Claim]) -> f64 {
        const TRIALS: u64 = 40;
        let found = |seed: &u64| {
            let unseen = measured(machine, *seed).unseen;
            unseen.iter().any(|finding| finding.kind == kind && claims.contains(&finding.claim()))
        };
        (0..TRIALS).filter(found).count() as f64 / TRIALS as f64
    }

    const SLOWER: [Claim; 2] = [Claim::Warn, Claim::Fail];

    /// A sleep that makes the candidate slower by this part of one on the wall clock.
    fn sleeping(part: f64) -> Option<Sleep> {
        Some(Sleep { every_items: 1000, ns: (part * 625_000.0) as u64 })
    }

    #[test]
    fn a_sleep_in_one_call_of_a_thousand_is_found_although_the_clock_does_not_see_it() {
        for (part, expected) in [(0.08, 0.95), (0.10, 1.0), (0.15, 1.0), (1.6, 1.0)] {
            for machine in [Machine::quiet(), Machine::shared(), Machine { taken_away: 0.2, ..Machine::shared() }] {
                let machine = Machine { sleeps: sleeping(part), ..machine };
                let caught = share(&machine, UnseenKind::Waiting, &[Claim::Fail]);
                assert!(caught >= expected, "{part} {}: {caught}", machine.taken_away);
                let one = measured(&machine, 1);
                assert_eq!(one.decision.claim, Claim::Pass, "by the clock");
                let waiting = one.unseen[0];
                assert!(waiting.explains_the_slow_down(), "{waiting:?}");
                let [base, candidate] = waiting.switches_per_1000.unwrap();
                assert!(base == 0.0 && (candidate - 1.0).abs() < 0.1, "{waiting:?}");
                let share = waiting.share.unwrap();
                assert!((share.median - part / (1.0 + part)).abs() < 0.02, "{share:?}");
            }
        }
    }

    #[test]
    fn work_of_another_thread_is_found() {
        for helper in [0.08, 0.15] {
            let machine = Machine { helper, taken_away: 0.1, ..Machine::shared() };
            let caught = share(&machine, UnseenKind::OtherThreads, &[Claim::Fail]);
            assert!(caught >= 0.95, "{helper}: {caught}");
            assert_eq!(measured(&machine, 1).decision.claim, Claim::Pass);
            assert_eq!(share(&machine, UnseenKind::Waiting, &SLOWER), 0.0);
        }
    }

    #[test]
    fn a_neighbour_that_takes_the_core_away_is_no_waiting() {
        for taken_away in [0.05, 0.3, 0.7] {
            let machine = Machine { taken_away, ..Machine::shared() };
            assert_eq!(share(&machine, UnseenKind::Waiting, &[Claim::Pass]), 1.0, "{taken_away}");
            // Nor where nobody tells who gave up its core.
            let machine = Machine { tells: Tells::Times, ..machine };
            assert_eq!(share(&machine, UnseenKind::Waiting, &SLOWER), 0.0, "{taken_away}");
        }
    }

    #[test]
    fn without_switches_a_wait_is_found_where_it_is_shown() {
        let machine = Machine { tells: Tells::Times, sleeps: sleeping(0.12), ..Machine::shared() };
        let caught = share(&machine, UnseenKind::Waiting, &[Claim::Fail]);
        assert!(caught >= 0.99, "{caught}");
    }

    #[test]
    fn who_waits_as_its_base_does_is_no_slower() {
        let (sleeps, base_sleeps) = (sleeping(0.5), sleeping(0.5));
        let machine = Machine { sleeps, base_sleeps, ..Machine::shared() };
        assert_eq!(share(&machine, UnseenKind::Waiting, &SLOWER), 0.0);
    }

    #[test]
    fn a_probe_that_does_not_say_where_its_time_goes_is_measured_all_the_same() {
        let machine = Machine { tells: Tells::Nothing, sleeps: sleeping(0.5), ..Machine::shared() };
        let measured = measured(&machine, 1);
        assert_eq!((measured.decision.claim, measured.unseen), (Claim::Pass, Vec::new()));
    }

    #[test]
    fn where_nothing_is_unseen_the_ratio_is_that_of_the_clock_to_the_last_digit() {
        let measured = measured(&Machine { taken_away: 0.3, change: 0.02, ..Machine::shared() }, 5);
        for finding in &measured.unseen {
            assert_eq!(finding.decision, measured.decision, "{:?}", finding.kind);
        }
    }
}
