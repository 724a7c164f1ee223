//! `perf-lab flame VARIANT FIXTURE`: where does the time go?

use std::path::{Path, PathBuf};
use std::time::Duration;

use clap::Args as ClapArgs;
use clap::builder::RangedU64ValueParser;
use comfy_table::Table;
use comfy_table::presets::ASCII_MARKDOWN;
use fairbench::exit::{CommandResult, Exit, Failure};
use fairbench::files::write_whole;
use fairbench::measure::interval::MedianInterval;
use ron_auth_catalogue::Variant;

use super::{print, variant_named};
use crate::catalogue::workload::Workload;
use crate::corpus::Source;
use crate::own::repository_root;
use crate::profile::measure::{file_name, sample_on_one_core, workload};
use crate::profile::{ProfileSide, Sampled, Share, Stage, TimedStage, graph, interactive, shares, stages, timed};

/// Number of turns in which each of two variants is sampled, so that a change of the machine's speed meets both.
const TURNS: u32 = 5;

/// Draw a flamegraph of a variant on a fixture, and of its difference from another variant
///
/// Use scripts/flamegraph.sh, which builds with the symbols that a flamegraph needs. A stage's share is
/// the part of the samples whose innermost function belongs to it; its interval is that of sampling. For single tokens
/// the stages are timed as well, in blocks of fresh processes, which takes as long again for each variant.
#[derive(Debug, ClapArgs)]
pub struct Args {
    /// The variant to sample
    variant: String,
    /// The tokens: a fixture or a corpus file
    fixture: String,
    /// Also draw the difference against this variant: red where VARIANT takes longer, blue where it is faster
    #[arg(long, value_name = "VARIANT")]
    against: Option<String>,
    /// Tokens per call; 1 means verify_token
    #[arg(long, default_value_t = 1, value_parser = RangedU64ValueParser::<usize>::new().range(1..=65_536))]
    batch: usize,
    /// Seconds to sample each variant
    #[arg(long, default_value_t = 5.0, allow_negative_numbers = true)]
    seconds: f64,
    /// File to write the SVG to; the difference is written beside it [default: reports/flame-VARIANT-FIXTURE.svg of the
    /// repository]
    #[arg(long, value_name = "FILE")]
    out: Option<PathBuf>,
}

/// Runs `flame`.
///
/// # Errors
/// An unknown variant or fixture, a system that cannot be profiled, a file that cannot be written.
pub fn run(args: &Args) -> CommandResult {
    let variant = variant_named(&args.variant)?;
    let against = args.against.as_deref().map(variant_named).transpose()?;
    let source: Source = args.fixture.parse().map_err(Failure::usage)?;
    if !(args.seconds > 0.0 && args.seconds <= 3600.0) {
        return Err(Failure::usage("--seconds: expected a number above 0, up to 3600"));
    }
    let default = || repository_root().join("reports").join(file_name(&variant, &source, ".svg"));
    let out = args.out.clone().unwrap_or_else(default);

    let variants: Vec<Variant> = std::iter::once(variant).chain(against).collect();
    let workloads: Vec<Workload> = variants.iter().map(|variant| workload(variant, &source, args.batch)).collect();
    let sampled = sample_in_turns(&workloads, args.seconds)?;
    let all: Vec<(&Variant, &Sampled)> = variants.iter().zip(&sampled).collect();

    let on = format!("on {source}, batch {}", args.batch);
    let [(variant, sampled), others @ ..] = all.as_slice() else { return Ok(Exit::Success) };
    let title = format!("{} {on}", variant.name);
    write_whole(&out, interactive(&sampled.folded, &title)?)?;
    print(format_args!("{title}: {} samples", sampled.folded.samples()));
    print(out.display());
    for (other, before) in others {
        let title = format!("{} against {} {on}", variant.name, other.name);
        let file = beside(&out, &format!("-against-{}", other.name));
        write_whole(&file, graph::difference(side(other, before), side(variant, sampled), &title))?;
        print(format_args!("{title}: {} samples of {}", before.folded.samples(), other.name));
        print(file.display());
    }
    print("By samples:");
    print(by_samples(&all));
    if args.batch == 1 {
        print("By leaving out the later stages, timed:");
        print(by_time(&variants, &source, args.seconds)?);
    }
    Ok(Exit::Success)
}

