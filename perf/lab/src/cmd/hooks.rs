//! What the lab teaches fairbench: variants and feature sets as sides, its floor, its stored sweeps, its tripwires.

use std::path::{Path, PathBuf};

use fairbench::exit::Failure;
use fairbench::gate::outcome::GateOutcome;
use fairbench::history::{Entry, Trend};
use fairbench::host::Host;
use fairbench::interrupt;
use fairbench::missing::{self, TRIPWIRES};
use fairbench::probe::ProbeCommand;
use fairbench::progress::ProgressBar;
use fairbench::project::{Hooks, Project};
use fairbench::side::{Commands, Dialect, SideSpec};

use crate::catalogue::available::available;
use crate::catalogue::features;
use crate::floor;
use crate::own::{backends, own_program, repository_root, twin};
use crate::report::figures::files::write_trend;
use crate::sweep::stored::Baseline;
use crate::tripwire::{self, Tripwires};

/// The kind of side that only the lab knows.
const VARIANT: &str = "variant";
/// What a Criterion benchmark is called that verifies one token per iteration.
const ONE_TOKEN: &str = "verify_single";

/// The hooks of the lab.
#[derive(Clone, Copy, Debug, Default)]
pub struct Lab;

/// Finds the project at hand. Outside of any it is the one that this program was built from.
///
/// # Errors
/// There are no settings, or they cannot be read.
pub fn project() -> Result<Project<'static>, Failure> {
    Project::at(repository_root(), &Lab)
}

impl Dialect for Lab {
    fn named(&self, kind: &str, name: &str) -> Result<Option<SideSpec>, Failure> {
        if kind != VARIANT {
            return Ok(None);
        }
        ron_auth_catalogue::find(name).map_err(Failure::usage)?;
        Ok(Some(SideSpec::Own { kind: kind.to_owned(), name: name.to_owned() }))
    }

    fn guess(&self, text: &str) -> Result<Option<SideSpec>, Failure> {
        if ron_auth_catalogue::find(text).is_ok() {
            return self.named(VARIANT, text);
        }
        if text.split(',').all(|name| features::is_known(name.trim())) {
            return self.features(text).map(|features| Some(SideSpec::Features(features)));
        }
        Ok(None)
    }

    fn features(&self, names: &str) -> Result<Vec<String>, Failure> {
        features::parse(names)
    }

    /// Starts the lab's own program, which holds every variant.
    fn commands(&self, _: &str, name: &str, root: &Path) -> Result<Commands, Failure> {
        available(&ron_auth_catalogue::find(name).map_err(Failure::usage)?)?;
        // The lab is large, and both sides are the same file: nothing is gained by copying it three times for each
        // block.
        let own = ProbeCommand { copied: false, ..own_program(name)? };
        own.verified()?;
        let probe = own.args(["probe", "--variant", name]);
        let allocs = twin::program(root, twin::ALLOCATIONS).ok();
        Ok((probe, allocs.map(|program| ProbeCommand::new(name, program).args(["--variant", name]))))
    }
}

impl Hooks for Lab {
    fn backends(&self) -> Vec<String> {
        backends()
    }

    fn noise_side(&self) -> &'static str {
        "variant:prod"
    }

    fn floor(&self) -> Option<anyhow::Result<ProbeCommand>> {
        Some(floor::probe::command())
    }

    fn items_per_iteration(&self, benchmark: &str) -> Option<u64> {
        let cases = perf_probe::cases::cases(usize::MAX);
        cases.iter().find(|case| case.name == benchmark).map(|case| case.items_per_iteration)
    }

    fn criterion_items(&self, benchmark: &str, items_per_iteration: u64) -> u64 {
        if benchmark.starts_with(ONE_TOKEN) { 1 } else { items_per_iteration }
    }

    fn other_baselines(&self, directory: &Path, host: &Host) -> anyhow::Result<Vec<[String; 7]>> {
        let line = |sweep: Baseline| {
            let is_here = match (sweep.host.is_same_on_one_thread(host), sweep.host.is_same_machine(host)) {
                (true, _) => "yes",
                (false, true) => "yes, other compiler or flags",
                (false, false) => "",
            };
            let revision = sweep.host.revision.as_deref().unwrap_or("not in a git tree");
            let cells = format!("{} cells", sweep.cells());
            let fingerprint = sweep.host.fingerprint();
            ["(sweep)", &fingerprint, is_here, revision, &sweep.saved_utc, &cells, "no: quartiles"].map(str::to_owned)
        };
        Ok(Baseline::list(directory)?.into_iter().map(line).collect())
    }

    fn limits(&self, root: &Path) -> Vec<String> {
        Tripwires::read(&root.join("baselines/tripwires.toml")).unwrap_or_default().names()
    }

    /// Measures the tripwires in the lab itself, which is built from the working tree.
    fn judge_limits(&self, candidate: &SideSpec, outcome: &mut GateOutcome, root: &Path) -> Result<(), Failure> {
        if missing::names(&outcome.settings.allow_missing, TRIPWIRES) {
            outcome.notes.push("Tripwires were not judged: they are allowed to be missing.".to_owned());
            return Ok(());
        }
        if *candidate != SideSpec::WorkingTree {
            let why = "they are judged of the working tree only, which is not the candidate";
            tripwire::gate::unjudged(root, why)?.add_to(outcome);
            return Ok(());
        }
        let bar = ProgressBar::new("tripwires", 100);
        let mut done = |part: f64| bar.set((part * 100.0) as u64);
        let judged = tripwire::gate::judge(root, &interrupt::requested, &mut done);
        bar.finish();
        judged?.add_to(outcome);
        Ok(())
    }

    fn draw(&self, out: &Path, trends: &[Trend], entries: &[&Entry]) -> anyhow::Result<Option<PathBuf>> {
        write_trend(out, trends, entries)
    }
}
