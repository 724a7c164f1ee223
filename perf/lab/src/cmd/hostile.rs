//! `perf-lab hostile`: what can the dearest token of a length cost?

use std::process::{Command, Stdio};
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, anyhow, bail};
use clap::Args as ClapArgs;
use comfy_table::Table;
use comfy_table::presets::ASCII_MARKDOWN;
use fairbench::exit::{CommandResult, Exit, Failure};
use fairbench::interrupt;
use fairbench::measure::queue;
use ron_auth_catalogue::{Variant, Verifier};
use serde::Serialize;

use super::{OnCore, print, variant_named};
use crate::assurance::hostile::measured::{Dearest, against_ordinary};
use crate::assurance::hostile::memory::{self, BYTES_BESIDE, MOST_BYTES_PER_CHAR, Taken};
use crate::assurance::hostile::search::{Candidate, dearest};
use crate::assurance::hostile::{LENGTHS, MOST_TIMES, key, request, settings};
use crate::catalogue::REFERENCE;
use crate::catalogue::available::available;
use crate::own::pool::on_one_core;
use crate::own::{repository_root, twin};

const BATCHES: [usize; 2] = [1, 64];

/// Search for the dearest token of each length, and hold it against an ordinary one: time, and memory before the MAC
///
/// For each engine and length, a search climbs through what a token of that many bytes can be filled with (caveats of
/// every kind that hold or deny, lists, nets, nesting, chain lengths a byte beyond a block, a wrong MAC, bytes
/// missing). The dearest is measured, in blocks of fresh processes, against an ordinary token of that length: the five
/// caveats of `light`, over and over. Hostile tokens keep to the default bounds (64 caveats). A batch holds 64 such
/// tokens.
///
/// Memory is the most that verifying one token holds at a time before its MAC is checked, for the same tokens and for
/// ones that announce more than they hold.
///
/// Exit 1 if a token takes more than 3 times an ordinary one's time (the whole 95 % interval above), or more than 4
/// bytes for each character and 4 KiB; 2 if it can't be told.
#[derive(Debug, ClapArgs)]
pub struct Args {
    /// Only this engine [default: every variant]
    #[arg(long, value_name = "NAME")]
    engine: Vec<String>,
    /// Only tokens of so many bytes of CBOR [default: 128, 256, 512, 1024, 2048, 4096]
    #[arg(long, value_name = "BYTES")]
    bytes: Vec<usize>,
    /// Seconds of measuring for each dearest token; six blocks are taken whatever they need
    #[arg(long, default_value_t = 0.5)]
    seconds: f64,
    /// Print every length, not only the worst of each engine
    #[arg(long)]
    all: bool,
    /// Print the result as JSON
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    on_core: OnCore,
}

/// What one engine came to.
#[derive(Debug, Serialize)]
struct HostileRow {
    engine: &'static str,
    dearest: Vec<Dearest>,
    /// The token that takes most memory for its length before its MAC is checked.
    memory: Taken,
    memory_bytes_per_char: f64,
}

impl HostileRow {
    fn worst(&self, batch: usize) -> Option<&Dearest> {
        let of_batch = self.dearest.iter().filter(|dearest| dearest.batch_tokens == batch);
        of_batch.max_by(|a, b| a.ratio.estimate.total_cmp(&b.ratio.estimate))
    }
}

/// Runs `hostile`.
///
/// # Errors
/// Usage; an engine that does not decide as the reference does; a counting program that can't be built.
pub fn run(args: &Args) -> CommandResult {
    if !(args.seconds > 0.0 && args.seconds <= 600.0) {
        return Err(Failure::usage("--seconds: expected a number above 0, up to 600"));
    }
    let max_token_bytes = settings().max_token_bytes;
    if let Some(bytes) = args.bytes.iter().find(|bytes| !(LENGTHS[0]..=max_token_bytes).contains(*bytes)) {
        let shortest = LENGTHS[0];
        return Err(Failure::usage(format!(
            "--bytes {bytes}: expected {shortest} to {max_token_bytes}, the default bound"
        )));
    }
    let lengths = if args.bytes.is_empty() { &LENGTHS[..] } else { &args.bytes };
    let (engines, skipped) = engines(&args.engine)?;
    args.on_core.settle()?;
    let root = repository_root();
    let counting = twin::program(&root, memory::PROGRAM)?;
    interrupt::watch()?;
    let _turn = queue::turn(&interrupt::requested)?;
    let budget = Duration::from_secs_f64(args.seconds);
    let mut rows = Vec::new();
    for engine in engines {
        eprintln!("{} …", engine.name);
        let memory = memory_of(&counting, &engine)?;
        let (_, candidates) = on_one_core(|| search(&engine, lengths))?;
        rows.push(HostileRow {
            engine: engine.name,
            dearest: against_ordinary(&engine, &candidates?, budget, &interrupt::requested)?,
            memory_bytes_per_char: memory.bytes_per_char(),
            memory,
        });
    }
    let (exit, verdicts) = judge(&rows);
    if args.json {
        print(serde_json::to_string_pretty(&rows).map_err(anyhow::Error::from)?);
    } else {
        show(&rows, args.all);
        for line in skipped.iter().chain(&verdicts) {
            print(line);
        }
    }
    Ok(exit)
}

