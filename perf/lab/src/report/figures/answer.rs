//! The answer as one picture: tokens that a core verifies in a second, with what to run and with what it is compared
//! with.

use fairbench::measure::stats::Quartiles;

use super::Figure;
use crate::report::answer::{Pick, Reference, references};
use crate::report::chart::reach::{ReachChart, ReachRow};
use crate::report::chart::theme::look_of;
use crate::report::chart::{Look, Value};
use crate::report::format::workload_of;

/// The figure; `None` if there is no answer.
pub(in crate::report) fn figure(picks: &[Pick]) -> Option<Figure> {
    if picks.is_empty() {
        return None;
    }
    let references = references(picks);
    let names = references.iter().map(|reference| (reference.name.to_owned(), look_of(reference.name)));
    let chart = ReachChart {
        x_title: "million tokens per second and core (log scale)".to_owned(),
        series: names.chain([("what to run".to_owned(), look_of("prod"))]).collect::<Vec<(String, Look)>>(),
        cases: picks.iter().map(|pick| case(pick, &references)).collect(),
    };
    let related = references.first().map_or("", |reference| reference.name);
    let note = format!("Further right is faster; the last column is how many times as fast as {related}.");
    Some(Figure::new("answer", "How fast that is, per core".to_owned(), note, chart))
}

fn case(pick: &Pick, references: &[&Reference]) -> ReachRow {
    let own = pick.tokens_per_second_per_core.scaled(1e-6);
    let ratio_to = |index: usize| references.get(index).and_then(|reference| (reference.of)(pick));
    // Its rate follows from the paired ratio; its own time was taken at other moments.
    let reference = |index: usize| {
        let rate = own.median * ratio_to(index)?.estimate;
        Some(Value { middle: rate, lower: rate, upper: rate })
    };
    let mut values: Vec<Option<Value>> = (0..references.len()).map(reference).collect();
    let Quartiles { q1, median, q3 } = own;
    values.push(Some(Value { middle: median, lower: q1, upper: q3 }));
    ReachRow {
        label: workload_of(&pick.point),
        values,
        end: ratio_to(0).map_or_else(String::new, |ratio| format!("{:.1}×", 1.0 / ratio.estimate)),
    }
}
