//! The file of the trials through the source, and how trials are found in it.

use serde::{Deserialize, Serialize};

use super::patch::Patch;
use super::trial::SourceTrial;
use super::way::Way;
use crate::selftest::journal::{Journal, Setup};

/// What the trials through the source in a file have in common.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SourceSetup {
    /// Name and version of the format: [`Setup::FORMAT`].
    pub format: String,
    /// Git's hash of the tree that patches were made to.
    pub tree: String,
}

impl Setup for SourceSetup {
    const FORMAT: &'static str = "perf-lab selftest of the source v1";
    const OTHERS: &'static str = "trials of another tree";
    type Trial = SourceTrial;
}

impl SourceSetup {
    /// The setup of trials on this tree.
    #[must_use]
    pub fn of(tree: &str) -> Self {
        Self { format: Self::FORMAT.to_owned(), tree: tree.to_owned() }
    }
}

/// A file of trials through the source.
pub type SourceJournal = Journal<SourceSetup>;

/// Finds the last trial of this patch, with its present text, in this way; if a host is named, on that host.
#[must_use]
pub fn last<'t>(trials: &'t [SourceTrial], patch: &Patch, way: Way, host: Option<&str>) -> Option<&'t SourceTrial> {
    trials.iter().rev().find(|trial| {
        (trial.patch.as_str(), trial.digest.as_str(), trial.way) == (&patch.name, &patch.digest, way)
            && host.is_none_or(|host| host == trial.host)
    })
}

/// Finds the last trial of this patch, with its present text and in any way, on this host, whose programs were timed
/// and judged.
#[must_use]
pub fn timed<'t>(trials: &'t [SourceTrial], patch: &Patch, host: &str) -> Option<&'t SourceTrial> {
    let is_of = |trial: &&SourceTrial| trial.patch == patch.name && trial.digest == patch.digest && trial.host == host;
    trials.iter().rev().filter(is_of).find(|trial| trial.is_decided() && trial.timed_as.is_none())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::selftest::journal::read;
    use crate::selftest::source::patch::Expectation;
    use crate::selftest::source::trial::tests::patch;
    use crate::selftest::source::trial::{TrialBenchmark, TrialOutcome};

    fn trial(name: &str, way: Way) -> SourceTrial {
        SourceTrial::not_here(&patch(Expectation::MustCatch, name), way, "here", "avx512")
    }

    #[test]
    fn a_journal_goes_on_where_it_was_cut_off() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("deeper/trials.jsonl");
        let mut journal = SourceJournal::open(&path, &SourceSetup::of("a")).unwrap();
        journal.keep(trial("one", Way::Developer)).unwrap();
        drop(journal);
        // Ctrl-C, or a full disk, in the middle of a line.
        let mut text = std::fs::read_to_string(&path).unwrap();
        text.push_str("{\"patch\":\"tw");
        std::fs::write(&path, &text).unwrap();

        let mut journal = SourceJournal::open(&path, &SourceSetup::of("a")).unwrap();
        assert_eq!(journal.trials, [trial("one", Way::Developer)]);
        journal.keep(trial("two", Way::Dirty)).unwrap();
        let trials = SourceJournal::open(&path, &SourceSetup::of("a")).unwrap().trials;
        assert_eq!(trials.len(), 2);

        let [one, two] = ["one", "two"].map(|name| patch(Expectation::MustCatch, name));
        assert!(last(&trials, &one, Way::Developer, Some("here")).is_some());
        assert!(last(&trials, &one, Way::Developer, Some("there")).is_none(), "another host is another machine");
        assert!(last(&trials, &one, Way::Dirty, None).is_none());
        let changed = Patch { digest: "another text".to_owned(), ..two.clone() };
        assert!(last(&trials, &two, Way::Dirty, None).is_some() && last(&trials, &changed, Way::Dirty, None).is_none());
    }

    #[test]
    fn only_what_was_timed_and_judged_stands_for_other_ways() {
        let one = patch(Expectation::MustCatch, "one");
        let benchmarks = vec![TrialBenchmark {
            benchmark: "verify_single".to_owned(),
            verdict: "regression".to_owned(),
            time: None,
            wall: None,
            instructions: None,
        }];
        let judged = SourceTrial { benchmarks, found: TrialOutcome::Caught, ..trial("one", Way::Dirty) };
        let copied = SourceTrial { timed_as: Some(Way::Dirty), ..judged.clone() };
        let undecided = SourceTrial { found: TrialOutcome::CouldNotMeasure, ..judged.clone() };
        let untimed = SourceTrial { benchmarks: Vec::new(), ..judged.clone() };
        let elsewhere = SourceTrial { host: "there".to_owned(), ..judged.clone() };
        let other_text = SourceTrial { digest: "another text".to_owned(), ..judged.clone() };
        assert_eq!(timed(&[judged.clone(), copied.clone()], &one, "here"), Some(&judged));
        assert_eq!(timed(&[copied, undecided, untimed, elsewhere, other_text], &one, "here"), None);
    }

    #[test]
    fn the_files_of_shards_one_after_another_are_one_file() {
        let dir = tempfile::tempdir().unwrap();
        let part = |name: &str| {
            let path = dir.path().join(name);
            SourceJournal::open(&path, &SourceSetup::of("a")).unwrap().keep(trial(name, Way::Dirty)).unwrap();
            std::fs::read_to_string(path).unwrap()
        };
        let path = dir.path().join("whole.jsonl");
        std::fs::write(&path, part("one") + &part("two")).unwrap();
        assert_eq!(read::<SourceSetup>(&path).unwrap(), [trial("one", Way::Dirty), trial("two", Way::Dirty)]);
    }

    #[test]
    fn trials_of_another_tree_are_not_mixed_in() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("trials.jsonl");
        drop(SourceJournal::open(&path, &SourceSetup::of("a")).unwrap());
        let error = SourceJournal::open(&path, &SourceSetup::of("b")).err().unwrap().to_string();
        assert!(error.contains("trials.jsonl:1: holds trials of another tree"), "{error}");
        std::fs::write(&path, "nonsense\n").unwrap();
        let error = read::<SourceSetup>(&path).unwrap_err().to_string();
        assert!(error.contains("trials.jsonl:1: ") && error.ends_with(SourceSetup::FORMAT), "{error}");
    }
}
