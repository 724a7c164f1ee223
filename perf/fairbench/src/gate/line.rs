//! The verdict line: the outcome in one sentence, with the bound that was shown.

use std::fmt::Write;

use super::outcome::{GateOutcome, GateRow, Ratio};
use super::provenance::{addition, equal_line};
use crate::compare::decide::Claim;
use crate::compare::evidence::GateVerdict;
use crate::compare::unseen::UnseenKind;
use crate::exit::Exit;

/// Benchmarks that the verdict line names; the table has them all.
const NAMED: usize = 3;

/// A change in percent: 1.013 is `1.3 % slower`.
fn change(ratio: f64) -> String {
    let percent = 100.0 * (ratio - 1.0);
    let digits = if percent.abs() < 9.95 { 1 } else { 0 };
    let rounded = format!("{:.digits$}", percent.abs());
    if rounded.trim_start_matches(['0', '.']).is_empty() {
        "0.0 % slower".to_owned()
    } else if percent > 0.0 {
        format!("{rounded} % slower")
    } else {
        format!("{rounded} % faster")
    }
}

/// An interval of changes: `4.5 to 5.5 % slower`, `0.3 % faster to 1.2 % slower`.
fn range(lower: f64, upper: f64) -> String {
    let (lower, upper) = (change(lower), change(upper));
    match (lower.split_once(' '), upper.split_once(' ')) {
        (Some((number, unit)), Some((_, other_unit))) if unit == other_unit => format!("{number} to {upper}"),
        _ => format!("{lower} to {upper}"),
    }
}

/// The confidence of the intervals as text, such as `99 %`.
pub(super) fn confidence(outcome: &GateOutcome) -> String {
    format!("{} %", outcome.settings.confidence_percent)
}

/// The outcome in one line.
pub(super) fn verdict_line(outcome: &GateOutcome, interrupted: bool) -> String {
    let mut line = match outcome.verdict {
        None if interrupted => "interrupted: what was measured is kept".to_owned(),
        None => format!("could not measure: {}", outcome.stopped.as_deref().unwrap_or("nothing was measured")),
        Some(GateVerdict::Regression) => named(outcome, GateVerdict::Regression, "regression"),
        Some(GateVerdict::Waits) => named(outcome, GateVerdict::Waits, "waits"),
        Some(GateVerdict::CouldNotMeasure) => control_line(outcome),
        Some(GateVerdict::Inconclusive) => inconclusive_line(outcome),
        Some(GateVerdict::Warn) => named(outcome, GateVerdict::Warn, "warn"),
        Some(GateVerdict::Pass | GateVerdict::Faster) if outcome.is_of_equal_programs() => equal_line(),
        Some(GateVerdict::Pass | GateVerdict::Faster) => pass_line(outcome),
    };
    for (milder, name, beside) in [
        (GateVerdict::Waits, "waits", &[GateVerdict::Regression][..]),
        (GateVerdict::Warn, "warn", &[GateVerdict::Regression, GateVerdict::Waits]),
    ] {
        if outcome.verdict.is_some_and(|verdict| beside.contains(&verdict)) && outcome.with(milder).next().is_some() {
            let _ = write!(line, "; {}", named(outcome, milder, name));
        }
    }
    line.push_str(&addition(outcome));
    if let (Some(_), Some(reason)) = (outcome.verdict, &outcome.stopped) {
        let _ = write!(line, "; stopped before its end: {reason}");
    }
    let missing: Vec<&str> = outcome.missing.iter().filter(|one| !one.allowed).map(|one| one.name.as_str()).collect();
    if outcome.verdict.is_some() && !missing.is_empty() {
        let missing = missing.join(", ");
        line = match outcome.exit() {
            Exit::Difference => format!("{line}; missing: {missing}"),
            _ => format!("could not measure all of it, missing: {missing}; of the rest: {line}"),
        };
    }
    let broken: Vec<&str> = outcome.broken().map(|tripwire| tripwire.name.as_str()).collect();
    if broken.is_empty() {
        return line;
    }
    format!("broken tripwires: {}; {line}", broken.join(", "))
}

