//! `perf-lab sweep`: check, count, time, compare, report.

use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use clap::Args as ClapArgs;
use fairbench::command_line;
use fairbench::compare::group::Effort;
use fairbench::exit::{CommandResult, Exit, Failure};
use fairbench::history;
use fairbench::host::Host;
use fairbench::interrupt;
use fairbench::measure::pin::{can_pin, measuring_core};
use fairbench::measure::queue;
use fairbench::missing::{self, AllowMissing};
use fairbench::progress::ProgressBar;
use ron_auth_catalogue::Variant;

use super::hooks::project;
use super::{OnCore, print};
use crate::catalogue::REFERENCE;
use crate::catalogue::available::hindrance;
use crate::corpus::Source;
use crate::own::pool::all_threads;
use crate::own::repository_root;
use crate::own::twin;
use crate::report::conclude::{Sources, conclude};
use crate::run::entry_of;
use crate::run::record::Header;
use crate::run::{Record, Run, RunPlace, Session};
use crate::sweep::check::{cells, check_all};
use crate::sweep::instructions::runs_under_valgrind;
use crate::sweep::measure::SweepMethod;
use crate::sweep::plan::{BuiltIn, Profiles, SweepPlan};
use crate::sweep::schedule::Limits;
use crate::sweep::{count, stages};

/// Part of the budget that the checks and then the counting of allocations may take.
const FOR_ALLOCATIONS: f64 = 0.2;
/// Part of the budget that profiles may take.
const FOR_PROFILES: f64 = 0.25;
/// Part of the time for measuring that is kept for instructions, if the plan wants them.
const FOR_INSTRUCTIONS: f64 = 0.15;
/// Time of the budget that is kept for drawing the report.
const FOR_REPORT: Duration = Duration::from_secs(3);

/// Measure every variant against plain by a plan (times, allocations, memory, profiles), and write a report
#[derive(Debug, ClapArgs)]
pub struct Args {
    /// Take half a minute: shows whether everything works, and roughly how fast it is
    #[arg(long, conflicts_with_all = ["quick", "full", "plan"])]
    smoke: bool,
    /// Take a few minutes: enough to choose a composition and its knobs (the default)
    #[arg(long, conflicts_with_all = ["full", "plan"])]
    quick: bool,
    /// Take as long as it needs: every variant, composition and knob
    #[arg(long, conflicts_with = "plan")]
    full: bool,
    /// File with a plan of your own (perf/plans/README.md)
    #[arg(long, value_name = "FILE")]
    plan: Option<PathBuf>,
    /// Time for the whole run, such as 10m: the most important is measured first, and what was left out is named
    #[arg(long, value_name = "TIME", value_parser = humantime::parse_duration)]
    budget: Option<Duration>,
    /// Directory to write to [default: reports/TIME-PLAN of the repository]
    #[arg(long, value_name = "DIR")]
    out: Option<PathBuf>,
    /// Go on with the interrupted run in this directory, by the same plan
    #[arg(long, value_name = "DIR", conflicts_with = "out")]
    resume: Option<PathBuf>,
    /// Store the result as the baseline of this host
    #[arg(long)]
    save_baseline: bool,
    /// Measure these variants only, beside plain
    #[arg(long, value_name = "NAME,…", value_delimiter = ',')]
    variants: Vec<String>,
    /// Measure these fixtures or corpus files only
    #[arg(long, value_name = "NAME,…", value_delimiter = ',')]
    fixtures: Vec<String>,
    /// Measure batches of these sizes instead of the plan's
    #[arg(long, value_name = "TOKENS,…", value_delimiter = ',', value_parser = clap::value_parser!(u16).range(1..))]
    batches: Vec<u16>,
    /// Measure exactly this many blocks of everything, whatever precision that gives
    #[arg(long, value_parser = clap::value_parser!(u16).range(6..))]
    blocks: Option<u16>,
    /// Do not count instructions, even if valgrind is installed
    #[arg(long)]
    no_instructions: bool,
    /// Do not sample profiles
    #[arg(long)]
    no_profile: bool,
    /// File with the tripwires [default: baselines/tripwires.toml of the repository]
    #[arg(long, value_name = "FILE")]
    tripwires: Option<PathBuf>,
    #[command(flatten)]
    allow_missing: AllowMissing,
    #[command(flatten)]
    on_core: OnCore,
    /// Directory in which baselines are stored [default: baselines of the repository]
    #[arg(long, value_name = "DIR")]
    baselines: Option<PathBuf>,
    /// File with the history that the run is added to [default: history.jsonl beside the run's directory]
    #[arg(long, value_name = "FILE")]
    history: Option<PathBuf>,
}