/// Samples each workload for `seconds` in all: at once, or in turns if there are several.
fn sample_in_turns(workloads: &[Workload], seconds: f64) -> anyhow::Result<Vec<Sampled>> {
    let turns = if workloads.len() > 1 { TURNS } else { 1 };
    let turn = Duration::try_from_secs_f64(seconds)? / turns;
    let mut sampled = vec![Sampled::default(); workloads.len()];
    for _ in 0..turns {
        for (sampled, workload) in sampled.iter_mut().zip(workloads) {
            sampled.extend(&sample_on_one_core(workload, turn, &|| false)?);
        }
    }
    Ok(sampled)
}

fn side<'a>(variant: &'a Variant, sampled: &'a Sampled) -> ProfileSide<'a> {
    ProfileSide { name: variant.name, folded: &sampled.folded, ns_per_token: Some(sampled.ns_per_token()) }
}

/// The path of a file with something added to its name, before the extension.
fn beside(file: &Path, added: &str) -> PathBuf {
    let stem = file.file_stem().unwrap_or_default().to_string_lossy();
    file.with_file_name(format!("{stem}{added}.svg"))
}

/// A table of each variant's time per token, and the share of each stage in it.
fn by_samples(all: &[(&Variant, &Sampled)]) -> Table {
    let mut table = table(all.iter().map(|(variant, _)| variant.name));
    let columns: Vec<Vec<Share>> = all.iter().map(|(_, sampled)| shares(&stages(&sampled.folded))).collect();
    for stage in Stage::ALL {
        let cells = columns.iter().zip(all).map(|(shares, (_, sampled))| {
            let found = shares.iter().find(|share| share.stage == stage.name());
            found.map_or_else(|| "-".to_owned(), |share| cell(share, sampled.ns_per_token()))
        });
        table.add_row(std::iter::once(stage.to_string()).chain(cells));
    }
    let sums = all.iter().map(|(_, sampled)| format!("{:.0} ns/token", sampled.ns_per_token()));
    table.add_row(std::iter::once("all".to_owned()).chain(sums));
    table
}

fn cell(share: &Share, ns_per_token: f64) -> String {
    let percent = |part: f64| part * 100.0;
    let Share { share, lower, upper, .. } = *share;
    format!("{:.0} ns, {:.1} % [{:.1}, {:.1}]", share * ns_per_token, percent(share), percent(lower), percent(upper))
}

/// A table of what each stage adds to the time of a token, for each variant.
fn by_time(variants: &[Variant], source: &Source, seconds: f64) -> anyhow::Result<Table> {
    let budget = Duration::try_from_secs_f64(seconds)?;
    let columns = variants.iter().map(|variant| timed(variant, source, budget, &|| false));
    let columns: Vec<Vec<TimedStage>> = columns.collect::<anyhow::Result<_>>()?;
    let mut table = table(variants.iter().map(|variant| variant.name));
    for (row, stage) in columns.first().into_iter().flatten().enumerate() {
        let cells = columns.iter().filter_map(|column| column.get(row)).map(|timed| {
            let MedianInterval { median, lower, upper } = timed.ns_per_token;
            format!("{median:.0} ns [{lower:.0}, {upper:.0}]")
        });
        table.add_row(std::iter::once(stage.stage.to_owned()).chain(cells));
    }
    Ok(table)
}

fn table<'a>(variants: impl Iterator<Item = &'a str>) -> Table {
    let mut table = Table::new();
    table.load_style(ASCII_MARKDOWN);
    table.set_header(std::iter::once("stage").chain(variants));
    table
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_difference_lies_beside_the_flamegraph() {
        assert_eq!(beside(Path::new("dir/flame.svg"), "-against-plain"), Path::new("dir/flame-against-plain.svg"));
        assert_eq!(beside(Path::new("flame"), "-against-plain"), Path::new("flame-against-plain.svg"));
    }

    #[test]
    fn a_cell_says_time_share_and_interval() {
        let share = Share { stage: "mac".to_owned(), share: 0.55, lower: 0.512, upper: 0.588 };
        assert_eq!(cell(&share, 722.0), "397 ns, 55.0 % [51.2, 58.8]");
    }
}
