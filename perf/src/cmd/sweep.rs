//! `perf-lab sweep`: check, count, time, compare, report.

use std::collections::{HashMap, HashSet, VecDeque};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::SystemTime;

use anyhow::Context;
use clap::Args as ClapArgs;
use ron_auth_fixtures::Fixture;
use ron_auth_variants::Variant;

use super::{fixture_named, print, variant_named};
use crate::baseline::Baseline;
use crate::cell::{Cell, Group, Knobs, REFERENCE};
use crate::count::allocations::{self, Allocations};
use crate::count::instructions;
use crate::exit::{Exit, Failure, Outcome};
use crate::files::{repository_root, write_whole};
use crate::host::Host;
use crate::measure::pin::{all_threads, can_pin};
use crate::report::csv::CsvFile;
use crate::report::plots;
use crate::report::progress::Progress;
use crate::report::summary::Summary;
use crate::sweep::check::{Corpora, check_all};
use crate::sweep::plan::{Mode, Selection, plan};
use crate::sweep::row::{Kind, Row};
use crate::sweep::time::{effort_for, time_group};
use crate::tripwire::Tripwires;

/// Measure every variant against plain: time, allocations, instructions; write CSV, plots and a summary
#[derive(Debug, ClapArgs)]
pub struct Args {
    /// About half a minute: does everything work, roughly how fast?
    #[arg(long, conflicts_with_all = ["quick", "full"])]
    smoke: bool,
    /// A few minutes: every variant, fixture and batch; knobs where they matter most (the default)
    #[arg(long, conflicts_with = "full")]
    quick: bool,
    /// Everything, every knob
    #[arg(long)]
    full: bool,
    /// Where to write [default: reports/TIME-MODE of the repository]
    #[arg(long, value_name = "DIR")]
    out: Option<PathBuf>,
    /// Store the result as the baseline of this host
    #[arg(long)]
    save_baseline: bool,
    /// Only these variants, beside plain
    #[arg(long, value_name = "NAME,…", value_delimiter = ',')]
    variants: Vec<String>,
    /// Only these fixtures
    #[arg(long, value_name = "NAME,…", value_delimiter = ',')]
    fixtures: Vec<String>,
    /// Only these batches
    #[arg(long, value_name = "TOKENS,…", value_delimiter = ',', value_parser = clap::value_parser!(u16).range(1..))]
    batches: Vec<u16>,
    /// Exactly this many rounds for each group
    #[arg(long, value_parser = clap::value_parser!(u16).range(3..))]
    rounds: Option<u16>,
    /// Do not count instructions, even where valgrind is there
    #[arg(long)]
    no_instructions: bool,
    /// The tripwires [default: baselines/tripwires.toml of the repository]
    #[arg(long, value_name = "FILE")]
    tripwires: Option<PathBuf>,
    /// Where baselines are stored [default: baselines of the repository]
    #[arg(long, value_name = "DIR")]
    baselines: Option<PathBuf>,
}

