//! The compositions that were measured against each other, from which effects and advice are drawn.

use fairbench::measure::stats::PairedRatio;
use ron_auth_catalogue::{Variant, compositions, find};

use super::journal::Run;
use super::measured::MeasuredArm;
use super::record::{ArmKind, Point};

/// Smallest difference that is reported, as a part of one. Where the linker happens to put the code is worth as much,
/// and is the same in every block of a run, so a small interval does not help.
pub const LEAST_DIFFERENCE: f64 = 0.01;

/// Compositions that were arms of one group, at one point.
#[derive(Clone, Debug)]
pub struct Compositions<'r> {
    /// The point at which they were measured.
    pub point: &'r Point,
    /// Whether the knobs there are those that were the library's default.
    pub is_at_default_knobs: bool,
    /// `plain` / `plain` in the same group, with its 95 % interval; `None` with fewer than six blocks.
    pub control: Option<PairedRatio>,
    arms: Vec<(Variant, MeasuredArm<'r>)>,
}

impl<'r> Compositions<'r> {
    /// All compositions that are `wanted`, in the order of [`compositions`]; `None` unless every one was measured.
    #[must_use]
    pub fn all(&self, wanted: impl Fn(&Variant) -> bool) -> Option<Vec<(Variant, &MeasuredArm<'r>)>> {
        let arm_of = |variant: &Variant| self.arms.iter().find(|(own, _)| own.seams == variant.seams);
        let wanted = compositions().iter().filter(|variant| wanted(variant));
        wanted.map(|variant| arm_of(variant).map(|(variant, arm)| (*variant, arm))).collect()
    }
}

impl Run {
    /// Finds the compositions of every group, once for each point at which some were measured.
    #[must_use]
    pub fn compositions(&self) -> Vec<Compositions<'_>> {
        let all = self.measured();
        let mut found: Vec<Compositions<'_>> = Vec::new();
        for measured in &all {
            let found_variant = find(&measured.arm.variant).ok().filter(|_| measured.arm.is_composition());
            let Some(variant) = found_variant else { continue };
            let arm = (variant, measured.clone());
            let beside = |other: &MeasuredArm<'_>| (other.panel, other.group) == (measured.panel, measured.group);
            let group = found.iter_mut().find(|group| {
                group.point == measured.point() && group.arms.first().is_some_and(|(_, first)| beside(first))
            });
            match group {
                Some(group) => group.arms.push(arm),
                None => {
                    let control = all.iter().find(|other| other.arm.kind == ArmKind::Control && beside(other));
                    let control = control.and_then(MeasuredArm::to_plain);
                    let is_at_default_knobs = measured.is_at_default_knobs;
                    let point = &measured.arm.point;
                    found.push(Compositions { point, is_at_default_knobs, control, arms: vec![arm] });
                }
            }
        }
        found
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::run::simulated::{self, Truth, group, point, run_of};
    use crate::run::{Panel, SweepArm};

    #[test]
    fn compositions_are_found_at_every_point_and_named_variants_are_not_among_them() {
        let run = simulated::run(&Truth::default(), 6);
        let found = run.compositions();
        assert_eq!(found.iter().map(|group| group.point.batch).collect::<Vec<_>>(), [1, 64]);
        for group in &found {
            let all = group.all(|_| true).unwrap();
            assert!(all.iter().map(|(variant, _)| variant.name).eq(compositions().iter().map(|variant| variant.name)));
            assert!(group.control.is_some());
        }
    }

    #[test]
    fn one_that_is_missing_makes_all_of_them_missing_and_other_knobs_are_another_point() {
        let at = point("light", 64, 1);
        let mut group = group(&compositions()[1..], &at);
        let mut elsewhere = SweepArm { kind: ArmKind::Variant, variant: "+".to_owned(), point: at };
        elsewhere.point.knobs.soa_threshold = 4;
        group.arms.push(elsewhere);
        let panels = vec![Panel { section: "compositions".to_owned(), groups: vec![group] }];
        let run = run_of(panels, &Truth::default(), &|_| 1.0, 6);
        let [at_defaults, at_other_knobs] = &run.compositions()[..] else { panic!() };
        assert!(at_defaults.all(|_| true).is_none() && at_other_knobs.all(|_| true).is_none());
        assert_eq!(at_defaults.all(|variant| variant.name != "+").unwrap().len(), 31);
    }
}
