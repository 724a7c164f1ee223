//! Measures ron-auth's `prod` against other token crates that verify the closest equal of `light` and of `heavy`: each
//! checked first, then all measured by `fairbench`, in blocks of fresh processes. README.md says how the work differs.
#![forbid(unsafe_code)]

mod check;
mod claims;
mod library;
mod lock;
mod measure;
mod peer;
mod probe;
mod terms;

use std::io::Write;
use std::process::ExitCode;
use std::time::Duration;

use clap::{Parser, Subcommand};
use comfy_table::Table;
use comfy_table::presets::ASCII_MARKDOWN;
use fairbench::exit::{CommandResult, Exit, Failure};
use fairbench::host::Host;
use fairbench::measure::pin::can_pin;
use fairbench::measure::queue;
use fairbench::{interrupt, settings};
use ron_auth_fixtures::Fixture;
use serde::Serialize;

use library::Library;
use measure::Row;

const EXIT_CODES: &str = "\
Exit codes:
  0    done
  1    a library accepted or refused what it should not; nothing was timed
  3    could not do it
  64   usage";

/// Measure ron-auth's prod against macaroon, jsonwebtoken, pasetors and biscuit-auth
#[derive(Debug, Parser)]
#[command(name = "ron-auth-peers", version, after_help = EXIT_CODES, args_conflicts_with_subcommands = true)]
struct Args {
    #[command(subcommand)]
    command: Option<Command>,
    /// Fixtures: light, heavy
    #[arg(long, value_name = "NAME", value_delimiter = ',', default_value = "light,heavy")]
    fixtures: Vec<String>,
    /// Only these packages [default: all]
    #[arg(long, value_name = "PACKAGE", value_delimiter = ',')]
    only: Vec<String>,
    /// Print JSON
    #[arg(long)]
    json: bool,
    /// Seconds for each fixture; six blocks are taken whatever they need
    #[arg(long, default_value_t = 5.0)]
    seconds: f64,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Serve one library as a probe (perf/PROTOCOL.md), as this program starts itself for each block
    Probe {
        /// Which one: prod, or a peer by its name in the table
        #[arg(long, value_name = "NAME")]
        peer: String,
    },
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
    let ended = match &args.command {
        Some(Command::Probe { peer }) => match library_named(peer) {
            Ok(library) => return probe::serve(library),
            Err(failure) => Err(failure),
        },
        None => run(&args),
    };
    match ended {
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
    let packages = peer::ALL.each_ref().map(|entry| entry.package);
    if let Some(unknown) = args.only.iter().find(|name| !packages.contains(&name.as_str())) {
        return Err(Failure::usage(format!("unknown package {unknown:?}: expected some of {}", packages.join(", "))));
    }
    let budget = Duration::from_secs_f64(args.seconds * fixtures.len() as f64);
    interrupt::watch()?;
    let _turn = queue::turn(&interrupt::requested)?;
    let rows = measure::rows(&fixtures, &args.only, budget, &interrupt::requested)?;
    let report = Report { host: host(), pinned: can_pin(), rows };
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
        Ok(fixture) if probe::FIXTURES.contains(&fixture) => Ok(fixture),
        _ => Err(Failure::usage(format!("unknown fixture {name:?}: expected light or heavy"))),
    }
}

fn library_named(name: &str) -> Result<Library, Failure> {
    Library::all().find(|library| library.name() == name).ok_or_else(|| {
        let known: Vec<&str> = Library::all().map(Library::name).collect();
        Failure::usage(format!("unknown peer {name:?}: expected {}", known.join(", ")))
    })
}

/// This machine and this build, with its backends as every result of the lab names them.
fn host() -> Host {
    let catalogue = ron_auth_catalogue::catalogue();
    let backends = catalogue
        .iter()
        .flat_map(|variant| [variant.seams.base64.name(), variant.seams.decode.name(), variant.seams.mac.name()]);
    Host::detect(&settings::root().unwrap_or_default(), backends.map(str::to_owned))
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
    let blocks = report.rows.iter().map(|row| row.blocks).min().unwrap_or_default();
    print(format_args!(
        "one token per call, one thread{}; CPU time; medians over {blocks} blocks of fresh processes, 95 % intervals.",
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
