//! How an outcome is shown: the verdict line first, then the table, then notes for the reader.

use std::fmt::Write;

use comfy_table::Table;
use comfy_table::presets::ASCII_MARKDOWN;

use super::line::confidence;
use super::outcome::{GateOutcome, GateRow, Ratio};

fn ratio_cell(ratio: Option<Ratio>) -> String {
    ratio.map_or_else(|| "n/a".to_owned(), |r| format!("{:.3} ({:.3}–{:.3})", r.estimate, r.lower, r.upper))
}

/// `1234 → 1300 (+5.3 %)`, `1234 =` if nothing changed as far as is shown.
fn count_cell(base: Option<f64>, candidate: Option<f64>, digits: usize) -> String {
    let (Some(base), Some(candidate)) = (base, candidate) else { return "n/a".to_owned() };
    let (before, after) = (format!("{base:.digits$}"), format!("{candidate:.digits$}"));
    if before == after {
        return format!("{before} =");
    }
    let percent = if base > 0.0 { format!(" ({:+.1} %)", 100.0 * (candidate / base - 1.0)) } else { String::new() };
    format!("{before} → {after}{percent}")
}

fn cells(row: &GateRow) -> [String; 5] {
    let (base, candidate) = (&row.counts.base, &row.counts.candidate);
    [
        row.benchmark.clone(),
        ratio_cell(row.ratio),
        count_cell(base.instructions, candidate.instructions, 0),
        count_cell(base.allocations, candidate.allocations, 2),
        match &row.reason {
            Some(reason) => format!("{}: {reason}", row.verdict.name()),
            None => row.verdict.name().to_owned(),
        },
    ]
}

fn counted(outcome: &GateOutcome) -> String {
    let (instructions, allocations) =
        (format!("instructions per {}", outcome.item()), format!("allocations per {}", outcome.item()));
    let header = ["benchmark", "time, candidate / base", &instructions, &allocations, "verdict"];
    table(header, outcome.rows.iter().map(cells))
}

fn table<const COLUMNS: usize>(header: [&str; COLUMNS], rows: impl IntoIterator<Item = [String; COLUMNS]>) -> String {
    let mut table = Table::new();
    table.load_style(ASCII_MARKDOWN);
    table.set_header(header);
    for row in rows {
        table.add_row(row);
    }
    table.to_string()
}

fn details(outcome: &GateOutcome) -> String {
    let rows = outcome.rows.iter().map(|row| {
        [
            row.benchmark.clone(),
            row.threads.to_string(),
            ratio_cell(row.control),
            row.base_ns_per_item.map_or_else(|| "n/a".to_owned(), |ns| format!("{ns:.0}")),
            row.blocks.len().to_string(),
            format!("{} / {} %", percent(row.levels.warn), percent(row.levels.fail)),
        ]
    });
    let base = format!("base, ns per {}", outcome.item());
    table(["benchmark", "threads", "control / base", &base, "blocks", "warn / fail"], rows)
}

/// A part of one in per cent, without the digits that floating point adds: 0.07 is 7, not 7.000000000000001.
fn percent(part: f64) -> f64 {
    (part * 1e6).round() / 1e4
}

fn tripwires(outcome: &GateOutcome) -> Option<String> {
    let rows = outcome.tripwires.iter().map(|tripwire| {
        let state = if tripwire.broken { "BROKEN" } else { "holds" };
        [tripwire.name.clone(), tripwire.limit.clone(), tripwire.measured.clone(), state.to_owned()]
    });
    (!outcome.tripwires.is_empty()).then(|| table(["tripwire", "limit", "measured", "state"], rows))
}

fn method(outcome: &GateOutcome) -> String {
    let pinned = match (outcome.pinned, outcome.core) {
        (true, Some(core)) => format!(" pinned to core {core}"),
        (true, None) => " pinned to one core".to_owned(),
        (false, _) => String::new(),
    };
    format!(
        "{} against {}: medians over blocks of fresh processes{}, intervals at {} over all looks, measured in {:.1} s; \
         warn at {} % and fail at {} % slower unless the settings say otherwise. {}",
        outcome.candidate,
        outcome.base,
        pinned,
        confidence(outcome),
        outcome.measuring_seconds,
        outcome.settings.warn_percent,
        outcome.settings.fail_percent,
        CLOCKS,
    )
}

