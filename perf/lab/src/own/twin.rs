//! Programs that lie beside this one, because their global allocators count: counting must not slow what is timed.

use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::{Context, anyhow};

/// Name of the program that serves the same probes as this one and answers `count`.
pub const ALLOCATIONS: &str = "perf-lab-allocs";

/// Path of a counting program beside this one. If the lab is run by `cargo run`, which builds one program only, Cargo
/// is first asked to bring it up to date.
///
/// # Errors
/// The program is not there, and could not be built.
pub(crate) fn program(root: &Path, name: &str) -> anyhow::Result<PathBuf> {
    let own = std::env::current_exe()?;
    let beside = own.with_file_name(format!("{name}{}", std::env::consts::EXE_SUFFIX));
    let cargo = std::env::var_os("CARGO");
    if cargo.is_none() && beside.is_file() {
        return Ok(beside);
    }
    let directory = own.parent().context("this program has no directory")?;
    let profile = directory.file_name().and_then(|name| name.to_str()).unwrap_or("release");
    let mut building = Command::new(cargo.unwrap_or_else(|| "cargo".into()))
        .current_dir(root)
        .args(["build", "--package", "perf-lab", "--bin", name])
        .args(["--profile", if profile == "debug" { "dev" } else { profile }])
        .arg("--target-dir")
        .arg(directory.parent().unwrap_or(directory))
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .spawn()
        .context("could not start cargo")?;
    let mut last = "cargo said nothing".to_owned();
    for line in BufReader::new(building.stderr.take().context("no standard error")?).lines() {
        let line = line?;
        // Up to a minute on a machine that has not done it yet; nothing, and nothing said, afterwards.
        if line.trim_start().starts_with("Compiling") || line.trim_start().starts_with("Blocking") {
            eprintln!("building {name}: {}", line.trim().split(" (").next().unwrap_or_default().to_lowercase());
        }
        if !line.trim().is_empty() {
            last = line;
        }
    }
    if building.wait()?.success() && beside.is_file() {
        return Ok(beside);
    }
    Err(anyhow!("could not build {name}: {last}"))
}
