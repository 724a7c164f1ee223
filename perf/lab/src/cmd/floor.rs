//! `perf-lab floor`: how far is an engine from the least work that verifying can be?

use std::time::Duration;

use anyhow::Context;
use clap::Args as ClapArgs;
use comfy_table::Table;
use comfy_table::presets::ASCII_MARKDOWN;
use fairbench::compare::group::Effort;
use fairbench::compare::panel::{Enough, PanelBlocks};
use fairbench::exit::{CommandResult, Exit, Failure};
use fairbench::interrupt;
use fairbench::measure::pin::{can_pin, measuring_core};
use fairbench::measure::queue;
use ron_auth_catalogue::Variant;
use ron_auth_fixtures::Fixture;
use ron_auth_variants::mac::lanes::SimdLevel;
use serde::Serialize;

use super::{OnCore, OnFixtures, print, variant_named};
use crate::catalogue::{CLASSIC, Knobs, REFERENCE};
use crate::floor::Floor;
use crate::own;
use crate::run::{ArmKind, ComparisonGroup, Panel, Point, SweepArm};
use crate::sweep::block::measure;
use crate::sweep::check::{cells, check_all};
use crate::tripwire::{CellName, Tripwires};

/// A name, tokens, and how many of them per call.
type NamedCase = (&'static str, Fixture, usize);

const CASES: [NamedCase; 10] = [
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
const LARGE_CASES: [NamedCase; 2] =
    [("batch16384-light", Fixture::Light, 16_384), ("batch16384-heavy", Fixture::Heavy, 16_384)];

/// How much a block measures of each case.
const EFFORT: Effort = Effort { turn_ns: 300_000.0, rounds: 3 };
/// How much it measures of large batches, a turn of which takes so long that more of them would be a whole budget.
const LARGE_EFFORT: Effort = Effort { rounds: 1, ..EFFORT };
const MOST_BLOCKS: usize = 400;
/// Half-width of an interval that nobody needs narrower.
const PRECISION: f64 = 0.001;

/// The arms of a group, by their places.
const ENGINE: usize = 0;
const FLOOR: usize = 1;
const PLAIN: usize = 2;
const CLASSICAL: usize = 3;

/// Measure an engine against the floor (SIMD Base64 and the same MAC messages, nothing else), the deployed verifier's
/// build, and plain
///
/// Four processes take turns on one core: the engine, the floor, `classic` (built as the deployed verifier is: what
/// users have today) and `plain` (obviously right, and slower than what users have). They are started anew for each
/// block, six blocks at least; the cases of a fixture share their blocks. Each first proves what it decides. The table
/// says beside classic's share of plain's time how much it may be: where it is more, classic has become slow, and
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
    /// Seconds of measuring for each case; six blocks are taken whatever they need
    #[arg(long, default_value_t = 3.0)]
    seconds: f64,
    #[command(flatten)]
    on_fixtures: OnFixtures,
    #[command(flatten)]
    on_core: OnCore,
}

/// One case. Times are medians over blocks, in nanoseconds per token, on one thread.
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
    /// In all blocks together.
    rounds: usize,
    blocks: usize,
    pinned: bool,
}

