//! A shape as text for people: tables of sizes, kinds of caveats and outcomes.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;

use comfy_table::Table;
use comfy_table::presets::ASCII_MARKDOWN;
use fairbench::measure::stats::Quartiles;
use ron_auth_core::{Caveat, wire};

use super::mint::{Minted, Minter};
use super::shape::outcome::TokenOutcome;
use super::shape::{self, Shape};

/// The kinds of caveats by their wire names, in the order of `docs/WIRE.md`.
const KINDS: [&str; 12] = [
    "Exp",
    "Nbf",
    "Aud",
    "Method",
    "PathPrefix",
    "IpCidr",
    "BytesLe",
    "Rate",
    "Tenant",
    "Amnesia",
    "GovPolicyDigest",
    "Custom",
];

/// Describes a shape.
#[must_use]
pub fn report(shape: &Shape) -> String {
    let mut minter = Minter::new(shape);
    // Sizes are read off one token of each shape: a synthetic token has those of its model.
    let models: Vec<(&shape::TokenShape, Minted)> =
        shape.tokens.iter().map(|token| (token, minter.mint(token))).collect();
    let judged = if shape.judged {
        "What each comes to was found with keys and a context."
    } else {
        "Shape only: without keys and a context no MAC was checked, and every synthetic token is made to be allowed, as far as \
         one request can be."
    };
    let mut text = format!(
        "{} tokens of {} shapes; {} tid/kid pairs of {} tenants, {} nets, {} namespaces of custom caveats.\n{judged}\n\n",
        shape.token_count(),
        shape.tokens.len(),
        shape.keys.len(),
        shape.tenants.len(),
        shape.nets.len(),
        shape.namespaces.len(),
    );
    let _ = writeln!(text, "{}\n\n{}\n\n{}", sizes(&models), kinds(&models), outcomes(shape));
    if let Some(table) = approximations(shape, &models) {
        let _ =
            writeln!(text, "\nNot all can be made to come to what they should, by texts of their lengths:\n\n{table}");
    }
    text.trim_end().to_owned()
}

/// Tokens whose outcome is not that of their model, for lack of a text that would give it; `None` if there are none.
fn approximations(shape: &Shape, models: &[(&shape::TokenShape, Minted)]) -> Option<Table> {
    let mut counts: BTreeMap<(String, String), usize> = BTreeMap::new();
    for (token, minted) in models {
        let (wanted, made) = (shape.outcome_of(token), TokenOutcome::of(&minted.result));
        if wanted != made {
            let made_class = if class(&wanted) == class(&made) { "the same, but" } else { &class(&made) };
            *counts.entry((class(&wanted), made_class.to_owned())).or_default() += token.count;
            let (wanted, made) = (reasons(&wanted), reasons(&made));
            let more = made.difference(&wanted).map(|reason| format!("also for {reason}"));
            let less = wanted.difference(&made).map(|reason| format!("not for {reason}"));
            for difference in more.chain(less) {
                *counts.entry((String::new(), difference)).or_default() += token.count;
            }
        }
    }
    let mut rows = table(["meant to come to", "made comes to", "tokens"]);
    for ((wanted, made), count) in counts.iter().rev() {
        rows.add_row([wanted.clone(), made.clone(), count.to_string()]);
    }
    (!counts.is_empty()).then_some(rows)
}

/// The class of an outcome, without its reasons.
fn class(outcome: &TokenOutcome) -> String {
    match outcome {
        TokenOutcome::Denied(_) => "denied".to_owned(),
        other => other.to_string(),
    }
}

fn reasons(outcome: &TokenOutcome) -> BTreeSet<&'static str> {
    match outcome {
        TokenOutcome::Denied(reasons) => reasons.iter().copied().collect(),
        _ => BTreeSet::new(),
    }
}

