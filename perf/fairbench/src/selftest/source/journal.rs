//! The file that keeps trials: a line of JSON for what they are about, then one for each trial, written as it ends.
//! What was done is done, whatever happens next.

use std::fs::{File, OpenOptions};
use std::io::{Read, Write};
use std::path::{Path, PathBuf};

use anyhow::{Context, anyhow, ensure};
use serde::{Deserialize, Serialize};

use super::patch::Patch;
use super::trial::SourceTrial;
use super::way::Way;

/// Name and version of the format of a file of trials.
pub const FORMAT: &str = "perf-lab selftest of the source v1";

/// The first line of a file of trials: what they have in common. The files of several shards, one after another, are
/// one file: the line may come again.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SourceSetup {
    /// [`FORMAT`].
    pub format: String,
    /// Git's hash of the tree that patches were made to.
    pub tree: String,
}

impl SourceSetup {
    /// Of this tree.
    #[must_use]
    pub fn of(tree: &str) -> Self {
        Self { format: FORMAT.to_owned(), tree: tree.to_owned() }
    }
}

/// A file of trials.
pub struct SourceJournal {
    path: PathBuf,
    file: File,
    /// What it holds.
    pub trials: Vec<SourceTrial>,
}

impl SourceJournal {
    /// Opens the file to go on with it, or begins it. A last line that was cut off is taken away.
    ///
    /// # Errors
    /// A file that cannot be read or written, or that holds trials of another tree.
    pub fn open(path: &Path, setup: &SourceSetup) -> anyhow::Result<Self> {
        let failed = || format!("could not open {}", path.display());
        if let Some(directory) = path.parent() {
            std::fs::create_dir_all(directory).with_context(failed)?;
        }
        let mut file = OpenOptions::new().read(true).append(true).create(true).open(path).with_context(failed)?;
        let mut text = Vec::new();
        file.read_to_end(&mut text).with_context(failed)?;
        let (whole_bytes, trials) = parse(path, &text, Some(setup))?;
        file.set_len(whole_bytes as u64).with_context(failed)?;
        let mut journal = Self { path: path.to_owned(), file, trials };
        if whole_bytes == 0 {
            journal.write(setup)?;
        }
        Ok(journal)
    }

    /// Keeps a trial, on disk when this returns.
    ///
    /// # Errors
    /// The disk is full, or the file cannot be written for another reason.
    pub fn keep(&mut self, trial: SourceTrial) -> anyhow::Result<()> {
        self.write(&trial)?;
        self.trials.push(trial);
        Ok(())
    }

    fn write(&mut self, value: &impl Serialize) -> anyhow::Result<()> {
        let mut line = serde_json::to_vec(value)?;
        line.push(b'\n');
        let written = self.file.write_all(&line).and_then(|()| self.file.sync_data());
        written.with_context(|| format!("could not write {}", self.path.display()))
    }
}

/// The trials of a file, whatever tree they are of.
///
/// # Errors
/// A file that cannot be read, or that holds something else.
pub fn read(path: &Path) -> anyhow::Result<Vec<SourceTrial>> {
    let text = std::fs::read(path).with_context(|| format!("could not read {}", path.display()))?;
    Ok(parse(path, &text, None)?.1)
}

/// The last trial of this patch, as its text is now, in this way; on this host, if one is named.
#[must_use]
pub fn last<'t>(trials: &'t [SourceTrial], patch: &Patch, way: Way, host: Option<&str>) -> Option<&'t SourceTrial> {
    trials.iter().rev().find(|trial| {
        (trial.patch.as_str(), trial.digest.as_str(), trial.way) == (&patch.name, &patch.digest, way)
            && host.is_none_or(|host| host == trial.host)
    })
}

/// The last trial of this patch, as its text is now, in whatever way, on this host, whose programs were timed and judged.
#[must_use]
pub fn timed<'t>(trials: &'t [SourceTrial], patch: &Patch, host: &str) -> Option<&'t SourceTrial> {
    let is_of = |trial: &&SourceTrial| trial.patch == patch.name && trial.digest == patch.digest && trial.host == host;
    trials.iter().rev().filter(is_of).find(|trial| trial.is_decided() && trial.timed_as.is_none())
}

/// The length of all whole lines, and the trials in them.
fn parse(path: &Path, text: &[u8], setup: Option<&SourceSetup>) -> anyhow::Result<(usize, Vec<SourceTrial>)> {
    let (mut bytes, mut trials, mut first) = (0, Vec::new(), None);
    for (index, line) in text.split_inclusive(|byte| *byte == b'\n').enumerate() {
        if line.last() != Some(&b'\n') {
            break;
        }
        let at = format!("{}:{}", path.display(), index + 1);
        match (serde_json::from_slice::<SourceSetup>(line), &first) {
            (Ok(theirs), None) => {
                let expected = setup.cloned().unwrap_or_else(|| SourceSetup::of(&theirs.tree));
                ensure!(theirs == expected, "{at}: holds trials of another tree; move it away or name another file");
                first = Some(theirs);
            }
            (Ok(theirs), Some(first)) => {
                ensure!(theirs == *first, "{at}: holds trials of another tree than its first line");
            }
            (Err(error), None) => return Err(anyhow!("{at}: {error}; expected {FORMAT}")),
            (Err(_), Some(_)) => {
                let trial =
                    serde_json::from_slice(line).map_err(|error| anyhow!("{at}: {error}; expected {FORMAT}"))?;
                trials.push(trial);
            }
        }
        bytes += line.len();
    }
    Ok((bytes, trials))
}

#[cfg(test)]
mod tests {
    use super::*;
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
        assert_eq!(read(&path).unwrap(), [trial("one", Way::Dirty), trial("two", Way::Dirty)]);
    }

    #[test]
    fn trials_of_another_tree_are_not_mixed_in() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("trials.jsonl");
        drop(SourceJournal::open(&path, &SourceSetup::of("a")).unwrap());
        let error = SourceJournal::open(&path, &SourceSetup::of("b")).err().unwrap().to_string();
        assert!(error.contains("trials.jsonl:1: holds trials of another tree"), "{error}");
        std::fs::write(&path, "nonsense\n").unwrap();
        let error = read(&path).unwrap_err().to_string();
        assert!(error.contains("trials.jsonl:1: ") && error.ends_with(FORMAT), "{error}");
    }
}
