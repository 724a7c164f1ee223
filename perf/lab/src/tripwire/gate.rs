//! Tripwires at the gate: the limits of `tripwires.toml`, measured with this program, which is the working tree's.

use std::path::Path;
use std::time::Duration;

use fairbench::compare::group::Effort;
use fairbench::exit::Failure;
use fairbench::gate::outcome::{GateOutcome, Tripwire};
use fairbench::host::Host;
use fairbench::missing::{Missing, TRIPWIRES};

use crate::catalogue::{Knobs, REFERENCE};
use crate::own;
use crate::run::record::Header;
use crate::run::{ArmKind, ComparisonGroup, Panel, Point, Run, SweepArm};
use crate::sweep::check::{cells, check_all};
use crate::sweep::measure::{SweepEnd, SweepMethod, measure};
use crate::sweep::row::rows;
use crate::sweep::schedule::Limits;
use crate::tripwire::{self, CellName, TripwireState, Tripwires};

/// Method of measuring. Limits are far from what is measured, so a few blocks will do.
const METHOD: SweepMethod = SweepMethod {
    limits: Limits { least: 8, most: 16, precision: 0.02 },
    effort: Effort { turn_ns: 300_000.0, rounds: 3 },
    budget: Some(Duration::from_secs(60)),
};

/// The tripwires that bind here, after judging.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct BindingTripwires {
    /// The tripwires that were measured.
    pub tripwires: Vec<Tripwire>,
    /// The tripwires that were not measured.
    pub unmeasured: Vec<Missing>,
}

impl BindingTripwires {
    /// Adds them to what the gate found.
    pub fn add_to(self, outcome: &mut GateOutcome) {
        outcome.add_unmeasured(self.unmeasured);
        outcome.add_tripwires(self.tripwires);
    }
}

/// Reports all tripwires that bind here as missing, since nothing can be measured for this reason.
///
/// # Errors
/// A file cannot be read.
pub fn unjudged(root: &Path, why: &str) -> Result<BindingTripwires, Failure> {
    let tripwires = Tripwires::read(&root.join("baselines/tripwires.toml"))?;
    let binding = tripwires.binding(&own::host(root)).len();
    let one = || Missing::new(TRIPWIRES, format!("{binding} tripwires bind here and were not measured: {why}"));
    Ok(BindingTripwires { tripwires: Vec::new(), unmeasured: if binding > 0 { vec![one()] } else { Vec::new() } })
}

/// Measures the cells of all tripwires that bind here, and judges them. A debug build measures nothing, since nothing
/// binds there.
///
/// # Errors
/// A file cannot be read; a variant decides wrongly (exit 1); a process fails.
pub fn judge(
    root: &Path,
    interrupted: &dyn Fn() -> bool,
    progress: &mut dyn FnMut(f64),
) -> Result<BindingTripwires, Failure> {
    let tripwires = Tripwires::read(&root.join("baselines/tripwires.toml"))?;
    let host = own::host(root);
    if host.build != "release" {
        return Ok(BindingTripwires::default());
    }
    if let Some(objection) = own::objection(root) {
        return unjudged(root, &objection);
    }
    let panel = panel(&tripwires, &host);
    let cells = cells(std::slice::from_ref(&panel));
    check_all(&cells, interrupted, &mut || {})?;
    let header = Header::new("tripwires", host, vec![panel]);
    let mut run = Run::new(header, root.to_path_buf());
    let ended = measure(&mut run, METHOD, interrupted, &mut |step| progress(step.spent))?;
    if ended == SweepEnd::Interrupted {
        return Err(Failure::interrupted());
    }
    let judged = tripwires.judge(&run.header.host, &rows(&run));
    let unmeasured = tripwire::unmeasured(&judged);
    let measured =
        judged.into_iter().filter(|judged| matches!(judged.state, TripwireState::Holds | TripwireState::Broken));
    let tripwires = measured.map(|judged| Tripwire {
        name: judged.name,
        limit: judged.limit,
        measured: judged.measured,
        broken: judged.state == TripwireState::Broken,
    });
    Ok(BindingTripwires { tripwires: tripwires.collect(), unmeasured })
}

/// The panel with a group for each kind of token and batch, and the variants that tripwires name.
fn panel(tripwires: &Tripwires, host: &Host) -> Panel {
    let ratios = tripwires.ratio.iter().filter(|ratio| ratio.binds(host)).map(|ratio| &ratio.cell);
    let absolute = tripwires.absolute.iter().filter(|absolute| absolute.binds(host)).map(|absolute| &absolute.cell);
    let mut groups: Vec<ComparisonGroup> = Vec::new();
    for CellName { variant, fixture, batch } in ratios.chain(absolute) {
        let point = Point { corpus: fixture.clone(), batch: *batch, knobs: Knobs::defaults(1) };
        let arm = |kind, variant: &str| SweepArm { kind, variant: variant.to_owned(), point: point.clone() };
        let known = groups.iter().position(|group| group.arms.first().is_some_and(|arm| arm.point == point));
        let own = arm(ArmKind::Variant, variant);
        match known.and_then(|index| groups.get_mut(index)) {
            Some(group) if group.arms.contains(&own) => {}
            Some(group) => group.arms.push(own),
            None => {
                let plain = arm(ArmKind::Variant, REFERENCE);
                let mut arms = vec![plain.clone(), arm(ArmKind::Control, REFERENCE), arm(ArmKind::Floor, "floor")];
                arms.extend((own != plain).then_some(own));
                groups.push(ComparisonGroup { arms });
            }
        }
    }
    Panel { section: "tripwires".to_owned(), groups }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::test_data::host;

    #[test]
    fn every_cell_of_a_ratio_tripwire_is_measured_once() {
        let path = Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/../../baselines/tripwires.toml"));
        let tripwires = Tripwires::read(path).unwrap();
        let panel = panel(&tripwires, &host());
        for CellName { variant, fixture, batch } in tripwires.ratio.iter().map(|ratio| &ratio.cell) {
            let holds = |arm: &&SweepArm| {
                (&arm.variant, &arm.point.corpus, &arm.point.batch) == (variant, fixture, batch)
                    && arm.kind == ArmKind::Variant
            };
            let arms = panel.groups.iter().flat_map(|group| &group.arms);
            assert_eq!(arms.filter(holds).count(), 1, "{variant} {fixture} {batch}");
        }
    }

    #[test]
    fn a_debug_build_measures_nothing() {
        if cfg!(debug_assertions) {
            let root = Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/../.."));
            assert_eq!(judge(root, &|| false, &mut |_| {}).unwrap(), BindingTripwires::default());
        }
    }
}