/// The benchmarks with this verdict, the worst first, each with the change that was shown.
fn named(outcome: &GateOutcome, verdict: GateVerdict, what: &str) -> String {
    let one = |row: &&GateRow| {
        let Some(Ratio { estimate, lower, upper }) = row.judged_ratio() else { return row.benchmark.clone() };
        let unseen = row.waits().map_or_else(String::new, |waits| format!(" with {}", waits.share()));
        format!("{} is {} ({}){unseen}", row.benchmark, change(estimate), range(lower, upper))
    };
    let mut rows: Vec<&GateRow> = outcome.with(verdict).collect();
    let estimate = |row: &GateRow| row.judged_ratio().map_or(1.0, |ratio| ratio.estimate);
    rows.sort_by(|a, b| estimate(b).total_cmp(&estimate(a)));
    let named: Vec<String> = rows.iter().take(NAMED).map(one).collect();
    let more = match rows.len().saturating_sub(NAMED) {
        0 => String::new(),
        more => format!(" and {more} more"),
    };
    format!("{what}: {}{more}, {} confidence", named.join(", "), confidence(outcome))
}

fn pass_line(outcome: &GateOutcome) -> String {
    // By the clock and, where that was decided too, with what it does not see.
    let told = |row: &GateRow| {
        let told = row
            .unseen
            .iter()
            .filter(|unseen| unseen.kind == UnseenKind::OtherThreads || unseen.switches_per_1000.is_some());
        told.filter_map(|unseen| unseen.ratio).collect::<Vec<_>>()
    };
    let bounds = outcome.rows.iter().flat_map(|row| told(row).into_iter().chain(row.ratio)).map(|ratio| ratio.upper);
    let bound = bounds.fold(f64::NEG_INFINITY, f64::max);
    let count = outcome.rows.len();
    let of_what = if count == 1 { "the benchmark".to_owned() } else { format!("each of {count} benchmarks") };
    let shown = if bound > 1.0 {
        format!("at most {} ({}) on {of_what}", change(bound), confidence(outcome))
    } else {
        format!("at least {} ({}) on {of_what}", change(bound).replace("slower", "faster"), confidence(outcome))
    };
    let gains: Vec<String> = outcome
        .with(GateVerdict::Faster)
        .filter_map(|row| Some(format!("{} is {}", row.benchmark, change(row.ratio?.estimate))))
        .collect();
    if gains.is_empty() { format!("pass: {shown}") } else { format!("pass: {shown}; faster: {}", gains.join(", ")) }
}

fn inconclusive_line(outcome: &GateOutcome) -> String {
    let rows: Vec<String> = outcome.with(GateVerdict::Inconclusive).map(undecided).collect();
    format!(
        "inconclusive: {} ({}) after {:.0} s; repeat it on a quieter machine or with a larger --budget",
        rows.join(", "),
        confidence(outcome),
        outcome.measuring_seconds
    )
}

/// Whether the clock decided the benchmark, and only what that clock does not see is open.
fn is_unseen_alone(row: &GateRow) -> bool {
    matches!(row.claim, Claim::Pass | Claim::Faster) && !row.unseen.is_empty()
}

fn undecided(row: &GateRow) -> String {
    if is_unseen_alone(row) {
        return format!("whether {} waits more could not be told", row.benchmark);
    }
    let warn = 1.0 + row.levels.warn;
    match row.ratio {
        // The change may be narrowed down well enough; then it is the control that nothing can rest on.
        Some(Ratio { lower, upper, .. }) if upper < warn || lower > 1.0 => {
            let control =
                row.control.map_or_else(|| "unknown".to_owned(), |control| range(control.lower, control.upper));
            format!("the control of {}, which should show no change, is {control}", row.benchmark)
        }
        Some(Ratio { lower, upper, .. }) => format!("{} is {}", row.benchmark, range(lower, upper)),
        None => format!("{} had {} blocks, too few", row.benchmark, row.blocks.len()),
    }
}

