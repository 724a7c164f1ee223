//! A table for what each command prints as JSON. Only the fields that are shown are read, by their names.

use anyhow::{Context, ensure};
use comfy_table::Table;
use comfy_table::presets::ASCII_MARKDOWN;
use fairbench::measure::interval::MedianInterval;
use fairbench::measure::stats::PairedRatio;
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::Value;

use crate::sweep::row::CsvRow;

/// A table in Markdown.
pub(super) fn markdown<const N: usize>(header: [&str; N], rows: impl IntoIterator<Item = [String; N]>) -> String {
    let mut table = Table::new();
    table.load_style(ASCII_MARKDOWN);
    table.set_header(header);
    for row in rows {
        table.add_row(row);
    }
    table.to_string()
}

/// What a command printed: a list, of at least one thing.
fn list<T: DeserializeOwned>(result: &Value) -> anyhow::Result<Vec<T>> {
    let list = Vec::<T>::deserialize(result).context("result: not what this command prints")?;
    ensure!(!list.is_empty(), "result: an empty list; expected rows");
    Ok(list)
}

fn whole(number: f64) -> String {
    format!("{number:.0}")
}

/// Of a ratio that is spelled out in three fields.
fn ratio(estimate: f64, lower: f64, upper: f64) -> String {
    PairedRatio { estimate, lower, upper }.to_string()
}

/// `cargo lab floor --json`.
pub(super) fn floor(result: &Value) -> anyhow::Result<String> {
    #[derive(Deserialize)]
    struct Case {
        case: String,
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
        speedup_over_classic: f64,
        speedup_over_classic_lower95: f64,
        speedup_over_classic_upper95: f64,
        classic_to_plain: f64,
        classic_to_plain_lower95: f64,
        classic_to_plain_upper95: f64,
        classic_to_plain_at_most: Option<f64>,
    }
    let header = [
        "case",
        "verify ns/token",
        "floor",
        "verify / floor",
        "classic",
        "× classic",
        "plain",
        "× plain",
        "classic / plain",
    ];
    let row = |case: Case| {
        let limit = case.classic_to_plain_at_most.map(|most| format!(", at most {most:.2}")).unwrap_or_default();
        let to_plain = ratio(case.classic_to_plain, case.classic_to_plain_lower95, case.classic_to_plain_upper95);
        [
            case.case,
            whole(case.verify_ns),
            whole(case.floor_ns),
            ratio(case.ratio, case.ratio_lower95, case.ratio_upper95),
            whole(case.classic_ns),
            ratio(case.speedup_over_classic, case.speedup_over_classic_lower95, case.speedup_over_classic_upper95),
            whole(case.plain_ns),
            ratio(case.speedup, case.speedup_lower95, case.speedup_upper95),
            format!("{to_plain}{limit}"),
        ]
    };
    Ok(markdown(header, list(result)?.into_iter().map(row)))
}

/// `cargo lab adaptive --json`.
pub(super) fn adaptive(result: &Value) -> anyhow::Result<String> {
    #[derive(Deserialize)]
    struct Choice {
        choice: String,
        fixture: String,
        batch: usize,
        fixed: [String; 2],
        ratios: [PairedRatio; 2],
        loses: bool,
    }
    let row = |row: Choice| {
        let [one, other] = row.fixed;
        let [to_one, to_other] = row.ratios;
        let loses = if row.loses { "YES" } else { "no" };
        [
            row.choice,
            row.fixture,
            row.batch.to_string(),
            format!("{one}: {to_one}"),
            format!("{other}: {to_other}"),
            loses.to_owned(),
        ]
    };
    let header = ["choice", "fixture", "batch", "adaptive / fixed", "adaptive / fixed", "loses"];
    Ok(markdown(header, list(result)?.into_iter().map(row)))
}

/// `cargo lab noise --json`.
pub(super) fn noise(result: &Value) -> anyhow::Result<String> {
    #[derive(Deserialize)]
    struct Report {
        budgets_s: [f64; 3],
        benchmarks: Vec<Noise>,
        culprits: Vec<String>,
    }
    #[derive(Deserialize)]
    struct Noise {
        benchmark: String,
        threads: usize,
        blocks: usize,
        block_sd: f64,
        detectable: [Option<f64>; 3],
    }
    let report = Report::deserialize(result).context("result: not what this command prints")?;
    let percent = |part: f64| format!("{:.2} %", 100.0 * part);
    let [first, second, third] = report.budgets_s.map(|seconds| format!("detectable in {seconds} s"));
    let header = ["benchmark", "threads", "blocks", "spread of a block", &first, &second, &third];
    let table = markdown(
        header,
        report.benchmarks.into_iter().map(|noise| {
            let [first, second, third] =
                noise.detectable.map(|part| part.map_or_else(|| "n/a: too few blocks".to_owned(), percent));
            let (threads, blocks) = (noise.threads.to_string(), noise.blocks.to_string());
            [noise.benchmark, threads, blocks, percent(noise.block_sd), first, second, third]
        }),
    );
    if report.culprits.is_empty() {
        return Ok(table);
    }
    Ok(format!("{table}\n\nIn the way: {}.", report.culprits.join("; ")))
}

