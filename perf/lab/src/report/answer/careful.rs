//! Reasons to be careful with the answer: each once, with the workloads that it is about.

use fairbench::baseline::Shift;

use super::pick::Pick;
use super::workloads;
use crate::catalogue::REFERENCE;
use crate::recommend::{Advice, NoAdvice};
use crate::report::verdict::{CONTROL_MARGIN, broken, doubts};
use crate::run::{Point, Run};
use crate::sweep::stored::{CellChange, CellKey};
use crate::tripwire::{JudgedTripwire, TripwireState};

/// The checks beside the answer.
#[derive(Clone, Debug)]
pub struct Checked {
    cells: usize,
    broken: Vec<String>,
    /// Number of tripwires that were measured, and of those that bind here.
    bound: (usize, usize),
    /// Numbers of cells that are slower, faster and neither; `None` without a baseline.
    against_baseline: Option<[usize; 3]>,
}

impl Checked {
    pub(super) fn of(run: &Run, tripwires: &[JudgedTripwire], baseline: &Result<Vec<CellChange>, String>) -> Self {
        let count = |wanted: &dyn Fn(&TripwireState) -> bool| tripwires.iter().filter(|own| wanted(&own.state)).count();
        Self {
            cells: run.header.checked_cells,
            broken: broken(tripwires).into_iter().map(str::to_owned).collect(),
            bound: (
                count(&|state| matches!(state, TripwireState::Holds | TripwireState::Broken)),
                count(&|state| *state != TripwireState::Elsewhere),
            ),
            against_baseline: baseline.as_ref().ok().map(|changes| changed(changes)),
        }
    }

    /// The checks in one line.
    pub(super) fn sentence(&self) -> String {
        let tripwires = match (self.broken.len(), self.bound) {
            (0, (0, _)) => "no tripwire measured".to_owned(),
            (0, (bound, all)) if bound == all => format!("{bound} tripwires hold"),
            (0, (bound, all)) => format!("{bound} of {all} tripwires measured, they hold"),
            (count, (bound, _)) => format!("{count} of {bound} tripwires BROKEN"),
        };
        let baseline = match self.against_baseline {
            None => "no baseline for this host".to_owned(),
            Some([0, 0, 0]) => "nothing to compare with the baseline".to_owned(),
            Some([slower, faster, same]) => {
                format!("against the baseline {slower} cells are slower, {faster} faster, {same} neither")
            }
        };
        format!("{} cells decide as {REFERENCE} does; {tripwires}; {baseline}.", self.cells)
    }
}

/// Numbers of cells that are slower, faster and neither. A cell is slower or faster only if it is so against everything
/// that it was compared with.
fn changed(changes: &[CellChange]) -> [usize; 3] {
    let mut cells: Vec<(&CellKey, Vec<Shift>)> = Vec::new();
    for CellChange { key, shift, .. } in changes.iter().filter(|change| change.key.variant != REFERENCE) {
        match cells.iter_mut().find(|(known, _)| *known == key) {
            Some((_, shifts)) => shifts.push(*shift),
            None => cells.push((key, vec![*shift])),
        }
    }
    let all = |wanted| cells.iter().filter(|(_, shifts)| shifts.iter().all(|own| *own == wanted)).count();
    let (slower, faster) = (all(Shift::Slower), all(Shift::Faster));
    [slower, faster, cells.len() - slower - faster]
}

/// All reasons, with what matters most first.
pub(super) fn all(run: &Run, picks: &[Pick], advices: &[Result<Advice, NoAdvice>], checked: &Checked) -> Vec<String> {
    let mut all: Vec<String> = doubts(run).into_iter().map(|doubt| doubt + ".").collect();
    let (_, failed) = run.controls(CONTROL_MARGIN);
    if !failed.is_empty() {
        all.push(format!("Plain differed from itself by more than 2 % on: {}.", failed.join("; ")));
    }
    if !checked.broken.is_empty() {
        all.push(format!("Tripwires BROKEN: {}.", checked.broken.join("; ")));
    }
    all.extend(not_advised(advices));
    if advices.is_empty() && !picks.is_empty() {
        all.push(
            "Only named variants were compared; `cargo lab sweep --quick` measures every composition of the seams."
                .to_owned(),
        );
    }
    let ties = picks.iter().filter(|pick| !pick.tied.is_empty());
    all.extend(grouped(ties.map(|pick| (tie(pick), &pick.point))));
    let blurred = picks.iter().filter_map(|pick| Some((pick, pick.next.as_ref()?)));
    let blurred = blurred.filter(|(_, next)| next.ratio.lower <= 1.0);
    all.extend(grouped(blurred.map(|(pick, next)| {
        (
            format!("`{}` may be as fast as `{}`: its interval reaches below 0 %", next.name, pick.composition),
            &pick.point,
        )
    })));
    let warnings = advices.iter().flatten().flat_map(|advice| {
        advice.warnings.iter().map(|warning| (warning.trim_end_matches('.').to_owned(), &advice.point))
    });
    // A debug build has been called one above.
    all.extend(grouped(warnings.filter(|(warning, _)| !warning.contains("debug build"))));
    all
}

/// A sentence such as `` `a` cannot be told from `b` ``.
fn tie(pick: &Pick) -> String {
    let names: Vec<String> = pick.tied.iter().map(|name| format!("`{name}`")).collect();
    match names.as_slice() {
        [one] => format!("`{}` cannot be told from {one}", pick.composition),
        [one, two] => format!("`{}` can be told neither from {one} nor from {two}", pick.composition),
        several => {
            format!("`{}` cannot be told from {} others (the report names them)", pick.composition, several.len())
        }
    }
}

/// Reasons why there is no advice, one for all workloads to which it applies.
fn not_advised(advices: &[Result<Advice, NoAdvice>]) -> Vec<String> {
    let mut reasons: Vec<(String, Vec<Point>)> = Vec::new();
    for reason in advices.iter().filter_map(|advice| advice.as_ref().err()) {
        let (text, point) = match reason {
            NoAdvice::NotMeasured { wanted, .. } => {
                let knobs = crate::catalogue::Knobs::defaults(1);
                let point = Point { corpus: wanted.corpus.clone(), batch: wanted.batch, knobs };
                ("not every composition was measured".to_owned(), point)
            }
            NoAdvice::TooFewBlocks { point, compositions, .. } => (
                format!("fewer than 10 blocks do not tell {compositions} compositions apart; give it more time"),
                point.clone(),
            ),
            NoAdvice::ControlOff { point, .. } => {
                ("plain differed from itself there; measure again on a quieter machine".to_owned(), point.clone())
            }
            NoAdvice::Unchecked => return vec![format!("No answer: {reason}.")],
        };
        match reasons.iter_mut().find(|(known, _)| *known == text) {
            Some((_, points)) => points.push(point),
            None => reasons.push((text, vec![point])),
        }
    }
    reasons.iter().map(|(text, points)| format!("No answer for {}: {text}.", workloads(points))).collect()
}

/// Each sentence once, with its workloads.
fn grouped<'a>(sentences: impl Iterator<Item = (String, &'a Point)>) -> Vec<String> {
    let mut groups: Vec<(String, Vec<&Point>)> = Vec::new();
    for (sentence, point) in sentences {
        match groups.iter_mut().find(|(known, _)| *known == sentence) {
            Some((_, points)) => points.push(point),
            None => groups.push((sentence, vec![point])),
        }
    }
    groups.into_iter().map(|(sentence, points)| format!("{sentence}: {}.", workloads(points))).collect()
}
