//! The safe compositions at one point, and which of them can be told from the fastest.
//!
//! Whichever of sixteen looks fastest may look so by chance, and would then not be so fast the next time. So the
//! fastest is not the answer yet. Each of the others is compared with it, paired by block, with intervals so wide that
//! all fifteen hold together (Bonferroni), and stays in the race unless it is shown to be slower by more than
//! [`LEAST_DIFFERENCE`]. Whichever is truly the fastest, it is thrown out only if one of its own fifteen comparisons
//! errs: with 97.5 % confidence it is among those that stay. (Selecting a subset that holds the best: Hsu, *Multiple
//! Comparisons: Theory and Methods*, 1996, chapter 4.)
//!
//! A composition that is not shown to be slower is not thereby shown to be as fast: few blocks tell nothing apart. So
//! of those that stay, the simplest is taken that is shown to be at most [`EQUIVALENT`] slower than the fastest, with
//! the same wide intervals; if there is none, the fastest is taken.

use fairbench::measure::stats::{PairedRatio, Quartiles, median};
use ron_auth_catalogue::{DecodeChoice, Seams, Variant};

use super::{Candidate, NoAdvice};
use crate::run::compositions::LEAST_DIFFERENCE;
use crate::run::measured::ratio_of_many;
use crate::run::{Compositions, MeasuredArm, Point};

/// How much slower a simpler composition may be, as a part of one.
const EQUIVALENT: f64 = 0.02;

/// How far `plain` may seem to be from itself, as a part of one.
const CONTROL_MARGIN: f64 = 0.02;

/// Whether a service may depend on a variant: it must not use serde_cbor, which is archived upstream
/// (RUSTSEC-2021-0127).
pub(super) fn is_safe(variant: &Variant) -> bool {
    variant.seams.decode != DecodeChoice::SerdeCbor
}

/// The safe compositions at one point, fastest first.
pub(super) struct Ranking<'a, 'r> {
    pub(super) point: &'r Point,
    pub(super) all: Vec<Ranked<'a, 'r>>,
}

/// A safe composition in the ranking.
pub(super) struct Ranked<'a, 'r> {
    pub(super) candidate: Candidate,
    pub(super) arm: &'a MeasuredArm<'r>,
    /// Time per token in nanoseconds, over blocks.
    pub(super) time_ns: Quartiles,
    /// Whether it is shown to be slower than the fastest.
    pub(super) is_slower: bool,
    /// Whether it is shown to be as fast as the fastest.
    is_equivalent: bool,
}

impl<'a, 'r> Ranking<'a, 'r> {
    /// Ranks the safe compositions; `None` unless all of them were measured.
    ///
    /// # Errors
    /// There are too few blocks, or the control is off.
    pub(super) fn of(group: &'a Compositions<'r>) -> Option<Result<Self, NoAdvice>> {
        let arms = group.all(is_safe)?;
        let (_, fastest) = arms.iter().min_by(|(_, a), (_, b)| centre(a).total_cmp(&centre(b)))?;
        if let Some(control) = group.control.filter(|control| control.excludes_one_by(CONTROL_MARGIN)) {
            return Some(Err(NoAdvice::ControlOff { point: group.point.clone(), control }));
        }
        let others = arms.len() - 1;
        let ranked = arms.iter().map(|(variant, arm)| Ranked::of(*variant, arm, fastest, others));
        let Some(mut all) = ranked.collect::<Option<Vec<_>>>() else {
            return Some(Err(NoAdvice::TooFewBlocks {
                point: group.point.clone(),
                blocks: fastest.blocks(),
                compositions: arms.len(),
            }));
        };
        all.sort_by(|a, b| centre(a.arm).total_cmp(&centre(b.arm)));
        Some(Ok(Self { point: group.point, all }))
    }

    /// Number of blocks that the ranking rests on.
    pub(super) fn blocks(&self) -> usize {
        self.all.first().map_or(0, |ranked| ranked.arm.blocks())
    }

