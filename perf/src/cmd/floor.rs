//! `perf-lab floor`: how far is an engine from the least work that verifying can be?

use std::sync::Arc;
use std::time::Duration;

use anyhow::Context;
use clap::Args as ClapArgs;
use comfy_table::Table;
use comfy_table::presets::ASCII_MARKDOWN;
use ron_auth_fixtures::{Corpus, Fixture};
use ron_auth_variants::Variant;
use serde::Serialize;

use super::{OnCore, print, variant_named};
use crate::cell::{Knobs, REFERENCE};
use crate::check::first_difference;
use crate::exit::{Exit, Failure, Outcome};
use crate::floor::Floor;
use crate::measure::pin::{measuring_core, on_one_core};
use crate::measure::queue;
use crate::measure::rounds::{Effort, measure};
use crate::measure::stats::{PairedRatio, Quartiles};
use crate::measure::subject::{Clock, InProcess, Subject};
use crate::workload::{Workload, corpus_for};
use ron_auth_variants::mac::lanes::SimdLevel;

const CASES: [(&str, Fixture, usize); 6] = [
    ("single-light", Fixture::Light, 1),
    ("single-heavy", Fixture::Heavy, 1),
    ("batch64-light", Fixture::Light, 64),
    ("batch64-heavy", Fixture::Heavy, 64),
    ("batch1024-light", Fixture::Light, 1024),
    ("batch1024-heavy", Fixture::Heavy, 1024),
];

/// Does a token cost the same in a batch that leaves the caches behind?
const LARGE_CASES: [(&str, Fixture, usize); 2] =
    [("batch16384-light", Fixture::Light, 16_384), ("batch16384-heavy", Fixture::Heavy, 16_384)];

/// Measure an engine against the floor: SIMD Base64 and the same MAC messages, nothing else
#[derive(Debug, ClapArgs)]
pub struct Args {
    /// Variant to measure
    #[arg(long, value_name = "NAME", default_value = "prod")]
    engine: String,
    /// Also batches of 16,384 tokens
    #[arg(long)]
    large: bool,
    /// Print JSON
    #[arg(long)]
    json: bool,
    /// Seconds for each case
    #[arg(long, default_value_t = 3.0)]
    seconds: f64,
    #[command(flatten)]
    on_core: OnCore,
}

/// One case. Times are medians, in nanoseconds per token, on one thread.
#[derive(Debug, Serialize)]
struct Case {
    case: &'static str,
    engine: &'static str,
    verify_ns: f64,
    floor_ns: f64,
    ratio: f64,
    ratio_lower95: f64,
    ratio_upper95: f64,
    plain_ns: f64,
    speedup: f64,
    speedup_lower95: f64,
    speedup_upper95: f64,
    floor_kind: &'static str,
    rounds: usize,
    pinned: bool,
}

/// Runs it.
///
/// # Errors
/// An unknown engine; an engine that does not decide as the reference does.
pub fn run(args: &Args) -> Outcome {
    let engine = variant_named(&args.engine)?;
    let plain = variant_named(REFERENCE)?;
    if !(args.seconds > 0.0 && args.seconds <= 3600.0) {
        return Err(Failure::usage("--seconds: expected a number above 0, up to 3600"));
    }
    let budget = Duration::from_secs_f64(args.seconds);
    args.on_core.settle()?;
    let _turn = queue::turn(&|| false)?;
    let mut cases = Vec::new();
    let large = if args.large { &LARGE_CASES[..] } else { &[] };
    for &(case, fixture, batch) in CASES.iter().chain(large) {
        let corpus = corpus_for(fixture, batch);
        let (pinned, measured) = on_one_core(|| measure_case(case, &engine, &plain, &corpus, batch, budget))?;
        cases.push(Case { pinned, ..measured? });
    }
    if args.json {
        print(serde_json::to_string_pretty(&cases).map_err(anyhow::Error::from)?);
        return Ok(Exit::Success);
    }
    let mut table = Table::new();
    table.load_style(ASCII_MARKDOWN);
    table.set_header(["case", "verify ns/token", "floor ns/token", "verify / floor", "plain ns/token", "speed-up"]);
    for case in &cases {
        table.add_row([
            case.case.to_owned(),
            format!("{:.0}", case.verify_ns),
            format!("{:.0}", case.floor_ns),
            format!("{:.3} ({:.3}–{:.3})", case.ratio, case.ratio_lower95, case.ratio_upper95),
            format!("{:.0}", case.plain_ns),
            format!("{:.2} ({:.2}–{:.2})", case.speedup, case.speedup_lower95, case.speedup_upper95),
        ]);
    }
    print(table);
    let pinned = cases.iter().all(|case| case.pinned);
    print(format_args!(
        "engine {}, one thread{}; medians over paired rounds, 95 % bootstrap intervals.",
        engine.name,
        match measuring_core().filter(|_| pinned) {
            Some(core) => format!(" pinned to core {core}"),
            None => ", NOT pinned (this system does not allow it)".to_owned(),
        }
    ));
    print(format_args!(
        "floor: SIMD Base64 of the same text, and the same MAC messages: of one token through blake3::keyed_hash from \
         ready bytes, of a batch in SIMD lanes from words already in place ({}).",
        if cases.iter().any(|case| case.floor_kind == "lanes") {
            SimdLevel::detected().name()
        } else {
            "no lanes here: serially"
        }
    ));
    Ok(Exit::Success)
}

fn measure_case(
    case: &'static str,
    engine: &Variant,
    plain: &Variant,
    corpus: &Arc<Corpus>,
    batch: usize,
    budget: Duration,
) -> Result<Case, Failure> {
    let verify = Workload::new(engine, corpus.clone(), batch, Knobs::sequential());
    let reference = Workload::new(plain, corpus.clone(), batch, Knobs::sequential());
    for (what, workload) in [(plain.name, &reference), (engine.name, &verify)] {
        if let Some(difference) = first_difference(&corpus.intended, &workload.results()) {
            return Err(Failure::difference(format!(
                "{what} on {case}: token {}: expected {}, got {}; nothing was timed",
                difference.token, difference.expected, difference.got
            )));
        }
    }
    let clock = Clock::for_threads(1);
    let floor = Floor::new(corpus.clone(), batch);
    let floor_kind = floor.kind();
    let mut subjects: Vec<Box<dyn Subject>> = vec![
        Box::new(InProcess::new(verify, clock)),
        Box::new(InProcess::new(floor, clock)),
        Box::new(InProcess::new(reference, clock)),
    ];
    let effort = Effort { min_rounds: 5, max_rounds: 300, budget };
    let rounds = measure(&mut subjects, effort, 1, &|| false, &mut |_| {})?;
    let per_token = 1.0 / corpus.tokens.len() as f64;
    let median_ns =
        |subject| Quartiles::of(rounds.of(subject)).map(|ns| ns.median * per_token).context("no round was completed");
    let ratio = PairedRatio::of(rounds.of(0), rounds.of(1), 1).context("no round was completed")?;
    let speedup = PairedRatio::of(rounds.of(2), rounds.of(0), 1).context("no round was completed")?;
    Ok(Case {
        case,
        engine: engine.name,
        verify_ns: median_ns(0)?,
        floor_ns: median_ns(1)?,
        ratio: ratio.estimate,
        ratio_lower95: ratio.lower,
        ratio_upper95: ratio.upper,
        plain_ns: median_ns(2)?,
        speedup: speedup.estimate,
        speedup_lower95: speedup.lower,
        speedup_upper95: speedup.upper,
        floor_kind,
        rounds: rounds.len(),
        pinned: false,
    })
}