/// The engines to try, and a line for each that can't be measured here. One that was asked for must be.
fn engines(names: &[String]) -> Result<(Vec<Variant>, Vec<String>), Failure> {
    if !names.is_empty() {
        return Ok((names.iter().map(|name| variant_named(name)).collect::<Result<_, _>>()?, Vec::new()));
    }
    let (mut engines, mut skipped) = (Vec::new(), Vec::new());
    for variant in ron_auth_catalogue::catalogue() {
        match available(&variant) {
            Ok(()) => engines.push(variant),
            Err(failure) => skipped.push(failure.to_string()),
        }
    }
    Ok((engines, skipped))
}

fn search(engine: &Variant, lengths: &[usize]) -> Result<Vec<Candidate>, Failure> {
    let reference = variant_named(REFERENCE)?.build();
    let verifier: Arc<dyn Verifier> = engine.build().into();
    let agrees = |tokens: &[String]| agree(engine.name, &*verifier, &*reference, tokens);
    let mut found = Vec::new();
    for &bytes in lengths {
        for batch in BATCHES {
            if interrupt::requested() {
                return Err(Failure::interrupted());
            }
            found.push(dearest(&verifier, bytes, batch, &agrees)?);
        }
    }
    Ok(found)
}

/// What is timed decides right.
fn agree(name: &str, verifier: &dyn Verifier, reference: &dyn Verifier, tokens: &[String]) -> anyhow::Result<()> {
    let results = |verifier: &dyn Verifier| verifier.verify_each(&settings(), tokens, &request(), &key());
    let (expected, got) = (results(reference), results(verifier));
    match expected.iter().zip(&got).zip(tokens).find(|((expected, got), _)| expected != got) {
        None if expected.len() == got.len() => Ok(()),
        None => bail!("{name}: {} results for {} tokens", got.len(), tokens.len()),
        Some(((expected, got), token)) => bail!("{name}: expected {expected:?}, got {got:?} for {token}"),
    }
}

fn memory_of(program: &std::path::Path, engine: &Variant) -> anyhow::Result<Taken> {
    let output = Command::new(program)
        .arg(engine.name)
        .stdin(Stdio::null())
        .stderr(Stdio::piped())
        .output()
        .with_context(|| format!("could not start {}", program.display()))?;
    if !output.status.success() {
        let said = String::from_utf8_lossy(&output.stderr);
        return Err(anyhow!("counting memory of {}: {}: {}", engine.name, output.status, said.trim()));
    }
    serde_json::from_slice(&output.stdout).context("the counting program answered nonsense")
}