    /// The composition to run: of those shown to be as fast as the fastest, the one with the fewest backends.
    pub(super) fn chosen(&self) -> Option<&Ranked<'a, 'r>> {
        let backends = |ranked: &&Ranked<'_, '_>| ranked.candidate.variant.seams.beyond_plain().len();
        let fastest = self.all.first()?.candidate.variant.seams;
        // On one thread nothing is spread: what differs in that seam alone does the same work.
        let is_same_work =
            |seams: Seams| self.point.knobs.threads == 1 && seams == Seams { execute: seams.execute, ..fastest };
        let may_stand_for_it = |ranked: &&Ranked<'_, '_>| {
            !ranked.is_slower && (ranked.is_equivalent || is_same_work(ranked.candidate.variant.seams))
        };
        self.all.iter().filter(may_stand_for_it).min_by_key(backends)
    }

    /// Those that do other work than the chosen one, each work once, fastest first. On one thread nothing is spread, so
    /// `parallel` does the same work as `sequential`, which stands for both.
    pub(super) fn others<'s>(&'s self, chosen: &'s Ranked<'a, 'r>) -> impl Iterator<Item = &'s Ranked<'a, 'r>> {
        let may_spread = self.point.knobs.threads > 1;
        let own = chosen.candidate.variant.seams;
        self.all.iter().filter(move |ranked| {
            let seams = ranked.candidate.variant.seams;
            let is_same_work = seams == Seams { execute: seams.execute, ..own };
            if may_spread { seams != own } else { !ranked.candidate.variant.is_parallel() && !is_same_work }
        })
    }

    /// The composition with these seams.
    pub(super) fn find(&self, seams: Seams) -> Option<&Ranked<'a, 'r>> {
        self.all.iter().find(|ranked| ranked.candidate.variant.seams == seams)
    }
}

impl<'a, 'r> Ranked<'a, 'r> {
    /// Compares a composition with the fastest; `None` if there are too few blocks for intervals among so many others.
    fn of(variant: Variant, arm: &'a MeasuredArm<'r>, fastest: &MeasuredArm<'_>, others: usize) -> Option<Self> {
        let log_ratios = arm.log_to(fastest)?;
        let time_ns = arm.time_ns()?;
        let candidate = Candidate {
            variant,
            knobs: arm.point().knobs,
            to_fastest: arm.to(fastest)?,
            to_plain: arm.to_plain()?,
            ns_per_token: time_ns.median,
        };
        let widened = ratio_of_many(&log_ratios, others)?;
        let is_slower = widened.lower > 1.0 + LEAST_DIFFERENCE;
        let is_equivalent = widened.upper <= 1.0 + EQUIVALENT;
        Some(Self { candidate, arm, time_ns, is_slower, is_equivalent })
    }

    /// The name that people use for it.
    pub(super) fn name(&self) -> String {
        self.candidate.variant.seams.name()
    }

    /// Time / time of another of the same point, with its 95 % interval.
    pub(super) fn to(&self, other: &Ranked<'_, '_>) -> Option<PairedRatio> {
        self.arm.to(other.arm)
    }
}

fn centre(arm: &MeasuredArm<'_>) -> f64 {
    median(&arm.log_to_plain)
}

#[cfg(test)]
mod tests {
    use std::path::PathBuf;

    use super::*;
    use crate::recommend::tests::run_at;
    use crate::run::Run;
    use crate::run::simulated::{Truth, point, run};

    fn check(run: &Run, look: impl Fn(&Ranking<'_, '_>)) {
        let groups = run.compositions();
        look(&Ranking::of(&groups[1]).unwrap().unwrap());
    }

    #[test]
    fn a_simpler_one_is_not_taken_for_as_fast_because_few_blocks_tell_nothing_apart() {
        let truth = Truth { tls_scratch: 0.97, noise: 0.015, ..Truth::default() };
        check(&run(&truth, 12), |ranking| {
            let simpler =
                ranking.all.iter().find(|ranked| ranked.name() == "simd-b64+minicbor-zerocopy+lanes").unwrap();
            assert!(!simpler.is_slower && !simpler.is_equivalent);
            assert_eq!(ranking.chosen().unwrap().name(), "simd-b64+minicbor-zerocopy+lanes+tls-scratch");
        });
    }

