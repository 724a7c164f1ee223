//! Comparing every cell with the reference before anything is timed.

use std::collections::HashMap;

use ron_auth_fixtures::Corpus;
use std::sync::Arc;

use fairbench::exit::Failure;
use perf_probe::check::{Difference, Results, first_difference};

use crate::catalogue::workload::{Workload, first_difference_of, tokens_per_pass};
use crate::catalogue::{Knobs, REFERENCE};
use crate::corpus::Source;
use crate::own::pool::on_one_core;
use crate::run::{Panel, Point};

/// The cells of these panels: variants, each on a point, that are checked, counted and timed.
#[must_use]
pub fn cells(panels: &[Panel]) -> Vec<(String, Point)> {
    let mut cells = Vec::new();
    let arms = panels.iter().flat_map(|panel| panel.groups.iter().flat_map(|group| &group.arms));
    for arm in arms.filter(|arm| arm.kind.verifies()) {
        cells.push((arm.variant.clone(), arm.point.clone()));
    }
    let mut seen = std::collections::HashSet::new();
    cells.retain(|cell| seen.insert(cell.clone()));
    cells
}

/// Checks all cells: the reference must give what each token was made to come to, and every cell exactly what the
/// reference gives (`classic` on good tokens only). Returns how many cells were checked, without those of the
/// reference.
///
/// # Errors
/// The first difference: which cell, which token, what was expected and what came. An unknown name. Ctrl-C.
pub fn check_all(
    cells: &[(String, Point)],
    interrupted: &dyn Fn() -> bool,
    progress: &mut dyn FnMut(),
) -> Result<usize, Failure> {
    let mut expected: HashMap<(String, usize), (Arc<Corpus>, Results)> = HashMap::new();
    for (name, point) in cells {
        if interrupted() {
            return Err(Failure::interrupted());
        }
        let variant = ron_auth_catalogue::find(name).map_err(Failure::usage)?;
        let (corpus, expected) = match expected.entry((point.corpus.clone(), point.batch)) {
            std::collections::hash_map::Entry::Occupied(known) => known.into_mut(),
            std::collections::hash_map::Entry::Vacant(unknown) => unknown.insert(reference_on(point)?),
        };
        let workload = Workload::new(&variant, corpus.clone(), point.batch, point.knobs);
        let results = if point.knobs.threads == 1 { on_one_core(|| workload.results())?.1 } else { workload.results() };
        hold(first_difference_of(&variant, expected, &results), &format!("{name} on {point}"))?;
        progress();
    }
    Ok(cells.iter().filter(|(name, _)| name != REFERENCE).count())
}

fn reference_on(point: &Point) -> Result<(Arc<Corpus>, Results), Failure> {
    let source: Source = point.corpus.parse().map_err(Failure::usage)?;
    let reference = ron_auth_catalogue::find(REFERENCE).map_err(Failure::usage)?;
    let corpus = Arc::new(source.corpus(tokens_per_pass(point.batch)));
    let what = format!("{REFERENCE} on {point}");
    let one_by_one = Workload::new(&reference, corpus.clone(), 1, Knobs::sequential()).results();
    hold(first_difference(&corpus.intended, &one_by_one), &what)?;
    let batched = Workload::new(&reference, corpus.clone(), point.batch, Knobs::sequential()).results();
    hold(first_difference(&one_by_one, &batched), &what)?;
    Ok((corpus, one_by_one))
}

fn hold(difference: Option<Difference>, what: &str) -> Result<(), Failure> {
    match difference {
        None => Ok(()),
        Some(difference) => Err(Failure::difference(format!(
            "{what}: token {} of the corpus: expected {}, got {}; nothing was timed",
            difference.token, difference.expected, difference.got
        ))),
    }
}
