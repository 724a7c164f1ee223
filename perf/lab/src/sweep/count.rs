//! Counting allocations and instructions, which needs no clock. What cannot be counted is noted and left empty: times
//! are worth having without counts.

use std::path::Path;

use fairbench::probe::callgrind;
use ron_auth_catalogue::Variant;

use super::plan::SweepPlan;
use super::{allocations, instructions};
use crate::catalogue::{CLASSIC, Knobs, REFERENCE};
use crate::run::record::Count;
use crate::run::{Point, Record};

/// Counts the allocations of the cells in their order, until it is late.
pub fn allocations(
    cells: &[(String, Point)],
    root: &Path,
    late: &dyn Fn() -> bool,
    progress: &mut dyn FnMut(),
) -> Vec<Record> {
    match allocations::count_all(cells, root, late, progress) {
        Ok(counted) => {
            let count = |((variant, point), allocations)| {
                Record::Count(Count { variant, point, allocations: Some(allocations), instructions_per_token: None })
            };
            counted.into_iter().map(count).collect()
        }
        Err(error) => vec![Record::Note(format!("Allocations n/a: {error:#}."))],
    }
}

/// The cells whose instructions the plan wants counted: callgrind is slow.
#[must_use]
pub fn wanted_instructions(plan: &SweepPlan, cells: &[(String, Point)]) -> Vec<instructions::CountKey> {
    let Some((variants, batches)) = &plan.instructions else { return Vec::new() };
    let is_wanted = |name: &str, point: &Point| {
        point.knobs == Knobs::defaults(1)
            && batches.contains(&point.batch)
            && (name == REFERENCE || name == CLASSIC || variants.iter().any(|variant: &Variant| variant.name == name))
    };
    cells.iter().filter(|(name, point)| is_wanted(name, point)).cloned().collect()
}

/// Counts instructions with callgrind, if it is installed.
pub fn instructions(
    keys: &[instructions::CountKey],
    late: &(dyn Fn() -> bool + Sync),
    progress: &(dyn Fn() + Sync),
) -> Vec<Record> {
    let counted = callgrind::available().and_then(|()| instructions::count_all(keys, late, progress));
    match counted {
        Ok(counted) => {
            let count = |((variant, point), per_token): (instructions::CountKey, f64)| {
                Record::Count(Count { variant, point, allocations: None, instructions_per_token: Some(per_token) })
            };
            let note = format!(
                "Instructions were counted under valgrind, where the SIMD path is {}, on one thread.",
                counted.simd_path
            );
            counted.per_token.into_iter().map(count).chain([Record::Note(note)]).collect()
        }
        Err(error) => vec![Record::Note(format!("Instructions n/a: {error:#}."))],
    }
}
