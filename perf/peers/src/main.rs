//! Measures ron-auth's `prod` against other token crates that verify the closest equal of `light` and of `heavy`:
//! each checked first, then all timed in the same rounds. README.md says how the work differs.
#![forbid(unsafe_code)]

mod check;
mod claims;
mod lock;
mod measure;
mod peer;
mod terms;

use std::io::Write;
use std::process::ExitCode;
use std::time::Duration;

use clap::Parser;
use comfy_table::Table;
use comfy_table::presets::ASCII_MARKDOWN;
use fairbench::exit::{CommandResult, Exit, Failure};
use fairbench::host::Host;
use fairbench::measure::queue;
use perf_lab::own::pool::on_one_core;
use perf_lab::own::repository_root;
use ron_auth_fixtures::Fixture;
use serde::Serialize;

use measure::Row;

const EXIT_CODES: &str = "\
Exit codes:
  0    done
  1    a library accepted or refused what it should not; nothing was timed
  3    could not do it
  64   usage";

/// Measure ron-auth's prod against macaroon, jsonwebtoken, pasetors and biscuit-auth
#[derive(Debug, Parser)]
#[command(name = "ron-auth-peers", version, after_help = EXIT_CODES)]
struct Args {
    /// Fixtures: light, heavy
    #[arg(long, value_name = "NAME", value_delimiter = ',', default_value = "light,heavy")]
    fixtures: Vec<String>,
    /// Only these packages [default: all]
    #[arg(long, value_name = "PACKAGE", value_delimiter = ',')]
    only: Vec<String>,
    /// Print JSON
    #[arg(long)]
    json: bool,
    /// Seconds for each fixture
    #[arg(long, default_value_t = 5.0)]
    seconds: f64,
}

#[derive(Serialize)]
struct Report {
    host: Host,
    pinned: bool,
    rows: Vec<Row>,
}

fn main() -> ExitCode {
    let args = match Args::try_parse() {
        Ok(args) => args,
        Err(error) => {
            // Help and version go to standard output and are no failure.
            let exit = if error.use_stderr() { Exit::Usage } else { Exit::Success };
            let _ = error.print();
            return exit.into();
        }
    };
    match run(&args) {
        Ok(exit) => exit.into(),
        Err(failure) => {
            eprintln!("ron-auth-peers: {failure}");
            failure.exit().into()
        }
    }
}

fn run(args: &Args) -> CommandResult {
    if !(args.seconds > 0.0 && args.seconds <= 3600.0) {
        return Err(Failure::usage("--seconds: expected a number above 0, up to 3600"));
    }
    let fixtures: Vec<Fixture> = args.fixtures.iter().map(|name| fixture_named(name)).collect::<Result<_, _>>()?;
    let packages = peer::ALL.map(|entry| entry.package);
    if let Some(unknown) = args.only.iter().find(|name| !packages.contains(&name.as_str())) {
        return Err(Failure::usage(format!("unknown package {unknown:?}: expected some of {}", packages.join(", "))));
    }
    let budget = Duration::from_secs_f64(args.seconds);
    let _turn = queue::turn(&|| false)?;
    let (pinned, rows) = on_one_core(|| -> Result<Vec<Row>, Failure> {
        let mut rows = Vec::new();
        for fixture in fixtures {
            rows.extend(measure::fixture(fixture, &args.only, budget)?);
        }
        Ok(rows)
    })?;
    let report = Report { host: perf_lab::own::host(&repository_root()), pinned, rows: rows? };
    if args.json {
        print(serde_json::to_string_pretty(&report).map_err(anyhow::Error::from)?);
    } else {
        print_table(&report);
    }
    Ok(Exit::Success)
}

/// The peers' closest equals are of these two.
fn fixture_named(name: &str) -> Result<Fixture, Failure> {
    match name.parse() {
        Ok(fixture @ (Fixture::Light | Fixture::Heavy)) => Ok(fixture),
        _ => Err(Failure::usage(format!("unknown fixture {name:?}: expected light or heavy"))),
    }
}

fn print_table(report: &Report) {
    let mut table = Table::new();
    table.load_style(ASCII_MARKDOWN);
    table.set_header(["fixture", "peer", "version", "token bytes", "ns/token", "peer / prod", "how the work differs"]);
    for row in &report.rows {
        table.add_row([
            row.fixture.to_owned(),
            row.peer.to_owned(),
            row.version.clone(),
            row.token_bytes.to_string(),
            format!("{:.0}", row.ns_per_token),
            format!("{:.3} ({:.3}–{:.3})", row.ratio, row.ratio_lower95, row.ratio_upper95),
            row.differs.to_owned(),
        ]);
    }
    print(table);
    let rounds = report.rows.iter().map(|row| row.rounds).min().unwrap_or_default();
    print(format_args!(
        "one token per call, one thread{}; CPU time; medians over at least {rounds} shuffled, paired rounds, 95 % \
         bootstrap intervals.",
        if report.pinned { " pinned to one core" } else { ", NOT pinned (this system does not allow it)" }
    ));
    print(
        "Each library first accepted its good tokens and refused a foreign key, every condition broken in turn and \
           every character changed in turn (README.md).",
    );
    print(format_args!("host {}", report.host.fingerprint()));
}

/// Prints to standard output. A reader that has gone away (`| head`) is no error.
fn print(text: impl std::fmt::Display) {
    let _ = writeln!(std::io::stdout().lock(), "{text}");
}
