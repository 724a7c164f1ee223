//! The subcommands, one file each, to be read top to bottom: arguments, then `run`.

pub mod ab;
pub mod adaptive;
pub mod baseline;
pub mod clean;
pub mod corpus;
pub mod flame;
pub mod floor;
pub mod gate;
pub mod hostile;
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
pub mod timing;
pub mod token;
mod token_given;
mod token_json;
mod token_mint;
pub mod trend;
pub mod tripwires;
pub mod vectors;

use std::sync::OnceLock;

use clap::Args as ClapArgs;
use ron_auth_variants::Variant;

use crate::available::available;
use crate::exit::Failure;
use crate::measure::pin;

/// The option of every command that measures.
#[derive(Clone, Copy, Debug, Default, ClapArgs)]
struct OnCore {
    /// Measure what is on one thread on this core [default: PERF_LAB_CORE, else the last of the fastest cores]
    #[arg(long, value_name = "N")]
    core: Option<usize>,
}

impl OnCore {
    /// Settles the core.
    ///
    /// # Errors
    /// Usage: a core that this process may not use.
    fn settle(self) -> Result<(), Failure> {
        pin::choose(self.core).map_err(Failure::usage)
    }
}

/// The variant of this name, to be measured: exit 64 with the valid names, exit 3 if this build on this processor cannot
/// be what the name says.
fn variant_named(name: &str) -> Result<Variant, Failure> {
    let variant = ron_auth_variants::find(name).map_err(Failure::usage)?;
    available(&variant)?;
    Ok(variant)
}

/// Prints to standard output. A reader that has gone away (`| head`) is no error; a full disk is one, which
/// [`unprinted`] tells.
fn print(text: impl std::fmt::Display) {
    use std::io::{ErrorKind, Write};
    let mut output = std::io::stdout().lock();
    match writeln!(output, "{text}").and_then(|()| output.flush()) {
        Err(error) if error.kind() != ErrorKind::BrokenPipe => {
            let _ = UNPRINTED.set(error.to_string());
        }
        _ => {}
    }
}

static UNPRINTED: OnceLock<String> = OnceLock::new();

/// Why something could not be printed, if anything could not.
pub(crate) fn unprinted() -> Option<&'static str> {
    UNPRINTED.get().map(String::as_str)
}
