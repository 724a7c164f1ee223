//! What there is to know about a run, in one line.

use super::data::{Data, is_plain};
use crate::baseline::{Change, Key, Standing};
use crate::cell::REFERENCE;
use crate::run::{Measured, Point, Run};
use crate::tripwire::{Judged, State};

/// By how much a control may be off before a run is doubted.
pub(super) const CONTROL_MARGIN: f64 = 0.02;

/// The line: doubts first, then what was found.
#[must_use]
pub fn verdict(run: &Run, tripwires: &[Judged], baseline: &Result<Vec<Change>, String>) -> String {
    let mut parts = doubts(run);
    parts.push(format!("{} cells equal to {REFERENCE}", run.header.checked_cells));
    parts.push(fastest(&Data::of(run)).unwrap_or_else(|| "no named variant measured".to_owned()));
    let broken = broken(tripwires);
    let bound = tripwires.iter().filter(|t| matches!(t.state, State::Holds | State::Broken)).count();
    let all = tripwires.iter().filter(|t| t.state != State::Elsewhere).count();
    parts.push(match (broken.is_empty(), bound) {
        (false, _) => format!("tripwires BROKEN: {}", broken.join(", ")),
        (true, 0) => "no tripwire measured".to_owned(),
        (true, bound) if bound == all => format!("{bound} tripwires hold"),
        (true, bound) => format!("{bound} of {all} tripwires measured, they hold"),
    });
    parts.push(match baseline {
        Err(_) => "no baseline for this host".to_owned(),
        Ok(changes) if changes.is_empty() => "nothing to compare with the baseline".to_owned(),
        Ok(changes) => against_baseline(changes),
    });
    parts.join("; ") + "."
}

/// How many cells changed. One has if it did to plain and to the floor alike: else it is those that moved.
fn against_baseline(changes: &[Change]) -> String {
    let mut cells: Vec<(&Key, Vec<Standing>)> = Vec::new();
    for Change { key, standing, .. } in changes.iter().filter(|change| change.key.variant != REFERENCE) {
        match cells.iter_mut().find(|(known, _)| *known == key) {
            Some((_, standings)) => standings.push(*standing),
            None => cells.push((key, vec![*standing])),
        }
    }
    let all = |wanted| cells.iter().filter(|(_, standings)| standings.iter().all(|own| *own == wanted)).count();
    let (slower, faster) = (all(Standing::Slower), all(Standing::Faster));
    format!(
        "against the baseline {slower} cells are slower, {faster} faster, {} neither",
        cells.len() - slower - faster
    )
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
    let (planned, left_out) = (run.header.panels.len(), run.left_out().len());
    if run.elapsed_s.is_none() || left_out > 0 {
        let why = if run.elapsed_s.is_none() { "the run did not end by itself" } else { "there was no time for more" };
        doubts.push(format!("PARTIAL: {} of {planned} panels measured, {why}", planned - left_out));
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
    // Where plain has no rival, it has not won.
    let has_rival = |point: &Point| single.iter().any(|seat| !is_plain(seat) && seat.point() == point);
    let plain = single.iter().filter(|seat| is_plain(seat)).map(|seat| seat.point());
    let points: Vec<_> = plain.filter(|point| has_rival(point)).collect();
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
        "of the named variants {name} is fastest on {count} of {} workloads on one thread (up to {most:.1} times {REFERENCE})",
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
