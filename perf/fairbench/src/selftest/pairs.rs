//! The programs of the trials: one probe, as built, copied, wrapped, or told to do more.

use std::fs;
use std::path::PathBuf;

use anyhow::Context;
use rand::Rng;
use rand_chacha::ChaCha8Rng;

use super::trials::{Nuisance, TrialKind};
use crate::exit::Failure;
use crate::files::state_directory;
use crate::gate::sides::{Matched, SidePlace};
use crate::host::Host;
use crate::probe::ProbeCommand;
use crate::project::Project;
use crate::side::{Side, SideSpec};

/// Most bytes that the environment grows by: a page, and then some.
const MOST_ENV_BYTES: usize = 6000;

/// All programs that trials need, built once.
pub struct Programs {
    base: Side,
    with_unused_function: Side,
    /// A copy of the probe at another path.
    copy: PathBuf,
    state: PathBuf,
    host: Host,
}

impl Programs {
    /// Builds the programs.
    ///
    /// # Errors
    /// The errors of [`Side::resolve`]; the copy cannot be written.
    pub fn build(project: &Project<'_>) -> Result<Self, Failure> {
        let settings = &project.settings.selftest;
        let built = |features: &Option<Vec<String>>| {
            let spec = features.clone().map_or(SideSpec::WorkingTree, SideSpec::Features);
            Side::resolve(&spec, &project.site())
        };
        let base = built(&settings.features)?;
        let with_unused_function = match &settings.unused_function_features {
            Some(_) => built(&settings.unused_function_features)?,
            None => base.clone(),
        };
        let state = state_directory(&project.root);
        let directory = state.join("selftest/a-copy-at-another-and-longer-path");
        let copy = directory.join(base.probe.program.file_name().unwrap_or_default());
        fs::create_dir_all(&directory)
            .and_then(|()| fs::copy(&base.probe.program, &copy))
            .with_context(|| format!("could not copy the probe to {}", copy.display()))?;
        Ok(Self { base, with_unused_function, copy, state, host: project.host() })
    }

    /// Hash of the probe that all trials use.
    ///
    /// # Errors
    /// The program cannot be read.
    pub fn hash(&self) -> anyhow::Result<String> {
        let program = &self.base.probe.program;
        let bytes = fs::read(program).with_context(|| format!("could not read {}", program.display()))?;
        Ok(blake3::hash(&bytes).to_hex().chars().take(16).collect())
    }

    /// Makes the pair of a trial, counted and ready to be timed.
    ///
    /// # Errors
    /// The errors of [`Matched::new`].
    pub fn pair(&self, kind: TrialKind, rng: &mut ChaCha8Rng) -> Result<Matched, Failure> {
        let base = &self.base;
        let candidate = match kind {
            TrialKind::Injected { percent, .. } => base.clone().with_work_factor(1.0 + percent / 100.0),
            TrialKind::Equal(Nuisance::UnusedFunction) => self.with_unused_function.clone(),
            TrialKind::Equal(Nuisance::BinaryPath) => {
                let mut copy = base.clone();
                copy.probe.program.clone_from(&self.copy);
                copy
            }
            TrialKind::Equal(Nuisance::None | Nuisance::EnvironmentSize) | TrialKind::Criterion => base.clone(),
        };
        let mut matched = Matched::new(base, &candidate, &[], &SidePlace { state: &self.state, host: &self.host })?;
        matched.keep_single_threaded();
        if kind == TrialKind::Equal(Nuisance::EnvironmentSize) {
            matched.replace_candidate(in_larger_environment(&candidate.probe, rng));
        }
        Ok(matched)
    }
}

/// Wraps a program with another variable in its environment, which takes place that nothing makes up for.
fn in_larger_environment(probe: &ProbeCommand, rng: &mut ChaCha8Rng) -> ProbeCommand {
    let bytes = rng.random_range(1..MOST_ENV_BYTES);
    ProbeCommand { env: vec![("FAIRBENCH_SELFTEST".to_owned(), "x".repeat(bytes))], ..probe.clone() }
}