fn sizes(models: &[(&shape::TokenShape, Minted)]) -> Table {
    let mut rows = table(["of a token", "least", "lower quartile", "median", "upper quartile", "most", "mean"]);
    let mut columns = [("characters of text", Vec::new()), ("bytes of CBOR", Vec::new()), ("caveats", Vec::new())];
    for (token, Minted { capability, .. }) in models {
        let sizes = [capability.to_base64url().len(), capability.to_cbor().len(), capability.caveats.len()];
        for ((_, values), size) in columns.iter_mut().zip(sizes) {
            values.extend(std::iter::repeat_n(size as f64, token.count));
        }
    }
    for (name, values) in columns {
        let Some(Quartiles { q1, median, q3 }) = Quartiles::of(&values) else { continue };
        let least = values.iter().copied().fold(f64::INFINITY, f64::min);
        let most = values.iter().copied().fold(0.0, f64::max);
        let mean = format!("{:.1}", values.iter().sum::<f64>() / values.len() as f64);
        let row = [least, q1, median, q3, most].map(|value| format!("{value}"));
        rows.add_row([name.to_owned()].into_iter().chain(row).chain([mean]));
    }
    rows
}

#[derive(Clone, Copy, Default)]
struct Tally {
    tokens: usize,
    caveats: usize,
    bytes: usize,
}

fn kinds(models: &[(&shape::TokenShape, Minted)]) -> Table {
    let mut tallies: BTreeMap<&str, Tally> = BTreeMap::new();
    let mut token_count = 0;
    for (token, minted) in models {
        token_count += token.count;
        let mut seen = BTreeSet::new();
        for caveat in &minted.capability.caveats {
            let kind = kind_of(caveat);
            let tally = tallies.entry(kind).or_default();
            tally.tokens += if seen.insert(kind) { token.count } else { 0 };
            tally.caveats += token.count;
            let mut item = Vec::new();
            wire::encode_caveat(caveat, &mut item);
            tally.bytes += token.count * item.len();
        }
    }
    let mut rows = table(["caveat", "tokens that have it", "of it per token", "mean bytes of CBOR"]);
    for kind in KINDS {
        let Some(tally) = tallies.get(kind) else { continue };
        rows.add_row([
            kind.to_owned(),
            share(tally.tokens, token_count),
            format!("{:.2}", tally.caveats as f64 / token_count as f64),
            format!("{:.1}", tally.bytes as f64 / tally.caveats as f64),
        ]);
    }
    rows
}

fn outcomes(shape: &Shape) -> Table {
    let token_count = shape.token_count();
    let mut counts: BTreeMap<String, usize> = BTreeMap::new();
    let mut denied_for: BTreeMap<&str, usize> = BTreeMap::new();
    for token in &shape.tokens {
        let outcome = shape.outcome_of(token);
        for reason in reasons(&outcome) {
            *denied_for.entry(reason).or_default() += token.count;
        }
        *counts.entry(class(&outcome)).or_default() += token.count;
    }
    let mut rows = table([if shape.judged { "outcome" } else { "outcome intended" }, "tokens", "share"]);
    for (name, count) in counts {
        rows.add_row([name.clone(), count.to_string(), share(count, token_count)]);
        if name == "denied" {
            for (reason, count) in &denied_for {
                rows.add_row([
                    format!("denied, among others for {reason}"),
                    count.to_string(),
                    share(*count, token_count),
                ]);
            }
        }
    }
    rows
}

/// The wire name of a caveat.
pub(super) const fn kind_of(caveat: &Caveat) -> &'static str {
    match caveat {
        Caveat::Exp(_) => "Exp",
        Caveat::Nbf(_) => "Nbf",
        Caveat::Aud(_) => "Aud",
        Caveat::Method(_) => "Method",
        Caveat::PathPrefix(_) => "PathPrefix",
        Caveat::IpCidr(_) => "IpCidr",
        Caveat::BytesLe(_) => "BytesLe",
        Caveat::Rate(_) => "Rate",
        Caveat::Tenant(_) => "Tenant",
        Caveat::Amnesia(_) => "Amnesia",
        Caveat::GovPolicyDigest(_) => "GovPolicyDigest",
        _ => "Custom",
    }
}

fn share(count: usize, of: usize) -> String {
    format!("{:.1} %", 100.0 * count as f64 / of as f64)
}

fn table<const COLUMNS: usize>(header: [&str; COLUMNS]) -> Table {
    let mut table = Table::new();
    table.load_style(ASCII_MARKDOWN);
    table.set_header(header);
    table
}
