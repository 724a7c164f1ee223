//! What to run, in detail: each composition once, with details to unfold for each workload.

use maud::{Markup, html};

use super::{ShownRun, details, missing, plain_table, worded};
use crate::recommend::{Advice, Candidate};
use crate::report::answer::workloads;
use crate::report::data::Data;
use crate::report::format::{batch_of, ratio, ratio_or_not};

/// The advice for each workload, grouped by what has to be written into a service.
pub(in crate::report::html) fn body(side: &ShownRun<'_>) -> Markup {
    let advices: Vec<&Advice> = side.input.advices.iter().flatten().collect();
    if side.input.advices.is_empty() {
        return missing("No advice: it takes a run that measured all compositions of the seams.");
    }
    if advices.is_empty() {
        return missing("No advice: the reasons are above.");
    }
    let mut groups: Vec<((String, String), Vec<&Advice>)> = Vec::new();
    for advice in advices {
        let written = (advice.cargo_toml(), advice.config());
        match groups.iter_mut().find(|(known, _)| *known == written) {
            Some((_, group)) => group.push(advice),
            None => groups.push((written, vec![advice])),
        }
    }
    html! {
        div.advices { @for ((cargo_toml, config), group) in &groups { (piece(cargo_toml, config, group, &side.data)) } }
        p.note { (worded("`cargo lab recommend` answers for other workloads and numbers of cores.")) }
    }
}

fn piece(cargo_toml: &str, config: &str, group: &[&Advice], data: &Data<'_>) -> Markup {
    html! {
        article {
            h3 { "For " (workloads(group.iter().map(|advice| &advice.point))) }
            pre { code { (cargo_toml) } }
            pre { code { (config) } }
            @for advice in group {
                (details(&format!("{}, {}", advice.question.corpus, batch_of(&advice.point)), &html! {
                    p.headline { (worded(&advice.headline())) }
                    p { (worded(&advice.expectation())) }
                    @if !advice.would_change.is_empty() {
                        p { "What would change this:" }
                        ul { @for reason in &advice.would_change { li { (worded(reason)) } } }
                    }
                    (ranking(advice, data))
                }))
            }
        }
    }
}

/// A table with the ratio to `classic` first, which is what is deployed; runs from before there was one lack the
/// column.
fn ranking(advice: &Advice, data: &Data<'_>) -> Markup {
    let to_classic = |candidate: &Candidate| data.composed_to_classic(candidate.variant.seams, &advice.point);
    let has_classic = advice.ranking.iter().any(|candidate| to_classic(candidate).is_some());
    let row = |candidate: &Candidate| {
        let name = candidate.variant.seams.name();
        let is_chosen = candidate.variant.name == advice.chosen.variant.name;
        let is_as_fast =
            advice.indistinguishable.iter().any(|other| [&name, candidate.variant.name].contains(&other.as_str()));
        let word = match (is_chosen, is_as_fast) {
            (true, _) => "chosen",
            (false, true) => "not measurably slower",
            (false, false) => "",
        };
        let mut row = vec![name, word.to_owned(), ratio(candidate.to_fastest)];
        row.extend(has_classic.then(|| ratio_or_not(to_classic(candidate))));
        row.extend([ratio(candidate.to_plain), format!("{:.0}", candidate.ns_per_token)]);
        row
    };
    let mut heads = vec!["composition", "", "time / fastest (95 %)"];
    heads.extend(has_classic.then_some("time / classic (95 %)"));
    heads.extend(["time / plain (95 %)", "ns/token"]);
    let caption =
        format!("Safe compositions on {}, {}, fastest first", advice.question.corpus, batch_of(&advice.point));
    plain_table(&caption, &heads, 2, advice.ranking.iter().map(row).collect())
}
