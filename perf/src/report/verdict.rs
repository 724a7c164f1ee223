//! What there is to know about a run, in one line.

use super::html::data::{Data, is_plain};
use crate::baseline::{Change, Standing};
use crate::cell::REFERENCE;
use crate::run::{Measured, Run};
use crate::tripwire::{Judged, State};

/// By how much a control may be off before a run is doubted.
pub(super) const CONTROL_MARGIN: f64 = 0.02;

/// The line: doubts first, then what was found.
#[must_use]
pub fn verdict(run: &Run, tripwires: &[Judged], baseline: &Result<Vec<Change>, String>) -> String {
    let mut parts = doubts(run);
    parts.push(format!("{} cells equal to {REFERENCE}", run.header.checked_cells));
    parts.push(fastest(&Data::of(run)).unwrap_or_else(|| "nothing measured".to_owned()));
    let broken = broken(tripwires);
    let bound = tripwires.iter().filter(|t| matches!(t.state, State::Holds | State::Broken)).count();
    parts.push(if broken.is_empty() {
        format!("{bound} tripwires hold")
    } else {
        format!("tripwires BROKEN: {}", broken.join(", "))
    });
    parts.push(match baseline {
        Err(_) => "no baseline for this host".to_owned(),
        Ok(changes) => {
            let count = |standing| changes.iter().filter(|change| change.standing == standing).count();
            let (slower, faster, same) = (count(Standing::Slower), count(Standing::Faster), count(Standing::Same));
            format!("baseline: {slower} slower, {faster} faster, {same} the same")
        }
    });
    parts.join("; ") + "."
}

/// Names of the tripwires that are broken.
#[must_use]
pub fn broken(tripwires: &[Judged]) -> Vec<&str> {
    tripwires.iter().filter(|t| t.state == State::Broken).map(|t| t.name.as_str()).collect()
}

/// Why the numbers are not to be trusted, or not all there.
pub(super) fn doubts(run: &Run) -> Vec<String> {
    let mut doubts = Vec::new();
    if run.header.host.build != "release" {
        doubts.push(format!("MEANINGLESS: a {} build", run.header.host.build));
    }
    if run.elapsed_s.is_none() {
        let planned = run.header.panels.len();
        let measured = planned - run.left_out().len();
        doubts.push(format!("PARTIAL: {measured} of {planned} panels measured, the run did not end by itself"));
    }
    let failed = run.controls(CONTROL_MARGIN).1.len();
    if failed > 0 {
        doubts.push(format!("DOUBTFUL: {failed} controls are off by more than 2 %"));
    }
    doubts
}

/// The variant that is fastest at most points of one thread, and its greatest speed-up.
fn fastest(data: &Data<'_>) -> Option<String> {
    let named = data.named();
    let speedup = |seat: &&Measured<'_>| seat.to_plain().map_or(1.0, |ratio| 1.0 / ratio.estimate);
    let single: Vec<&Measured<'_>> =
        named.into_iter().filter(|seat| seat.point().knobs.threads == 1 && seat.to_plain().is_some()).collect();
    let points: Vec<_> = single.iter().filter(|seat| is_plain(seat)).map(|seat| seat.point()).collect();
    let mut wins: Vec<(&str, usize)> = Vec::new();
    for point in &points {
        let there = single.iter().filter(|seat| seat.point() == *point);
        let best = there.max_by(|one, other| speedup(one).total_cmp(&speedup(other)))?;
        match wins.iter_mut().find(|(name, _)| *name == best.seat.variant) {
            Some((_, count)) => *count += 1,
            None => wins.push((&best.seat.variant, 1)),
        }
    }
    let (name, count) = wins.into_iter().max_by_key(|(_, count)| *count)?;
    let most = single.iter().filter(|seat| seat.seat.variant == name).map(speedup).fold(1.0, f64::max);
    Some(format!(
        "on one thread {name} is fastest on {count} of {} workloads (up to {most:.1} times {REFERENCE})",
        points.len()
    ))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::run::simulated::{self, Truth};

    #[test]
    fn the_line_names_the_fastest_and_what_the_numbers_are_worth() {
        let run = simulated::full(8);
        let broken = Judged { name: "t1".into(), limit: "l".into(), measured: "m".into(), state: State::Broken };
        let line = verdict(&run, &[broken], &Err("There is none.".to_owned()));
        assert!(line.ends_with("tripwires BROKEN: t1; no baseline for this host."), "{line}");
        assert!(line.contains("90 cells equal to plain") && line.contains("prod is fastest on 10 of 10"), "{line}");
        assert!(doubts(&run).is_empty(), "{line}");
    }

    #[test]
    fn a_run_that_is_not_to_be_trusted_says_so_first() {
        let mut run = simulated::run(&Truth { control_off: 0.1, ..Truth::default() }, 12);
        run.header.host.build = "debug".to_owned();
        let line = verdict(&run, &[], &Ok(Vec::new()));
        assert!(line.starts_with("MEANINGLESS: a debug build; PARTIAL: 2 of 2 panels"), "{line}");
        assert!(line.contains("DOUBTFUL: 4 controls"), "{line}");
    }
}
