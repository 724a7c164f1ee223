//! `perf-lab floor`: how far is an engine from the least work that verifying can be?

use std::time::Duration;

use anyhow::Context;
use clap::Args as ClapArgs;
use comfy_table::Table;
use comfy_table::presets::ASCII_MARKDOWN;
use fairbench::exit::{CommandResult, Exit, Failure};
use fairbench::measure::pin::measuring_core;
use fairbench::measure::queue;
use fairbench::measure::stats::{PairedRatio, Quartiles};
use ron_auth_catalogue::Variant;
use ron_auth_fixtures::Fixture;
use ron_auth_variants::mac::lanes::SimdLevel;
use serde::Serialize;

use super::{OnCore, print, variant_named};
use crate::catalogue::workload::{Workload, corpus_for, first_difference_of};
use crate::catalogue::{CLASSIC, Knobs, REFERENCE};
use crate::floor::Floor;
use crate::own::pool::on_one_core;
use crate::rounds::subject::{Clock, InProcess, Subject};
use crate::rounds::{RoundsEffort, measure};

const CASES: [(&str, Fixture, usize); 10] = [
    ("single-light", Fixture::Light, 1),
    ("single-heavy", Fixture::Heavy, 1),
    ("single-scattered-light", Fixture::ScatteredLight, 1),
    ("single-scattered-heavy", Fixture::ScatteredHeavy, 1),
    ("batch64-light", Fixture::Light, 64),
    ("batch64-heavy", Fixture::Heavy, 64),
    ("batch64-scattered-light", Fixture::ScatteredLight, 64),
    ("batch64-scattered-heavy", Fixture::ScatteredHeavy, 64),
    ("batch1024-light", Fixture::Light, 1024),
    ("batch1024-heavy", Fixture::Heavy, 1024),
];

/// Does a token cost the same in a batch that leaves the caches behind?
const LARGE_CASES: [(&str, Fixture, usize); 2] =
    [("batch16384-light", Fixture::Light, 16_384), ("batch16384-heavy", Fixture::Heavy, 16_384)];

/// Measure an engine against the floor (SIMD Base64 and the same MAC messages, nothing else), the deployed verifier's
/// build, and plain
///
/// Four subjects take turns in the same rounds on one pinned thread: the engine, the floor, `classic` (built as the
/// deployed verifier is: what users have today) and `plain` (obviously right, and slower than what users have). The
/// table says beside classic's share of plain's time how much it may be: where it is more, classic has become slow, and
/// whatever is compared with it looks better than it is. The limits are baselines/tripwires.toml's, and every sweep
/// judges them.
#[derive(Debug, ClapArgs)]
pub struct Args {
    /// The variant to measure
    #[arg(long, value_name = "NAME", default_value = "prod")]
    engine: String,
    /// Measure batches of 16,384 tokens as well
    #[arg(long)]
    large: bool,
    /// Print the result as JSON
    #[arg(long)]
    json: bool,
    /// Seconds of measuring for each case
    #[arg(long, default_value_t = 3.0)]
    seconds: f64,
    #[command(flatten)]
    on_core: OnCore,
}

/// One case. Times are medians, in nanoseconds per token, on one thread.
#[derive(Debug, Serialize)]
struct FloorCase {
    case: &'static str,
    /// The tokens.
    fixture: &'static str,
    batch_tokens: usize,
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
    classic_ns: f64,
    /// Time of `classic` / time of the engine.
    speedup_over_classic: f64,
    speedup_over_classic_lower95: f64,
    speedup_over_classic_upper95: f64,
    /// Time of `classic` / time of `plain`, and the most that it may be where there is a limit.
    classic_to_plain: f64,
    classic_to_plain_lower95: f64,
    classic_to_plain_upper95: f64,
    classic_to_plain_at_most: Option<f64>,
    floor_kind: &'static str,
    rounds: usize,
    pinned: bool,
}

