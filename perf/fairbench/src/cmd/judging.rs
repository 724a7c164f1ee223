//! What `ab` and `gate` have in common: options, and the way from two names to an exit code.

use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use anyhow::Context;
use clap::Args as ClapArgs;

use super::{OnCore, print};
use crate::compare::engine::{ComparisonProgress, Surroundings};
use crate::exit::{CommandResult, Exit, Failure};
use crate::files::{is_same_file, is_standard_output, state_directory, write_whole};
use crate::gate::outcome::GateOutcome;
use crate::gate::provenance::{nothing_to_time, timed_before};
use crate::gate::sides::{Matched, SidePlace};
use crate::gate::{self, render};
use crate::interrupt;
use crate::measure::{queue, seed_of_now};
use crate::missing::{self, AllowMissing};
use crate::progress::ProgressBar;
use crate::project::Project;
use crate::settings::{self, GateConfig};
use crate::side::manifest::Likeness;
use crate::side::{Side, SideSpec};

/// Options of every command that judges.
#[derive(Debug, ClapArgs)]
pub(super) struct Judging {
    /// Print the outcome as JSON, with the raw values of every block
    #[arg(long)]
    json: bool,
    /// Write the outcome as Markdown to this file, for a job summary or a comment
    #[arg(long, value_name = "FILE")]
    markdown: Option<PathBuf>,
    /// Longest time to measure, such as 10s: once for the benchmarks on one thread, and once for those on all cores
    #[arg(long, value_name = "TIME", value_parser = humantime::parse_duration)]
    budget: Option<Duration>,
    /// Slow-down, in per cent, that makes a change at least a warning
    #[arg(long, value_name = "PERCENT")]
    warn: Option<f64>,
    /// Slow-down, in per cent, that makes a change fail
    #[arg(long, value_name = "PERCENT")]
    fail: Option<f64>,
    /// Judge these benchmarks only
    #[arg(long, value_name = "NAME,…", value_delimiter = ',')]
    benchmarks: Vec<String>,
    #[command(flatten)]
    allow_missing: AllowMissing,
    #[command(flatten)]
    on_core: OnCore,
    /// For `git bisect run`: exit 0 if the candidate is good (a warning counts as good), 1 if it is bad, 125 if it
    /// could not be judged (inconclusive, does not build, could not measure)
    #[arg(long)]
    bisect: bool,
    /// End with exit code 1 on a warning, too
    #[arg(long)]
    strict: bool,
    /// File with the settings of the gate [default: those of fairbench.toml]
    #[arg(long, value_name = "FILE")]
    settings: Option<PathBuf>,
    /// Time the sides even if their programs are equal: a test of this machine
    #[arg(long)]
    time_equal: bool,
    /// Seed from which orders and layouts are drawn: the same seed draws the same ones again [default: the time]
    #[arg(long)]
    seed: Option<u64>,
    /// Time and decide nothing if these are the digests of what the programs load: so the self-test does not time the
    /// same two programs again
    #[arg(long, hide = true, value_name = "BASE,CANDIDATE", value_delimiter = ',')]
    timed_before: Vec<String>,
}

impl Judging {
    /// Checks that writing the outcome to its file would not overwrite something else that is written.
    ///
    /// # Errors
    /// Wrong usage: the file is also where something else goes.
    fn check_outputs(&self, root: &Path) -> Result<(), Failure> {
        let Some(path) = &self.markdown else { return Ok(()) };
        let taken = if is_standard_output(path) {
            "standard output goes there"
        } else if is_same_file(path, &kept_at(root)) {
            "the raw values are kept there"
        } else {
            return Ok(());
        };
        Err(Failure::usage(format!("--markdown {}: {taken}; expected another file", path.display())))
    }

    /// The settings of the gate, as changed by the options.
    ///
    /// # Errors
    /// A file that cannot be read; wrong usage: a value out of its range.
    fn config(&self, project: &Project<'_>) -> Result<GateConfig, Failure> {
        let mut config = match &self.settings {
            Some(path) => settings::read_gate(path)?,
            None => project.settings.gate.clone(),
        };
        if let Some(budget) = self.budget {
            config.budget_seconds = budget.as_secs_f64();
            config.all_cores_budget_seconds = budget.as_secs_f64();
        }
        if self.warn.is_some() || self.fail.is_some() {
            // What is asked for on the command line holds for every benchmark.
            config.benchmarks.clear();
        }
        config.warn_percent = self.warn.unwrap_or(config.warn_percent);
        // A warn level above the settings' fail level would else be refused.
        config.fail_percent = self.fail.unwrap_or(config.fail_percent.max(config.warn_percent));
        config.check().map_err(Failure::usage)?;
        config.allow_missing.extend(self.allow_missing.names.iter().cloned());
        Ok(config)
    }
}

/// Builds both sides, counts, measures, judges and shows. With `limits` the tripwires, which hold for every revision,
/// are judged too.
pub(super) fn run(
    project: &Project<'_>,
    base: &str,
    candidate: &str,
    options: &Judging,
    limits: bool,
) -> CommandResult {
    let ended = judged(project, base, candidate, options, limits);
    if options.bisect { ended.map(Exit::for_bisect).map_err(Failure::for_bisect) } else { ended }
}

