//! Knobs that are faster than the defaults.

use fairbench::measure::stats::{PairedRatio, Quartiles};
use ron_auth_catalogue::{Variant, find};

use crate::catalogue::Knobs;
use crate::run::compositions::LEAST_DIFFERENCE;
use crate::run::measured::ratio_of_many;
use crate::run::{ArmKind, MeasuredArm, Point};

/// Knobs that are faster than the defaults.
#[derive(Clone, Copy, Debug)]
pub struct Tuned {
    /// The knobs.
    pub knobs: Knobs,
    /// Time / time with the default knobs. The interval is the one that was decided by: so wide that those of all knobs
    /// that were tried hold together with 95 % confidence.
    pub to_default: PairedRatio,
    /// Number of settings that were tried beside the default ones.
    pub tried: usize,
    /// Time per token in nanoseconds, over blocks.
    pub time_ns: Quartiles,
}

/// The fastest of the knobs that this composition was measured with beside the default ones, on the same tokens,
/// batches and threads, if it is shown to be faster by more than [`LEAST_DIFFERENCE`]. The intervals are widened for
/// the number of knobs that were tried. A named variant of the same seams counts as the composition: the sections of
/// knobs measure those.
pub(super) fn tuned(all: &[MeasuredArm<'_>], variant: &Variant, at: &Point) -> Option<Tuned> {
    let is_own = |arm: &MeasuredArm<'_>| {
        let Point { corpus, batch, knobs } = arm.point();
        arm.arm.kind == ArmKind::Variant
            && (corpus, *batch, knobs.threads) == (&at.corpus, at.batch, at.knobs.threads)
            && find(&arm.arm.variant).is_ok_and(|own| own.seams == variant.seams)
    };
    let own: Vec<&MeasuredArm<'_>> = all.iter().filter(|arm| is_own(arm)).collect();
    let defaults = own.iter().filter(|arm| arm.is_at_default_knobs);
    let mut found: Vec<Tuned> = Vec::new();
    for default in defaults {
        let others = own.iter().filter(|arm| arm.point().knobs != default.point().knobs);
        let tried: Vec<_> = others.filter_map(|arm| Some((arm, arm.log_to(default)?))).collect();
        found.extend(tried.iter().filter_map(|(arm, log_ratios)| {
            let (knobs, tried) = (arm.point().knobs, tried.len());
            let to_default = ratio_of_many(log_ratios, tried)?;
            let is_faster = to_default.upper < 1.0 / (1.0 + LEAST_DIFFERENCE);
            is_faster.then_some(Tuned { knobs, to_default, tried, time_ns: arm.time_ns()? })
        }));
    }
    found.into_iter().min_by(|a, b| a.to_default.estimate.total_cmp(&b.to_default.estimate))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::run::simulated::{Truth, group, point, run_of};
    use crate::run::{ComparisonGroup, Panel, SweepArm};

    /// What is found for `prod` at its default knobs and others, some of which take this part of the time.
    fn knobs_of_prod(faster: f64) -> Option<Tuned> {
        let at = point("light", 64, 1);
        let prod = find("prod").unwrap();
        let ComparisonGroup { mut arms } = group(&[prod], &at);
        for soa_threshold in [4, 8, 16] {
            let knobs = Knobs { soa_threshold, ..at.knobs };
            let point = Point { knobs, ..at.clone() };
            arms.push(SweepArm { kind: ArmKind::Variant, variant: "prod".to_owned(), point });
        }
        let panels = vec![Panel { section: "knobs".to_owned(), groups: vec![ComparisonGroup { arms }] }];
        let time = |arm: &SweepArm| match arm.point.knobs.soa_threshold {
            4 => 0.2,
            8 => 0.2 * faster,
            16 => 0.2 * 1.1,
            _ => 0.2,
        };
        let run = run_of(panels, &Truth::default(), &time, 12);
        tuned(&run.measured(), &prod, &at)
    }

    #[test]
    fn knobs_that_are_faster_beyond_doubt_are_taken() {
        let Tuned { knobs, to_default, tried, .. } = knobs_of_prod(0.9).unwrap();
        assert_eq!((knobs, tried), (Knobs { soa_threshold: 8, ..Knobs::defaults(1) }, 3));
        assert!((to_default.estimate - 0.9).abs() < 0.01, "{to_default}");
    }

    #[test]
    fn knobs_that_make_little_difference_stay_at_their_defaults() {
        assert!(knobs_of_prod(0.993).is_none());
        assert!(knobs_of_prod(1.2).is_none());
    }
}
