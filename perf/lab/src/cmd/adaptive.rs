//! `perf-lab adaptive`: does the choice that the library makes per batch lose to any fixed one?
//!
//! Two choices are made for every batch: how caveats are judged (streaming, or columnar from `soa_threshold` on, which
//! by default is never; then streaming is measured beside itself, as a control, and beside columnar), and
//! whether it is spread over threads (from `par_min_batch` on). Each is measured against both of its fixed forms in the
//! same blocks.

use std::time::Duration;

use anyhow::Context;
use clap::Args as ClapArgs;
use comfy_table::Table;
use comfy_table::presets::ASCII_MARKDOWN;
use fairbench::compare::group::Effort;
use fairbench::compare::panel::{Enough, PanelBlocks};
use fairbench::exit::{CommandResult, Exit, Failure};
use fairbench::interrupt;
use fairbench::measure::queue;
use fairbench::measure::stats::PairedRatio;
use ron_auth_catalogue::Variant;
use ron_auth_fixtures::Fixture;
use serde::Serialize;

use super::{OnCore, OnFixtures, print, variant_named};
use crate::catalogue::Knobs;
use crate::own::pool::all_threads;
use crate::run::{ArmKind, ComparisonGroup, Panel, Point, SweepArm};
use crate::sweep::block::measure;
use crate::sweep::check::{cells, check_all};

const BATCHES: [usize; 5] = [1, 64, 128, 256, 1024];
/// What the adaptive choice may lose to the best fixed one, as a part of one.
const MOST_LOST: f64 = 0.03;
/// How much a block measures of each row.
const EFFORT: Effort = Effort { turn_ns: 300_000.0, rounds: 3 };
/// How much it measures where a batch may be spread over threads: enough batches for what a process learns of its
/// helpers to pass.
const EFFORT_ON_THREADS: Effort = Effort { rounds: 10, ..EFFORT };
const MOST_BLOCKS: usize = 400;
/// Half-width of an interval that nobody needs narrower.
const PRECISION: f64 = 0.001;

/// Compare the choices that an engine makes for each batch with every fixed choice
///
/// The adaptive choice and both fixed ones are processes that take turns. They are started anew for each block, six
/// blocks at least; the batches of a fixture share their blocks. Each first proves what it decides.
///
/// Exit 1 if the adaptive choice is shown to lose more than 3 % to a fixed one.
#[derive(Debug, ClapArgs)]
pub struct Args {
    /// The variant to measure
    #[arg(long, value_name = "NAME", default_value = "prod")]
    engine: String,
    /// Print the result as JSON
    #[arg(long)]
    json: bool,
    /// Seconds of measuring for each row, twice as long for threads; six blocks are taken whatever they need
    #[arg(long, default_value_t = 2.0)]
    seconds: f64,
    #[command(flatten)]
    on_fixtures: OnFixtures,
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
    blocks: usize,
}

