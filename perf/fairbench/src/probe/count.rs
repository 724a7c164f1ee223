//! Counts of allocations and instructions of the cases of a probe, which need no clock.
//!
//! Allocations are asked of a probe's counting twin. Instructions are counted by callgrind around one function of our
//! probes, whose every return leaves a report, so that one process counts all cases. valgrind has no AVX-512: the SIMD
//! path that it offers is recorded. Both are of one thread; what several threads do is not the same twice.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::process::Command;

use serde::{Deserialize, Serialize};

use super::callgrind::{UNKNOWN_INSTRUCTION, available, total_of};
use super::client::Client;
use super::command::ProbeCommand;
use crate::compare::layout::Layout;
use crate::compare::runner::{CaseInfo, MeasureError};
use crate::files::{read_json, write_whole};

/// The function that runs a case, and nothing else; the second is that of probes from before protocol 2. Without
/// wildcards: callgrind takes them at the end of some options and at the start of others, and never says so.
const TIMED_WORK: [&str; 2] = ["fairbench_probe::timed_work", "perf_probe::cases::timed_work"];
/// Exit status of a process that met an instruction which valgrind does not know.
const ILLEGAL_INSTRUCTION: &str = "signal 4";
/// Iterations of a run that is counted.
const ITERATIONS: u64 = 8;
/// Number of runs after which scratch memory and the allocator's caches have grown to their size.
const WARM_UP_RUNS: usize = 2;
/// Runs that are counted. The least of them is the steady state: now and then an allocator tidies up, which adds up to
/// 1 % and falls on one run of a program and on another of the next.
const COUNTED_RUNS: usize = 3;

/// What one item costs in steady state; `None` is what could not be counted.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct CaseCounts {
    /// Number of instructions, on the SIMD path that valgrind offers.
    pub instructions_per_item: Option<f64>,
    /// Number of allocations and reallocations.
    pub allocations_per_item: Option<f64>,
    /// Bytes that were asked for in allocations.
    pub allocated_bytes_per_item: Option<f64>,
}

/// What was counted on one side.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct SideCounts {
    /// The counts, by the name of the case.
    pub cases: BTreeMap<String, CaseCounts>,
    /// The SIMD path on which instructions were counted.
    pub simd_path: Option<String>,
    /// What could not be counted, and why.
    pub notes: Vec<String>,
}

/// Counts the single-threaded ones of `cases`: instructions of `probe`, from `cache` if this very program was counted
/// before, and allocations of `allocs`, its counting twin. What cannot be counted is noted and left out: times are
/// worth having without counts.
///
/// # Errors
/// [`MeasureError::Interrupted`] is the only error.
pub fn count(
    probe: &ProbeCommand,
    allocs: Option<&ProbeCommand>,
    cases: &[CaseInfo],
    cache: &Path,
) -> Result<SideCounts, MeasureError> {
    let cases: Vec<&CaseInfo> = cases.iter().filter(|case| case.is_single_threaded()).collect();
    let mut counts = SideCounts::default();
    match instructions(probe, &cases, cache) {
        Ok(counted) => {
            for (case, per_item) in counted.per_item {
                counts.cases.entry(case).or_default().instructions_per_item = Some(per_item);
            }
            counts.simd_path = Some(counted.simd_path);
        }
        Err(Failed::Interrupted) => return Err(MeasureError::Interrupted),
        Err(Failed::Because(reason)) => counts.notes.push(format!("instructions n/a: {reason}")),
    }
    let Some(allocs) = allocs else {
        counts.notes.push(format!("allocations n/a: {} has no counting twin", probe.label));
        return Ok(counts);
    };
    match allocations(allocs, &cases) {
        Ok(counted) => {
            for (case, (allocations, bytes)) in counted {
                let counts = counts.cases.entry(case).or_default();
                counts.allocations_per_item = Some(allocations);
                counts.allocated_bytes_per_item = Some(bytes);
            }
        }
        Err(MeasureError::Interrupted) => return Err(MeasureError::Interrupted),
        Err(error) => counts.notes.push(format!("allocations n/a: {error}")),
    }
    Ok(counts)
}

fn items(case: &CaseInfo, iterations: u64) -> f64 {
    iterations as f64 * case.items_per_iteration as f64
}

fn allocations(command: &ProbeCommand, cases: &[&CaseInfo]) -> Result<BTreeMap<String, (f64, f64)>, MeasureError> {
    command.verified()?;
    let mut client = Client::start(command, Layout::default(), false)?;
    let mut counted = BTreeMap::new();
    for case in cases {
        counted.insert(case.name.clone(), steady_allocations(&mut client, case, ITERATIONS)?);
    }
    Ok(counted)
}

/// Allocations and bytes per item of a case in steady state, of so many iterations, asked of a probe that counts. The
/// case is checked first.
///
/// # Errors
/// A wrong answer, or a probe that fails or does not count.
pub fn steady_allocations(client: &mut Client, case: &CaseInfo, iterations: u64) -> Result<(f64, f64), MeasureError> {
    client.check_as(case)?;
    let mut least: Option<(u64, u64)> = None;
    for _ in 0..COUNTED_RUNS {
        let tally = client.count(&case.name, iterations)?;
        let run = (tally.allocations, tally.bytes);
        least = Some(least.map_or(run, |least| least.min(run)));
    }
    let (allocations, bytes) = least.unwrap_or_default();
    Ok((allocations as f64 / items(case, iterations), bytes as f64 / items(case, iterations)))
}

