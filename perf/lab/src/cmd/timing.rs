//! `perf-lab timing`: does the time of verifying tell a secret?

use clap::Args as ClapArgs;
use comfy_table::Table;
use comfy_table::presets::ASCII_MARKDOWN;
use fairbench::exit::{CommandResult, Exit, Failure};
use fairbench::measure::{queue, seed_of_now};
use ron_auth_catalogue::Variant;

use super::{OnCore, print, variant_named};
use crate::assurance::timing::{Compared, Secret, TimingEffort, compare};
use crate::own::pool::on_one_core;

const BATCHES: [usize; 2] = [1, 64];
/// Chance of any false alarm in a whole run.
const ERROR_OF_A_RUN: f64 = 0.01;

/// Test whether the time of verifying tells how many bytes of a MAC were right, or what the key is
///
/// Tokens that differ in the secret alone take turns in the same place in memory, in blocks with tokens, keys and
/// memory of their own; the interval of the median over blocks says whether there is a difference (as dudect does, with
/// other statistics). A comparison that stops at the first wrong byte is measured beside them, and must be caught;
/// inputs that differ in nothing must not.
///
/// Exit 1 if a difference is shown; 2 if a control did not come out as it must, so that nothing can be said.
#[derive(Debug, ClapArgs)]
pub struct Args {
    /// Only these engines [default: prod, prod-avx2 where it can be had, plain]
    #[arg(long, value_name = "NAME")]
    engine: Vec<String>,
    /// Blocks of each comparison: more show smaller differences
    #[arg(long, default_value_t = 400)]
    blocks: usize,
    /// Seed of tokens, keys and orders [default: another one for every run]
    #[arg(long)]
    seed: Option<u64>,
    /// Print the result as JSON
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    on_core: OnCore,
}

/// Runs `timing`.
///
/// # Errors
/// Usage; a clock that does not tell.
pub fn run(args: &Args) -> CommandResult {
    if !(24..=100_000).contains(&args.blocks) {
        return Err(Failure::usage("--blocks: expected a number from 24 to 100000"));
    }
    let engines = engines(&args.engine)?;
    args.on_core.settle()?;
    let _turn = queue::turn(&|| false)?;
    let asked: Vec<(&Variant, usize, Secret)> = engines
        .iter()
        .flat_map(|engine| BATCHES.map(|batch| (engine, batch)))
        .flat_map(|(engine, batch)| {
            Secret::ASKED.into_iter().chain([Secret::Leak]).map(move |secret| (engine, batch, secret))
        })
        .collect();
    let effort = TimingEffort { blocks: args.blocks, pairs: 30, error: ERROR_OF_A_RUN / 2.0 / asked.len() as f64 };
    let seed = args.seed.unwrap_or_else(seed_of_now);
    let mut compared = Vec::new();
    for (index, (engine, batch, secret)) in asked.into_iter().enumerate() {
        let seed = seed.wrapping_add(index as u64);
        let (_, result) = on_one_core(|| compare(engine, secret, batch, effort, seed))?;
        let result = result?;
        eprintln!("{}, batch {batch}: {}: {}", engine.name, secret.name(), outcome(&result));
        compared.push(result);
    }
    let (exit, verdict) = judge(&compared);
    if args.json {
        print(serde_json::to_string_pretty(&compared).map_err(anyhow::Error::from)?);
        return Ok(exit);
    }
    show(&compared);
    print(format_args!(
        "Medians over {} blocks on one thread; the intervals hold all together with 99 %. Seed {seed}.",
        args.blocks
    ));
    print(verdict);
    Ok(exit)
}

fn engines(names: &[String]) -> Result<Vec<Variant>, Failure> {
    if names.is_empty() {
        let named: Vec<Variant> = ["prod", "plain"].into_iter().map(variant_named).collect::<Result<_, _>>()?;
        return Ok(named.into_iter().chain(variant_named("prod-avx2")).collect());
    }
    names.iter().map(|name| variant_named(name)).collect()
}