/// A choice that is made for each batch.
struct Choice {
    name: &'static str,
    adaptive: Knobs,
    fixed: [(&'static str, Knobs); 2],
}

/// Runs `adaptive`. Exit 1 if the adaptive choice is shown to lose more than 3 % to a fixed one.
///
/// # Errors
/// An unknown engine or fixture; an engine whose knobs change a decision.
pub fn run(args: &Args) -> CommandResult {
    let engine = variant_named(&args.engine)?;
    if !(args.seconds > 0.0 && args.seconds <= 3600.0) {
        return Err(Failure::usage("--seconds: expected a number above 0, up to 3600"));
    }
    let fixtures = args.on_fixtures.among(&Fixture::ALL)?;
    args.on_core.settle()?;
    interrupt::watch()?;
    let _turn = queue::turn(&interrupt::requested)?;
    let choices = choices(all_threads());
    let of = |fixture| choices.iter().map(move |choice| (fixture, choice));
    let asked: Vec<(Fixture, &Choice)> = fixtures.into_iter().flat_map(of).collect();
    let panels: Vec<Panel> = asked.iter().map(|(fixture, choice)| panel(&engine, *fixture, choice)).collect();
    check_all(&cells(&panels), &interrupt::requested, &mut || {})?;
    let mut rows = Vec::new();
    for ((fixture, choice), panel) in asked.into_iter().zip(&panels) {
        // What cannot be pinned scatters more.
        let times = if choice.adaptive.threads > 1 { 2.0 } else { 1.0 };
        let budget = Duration::from_secs_f64(args.seconds * times * panel.groups.len() as f64);
        let effort = if choice.adaptive.threads > 1 { EFFORT_ON_THREADS } else { EFFORT };
        let found = measure(panel, effort, Enough { most: MOST_BLOCKS, precision: PRECISION, budget })?;
        for (group, batch) in choice.batches().enumerate() {
            rows.push(row(choice, fixture, batch, &found, group)?);
        }
    }
    rows.sort_by_key(|row| (Fixture::ALL.iter().position(|fixture| fixture.name() == row.fixture), row.batch));
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
        "Medians over blocks of fresh processes, 95 % intervals. Evaluators on one pinned core; threads in wall time.",
    );
}

/// The choices that there are with so many threads at hand: with one there is nothing to spread.
fn choices(threads: usize) -> Vec<Choice> {
    let one = Knobs::sequential();
    let all = Knobs::defaults(threads);
    let evaluator = Choice {
        name: "evaluator",
        adaptive: one,
        fixed: [
            ("streaming", Knobs { soa_threshold: usize::MAX, ..one }),
            ("columnar", Knobs { soa_threshold: 0, ..one }),
        ],
    };
    let spread = Choice {
        name: "threads",
        adaptive: all,
        fixed: [
            ("one thread", Knobs { par_min_batch: usize::MAX, ..all }),
            ("all threads", Knobs { par_min_batch: 0, ..all }),
        ],
    };
    if threads > 1 { vec![evaluator, spread] } else { vec![evaluator] }
}

impl Choice {
    /// The batches for which there is something to choose.
    fn batches(&self) -> impl Iterator<Item = usize> {
        let is_spread = self.adaptive.threads > 1;
        BATCHES.into_iter().filter(move |batch| !is_spread || *batch > 1)
    }
}

/// A group for each batch: the adaptive choice, then the fixed ones.
fn panel(engine: &Variant, fixture: Fixture, choice: &Choice) -> Panel {
    let group = |batch| {
        let knobs = std::iter::once(choice.adaptive).chain(choice.fixed.map(|(_, knobs)| knobs));
        let arm = |knobs| SweepArm {
            kind: ArmKind::Variant,
            variant: engine.name.to_owned(),
            point: Point { corpus: fixture.name().to_owned(), batch, knobs },
        };
        ComparisonGroup { arms: knobs.map(arm).collect() }
    };
    Panel { section: choice.name.to_owned(), groups: choice.batches().map(group).collect() }
}

fn row(
    choice: &Choice,
    fixture: Fixture,
    batch: usize,
    found: &PanelBlocks,
    group: usize,
) -> anyhow::Result<AdaptiveRow> {
    let ratio = |fixed| found.ratio(group, 0, fixed).context("no block was completed");
    let ratios = [ratio(1)?, ratio(2)?];
    Ok(AdaptiveRow {
        choice: choice.name,
        fixture: fixture.name(),
        batch,
        fixed: choice.fixed.map(|(name, _)| name),
        ratios,
        loses: ratios.iter().any(|ratio| ratio.lower > 1.0 + MOST_LOST),
        blocks: found.blocks(),
    })
}

#[cfg(test)]
mod tests {
    use fairbench::compare::group::ArmEstimate;

    use super::*;

    #[test]
    fn every_choice_stands_beside_both_of_its_fixed_forms_for_each_batch() {
        let engine = variant_named("prod").unwrap();
        assert_eq!(choices(1).len(), 1, "nothing to spread");
        let [evaluator, spread]: [Choice; 2] = choices(2).try_into().ok().unwrap();
        for (choice, batches, threads) in [(&evaluator, &BATCHES[..], 1), (&spread, &BATCHES[1..], 2)] {
            let panel = panel(&engine, Fixture::Light, choice);
            assert_eq!(panel.groups.iter().map(|group| group.arms[0].point.batch).collect::<Vec<_>>(), batches);
            for ComparisonGroup { arms } in &panel.groups {
                assert!(arms.iter().all(|arm| arm.variant == "prod" && arm.point.knobs.threads == threads), "{arms:?}");
                assert!(arms.len() == 3 && arms[1].point != arms[2].point, "{arms:?}");
            }
        }
    }

    #[test]
    fn a_row_loses_only_where_the_whole_interval_lies_beyond_what_may_be_lost() {
        let estimate = |ratio: f64| ArmEstimate {
            log_ratio: ratio.ln(),
            ns_per_item: ratio,
            iterations: 1,
            times: None,
            tick_ns: None,
        };
        let choice = &choices(1)[0];
        for (fixed, expected, loses) in [(1.0 / 1.02, 1.02, false), (1.0 / 1.04, 1.04, true), (1.25, 0.8, false)] {
            let mut found = PanelBlocks::default();
            for _ in 0..6 {
                found.push(&[vec![estimate(1.0), estimate(1.0), estimate(fixed)]]);
            }
            let row = row(choice, Fixture::Light, 64, &found, 0).unwrap();
            assert!((row.ratios[1].estimate - expected).abs() < 1e-9, "{row:?}");
            assert_eq!((row.loses, row.fixed, row.blocks), (loses, ["streaming", "columnar"], 6));
        }
    }
}