/// Instruction counts of one program.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Instructions {
    /// The SIMD path that they were counted on.
    pub simd_path: String,
    /// Instructions per item of each case, by its name.
    pub per_item: BTreeMap<String, f64>,
}

enum Failed {
    Interrupted,
    Because(String),
}

impl From<MeasureError> for Failed {
    fn from(error: MeasureError) -> Self {
        match error {
            MeasureError::Interrupted => Self::Interrupted,
            other => Self::Because(other.to_string()),
        }
    }
}

impl From<anyhow::Error> for Failed {
    fn from(error: anyhow::Error) -> Self {
        Self::Because(format!("{error:#}"))
    }
}

fn instructions(probe: &ProbeCommand, cases: &[&CaseInfo], cache: &Path) -> Result<Instructions, Failed> {
    let cached = cached_at(probe, cases, cache)?;
    if let Ok(counted) = read_json::<Instructions>(&cached, "instruction counts") {
        return Ok(counted);
    }
    available()?;
    let counted = count_instructions(probe, cases, ITERATIONS)?;
    // A cache that cannot be written costs a few seconds next time.
    let _ = serde_json::to_vec_pretty(&counted).map(|json| write_whole(&cached, json));
    Ok(counted)
}

/// Path of the cached counts, named after all that they depend on: the program, its arguments, the cases, and how they
/// are counted.
fn cached_at(probe: &ProbeCommand, cases: &[&CaseInfo], cache: &Path) -> Result<PathBuf, MeasureError> {
    let mut identity = blake3::Hasher::new();
    identity.update(&probe.verified()?);
    for arg in &probe.args {
        identity.update(arg.as_encoded_bytes()).update(&[0]);
    }
    for case in cases {
        identity.update(case.name.as_bytes()).update(&[0]);
    }
    identity.update(format!("{ITERATIONS} {WARM_UP_RUNS} {COUNTED_RUNS}").as_bytes());
    let name: String = identity.finalize().to_hex().chars().take(24).collect();
    Ok(cache.join(format!("{name}.json")))
}

/// Instructions per item of each case in steady state, of so many iterations, counted by callgrind now, whatever was
/// counted before. The cases are checked first.
///
/// # Errors
/// There is no valgrind, or the program cannot run under it or fails there; a wrong answer; Ctrl-C.
pub fn steady_instructions(probe: &ProbeCommand, cases: &[&CaseInfo], iterations: u64) -> anyhow::Result<Instructions> {
    count_instructions(probe, cases, iterations).map_err(|failed| match failed {
        Failed::Interrupted => MeasureError::Interrupted.into(),
        Failed::Because(reason) => anyhow::Error::msg(reason),
    })
}

fn count_instructions(probe: &ProbeCommand, cases: &[&CaseInfo], iterations: u64) -> Result<Instructions, Failed> {
    let scratch = tempfile::tempdir().map_err(anyhow::Error::from)?;
    let reports = scratch.path().join("callgrind");
    let mut out = OsString::from("--callgrind-out-file=");
    out.push(&reports);
    let mut command = Command::new("valgrind");
    command
        .args(["--tool=callgrind", "--quiet"])
        .arg(out)
        // Counting is on inside the function only, and each return from it writes a report and starts from zero.
        .args(TIMED_WORK.map(|function| format!("--toggle-collect={function}")))
        .args(TIMED_WORK.map(|function| format!("--dump-after={function}")))
        .arg(&probe.program)
        .args(&probe.args)
        .envs(probe.env.iter().map(|(name, value)| (name, value)));
    let label = format!("{} under valgrind", probe.label);
    let simd_path = run_counted(&label, command, cases, iterations).map_err(|error| match error {
        // It says so on several lines, of which the last explains nothing.
        MeasureError::Crashed { status, .. } if status == ILLEGAL_INSTRUCTION => {
            Failed::Because(UNKNOWN_INSTRUCTION.to_owned())
        }
        other => other.into(),
    })?;

    let mut per_item = BTreeMap::new();
    let runs = WARM_UP_RUNS + COUNTED_RUNS;
    for (index, case) in cases.iter().enumerate() {
        let first = index * runs + WARM_UP_RUNS + 1;
        let counts = (first..first + COUNTED_RUNS).map(|run| report(&reports, run));
        let least = counts.collect::<Option<Vec<u64>>>().and_then(|counts| counts.into_iter().min());
        let Some(least) = least.filter(|least| *least > 0) else {
            let [function, _] = TIMED_WORK;
            let reason = format!("{} has no function {function} that callgrind could watch", probe.label);
            return Err(Failed::Because(reason));
        };
        per_item.insert(case.name.clone(), least as f64 / items(case, iterations));
    }
    Ok(Instructions { simd_path, per_item })
}

/// Runs every case for its warm-up and counted runs, and returns the SIMD path.
fn run_counted(label: &str, command: Command, cases: &[&CaseInfo], iterations: u64) -> Result<String, MeasureError> {
    let mut client = Client::start_as(label, command, false)?;
    let simd_path = client.hello().simd_path.clone();
    for case in cases {
        client.check_as(case)?;
        for _ in 0..WARM_UP_RUNS + COUNTED_RUNS {
            client.run(&case.name, iterations)?;
        }
    }
    client.quit()?;
    Ok(simd_path)
}

fn report(reports: &Path, run: usize) -> Option<u64> {
    let mut name = reports.as_os_str().to_owned();
    name.push(format!(".{run}"));
    total_of(&std::fs::read_to_string(name).ok()?)
}
