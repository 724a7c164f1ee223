//! The gate as a child process: this very program, started as a user starts it.

use std::fs::{self, File};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context, anyhow, ensure};
use serde::Deserialize;

use super::ground::Applied;
use crate::environment;
use crate::exit::{Exit, Failure};
use crate::gate::outcome::Ratio;
use crate::interrupt;
use crate::measure::pin::measuring_core;
use crate::probe::child::ProcessGroup;

/// Options of the gate beside its sides. Tripwires are limits of the program that judges, which is built from the
/// user's tree, so they say nothing about a patch.
const OPTIONS: &[&str] = &["--allow-missing", "tripwires"];
/// Variables of these names, and of names that begin so, are removed: they would change both sides alike and outweigh
/// the flag or profile that a patch changes, or they name another repository.
const TAKEN_OUT: [&str; 7] = [
    "RUSTFLAGS",
    "CARGO_ENCODED_RUSTFLAGS",
    "CARGO_BUILD_",
    "CARGO_PROFILE_",
    "CARGO_TARGET_",
    "CARGO_INCREMENTAL",
    "GIT_",
];
/// Time after which a gate is taken to hang. Two cold builds and the full budgets take a quarter of it on a slow
/// machine.
const PATIENCE: Duration = Duration::from_secs(3600);
/// Time that an interrupted gate has to remove its temporary files.
const GOODBYE: Duration = Duration::from_secs(30);

/// The answer of a gate, with only those fields of [`crate::gate::outcome::GateOutcome`] that a self-test needs. Others
/// are ignored: the gate is looked at from outside here.
#[derive(Clone, Debug, PartialEq, Deserialize)]
pub(super) struct PrintedAnswer {
    pub(super) verdict_line: String,
    /// The verdict in a word; `None` if nothing was decided.
    pub(super) verdict: Option<String>,
    pub(super) exit_code: u8,
    pub(super) rows: Vec<PrintedRow>,
    #[serde(default)]
    likeness: Option<PrintedLikeness>,
}

/// How both sides were built, held against each other.
#[derive(Clone, Debug, PartialEq, Deserialize)]
struct PrintedLikeness {
    /// Digests of what the programs of base and candidate load.
    #[serde(default)]
    programs: Option<[String; 2]>,
}

impl PrintedAnswer {
    /// Digests of what the programs of base and candidate load, if both were built.
    pub(super) fn programs(&self) -> Option<&[String; 2]> {
        self.likeness.as_ref()?.programs.as_ref()
    }

    /// Whether the gate stopped before its clock started because it was told that these programs were timed before.
    pub(super) const fn is_not_again(&self) -> bool {
        self.exit_code == 3 && self.verdict.is_none() && self.rows.is_empty()
    }
}

/// A benchmark of a gate's answer.
#[derive(Clone, Debug, PartialEq, Deserialize)]
pub(super) struct PrintedRow {
    pub(super) benchmark: String,
    pub(super) verdict: String,
    /// candidate / base, by the clock that decides.
    pub(super) ratio: Option<Ratio>,
    /// What its clock does not see, of benchmarks on one thread.
    #[serde(default)]
    pub(super) unseen: Vec<PrintedUnseen>,
    #[serde(default)]
    counts: PrintedCounts,
}

/// Time including what the clock does not see: waiting, or other threads' work.
#[derive(Clone, Debug, PartialEq, Deserialize)]
pub(super) struct PrintedUnseen {
    /// candidate / base, of the times with it.
    pub(super) ratio: Option<Ratio>,
}

#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
struct PrintedCounts {
    base: PrintedSide,
    candidate: PrintedSide,
}

#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
struct PrintedSide {
    instructions: Option<f64>,
}

impl PrintedRow {
    /// Instructions of the candidate / those of the base; `None` unless both were counted.
    pub(super) fn instructions_ratio(&self) -> Option<f64> {
        let (base, candidate) = (self.counts.base.instructions?, self.counts.candidate.instructions?);
        (base > 0.0).then(|| candidate / base)
    }

    /// The largest of the ratios that include what the clock does not see.
    pub(super) fn wall(&self) -> Option<Ratio> {
        self.unseen.iter().filter_map(|unseen| unseen.ratio).max_by(|a, b| a.estimate.total_cmp(&b.estimate))
    }
}

/// Has a gate judge what was applied.
///
/// # Errors
/// An interruption; a gate that cannot be started, takes too long, or answers with something else than an outcome.
pub(super) fn judge(applied: &Applied, more: &[&str]) -> Result<PrintedAnswer, Failure> {
    let own = std::env::current_exe().context("could not find this program")?;
    // Beside the clone, and so gone with it.
    let [answer, log] = ["gate.json", "gate.log"].map(|name| applied.directory.with_file_name(name));
    let create =
        |path: &std::path::Path| File::create(path).with_context(|| format!("could not create {}", path.display()));
    let mut command = Command::new(own);
    command
        .args(["gate", "--base", applied.base, "--candidate", ".", "--json"])
        .args(OPTIONS)
        .args(more)
        .current_dir(&applied.directory)
        .stdin(Stdio::null())
        .stdout(create(&answer)?)
        .stderr(create(&log)?);
    for (name, _) in std::env::vars_os().filter(|(name, _)| is_taken_out(&name.to_string_lossy())) {
        command.env_remove(name);
    }
    command.env("CARGO_TARGET_DIR", &applied.builds);
    if let Some(core) = measuring_core() {
        command.env(environment::CORE.name, core.to_string());
    }
    let status = wait(ProcessGroup::spawn(&mut command).context("could not start the gate")?)?;
    let code = status.code().and_then(|code| u8::try_from(code).ok());
    if code == Some(Exit::Interrupted.code()) && interrupt::requested() {
        return Err(Failure::interrupted());
    }
    let json = fs::read(&answer).with_context(|| format!("could not read {}", answer.display()))?;
    Ok(read(&json, code).map_err(|error| {
        let said = fs::read_to_string(&log).unwrap_or_default();
        anyhow!("the gate ended with {status} and {error}: {}", said.lines().last().unwrap_or("it said nothing"))
    })?)
}

