//! `noise`: what can be told apart on this machine?

use std::time::{Duration, Instant};

use anyhow::Context;
use clap::Args as ClapArgs;
use comfy_table::Table;
use comfy_table::presets::ASCII_MARKDOWN;
use serde::Serialize;

use super::{OnCore, print};
use crate::compare::engine::{ComparisonProgress, Surroundings};
use crate::compare::runner::CaseInfo;
use crate::exit::{CommandResult, Exit, Failure};
use crate::interrupt;
use crate::measure::pin::measuring_core;
use crate::measure::{queue, seed_of_now};
use crate::noise::culprits::{SystemLook, culprits};
use crate::noise::{BUDGETS_S, BenchmarkNoise, measure};
use crate::probe::Pair;
use crate::progress::ProgressBar;
use crate::project::Project;
use crate::side::{Side, SideSpec};

/// Show what this machine can tell apart: its spread, the smallest detectable change, and what stands in the way
///
/// A program is compared with itself, as the gate compares two. A slow-down is detectable if it would be shown, with
/// the confidence of fairbench.toml, in 95 % of comparisons.
#[derive(Debug, ClapArgs)]
pub struct Args {
    /// Seconds of measuring for each benchmark
    #[arg(long, default_value_t = 5.0)]
    seconds: f64,
    /// The program that is compared with itself: any side that `ab` takes [default: the working tree; of the lab,
    /// variant:prod]
    #[arg(long, value_name = "SIDE")]
    side: Option<String>,
    /// Print the result as JSON
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    on_core: OnCore,
}

#[derive(Serialize)]
struct Report {
    host: String,
    /// The core that single-threaded benchmarks were measured on; `None` where no thread can be pinned.
    core: Option<usize>,
    side: String,
    budgets_s: [f64; 3],
    benchmarks: Vec<BenchmarkNoise>,
    culprits: Vec<String>,
}

/// Runs `noise`.
///
/// # Errors
/// Wrong usage; a side that does not build; a probe that fails; an interruption.
pub fn run(args: &Args, project: &Project<'_>) -> CommandResult {
    if !(args.seconds >= 1.0 && args.seconds <= 3600.0) {
        return Err(Failure::usage("--seconds: expected a number from 1 to 3600"));
    }
    let config = &project.settings.gate;
    let spec = SideSpec::parse(args.side.as_deref().unwrap_or(project.hooks.noise_side()), project.hooks)?;
    args.on_core.settle()?;
    interrupt::watch()?;
    let side = Side::resolve(&spec, &project.site())?;
    let pair = Pair { base: side.probe.clone(), candidate: side.probe.clone() };
    let (single, all_cores): (Vec<CaseInfo>, Vec<CaseInfo>) =
        side.cases().into_iter().partition(CaseInfo::is_single_threaded);

    let turn = queue::turn(&interrupt::requested)?;
    let mut benchmarks = Vec::new();
    let mut blamed = Vec::new();
    for (what, cases) in [("one core", single), ("all cores", all_cores)] {
        if cases.is_empty() {
            continue;
        }
        let (before, start) = (SystemLook::now(), Instant::now());
        let budget = Duration::from_secs_f64(args.seconds);
        let all = budget.as_secs_f64() * cases.len() as f64;
        let bar = ProgressBar::new(what, 100);
        let mut heard = |_: ComparisonProgress| bar.set((100.0 * start.elapsed().as_secs_f64() / all) as u64);
        let mut around =
            Surroundings { now: &|| start.elapsed(), interrupted: &interrupt::requested, progress: &mut heard };
        let measured = measure(&pair, &cases, config, budget, seed_of_now(), &mut around);
        bar.finish();
        benchmarks.extend(measured?);
        // On all cores the measurement is itself the load.
        if what == "one core" {
            blamed = culprits(&before, &SystemLook::now());
        }
    }
    drop(turn);
    let host = project.host().fingerprint();
    let report =
        Report { host, core: measuring_core(), side: side.label, budgets_s: BUDGETS_S, benchmarks, culprits: blamed };
    if args.json {
        print(serde_json::to_string_pretty(&report).context("could not write JSON")?);
    } else {
        print(text(&report));
    }
    Ok(Exit::Success)
}

fn text(report: &Report) -> String {
    let percent = |part: f64| format!("{:.2} %", 100.0 * part);
    let worst_in_ten = |threads: fn(usize) -> bool| {
        let of_kind = report.benchmarks.iter().filter(|noise| threads(noise.threads));
        let detectable: Option<Vec<f64>> = of_kind
            .map(|noise| {
                let [_, in_ten, _] = noise.detectable;
                in_ten
            })
            .collect();
        detectable.filter(|all| !all.is_empty()).map(|all| all.into_iter().fold(0.0, f64::max))
    };
    let mut table = Table::new();
    table.load_style(ASCII_MARKDOWN);
    let mut header = vec!["benchmark".to_owned(), "threads".to_owned(), "blocks".to_owned()];
    header.extend(["A/A spread of a block".to_owned(), "worst block".to_owned()]);
    header.extend(BUDGETS_S.map(|seconds| format!("detectable in {seconds} s")));
    table.set_header(header);
    for noise in &report.benchmarks {
        let mut row = vec![noise.benchmark.clone(), noise.threads.to_string(), noise.blocks.to_string()];
        row.extend([percent(noise.block_sd), percent(noise.worst)]);
        row.extend(noise.detectable.map(|part| part.map_or_else(|| "n/a: too few blocks".to_owned(), percent)));
        table.add_row(row);
    }
    let verdict = match worst_in_ten(|threads| threads == 1) {
        Some(part) => {
            format!("on one core, in 10 s for a benchmark: changes of {} and more can be told apart", percent(part))
        }
        None => "on one core, in 10 s for a benchmark: nothing can be told apart".to_owned(),
    };
    let verdict = match worst_in_ten(|threads| threads > 1) {
        Some(part) => format!("{verdict}; on all cores: of {} and more", percent(part)),
        None => verdict,
    };
    let mut lines = vec![verdict, String::new(), table.to_string(), String::new()];
    if report.culprits.is_empty() {
        lines.push("Nothing was found that would stand in the way.".to_owned());
    }
    lines.extend(report.culprits.iter().map(|culprit| format!("Stands in the way: {culprit}.")));
    let core = report.core.map_or_else(String::new, |core| format!(", what is on one thread on core {core}"));
    lines.push(format!(
        "{} against itself{core}; each benchmark alone. A new code layout is worth 1–2 % on top of this.",
        report.side
    ));
    lines.join("\n")
}