/// Runs it. Exit 1 if variants differ or a tripwire is broken, 130 if interrupted.
///
/// # Errors
/// An unknown name; a difference between variants; a file that cannot be read or written.
pub fn run(args: &Args) -> Outcome {
    let started_utc = humantime::format_rfc3339_seconds(SystemTime::now()).to_string();
    let mode = if args.full {
        Mode::Full
    } else if args.smoke {
        Mode::Smoke
    } else {
        Mode::Quick
    };
    let selection = selection(args, mode)?;
    let reference = variant_named(REFERENCE)?;

    // What the result will be held against is read first: better to fail now than after minutes of measuring.
    let root = repository_root();
    let host = Host::detect(&root);
    let baselines = args.baselines.clone().unwrap_or_else(|| root.join("baselines"));
    let tripwires = Tripwires::read(&args.tripwires.clone().unwrap_or_else(|| root.join("baselines/tripwires.toml")))?;
    let stored = Baseline::find(&baselines, &host)?;
    let out = args.out.clone().unwrap_or_else(|| {
        root.join("reports").join(format!("{}-{}", started_utc.replace([':', '-'], ""), mode.name()))
    });
    std::fs::create_dir_all(&out).with_context(|| format!("could not create {}", out.display()))?;
    let mut csv = CsvFile::create(&out.join("sweep.csv"))?;

    let interrupted = Arc::new(AtomicBool::new(false));
    let flag = interrupted.clone();
    ctrlc::set_handler(move || flag.store(true, Ordering::Relaxed)).context("could not watch for Ctrl-C")?;
    let stop = || interrupted.load(Ordering::Relaxed);

    let groups = plan(&selection);
    let mut notes = notes(&selection, mode, &host);

    let mut corpora = Corpora::default();
    let cells: usize = groups.iter().map(|group| group.cells.len()).sum();
    let progress = Progress::new("checking", cells as u64);
    let checked_cells = check_all(&groups, &reference, &mut corpora, &mut || progress.advance(1))?;
    progress.finish();

    let counts = count(&groups, &reference, args, mode, &root, &stop, &mut notes);

    let rounds = args.rounds.map(usize::from);
    // A step is a millisecond of the time that a group may take.
    let steps_of = |group: &Group| effort_for(mode, group, rounds).budget.as_millis() as u64;
    let progress = Progress::new("timing", groups.iter().map(steps_of).sum());
    let mut rows: Vec<Row> = Vec::new();
    let (mut measured_groups, mut steps_done) = (0, 0);
    for (index, group) in groups.iter().enumerate() {
        if stop() {
            break;
        }
        progress.say(&group.label());
        let corpus = corpora.of(group.fixture, group.batch);
        let steps = steps_of(group);
        let mut done = |part: f64| progress.set(steps_done + (part * steps as f64) as u64);
        let effort = effort_for(mode, group, rounds);
        let mut group_rows = time_group(index, group, &reference, &corpus, effort, &stop, &mut done)?;
        counts.fill(&mut group_rows);
        csv.write(&group_rows)?;
        measured_groups += usize::from(group_rows.iter().any(|row| row.complete));
        rows.extend(group_rows);
        steps_done += steps;
        progress.set(steps_done);
    }
    progress.finish();
    let interrupted = stop();

    let judged = tripwires.judge(&host, &rows);
    let written_plots = plots::write_all(&out, &rows)?;
    let baseline = match &stored {
        Some(stored) => Ok(stored.compare(&rows)),
        None => Err(format!(
            "None is stored for this host ({}). `cargo lab sweep --save-baseline` stores one in baselines/.",
            host.fingerprint()
        )),
    };
    if args.save_baseline && !interrupted {
        let saved = Baseline::of(started_utc.clone(), host.clone(), &rows).save(&baselines)?;
        notes.push(format!("Stored as the baseline of this host: {}.", name_of(&saved)));
    }
    let summary = Summary {
        mode: mode.name(),
        started_utc: &started_utc,
        host: &host,
        rows: &rows,
        checked_cells,
        groups: (measured_groups, groups.len()),
        interrupted,
        tripwires: &judged,
        baseline,
        notes: &notes,
        plots: &written_plots,
    };
    let path = out.join("summary.md");
    write_whole(&path, summary.markdown())?;

    print(summary.verdict());
    print(path.display());
    Ok(if interrupted {
        Exit::Interrupted
    } else if summary.broken().is_empty() {
        Exit::Success
    } else {
        Exit::Difference
    })
}

fn selection(args: &Args, mode: Mode) -> Result<Selection, Failure> {
    let variants: Vec<Variant> = if args.variants.is_empty() {
        ron_auth_variants::catalogue()
    } else {
        let names = args.variants.iter().filter(|name| *name != REFERENCE);
        std::iter::once(variant_named(REFERENCE))
            .chain(names.map(|name| variant_named(name)))
            .collect::<Result<_, _>>()?
    };
    let fixtures: Vec<Fixture> = if args.fixtures.is_empty() {
        Fixture::ALL.to_vec()
    } else {
        args.fixtures.iter().map(|name| fixture_named(name)).collect::<Result<_, _>>()?
    };
    let batches = (!args.batches.is_empty()).then(|| args.batches.iter().map(|batch| usize::from(*batch)).collect());
    Ok(Selection { mode, variants, fixtures, batches, all_threads: all_threads() })
}

