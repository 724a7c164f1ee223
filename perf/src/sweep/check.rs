//! Holds every cell against the reference before anything is timed.

use std::collections::HashMap;
use std::sync::Arc;

use ron_auth_fixtures::{Corpus, Fixture};
use ron_auth_variants::Variant;

use crate::cell::{Group, Knobs};
use crate::check::first_difference;
use crate::exit::Failure;
use crate::measure::pin::on_one_core;
use crate::workload::{Results, Workload, corpus_for};

/// The corpora of a sweep, each made once.
#[derive(Default)]
pub struct Corpora {
    by_size: HashMap<(Fixture, usize), Arc<Corpus>>,
}

impl Corpora {
    /// The corpus for this fixture and batch.
    pub fn of(&mut self, fixture: Fixture, batch: usize) -> Arc<Corpus> {
        self.by_size.entry((fixture, batch)).or_insert_with(|| corpus_for(fixture, batch)).clone()
    }
}

/// Checks the cells of all groups: the reference, token by token, must give what each token was made to come to, and
/// every cell exactly what the reference gives. Returns how many cells were checked.
///
/// # Errors
/// The first difference: which cell, which token, what was expected and what came.
pub fn check_all(
    groups: &[Group],
    reference: &Variant,
    corpora: &mut Corpora,
    progress: &mut dyn FnMut(),
) -> Result<usize, Failure> {
    let mut expected: HashMap<(Fixture, usize), Results> = HashMap::new();
    let mut checked = 0;
    for group in groups {
        let corpus = corpora.of(group.fixture, group.batch);
        let what = format!("{} on {}, batch {}", reference.name, group.fixture, group.batch);
        let expected = match expected.entry((group.fixture, group.batch)) {
            std::collections::hash_map::Entry::Occupied(known) => known.into_mut(),
            std::collections::hash_map::Entry::Vacant(unknown) => {
                let one_by_one = Workload::new(reference, corpus.clone(), 1, Knobs::sequential()).results();
                hold(&corpus.intended, &one_by_one, &what)?;
                let batched = Workload::new(reference, corpus.clone(), group.batch, Knobs::sequential()).results();
                hold(&one_by_one, &batched, &what)?;
                unknown.insert(one_by_one)
            }
        };
        for cell in &group.cells {
            let workload = Workload::new(&cell.variant, corpus.clone(), cell.batch, cell.knobs);
            let results =
                if group.is_single_threaded() { on_one_core(|| workload.results())?.1 } else { workload.results() };
            hold(expected, &results, &cell.to_string())?;
            checked += 1;
            progress();
        }
    }
    Ok(checked)
}

fn hold(expected: &Results, got: &Results, what: &str) -> Result<(), Failure> {
    match first_difference(expected, got) {
        None => Ok(()),
        Some(difference) => Err(Failure::difference(format!(
            "{what}: token {} of the corpus: expected {}, got {}; nothing was timed",
            difference.token, difference.expected, difference.got
        ))),
    }
}
