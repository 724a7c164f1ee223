//! `trend`: has a benchmark changed over the runs so far, or does it creep?

use std::path::{Path, PathBuf};

use anyhow::anyhow;
use clap::Args as ClapArgs;
use comfy_table::Table;
use comfy_table::presets::ASCII_MARKDOWN;

use super::print;
use crate::exit::{CommandResult, Exit, Failure};
use crate::history::file::FILE_NAME;
use crate::history::trend::{FEWEST_RUNS, LEVEL};
use crate::history::{self, Entry, History, Trend, short};
use crate::project::Project;

/// Show how benchmarks developed over the runs so far: change points, drifts, plots
///
/// Every sweep adds a line to the history: the ratio to the floor of each named variant, at default knobs on one
/// thread. A change too small for the gate, or one that creeps, is seen here. Changes are found by ranks and
/// permutations, drifts by Mann and Kendall's test; the chance of naming any benchmark if none has moved is 5 %
/// (reports/README.md).
#[derive(Debug, ClapArgs)]
pub struct Args {
    /// File with the history [default: reports/history.jsonl of the repository]
    #[arg(long, value_name = "FILE")]
    history: Option<PathBuf>,
    /// Only runs of this very fingerprint [default: those of this machine, whatever compiled them]
    #[arg(long, value_name = "FINGERPRINT")]
    host: Option<String>,
    /// Show only benchmarks whose name (VARIANT/CORPUS/BATCH) contains this text; all are judged together nevertheless
    #[arg(long, value_name = "SUBSTRING")]
    benchmark: Option<String>,
    /// Directory to write trend.svg and trend.png to [default: the directory trend beside the history]
    #[arg(long, value_name = "DIR")]
    out: Option<PathBuf>,
    /// Take this many runs, the latest ones
    #[arg(long, value_name = "N", default_value_t = 100, value_parser = clap::value_parser!(u16).range(2..=500))]
    last: u16,
    /// End with exit code 1 if a benchmark that is shown got slower in these runs, at once or little by little; with 2
    /// if one has too few runs to be judged
    #[arg(long)]
    fail_on_change: bool,
}

/// Runs `trend`. Exit 0; with `--fail-on-change` 1 if a benchmark got slower and 2 if one could not be judged; 3 if
/// there is no history of the host.
///
/// # Errors
/// A history that cannot be read or has no run of the host; no benchmark of that name; plots that cannot be written.
pub fn run(args: &Args, project: &Project<'_>) -> CommandResult {
    let root = &project.root;
    let path = args.history.clone().unwrap_or_else(|| root.join("reports").join(FILE_NAME));
    let history = history::read(&path)?;
    for note in &history.notes {
        eprintln!("{note}");
    }
    let own = project.host();
    let host = args.host.clone().unwrap_or_else(|| own.fingerprint());
    let entries = match &args.host {
        Some(host) => history.of_host(host),
        None => history.of_machine(&own),
    };
    let entries = some_of(entries, &history, &host, &path)?;
    let entries = entries.get(entries.len().saturating_sub(args.last.into())..).unwrap_or_default();
    let wanted = args.benchmark.as_deref().unwrap_or_default();
    let mut trends = history::trends(entries);
    let names: Vec<String> = trends.iter().map(|trend| trend.benchmark.clone()).collect();
    trends.retain(|trend| trend.benchmark.contains(wanted));
    if trends.is_empty() {
        let (path, known) = (path.display(), names.join(", "));
        return Err(Failure::from(anyhow!("{path}: no benchmark of {host} is called {wanted:?}; there are {known}")));
    }
    let out = args.out.clone().unwrap_or_else(|| path.with_file_name("trend"));
    let plot = project.hooks.draw(&out, &trends, entries)?;

    print(verdict(&trends, entries));
    print(format_args!("\n{}\n", table(&trends, entries)));
    for line in segments(entries) {
        print(line);
    }
    print(method(names.len(), &host));
    if let Some(png) = plot {
        print(format_args!("plots: {} and {}", png.with_extension("svg").display(), png.display()));
    }
    Ok(if !args.fail_on_change {
        Exit::Success
    } else if trends.iter().any(Trend::got_slower) {
        Exit::Difference
    } else if trends.iter().all(Trend::is_judged) {
        Exit::Success
    } else {
        Exit::Inconclusive
    })
}

