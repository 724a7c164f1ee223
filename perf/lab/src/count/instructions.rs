//! Instructions per token, counted by callgrind on this very program (`perf-lab probe`).
//!
//! The program is run twice with different numbers of passes; the difference leaves out start-up and minting.
//! valgrind has no AVX-512, so the SIMD path that it offers is recorded beside the counts.

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitStatus, Stdio};

use anyhow::{Context, bail};
use rayon::prelude::*;
use ron_auth_variants::mac::lanes::SimdLevel;

use fairbench::probe::callgrind::{UNKNOWN_INSTRUCTION, total_of};

use crate::catalogue::workload::tokens_per_pass;

/// Number of passes of the shorter run: the first ones grow scratch memory.
const SHORT_PASSES: u64 = 2;
/// Number of passes of the longer run.
const LONG_PASSES: u64 = 3;

/// Names a cell: variant, corpus and batch.
pub type CountKey = (String, String, usize);

/// What callgrind counted.
#[derive(Clone, Debug)]
pub struct CallgrindCounts {
    /// Instructions per token, by cell.
    pub per_token: HashMap<CountKey, f64>,
    /// The SIMD path that valgrind offers.
    pub simd_path: String,
}

/// Checks that this very program can run under valgrind, which is known before minutes are spent on it.
///
/// # Errors
/// It was built with AVX-512 everywhere.
pub fn runs_under_valgrind() -> anyhow::Result<()> {
    if SimdLevel::compiled_in() == SimdLevel::Avx512 {
        bail!(UNKNOWN_INSTRUCTION);
    }
    Ok(())
}

/// Whether a process was ended by an illegal instruction.
#[must_use]
pub fn is_illegal_instruction(status: ExitStatus) -> bool {
    #[cfg(unix)]
    return std::os::unix::process::ExitStatusExt::signal(&status) == Some(4);
    #[cfg(not(unix))]
    return false;
}

/// Counts every cell, on one thread each, several at a time: other load does not change a count. `progress` is called
/// after each; cells for which `interrupted` has become true by their turn are left out.
///
/// # Errors
/// valgrind or the probe failed.
pub fn count_all(
    cells: &[CountKey],
    interrupted: &(dyn Fn() -> bool + Sync),
    progress: &(dyn Fn() + Sync),
) -> anyhow::Result<CallgrindCounts> {
    runs_under_valgrind()?;
    let program = std::env::current_exe()?;
    let scratch = tempfile::tempdir()?;
    let counted: Vec<Option<(CountKey, f64, String)>> = cells
        .par_iter()
        .map(|key| {
            if interrupted() {
                return Ok(None);
            }
            let (short, _) = callgrind(&program, scratch.path(), key, SHORT_PASSES)?;
            let (long, simd_path) = callgrind(&program, scratch.path(), key, LONG_PASSES)?;
            let tokens = (LONG_PASSES - SHORT_PASSES) * tokens_per_pass(key.2) as u64;
            progress();
            Ok(Some((key.clone(), long.saturating_sub(short) as f64 / tokens as f64, simd_path)))
        })
        .collect::<anyhow::Result<_>>()?;
    let mut counts = CallgrindCounts { per_token: HashMap::new(), simd_path: String::new() };
    for (key, per_token, simd_path) in counted.into_iter().flatten() {
        counts.per_token.insert(key, per_token);
        counts.simd_path = simd_path;
    }
    Ok(counts)
}

/// Counts the instructions of a whole run, and returns them with the SIMD path that the program found.
fn callgrind(program: &Path, scratch: &Path, key: &CountKey, passes: u64) -> anyhow::Result<(u64, String)> {
    let (variant, corpus, batch) = key;
    let out: PathBuf = tempfile::Builder::new().suffix(".out").tempfile_in(scratch)?.into_temp_path().keep()?;
    let mut out_option = std::ffi::OsString::from("--callgrind-out-file=");
    out_option.push(&out);
    let output = Command::new("valgrind")
        .args(["--tool=callgrind", "--quiet"])
        .arg(out_option)
        .arg(program)
        .args(["probe", "--variant", variant, "--fixture", corpus])
        .args(["--batch", &batch.to_string(), "--passes", &passes.to_string()])
        .stdin(Stdio::null())
        .output()
        .context("could not start valgrind")?;
    if is_illegal_instruction(output.status) {
        bail!(UNKNOWN_INSTRUCTION);
    }
    if !output.status.success() {
        let said = String::from_utf8_lossy(&output.stderr);
        bail!("valgrind ended with {}: {}", output.status, said.lines().last().unwrap_or("no message"));
    }
    let report = std::fs::read_to_string(&out).context("valgrind left no report")?;
    let total = total_of(&report).context("valgrind's report has no totals line")?;
    let _ = std::fs::remove_file(&out);
    Ok((total, String::from_utf8_lossy(&output.stdout).trim().to_owned()))
}
