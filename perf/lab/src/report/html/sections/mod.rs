//! The page from top to bottom, a file for each section.

pub(super) mod advice;
pub(super) mod flamegraphs;
pub(super) mod head;
pub(super) mod method;
pub(super) mod numbers;
pub(super) mod plots;
pub(super) mod raw;
pub(super) mod trust;
pub(super) mod versus;

use maud::{Markup, PreEscaped, html};

use super::ShownRun;
use crate::report::chart::theme::Theme;
use crate::report::figures::Figure;

/// A section with its place in the list of links.
pub(super) struct HtmlSection {
    pub(super) id: &'static str,
    pub(super) title: &'static str,
    pub(super) body: Markup,
}

/// Every section of the page, with what matters most first.
pub(super) fn all(sides: &[ShownRun<'_>]) -> anyhow::Result<Vec<HtmlSection>> {
    let mut all = vec![HtmlSection { id: "run", title: "What to run", body: beside(sides, advice::body) }];
    if let [first, second] = sides {
        all.push(HtmlSection { id: "ratios", title: "Ratios of both", body: versus::body(first, second) });
    }
    all.extend(plots::all(sides)?);
    all.extend([
        HtmlSection { id: "flamegraphs", title: "Flamegraphs", body: beside(sides, flamegraphs::body) },
        HtmlSection { id: "numbers", title: "Numbers", body: beside(sides, numbers::body) },
        HtmlSection { id: "trust", title: "What the numbers are worth", body: trust::body(sides) },
        HtmlSection { id: "data", title: "Raw data", body: beside(sides, raw::body) },
        HtmlSection { id: "host", title: "Host", body: beside(sides, method::host) },
        HtmlSection { id: "method", title: "Method", body: method::method() },
    ]);
    Ok(all)
}

/// The same part for each run: one below the other on a phone, side by side where there is room.
fn beside(sides: &[ShownRun<'_>], mut of: impl FnMut(&ShownRun<'_>) -> Markup) -> Markup {
    if let [one] = sides {
        return of(one);
    }
    html! {
        div.pair {
            @for side in sides { div { p.run { (side.name()) } (of(side)) } }
        }
    }
}

/// A plot with its title and its note.
fn figure(figure: &Figure) -> anyhow::Result<Markup> {
    let svg = figure.svg(Theme::Page)?;
    Ok(html! {
        figure {
            figcaption { strong { (figure.title) } " " span { (figure.note) } }
            (PreEscaped(svg))
        }
    })
}

/// Rows under a head of their own.
struct RowGroup {
    head: Option<String>,
    rows: Vec<Vec<String>>,
}

/// A table of which the first `texts` columns are text and the others numbers. A wide one scrolls by itself.
fn table(caption: &str, heads: &[&str], texts: usize, groups: &[RowGroup]) -> Markup {
    let class = |column: usize| (column >= texts).then_some("number");
    html! {
        div.scroll tabindex="0" role="region" aria-label=(caption) {
            table {
                caption { (caption) }
                thead {
                    tr {
                        @for (column, head) in heads.iter().enumerate() {
                            th scope="col" class=[class(column)] { (head) }
                        }
                    }
                }
                @for group in groups {
                    tbody {
                        @if let Some(head) = &group.head {
                            tr.group { th scope="rowgroup" colspan=(heads.len()) { (head) } }
                        }
                        @for row in &group.rows {
                            tr {
                                @for (column, cell) in row.iter().enumerate() {
                                    @if column == 0 {
                                        th scope="row" { (cell) }
                                    } @else {
                                        td class=[class(column)] { (cell) }
                                    }
                                }
                            }
                        }
                    }
                }
            }
        }
    }
}

/// A table whose rows need no heads.
fn plain_table(caption: &str, heads: &[&str], texts: usize, rows: Vec<Vec<String>>) -> Markup {
    table(caption, heads, texts, &[RowGroup { head: None, rows }])
}

/// Something that is unfolded on demand; on paper it is always there.
fn details(summary: &str, body: &Markup) -> Markup {
    html! { details { summary { (summary) } (body) } }
}

/// A text that says why there is nothing to see.
fn missing(why: &str) -> Markup {
    html! { p.missing { (worded(why)) } }
}

/// A sentence in which text between backticks becomes code.
fn worded(sentence: &str) -> Markup {
    html! {
        @for (index, piece) in sentence.split('`').enumerate() {
            @if index % 2 == 1 { code { (piece) } } @else { (piece) }
        }
    }
}
