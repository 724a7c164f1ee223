//! How far the numbers can be trusted: controls, limits, what is missing.

use fairbench::baseline::Shift;
use maud::{Markup, html};

use super::{ShownRun, beside, details, missing, plain_table, worded};
use crate::report::format::{ratio, ratio_or_not};
use crate::report::verdict::CONTROL_MARGIN;
use crate::run::ArmKind;
use crate::sweep::stored::CellChange;
use crate::tripwire::{JudgedTripwire, TripwireState};

/// Each of these parts for every run.
pub(in crate::report::html) fn body(sides: &[ShownRun<'_>]) -> Markup {
    html! {
        h3 { "Controls: plain against plain" } (beside(sides, controls))
        h3 { "Tripwires" } (beside(sides, tripwires))
        h3 { "Against the baseline" } (beside(sides, baseline))
        h3 { "Left out, and notes" } (beside(sides, notes))
    }
}

fn controls(side: &ShownRun<'_>) -> Markup {
    let (off, failed) = side.data.run.controls(CONTROL_MARGIN);
    let controls = || side.data.all.iter().filter(|arm| arm.arm.kind == ArmKind::Control);
    let count = controls().count();
    if count == 0 {
        return missing("No control was measured.");
    }
    let rows = controls()
        .map(|arm| {
            vec![
                arm.point().to_string(),
                arm.section.to_owned(),
                arm.blocks().to_string(),
                ratio_or_not(arm.to_plain()),
            ]
        })
        .collect();
    html! {
        p {
            "Plain was off itself by " (format!("{:.2} %", 100.0 * off)) " (median of " (count) " controls). "
            @if failed.is_empty() { "None is off by more than 2 %." }
            @else { strong { (failed.len()) " are off by more than 2 %: " } (failed.join("; ")) "." }
        }
        (details("All controls", &plain_table(
            "Time of plain / time of plain, in processes of their own",
            &["workload", "section", "blocks", "time / plain (95 %)"],
            2,
            rows,
        )))
    }
}

fn tripwires(side: &ShownRun<'_>) -> Markup {
    if side.input.tripwires.is_empty() {
        return missing("None was judged.");
    }
    let row = |JudgedTripwire { name, limit, measured, state }: &JudgedTripwire| {
        let shift = match state {
            TripwireState::Holds => "holds",
            TripwireState::Broken => "BROKEN",
            TripwireState::Elsewhere => "does not bind here",
            TripwireState::NotMeasured => "not measured in this run",
        };
        vec![name.clone(), shift.to_owned(), limit.clone(), measured.clone()]
    };
    let rows = side.input.tripwires.iter().map(row).collect();
    plain_table("Limits that no change may cross", &["tripwire", "verdict", "limit", "measured"], 3, rows)
}

fn baseline(side: &ShownRun<'_>) -> Markup {
    let changes = match &side.input.baseline {
        Err(reason) => return missing(reason),
        Ok(changes) => changes,
    };
    let mut changed: Vec<&CellChange> = changes.iter().filter(|change| change.shift != Shift::Same).collect();
    if changed.is_empty() {
        return html! { p { (changes.len()) " ratios compared, none changed beyond noise and layout." } };
    }
    changed.sort_by(|one, other| other.ratio().total_cmp(&one.ratio()));
    let rows = changed.iter().map(|change| {
        let key = &change.key;
        vec![
            key.variant.clone(),
            format!("{}, batch {}, {} threads", key.fixture, key.batch_tokens, key.threads),
            change.shift.name().to_owned(),
            change.against.to_owned(),
            ratio(change.was),
            ratio(change.is),
            format!("{:.3}", change.ratio()),
        ]
    });
    let heads = ["variant", "workload", "", "ratio to", "was (95 %)", "is (95 %)", "is / was"];
    html! {
        p {
            (changes.len()) " ratios compared"
            @if let Some(of) = &side.input.baseline_of { " with those " (of) }
            ", " (changed.len()) " changed. Where a variant changed to plain but not to the floor, or the other way round, it is \
             plain or the floor that moved."
        }
        (plain_table("Ratios that changed beyond noise and layout", &heads, 4, rows.collect()))
    }
}

fn notes(side: &ShownRun<'_>) -> Markup {
    let run = side.data.run;
    let left_out: Vec<String> = run
        .left_out()
        .into_iter()
        .filter_map(|panel| run.header.panels.get(panel))
        .map(|panel| {
            let points: Vec<String> =
                panel.groups.iter().filter_map(|group| group.arms.first()).map(|arm| arm.point.to_string()).collect();
            format!("{}: {}", panel.section, points.join("; "))
        })
        .collect();
    if left_out.is_empty() && run.notes.is_empty() {
        return html! { p { "Everything that was planned was measured; there is nothing to note." } };
    }
    html! {
        ul {
            @for panel in &left_out { li { strong { "Not measured, or in fewer than six blocks: " } (panel) } }
            @for note in &run.notes { li { (worded(note)) } }
        }
    }
}
