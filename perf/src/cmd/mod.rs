//! The subcommands, one file each, to be read top to bottom: arguments, then `run`.

pub mod ab;
pub mod adaptive;
pub mod baseline;
pub mod corpus;
pub mod flame;
pub mod floor;
pub mod gate;
mod judging;
pub mod list;
pub mod noise;
pub mod peers;
pub mod probe;
pub mod recommend;
pub mod report;
pub mod selftest;
mod selftest_source;
pub mod sweep;
pub mod trend;
pub mod tripwires;
pub mod vectors;

use ron_auth_variants::Variant;

use crate::exit::Failure;

/// The variant of this name, or exit 64 with the valid names.
fn variant_named(name: &str) -> Result<Variant, Failure> {
    ron_auth_variants::find(name).map_err(Failure::usage)
}

/// Prints to standard output. A reader that has gone away (`| head`) is no error.
fn print(text: impl std::fmt::Display) {
    use std::io::Write;
    let _ = writeln!(std::io::stdout().lock(), "{text}");
}
