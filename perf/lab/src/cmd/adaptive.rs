//! `perf-lab adaptive`: does the choice that the library makes per batch lose to any fixed one?
//!
//! Two choices are made for every batch: how caveats are judged (streaming, or columnar from `soa_threshold` on, which
//! by default is never; then streaming is measured beside itself, as a control, and beside columnar), and
//! whether it is spread over threads (from `par_min_batch` on). Each is measured against both of its fixed forms in the
//! same rounds.

use std::sync::Arc;
use std::time::Duration;

use anyhow::Context;
use clap::Args as ClapArgs;
use comfy_table::Table;
use comfy_table::presets::ASCII_MARKDOWN;
use fairbench::exit::{CommandResult, Exit, Failure};
use fairbench::measure::queue;
use fairbench::measure::stats::PairedRatio;
use ron_auth_catalogue::Variant;
use ron_auth_fixtures::{Corpus, Fixture};
use serde::Serialize;

use super::{OnCore, print, variant_named};
use crate::catalogue::Knobs;
use crate::catalogue::workload::{Workload, corpus_for, first_difference_of};
use crate::own::pool::{all_threads, on_one_core};
use crate::rounds::subject::{Clock, InProcess, Subject};
use crate::rounds::{RoundsEffort, measure};

const BATCHES: [usize; 5] = [1, 64, 128, 256, 1024];
/// What the adaptive choice may lose to the best fixed one, as a part of one.
const MOST_LOST: f64 = 0.03;

/// Compare the choices that an engine makes for each batch with every fixed choice
#[derive(Debug, ClapArgs)]
pub struct Args {
    /// The variant to measure
    #[arg(long, value_name = "NAME", default_value = "prod")]
    engine: String,
    /// Print the result as JSON
    #[arg(long)]
    json: bool,
    /// Seconds of measuring for each row
    #[arg(long, default_value_t = 2.0)]
    seconds: f64,
    #[command(flatten)]
    on_core: OnCore,
}

/// One choice on one fixture and batch. Ratios are adaptive / fixed: above 1 the adaptive choice loses.
#[derive(Debug, Serialize)]
struct AdaptiveRow {
    choice: &'static str,
    fixture: &'static str,
    batch: usize,
    fixed: [&'static str; 2],
    ratios: [PairedRatio; 2],
    loses: bool,
}

/// Runs `adaptive`. Exit 1 if the adaptive choice is shown to lose more than 3 % to a fixed one.
///
/// # Errors
/// An unknown engine; an engine whose knobs change a decision.
pub fn run(args: &Args) -> CommandResult {
    let engine = variant_named(&args.engine)?;
    if !(args.seconds > 0.0 && args.seconds <= 3600.0) {
        return Err(Failure::usage("--seconds: expected a number above 0, up to 3600"));
    }
    let budget = Duration::from_secs_f64(args.seconds);
    args.on_core.settle()?;
    let _turn = queue::turn(&|| false)?;
    let threads = all_threads();
    let mut rows = Vec::new();
    for fixture in Fixture::ALL {
        for batch in BATCHES {
            let corpus = corpus_for(fixture, batch);
            let one = Knobs::sequential();
            let evaluator = [
                ("streaming", Knobs { soa_threshold: usize::MAX, ..one }),
                ("columnar", Knobs { soa_threshold: 0, ..one }),
            ];
            let (_, row) =
                on_one_core(|| measure_row("evaluator", &engine, &corpus, fixture, batch, one, evaluator, budget))?;
            rows.push(row?);
            if batch > 1 && threads > 1 {
                let defaults = Knobs::defaults(threads);
                let spread = [
                    ("one thread", Knobs { par_min_batch: usize::MAX, ..defaults }),
                    ("all threads", Knobs { par_min_batch: 0, ..defaults }),
                ];
                rows.push(measure_row("threads", &engine, &corpus, fixture, batch, defaults, spread, budget * 2)?);
            }
        }
    }
    let lost = rows.iter().filter(|row| row.loses).count();
    if args.json {
        print(serde_json::to_string_pretty(&rows).map_err(anyhow::Error::from)?);
    } else {
        show(&rows, &engine, lost);
    }
    Ok(if lost == 0 { Exit::Success } else { Exit::Difference })
}

fn show(rows: &[AdaptiveRow], engine: &Variant, lost: usize) {
    print(format_args!(
        "{}: the adaptive choice loses more than {:.0} % in {lost} of {} rows",
        engine.name,
        100.0 * MOST_LOST,
        rows.len()
    ));
    let mut table = Table::new();
    table.load_style(ASCII_MARKDOWN);
    table.set_header(["choice", "fixture", "batch", "adaptive / fixed", "adaptive / fixed", "loses"]);
    for row in rows {
        let [first, second] = [0, 1].map(|index| match (row.fixed.get(index), row.ratios.get(index)) {
            (Some(name), Some(r)) => format!("{name}: {:.3} ({:.3}–{:.3})", r.estimate, r.lower, r.upper),
            _ => String::new(),
        });
        let loses = if row.loses { "YES" } else { "no" };
        table.add_row([row.choice, row.fixture, &row.batch.to_string(), &first, &second, loses]);
    }
    print(table);
    print(
        "Medians over paired rounds, 95 % bootstrap intervals. Evaluators on one pinned thread; threads in wall time.",
    );
}

#[allow(clippy::too_many_arguments, reason = "one row, spelled out")]
fn measure_row(
    choice: &'static str,
    engine: &Variant,
    corpus: &Arc<Corpus>,
    fixture: Fixture,
    batch: usize,
    adaptive: Knobs,
    fixed: [(&'static str, Knobs); 2],
    budget: Duration,
) -> Result<AdaptiveRow, Failure> {
    let clock = Clock::for_threads(adaptive.threads);
    let mut subjects: Vec<Box<dyn Subject>> = Vec::new();
    for knobs in [adaptive].into_iter().chain(fixed.map(|(_, knobs)| knobs)) {
        let workload = Workload::new(engine, corpus.clone(), batch, knobs);
        if let Some(difference) = first_difference_of(engine, &corpus.intended, &workload.results()) {
            return Err(Failure::difference(format!(
                "{} on {}, batch {batch}, {knobs:?}: token {}: expected {}, got {}; nothing was timed",
                engine.name,
                fixture.name(),
                difference.token,
                difference.expected,
                difference.got
            )));
        }
        subjects.push(Box::new(InProcess::new(workload, clock)));
    }
    let effort = RoundsEffort { min_rounds: 8, max_rounds: 400, budget };
    let rounds = measure(&mut subjects, effort, 1, &|| false, &mut |_| {})?;
    let ratio = |subject| PairedRatio::of(rounds.of(0), rounds.of(subject), 1).context("no round was completed");
    let ratios = [ratio(1)?, ratio(2)?];
    let loses = ratios.iter().any(|ratio| ratio.lower > 1.0 + MOST_LOST);
    Ok(AdaptiveRow { choice, fixture: fixture.name(), batch, fixed: fixed.map(|(name, _)| name), ratios, loses })
}
