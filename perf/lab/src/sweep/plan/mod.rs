//! What a sweep measures: a plan in TOML, and the panels that follow from it.
//!
//! `perf/plans/README.md` explains every key to those who write plans; `raw` is their shape, `file` reads them,
//! `panels` unfolds them.

mod file;
mod panels;
mod raw;

use std::path::{Path, PathBuf};
use std::time::Duration;

use ron_auth_catalogue::Variant;

use crate::corpus::Source;
use crate::run::Panel;

pub use panels::panels_of;

/// A plan that comes with the lab.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BuiltIn {
    /// Half a minute, to see whether everything works and roughly how fast.
    Smoke,
    /// A few minutes, enough to choose a composition and its knobs.
    Quick,
    /// Everything, for as long as it takes.
    Full,
}

impl BuiltIn {
    /// The name of the plan in paths and reports.
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

/// A plan whose names are resolved.
#[derive(Clone, Debug)]
pub struct SweepPlan {
    /// Name of the plan: `quick`, or the stem of its file.
    pub name: String,
    /// One line that says what it is for.
    pub about: String,
    /// Time for all of it, unless the command line says otherwise; `None` if it takes as long as it needs.
    pub budget: Option<Duration>,
    /// Fewest and most blocks of a panel.
    pub blocks: (usize, usize),
    /// Half-width of a 95 % interval from which on more blocks are not worth their time, as a part of one.
    pub precision: f64,
    /// Least length of a turn.
    pub turn: Duration,
    /// Number of rounds of a block.
    pub rounds: usize,
    /// The sections, most important first.
    pub sections: Vec<PlanSection>,
    /// Whether allocations are counted.
    pub allocations: bool,
    /// Variants and batches whose instructions are counted; `None` if none are.
    pub instructions: Option<(Vec<Variant>, Vec<usize>)>,
    /// Variants whose memory is measured.
    pub memory: Vec<Variant>,
    /// What is profiled; `None` if nothing is.
    pub profile: Option<Profiles>,
}

/// A section of a plan: some variants on some points.
#[derive(Clone, Debug)]
pub struct PlanSection {
    /// Name of the section, which its results carry.
    pub name: String,
    /// The variants, without `plain`, which is in every group.
    pub variants: Vec<Variant>,
    /// The corpora that are verified.
    pub corpora: Vec<Source>,
    /// Batch sizes, in tokens per call.
    pub batches: Vec<usize>,
    /// Numbers of threads.
    pub threads: Vec<usize>,
    /// Values of the knob `soa_threshold`; if empty, its default.
    pub soa_thresholds: Vec<usize>,
    /// Values of the knob `par_min_batch`; if empty, its default.
    pub par_min_batches: Vec<usize>,
}

/// What is profiled, and for how long.
#[derive(Clone, Debug)]
pub struct Profiles {
    /// The variants that are profiled.
    pub variants: Vec<Variant>,
    /// The corpora that they are profiled on.
    pub corpora: Vec<Source>,
    /// Number of tokens per call.
    pub batch: usize,
    /// Time for which each is sampled.
    pub time: Duration,
}

impl Profiles {
    /// Number of profiles.
    #[must_use]
    pub fn count(&self) -> u32 {
        u32::try_from(self.variants.len() * self.corpora.len()).unwrap_or(u32::MAX)
    }
}

impl SweepPlan {
    /// Reads a plan that comes with the lab. `all_threads` is what `threads = ["all"]` stands for.
    ///
    /// # Errors
    /// None that a test would not have found.
    pub fn built_in(which: BuiltIn, all_threads: usize) -> anyhow::Result<Self> {
        let path = PathBuf::from(format!("perf/plans/{}.toml", which.name()));
        file::parse(which.text(), &path, which.name(), all_threads)
    }

    /// Reads a plan from the user's file.
    ///
    /// # Errors
    /// A file that cannot be read or understood, an unknown name, a section that measures nothing: with file and line.
    pub fn read(path: &Path, all_threads: usize) -> anyhow::Result<Self> {
        let text = fairbench::files::read_text(path, "a plan (perf/plans/README.md)")?;
        let name = path.file_stem().map_or_else(|| "own".to_owned(), |stem| stem.to_string_lossy().into_owned());
        file::parse(&text, path, &name, all_threads)
    }

    /// Keeps only these variants (beside `plain`), corpora and batches; empty lists keep all. Sections without anything
    /// left are removed.
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

    /// Removes what cannot be measured here from memory, instructions and profiles. (For times,
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

    /// Unfolds the plan into panels, most important first. The same plan always gives the same panels.
    #[must_use]
    pub fn panels(&self) -> Vec<Panel> {
        panels_of(&self.sections)
    }
}
