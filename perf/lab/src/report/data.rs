//! A run in the form that the report works on.

use std::collections::BTreeSet;

use fairbench::measure::stats::PairedRatio;
use ron_auth_catalogue::{Seams, find};

use crate::catalogue::REFERENCE;
use crate::run::record::Allocations;
use crate::run::{ArmKind, MeasuredArm, Point, Purpose, Run};

/// A run with the values of every arm.
pub(super) struct Data<'r> {
    pub(super) run: &'r Run,
    pub(super) all: Vec<MeasuredArm<'r>>,
}

impl<'r> Data<'r> {
    pub(super) fn of(run: &'r Run) -> Self {
        Self { run, all: run.measured() }
    }

    /// The corpora that were measured, in the order of the run.
    pub(super) fn corpora(&self) -> Vec<&'r str> {
        let mut corpora = Vec::new();
        for arm in &self.all {
            let corpus = arm.arm.point.corpus.as_str();
            if !corpora.contains(&corpus) {
                corpora.push(corpus);
            }
        }
        corpora
    }

    /// The named variants at default knobs, each point once, in the order of the run, with `plain` first. Controls,
    /// floors and compositions are left out.
    pub(super) fn named(&self) -> Vec<&MeasuredArm<'r>> {
        let mut named: Vec<&MeasuredArm<'r>> = Vec::new();
        for arm in &self.all {
            let is_known = || named.iter().any(|known| known.arm == arm.arm);
            if arm.purpose != Purpose::Knobs && is_named(arm) && arm.is_at_default_knobs && !is_known() {
                named.push(arm);
            }
        }
        named
    }

    /// The named variants on one corpus.
    pub(super) fn named_on(&self, corpus: &str) -> Vec<&MeasuredArm<'r>> {
        let mut named = self.named();
        named.retain(|arm| arm.point().corpus == corpus);
        named
    }

    /// The floors of the named variants on one corpus, each point once.
    pub(super) fn floors_on(&self, corpus: &str) -> Vec<&MeasuredArm<'r>> {
        let mut floors: Vec<&MeasuredArm<'r>> = Vec::new();
        for floor in self.named_on(corpus).into_iter().filter_map(|arm| Run::floor_of(&self.all, arm)) {
            if floors.iter().all(|known| known.arm != floor.arm) {
                floors.push(floor);
            }
        }
        floors
    }

    /// Time / time of the floor.
    pub(super) fn to_floor(&self, arm: &MeasuredArm<'_>) -> Option<PairedRatio> {
        arm.to(Run::floor_of(&self.all, arm)?)
    }

    /// Time / time of `classic`, an arm of the same group; `None` in runs from before there was one.
    pub(super) fn to_classic(&self, arm: &MeasuredArm<'_>) -> Option<PairedRatio> {
        Run::to_classic(&self.all, arm)
    }

    /// Time of the composition with these seams / time of `classic` at a point; `None` where the two were not measured
    /// beside each other.
    pub(super) fn composed_to_classic(&self, seams: Seams, point: &Point) -> Option<PairedRatio> {
        let composed = self.all.iter().filter(|arm| arm.point() == point && arm.arm.is_composition());
        let mut own = composed.filter(|arm| find(&arm.arm.variant).is_ok_and(|variant| variant.seams == seams));
        own.find_map(|arm| self.to_classic(arm))
    }

    /// `classic` at default knobs, each point once, in the order of the run.
    pub(super) fn classic(&self) -> Vec<&MeasuredArm<'r>> {
        let mut classic: Vec<&MeasuredArm<'r>> = Vec::new();
        for arm in self.all.iter().filter(|arm| arm.arm.kind == ArmKind::Classic) {
            if classic.iter().all(|known| known.arm != arm.arm) {
                classic.push(arm);
            }
        }
        classic
    }

    /// Time per token of a named variant, in nanoseconds, median over blocks.
    pub(super) fn time_ns(&self, variant: &str, point: &Point) -> Option<f64> {
        let found = self.all.iter().find(|arm| arm.arm.variant == variant && arm.point() == point && is_named(arm));
        Some(found?.time_ns()?.median)
    }

    /// Allocations of a variant at a point; `None` if they were not counted.
    pub(super) fn allocations(&self, variant: &str, point: &Point) -> Option<Allocations> {
        self.run
            .counts
            .iter()
            .filter(|count| count.variant == variant && count.point == *point)
            .find_map(|c| c.allocations)
    }

    /// Instructions per token of a variant at a point; `None` if they were not counted.
    pub(super) fn instructions(&self, variant: &str, point: &Point) -> Option<f64> {
        let counts = self.run.counts.iter().filter(|count| count.variant == variant && count.point == *point);
        counts.into_iter().find_map(|count| count.instructions_per_token)
    }

    /// Peak resident memory of a variant at a point, in bytes; `None` if it was not measured.
    pub(super) fn peak_resident_bytes(&self, variant: &str, point: &Point) -> Option<u64> {
        let found = self.run.memory.iter().find(|memory| memory.variant == variant && memory.point == *point);
        found.map(|memory| memory.peak_resident_bytes)
    }

    /// The batches that all compositions were measured with on a corpus, at default knobs.
    pub(super) fn composed_batches(&self, corpus: &str) -> BTreeSet<usize> {
        let composed = self.all.iter().filter(|arm| arm.arm.is_composition() && arm.is_at_default_knobs);
        composed.filter(|arm| arm.point().corpus == corpus).map(|arm| arm.point().batch).collect()
    }
}

