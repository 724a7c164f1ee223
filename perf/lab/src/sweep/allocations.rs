//! Allocations per token, counted by [the program beside this one](crate::own::twin) whose allocator counts.
//!
//! It serves the same points as the lab's own probe, and answers `count`: see `perf/PROTOCOL.md`.

use std::path::Path;

use fairbench::compare::layout::Layout;
use fairbench::compare::runner::MeasureError;
use fairbench::probe::count::steady_allocations;
use fairbench::probe::{Client, ProbeCommand};

use super::points::{case, file_of};
use crate::own::twin;
use crate::run::Point;
use crate::run::record::Allocations;

/// A cell: a variant on a point.
pub type CountRequest = (String, Point);

/// Iterations of a counted run: what the same pass allocates is the same every time.
const ITERATIONS: u64 = 1;

/// Has every cell counted, until it is late. `progress` is told after each. A process counts what one variant does with
/// one corpus; those of the first cells come first.
///
/// # Errors
/// No counting program beside this one and none could be built; a process that failed, or decided wrongly.
pub fn count_all(
    cells: &[CountRequest],
    root: &Path,
    late: &dyn Fn() -> bool,
    progress: &mut dyn FnMut(),
) -> anyhow::Result<Vec<(CountRequest, Allocations)>> {
    let program = twin::program(root, twin::ALLOCATIONS)?;
    let mut counted = Vec::new();
    for (variant, points) in by_process(cells) {
        let threads = points.first().map_or(1, |point| point.knobs.threads);
        let file = file_of(&points)?;
        let mut command = ProbeCommand::new(variant, &program).args(["--variant", variant, "--points"]);
        command = command.args([file.path()]);
        command.env.push(("RAYON_NUM_THREADS".to_owned(), threads.to_string()));
        let mut client = match Client::start(&command, Layout::default(), threads == 1) {
            Err(MeasureError::Interrupted) => break,
            started => started?,
        };
        for point in points {
            if late() {
                return Ok(counted);
            }
            let (allocations_per_token, allocated_bytes_per_token) =
                match steady_allocations(&mut client, &case(point), ITERATIONS) {
                    Err(MeasureError::Interrupted) => return Ok(counted),
                    found => found?,
                };
            let allocations = Allocations { allocations_per_token, allocated_bytes_per_token };
            counted.push(((variant.to_owned(), point.clone()), allocations));
            progress();
        }
    }
    Ok(counted)
}

/// The points of each variant on each corpus and number of threads, in the order of the first cell of each.
fn by_process(cells: &[CountRequest]) -> Vec<(&str, Vec<&Point>)> {
    let mut processes: Vec<(&str, Vec<&Point>)> = Vec::new();
    for (variant, point) in cells {
        let is_of = |(name, points): &&mut (&str, Vec<&Point>)| {
            let of = |point: &Point| (point.corpus.clone(), point.knobs.threads);
            *name == variant && points.first().is_some_and(|first| of(first) == of(point))
        };
        match processes.iter_mut().find(is_of) {
            Some((_, points)) => points.push(point),
            None => processes.push((variant, vec![point])),
        }
    }
    processes
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::catalogue::Knobs;

    #[test]
    fn a_process_counts_one_variant_on_one_corpus_and_the_first_cells_come_first() {
        let cell = |variant: &str, corpus: &str, batch, threads| {
            (variant.to_owned(), Point { corpus: corpus.to_owned(), batch, knobs: Knobs::defaults(threads) })
        };
        let cells = [
            cell("plain", "light", 1, 1),
            cell("prod", "light", 1, 1),
            cell("plain", "light", 64, 1),
            cell("plain", "heavy", 1, 1),
            cell("plain", "light", 64, 2),
        ];
        let processes: Vec<(&str, usize)> =
            by_process(&cells).into_iter().map(|(variant, points)| (variant, points.len())).collect();
        assert_eq!(processes, [("plain", 2), ("prod", 1), ("plain", 1), ("plain", 1)]);
    }
}