/// Runs `floor`.
///
/// # Errors
/// An unknown engine or fixture; an engine that does not decide as the reference does.
pub fn run(args: &Args) -> CommandResult {
    let engine = variant_named(&args.engine)?;
    for reference in [REFERENCE, CLASSIC] {
        variant_named(reference)?;
    }
    if !(args.seconds > 0.0 && args.seconds <= 3600.0) {
        return Err(Failure::usage("--seconds: expected a number above 0, up to 3600"));
    }
    let fixtures = Fixture::ALL.into_iter().filter(|fixture| CASES.iter().any(|(_, of, _)| of == fixture));
    let fixtures = args.on_fixtures.among(&fixtures.collect::<Vec<_>>())?;
    args.on_core.settle()?;
    interrupt::watch()?;
    let root = own::repository_root();
    let (tripwires, host) = (Tripwires::read(&root.join("baselines/tripwires.toml"))?, own::host(&root));
    let _turn = queue::turn(&interrupt::requested)?;
    let large = if args.large { &LARGE_CASES[..] } else { &[] };
    let panels = [(&CASES[..], EFFORT), (large, LARGE_EFFORT)]
        .map(|(cases, effort)| (panels(&engine, &fixtures, cases), effort));
    for (panels, _) in &panels {
        let panels: Vec<Panel> = panels.iter().map(|(_, panel)| panel.clone()).collect();
        check_all(&cells(&panels), &interrupt::requested, &mut || {})?;
    }
    let mut cases = Vec::new();
    for (panels, effort) in panels {
        for (of_fixture, panel) in panels {
            let budget = Duration::from_secs_f64(args.seconds * of_fixture.len() as f64);
            let found = measure(&panel, effort, Enough { most: MOST_BLOCKS, precision: PRECISION, budget })?;
            for (group, case) in of_fixture.into_iter().enumerate() {
                let most_of_plain = tripwires.most_of_plain(&host, &classic_cell(case));
                cases.push(FloorCase {
                    classic_to_plain_at_most: most_of_plain,
                    ..floor_case(&engine, case, &found, group, effort)?
                });
            }
        }
    }
    let listed = |case: &FloorCase| CASES.iter().chain(large).position(|(name, ..)| *name == case.case);
    cases.sort_by_key(listed);
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
        "engine {}, one thread{}; medians over at least {} blocks of fresh processes, with 95 % intervals.",
        engine.name,
        match measuring_core().filter(|_| pinned) {
            Some(core) => format!(" pinned to core {core}"),
            None => ", NOT pinned (this system does not allow it)".to_owned(),
        },
        cases.iter().map(|case| case.blocks).min().unwrap_or_default()
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

/// The cell of a sweep that measures `classic` on a case.
fn classic_cell((_, fixture, batch): NamedCase) -> CellName {
    CellName { variant: CLASSIC.to_owned(), fixture: fixture.name().to_owned(), batch }
}

/// The cases of each fixture, with the panel that measures them: a group for each.
fn panels(engine: &Variant, fixtures: &[Fixture], cases: &[NamedCase]) -> Vec<(Vec<NamedCase>, Panel)> {
    let of = |fixture: Fixture| {
        let cases: Vec<NamedCase> = cases.iter().filter(|(_, of, _)| *of == fixture).copied().collect();
        let groups = cases.iter().map(|(_, _, batch)| group(engine, fixture, *batch)).collect();
        (cases, Panel { section: "floor".to_owned(), groups })
    };
    fixtures.iter().copied().map(of).filter(|(cases, _)| !cases.is_empty()).collect()
}

fn group(engine: &Variant, fixture: Fixture, batch: usize) -> ComparisonGroup {
    let point = Point { corpus: fixture.name().to_owned(), batch, knobs: Knobs::sequential() };
    let arms = [
        (ArmKind::Variant, engine.name),
        (ArmKind::Floor, "floor"),
        (ArmKind::Reference, REFERENCE),
        (ArmKind::Classic, CLASSIC),
    ];
    let arm = |(kind, variant): (ArmKind, &str)| SweepArm { kind, variant: variant.to_owned(), point: point.clone() };
    ComparisonGroup { arms: arms.map(arm).into() }
}

fn floor_case(
    engine: &Variant,
    (case, fixture, batch): NamedCase,
    found: &PanelBlocks,
    group: usize,
    effort: Effort,
) -> anyhow::Result<FloorCase> {
    let none = "no block was completed";
    let median_ns = |arm| found.time_ns(group, arm).map(|ns| ns.median).context(none);
    let ratio = |of, to| found.ratio(group, of, to).context(none);
    let (to_floor, speedup) = (ratio(ENGINE, FLOOR)?, ratio(PLAIN, ENGINE)?);
    let (over_classic, to_plain) = (ratio(CLASSICAL, ENGINE)?, ratio(CLASSICAL, PLAIN)?);
    Ok(FloorCase {
        case,
        fixture: fixture.name(),
        batch_tokens: batch,
        engine: engine.name,
        verify_ns: median_ns(ENGINE)?,
        floor_ns: median_ns(FLOOR)?,
        ratio: to_floor.estimate,
        ratio_lower95: to_floor.lower,
        ratio_upper95: to_floor.upper,
        plain_ns: median_ns(PLAIN)?,
        speedup: speedup.estimate,
        speedup_lower95: speedup.lower,
        speedup_upper95: speedup.upper,
        classic_ns: median_ns(CLASSICAL)?,
        speedup_over_classic: over_classic.estimate,
        speedup_over_classic_lower95: over_classic.lower,
        speedup_over_classic_upper95: over_classic.upper,
        classic_to_plain: to_plain.estimate,
        classic_to_plain_lower95: to_plain.lower,
        classic_to_plain_upper95: to_plain.upper,
        classic_to_plain_at_most: None,
        floor_kind: Floor::kind(batch),
        rounds: found.blocks() * effort.rounds,
        blocks: found.blocks(),
        pinned: can_pin(),
    })
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use fairbench::compare::group::ArmEstimate;
    use fairbench::host::Host;

    use super::*;

    #[test]
    fn every_limit_of_classic_is_shown_beside_a_case() {
        let path = Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/../../baselines/tripwires.toml"));
        let tripwires = Tripwires::read(path).unwrap();
        let of_classic: Vec<_> = tripwires.ratio.iter().filter(|ratio| ratio.cell.variant == CLASSIC).collect();
        let shown = |simd_path: &str| {
            let host = Host { simd_path: simd_path.to_owned(), ..crate::test_data::host() };
            CASES.map(|case| tripwires.most_of_plain(&host, &classic_cell(case)))
        };
        for ratio in &of_classic {
            assert!(CASES.iter().any(|case| classic_cell(*case) == ratio.cell), "{}", ratio.name);
            let simd_path = ratio.simd_paths.as_ref().and_then(|paths| paths.first()).map_or("avx2", String::as_str);
            assert!(shown(simd_path).contains(&ratio.ratio_to_plain_at_most), "{}", ratio.name);
        }
        assert_eq!(shown("avx512").iter().flatten().count(), 4);
        assert_eq!(shown("avx2").iter().flatten().count(), 4);
    }

    #[test]
    fn the_cases_of_a_fixture_share_a_panel_and_each_has_the_same_four_arms() {
        let engine = variant_named("prod").unwrap();
        let panels = panels(&engine, &Fixture::ALL, &CASES);
        let cases: Vec<Vec<&str>> =
            panels.iter().map(|(cases, _)| cases.iter().map(|(name, ..)| *name).collect()).collect();
        assert!(cases.contains(&vec!["single-light", "batch64-light", "batch1024-light"]), "{cases:?}");
        assert_eq!(cases.iter().map(Vec::len).sum::<usize>(), CASES.len());
        for (cases, panel) in &panels {
            assert_eq!(cases.len(), panel.groups.len());
            for ((_, fixture, batch), ComparisonGroup { arms }) in cases.iter().zip(&panel.groups) {
                assert_eq!((arms[ENGINE].variant.as_str(), arms[FLOOR].kind), ("prod", ArmKind::Floor));
                assert_eq!((arms[PLAIN].variant.as_str(), arms[CLASSICAL].kind), (REFERENCE, ArmKind::Classic));
                let on = |arm: &SweepArm| (arm.point.corpus.clone(), arm.point.batch, arm.point.knobs.threads);
                assert!(arms.iter().all(|arm| on(arm) == (fixture.name().to_owned(), *batch, 1)), "{arms:?}");
            }
        }
    }

    #[test]
    fn every_ratio_of_a_case_is_of_the_arms_that_it_names() {
        let estimate = |ns_per_item: f64| ArmEstimate {
            log_ratio: (ns_per_item / 200.0).ln(),
            ns_per_item,
            iterations: 1,
            times: None,
            tick_ns: None,
        };
        let mut found = PanelBlocks::default();
        for _ in 0..6 {
            // Engine, floor, plain, classic.
            found.push(&[[200.0, 100.0, 1000.0, 800.0].map(estimate).into()]);
        }
        let case = ("batch64-light", Fixture::Light, 64);
        let case = floor_case(&variant_named("prod").unwrap(), case, &found, 0, EFFORT).unwrap();
        let near = |value: f64, expected: f64| assert!((value - expected).abs() < 1e-9, "{value} {expected}");
        near(case.ratio, 2.0);
        near(case.speedup, 5.0);
        near(case.speedup_over_classic_lower95, 4.0);
        near(case.classic_to_plain_upper95, 0.8);
        assert_eq!((case.floor_ns, case.classic_ns, case.blocks, case.rounds), (100.0, 800.0, 6, 18));
        let json = serde_json::to_value(&case).unwrap();
        assert_eq!((&json["fixture"], &json["batch_tokens"]), (&"light".into(), &64.into()));
    }
}
