//! `baseline`: benchmarks of one program, stored with raw values, and held against each other.
//!
//! To compare two programs that are both at hand, use `ab`: it runs them in turns. A baseline is for what is not at
//! hand any more, or was measured elsewhere.

use std::path::{Path, PathBuf};

use clap::{Args as ClapArgs, Subcommand};
use comfy_table::Table;
use comfy_table::presets::ASCII_MARKDOWN;

use super::{OnCore, print};
use crate::baseline::critcmp::Export;
use crate::baseline::measurement::{Measurement, check_name, measure};
use crate::baseline::{Shift, compare, store};
use crate::exit::{CommandResult, Exit, Failure};
use crate::files::write_whole;
use crate::host::Host;
use crate::interrupt;
use crate::measure::pin::can_pin;
use crate::measure::queue;
use crate::measure::stats::PairedRatio;
use crate::missing::{self, AllowMissing};
use crate::probe::ProbeCommand;
use crate::progress::ProgressBar;
use crate::project::Project;

/// Store benchmarks of this host with their raw values; list, compare and export what is stored
#[derive(Debug, ClapArgs)]
pub struct Args {
    #[command(subcommand)]
    command: Command,
    /// Directory in which baselines are stored [default: baselines of the repository]
    #[arg(long, global = true, value_name = "DIR")]
    baselines: Option<PathBuf>,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Measure a program against the floor and store it as NAME, for this host
    Save {
        /// Name to store it under: letters, digits, '.', '_' and '-'
        name: String,
        /// What to measure: any side that `ab` takes
        #[arg(long, default_value = ".")]
        side: String,
        #[command(flatten)]
        effort: StoreEffort,
    },
    /// List what is stored, of every host
    List {
        /// Print the list as JSON
        #[arg(long)]
        json: bool,
    },
    /// Compare a stored baseline with another one, or with a side that is measured now
    ///
    /// A name is one of this host; FINGERPRINT/NAME is one of another, and a path is a file. Exit 1 if a benchmark got
    /// slower, related to the floor; 3 if one of the two lacks a benchmark and that is not expected.
    Compare {
        /// Name of the older baseline
        was: String,
        /// Name of the newer baseline [default: --side is measured now]
        is: Option<String>,
        /// What to measure if no newer baseline is named: any side that `ab` takes
        #[arg(long, default_value = ".")]
        side: String,
        /// Compare baselines of different hosts, by their ratios to the floor only
        #[arg(long)]
        force: bool,
        /// Print the comparison as JSON
        #[arg(long)]
        json: bool,
        #[command(flatten)]
        allow_missing: AllowMissing,
        #[command(flatten)]
        effort: StoreEffort,
    },
    /// Write a baseline in the format that critcmp reads
    Export {
        /// Name of the baseline
        name: String,
        /// File to write it to [default: standard output]
        #[arg(long, value_name = "FILE")]
        out: Option<PathBuf>,
    },
    /// Store what `critcmp --export` wrote on this host
    ///
    /// It has no raw values and no floor, so these times can be looked at, but nothing can be judged by them.
    Import {
        /// The file that critcmp wrote
        file: PathBuf,
        /// Name to store it under [default: the name in the file]
        #[arg(long)]
        name: Option<String>,
    },
}

#[derive(Clone, Copy, Debug, ClapArgs)]
struct StoreEffort {
    /// Number of blocks to measure, at least six, which an interval takes; each starts fresh processes
    #[arg(long, default_value_t = 24, value_parser = clap::value_parser!(u16).range(6..=1000))]
    blocks: u16,
    #[command(flatten)]
    on_core: OnCore,
}

/// Runs the subcommand of `baseline` that was asked for.
///
/// # Errors
/// Wrong usage; a file that cannot be read or written; a side that cannot be measured.
pub fn run(args: &Args, project: &Project<'_>) -> CommandResult {
    let here = Here {
        host: project.host(),
        directory: args.baselines.clone().unwrap_or_else(|| project.root.join("baselines")),
        project,
    };
    match &args.command {
        Command::Save { name, side, effort } => here.save(name, side, *effort),
        Command::List { json } => here.list(*json),
        Command::Compare { was, is, side, force, json, allow_missing, effort } => {
            let allowed = allow_missing.with(&project.settings.gate.allow_missing);
            let was = here.find(was)?;
            let is = match is {
                Some(is) => here.find(is)?,
                None => {
                    // What will be refused is refused before minutes of measuring.
                    compare::check_hosts(&was, "now", &here.host, *force)?;
                    here.measure("now", side, *effort)?
                }
            };
            show(&was, &is, *force, *json, &allowed)
        }
        Command::Export { name, out } => here.export(name, out.as_ref()),
        Command::Import { file, name } => here.import(file, name.as_deref()),
    }
}