fn some_of<'h>(entries: Vec<&'h Entry>, history: &History, host: &str, path: &Path) -> Result<Vec<&'h Entry>, Failure> {
    if !entries.is_empty() {
        return Ok(entries);
    }
    let path = path.display();
    let known: Vec<String> =
        history.hosts().iter().map(|(host, runs)| format!("{host} ({})", counted(*runs, "run"))).collect();
    Err(Failure::from(match (known.is_empty(), history.notes.is_empty()) {
        (true, true) => anyhow!("{path} is empty; each sweep adds a line"),
        (true, false) => anyhow!("{path}: none of its lines is an entry; each sweep adds one"),
        (false, _) => {
            anyhow!("{path}: no run of {host}; it has runs of {} (--host FINGERPRINT)", known.join(", "))
        }
    }))
}

/// The runs from which on another compiler or other flags were used, one line for each.
fn segments(entries: &[&Entry]) -> Vec<String> {
    let line = |start: usize| {
        let (before, first) = (entries.get(start.checked_sub(1)?)?, entries.get(start)?);
        Some(format!(
            "A new segment begins with run {} ({}): {} after {}; changes are not searched for across it.",
            start + 1,
            short(first.revision.as_deref()),
            first.built_by(),
            before.built_by()
        ))
    };
    history::starts(entries).into_iter().filter_map(line).collect()
}

fn counted(number: usize, what: &str) -> String {
    format!("{number} {what}{}", if number == 1 { "" } else { "s" })
}

fn verdict(trends: &[Trend], entries: &[&Entry]) -> String {
    let names = |holds: fn(&&Trend) -> bool| {
        let names: Vec<&str> = trends.iter().filter(holds).map(|trend| trend.benchmark.as_str()).collect();
        (!names.is_empty()).then(|| names.join(", "))
    };
    let slower = names(|trend| trend.got_slower()).map(|names| format!("got slower: {names}"));
    let faster = names(|trend| trend.has_moved() && !trend.got_slower()).map(|names| format!("got faster: {names}"));
    let moved: Vec<String> = slower.into_iter().chain(faster).collect();
    let judged = trends.iter().filter(|trend| trend.is_judged()).count();
    match (judged, moved.is_empty()) {
        (0, _) => format!("too few runs to judge: {}; it takes {FEWEST_RUNS}", entries.len()),
        (_, true) => {
            let (benchmarks, runs) = (counted(judged, "benchmark"), counted(entries.len(), "run"));
            format!("no change or drift shown: {benchmarks} over {runs}")
        }
        (_, false) => moved.join("; "),
    }
}

fn table(trends: &[Trend], entries: &[&Entry]) -> Table {
    let revision = |run: usize| short(entries.get(run).and_then(|entry| entry.revision.as_deref()));
    let mut table = Table::new();
    table.load_style(ASCII_MARKDOWN);
    table.set_header(["benchmark", "runs", "× floor, first", "× floor, last", "changes", "drift in 10 runs"]);
    for trend in trends {
        let ratio = |ratio: Option<f64>| ratio.map_or_else(|| "n/a".to_owned(), |ratio| format!("{ratio:.3}"));
        let otherwise = || if trend.is_judged() { "none shown" } else { "too few runs" }.to_owned();
        let changes: Vec<String> = trend
            .changes
            .iter()
            .filter_map(|change| {
                let (before, after) = trend.around(change)?;
                let (before, after) = (revision(before), revision(after));
                Some(format!("{:+.1} % from {before} to {after} (p {})", change.percent, p_value(change.p)))
            })
            .collect();
        let drift = trend.drift.map(|drift| format!("{:+.2} % (p {})", drift.percent_over(10), p_value(drift.p)));
        table.add_row([
            trend.benchmark.clone(),
            trend.points.len().to_string(),
            ratio(trend.points.first().map(|point| point.ratio.estimate)),
            ratio(trend.points.last().map(|point| point.ratio.estimate)),
            if changes.is_empty() { otherwise() } else { changes.join("; ") },
            drift.unwrap_or_else(otherwise),
        ]);
    }
    table
}

fn p_value(p: f64) -> String {
    if p < 0.0001 { "< 0.0001".to_owned() } else { format!("{p:.4}") }
}

fn method(benchmarks: usize, host: &str) -> String {
    format!(
        "{host}; p adjusted for {}, at {} % for all of them together. A change lies between two runs, \
         and may be the machine's: `ab` compares the two revisions themselves.",
        counted(benchmarks, "benchmark"),
        100.0 * LEVEL
    )
}
