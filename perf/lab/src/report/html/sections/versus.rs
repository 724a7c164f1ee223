//! Two runs compared ratio by ratio.

use fairbench::measure::stats::PairedRatio;
use maud::{Markup, html};

use super::{RowGroup, ShownRun, details, missing, table};
use crate::report::data::is_plain;
use crate::report::format::{batch_of, ratio_or_not};
use crate::run::MeasuredArm;

const HEADS: [&str; 7] =
    ["variant", "time / plain: first", "second", "intervals", "time / floor: first", "second", "intervals"];
const APART: &str = "apart";
const OVERLAP: &str = "overlap";

/// Ratios to `plain` and to the floor, for everything that both runs measured.
pub(in crate::report::html) fn body(first: &ShownRun<'_>, second: &ShownRun<'_>) -> Markup {
    let corpora = first.data.corpora().into_iter().map(|corpus| (corpus, of_corpus(first, second, corpus)));
    let tables: Vec<(&str, Vec<RowGroup>)> = corpora.filter(|(_, groups)| !groups.is_empty()).collect();
    if tables.is_empty() {
        return missing("The two runs have no benchmark in common.");
    }
    let cells = || tables.iter().flat_map(|(_, groups)| groups).flat_map(|group| &group.rows).flatten();
    let apart = cells().filter(|cell| *cell == APART).count();
    let compared = apart + cells().filter(|cell| *cell == OVERLAP).count();
    html! {
        p {
            "Of " (compared) " ratios that both runs measured " strong { (apart) " lie apart" }
            ": their 95 % intervals do not overlap."
        }
        p.note {
            "Ratios may be compared across hosts, nanoseconds may not. First: " (first.name()) " on "
            (first.data.run.header.host.cpu) ". Second: " (second.name()) " on " (second.data.run.header.host.cpu) "."
        }
        @for (corpus, groups) in &tables {
            (details(&format!("{corpus} tokens"), &table(
                &format!("Ratios of both runs on {corpus} tokens (95 %)"),
                &HEADS,
                1,
                groups,
            )))
        }
    }
}

fn of_corpus(first: &ShownRun<'_>, second: &ShownRun<'_>, corpus: &str) -> Vec<RowGroup> {
    let mut groups: Vec<RowGroup> = Vec::new();
    let of_second = second.data.named_on(corpus);
    for one in first.data.named_on(corpus) {
        let Some(other) = of_second.iter().find(|other| is_same(other, one)) else { continue };
        let head = Some(batch_of(one.point()));
        let row = row((first, one), (second, other));
        match groups.iter_mut().find(|group| group.head == head) {
            Some(group) => group.rows.push(row),
            None => groups.push(RowGroup { head, rows: vec![row] }),
        }
    }
    groups
}

/// Whether both are one variant on the same work, each at the default knobs of its run.
fn is_same(one: &MeasuredArm<'_>, other: &MeasuredArm<'_>) -> bool {
    one.arm.variant == other.arm.variant && one.point().work() == other.point().work()
}

fn row(
    (first, one): (&ShownRun<'_>, &MeasuredArm<'_>),
    (second, other): (&ShownRun<'_>, &MeasuredArm<'_>),
) -> Vec<String> {
    let mut row = vec![one.arm.variant.clone()];
    row.extend(if is_plain(one) {
        ["1".to_owned(), "1".to_owned(), String::new()]
    } else {
        beside(one.to_plain(), other.to_plain())
    });
    row.extend(beside(first.data.to_floor(one), second.data.to_floor(other)));
    row
}

fn beside(first: Option<PairedRatio>, second: Option<PairedRatio>) -> [String; 3] {
    let word = match first.zip(second) {
        None => "",
        Some((first, second)) if first.upper < second.lower || second.upper < first.lower => APART,
        Some(_) => OVERLAP,
    };
    [ratio_or_not(first), ratio_or_not(second), word.to_owned()]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ratios_whose_intervals_do_not_overlap_lie_apart() {
        let ratio = |lower, upper| Some(PairedRatio { estimate: lower, lower, upper });
        let word = |first, second| beside(first, second)[2].clone();
        assert_eq!(word(ratio(0.5, 0.6), ratio(0.61, 0.7)), APART);
        assert_eq!(word(ratio(0.5, 0.6), ratio(0.59, 0.7)), OVERLAP);
        assert_eq!(word(ratio(0.5, 0.6), None), "");
    }
}