    #[test]
    fn three_percent_are_told_apart_with_24_blocks_and_the_winner_is_the_right_one() {
        let truth = Truth { tls_scratch: 0.97, ..Truth::default() };
        check(&run(&truth, 24), |ranking| {
            assert_eq!(ranking.all.len(), 16);
            assert_eq!(ranking.chosen().unwrap().name(), "simd-b64+minicbor-zerocopy+lanes+tls-scratch");
            assert_eq!(ranking.all.iter().filter(|ranked| !ranked.is_slower).count(), 1);
        });
    }

    #[test]
    fn what_makes_no_difference_is_left_out_of_the_choice() {
        let truth = Truth { tls_scratch: 1.0, lanes_with_parallel: 1.0, ..Truth::default() };
        check(&run(&truth, 24), |ranking| {
            assert_eq!(ranking.all.iter().filter(|ranked| !ranked.is_slower).count(), 4);
            assert_eq!(ranking.chosen().unwrap().name(), "simd-b64+minicbor-zerocopy+lanes");
        });
    }

    #[test]
    fn on_one_thread_what_differs_only_in_execute_is_not_another_and_on_two_it_is() {
        let others = |threads: usize| {
            let run = run_at(&[point("light", 64, threads)], &Truth::default(), 12);
            let groups = run.compositions();
            let ranking = Ranking::of(&groups[0]).unwrap().unwrap();
            let others = ranking.others(ranking.chosen().unwrap());
            others.map(|ranked| ranked.candidate.variant.is_parallel()).collect::<Vec<_>>()
        };
        assert_eq!(others(1), [false; 7]);
        assert_eq!(others(2).len(), 15);
    }

    #[test]
    fn half_a_percent_is_not_told_however_quiet_the_machine() {
        let truth = Truth { tls_scratch: 0.995, noise: 0.0002, ..Truth::default() };
        check(&run(&truth, 24), |ranking| {
            assert_eq!(ranking.all[0].name(), "simd-b64+minicbor-zerocopy+lanes+tls-scratch");
            assert_eq!(ranking.chosen().unwrap().name(), "simd-b64+minicbor-zerocopy+lanes");
        });
    }

    #[test]
    fn the_truly_fastest_is_thrown_out_no_more_often_than_promised() {
        // Nothing but the decoder makes a difference, so that each of the sixteen is the fastest.
        let truth = Truth {
            simd_b64: 1.0,
            lanes: 1.0,
            tls_scratch: 1.0,
            lanes_with_parallel: 1.0,
            noise: 0.1,
            ..Truth::default()
        };
        let (trials, blocks) = (100, 12);
        let long = run_at(&[point("light", 64, 1)], &truth, trials * blocks);
        let (mut thrown_out, mut judged) = (0, 0);
        for part in long.blocks.chunks(blocks) {
            let part = Run { blocks: part.to_vec(), ..Run::new(long.header.clone(), PathBuf::new()) };
            let groups = part.compositions();
            // So much noise puts a control off now and then.
            let Some(Ok(ranking)) = Ranking::of(&groups[0]) else { continue };
            judged += ranking.all.len();
            thrown_out += ranking.all.iter().filter(|ranked| ranked.is_slower).count();
        }
        let rate = thrown_out as f64 / judged as f64;

        assert!(rate <= 0.025 && judged > 80 * 16, "{rate} of {judged}");
    }

    #[test]
    fn too_few_blocks_and_a_control_that_is_off_give_no_ranking() {
        let failure = |truth: &Truth, blocks: usize| {
            let run = run(truth, blocks);
            let groups = run.compositions();
            Ranking::of(&groups[0]).unwrap().err().map(|error| error.to_string())
        };
        assert_eq!(failure(&Truth::default(), 10), None);
        let said = failure(&Truth::default(), 9).unwrap();
        assert!(said.starts_with("light, batch 1, 1 thread: 9 blocks are too few to tell 16"), "{said}");
        let said = failure(&Truth { control_off: 0.1, ..Truth::default() }, 12).unwrap();
        assert!(said.contains("plain took 1.10"), "{said}");
    }
}
