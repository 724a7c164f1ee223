//! The subcommands, one file each, to be read top to bottom: arguments, then `run`.

pub mod ab;
pub mod baseline;
pub mod clean;
pub mod gate;
mod judging;
pub mod noise;
pub mod probe;
pub mod selftest;
mod selftest_source;
pub mod trend;

use std::sync::OnceLock;

use clap::Args as ClapArgs;

use crate::exit::Failure;
use crate::measure::pin;

/// The option of every command that measures.
#[derive(Clone, Copy, Debug, Default, ClapArgs)]
pub struct OnCore {
    /// Measure what is on one thread on this core [default: FAIRBENCH_CORE, else the last of the fastest cores]
    #[arg(long, value_name = "N")]
    core: Option<usize>,
}

impl OnCore {
    /// Settles which core measures.
    ///
    /// # Errors
    /// Wrong usage: a core that this process may not use.
    pub fn settle(self) -> Result<(), Failure> {
        pin::choose(self.core).map_err(Failure::usage)
    }
}

/// Prints to standard output. A reader that has gone away (`| head`) is no error; a full disk is one, which
/// [`unprinted`] tells.
pub fn print(text: impl std::fmt::Display) {
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

/// Why something could not be printed; `None` if everything was.
#[must_use]
pub fn unprinted() -> Option<&'static str> {
    UNPRINTED.get().map(String::as_str)
}
