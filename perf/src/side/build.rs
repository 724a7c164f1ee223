//! Building probes, and where they are kept.
//!
//! ```text
//! target/lab/build/                 Cargo's target directory of all probes: dependencies are built once
//! target/lab/probes/NAME/           finished probes
//! target/lab/worktrees/SHA/         a revision while it is built
//! target/lab/logs/NAME.log          what Cargo said
//! ```

use std::fs::{self, File, TryLockError};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Duration;

use anyhow::{Context, anyhow};

use crate::exit::Failure;
use crate::interrupt;
use crate::probe::ProbeCommand;
use crate::probe::child::Group;

const PACKAGE: &str = "perf-probe";
const PROGRAM: &str = "perf-probe";
const COUNTING_PROGRAM: &str = "perf-probe-allocs";
/// How often a wait looks for Ctrl-C.
const GLANCE: Duration = Duration::from_millis(50);

/// Where the lab keeps what it builds and counts: below Cargo's target directory.
#[must_use]
pub fn lab_directory(root: &Path) -> PathBuf {
    let target = std::env::var_os("CARGO_TARGET_DIR").filter(|directory| !directory.is_empty());
    let target = target.map_or_else(|| root.join("target"), PathBuf::from);
    // Cargo runs elsewhere, so a relative path would be another one there.
    std::path::absolute(target.join("lab")).unwrap_or_else(|_| root.join("target/lab"))
}

/// A probe and its counting twin, as files.
#[derive(Debug)]
pub(super) struct Built {
    pub(super) label: String,
    pub(super) directory: PathBuf,
    pub(super) revision: Option<String>,
}

impl Built {
    /// Those of this directory, if both are there.
    pub(super) fn found(label: String, directory: PathBuf, revision: Option<String>) -> Option<Self> {
        let built = Self { label, directory, revision };
        [PROGRAM, COUNTING_PROGRAM].iter().all(|name| built.file(name).is_file()).then_some(built)
    }

    /// How to start them.
    pub(super) fn commands(&self) -> (ProbeCommand, Option<ProbeCommand>) {
        let command = |name| {
            let command = ProbeCommand::new(&self.label, self.file(name));
            ProbeCommand { revision: self.revision.clone(), copied: true, ..command }
        };
        (command(PROGRAM), Some(command(COUNTING_PROGRAM)))
    }

    fn file(&self, name: &str) -> PathBuf {
        self.directory.join(format!("{name}{}", std::env::consts::EXE_SUFFIX))
    }
}

/// The probe of the working tree, with these features or the default ones. Cargo knows whether it is up to date.
pub(super) fn working_tree(root: &Path, features: Option<&[String]>, what: &str) -> Result<Built, Failure> {
    let lab = lab_directory(root);
    let revision = git(root, &["describe", "--always", "--dirty", "--abbrev=12", "--exclude=*"]).ok();
    let label = match &revision {
        Some(revision) => format!("{what} ({revision})"),
        None => what.to_owned(),
    };
    let name = format!("worktree-{}", features.map_or_else(|| "default".to_owned(), |names| names.join("+")));
    let _lock = lock(&lab)?;
    cargo_build(root, features, &lab, &name, &label)?;
    let directory = lab.join("probes").join(&name);
    keep(&lab, &directory)?;
    Built::found(label.clone(), directory, revision)
        .ok_or_else(|| anyhow!("{label}: Cargo built no {PROGRAM} and {COUNTING_PROGRAM}").into())
}

/// One build at a time: they share a target directory, from which the finished programs are then copied.
pub(super) fn lock(lab: &Path) -> Result<File, Failure> {
    fs::create_dir_all(lab).with_context(|| format!("could not create {}", lab.display()))?;
    let path = lab.join("build.lock");
    let file = File::create(&path).with_context(|| format!("could not create {}", path.display()))?;
    let mut told = false;
    loop {
        match file.try_lock() {
            Ok(()) => return Ok(file),
            Err(TryLockError::WouldBlock) if interrupt::requested() => return Err(Failure::interrupted()),
            Err(TryLockError::WouldBlock) => {
                if !told {
                    eprintln!("another lab is building here; waiting for it …");
                }
                told = true;
                std::thread::sleep(GLANCE);
            }
            Err(TryLockError::Error(error)) => {
                return Err(anyhow!("could not lock {}: {error}", path.display()).into());
            }
        }
    }
}