/// `cargo lab hostile --json`: of each engine the worst, alone and in a batch.
pub(super) fn hostile(result: &Value) -> anyhow::Result<String> {
    #[derive(Deserialize)]
    struct Engine {
        engine: String,
        dearest: Vec<Dearest>,
        memory_bytes_per_char: f64,
    }
    #[derive(Deserialize)]
    struct Dearest {
        cbor_bytes: usize,
        batch_tokens: usize,
        recipe: String,
        dearest_ns: f64,
        ordinary_ns: f64,
        ratio: PairedRatio,
    }
    let mut table = Vec::new();
    for Engine { engine, dearest, memory_bytes_per_char } in list(result)? {
        let mut worst: Vec<Dearest> = Vec::new();
        for one in dearest {
            match worst.iter_mut().find(|worst| worst.batch_tokens == one.batch_tokens) {
                Some(worst) if worst.ratio.estimate < one.ratio.estimate => *worst = one,
                Some(_) => {}
                None => worst.push(one),
            }
        }
        table.extend(worst.into_iter().map(|worst| {
            [
                engine.clone(),
                worst.cbor_bytes.to_string(),
                worst.batch_tokens.to_string(),
                whole(worst.ordinary_ns),
                whole(worst.dearest_ns),
                worst.ratio.to_string(),
                format!("{memory_bytes_per_char:.2}"),
                worst.recipe,
            ]
        }));
    }
    let header = ["engine", "bytes", "batch", "ordinary ns", "dearest ns", "×", "bytes/char", "dearest token"];
    Ok(markdown(header, table))
}

/// `cargo lab timing --json`.
pub(super) fn timing(result: &Value) -> anyhow::Result<String> {
    #[derive(Deserialize)]
    struct Compared {
        engine: String,
        batch_tokens: usize,
        secret: Value,
        token_ns: f64,
        difference_ns: MedianInterval,
        detectable_ns: f64,
    }
    let mut table = Vec::new();
    for row in list::<Compared>(result)? {
        let (differ_in, is_leak) = secret(&row.secret)?;
        // No minus before a zero.
        let tidy = |ns: f64| if ns.abs() < 0.005 { 0.0 } else { ns };
        let MedianInterval { median, lower, upper } = row.difference_ns;
        let outcome = match (lower > 0.0 || upper < 0.0, is_leak) {
            (true, true) => "caught",
            (false, true) => "NOT CAUGHT",
            (true, false) => "DIFFERS",
            (false, false) => "none seen",
        };
        table.push([
            row.engine,
            row.batch_tokens.to_string(),
            differ_in,
            whole(row.token_ns),
            format!("{:+.2} ({:+.2} to {:+.2})", tidy(median), tidy(lower), tidy(upper)),
            format!("{:.2}", row.detectable_ns),
            outcome.to_owned(),
        ]);
    }
    let header = ["engine", "batch", "inputs differ in", "ns/token", "difference ns", "could have seen", "outcome"];
    Ok(markdown(header, table))
}

/// What two kinds of input differ in, in words; and whether a leak was built in.
fn secret(name: &Value) -> anyhow::Result<(String, bool)> {
    let words = match name.as_str() {
        Some("nothing") => "control: no difference",
        Some("leak") => return Ok(("control: a comparison that stops at the first wrong byte".to_owned(), true)),
        Some("key-of-one-bit") => "a key of one bit, or a random one",
        Some("key-of-all-bits") => "a key of all bits, or a random one",
        _ => {
            let bytes = name.get("right-mac-bytes").and_then(Value::as_u64);
            let bytes = bytes.with_context(|| format!("result: secret {name}; expected one that timing asks about"))?;
            return Ok((format!("{bytes} byte{} of the MAC right, or none", if bytes == 1 { "" } else { "s" }), false));
        }
    };
    Ok((words.to_owned(), false))
}

/// The rows of a sweep: variants at default knobs.
pub(super) fn sweep(result: &Value) -> anyhow::Result<String> {
    let header = ["variant", "fixture", "batch", "threads", "ns/token", "/ plain", "/ classic", "allocations/token"];
    let or_none = |text: Option<String>| text.unwrap_or_else(|| "n/a".to_owned());
    let row = |row: CsvRow| {
        [
            row.variant.clone(),
            row.fixture.clone(),
            row.batch_tokens.to_string(),
            row.threads.to_string(),
            whole(row.time_median_ns_per_token),
            row.to_plain().to_string(),
            or_none(row.to_classic().map(|ratio| ratio.to_string())),
            or_none(row.allocations_per_token.map(|count| format!("{count:.2}"))),
        ]
    };
    Ok(markdown(header, list(result)?.into_iter().map(row)))
}

/// `cargo lab peers --json`.
pub(super) fn peers(result: &Value) -> anyhow::Result<String> {
    #[derive(Deserialize)]
    struct Peer {
        fixture: String,
        peer: String,
        version: String,
        token_bytes: usize,
        ns_per_token: f64,
        ratio: f64,
        ratio_lower95: f64,
        ratio_upper95: f64,
        differs: String,
    }
    let peers = list::<Peer>(result.get("rows").context("result: has no rows")?)?;
    let row = |peer: Peer| {
        [
            peer.fixture,
            peer.peer,
            peer.version,
            peer.token_bytes.to_string(),
            whole(peer.ns_per_token),
            ratio(peer.ratio, peer.ratio_lower95, peer.ratio_upper95),
            peer.differs,
        ]
    };
    let header = ["fixture", "peer", "version", "token bytes", "ns/token", "peer / prod", "how the work differs"];
    Ok(markdown(header, peers.into_iter().map(row)))
}