fn outcome(compared: &Compared) -> &'static str {
    match (compared.differs(), compared.secret) {
        (true, Secret::Leak) => "caught",
        (false, Secret::Leak) => "NOT CAUGHT",
        (true, _) => "DIFFERS",
        (false, _) => "none seen",
    }
}

fn judge(compared: &[Compared]) -> (Exit, String) {
    let list = |rows: &[&Compared]| {
        let rows: Vec<String> = rows
            .iter()
            .map(|row| format!("{}, batch {}: {}", row.engine, row.batch_tokens, row.secret.name()))
            .collect();
        rows.join("; ")
    };
    let unexpected: Vec<&Compared> = compared.iter().filter(|row| !row.is_as_expected()).collect();
    let (controls, told): (Vec<&Compared>, Vec<&Compared>) =
        unexpected.into_iter().partition(|row| row.secret.is_control());
    if !controls.is_empty() {
        return (Exit::Inconclusive, format!("nothing can be said: not as it must be: {}", list(&controls)));
    }
    if !told.is_empty() {
        return (Exit::Difference, format!("time tells a secret: {}", list(&told)));
    }
    let detectable = compared.iter().filter(|row| !row.secret.is_control()).map(|row| row.detectable_ns);
    let most_ns = detectable.max_by(f64::total_cmp).unwrap_or(f64::NAN);
    let verdict = format!(
        "no difference seen, and every leak that was built in was caught; a difference of {most_ns:.1} ns a token would \
         have been seen in every row in 95 of 100 runs"
    );
    (Exit::Success, verdict)
}

fn show(compared: &[Compared]) {
    let mut table = Table::new();
    table.load_style(ASCII_MARKDOWN);
    table.set_header([
        "engine",
        "batch",
        "inputs differ in",
        "ns/token",
        "difference ns",
        "could have seen",
        "outcome",
    ]);
    for row in compared {
        // No minus before a zero.
        let tidy = |ns: f64| if ns.abs() < 0.005 { 0.0 } else { ns };
        let gap = row.difference_ns;
        let [median, lower, upper] = [gap.median, gap.lower, gap.upper].map(tidy);
        table.add_row([
            row.engine.to_owned(),
            row.batch_tokens.to_string(),
            row.secret.name(),
            format!("{:.0}", row.token_ns),
            format!("{median:+.2} ({lower:+.2} to {upper:+.2})"),
            format!("{:.2}", row.detectable_ns),
            outcome(row).to_owned(),
        ]);
    }
    print(table);
}

#[cfg(test)]
mod tests {
    use fairbench::measure::interval::MedianInterval;

    use super::*;

    fn row(secret: Secret, differs: bool) -> Compared {
        let lower = if differs { 0.1 } else { -0.1 };
        let difference_ns = MedianInterval { median: 0.5, lower, upper: 1.0 };
        Compared { engine: "e", batch_tokens: 1, secret, token_ns: 100.0, difference_ns, detectable_ns: 0.7 }
    }

    #[test]
    fn a_told_secret_fails_and_a_control_that_fails_says_that_nothing_can_be_said() {
        let fine = [row(Secret::Nothing, false), row(Secret::KeyOfOneBit, false), row(Secret::Leak, true)];
        let with = |other: Compared| judge(&[&fine[..], &[other]].concat());
        let (exit, verdict) = judge(&fine);
        assert_eq!(exit, Exit::Success);
        assert!(verdict.contains("a difference of 0.7 ns"), "{verdict}");
        for (other, exit, begins) in [
            (row(Secret::RightMacBytes(8), true), Exit::Difference, "time tells a secret: e, batch 1: 8 bytes"),
            (
                row(Secret::Nothing, true),
                Exit::Inconclusive,
                "nothing can be said: not as it must be: e, batch 1: control",
            ),
            (
                row(Secret::Leak, false),
                Exit::Inconclusive,
                "nothing can be said: not as it must be: e, batch 1: control",
            ),
        ] {
            let (judged, verdict) = with(other);
            assert_eq!(judged, exit);
            assert!(verdict.starts_with(begins), "{verdict}");
        }
    }
}