/// Builds the probes of the repository at `root`. What Cargo says goes to a log; a failure quotes it.
pub(super) fn cargo_build(
    root: &Path,
    features: Option<&[String]>,
    lab: &Path,
    name: &str,
    label: &str,
) -> Result<(), Failure> {
    let log = lab.join("logs").join(format!("{name}.log"));
    let created = log.parent().map_or(Ok(()), fs::create_dir_all).and_then(|()| File::create(&log));
    let log_file = created.with_context(|| format!("could not create {}", log.display()))?;

    let mut command = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    command
        .args(["build", "--release", "--package", PACKAGE, "--bins", "--color", "never"])
        .current_dir(root)
        .arg("--target-dir")
        .arg(lab.join("build"))
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(log_file);
    if let Some(features) = features {
        command.args(["--no-default-features", "--features", &features.join(",")]);
    }
    let mut cargo = Group::spawn(&mut command).context("could not start cargo")?;
    eprintln!("building the probe of {label} …");
    let status = loop {
        match cargo.wait_at_most(GLANCE).context("could not wait for cargo")? {
            Some(status) => break status,
            // Dropping the group ends Cargo and its compilers.
            None if interrupt::requested() => return Err(Failure::interrupted()),
            None => {}
        }
    };
    if status.success() {
        return Ok(());
    }
    if interrupt::requested() {
        return Err(Failure::interrupted());
    }
    let said = fs::read_to_string(&log).unwrap_or_default();
    Err(anyhow!("{label}: does not build: {} (all of it: {})", first_error(&said), log.display()).into())
}

/// Copies the finished programs to where they are kept.
pub(super) fn keep(lab: &Path, directory: &Path) -> anyhow::Result<()> {
    let copy = |name: &str| -> std::io::Result<()> {
        fs::create_dir_all(directory)?;
        let file = format!("{name}{}", std::env::consts::EXE_SUFFIX);
        // Through a new file: a probe of that name may be running.
        let fresh = directory.join(format!("{file}.new"));
        fs::copy(lab.join("build/release").join(&file), &fresh)?;
        fs::rename(fresh, directory.join(file))
    };
    [PROGRAM, COUNTING_PROGRAM]
        .iter()
        .try_for_each(|name| copy(name))
        .with_context(|| format!("could not keep the probes in {}", directory.display()))
}

/// What git prints, or what it complains about.
pub(super) fn git(root: &Path, args: &[&str]) -> anyhow::Result<String> {
    let output = Command::new("git")
        .arg("-C")
        .arg(root)
        // Hooks of the user have no business in worktrees that come and go.
        .args(["-c", "core.hooksPath=/dev/null"])
        .args(args)
        .stdin(Stdio::null())
        .output()
        .context("could not start git")?;
    if output.status.success() {
        return Ok(String::from_utf8_lossy(&output.stdout).trim().to_owned());
    }
    let said = String::from_utf8_lossy(&output.stderr);
    Err(anyhow!("git {}: {}", args.first().unwrap_or(&""), said.lines().last().unwrap_or("no message")))
}

/// The first error that Cargo reports, with its place, on one line.
fn first_error(log: &str) -> String {
    let mut lines = log.lines().skip_while(|line| !line.starts_with("error"));
    let Some(error) = lines.next() else {
        return log.lines().last().unwrap_or("Cargo said nothing").trim().to_owned();
    };
    let place = lines.take(3).find_map(|line| line.trim_start().strip_prefix("--> "));
    place.map_or_else(|| error.to_owned(), |place| format!("{error}, {place}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_error_of_a_build_is_quoted_with_its_place() {
        let log =
            "   Compiling a v1\nwarning: unused\nerror[E0425]: cannot find value `x`\n --> a/src/lib.rs:3:5\n  |\n";
        assert_eq!(first_error(log), "error[E0425]: cannot find value `x`, a/src/lib.rs:3:5");
        assert_eq!(first_error("error: no such command\n"), "error: no such command");
        assert_eq!(first_error("nothing known\n"), "nothing known");
        assert_eq!(first_error(""), "Cargo said nothing");
    }
}
