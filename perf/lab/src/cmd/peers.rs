//! `perf-lab peers`: how does ron-auth stand against other token crates?

use std::env;
use std::ffi::OsString;
use std::process::{Command, ExitStatus};

use anyhow::{Context, anyhow};
use clap::Args as ClapArgs;
use fairbench::exit::{CommandResult, Exit};
use fairbench::files::target_directory;

use crate::own::repository_root;

/// Measure ron-auth's prod against macaroon, jsonwebtoken, pasetors and biscuit-auth
///
/// Builds and runs perf/peers. It is a package of its own: the peers and their cryptography stay out of this build.
#[derive(Debug, ClapArgs)]
pub struct Args {
    /// Options that are passed on to perf/peers; `-- --help` lists them
    #[arg(value_name = "ARGS", trailing_var_arg = true, allow_hyphen_values = true)]
    args: Vec<OsString>,
}

/// Runs `peers`.
///
/// # Errors
/// Cargo cannot be run, or perf/peers cannot be built.
pub fn run(args: &Args) -> CommandResult {
    // Built first: Cargo's own failure could not be told from that of the program. It shows what it builds.
    let built = cargo(&["build"]).status().context("could not run cargo, which builds perf/peers")?;
    if !built.success() {
        return Err(anyhow!("could not build perf/peers ({built}); cargo says why above").into());
    }
    let status = cargo(&["run", "--quiet"]).arg("--").args(&args.args).status().context("could not run cargo")?;
    Ok(exit_of(status))
}

fn cargo(subcommand: &[&str]) -> Command {
    let root = repository_root();
    let target = target_directory(&root);
    let mut command = Command::new(env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    command
        .args(subcommand)
        .args(["--release", "--manifest-path"])
        .arg(root.join("perf/peers/Cargo.toml"))
        .arg("--target-dir")
        .arg(target.join("peers"));
    command
}

/// The program's exit codes are those of the lab; anything else is a program that broke off.
fn exit_of(status: ExitStatus) -> Exit {
    let known = [Exit::Success, Exit::Difference, Exit::Inconclusive, Exit::CouldNot, Exit::Usage, Exit::Interrupted];
    known.into_iter().find(|exit| status.code() == Some(exit.code().into())).unwrap_or(Exit::CouldNot)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[cfg(unix)]
    #[test]
    fn the_exit_code_of_the_peers_is_passed_on() {
        use std::os::unix::process::ExitStatusExt;
        let exited = |code: i32| exit_of(ExitStatus::from_raw(code << 8));
        assert_eq!([0, 1, 3, 64, 130].map(|code| exited(code).code()), [0, 1, 3, 64, 130]);
        // A panic, and a signal.
        assert_eq!(exited(101), Exit::CouldNot);
        assert_eq!(exit_of(ExitStatus::from_raw(9)), Exit::CouldNot);
    }
}