/// Runs `floor`.
///
/// # Errors
/// An unknown engine; an engine that does not decide as the reference does.
pub fn run(args: &Args) -> CommandResult {
    let engine = variant_named(&args.engine)?;
    let references = [variant_named(REFERENCE)?, variant_named(CLASSIC)?];
    if !(args.seconds > 0.0 && args.seconds <= 3600.0) {
        return Err(Failure::usage("--seconds: expected a number above 0, up to 3600"));
    }
    let budget = Duration::from_secs_f64(args.seconds);
    args.on_core.settle()?;
    let _turn = queue::turn(&|| false)?;
    let mut cases = Vec::new();
    let large = if args.large { &LARGE_CASES[..] } else { &[] };
    for &(case, fixture, batch) in CASES.iter().chain(large) {
        let (pinned, measured) = on_one_core(|| measure_case(case, &engine, &references, fixture, batch, budget))?;
        cases.push(FloorCase { pinned, ..measured? });
    }
    if args.json {
        print(serde_json::to_string_pretty(&cases).map_err(anyhow::Error::from)?);
        return Ok(Exit::Success);
    }
    let mut table = Table::new();
    table.load_style(ASCII_MARKDOWN);
    table.set_header([
        "case",
        "verify ns/token",
        "floor",
        "verify / floor",
        "classic",
        "× classic",
        "plain",
        "× plain",
        "classic / plain",
    ]);
    for case in &cases {
        let limit = case.classic_to_plain_at_most.map(|most| format!(", at most {most:.2}")).unwrap_or_default();
        table.add_row([
            case.case.to_owned(),
            format!("{:.0}", case.verify_ns),
            format!("{:.0}", case.floor_ns),
            format!("{:.3} ({:.3}–{:.3})", case.ratio, case.ratio_lower95, case.ratio_upper95),
            format!("{:.0}", case.classic_ns),
            format!(
                "{:.2} ({:.2}–{:.2})",
                case.speedup_over_classic, case.speedup_over_classic_lower95, case.speedup_over_classic_upper95
            ),
            format!("{:.0}", case.plain_ns),
            format!("{:.2} ({:.2}–{:.2})", case.speedup, case.speedup_lower95, case.speedup_upper95),
            format!(
                "{:.3} ({:.3}–{:.3}){limit}",
                case.classic_to_plain, case.classic_to_plain_lower95, case.classic_to_plain_upper95
            ),
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

/// The most that `classic` may take of `plain`'s time. The same as in `baselines/tripwires.toml`.
const fn classic_at_most(fixture: Fixture, batch: usize) -> Option<f64> {
    Some(match (fixture, batch) {
        (Fixture::Light, 1) => 0.66,
        (Fixture::Light, 64) => 0.70,
        (Fixture::Heavy, 1 | 64) => 0.75,
        _ => return None,
    })
}

fn measure_case(
    case: &'static str,
    engine: &Variant,
    references: &[Variant; 2],
    fixture: Fixture,
    batch: usize,
    budget: Duration,
) -> Result<FloorCase, Failure> {
    let corpus = corpus_for(fixture, batch);
    let [plain, classic] = references;
    let workload = |variant: &Variant| -> Result<Workload, Failure> {
        let workload = Workload::new(variant, corpus.clone(), batch, Knobs::sequential());
        match first_difference_of(variant, &corpus.intended, &workload.results()) {
            None => Ok(workload),
            Some(difference) => Err(Failure::difference(format!(
                "{} on {case}: token {}: expected {}, got {}; nothing was timed",
                variant.name, difference.token, difference.expected, difference.got
            ))),
        }
    };
    let (plain, classic, verify) = (workload(plain)?, workload(classic)?, workload(engine)?);
    let clock = Clock::for_threads(1);
    let floor = Floor::new(corpus.clone(), batch);
    let floor_kind = floor.kind();
    let mut subjects: Vec<Box<dyn Subject>> = vec![
        Box::new(InProcess::new(verify, clock)),
        Box::new(InProcess::new(floor, clock)),
        Box::new(InProcess::new(plain, clock)),
        Box::new(InProcess::new(classic, clock)),
    ];
    let effort = RoundsEffort { min_rounds: 5, max_rounds: 300, budget };
    let rounds = measure(&mut subjects, effort, 1, &|| false, &mut |_| {})?;
    let per_token = 1.0 / corpus.tokens.len() as f64;
    let median_ns =
        |subject| Quartiles::of(rounds.of(subject)).map(|ns| ns.median * per_token).context("no round was completed");
    let paired = |of, to| PairedRatio::of(rounds.of(of), rounds.of(to), 1).context("no round was completed");
    let [verify, floor, plain, classic] = [0, 1, 2, 3];
    let (ratio, speedup) = (paired(verify, floor)?, paired(plain, verify)?);
    let (over_classic, to_plain) = (paired(classic, verify)?, paired(classic, plain)?);
    Ok(FloorCase {
        case,
        fixture: fixture.name(),
        batch_tokens: batch,
        engine: engine.name,
        verify_ns: median_ns(verify)?,
        floor_ns: median_ns(floor)?,
        ratio: ratio.estimate,
        ratio_lower95: ratio.lower,
        ratio_upper95: ratio.upper,
        plain_ns: median_ns(plain)?,
        speedup: speedup.estimate,
        speedup_lower95: speedup.lower,
        speedup_upper95: speedup.upper,
        classic_ns: median_ns(classic)?,
        speedup_over_classic: over_classic.estimate,
        speedup_over_classic_lower95: over_classic.lower,
        speedup_over_classic_upper95: over_classic.upper,
        classic_to_plain: to_plain.estimate,
        classic_to_plain_lower95: to_plain.lower,
        classic_to_plain_upper95: to_plain.upper,
        classic_to_plain_at_most: classic_at_most(fixture, batch),
        floor_kind,
        rounds: rounds.len(),
        pinned: false,
    })
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;
    use crate::tripwire::Tripwires;

    #[test]
    fn the_limits_shown_are_those_that_sweeps_judge() {
        let path = Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/../../baselines/tripwires.toml"));
        let tripwires = Tripwires::read(path).unwrap();
        let mut judged = 0;
        for ratio in tripwires.ratio.iter().filter(|ratio| ratio.cell.variant == CLASSIC) {
            let fixture: Fixture = ratio.cell.fixture.parse().unwrap();
            assert_eq!(classic_at_most(fixture, ratio.cell.batch), ratio.ratio_to_plain_at_most, "{}", ratio.name);
            assert!(CASES.iter().any(|(_, case, batch)| (*case, *batch) == (fixture, ratio.cell.batch)));
            judged += 1;
        }
        let shown = CASES.iter().filter(|(_, fixture, batch)| classic_at_most(*fixture, *batch).is_some());
        assert_eq!(judged, shown.count());
    }

    #[test]
    fn classic_sits_in_the_same_rounds_and_its_limit_stands_beside_it() {
        let references = [REFERENCE, CLASSIC].map(|name| variant_named(name).unwrap());
        let engine = variant_named("prod").unwrap();
        let case =
            measure_case("c", &engine, &references, Fixture::ScatteredLight, 1, Duration::from_millis(1)).unwrap();
        let json = serde_json::to_value(&case).unwrap();
        assert!(json["classic_ns"].as_f64().unwrap() > 0.0, "{json}");
        assert_eq!((&json["fixture"], &json["batch_tokens"]), (&"scattered-light".into(), &1.into()));
        assert!(json["classic_to_plain_at_most"].is_null());
        // Medians over the same rounds: the ratio of the medians is near the median of the ratios.
        let (ratio, of_medians) = (case.classic_to_plain, case.classic_ns / case.plain_ns);
        assert!((ratio / of_medians).ln().abs() < 0.5, "{ratio} {of_medians}");
    }
}
