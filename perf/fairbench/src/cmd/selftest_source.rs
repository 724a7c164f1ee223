//! `selftest --source`: does the gate see what was changed in the source, whichever way the change comes to it?

use std::path::{Path, PathBuf};

use clap::Args as ClapArgs;

use super::print;
use crate::exit::{CommandResult, Exit, Failure};
use crate::files::state_directory;
use crate::host::Host;
use crate::interrupt;
use crate::progress::ProgressBar;
use crate::project::Project;
use crate::selftest::journal;
use crate::selftest::source::Ground;
use crate::selftest::source::journal::{SourceJournal, SourceSetup, last, timed};
use crate::selftest::source::patch::{Patch, read_all};
use crate::selftest::source::summary::SourceSummary;
use crate::selftest::source::trial::{SourceTrial, TrialOutcome};
use crate::selftest::source::way::{Shard, Way, plan};
use crate::settings;

/// Options of the self-test that goes through the source.
#[derive(Debug, ClapArgs)]
#[group(skip)]
#[command(next_help_heading = "Through the source")]
pub(super) struct Args {
    /// Test the gate with real patches of the source, those of the settings, instead of injected work
    #[arg(long, conflicts_with_all = ["trials", "no_criterion"])]
    pub(super) source: bool,
    /// Only these patches
    #[arg(long, value_name = "NAME,…", value_delimiter = ',', requires = "source")]
    only: Vec<String>,
    /// Only these ways of applying them [default: all]
    #[arg(long, value_name = "WAY,…", value_delimiter = ',', value_enum, requires = "source")]
    ways: Vec<Way>,
    /// Only a part of the patches, for several machines
    #[arg(long, value_name = "I/N", value_parser = Shard::parse, default_value = "1/1", requires = "source")]
    shard: Shard,
    /// Keep what was built below target/fairbench, so that the next run is quicker
    #[arg(long, requires = "source")]
    keep_builds: bool,
}

/// Runs the trials, or with `report` only sums them up. `out` is the file that keeps them.
///
/// # Errors
/// Wrong usage: an unknown patch. Exit 3: a patch that cannot be read or does not apply, an error of git, or a file
/// that cannot be written.
pub(super) fn run(project: &Project<'_>, args: &Args, out: Option<&Path>, report: bool, json: bool) -> CommandResult {
    let root = &project.root;
    let Some(source) = &project.settings.selftest.source else {
        let file = root.join(settings::FILE);
        return Err(Failure::could_not(format_args!(
            "{}: names no patches; expected a section [selftest.source]",
            file.display()
        )));
    };
    let patches = chosen(read_all(root, &source.patches)?, &args.only)?;
    let ways = if args.ways.is_empty() { Way::ALL.to_vec() } else { args.ways.clone() };
    let planned = plan(&patches, &ways, args.shard);
    if report {
        let trials = journal::read::<SourceSetup>(out.unwrap_or(Path::new("")))?;
        return show(&SourceSummary::of(&planned, &trials, None, false), json);
    }
    interrupt::watch()?;
    let host = project.host();
    let name = host.fingerprint();
    let state = state_directory(root);
    let path = out.map_or_else(|| state.join("selftest/source").join(format!("{name}.jsonl")), absolute);
    let ground = Ground::prepare(root, &state, source, &path, args.keep_builds)
        .map_err(|failure| if interrupt::requested() { Failure::interrupted() } else { failure })?;
    ground.check(&patches)?;
    let mut journal = SourceJournal::open(&path, &SourceSetup::of(&ground.tree))?;
    let ended = go_on(&mut journal, &ground, &planned, &host);
    drop(ground);
    let interrupted = matches!(&ended, Err(failure) if failure.exit() == Exit::Interrupted);
    let exit = show(&SourceSummary::of(&planned, &journal.trials, Some(&name), interrupted), json)?;
    if !json {
        print(format_args!("Trials: {}", path.display()));
    }
    match ended {
        Err(failure) if !interrupted => Err(failure),
        _ => Ok(exit),
    }
}

/// Makes the planned trials that are not done yet. What could not be measured before is tried again.
fn go_on(journal: &mut SourceJournal, ground: &Ground, planned: &[(&Patch, Way)], host: &Host) -> Result<(), Failure> {
    let name = host.fingerprint();
    let bar = ProgressBar::new("self-test", planned.len() as u64);
    for (patch, way) in planned {
        if interrupt::requested() {
            return Err(Failure::interrupted());
        }
        let done = last(&journal.trials, patch, *way, Some(&name));
        if done.is_none_or(|trial| trial.found == TrialOutcome::CouldNotMeasure) {
            bar.say(&format!("{}, {}", patch.name, way.name()));
            let trial = match patch.unmet(host) {
                Some(need) => SourceTrial::not_here(patch, *way, &name, need.name()),
                None => SourceTrial::run(ground, patch, *way, &name, timed(&journal.trials, patch, &name))?,
            };
            journal.keep(trial)?;
        }
        bar.advance(1);
    }
    bar.finish();
    Ok(())
}

fn show(summary: &SourceSummary, json: bool) -> CommandResult {
    if json {
        print(serde_json::to_string_pretty(summary).map_err(anyhow::Error::from)?);
    } else {
        print(format_args!("{}\n\n{}", summary.line, summary.table()));
    }
    Ok(summary.exit())
}

fn chosen(patches: Vec<Patch>, only: &[String]) -> Result<Vec<Patch>, Failure> {
    if let Some(unknown) = only.iter().find(|name| patches.iter().all(|patch| patch.name != **name)) {
        let names: Vec<&str> = patches.iter().map(|patch| patch.name.as_str()).collect();
        return Err(Failure::usage(format!("no patch is called {unknown:?}; they are {}", names.join(", "))));
    }
    let wanted = |patch: &Patch| only.is_empty() || only.contains(&patch.name);
    Ok(patches.into_iter().filter(wanted).collect())
}

fn absolute(path: &Path) -> PathBuf {
    std::path::absolute(path).unwrap_or_else(|_| path.to_owned())
}
