//! What a sweep measures: a plan in TOML, and the panels that it comes to.
//!
//! `perf/plans/README.md` explains every key to those who write plans; `raw` is their shape, `file` reads them, `panels` unfolds
//! them.

mod file;
mod panels;
mod raw;

use std::path::{Path, PathBuf};
use std::time::Duration;

use ron_auth_catalogue::Variant;

use crate::corpus::Source;
use crate::run::Panel;

pub use panels::panels_of;

/// Plans that come with the lab.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BuiltIn {
    /// Half a minute: does everything work, roughly how fast?
    Smoke,
    /// A few minutes: enough to choose a composition and its knobs.
    Quick,
    /// As long as it takes.
    Full,
}

impl BuiltIn {
    /// Its name in paths and reports.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Smoke => "smoke",
            Self::Quick => "quick",
            Self::Full => "full",
        }
    }

    const fn text(self) -> &'static str {
        match self {
            Self::Smoke => include_str!("../../../../plans/smoke.toml"),
            Self::Quick => include_str!("../../../../plans/quick.toml"),
            Self::Full => include_str!("../../../../plans/full.toml"),
        }
    }
}

/// A plan, its names resolved.
#[derive(Clone, Debug)]
pub struct SweepPlan {
    /// `quick`, or the stem of its file.
    pub name: String,
    /// What it is for, in a line.
    pub about: String,
    /// Time for all of it, unless the command line says otherwise; `None`: as long as it takes.
    pub budget: Option<Duration>,
    /// Least and most blocks of a panel.
    pub blocks: (usize, usize),
    /// Half-width of a 95 % interval, as a part of one, from which on more blocks are not worth their time.
    pub precision: f64,
    /// A turn is at least this long.
    pub turn: Duration,
    /// Rounds of a block.
    pub rounds: usize,
    /// What is measured, most important first.
    pub sections: Vec<PlanSection>,
    /// Whether allocations are counted.
    pub allocations: bool,
    /// Of which variants instructions are counted, at which batches.
    pub instructions: Option<(Vec<Variant>, Vec<usize>)>,
    /// Of which variants memory is measured.
    pub memory: Vec<Variant>,
    /// What is profiled.
    pub profile: Option<Profiles>,
}

/// Some variants on some points.
#[derive(Clone, Debug)]
pub struct PlanSection {
    /// Its name: results carry it.
    pub name: String,
    /// Without `plain`, which is in every group.
    pub variants: Vec<Variant>,
    /// The tokens.
    pub corpora: Vec<Source>,
    /// Tokens per call.
    pub batches: Vec<usize>,
    /// Threads.
    pub threads: Vec<usize>,
    /// Values of the knob, or none: its default.
    pub soa_thresholds: Vec<usize>,
    /// Values of the knob, or none: its default.
    pub par_min_batches: Vec<usize>,
}

/// What is profiled.
#[derive(Clone, Debug)]
pub struct Profiles {
    /// Which variants.
    pub variants: Vec<Variant>,
    /// On what.
    pub corpora: Vec<Source>,
    /// Tokens per call.
    pub batch: usize,
    /// How long each is sampled.
    pub time: Duration,
}

impl Profiles {
    /// How many there are.
    #[must_use]
    pub fn count(&self) -> u32 {
        u32::try_from(self.variants.len() * self.corpora.len()).unwrap_or(u32::MAX)
    }
}

impl SweepPlan {
    /// A plan that comes with the lab. `all_threads` is what `threads = ["all"]` means.
    ///
    /// # Errors
    /// None that a test would not show.
    pub fn built_in(which: BuiltIn, all_threads: usize) -> anyhow::Result<Self> {
        let path = PathBuf::from(format!("perf/plans/{}.toml", which.name()));
        file::parse(which.text(), &path, which.name(), all_threads)
    }

    /// One's own.
    ///
    /// # Errors
    /// A file that cannot be read or understood, an unknown name, a section that comes to nothing: with file and line.
    pub fn read(path: &Path, all_threads: usize) -> anyhow::Result<Self> {
        let text = fairbench::files::read_text(path, "a plan (perf/plans/README.md)")?;
        let name = path.file_stem().map_or_else(|| "own".to_owned(), |stem| stem.to_string_lossy().into_owned());
        file::parse(&text, path, &name, all_threads)
    }

    /// Only these variants (beside `plain`), corpora and batches; empty lists mean all. Sections that are left with
    /// nothing are left out.
    pub fn keep_only(&mut self, variants: &[Variant], corpora: &[Source], batches: &[usize]) {
        let keeps = |variant: &Variant| variants.is_empty() || variants.iter().any(|kept| kept.name == variant.name);
        let with_plain = |variant: &Variant| keeps(variant) || variant.name == crate::catalogue::REFERENCE;
        for section in &mut self.sections {
            section.variants.retain(keeps);
            if !corpora.is_empty() {
                section.corpora.retain(|corpus| corpora.contains(corpus));
            }
            if !batches.is_empty() {
                section.batches = batches.to_vec();
            }
        }
        self.sections.retain(|section| !section.variants.is_empty() && !section.corpora.is_empty());
        self.memory.retain(with_plain);
        if let Some((counted, _)) = &mut self.instructions {
            counted.retain(with_plain);
        }
        if let Some(profile) = &mut self.profile {
            profile.variants.retain(with_plain);
            if !corpora.is_empty() {
                profile.corpora = corpora.to_vec();
            }
        }
    }

    /// Leaves out of memory, instructions and profiles what cannot be measured here. (Of times,
    /// [`Header::leave_out`](crate::run::record::Header::leave_out) keeps the reason.)
    pub fn leave_out(&mut self, hindrance: &dyn Fn(&str) -> Option<String>) {
        let can_be = |variant: &Variant| hindrance(variant.name).is_none();
        self.memory.retain(can_be);
        if let Some((counted, _)) = &mut self.instructions {
            counted.retain(can_be);
        }
        if let Some(profile) = &mut self.profile {
            profile.variants.retain(can_be);
        }
    }

    /// What is measured against each other, most important first. The same plan comes to the same panels.
    #[must_use]
    pub fn panels(&self) -> Vec<Panel> {
        panels_of(&self.sections)
    }
}
