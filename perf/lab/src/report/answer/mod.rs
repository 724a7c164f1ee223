//! The answer of a run: what to run on its host, how sure that is, and what to be careful about. Terminal, summary and
//! page all show it, each in its own way.
//!
//! | file | holds |
//! |---|---|
//! | `pick` | what was picked for a workload, and who it was picked from |
//! | `line` | the one line |
//! | `careful` | why to be careful, each thing once |
//! | `text` | the answer in a terminal: the line, a table, the cautions |

mod careful;
mod line;
mod pick;
mod text;

pub use self::careful::Checked;
pub use self::pick::{Contender, Pick, Reference, references};
use super::data::Data;
use crate::recommend::{Advice, NoAdvice};
use crate::run::{Point, Run};
use crate::sweep::stored::CellChange;
use crate::tripwire::JudgedTripwire;

/// The answer of a run.
#[derive(Clone, Debug)]
pub struct Answer {
    /// One line, of 120 columns at most: what to run on this host, and how sure that is.
    pub line: String,
    /// The pick for each workload.
    pub picks: Vec<Pick>,
    /// Reasons to be careful, one sentence each.
    pub careful: Vec<String>,
    /// What was checked and held, in one line.
    pub checked: String,
}

impl Answer {
    /// Draws the answer from a run and its advice: a pick for each workload that there is advice for. If there is none,
    /// the fastest of the named variants at each point is picked.
    pub(super) fn of(
        run: &Run,
        data: &Data<'_>,
        advices: &[Result<Advice, NoAdvice>],
        tripwires: &[JudgedTripwire],
        baseline: &Result<Vec<CellChange>, String>,
    ) -> Self {
        let mut picks: Vec<Pick> = advices.iter().flatten().map(|advice| Pick::of_advice(advice, data)).collect();
        let is_of_compositions = !picks.is_empty();
        if !is_of_compositions {
            picks = pick::of_named(data);
        }
        let checked = Checked::of(run, tripwires, baseline);
        Self {
            line: line::line(run, &picks, is_of_compositions),
            careful: careful::all(run, &picks, advices, &checked),
            checked: checked.sentence(),
            picks,
        }
    }
}

/// Workloads in few words, such as `batch 1 (light, heavy); batch 256 on 2 threads (mixed)`.
pub(super) fn workloads<'a>(points: impl IntoIterator<Item = &'a Point>) -> String {
    let mut groups: Vec<(String, Vec<&str>)> = Vec::new();
    for point in points {
        let head = match point.knobs.threads {
            1 => format!("batch {}", point.batch),
            threads => format!("batch {} on {threads} threads", point.batch),
        };
        match groups.iter_mut().find(|(known, _)| *known == head) {
            Some((_, corpora)) if corpora.contains(&point.corpus.as_str()) => {}
            Some((_, corpora)) => corpora.push(&point.corpus),
            None => groups.push((head, vec![&point.corpus])),
        }
    }
    // Batches of the same corpora share these.
    let mut merged: Vec<(Vec<String>, Vec<&str>)> = Vec::new();
    for (head, corpora) in groups {
        match merged.iter_mut().find(|(_, known)| *known == corpora) {
            Some((heads, _)) => heads.push(head),
            None => merged.push((vec![head], corpora)),
        }
    }
    let part = |(heads, corpora): &(Vec<String>, Vec<&str>)| format!("{} ({})", heads.join(", "), corpora.join(", "));
    merged.iter().map(part).collect::<Vec<_>>().join("; ")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::run::simulated::point;

    #[test]
    fn workloads_are_named_in_few_words() {
        let points = [point("light", 1, 1), point("heavy", 1, 1), point("heavy", 256, 2), point("light", 1, 1)];
        assert_eq!(workloads(&points), "batch 1 (light, heavy); batch 256 on 2 threads (heavy)");
        let points = [point("light", 1, 1), point("heavy", 1, 1), point("light", 64, 1), point("heavy", 64, 1)];
        assert_eq!(workloads(&points), "batch 1, batch 64 (light, heavy)");
    }
}
