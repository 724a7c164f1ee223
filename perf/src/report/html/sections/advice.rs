//! What to run.

use maud::{Markup, html};

use super::{Side, details, missing, plain_table, worded};
use crate::recommend::{Advice, Candidate};
use crate::report::html::format::ratio;

/// The advice for each workload.
pub(in crate::report::html) fn body(side: &Side<'_>) -> Markup {
    let advices = &side.input.advices;
    if advices.is_empty() {
        return missing("No advice: it takes a run that measured all compositions of the seams.");
    }
    html! {
        div.advices { @for advice in advices.iter().flatten() { (piece(advice)) } }
        @for reason in advices.iter().filter_map(|advice| advice.as_ref().err()) {
            (missing(&format!("No advice: {reason}.")))
        }
        p.note { (worded("`cargo lab recommend` answers for other workloads and numbers of cores.")) }
    }
}

fn piece(advice: &Advice) -> Markup {
    let question = &advice.question;
    html! {
        article {
            h3 { (question.corpus) " tokens, " (question.batch) " per call" }
            p.headline { (worded(&advice.headline())) }
            @for warning in &advice.warnings { p.note { strong { "Careful: " } (worded(warning)) } }
            p { (worded(&advice.expectation())) }
            pre { code { (advice.cargo_toml()) } }
            pre { code { (advice.config()) } }
            (details("All safe compositions, fastest first", &ranking(advice)))
            @if !advice.would_change.is_empty() {
                (details("What would change this", &html! {
                    ul { @for reason in &advice.would_change { li { (worded(reason)) } } }
                }))
            }
        }
    }
}

fn ranking(advice: &Advice) -> Markup {
    let row = |candidate: &Candidate| {
        let name = candidate.variant.seams.name();
        let is_chosen = candidate.variant.name == advice.chosen.variant.name;
        let is_as_fast =
            advice.indistinguishable.iter().any(|other| [&name, candidate.variant.name].contains(&other.as_str()));
        let standing = match (is_chosen, is_as_fast) {
            (true, _) => "chosen",
            (false, true) => "indistinguishable",
            (false, false) => "",
        };
        vec![
            name,
            standing.to_owned(),
            ratio(candidate.to_fastest),
            ratio(candidate.to_plain),
            format!("{:.0}", candidate.ns_per_token),
        ]
    };
    let heads = ["composition", "", "time / fastest (95 %)", "time / plain (95 %)", "ns/token"];
    let caption =
        format!("Compositions on {}, {}", advice.question.corpus, super::super::format::batch_of(&advice.point));
    plain_table(&caption, &heads, 2, advice.ranking.iter().map(row).collect())
}
