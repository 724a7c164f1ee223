//! `perf-lab tripwires --criterion DIR`: the established limits beside Criterion's results.

use std::path::PathBuf;

use clap::Args as ClapArgs;
use comfy_table::Table;
use comfy_table::presets::ASCII_MARKDOWN;

use super::print;
use crate::exit::{Exit, Outcome};
use crate::files::repository_root;
use crate::host::Host;
use crate::tripwire::{Tripwires, criterion};

/// Compare Criterion's results with the limits of the tripwires
#[derive(Debug, ClapArgs)]
pub struct Args {
    /// The directory that Criterion writes to, such as target/criterion
    #[arg(long, value_name = "DIR", default_value = "target/criterion")]
    criterion: PathBuf,
    /// File with the tripwires [default: baselines/tripwires.toml of the repository]
    #[arg(long, value_name = "FILE")]
    tripwires: Option<PathBuf>,
}

/// Runs it. Exit 1 if a tripwire that binds on this host is broken.
///
/// # Errors
/// A missing or unreadable file.
pub fn run(args: &Args) -> Outcome {
    let root = repository_root();
    let host = Host::detect(&root);
    let path = args.tripwires.clone().unwrap_or_else(|| root.join("baselines/tripwires.toml"));
    let tripwires = Tripwires::read(&path)?;
    let names: Vec<&str> = tripwires.absolute.iter().map(|tripwire| tripwire.name.as_str()).collect();
    let measured = criterion::read(&args.criterion, &names)?;
    let mut table = Table::new();
    table.load_style(ASCII_MARKDOWN);
    table.set_header(["benchmark", "baseline", "measured µs", "limit µs", "binds here", "verdict"]);
    let mut broken = Vec::new();
    for tripwire in &tripwires.absolute {
        let binds = if tripwire.binds(&host) { "yes" } else { "no" };
        let limit = tripwire.limit_us.to_string();
        let mut rows = measured.iter().filter(|measured| measured.benchmark == tripwire.name).peekable();
        if rows.peek().is_none() {
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
    if broken.is_empty() {
        return Ok(Exit::Success);
    }
    print(format_args!("broken: {}", broken.join(", ")));
    Ok(Exit::Difference)
}