fn judged(project: &Project<'_>, base: &str, candidate: &str, options: &Judging, limits: bool) -> CommandResult {
    let config = options.config(project)?;
    let sides = |text: &str| SideSpec::parse(text, project.hooks);
    let (base, candidate) = (sides(base)?, sides(candidate)?);
    options.check_outputs(&project.root)?;
    options.on_core.settle()?;
    interrupt::watch()?;
    let seed = options.seed.unwrap_or_else(seed_of_now);
    let mut turn = None;
    let mut outcome = match matched(&base, &candidate, options, project) {
        Ok(Ready::ToTime(matched)) => match queue::turn(&interrupt::requested) {
            // Held until the limits are measured as well.
            Ok(got) => {
                turn = Some(got);
                let mut outcome = measured(&matched, &config, seed);
                outcome.notes.extend(note_on_strangers(matched.known(), &config, project));
                outcome
            }
            Err(failure) => GateOutcome::failed(&base.to_string(), &candidate.to_string(), &config, &failure),
        },
        Ok(Ready::Equal([base, candidate], likeness, known)) => {
            let mut outcome = GateOutcome::equal(&base, &candidate, &config, likeness);
            outcome.add_levels_of_none(&known);
            outcome.notes.extend(note_on_strangers(&known, &config, project));
            outcome
        }
        Ok(Ready::NotAgain([base, candidate], likeness)) => {
            GateOutcome::not_again(&base, &candidate, &config, likeness)
        }
        Err(failure) if failure.exit() == Exit::Usage => return Err(failure),
        Err(failure) => GateOutcome::failed(&base.to_string(), &candidate.to_string(), &config, &failure),
    };
    if limits && outcome.stopped.is_none() {
        let judged = turn
            .map_or_else(|| queue::turn(&interrupt::requested), Ok)
            .and_then(|_turn| project.hooks.judge_limits(&candidate, &mut outcome, &project.root));
        if let Err(failure) = judged {
            outcome.stop(&failure);
        }
    }
    if options.strict {
        outcome.be_strict();
    }
    if options.bisect {
        outcome.exit_code = outcome.exit().for_bisect().code();
    }
    show(&mut outcome, options, &project.root)?;
    Ok(outcome.exit())
}

/// Two sides after they were built, and what remains to be done with them.
enum Ready {
    /// To be timed; both were counted already.
    ToTime(Box<Matched>),
    /// Not to be timed, since the programs are equal: the names of the sides, how they were built, and the names of
    /// their benchmarks.
    Equal([String; 2], Likeness, Vec<String>),
    /// Not to be timed again: the names of the sides, and how they were built.
    NotAgain([String; 2], Likeness),
}

fn matched(base: &SideSpec, candidate: &SideSpec, options: &Judging, project: &Project<'_>) -> Result<Ready, Failure> {
    let base = Side::resolve(base, &project.site())?;
    let candidate = Side::resolve(candidate, &project.site())?;
    if let Some(likeness) = base.likeness(&candidate)
        && nothing_to_time(&likeness)
        && !options.time_equal
    {
        let known: Vec<String> = base.cases().into_iter().map(|case| case.name).collect();
        if let Some(unknown) = options.benchmarks.iter().find(|name| !known.contains(name)) {
            return Err(Failure::usage(format!(
                "no benchmark that both sides have is called {unknown:?}; there are {}",
                known.join(", ")
            )));
        }
        return Ok(Ready::Equal([base.label, candidate.label], likeness, known));
    }
    if let Some(likeness) = base.likeness(&candidate)
        && timed_before(&likeness, &options.timed_before)
    {
        return Ok(Ready::NotAgain([base.label, candidate.label], likeness));
    }
    eprintln!("counting …");
    let (state, host) = (state_directory(&project.root), project.host());
    let at = SidePlace { state: &state, host: &host };
    Matched::new(&base, &candidate, &options.benchmarks, &at).map(|matched| Ready::ToTime(Box::new(matched)))
}

fn measured(matched: &Matched, config: &GateConfig, seed: u64) -> GateOutcome {
    let start = Instant::now();
    let steps = 100;
    let bar = ProgressBar::new("measuring", steps);
    let mut heard = |blocks: ComparisonProgress| {
        bar.set((blocks.spent * steps as f64) as u64);
        bar.say(&format!("{} of {} decided after {} blocks", blocks.decided, blocks.cases, blocks.blocks));
    };
    let mut around =
        Surroundings { now: &|| start.elapsed(), interrupted: &interrupt::requested, progress: &mut heard };
    let outcome = gate::judge(&matched.pair(), config, seed, &mut around);
    bar.finish();
    outcome
}

/// A note about names that are allowed to be missing although nothing is called so.
fn note_on_strangers(known: &[String], config: &GateConfig, project: &Project<'_>) -> Option<String> {
    let limits = project.hooks.limits(&project.root);
    let is_known = |name: &str| {
        let mut known = known.iter().chain(&limits).chain(config.benchmarks.keys());
        ["instructions", "allocations"].contains(&name) || known.any(|known| known == name)
    };
    missing::note_on_strangers(&missing::strangers(&config.allow_missing, is_known))
}

/// Path of the file that keeps the last outcome.
fn kept_at(root: &Path) -> PathBuf {
    state_directory(root).join("last-outcome.json")
}

fn show(outcome: &mut GateOutcome, options: &Judging, root: &Path) -> Result<(), Failure> {
    if let Some(path) = &options.markdown {
        write_whole(path, render::markdown(outcome))?;
    }
    // Kept in any case, so that an interruption loses nothing and a surprise can be looked into.
    let kept = kept_at(root);
    if !outcome.rows.is_empty() {
        outcome.notes.push(format!("Raw values of every block: {}", kept.display()));
    }
    let json = serde_json::to_string_pretty(outcome).context("could not write the outcome as JSON")?;
    if options.json {
        print(&json);
    } else {
        print(render::terminal(outcome));
    }
    write_whole(&kept, json)?;
    Ok(())
}
