//! Tables with every number of the named variants.

use maud::{Markup, html};

use super::{RowGroup, ShownRun, details, missing, table};
use crate::report::data::{Data, is_plain};
use crate::report::format::{NOT_AVAILABLE, batch_of, count, mebibytes, ratio_or_not, time_ns};
use crate::run::{MeasuredArm, Point};

const HEADS: [&str; 10] = [
    "variant",
    "ns/token (quartiles)",
    "time / classic (95 %)",
    "time / plain (95 %)",
    "× plain",
    "time / floor (95 %)",
    "allocs/token",
    "bytes/token",
    "instr/token",
    "peak MiB",
];

/// A table for each corpus, a group of rows for each batch and number of threads.
pub(in crate::report::html) fn body(side: &ShownRun<'_>) -> Markup {
    let corpora = side.data.corpora();
    if side.data.named().is_empty() {
        return missing("No named variant was measured.");
    }
    html! {
        p.note {
            "Compare ratios; nanoseconds only give an idea of the size. A ratio is time / time: above 1 is slower. "
            "Allocations, bytes asked for and instructions are per token; peak memory is that of a process that did "
            "nothing else."
        }
        @for corpus in corpora { (details(&format!("{corpus} tokens"), &of_corpus(&side.data, corpus))) }
    }
}

fn of_corpus(data: &Data<'_>, corpus: &str) -> Markup {
    let mut groups: Vec<RowGroup> = Vec::new();
    for arm in data.named_on(corpus) {
        let head = Some(batch_of(arm.point()));
        match groups.iter_mut().find(|group| group.head == head) {
            Some(group) => group.rows.push(row(data, arm)),
            None => groups.push(RowGroup { head, rows: vec![row(data, arm)] }),
        }
    }
    let header = &data.run.header;
    let is_at_default_knobs = |point: &Point| point.knobs == header.default_knobs(point.knobs.threads);
    for left_out in &header.unavailable {
        for point in left_out.points.iter().filter(|point| point.corpus == corpus && is_at_default_knobs(point)) {
            let mut cells = vec![left_out.variant.clone(), format!("n/a: {}", left_out.reason)];
            cells.resize(HEADS.len(), NOT_AVAILABLE.to_owned());
            let head = Some(batch_of(point));
            if let Some(group) = groups.iter_mut().find(|group| group.head == head) {
                group.rows.push(cells);
            }
        }
    }
    table(&format!("Named variants on {corpus} tokens, default knobs"), &HEADS, 1, &groups)
}

fn row(data: &Data<'_>, arm: &MeasuredArm<'_>) -> Vec<String> {
    let (variant, point) = (arm.arm.variant.as_str(), arm.point());
    let allocations = data.allocations(variant, point);
    let to_plain = arm.to_plain();
    let (relative, speedup) = if is_plain(arm) {
        ("1".to_owned(), "1".to_owned())
    } else {
        let speedup =
            to_plain.map_or_else(|| NOT_AVAILABLE.to_owned(), |ratio| format!("{:.2}×", 1.0 / ratio.estimate));
        (ratio_or_not(to_plain), speedup)
    };
    vec![
        variant.to_owned(),
        arm.time_ns().map_or_else(|| NOT_AVAILABLE.to_owned(), time_ns),
        ratio_or_not(data.to_classic(arm)),
        relative,
        speedup,
        ratio_or_not(data.to_floor(arm)),
        count(allocations.map(|counted| counted.allocations_per_token)),
        count(allocations.map(|counted| counted.allocated_bytes_per_token)),
        data.instructions(variant, point).map_or_else(|| NOT_AVAILABLE.to_owned(), |count| format!("{count:.0}")),
        mebibytes(data.peak_resident_bytes(variant, point)),
    ]
}
