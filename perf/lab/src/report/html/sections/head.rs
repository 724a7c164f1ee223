//! The first screen: the answer as a line, a table and one picture, and what to be careful about.

use fairbench::measure::stats::{PairedRatio, Quartiles};
use maud::{Markup, html};

use super::{ShownRun, figure, worded};
use crate::report::answer::{Answer, Pick, Reference, references};
use crate::report::figures::answer::figure as answer_figure;
use crate::report::format::{NOT_AVAILABLE, duration, workload_of};
use crate::report::verdict::doubts;

/// The answer of each run.
///
/// # Errors
/// The picture cannot be drawn.
pub(in crate::report::html) fn answers(sides: &[ShownRun<'_>]) -> anyhow::Result<Markup> {
    // Drawing may fail, so it is done before anything is laid out.
    let mut drawn = sides.iter().map(answer).collect::<anyhow::Result<Vec<_>>>()?.into_iter();
    Ok(super::beside(sides, |_| drawn.next().unwrap_or_default()))
}

fn answer(side: &ShownRun<'_>) -> anyhow::Result<Markup> {
    let run = side.data.run;
    let answer = &side.input.answer;
    let host = &run.header.host;
    let took = run.elapsed_s.map_or_else(|| "not ended".to_owned(), |elapsed| format!("took {}", duration(elapsed)));
    let picture = answer_figure(&answer.picks).map(|picture| figure(&picture)).transpose()?;
    let class = if doubts(run).is_empty() { "careful" } else { "warning careful" };
    Ok(html! {
        p.verdict { (worded(&answer.line)) }
        @if let Some(picture) = picture {
            div.answer {
                div.room { (table(answer)) }
                (picture)
            }
        }
        @if !answer.careful.is_empty() {
            div class=(class) role="note" {
                p { strong { "Read with care" } }
                ul { @for caution in &answer.careful { li { (worded(caution)) } } }
            }
        }
        p.where {
            (answer.checked) " " (host.cpu) ", " (host.cores) " cores, " (host.simd_path) ", " (host.os) "; " (took) "."
        }
    })
}

/// What to run on each workload: a group of rows for each composition.
fn table(answer: &Answer) -> Markup {
    let mut compositions: Vec<&str> = Vec::new();
    for pick in &answer.picks {
        if !compositions.contains(&pick.composition.as_str()) {
            compositions.push(&pick.composition);
        }
    }
    let references = references(&answer.picks);
    let columns = 3 + references.len();
    html! {
        table.picks {
            caption { "What to run on this host, by workload (tokens, batch); × is tokens per second and core against a reference" }
            thead {
                tr {
                    th scope="col" { "workload" }
                    th.number scope="col" { "tokens/s per core" }
                    @for reference in &references { th.number scope="col" { "× " (reference.name) } }
                    th scope="col" { "margin over the next (95 %)" }
                }
            }
            @for composition in compositions {
                @let picks: Vec<&Pick> = answer.picks.iter().filter(|pick| pick.composition == composition).collect();
                @let shared = shared_difference(&picks);
                tbody {
                    tr.group {
                        th scope="rowgroup" colspan=(columns) {
                            (broken_at_plus(composition))
                            @if let Some(shared) = &shared { " " span.soft { "next: " (shared) } }
                        }
                    }
                    @for pick in picks { (row(pick, &references, shared.is_none())) }
                }
            }
        }
    }
}

/// How the next best differs, if it is the same on all of these workloads and so has to be said only once.
fn shared_difference(picks: &[&Pick]) -> Option<String> {
    let mut differences = picks.iter().map(|pick| pick.next.as_ref().map(|next| next.difference.words()));
    let first = differences.next()??;
    differences.all(|difference| difference.as_deref() == Some(first.as_str())).then_some(first)
}

fn row(pick: &Pick, references: &[&Reference], names_next: bool) -> Markup {
    let Quartiles { q1, median, q3 } = pick.tokens_per_second_per_core.scaled(1e-6);
    html! {
        tr {
            th scope="row" { span.workload { (workload_of(&pick.point)) } }
            td.number title={ "quartiles: " (format!("{q1:.2}–{q3:.2}")) " M" } { (format!("{median:.2} M")) }
            @for reference in references {
                td.number {
                    (times((reference.of)(pick)))
                }
            }
            td {
                @match &pick.next {
                    Some(next) => {
                        span.margin { (next.ratio.percent()) }
                        @if names_next { " " span.soft { (next.difference.words()) } }
                    }
                    None => span.soft { "none is measurably slower" }
                }
            }
        }
    }
}

fn times(ratio: Option<PairedRatio>) -> String {
    ratio.map_or_else(|| NOT_AVAILABLE.to_owned(), |ratio| format!("{:.1}", 1.0 / ratio.estimate))
}

/// A name that may be broken after each of its backends.
fn broken_at_plus(name: &str) -> Markup {
    html! {
        code { @for (index, backend) in name.split('+').enumerate() { @if index > 0 { "+" wbr; } (backend) } }
    }
}
