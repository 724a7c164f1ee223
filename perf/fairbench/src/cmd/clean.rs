//! `clean`: removes what is kept on disk and can be made again.

use clap::Args as ClapArgs;

use super::print;
use crate::exit::{CommandResult, Exit};
use crate::files::state_directory;
use crate::interrupt;
use crate::measure::queue;
use crate::project::Project;
use crate::side::clean;

/// Remove the probes, build directories and counts that are kept below the target directory
///
/// All of it is made again when it is needed; measurements, reports and baselines are not touched. It is seldom needed:
/// whenever something is built, all but the last 24 probes and the last 3 build directories are dropped.
#[derive(Debug, ClapArgs)]
pub struct Args {}

/// Runs `clean`. Exit 0, also if there was nothing to remove.
///
/// # Errors
/// Something cannot be removed, or an interruption while waiting for a build in another process.
pub fn run(_: &Args, project: &Project<'_>) -> CommandResult {
    interrupt::watch()?;
    // Whoever measures needs what is kept.
    let _turn = queue::turn(&interrupt::requested)?;
    let removed = clean(&project.root)?;
    for (directory, bytes) in &removed {
        print(format_args!("removed {} ({})", directory.display(), megabytes(*bytes)));
    }
    let total = removed.iter().map(|(_, bytes)| bytes).sum();
    if removed.is_empty() {
        print(format_args!("nothing to remove in {}", state_directory(&project.root).display()));
    } else {
        print(format_args!("{} in all", megabytes(total)));
    }
    Ok(Exit::Success)
}

fn megabytes(bytes: u64) -> String {
    format!("{:.1} MB", bytes as f64 / 1e6)
}