fn read(json: &[u8], code: Option<u8>) -> anyhow::Result<PrintedAnswer> {
    let answer: PrintedAnswer = serde_json::from_slice(json).map_err(|error| anyhow!("no outcome ({error})"))?;
    ensure!(Some(answer.exit_code) == code, "an outcome that names exit code {}", answer.exit_code);
    Ok(answer)
}

fn is_taken_out(name: &str) -> bool {
    TAKEN_OUT.iter().any(|other| if other.ends_with('_') { name.starts_with(other) } else { name == *other })
}

/// Waits until the gate ends. An interruption is passed on, so that the gate can remove its temporary files.
fn wait(mut gate: ProcessGroup) -> Result<std::process::ExitStatus, Failure> {
    let deadline = Instant::now() + PATIENCE;
    loop {
        if let Some(status) = gate.wait_at_most(interrupt::GLANCE).context("could not wait for the gate")? {
            return Ok(status);
        }
        let late = Instant::now() > deadline;
        if late || interrupt::requested() {
            ask_to_end(&gate);
            let _ = gate.wait_at_most(GOODBYE);
            return Err(if late {
                anyhow!("the gate took more than {} minutes", PATIENCE.as_secs() / 60).into()
            } else {
                Failure::interrupted()
            });
        }
    }
}

fn ask_to_end(gate: &ProcessGroup) {
    #[cfg(unix)]
    if let Some(process) = rustix::process::Pid::from_raw(gate.child.id().cast_signed()) {
        let _ = rustix::process::kill_process(process, rustix::process::Signal::TERM);
    }
    #[cfg(not(unix))]
    let _ = gate;
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::compare::evidence::GateVerdict;
    use crate::gate::test_data::{outcome, row};

    #[test]
    fn an_outcome_of_the_gate_is_understood() {
        let outcome = outcome(vec![row("verify_single", GateVerdict::Regression, (1.08, 1.09, 1.10))]);
        let json = serde_json::to_vec(&outcome).unwrap();
        let answer = read(&json, Some(1)).unwrap();
        assert_eq!((answer.verdict.as_deref(), answer.exit_code), (Some("regression"), 1));
        let row = &answer.rows[0];
        assert_eq!((row.benchmark.as_str(), row.verdict.as_str()), ("verify_single", "regression"));
        assert!((row.ratio.unwrap().estimate - 1.09).abs() < 1e-12);
        assert!((row.instructions_ratio().unwrap() - 1.09).abs() < 1e-12);
    }

    #[test]
    fn programs_that_were_timed_before_are_no_verdict_of_their_own() {
        let programs = ["a", "b"].map(str::to_owned);
        let likeness = crate::side::manifest::Likeness { programs: Some(programs.clone()), ..Default::default() };
        let judged = outcome(vec![row("a", GateVerdict::Pass, (0.99, 1.0, 1.01))]);
        let outcome = crate::gate::outcome::GateOutcome::not_again("old", "new", &judged.settings, likeness);
        let answer = read(&serde_json::to_vec(&outcome).unwrap(), Some(3)).unwrap();
        assert!(answer.is_not_again() && answer.programs() == Some(&programs), "{answer:?}");
        assert_eq!(answer.verdict_line, "could not measure: these two programs were timed before");
        assert!(!read(&serde_json::to_vec(&judged).unwrap(), Some(0)).unwrap().is_not_again());
    }

    #[test]
    fn an_exit_code_that_is_not_the_outcomes_is_no_answer() {
        let json = serde_json::to_vec(&outcome(vec![row("a", GateVerdict::Pass, (0.99, 1.0, 1.01))])).unwrap();
        assert!(read(&json, Some(0)).is_ok());
        assert_eq!(read(&json, Some(1)).unwrap_err().to_string(), "an outcome that names exit code 0");
        assert!(read(&json, None).is_err());
        assert!(read(b"", Some(3)).unwrap_err().to_string().starts_with("no outcome ("));
    }

    #[test]
    fn what_would_outweigh_a_patch_is_taken_out_of_the_environment() {
        for name in
            ["RUSTFLAGS", "CARGO_PROFILE_RELEASE_LTO", "CARGO_TARGET_X86_64_UNKNOWN_LINUX_GNU_RUSTFLAGS", "GIT_DIR"]
        {
            assert!(is_taken_out(name), "{name}");
        }
        for name in ["PATH", "CARGO_HOME", "CARGO", "RUSTUP_TOOLCHAIN", "RUSTFLAGS_OF_MINE"] {
            assert!(!is_taken_out(name), "{name}");
        }
    }
}
