//! A run as the report looks at it.

use std::collections::BTreeSet;

use fairbench::measure::stats::PairedRatio;
use ron_auth_variants::{Seams, find};

use crate::catalogue::{Knobs, REFERENCE};
use crate::run::record::Allocations;
use crate::run::{Kind, Measured, Point, Purpose, Run};

/// A run with every seat's values at hand.
pub(super) struct Data<'r> {
    pub(super) run: &'r Run,
    pub(super) all: Vec<Measured<'r>>,
}

impl<'r> Data<'r> {
    pub(super) fn of(run: &'r Run) -> Self {
        Self { run, all: run.measured() }
    }

    /// The corpora that were measured, in the order of the run.
    pub(super) fn corpora(&self) -> Vec<&'r str> {
        let mut corpora = Vec::new();
        for seat in &self.all {
            let corpus = seat.seat.point.corpus.as_str();
            if !corpora.contains(&corpus) {
                corpora.push(corpus);
            }
        }
        corpora
    }

    /// The named variants at default knobs, each point of each once, in the order of the run: `plain` first, neither
    /// controls nor floors nor compositions.
    pub(super) fn named(&self) -> Vec<&Measured<'r>> {
        let mut named: Vec<&Measured<'r>> = Vec::new();
        for seat in &self.all {
            let is_known = || named.iter().any(|known| known.seat == seat.seat);
            if seat.purpose != Purpose::Knobs && is_named(seat) && is_at_defaults(seat) && !is_known() {
                named.push(seat);
            }
        }
        named
    }

    /// The named variants on one corpus.
    pub(super) fn named_on(&self, corpus: &str) -> Vec<&Measured<'r>> {
        let mut named = self.named();
        named.retain(|seat| seat.point().corpus == corpus);
        named
    }

    /// The floors of the named variants on one corpus, each point once.
    pub(super) fn floors_on(&self, corpus: &str) -> Vec<&Measured<'r>> {
        let mut floors: Vec<&Measured<'r>> = Vec::new();
        for floor in self.named_on(corpus).into_iter().filter_map(|seat| Run::floor_of(&self.all, seat)) {
            if floors.iter().all(|known| known.seat != floor.seat) {
                floors.push(floor);
            }
        }
        floors
    }

    /// Time / time of the floor.
    pub(super) fn to_floor(&self, seat: &Measured<'_>) -> Option<PairedRatio> {
        seat.to(Run::floor_of(&self.all, seat)?)
    }

    /// Time / time of `classic`, which sits in the same contest; `None` in runs of before there was one.
    pub(super) fn to_classic(&self, seat: &Measured<'_>) -> Option<PairedRatio> {
        Run::to_classic(&self.all, seat)
    }

    /// Time of the composition with these seams / time of `classic` at a point; `None` where the two were not measured
    /// beside each other.
    pub(super) fn composed_to_classic(&self, seams: Seams, point: &Point) -> Option<PairedRatio> {
        let composed = self.all.iter().filter(|seat| seat.point() == point && seat.seat.variant.starts_with('+'));
        let mut own = composed.filter(|seat| find(&seat.seat.variant).is_ok_and(|variant| variant.seams == seams));
        own.find_map(|seat| self.to_classic(seat))
    }

    /// `classic` at default knobs, each point once, in the order of the run.
    #[cfg(test)]
    pub(super) fn classic(&self) -> Vec<&Measured<'r>> {
        let mut classic: Vec<&Measured<'r>> = Vec::new();
        for seat in self.all.iter().filter(|seat| seat.seat.kind == Kind::Classic) {
            if classic.iter().all(|known| known.seat != seat.seat) {
                classic.push(seat);
            }
        }
        classic
    }

    /// Time per token of a named variant, in nanoseconds, median over blocks.
    pub(super) fn time_ns(&self, variant: &str, point: &Point) -> Option<f64> {
        let found =
            self.all.iter().find(|seat| seat.seat.variant == variant && seat.point() == point && is_named(seat));
        Some(found?.time_ns()?.median)
    }

    /// What a variant allocates at a point.
    pub(super) fn allocations(&self, variant: &str, point: &Point) -> Option<Allocations> {
        self.run
            .counts
            .iter()
            .filter(|count| count.variant == variant && count.point == *point)
            .find_map(|c| c.allocations)
    }

    /// Its instructions per token.
    pub(super) fn instructions(&self, variant: &str, point: &Point) -> Option<f64> {
        let counts = self.run.counts.iter().filter(|count| count.variant == variant && count.point == *point);
        counts.into_iter().find_map(|count| count.instructions_per_token)
    }

    /// Its peak resident memory, in bytes.
    pub(super) fn peak_resident_bytes(&self, variant: &str, point: &Point) -> Option<u64> {
        let found = self.run.memory.iter().find(|memory| memory.variant == variant && memory.point == *point);
        found.map(|memory| memory.peak_resident_bytes)
    }

    /// The batches that all compositions were measured with on a corpus, at default knobs.
    pub(super) fn composed_batches(&self, corpus: &str) -> BTreeSet<usize> {
        let composed = self.all.iter().filter(|seat| seat.seat.variant.starts_with('+') && is_at_defaults(seat));
        composed.filter(|seat| seat.point().corpus == corpus).map(|seat| seat.point().batch).collect()
    }
}

/// Whether the knobs are the library's own.
pub(super) fn is_at_defaults(seat: &Measured<'_>) -> bool {
    let knobs = seat.point().knobs;
    knobs == Knobs::defaults(knobs.threads)
}

/// Whether it is `plain`.
pub(super) fn is_plain(seat: &Measured<'_>) -> bool {
    seat.seat.variant == REFERENCE
}

/// A variant by a name of its own; compositions are named by their backends.
fn is_named(seat: &Measured<'_>) -> bool {
    seat.seat.kind == Kind::Variant && !seat.seat.variant.starts_with('+')
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
        let plain: Vec<usize> = named.iter().filter(|seat| is_plain(seat)).map(|seat| seat.point().batch).collect();
        assert_eq!(plain, [1, 8, 64, 256, 1024, 64, 256, 1024]);
        assert!(named.iter().all(|seat| seat.seat.kind == Kind::Variant && is_at_defaults(seat)));
        assert_eq!(data.corpora(), ["light", "heavy"]);
        assert_eq!(data.floors_on("light").len(), 5);
        assert_eq!(data.composed_batches("light").into_iter().collect::<Vec<_>>(), [1, 64]);
    }

    #[test]
    fn classic_is_there_once_for_each_point_and_beside_every_variant() {
        let run = simulated::full(8);
        let data = Data::of(&run);
        let points: Vec<_> = data.classic().iter().map(|seat| (seat.seat.variant.as_str(), seat.point())).collect();
        let plain: Vec<_> = data.named().into_iter().filter(|seat| is_plain(seat)).map(|seat| seat.point()).collect();
        assert_eq!(points.len(), plain.len());
        assert!(points.iter().all(|(name, point)| *name == "classic" && plain.contains(point)), "{points:?}");
        for seat in data.named() {
            let (to_classic, to_plain) = (data.to_classic(seat).unwrap(), seat.to_plain().unwrap());
            assert!((to_classic.estimate * simulated::CLASSIC / to_plain.estimate).ln().abs() < 1e-4);
        }
        let mut before = simulated::full(8);
        for contest in before.header.panels.iter_mut().flat_map(|panel| &mut panel.contests) {
            contest.seats.pop();
        }
        let data = Data::of(&before);
        assert!(data.classic().is_empty() && data.named().iter().all(|seat| data.to_classic(seat).is_none()));
    }
}
