//! Arguments and environment of both probe programs.

use std::process::ExitCode;

use clap::Parser;
use fairbench_probe::program::serve_standard_streams;
use fairbench_probe::serve::{Probe, Tally};

use crate::cases::Canonical;
use crate::face::RonAuth;

/// A probe of ron-auth: proves its answers right, then runs cases on request and says how long they took.
///
/// Speaks the protocol of perf/PROTOCOL.md over standard input and output; meant to be started by the lab. Exit codes:
/// 0 told to quit or out of input, 3 could not read or write, 64 usage.
#[derive(Debug, Parser)]
#[command(version)]
struct Args {
    /// Do this many times the work that is reported: to test a gate with
    #[arg(long, value_name = "FACTOR", default_value_t = 1.0, value_parser = work_factor)]
    work_factor: f64,
}

fn work_factor(text: &str) -> Result<f64, String> {
    let factor: f64 = text.parse().map_err(|_| "expected a number such as 1.05".to_owned())?;
    if factor > 0.0 && factor <= 100.0 { Ok(factor) } else { Err("expected a number above 0, up to 100".to_owned()) }
}

/// Serves `ron-auth` as it was built, until told to quit. With `tally`, allocations are counted.
#[must_use]
pub fn main(tally: Option<fn() -> Tally>) -> ExitCode {
    let args = match Args::try_parse() {
        Ok(args) => args,
        Err(error) => {
            let _ = error.print();
            return if error.use_stderr() { ExitCode::from(64) } else { ExitCode::SUCCESS };
        }
    };
    let mut probe = Probe::new("ron-auth", RonAuth::features(), Canonical::new(RonAuth)).work_factor(args.work_factor);
    if let Some(tally) = tally {
        probe = probe.counting(tally);
    }
    serve_standard_streams(&mut probe)
}