fn control_line(outcome: &GateOutcome) -> String {
    let one = |row: &GateRow| {
        if is_unseen_alone(row) {
            return format!("base and control wait for different times on {}", row.benchmark);
        }
        let off = row.control.map_or_else(String::new, |control| format!(" by {}", change(control.estimate)));
        format!("the control of {} is off{off}", row.benchmark)
    };
    let rows: Vec<String> = outcome.with(GateVerdict::CouldNotMeasure).map(one).collect();
    format!("could not measure: {}; the base differs from itself, try again on a quieter machine", rows.join(", "))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::gate::test_data::{outcome, row};

    fn line(rows: Vec<GateRow>) -> String {
        outcome(rows).verdict_line
    }

    #[test]
    fn the_verdict_line_names_the_bound_that_was_shown() {
        let even = || row("a", GateVerdict::Pass, (0.995, 1.0, 1.004));
        assert_eq!(
            line(vec![even(), row("b", GateVerdict::Pass, (1.001, 1.007, 1.013))]),
            "pass: at most 1.3 % slower (99 %) on each of 2 benchmarks"
        );
        assert_eq!(
            line(vec![row("b", GateVerdict::Pass, (0.980, 0.985, 0.99))]),
            "pass: at least 1.0 % faster (99 %) on the benchmark"
        );
        assert_eq!(
            line(vec![even(), row("b", GateVerdict::Faster, (0.88, 0.90, 0.92))]),
            "pass: at most 0.4 % slower (99 %) on each of 2 benchmarks; faster: b is 10 % faster"
        );
        assert_eq!(
            line(vec![even(), row("b", GateVerdict::Warn, (1.045, 1.05, 1.055))]),
            "warn: b is 5.0 % slower (4.5 to 5.5 % slower), 99 % confidence"
        );
        let slower = |name: &str, by: f64| row(name, GateVerdict::Regression, (by, by, by));
        assert_eq!(
            line(vec![slower("a", 1.1), slower("b", 1.2), slower("c", 1.5), slower("d", 1.3), slower("e", 1.1)]),
            "regression: c is 50 % slower (50 to 50 % slower), d is 30 % slower (30 to 30 % slower), \
             b is 20 % slower (20 to 20 % slower) and 2 more, 99 % confidence"
        );
        assert_eq!(
            line(vec![
                row("a", GateVerdict::Regression, (2.1, 2.2, 2.3)),
                row("b", GateVerdict::Warn, (1.045, 1.05, 1.055))
            ]),
            "regression: a is 120 % slower (110 to 130 % slower), 99 % confidence; \
             warn: b is 5.0 % slower (4.5 to 5.5 % slower), 99 % confidence"
        );
        let wide = Ratio { estimate: 1.0, lower: 0.94, upper: 1.06 };
        assert_eq!(
            line(vec![GateRow { control: Some(wide), ..row("b", GateVerdict::Inconclusive, (0.99, 1.0, 1.01)) }]),
            "inconclusive: the control of b, which should show no change, is 6.0 % faster to 6.0 % slower (99 %) \
             after 10 s; repeat it on a quieter machine or with a larger --budget"
        );
        assert_eq!(
            line(vec![even(), row("b", GateVerdict::Inconclusive, (0.97, 1.02, 1.08))]),
            "inconclusive: b is 3.0 % faster to 8.0 % slower (99 %) after 10 s; \
             repeat it on a quieter machine or with a larger --budget"
        );
    }

    #[test]
    fn a_regression_outweighs_what_was_not_decided() {
        let rows = vec![
            row("a", GateVerdict::Inconclusive, (0.9, 1.0, 1.1)),
            row("b", GateVerdict::Regression, (1.09, 1.1, 1.11)),
            row("c", GateVerdict::CouldNotMeasure, (0.9, 1.0, 1.1)),
        ];
        let outcome = outcome(rows);
        assert_eq!((outcome.verdict, outcome.exit_code), (Some(GateVerdict::Regression), 1));
    }

    #[test]
    fn changes_read_as_people_say_them() {
        assert_eq!(change(1.0004), "0.0 % slower");
        assert_eq!(change(0.9996), "0.0 % slower");
        assert_eq!(change(0.947), "5.3 % faster");
        assert_eq!(change(12.0), "1100 % slower");
    }
}
