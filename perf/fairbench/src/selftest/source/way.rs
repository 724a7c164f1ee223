//! The ways of applying a patch, and which trials a run consists of.

use clap::ValueEnum;
use serde::{Deserialize, Serialize};

use super::patch::Patch;

/// How a patch comes to the gate.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, ValueEnum, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Way {
    /// Edited and committed in a clone that has been worked in, then gated at once against `HEAD~1`
    Developer,
    /// A fresh clone of the commit, all time stamps old, its base built by an earlier run
    CiCached,
    /// Edited, not committed, gated against `HEAD`
    Dirty,
    /// A fresh clone of the commit, all time stamps old, its base never built before
    CiCold,
}

impl Way {
    /// All ways, in the order in which a run goes through them.
    pub const ALL: [Self; 4] = [Self::Developer, Self::CiCached, Self::Dirty, Self::CiCold];

    /// The word for it in options and tables.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Developer => "developer",
            Self::CiCached => "ci-cached",
            Self::Dirty => "dirty",
            Self::CiCold => "ci-cold",
        }
    }
}

/// A part of all trials, for several machines: the `number`th of `count`, counted from 1.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Shard {
    number: usize,
    count: usize,
}

impl Shard {
    /// The shard that is the whole.
    pub const WHOLE: Self = Self { number: 1, count: 1 };

    /// Reads a shard such as `2/3`.
    ///
    /// # Errors
    /// The text is not a number from 1 to the count, a slash, and the count.
    pub fn parse(text: &str) -> Result<Self, String> {
        let parts = text.split_once('/').and_then(|(number, count)| Some((number.parse().ok()?, count.parse().ok()?)));
        match parts {
            Some((number, count)) if number >= 1 && number <= count => Ok(Self { number, count }),
            _ => Err("expected I/N with I from 1 to N, such as 2/3".to_owned()),
        }
    }

    /// Whether the trial at this place belongs to the shard. Patches are dealt out in pairs, which are of both kinds,
    /// and all ways of one patch go to one shard, where they share what is built.
    const fn has(self, place: usize) -> bool {
        (place / 2) % self.count == self.number - 1
    }
}

/// The trials of a run, in order: way by way, so that a run that ends early has tried every patch before any of them
/// twice. `patches` are in turns of both kinds.
#[must_use]
pub fn plan<'p>(patches: &'p [Patch], ways: &[Way], shard: Shard) -> Vec<(&'p Patch, Way)> {
    let own: Vec<&Patch> =
        patches.iter().enumerate().filter(|(place, _)| shard.has(*place)).map(|(_, patch)| patch).collect();
    Way::ALL
        .into_iter()
        .filter(|way| ways.contains(way))
        .flat_map(|way| own.iter().map(move |patch| (*patch, way)))
        .collect()
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;
    use crate::selftest::source::patch::Expectation;

    fn patches(count: usize) -> Vec<Patch> {
        let patch = |number: usize| {
            let path = format!("{number}.patch");
            Patch::parse(Expectation::MustNotAlarm, Path::new(&path), "What: x\ndiff --git a/x b/x\n").unwrap()
        };
        (0..count).map(patch).collect()
    }

    #[test]
    fn the_shards_together_have_every_trial_once() {
        let patches = patches(25);
        let whole = plan(&patches, &Way::ALL, Shard::WHOLE);
        assert_eq!(whole.len(), 100);
        for count in 1..=6 {
            let mut found = Vec::new();
            for number in 1..=count {
                let part = plan(&patches, &Way::ALL, Shard::parse(&format!("{number}/{count}")).unwrap());
                let fair = whole.len() / count;
                assert!(part.len().abs_diff(fair) <= 8, "{number}/{count}: {}", part.len());
                found.extend(part);
            }
            assert_eq!(found.len(), whole.len(), "{count}");
            assert!(whole.iter().all(|trial| found.contains(trial)), "{count}");
        }
    }

    #[test]
    fn every_patch_has_been_tried_before_any_is_tried_in_another_way() {
        let patches = patches(3);
        let names = |ways: &[Way]| {
            let plan = plan(&patches, ways, Shard::WHOLE);
            plan.iter().map(|(patch, way)| format!("{} {}", patch.name, way.name())).collect::<Vec<_>>()
        };
        let both = ["0 developer", "1 developer", "2 developer", "0 dirty", "1 dirty", "2 dirty"];
        assert_eq!(names(&[Way::Dirty, Way::Developer]), both);
    }

    #[test]
    fn a_shard_is_one_of_several() {
        for wrong in ["", "1", "0/2", "3/2", "a/b", "1/0", "-1/2", "1/2/3"] {
            assert!(Shard::parse(wrong).is_err(), "{wrong}");
        }
        assert_eq!(Shard::parse("1/1"), Ok(Shard::WHOLE));
    }
}