/// What every subcommand works on: the project, this host, and the directory of the baselines.
struct Here<'p> {
    project: &'p Project<'p>,
    host: Host,
    directory: PathBuf,
}

impl Here<'_> {
    fn find(&self, name: &str) -> Result<Measurement, Failure> {
        Ok(store::find(&self.directory, &self.host, name)?)
    }

    fn measure(&self, name: &str, side: &str, effort: StoreEffort) -> Result<Measurement, Failure> {
        effort.on_core.settle()?;
        interrupt::watch()?;
        let side = self.project.side(side)?;
        let floor = self.floor()?;
        if self.host.build != "release" {
            eprintln!("This is a debug build: its numbers mean nothing.");
        }
        if !can_pin() {
            eprintln!("This system does not let a process be pinned to a core: expect wider intervals.");
        }
        let blocks = usize::from(effort.blocks);
        let _turn = queue::turn(&interrupt::requested)?;
        let bar = ProgressBar::new("measuring", blocks as u64);
        let mut progress = || bar.advance(1);
        let benchmarks =
            measure(&side, floor, self.project.settings.gate.effort(), blocks, &interrupt::requested, &mut progress)?;
        bar.finish();
        let mut measurement = Measurement::new(name, side.label, self.host.clone(), benchmarks);
        measurement.features = side.hello.features;
        measurement.revision = side.hello.revision;
        Ok(measurement)
    }

    /// The probe that times are related to.
    fn floor(&self) -> Result<ProbeCommand, Failure> {
        if let Some(floor) = self.project.hooks.floor() {
            return Ok(floor?);
        }
        match &self.project.settings.baseline.floor {
            Some(floor) => Ok(self.project.side(floor)?.probe),
            None => Err(Failure::could_not(
                "a baseline is related to a floor, the least work that each case can be; expected floor = \"SIDE\" in \
                 the section [baseline] of fairbench.toml",
            )),
        }
    }

    fn save(&self, name: &str, side: &str, effort: StoreEffort) -> CommandResult {
        check_name(name).map_err(Failure::usage)?;
        let measurement = self.measure(name, side, effort)?;
        let mut table = Table::new();
        table.load_style(ASCII_MARKDOWN);
        table.set_header(["benchmark", "ns/item", "× floor (95 %)", "control", "blocks"]);
        for benchmark in &measurement.benchmarks {
            table.add_row([
                benchmark.name.clone(),
                format!("{:.0}", benchmark.time_ns_per_item.median),
                benchmark.ratio_to_floor.map_or_else(|| "n/a".to_owned(), interval),
                benchmark.ratio_of_control.map_or_else(|| "n/a".to_owned(), interval),
                benchmark.blocks.len().to_string(),
            ]);
        }
        let path = store::save(&self.directory, &measurement)?;
        print(table);
        print(format_args!("saved {} of {}: {}", measurement.name, measurement.side, path.display()));
        Ok(Exit::Success)
    }

    fn list(&self, json: bool) -> CommandResult {
        let measurements = store::list(&self.directory)?;
        if json {
            print(serde_json::to_string_pretty(&measurements).map_err(anyhow::Error::from)?);
            return Ok(Exit::Success);
        }
        let here = self.host.fingerprint();
        let mut table = Table::new();
        table.load_style(ASCII_MARKDOWN);
        table.set_header(["baseline", "host", "this host", "of", "saved", "benchmarks", "raw values"]);
        for measurement in &measurements {
            let Measurement { name, fingerprint, side, saved_utc, benchmarks, imported, .. } = measurement;
            table.add_row([
                name.as_str(),
                fingerprint,
                match (measurement.is_of(&self.host), measurement.is_of_machine(&self.host)) {
                    (true, _) => "yes",
                    (false, true) => "yes, other compiler or flags",
                    (false, false) => "",
                },
                side,
                saved_utc,
                &benchmarks.len().to_string(),
                if *imported { "no: imported" } else { "yes" },
            ]);
        }
        let others = self.project.hooks.other_baselines(&self.directory, &self.host)?;
        let stored = measurements.len() + others.len();
        for other in others {
            table.add_row(other);
        }
        if stored == 0 {
            print(format_args!("nothing is stored yet; `baseline save NAME` measures the working tree on {here}"));
        } else {
            print(table);
        }
        Ok(Exit::Success)
    }

    fn export(&self, name: &str, out: Option<&PathBuf>) -> CommandResult {
        let export = Export::of(&self.find(name)?, &|name, items| self.project.hooks.criterion_items(name, items));
        let json = serde_json::to_string_pretty(&export).map_err(anyhow::Error::from)?;
        match out {
            Some(path) => {
                write_whole(path, json + "\n")?;
                print(path.display());
            }
            None => print(json),
        }
        Ok(Exit::Success)
    }

    fn import(&self, file: &Path, name: Option<&str>) -> CommandResult {
        let export = Export::read(file)?;
        let name = name.unwrap_or(&export.name);
        check_name(name).map_err(Failure::usage)?;
        let hooks = self.project.hooks;
        let items = |name: &str| {
            let of_probe = hooks.items_per_iteration(name).unwrap_or(1);
            (of_probe, hooks.criterion_items(name, of_probe))
        };
        let side = format!("imported from {}", file.display());
        let mut measurement = Measurement::new(name, side, self.host.clone(), export.benchmarks(items));
        measurement.imported = true;
        let path = store::save(&self.directory, &measurement)?;
        print(format_args!("saved {name} with {} benchmarks: {}", export.benchmarks.len(), path.display()));
        Ok(Exit::Success)
    }
}