fn notes(selection: &Selection, mode: Mode, host: &Host) -> Vec<String> {
    let mut notes = vec![mode.omissions().to_owned()];
    if !can_pin() {
        notes.push("This system does not let a thread be pinned to a core: expect wider intervals.".to_owned());
    }
    if selection.all_threads == 1 {
        notes.push("One thread only: nothing was measured on several.".to_owned());
    }
    if host.build != "release" {
        notes.push("This is a debug build: its numbers mean nothing.".to_owned());
    }
    notes
}

/// What was counted, waiting for the rows it belongs to.
#[derive(Default)]
struct Counts {
    allocations: HashMap<(String, String, usize, Knobs), Allocations>,
    instructions: HashMap<instructions::Key, f64>,
}

impl Counts {
    fn fill(&self, rows: &mut [Row]) {
        for row in rows.iter_mut().filter(|row| matches!(row.kind, Kind::Variant | Kind::Reference)) {
            let knobs = Knobs {
                soa_threshold: row.soa_threshold_caveats,
                par_min_batch: row.par_min_batch_tokens,
                threads: row.threads,
            };
            let key = (row.variant.clone(), row.fixture.clone(), row.batch_tokens, knobs);
            row.set_allocations(self.allocations.get(&key).copied());
            // Instructions were counted at default knobs on one thread.
            if knobs == Knobs::defaults(1) {
                row.instructions_per_token = self
                    .instructions
                    .iter()
                    .find(|((variant, fixture, batch), _)| {
                        *variant == row.variant && fixture.name() == row.fixture && *batch == row.batch_tokens
                    })
                    .map(|(_, count)| *count);
            }
        }
    }
}

/// Counts what can be counted. What cannot is noted and left empty: times are worth having without.
fn count(
    groups: &[Group],
    reference: &Variant,
    args: &Args,
    mode: Mode,
    root: &Path,
    stop: &(dyn Fn() -> bool + Sync),
    notes: &mut Vec<String>,
) -> Counts {
    let mut counts = Counts::default();
    let mut seen = HashSet::new();
    let cells: Vec<Cell> = groups
        .iter()
        .flat_map(|group| {
            let knobs = Knobs::defaults(group.threads);
            let plain = Cell { variant: *reference, fixture: group.fixture, batch: group.batch, knobs };
            std::iter::once(plain).chain(group.cells.iter().copied())
        })
        .filter(|cell| seen.insert((cell.variant.name, cell.fixture, cell.batch, cell.knobs)))
        .collect();

    let progress = Progress::new("counting allocations", cells.len() as u64);
    match allocations::count_all(&cells, root, &mut || progress.advance(1)) {
        Ok(counted) => {
            let keys = cells
                .iter()
                .map(|cell| (cell.variant.name.to_owned(), cell.fixture.name().to_owned(), cell.batch, cell.knobs));
            counts.allocations = keys.zip(VecDeque::into_iter(counted)).collect();
        }
        Err(error) => notes.push(format!("Allocations n/a: {error:#}.")),
    }
    progress.finish();

    let keys: Vec<instructions::Key> = cells
        .iter()
        .filter(|cell| cell.knobs == Knobs::defaults(1) && mode.counts_instructions(cell.batch))
        .map(|cell| (cell.variant.name, cell.fixture, cell.batch))
        .collect();
    if keys.is_empty() || args.no_instructions {
        notes.push("Instructions n/a: not counted in this sweep.".to_owned());
        return counts;
    }
    if let Err(error) = instructions::available() {
        notes.push(format!("Instructions n/a: {error:#}."));
        return counts;
    }
    let progress = Progress::new("counting instructions", keys.len() as u64);
    match instructions::count_all(&keys, stop, &|| progress.advance(1)) {
        Ok(counted) => {
            counts.instructions = counted.per_token;
            notes.push(format!(
                "Instructions were counted under valgrind, where the SIMD path is {} (par_min_batch does not apply: one \
                 thread).",
                counted.simd_path
            ));
        }
        Err(error) => notes.push(format!("Instructions n/a: {error:#}.")),
    }
    progress.finish();
    counts
}

fn name_of(path: &Path) -> String {
    path.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default()
}