/// Runs `sweep`. Exit 1 if variants differ or a tripwire is broken, 2 if there was no time to measure anything, 3 if a
/// tripwire that binds here was not measured although it is expected to be (a plan of one's own, or options that narrow
/// it, may leave it out), 130 if interrupted.
///
/// # Errors
/// An unknown name; a plan that cannot be understood; a difference between variants; a file that cannot be read or
/// written.
pub fn run(args: &Args) -> CommandResult {
    let root = repository_root();
    let mut plan = planned(args)?;
    args.on_core.settle()?;
    // What the result will be held against is read first: better to fail now than after minutes of measuring.
    let sources = Sources::read(&root, args.tripwires.as_deref(), args.baselines.as_deref())?;
    let allowed = args.allow_missing.with(&project()?.settings.gate.allow_missing);
    let mut header = Header::new(&plan.name, sources.host.clone(), plan.panels());
    header.leave_out(&hindrance);
    plan.leave_out(&hindrance);
    if header.panels.is_empty() && !header.unavailable.is_empty() {
        let all: Vec<String> = header.sentences_of_unavailable().collect();
        return Err(Failure::could_not(format_args!("nothing is left of the plan {:?}: {}", plan.name, all.join(" "))));
    }
    if header.panels.is_empty() {
        return Err(Failure::usage(format!(
            "nothing is left of the plan {:?} with these --variants, --fixtures and --batches on {} threads",
            plan.name,
            all_threads()
        )));
    }
    let budget = args.budget.or(plan.budget);
    header.budget_s = budget.map(|budget| budget.as_secs_f64());
    header.command = command_line::own("cargo lab");
    header.sign()?;
    let place = match &args.resume {
        Some(directory) => RunPlace::interrupted(directory, &header)?,
        None => RunPlace::new(location(args, &header, &root))?,
    };
    interrupt::watch()?;

    if plan.allocations {
        // Building takes none of the budget. What is wrong with it is told when the program is needed.
        let _ = twin::program(&root, twin::ALLOCATIONS);
    }
    let begun = Instant::now();
    let cells = cells(&header.panels);
    let bar = ProgressBar::new("checking", cells.len() as u64);
    header.checked_cells = check_all(&cells, &interrupt::requested, &mut || bar.advance(1))?;
    bar.finish();

    let mut session = Session::begin(place, header)?;
    let unavailable: Vec<String> = session.run.header.sentences_of_unavailable().collect();
    for note in notes(&plan, &session.run.header.host).into_iter().chain(unavailable) {
        if !session.run.notes.contains(&note) {
            session.keep(Record::Note(note))?;
        }
    }
    let until = |part: f64| budget.map(|budget| begun + budget.mul_f64(part));
    stages::allocations(&mut session, &plan, &cells, &root, until(FOR_ALLOCATIONS))?;
    let instructions = if args.no_instructions { Vec::new() } else { count::wanted_instructions(&plan, &cells) };
    let profiles = plan.profile.as_ref().filter(|_| !args.no_profile);
    let profile_time = |profiles: &Profiles| {
        let most = budget.map_or(Duration::MAX, |budget| budget.mul_f64(FOR_PROFILES) / profiles.count().max(1));
        profiles.time.min(most)
    };
    let reserved = profiles.map_or(Duration::ZERO, |p| profile_time(p) * p.count()) + FOR_REPORT;
    let can_count = runs_under_valgrind().is_ok();
    let kept_back = if instructions.is_empty() || !can_count { 0.0 } else { FOR_INSTRUCTIONS };
    let method = SweepMethod {
        limits: limits(&plan, args.blocks),
        effort: Effort { turn_ns: plan.turn.as_nanos() as f64, rounds: plan.rounds },
        budget: budget.map(|budget| budget.saturating_sub(begun.elapsed() + reserved).mul_f64(1.0 - kept_back)),
    };
    // What an interrupted wait leaves unmeasured is told below.
    if let Ok(_turn) = queue::turn(&interrupt::requested) {
        stages::times(&mut session, method)?;
    }
    if !interrupt::requested() {
        stages::memory(&mut session, &plan)?;
    }
    if let Some(profiles) = profiles.filter(|_| !interrupt::requested()) {
        stages::profiles(&mut session, profiles, profile_time(profiles))?;
    }
    if !interrupt::requested() {
        let deadline = budget.map(|budget| begun + budget.saturating_sub(FOR_REPORT));
        stages::instructions(&mut session, &instructions, deadline)?;
    }
    let interrupted = interrupt::requested();
    if !interrupted {
        session.keep(Record::End { elapsed_s: begun.elapsed().as_secs_f64() })?;
    }
    finish(args, &session.run, &sources, &allowed, interrupted)
}

