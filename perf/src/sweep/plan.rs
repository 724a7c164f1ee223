//! Which cells, in which groups, for how long.
//!
//! A knob is swept only where it can matter: `par_min_batch` and threads for variants whose execute seam is parallel
//! and batches of more than one token.

use std::time::Duration;

use ron_auth_fixtures::Fixture;
use ron_auth_variants::Variant;

use crate::cell::{Cell, Group, Knobs, Purpose, REFERENCE};
use crate::measure::rounds::Effort;

const BATCHES: [usize; 5] = [1, 8, 64, 256, 1024];
const SOA_THRESHOLDS: [usize; 6] = [4, 8, 12, 16, 24, 32];
const PAR_MIN_BATCHES: [usize; 4] = [48, 64, 80, 128];
/// The batch that knobs are swept at in a quick sweep: the only one of [`BATCHES`] that lies among
/// [`PAR_MIN_BATCHES`].
const KNOB_BATCH: usize = 64;

/// How much of it all.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mode {
    /// Half a minute: does everything work, roughly how fast?
    Smoke,
    /// A few minutes: every variant, fixture and batch; knobs where they matter most.
    Quick,
    /// Everything.
    Full,
}

impl Mode {
    /// Its name in paths and reports.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Smoke => "smoke",
            Self::Quick => "quick",
            Self::Full => "full",
        }
    }

    /// How long a single-threaded group is measured. Others get twice that: they cannot be pinned.
    #[must_use]
    pub const fn effort(self) -> Effort {
        let (min_rounds, max_rounds, seconds) = match self {
            Self::Smoke => (8, 20, 1),
            Self::Quick => (12, 60, 4),
            Self::Full => (20, 120, 8),
        };
        Effort { min_rounds, max_rounds, budget: Duration::from_secs(seconds) }
    }

    /// Whether callgrind counts this cell; it is slow.
    #[must_use]
    pub const fn counts_instructions(self, batch: usize) -> bool {
        match self {
            Self::Smoke => false,
            Self::Quick => batch == 1 || batch == KNOB_BATCH,
            Self::Full => true,
        }
    }

    /// What this mode leaves out, for the summary.
    #[must_use]
    pub const fn omissions(self) -> &'static str {
        match self {
            Self::Smoke => "Smoke: batches 1, 64 and 256, default knobs, few rounds, no instruction counts.",
            Self::Quick => {
                "Quick: all variants, fixtures and batches at default knobs; knobs at batch 64 only, for the variants \
                 whose execute seam is parallel; instructions at batches 1 and 64."
            }
            Self::Full => {
                "Full: every variant, fixture, batch, soa_threshold; par_min_batch and threads where the execute seam \
                 is parallel and the batch is more than 1, since they cannot matter elsewhere."
            }
        }
    }
}

/// What to sweep over.
#[derive(Clone, Debug)]
pub struct Selection {
    /// How much.
    pub mode: Mode,
    /// Variants, the reference first.
    pub variants: Vec<Variant>,
    /// Fixtures.
    pub fixtures: Vec<Fixture>,
    /// Batches, or those of the mode.
    pub batches: Option<Vec<usize>>,
    /// What `threads: all` means.
    pub all_threads: usize,
}