fn judge(rows: &[HostileRow]) -> (Exit, Vec<String>) {
    let (mut lines, mut exit) = (Vec::new(), Exit::Success);
    let all = || rows.iter().flat_map(|row| row.dearest.iter().map(move |dearest| (row.engine, dearest)));
    for (engine, Dearest { cbor_bytes, batch_tokens, recipe, ratio, .. }) in all() {
        let what = format!("{engine}, {cbor_bytes} bytes, batch {batch_tokens}: {recipe}: {ratio} × an ordinary token");
        if ratio.lower > MOST_TIMES {
            lines.push(format!("too dear: {what}; at most {MOST_TIMES}"));
            exit = Exit::Difference;
        } else if ratio.upper > MOST_TIMES {
            lines.push(format!("can't be told from {MOST_TIMES} ×: {what}"));
            if exit == Exit::Success {
                exit = Exit::Inconclusive;
            }
        }
    }
    for row in rows.iter().filter(|row| row.memory_bytes_per_char > MOST_BYTES_PER_CHAR) {
        lines.push(format!(
            "too much memory: {}: {}: {:.1} bytes a character beside {BYTES_BESIDE}; at most {MOST_BYTES_PER_CHAR}",
            row.engine, row.memory.token, row.memory_bytes_per_char
        ));
        exit = Exit::Difference;
    }
    if let Some((engine, worst)) = all().max_by(|(_, a), (_, b)| a.ratio.estimate.total_cmp(&b.ratio.estimate))
        && let Some(memory) = rows.iter().map(|row| row.memory_bytes_per_char).max_by(f64::total_cmp)
    {
        lines.push(format!(
            "worst: {} × an ordinary token's time ({engine}, {} bytes, batch {}; at most {MOST_TIMES}); {memory:.2} bytes \
             of memory a character before the MAC (at most {MOST_BYTES_PER_CHAR}, beside {BYTES_BESIDE})",
            worst.ratio, worst.cbor_bytes, worst.batch_tokens
        ));
    }
    (exit, lines)
}

fn show(rows: &[HostileRow], all: bool) {
    let mut table = Table::new();
    table.load_style(ASCII_MARKDOWN);
    table.set_header(["engine", "bytes", "batch", "ordinary ns", "dearest ns", "×", "bytes/char", "dearest token"]);
    for row in rows {
        let worst = BATCHES.iter().filter_map(|batch| row.worst(*batch)).collect();
        let shown: Vec<&Dearest> = if all { row.dearest.iter().collect() } else { worst };
        for dearest in shown {
            table.add_row([
                row.engine.to_owned(),
                dearest.cbor_bytes.to_string(),
                dearest.batch_tokens.to_string(),
                format!("{:.0}", dearest.ordinary_ns),
                format!("{:.0}", dearest.dearest_ns),
                dearest.ratio.to_string(),
                format!("{:.2}", row.memory_bytes_per_char),
                dearest.recipe.clone(),
            ]);
        }
    }
    print(table);
    let blocks = rows.iter().flat_map(|row| &row.dearest).map(|dearest| dearest.blocks).min().unwrap_or_default();
    print(format_args!(
        "Times are medians over at least {blocks} blocks of fresh processes on one thread, per token; ratios with 95 % \
         intervals."
    ));
}

#[cfg(test)]
mod tests {
    use fairbench::measure::stats::PairedRatio;

    use super::*;

    fn row(lower: f64, upper: f64, bytes: u64) -> HostileRow {
        let memory = Taken { token: "t".into(), chars: 100, bytes: BYTES_BESIDE + bytes };
        let dearest = Dearest {
            cbor_bytes: 512,
            batch_tokens: 1,
            recipe: "r".into(),
            dearest_ns: 1.0,
            ordinary_ns: 1.0,
            ratio: PairedRatio { estimate: lower, lower, upper },
            tried: 1,
            blocks: 6,
        };
        HostileRow { engine: "e", dearest: vec![dearest], memory_bytes_per_char: memory.bytes_per_char(), memory }
    }

    #[test]
    fn what_is_shown_to_be_too_dear_fails_and_what_can_not_be_told_is_said() {
        for (row, exit, first) in [
            (row(2.0, 2.5, 400), Exit::Success, "worst: "),
            (row(2.9, 3.1, 400), Exit::Inconclusive, "can't be told from 3 ×: e, 512 bytes, batch 1: r"),
            (row(3.1, 3.2, 400), Exit::Difference, "too dear: e, 512 bytes, batch 1: r"),
            (row(2.0, 2.5, 401), Exit::Difference, "too much memory: e: t: 4.0 bytes a character"),
        ] {
            let (judged, lines) = judge(&[row]);
            assert_eq!(judged, exit, "{lines:?}");
            assert!(lines[0].starts_with(first), "{lines:?}");
            assert!(lines.last().unwrap().starts_with("worst: "), "{lines:?}");
        }
    }

    #[test]
    fn an_unknown_engine_is_named_and_none_means_all() {
        assert_eq!(engines(&["prodd".into()]).unwrap_err().exit(), Exit::Usage);
        let (engines, skipped) = engines(&[]).unwrap();
        assert_eq!(engines.len() + skipped.len(), ron_auth_catalogue::catalogue().len());
    }
}