/// Writes what follows from the run, and prints the answer.
fn finish(args: &Args, run: &Run, sources: &Sources, allowed: &[String], interrupted: bool) -> CommandResult {
    eprintln!("drawing the report …");
    let mut concluded = conclude(run, sources)?;
    missing::allow(&mut concluded.missing, allowed, true);
    let is_narrowed = !(args.variants.is_empty() && args.fixtures.is_empty() && args.batches.is_empty());
    let is_own = args.plan.is_some() || is_narrowed;
    // Who says what is to be measured, says what is not; unless it is the tripwires that are asked for.
    if is_own && args.tripwires.is_none() {
        for missing in &mut concluded.missing {
            missing.allowed |= !sources.tripwires().is_planned(&missing.name, &run.header.panels);
        }
    }
    // What an interrupted run has not come to yet is not missing.
    if interrupted {
        concluded.missing.clear();
    }
    // The answer comes first, whatever else there is to say.
    print(concluded.answer.text());
    if !interrupted {
        if args.save_baseline {
            print(format_args!("Stored as the baseline of this host: {}.", sources.save_baseline(run)?.display()));
        }
        let beside = || run.directory.parent().unwrap_or(Path::new(".")).join(history::file::FILE_NAME);
        for note in history::append(&args.history.clone().unwrap_or_else(beside), &entry_of(run))? {
            eprintln!("perf-lab: {note}");
        }
    }
    for missing in concluded.missing.iter().filter(|missing| !missing.allowed) {
        print(missing.line());
    }
    let expected = concluded.missing.iter().filter(|missing| missing.allowed).count();
    if expected > 0 {
        print(format_args!("Not measured, as expected: {expected} tripwires (the report names them)."));
    }
    let tripwires = sources.tripwires().names();
    let strangers = missing::strangers(&args.allow_missing.names, |name| tripwires.iter().any(|known| known == name));
    if let Some(note) = missing::note_on_strangers(&strangers) {
        print(note);
    }
    for sentence in run.header.sentences_of_unavailable() {
        print(sentence);
    }
    if interrupted {
        print(format_args!("To go on: cargo lab sweep --resume {} with the same options.", run.directory.display()));
    }
    print(concluded.report.display());
    Ok(if interrupted {
        Exit::Interrupted
    } else if !concluded.holds {
        Exit::Difference
    } else if missing::any_unexpected(&concluded.missing) {
        Exit::CouldNot
    } else if concluded.is_empty {
        Exit::Inconclusive
    } else {
        Exit::Success
    })
}

fn location(args: &Args, header: &Header, root: &Path) -> PathBuf {
    let name = || format!("{}-{}", header.started_utc.replace([':', '-'], ""), header.plan);
    args.out.clone().unwrap_or_else(|| root.join("reports").join(name()))
}

fn planned(args: &Args) -> Result<SweepPlan, Failure> {
    let threads = all_threads();
    let mut plan = match &args.plan {
        Some(path) => SweepPlan::read(path, threads)?,
        None if args.full => SweepPlan::built_in(BuiltIn::Full, threads)?,
        None if args.smoke => SweepPlan::built_in(BuiltIn::Smoke, threads)?,
        None => SweepPlan::built_in(BuiltIn::Quick, threads)?,
    };
    // What cannot be measured here gets its row in the tables all the same.
    let named = args.variants.iter().map(|name| ron_auth_catalogue::find(name).map_err(Failure::usage));
    let variants: Vec<Variant> = named.collect::<Result<_, _>>()?;
    let corpora: Vec<Source> =
        args.fixtures.iter().map(|name| name.parse().map_err(Failure::usage)).collect::<Result<_, _>>()?;
    let batches: Vec<usize> = args.batches.iter().map(|batch| usize::from(*batch)).collect();
    plan.keep_only(&variants, &corpora, &batches);
    if plan.sections.is_empty() {
        // Told by whoever unfolds it.
        return Ok(plan);
    }
    // What is asked for by name and is not in the plan would else be left out in silence.
    for variant in variants.iter().filter(|variant| variant.name != REFERENCE) {
        if !plan.sections.iter().any(|section| section.variants.iter().any(|other| other.name == variant.name)) {
            return Err(not_in_plan("--variants", variant.name, &plan.name));
        }
    }
    for corpus in &corpora {
        if !plan.sections.iter().any(|section| section.corpora.contains(corpus)) {
            return Err(not_in_plan("--fixtures", &corpus.to_string(), &plan.name));
        }
    }
    Ok(plan)
}

fn not_in_plan(option: &str, name: &str, plan: &str) -> Failure {
    Failure::usage(format!("{option}: no section of the plan {plan:?} has {name}; a plan of one's own can (--plan)"))
}

fn limits(plan: &SweepPlan, blocks: Option<u16>) -> Limits {
    match blocks.map(usize::from) {
        Some(blocks) => Limits { least: blocks, most: blocks, precision: 0.0 },
        None => Limits { least: plan.blocks.0, most: plan.blocks.1, precision: plan.precision },
    }
}

fn notes(plan: &SweepPlan, host: &Host) -> Vec<String> {
    let about = if plan.about.is_empty() { String::new() } else { format!(": {}", plan.about) };
    let mut notes = vec![format!("Plan {}{about}.", plan.name)];
    if !can_pin() {
        notes.push("This system does not let a thread be pinned to a core: expect wider intervals.".to_owned());
    }
    if let Some(core) = measuring_core() {
        notes.push(format!("What is on one thread was measured on core {core}."));
    }
    if all_threads() == 1 {
        notes.push("One thread only: nothing was measured on several.".to_owned());
    }
    if host.build != "release" {
        notes.push("This is a debug build: its numbers mean nothing.".to_owned());
    }
    if plan.sections.iter().any(|section| section.variants.iter().any(Variant::is_composition)) {
        notes.push(format!(
            "The backends of compositions are picked at run time. `+` / `{REFERENCE}` and the composition of all \
             backends / `prod` show what that costs."
        ));
    }
    notes
}
