//! Allocations per token.
//!
//! They are counted in a program of its own, `perf-lab-allocs`, whose global allocator counts: counting must not slow
//! what is timed. It reads a JSON list of [`CountRequest`]s from standard input and answers each with a line of JSON.

use std::collections::VecDeque;
use std::io::{BufRead, BufReader, Write};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::Arc;

use anyhow::{Context, anyhow, bail};
use fairbench_probe::serve::Tally;

use crate::catalogue::workload::{Workload, tokens_per_pass};
use crate::corpus::Source;
use crate::own::pool::on_one_core;
use crate::run::Point;
use crate::run::record::Allocations;

/// Name of the counting program.
pub const PROGRAM: &str = "perf-lab-allocs";
/// Number of passes after which scratch memory has grown to its size.
const WARM_UP_PASSES: usize = 2;
/// Number of passes that are counted. The least of them is the steady state, since what other threads of the process
/// happen to allocate (a pool that shuts down, say) only ever adds.
const COUNTED_PASSES: usize = 4;

/// A cell: a variant on a point.
pub type CountRequest = (String, Point);

/// Counts one cell, within the counting program. `tally` reads the allocator.
///
/// # Errors
/// An unknown variant or corpus; a thread that cannot be started.
pub fn count((variant, point): &CountRequest, tally: impl Fn() -> Tally + Sync) -> anyhow::Result<Allocations> {
    let variant = ron_auth_catalogue::find(variant)?;
    let corpus = point.corpus.parse::<Source>()?.corpus(tokens_per_pass(point.batch));
    let workload = Workload::new(&variant, Arc::new(corpus), point.batch, point.knobs);
    let counted = || {
        for _ in 0..WARM_UP_PASSES {
            workload.pass();
        }
        let pass = |_| {
            let before = tally();
            workload.pass();
            let after = tally();
            (after.allocations - before.allocations, after.bytes - before.bytes)
        };
        (0..COUNTED_PASSES).map(pass).min().unwrap_or_default()
    };
    let (allocations, allocated_bytes) = if point.knobs.threads == 1 { on_one_core(counted)?.1 } else { counted() };
    let tokens = workload.tokens_per_pass() as f64;
    Ok(Allocations {
        allocations_per_token: allocations as f64 / tokens,
        allocated_bytes_per_token: allocated_bytes as f64 / tokens,
    })
}

/// Has every cell counted by the counting program, until it is late. The results are in the order of the cells;
/// `progress` is called after each.
///
/// # Errors
/// There is no counting program beside this one and none could be built, or it failed.
pub fn count_all(
    cells: &[CountRequest],
    root: &Path,
    late: &dyn Fn() -> bool,
    progress: &mut dyn FnMut(),
) -> anyhow::Result<VecDeque<Allocations>> {
    let program = program(root, PROGRAM)?;
    let mut child = Command::new(&program)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .with_context(|| format!("could not start {PROGRAM}"))?;
    let mut stdin = child.stdin.take().context("no standard input")?;
    stdin.write_all(&serde_json::to_vec(cells)?)?;
    drop(stdin);
    let stdout = child.stdout.take().context("no standard output")?;
    let mut counts = VecDeque::new();
    for line in BufReader::new(stdout).lines() {
        counts.push_back(
            serde_json::from_str(&line?).with_context(|| format!("{PROGRAM} gave an answer that cannot be read"))?,
        );
        progress();
        if late() {
            child.kill()?;
            child.wait()?;
            return Ok(counts);
        }
    }
    let status = child.wait()?;
    if !status.success() || counts.len() != cells.len() {
        bail!("{PROGRAM} ended with {status} after {} of {} cells", counts.len(), cells.len());
    }
    Ok(counts)
}

/// Path of a counting program beside this one. If the lab is run by `cargo run`, which builds one program only, Cargo
/// is first asked to bring it up to date.
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