/// What the clocks are, and what they do not see.
const CLOCKS: &str = "One thread is timed in its CPU time; what that does not see, waiting and other threads' work, is \
                      judged beside it. Several threads are timed by the wall clock. Left out: other processes, and \
                      what happens less often than once in a block.";

/// The outcome for a terminal: the verdict line, the table, broken tripwires, method and notes.
#[must_use]
pub fn terminal(outcome: &GateOutcome) -> String {
    let mut text = format!("{}\n", outcome.verdict_line);
    for missing in &outcome.missing {
        let _ = writeln!(text, "{}", missing.line());
    }
    if !outcome.rows.is_empty() {
        let _ = write!(text, "\n{}\n", counted(outcome));
    }
    let broken = GateOutcome { tripwires: outcome.broken().cloned().collect(), ..outcome.clone() };
    if let Some(table) = tripwires(&broken) {
        let _ = write!(text, "\n{table}\n");
    } else if !outcome.tripwires.is_empty() {
        let _ = write!(text, "\n{} tripwires hold.\n", outcome.tripwires.len());
    }
    if !outcome.is_of_equal_programs() {
        let _ = write!(text, "\n{}", method(outcome));
    }
    for note in &outcome.notes {
        let _ = write!(text, "\n{note}");
    }
    text
}

/// The outcome for a job summary or a comment: the same as for a terminal, with details folded away.
#[must_use]
pub fn markdown(outcome: &GateOutcome) -> String {
    let mut text = format!("**{}**\n", outcome.verdict_line);
    for missing in &outcome.missing {
        let _ = write!(text, "\n- {}", missing.line());
    }
    text.push_str(if outcome.missing.is_empty() { "" } else { "\n" });
    if !outcome.rows.is_empty() {
        let _ = write!(text, "\n{}\n", counted(outcome));
    }
    let _ = write!(text, "\n<details><summary>Control, blocks, tripwires, method</summary>\n");
    if !outcome.rows.is_empty() {
        let _ = write!(text, "\n{}\n", details(outcome));
    }
    if let Some(table) = tripwires(outcome) {
        let _ = write!(text, "\n{table}\n");
    }
    let _ = write!(text, "\n{}\n", method(outcome));
    for note in &outcome.notes {
        let _ = write!(text, "\n- {note}");
    }
    text.push_str("\n\n</details>\n");
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::compare::evidence::GateVerdict;
    use crate::gate::outcome::Tripwire;
    use crate::gate::test_data::{outcome, row};

    #[test]
    fn the_terminal_shows_the_verdict_first_then_the_table() {
        let text = terminal(&outcome(vec![row("verify_single", GateVerdict::Regression, (1.06, 1.08, 1.10))]));
        assert!(text.starts_with("regression: verify_single is 8.0 % slower"), "{text}");
        assert!(text.contains("1.080 (1.060–1.100)") && text.contains("2000 → 2160 (+8.0 %)"), "{text}");
        assert!(text.contains("| 3.00 =") && text.contains("regression: time and instructions are up"), "{text}");
        assert!(text.contains("working tree against HEAD~1") && text.ends_with("\nA note."), "{text}");
    }

    #[test]
    fn markdown_folds_away_what_few_read() {
        let mut outcome = outcome(vec![row("a", GateVerdict::Pass, (0.99, 1.0, 1.01))]);
        let broken = Tripwire { name: "t".into(), limit: "l".into(), measured: "m".into(), broken: true };
        outcome.add_tripwires(vec![broken]);
        assert_eq!(outcome.exit_code, 1);
        let text = markdown(&outcome);
        assert!(text.starts_with("**broken tripwires: t; pass: at most 1.0 % slower"), "{text}");
        let (shown, folded) = text.split_once("<details>").unwrap();
        assert!(shown.contains("| a ") && !shown.contains("control"), "{text}");
        assert!(folded.contains("1.001 (0.998–1.004)") && folded.contains("| BROKEN"), "{text}");
        assert!(folded.contains("5 / 7 %"), "{text}");
    }
}