/// The groups, in the order in which they are measured: what most people look for first comes first.
#[must_use]
pub fn plan(selection: &Selection) -> Vec<Group> {
    let Selection { mode, variants, fixtures, all_threads, .. } = selection;
    let batches = selection.batches.clone().unwrap_or_else(|| match mode {
        Mode::Smoke => vec![1, 64, 256],
        Mode::Quick | Mode::Full => BATCHES.to_vec(),
    });
    let candidates: Vec<Variant> = variants.iter().copied().filter(|variant| variant.name != REFERENCE).collect();
    let parallel: Vec<Variant> = candidates.iter().copied().filter(Variant::is_parallel).collect();
    let mut groups = Vec::new();
    for &fixture in fixtures {
        for &batch in &batches {
            let knobs = Knobs::defaults(1);
            groups.push(group(Purpose::Variants, fixture, batch, &candidates, &[knobs]));
            if batch > 1 && *all_threads > 1 && !parallel.is_empty() {
                let knobs = Knobs::defaults(*all_threads);
                groups.push(group(Purpose::Variants, fixture, batch, &parallel, &[knobs]));
            }
        }
    }
    if *mode == Mode::Smoke {
        return groups;
    }
    let swept = if *mode == Mode::Quick { &parallel } else { variants };
    for &fixture in fixtures {
        for &batch in batches.iter().filter(|&&batch| *mode == Mode::Full || batch == KNOB_BATCH) {
            for variant in swept {
                // Five caveats are fewer than most thresholds: a quick sweep leaves the light tokens out.
                if *mode == Mode::Full || fixture != Fixture::Light {
                    groups.push(group(Purpose::Knobs, fixture, batch, &[*variant], &soa_knobs(1)));
                }
                if variant.is_parallel() && batch > 1 && *all_threads > 1 {
                    let soa =
                        if *mode == Mode::Full { soa_knobs(*all_threads) } else { vec![Knobs::defaults(*all_threads)] };
                    for knobs in soa {
                        groups.push(group(Purpose::Knobs, fixture, batch, &[*variant], &par_knobs(knobs)));
                    }
                }
            }
        }
    }
    groups
}

fn soa_knobs(threads: usize) -> Vec<Knobs> {
    SOA_THRESHOLDS.map(|soa_threshold| Knobs { soa_threshold, ..Knobs::defaults(threads) }).to_vec()
}

fn par_knobs(knobs: Knobs) -> Vec<Knobs> {
    PAR_MIN_BATCHES.map(|par_min_batch| Knobs { par_min_batch, ..knobs }).to_vec()
}

fn group(purpose: Purpose, fixture: Fixture, batch: usize, variants: &[Variant], knobs: &[Knobs]) -> Group {
    let cells: Vec<Cell> = variants
        .iter()
        .flat_map(|&variant| knobs.iter().map(move |&knobs| Cell { variant, fixture, batch, knobs }))
        .collect();
    let threads = knobs.first().map_or(1, |knobs| knobs.threads);
    Group { purpose, fixture, batch, threads, cells }
}

#[cfg(test)]
mod tests {
    use ron_auth_variants::catalogue;

    use super::*;

    fn planned(mode: Mode, all_threads: usize) -> Vec<Group> {
        let selection =
            Selection { mode, variants: catalogue(), fixtures: Fixture::ALL.to_vec(), batches: None, all_threads };
        plan(&selection)
    }

    #[test]
    fn a_quick_sweep_has_every_variant_fixture_and_batch() {
        let groups = planned(Mode::Quick, 2);
        for variant in catalogue().iter().filter(|variant| variant.name != REFERENCE) {
            for fixture in Fixture::ALL {
                for batch in BATCHES {
                    let has = |cell: &Cell| {
                        cell.variant.name == variant.name && cell.fixture == fixture && cell.batch == batch
                    };
                    assert!(
                        groups.iter().any(|group| group.cells.iter().any(has)),
                        "{} {fixture} {batch}",
                        variant.name
                    );
                }
            }
        }
    }

    #[test]
    fn threads_and_par_min_batch_are_swept_only_where_they_can_matter() {
        for group in planned(Mode::Full, 4) {
            for cell in group.cells {
                assert_eq!(cell.knobs.threads, group.threads);
                if cell.knobs.threads > 1 || cell.knobs.par_min_batch != Knobs::defaults(1).par_min_batch {
                    assert!(cell.variant.is_parallel() && cell.batch > 1, "{cell}");
                }
            }
        }
        assert!(planned(Mode::Full, 1).iter().all(Group::is_single_threaded));
    }

    #[test]
    fn a_full_sweep_has_every_knob() {
        let cells: Vec<Cell> = planned(Mode::Full, 2).into_iter().flat_map(|group| group.cells).collect();
        for threshold in SOA_THRESHOLDS {
            assert!(cells.iter().any(|cell| cell.knobs.soa_threshold == threshold));
        }
        for min_batch in PAR_MIN_BATCHES {
            assert!(cells.iter().any(|cell| cell.knobs.par_min_batch == min_batch));
        }
    }
}
