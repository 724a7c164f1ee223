//! Every arm of a run with its values, and ratios between any two of them.
//!
//! A block is the unit of the statistics (see [`fairbench::compare`]): a ratio is the median over blocks of the log
//! ratio, with the interval of [`fairbench::measure::interval`]. Two arms of one group are compared block by block,
//! whichever they are: what a block does to all its processes alike cancels.

use fairbench::measure::interval::{ERROR_PER_SIDE, FEWEST_BLOCKS};
use fairbench::measure::stats::{PairedRatio, Quartiles, median};

use super::journal::Run;
use super::record::{ArmKind, Panel, Point, Purpose, SweepArm};

/// An arm with its measurements: one value for each block of its panel, in the order of time.
#[derive(Clone, Debug)]
pub struct MeasuredArm<'r> {
    /// Index of its panel in the run.
    pub panel: usize,
    /// Index of its group in the panel.
    pub group: usize,
    /// Name of the section of the plan.
    pub section: &'r str,
    /// Purpose of its group.
    pub purpose: Purpose,
    /// The arm that was measured.
    pub arm: &'r SweepArm,
    /// Whether its knobs are those that were the library's default when it was measured.
    pub is_at_default_knobs: bool,
    /// Time per token in nanoseconds, for each block.
    pub ns_per_token: Vec<f64>,
    /// ln(time / time of `plain`), for each block.
    pub log_to_plain: Vec<f64>,
}

impl MeasuredArm<'_> {
    /// The point that it was run on.
    #[must_use]
    pub const fn point(&self) -> &Point {
        &self.arm.point
    }

    /// Number of blocks that it was measured in.
    #[must_use]
    pub fn blocks(&self) -> usize {
        self.log_to_plain.len()
    }

    /// Time / time of `plain`; `None` with fewer than six blocks.
    #[must_use]
    pub fn to_plain(&self) -> Option<PairedRatio> {
        ratio(&self.log_to_plain)
    }

    /// Time / time of another arm; `None` if that is in another group, or with fewer than six blocks.
    #[must_use]
    pub fn to(&self, other: &MeasuredArm<'_>) -> Option<PairedRatio> {
        ratio(&self.log_to(other)?)
    }

    /// ln(time / time of another arm) for each block; `None` if that is in another group.
    #[must_use]
    pub fn log_to(&self, other: &MeasuredArm<'_>) -> Option<Vec<f64>> {
        ((self.panel, self.group) == (other.panel, other.group))
            .then(|| self.log_to_plain.iter().zip(&other.log_to_plain).map(|(own, other)| own - other).collect())
    }

    /// Time per token in nanoseconds, with centre and spread over blocks: for people to read. Only ratios are compared.
    #[must_use]
    pub fn time_ns(&self) -> Option<Quartiles> {
        Quartiles::of(&self.ns_per_token)
    }
}

/// The ratio over blocks with its 95 % interval; `None` with fewer than six blocks.
#[must_use]
pub fn ratio(log_ratios: &[f64]) -> Option<PairedRatio> {
    ratio_of_many(log_ratios, 1)
}

/// The ratio over blocks as by [`ratio`], with an interval so wide that of `comparisons` such intervals all hold their
/// truth with 95 % confidence (Bonferroni); `None` with too few blocks to promise that.
#[must_use]
pub fn ratio_of_many(log_ratios: &[f64], comparisons: usize) -> Option<PairedRatio> {
    PairedRatio::over_blocks(log_ratios, ERROR_PER_SIDE / comparisons as f64)
}