/// A threshold as people call it.
pub(super) fn threshold(value: usize) -> String {
    if value == usize::MAX { "never".to_owned() } else { value.to_string() }
}

/// Whether an arm is `plain`.
pub(super) fn is_plain(arm: &MeasuredArm<'_>) -> bool {
    arm.arm.variant == REFERENCE
}

/// Whether an arm's variant has a name of its own; compositions are named by their backends.
fn is_named(arm: &MeasuredArm<'_>) -> bool {
    arm.arm.kind == ArmKind::Variant && !arm.arm.is_composition()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::run::simulated;

    #[test]
    fn every_named_variant_is_there_once_for_each_point_it_was_measured_at() {
        let run = simulated::full(8);
        let data = Data::of(&run);
        let named = data.named_on("light");
        let plain: Vec<usize> = named.iter().filter(|arm| is_plain(arm)).map(|arm| arm.point().batch).collect();
        assert_eq!(plain, [1, 8, 64, 256, 1024, 64, 256, 1024]);
        assert!(named.iter().all(|arm| arm.arm.kind == ArmKind::Variant && arm.is_at_default_knobs));
        assert_eq!(data.corpora(), ["light", "heavy"]);
        assert_eq!(data.floors_on("light").len(), 5);
        assert_eq!(data.composed_batches("light").into_iter().collect::<Vec<_>>(), [1, 64]);
    }

    #[test]
    fn classic_is_there_once_for_each_point_and_beside_every_variant() {
        let run = simulated::full(8);
        let data = Data::of(&run);
        let points: Vec<_> = data.classic().iter().map(|arm| (arm.arm.variant.as_str(), arm.point())).collect();
        let plain: Vec<_> = data.named().into_iter().filter(|arm| is_plain(arm)).map(|arm| arm.point()).collect();
        assert_eq!(points.len(), plain.len());
        assert!(points.iter().all(|(name, point)| *name == "classic" && plain.contains(point)), "{points:?}");
        for arm in data.named() {
            let (to_classic, to_plain) = (data.to_classic(arm).unwrap(), arm.to_plain().unwrap());
            assert!((to_classic.estimate * simulated::CLASSIC / to_plain.estimate).ln().abs() < 1e-4);
        }
        let mut before = simulated::full(8);
        for group in before.header.panels.iter_mut().flat_map(|panel| &mut panel.groups) {
            group.arms.pop();
        }
        let data = Data::of(&before);
        assert!(data.classic().is_empty() && data.named().iter().all(|arm| data.to_classic(arm).is_none()));
    }
}