fn interval(ratio: PairedRatio) -> String {
    format!("{:.3} ({:.3}–{:.3})", ratio.estimate, ratio.lower, ratio.upper)
}

fn show(was: &Measurement, is: &Measurement, force: bool, json: bool, allowed: &[String]) -> CommandResult {
    let rows = compare::compare(was, is, force)?;
    let slower = rows.iter().filter(|row| row.shift() == Some(Shift::Slower));
    let slower: Vec<&str> = slower.map(|row| row.benchmark.as_str()).collect();
    let mut missing = compare::missing(was, is);
    missing::allow(&mut missing, allowed, false);
    let exit = match (slower.is_empty(), missing::any_unexpected(&missing)) {
        (false, _) => Exit::Difference,
        (true, true) => Exit::CouldNot,
        (true, false) => Exit::Success,
    };
    if json {
        missing.iter().for_each(|missing| eprintln!("{}", missing.line()));
        print(serde_json::to_string_pretty(&rows).map_err(anyhow::Error::from)?);
        return Ok(exit);
    }
    let judged = rows.iter().filter(|row| row.to_floor.is_some()).count();
    print(match (slower.is_empty(), judged) {
        (false, _) => format!("slower, related to the floor: {}", slower.join(", ")),
        (true, 0) => "not judged: an imported baseline has no floor, and times taken apart prove nothing".to_owned(),
        (true, _) => format!("no benchmark of {judged} is slower, related to the floor"),
    });
    missing.iter().for_each(|missing| print(missing.line()));
    let mut table = Table::new();
    table.load_style(ASCII_MARKDOWN);
    table.set_header(["benchmark", "ns/item", "× floor then", "× floor now", "now / then", "verdict"]);
    for row in rows {
        let times = row.times_ns.map_or_else(|| "n/a".to_owned(), |(then, now)| format!("{then:.0} → {now:.0}"));
        let cells = match row.to_floor {
            Some((then, now, shift)) => {
                let ratio = format!("{:.3}", now.estimate / then.estimate);
                [interval(then), interval(now), ratio, shift.name().to_owned()]
            }
            None => std::array::from_fn(|_| "n/a".to_owned()),
        };
        table.add_row([row.benchmark, times].into_iter().chain(cells));
    }
    print(table);
    print(format_args!("then: {} ({}, {})", was.name, was.side, was.saved_utc));
    print(format_args!("now:  {} ({}, {})", is.name, is.side, is.saved_utc));
    print(
        "Taken apart: only a change of the ratio to the floor beyond both intervals and 5 % counts. To \
         compare two programs that are at hand, use ab.",
    );
    Ok(exit)
}
