//! The project at hand: its folder, its settings, and what the program that is built on this crate adds.

use std::path::{Path, PathBuf};

use crate::exit::Failure;
use crate::gate::outcome::GateOutcome;
use crate::history::{Entry, Trend};
use crate::host::Host;
use crate::probe::ProbeCommand;
use crate::settings::{self, Settings};
use crate::side::{Dialect, Side, SideSpec, Site};

/// What a program that is built on this crate teaches it. Everything has a default that knows nothing.
pub trait Hooks: Dialect {
    /// Backends of this build on which a result depends. They are part of the host's fingerprint.
    fn backends(&self) -> Vec<String> {
        Vec::new()
    }

    /// The side that `noise` compares with itself.
    fn noise_side(&self) -> &'static str {
        "."
    }

    /// The probe of the floor: the least work that each case can be. `None` if the settings name one.
    fn floor(&self) -> Option<anyhow::Result<ProbeCommand>> {
        None
    }

    /// Items of one iteration of this benchmark, for files that do not say; `None` stands for one.
    fn items_per_iteration(&self, benchmark: &str) -> Option<u64> {
        let _ = benchmark;
        None
    }

    /// Items of one iteration of Criterion's benchmark of this name, where a probe's iteration has so many.
    fn criterion_items(&self, benchmark: &str, items_per_iteration: u64) -> u64 {
        let _ = benchmark;
        items_per_iteration
    }

    /// Describes what else is stored in this directory, in columns: baseline, host, this host, side, time of saving,
    /// benchmarks, raw values.
    ///
    /// # Errors
    /// Something cannot be read.
    fn other_baselines(&self, directory: &Path, host: &Host) -> anyhow::Result<Vec<[String; 7]>> {
        let _ = (directory, host);
        Ok(Vec::new())
    }

    /// Names of the limits that hold for every revision ("tripwires").
    fn limits(&self, root: &Path) -> Vec<String> {
        let _ = root;
        Vec::new()
    }

    /// Judges the limits that hold for every revision, and adds what was found to the outcome.
    ///
    /// # Errors
    /// The limits could not be measured.
    fn judge_limits(&self, candidate: &SideSpec, outcome: &mut GateOutcome, root: &Path) -> Result<(), Failure> {
        let _ = (candidate, outcome, root);
        Ok(())
    }

    /// Draws how benchmarks developed, below this directory, and returns the file that was drawn.
    ///
    /// # Errors
    /// A file cannot be written.
    fn draw(&self, out: &Path, trends: &[Trend], entries: &[&Entry]) -> anyhow::Result<Option<PathBuf>> {
        let _ = (out, trends, entries);
        Ok(None)
    }
}

/// Hooks that add nothing.
#[derive(Clone, Copy, Debug, Default)]
pub struct NoHooks;

impl Dialect for NoHooks {}

impl Hooks for NoHooks {}

/// A project with its settings and hooks.
pub struct Project<'h> {
    /// Folder of the project, in which its settings lie; in a workspace, any folder of it.
    pub root: PathBuf,
    /// Settings of the project.
    pub settings: Settings,
    /// What the program that is built on this crate adds.
    pub hooks: &'h dyn Hooks,
}

impl<'h> Project<'h> {
    /// Finds the project that the working directory lies in.
    ///
    /// # Errors
    /// There are no settings, or they cannot be read.
    pub fn here(hooks: &'h dyn Hooks) -> Result<Self, Failure> {
        let root = settings::root().ok_or_else(|| {
            let here = std::env::current_dir().unwrap_or_default();
            Failure::could_not(format_args!(
                "{}: no {} here or above; expected the settings of a project, an empty file for the defaults",
                here.display(),
                settings::FILE
            ))
        })?;
        Self::at(root, hooks)
    }

    /// Opens the project of this folder.
    ///
    /// # Errors
    /// The settings cannot be read.
    pub fn at(root: PathBuf, hooks: &'h dyn Hooks) -> Result<Self, Failure> {
        let settings = Settings::read(&root.join(settings::FILE))?;
        Ok(Self { root, settings, hooks })
    }

    /// What sides are resolved with.
    #[must_use]
    pub fn site(&self) -> Site<'_> {
        Site { root: &self.root, recipe: self.settings.probe.as_ref(), dialect: self.hooks }
    }

    /// Builds the side that a user names.
    ///
    /// # Errors
    /// Wrong usage; a side that does not build.
    pub fn side(&self, text: &str) -> Result<Side, Failure> {
        Side::resolve(&SideSpec::parse(text, self.hooks)?, &self.site())
    }

    /// Detects this machine and this build.
    #[must_use]
    pub fn host(&self) -> Host {
        Host::detect(&self.root, self.hooks.backends())
    }
}
