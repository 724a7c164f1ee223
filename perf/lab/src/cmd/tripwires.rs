//! `perf-lab tripwires --criterion DIR`: the established limits beside Criterion's results.

use std::path::PathBuf;

use anyhow::anyhow;
use clap::Args as ClapArgs;
use comfy_table::Table;
use comfy_table::presets::ASCII_MARKDOWN;
use fairbench::exit::{CommandResult, Exit};
use fairbench::files::target_directory;
use fairbench::missing::{self, AllowMissing, Missing};
use fairbench::selftest::estimates;

use super::hooks::project;
use super::print;
use crate::own::repository_root;
use crate::tripwire::Tripwires;

/// Compare Criterion's results with the limits of the tripwires
#[derive(Debug, ClapArgs)]
pub struct Args {
    /// The directory that Criterion writes to [default: criterion in Cargo's target directory]
    #[arg(long, value_name = "DIR")]
    criterion: Option<PathBuf>,
    #[command(flatten)]
    allow_missing: AllowMissing,
    /// File with the tripwires [default: baselines/tripwires.toml of the repository]
    #[arg(long, value_name = "FILE")]
    tripwires: Option<PathBuf>,
}

/// Runs `tripwires`. Exit 1 if a tripwire that binds on this host is broken, 3 if one was not measured and is not
/// expected to be missing.
///
/// # Errors
/// A file is missing or unreadable, or the directory has none of the benchmarks.
pub fn run(args: &Args) -> CommandResult {
    let root = repository_root();
    let host = crate::own::host(&root);
    let path = args.tripwires.clone().unwrap_or_else(|| root.join("baselines/tripwires.toml"));
    let tripwires = Tripwires::read(&path)?;
    let names: Vec<&str> = tripwires.absolute.iter().map(|tripwire| tripwire.name.as_str()).collect();
    let directory = args.criterion.clone().unwrap_or_else(|| target_directory(&root).join("criterion"));
    let allowed = args.allow_missing.with(&project()?.settings.gate.allow_missing);
    let measured = estimates::read(&directory, &names)?;
    if measured.is_empty() && !names.is_empty() && !missing::names(&allowed, missing::TRIPWIRES) {
        return Err(anyhow!(
            "{}: has results of none of {}; expected Criterion's output directory, such as target/criterion after \
             scripts/bench_auth.sh (--criterion DIR)",
            directory.display(),
            names.join(", ")
        )
        .into());
    }
    let mut table = Table::new();
    table.load_style(ASCII_MARKDOWN);
    table.set_header(["benchmark", "baseline", "measured µs", "limit µs", "binds here", "verdict"]);
    let mut broken = Vec::new();
    let mut unmeasured = Vec::new();
    for tripwire in &tripwires.absolute {
        let binds = if tripwire.binds(&host) { "yes" } else { "no" };
        let limit = tripwire.limit_us.to_string();
        let mut rows = measured.iter().filter(|measured| measured.benchmark == tripwire.name).peekable();
        if rows.peek().is_none() {
            if tripwire.binds(&host) {
                let what = format!("{} binds here, and {} has no result of it", tripwire.name, directory.display());
                unmeasured.push(Missing::new(&tripwire.name, what));
            }
            table.add_row([&tripwire.name, "none found", "n/a", &limit, binds, "n/a"]);
        }
        for row in rows {
            let exceeded = row.mean_us > tripwire.limit_us;
            let verdict = match (exceeded, tripwire.binds(&host)) {
                (true, true) => "BROKEN",
                (true, false) => "above, does not bind",
                (false, _) => "within",
            };
            if exceeded && tripwire.binds(&host) {
                broken.push(format!("{} ({})", tripwire.name, row.baseline));
            }
            table.add_row([&tripwire.name, &row.baseline, &format!("{:.2}", row.mean_us), &limit, binds, verdict]);
        }
    }
    print(table);
    if let Some(tripwire) = tripwires.absolute.first() {
        let bound = &tripwire.host;
        print(format_args!(
            "The limits bind on {} with {} rayon threads; this is {} with {}.",
            bound.cpu, bound.rayon_threads, host.cpu, host.rayon_threads
        ));
    }
    missing::allow(&mut unmeasured, &allowed, true);
    for missing in &unmeasured {
        print(missing.line());
    }
    let is_known = |name: &str| names.contains(&name);
    if let Some(note) = missing::note_on_strangers(&missing::strangers(&args.allow_missing.names, is_known)) {
        print(note);
    }
    if !broken.is_empty() {
        print(format_args!("broken: {}", broken.join(", ")));
        return Ok(Exit::Difference);
    }
    Ok(if missing::any_unexpected(&unmeasured) { Exit::CouldNot } else { Exit::Success })
}