impl Run {
    /// Every arm that was measured at least once, panel by panel, group by group.
    #[must_use]
    pub fn measured(&self) -> Vec<MeasuredArm<'_>> {
        let mut all = Vec::new();
        for (panel_index, panel) in self.header.panels.iter().enumerate() {
            let blocks: Vec<_> = self.blocks.iter().filter(|block| block.panel == panel_index).collect();
            if blocks.is_empty() {
                continue;
            }
            for (group_index, group) in panel.groups.iter().enumerate() {
                for (arm_index, arm) in group.arms.iter().enumerate() {
                    let column = |values: &[Vec<f64>]| -> Option<f64> {
                        values.get(group_index).and_then(|group| group.get(arm_index)).copied()
                    };
                    all.push(MeasuredArm {
                        panel: panel_index,
                        group: group_index,
                        section: &panel.section,
                        purpose: group.purpose(),
                        arm,
                        is_at_default_knobs: arm.point.knobs == self.header.default_knobs(arm.point.knobs.threads),
                        ns_per_token: blocks.iter().filter_map(|block| column(&block.ns_per_token)).collect(),
                        log_to_plain: blocks.iter().filter_map(|block| column(&block.log_ratio)).collect(),
                    });
                }
            }
        }
        all
    }

    /// The floor in an arm's group; `None` if none was measured.
    #[must_use]
    pub fn floor_of<'r, 'a>(all: &'a [MeasuredArm<'r>], of: &MeasuredArm<'_>) -> Option<&'a MeasuredArm<'r>> {
        all.iter().find(|arm| arm.arm.kind == ArmKind::Floor && (arm.panel, arm.group) == (of.panel, of.group))
    }

    /// `classic` in an arm's group; `None` in runs from before there was one.
    #[must_use]
    pub fn classic_of<'r, 'a>(all: &'a [MeasuredArm<'r>], of: &MeasuredArm<'_>) -> Option<&'a MeasuredArm<'r>> {
        all.iter().find(|arm| arm.arm.kind == ArmKind::Classic && (arm.panel, arm.group) == (of.panel, of.group))
    }

    /// Time / time of `classic`; `None` if it was not measured beside the arm, or with fewer than six blocks.
    #[must_use]
    pub fn to_classic(all: &[MeasuredArm<'_>], arm: &MeasuredArm<'_>) -> Option<PairedRatio> {
        arm.to(Self::classic_of(all, arm)?)
    }

    /// Indices of the panels that have fewer than six blocks, too few for an interval.
    #[must_use]
    pub fn left_out(&self) -> Vec<usize> {
        let blocks = |panel: usize| self.blocks.iter().filter(|block| block.panel == panel).count();
        (0..self.header.panels.len()).filter(|&panel| blocks(panel) < FEWEST_BLOCKS).collect()
    }

    /// Names of the panels of [`left_out`](Self::left_out).
    #[must_use]
    pub fn names_of_left_out(&self) -> Vec<String> {
        let name = |panel: &Panel| {
            let point = &panel.groups.first()?.arms.first()?.point;
            let plural = if point.knobs.threads == 1 { "" } else { "s" };
            Some(format!("{} on {}, {} thread{plural}", panel.section, point.corpus, point.knobs.threads))
        };
        self.left_out().iter().filter_map(|&panel| self.header.panels.get(panel)).filter_map(name).collect()
    }

    /// Median over all blocks of how far the control was off, as a part of one, and the names of controls whose whole
    /// interval lies more than `margin` from 1.
    #[must_use]
    pub fn controls(&self, margin: f64) -> (f64, Vec<String>) {
        let all = self.measured();
        let controls = || all.iter().filter(|arm| arm.arm.kind == ArmKind::Control);
        let off: Vec<f64> = controls().map(|arm| median(&arm.log_to_plain).abs()).collect();
        let failed = controls()
            .filter(|arm| arm.to_plain().is_some_and(|ratio| ratio.excludes_one_by(margin)))
            .map(|arm| format!("{} ({})", arm.point(), arm.section))
            .collect();
        (median(&off), failed)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::run::simulated::{self, Truth};

    #[test]
    fn in_a_run_of_before_a_default_changed_default_knobs_are_those_of_then() {
        let (now, mut then) = (simulated::full(6), simulated::full(6));
        for arm in then.header.panels.iter_mut().flat_map(|panel| &mut panel.groups).flat_map(|one| &mut one.arms) {
            let threshold = &mut arm.point.knobs.soa_threshold;
            *threshold = match *threshold {
                usize::MAX => 32,
                32 => usize::MAX,
                other => other,
            };
        }
        let read = |run: &Run| -> Vec<(Purpose, bool)> {
            run.measured().iter().map(|arm| (arm.purpose, arm.is_at_default_knobs)).collect()
        };
        assert_eq!(read(&then), read(&now));
        assert!(read(&now).iter().any(|(purpose, is_at_default)| *purpose == Purpose::Knobs && !is_at_default));
    }

    #[test]
    fn ratios_to_plain_to_classic_to_the_floor_and_to_each_other_come_out_as_they_are() {
        let run = simulated::run(&Truth::default(), 12);
        let all = run.measured();
        let arm = |variant: &str| all.iter().find(|arm| arm.arm.variant == variant && arm.group == 0).unwrap();
        let (lanes, prod) = (arm("lanes"), arm("prod"));
        let near = |ratio: PairedRatio, expected: f64| {
            assert!((ratio.estimate / expected).ln().abs() < 0.01, "{ratio:?} {expected}");
            assert!(ratio.lower <= ratio.estimate && ratio.estimate <= ratio.upper);
        };
        near(lanes.to_plain().unwrap(), 0.5);
        near(prod.to(lanes).unwrap(), simulated::time_of(&Truth::default(), "prod") / 0.5);
        let floor = Run::floor_of(&all, prod).unwrap();
        assert!(prod.to(floor).unwrap().estimate > 1.0);
        near(Run::to_classic(&all, prod).unwrap(), simulated::time_of(&Truth::default(), "prod") / simulated::CLASSIC);
        let elsewhere = all.iter().find(|arm| arm.group == 1).unwrap();
        assert!(prod.to(elsewhere).is_none());
    }

    #[test]
    fn fewer_than_six_blocks_give_no_interval_and_count_as_left_out() {
        let run = simulated::run(&Truth::default(), 5);
        assert!(run.measured().iter().all(|arm| arm.to_plain().is_none()));
        assert_eq!(run.left_out(), (0..run.header.panels.len()).collect::<Vec<_>>());
        assert!(simulated::run(&Truth::default(), 6).left_out().is_empty());
    }

    #[test]
    fn a_control_that_is_off_is_named() {
        assert!(simulated::run(&Truth::default(), 12).controls(0.02).1.is_empty());
        let (_, failed) = simulated::run(&Truth { control_off: 0.1, ..Truth::default() }, 12).controls(0.02);
        assert!(failed.iter().any(|name| name.starts_with("light, batch 1")), "{failed:?}");
    }
}
