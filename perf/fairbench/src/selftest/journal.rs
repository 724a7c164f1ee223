//! The file that keeps trials: a line of JSON for what they are about, then one for each trial, written as it ends.
//! What was done is done, whatever happens next.

use std::fs::{File, OpenOptions};
use std::io::{Read, Write};
use std::path::{Path, PathBuf};

use anyhow::{Context, anyhow, ensure};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use super::trials::{Trial, TrialKind};
use crate::settings::GateConfig;

/// The first line of a file of trials, which says what they have in common. The files of several shards, one after
/// another, are one file, so the line may come again.
pub trait Setup: Serialize + DeserializeOwned + PartialEq {
    /// Name and version of the format of the file.
    const FORMAT: &'static str;
    /// What a file of another setup holds, for messages: `trials of …`.
    const OTHERS: &'static str;
    /// A trial as it is kept.
    type Trial: Serialize + DeserializeOwned;
}

/// A file of trials.
pub struct Journal<S: Setup> {
    path: PathBuf,
    file: File,
    /// The trials that the file holds.
    pub trials: Vec<S::Trial>,
}

impl<S: Setup> Journal<S> {
    /// Opens the file to go on with it, or begins it. A last line that was cut off is removed.
    ///
    /// # Errors
    /// A file that cannot be read or written, or that holds trials of another setup.
    pub fn open(path: &Path, setup: &S) -> anyhow::Result<Self> {
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

    /// Keeps a trial, which is on disk when this returns.
    ///
    /// # Errors
    /// The disk is full, or the file cannot be written for another reason.
    pub fn keep(&mut self, trial: S::Trial) -> anyhow::Result<()> {
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

/// Reads the trials of a file, whatever setup they have in common.
///
/// # Errors
/// A file that cannot be read, or that holds something else.
pub fn read<S: Setup>(path: &Path) -> anyhow::Result<Vec<S::Trial>> {
    let text = std::fs::read(path).with_context(|| format!("could not read {}", path.display()))?;
    Ok(parse::<S>(path, &text, None)?.1)
}

/// Length of all whole lines in bytes, and the trials in them.
fn parse<S: Setup>(path: &Path, text: &[u8], expected: Option<&S>) -> anyhow::Result<(usize, Vec<S::Trial>)> {
    let (mut bytes, mut trials, mut first) = (0, Vec::new(), None);
    for (index, line) in text.split_inclusive(|byte| *byte == b'\n').enumerate() {
        if line.last() != Some(&b'\n') {
            break;
        }
        let at = format!("{}:{}", path.display(), index + 1);
        let unreadable = |error: serde_json::Error| anyhow!("{at}: {error}; expected {}", S::FORMAT);
        match (serde_json::from_slice::<S>(line), &first) {
            (Ok(theirs), None) => {
                let is_expected = expected.is_none_or(|expected| theirs == *expected);
                ensure!(is_expected, "{at}: holds {}; move it away or name another file with --out", S::OTHERS);
                first = Some(theirs);
            }
            (Ok(theirs), Some(first)) => {
                ensure!(theirs == *first, "{at}: holds {}, unlike its first line", S::OTHERS);
            }
            (Err(error), None) => return Err(unreadable(error)),
            (Err(_), Some(_)) => trials.push(serde_json::from_slice(line).map_err(unreadable)?),
        }
        bytes += line.len();
    }
    Ok((bytes, trials))
}

/// What the trials with injected work in a file have in common.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct TrialSetup {
    /// Name and version of the format: [`Setup::FORMAT`].
    pub format: String,
    /// Fingerprint of the host.
    pub host: String,
    /// Hash of the probe.
    pub probe: String,
    /// The settings of the gate.
    pub settings: GateConfig,
}

impl Setup for TrialSetup {
    const FORMAT: &'static str = "perf-lab selftest v1";
    const OTHERS: &'static str = "trials of another probe, host or settings";
    type Trial = Trial;
}

/// A file of trials with injected work.
pub type TrialJournal = Journal<TrialSetup>;

impl TrialJournal {
    /// Number of trials of this kind, nuisances taken together.
    #[must_use]
    pub fn count(&self, kind: TrialKind) -> usize {
        self.trials.iter().filter(|trial| trial.kind.is_like(kind)).count()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn setup(probe: &str) -> TrialSetup {
        let settings = GateConfig::default();
        TrialSetup { format: TrialSetup::FORMAT.into(), host: "here".into(), probe: probe.into(), settings }
    }

    fn trial(kind: TrialKind) -> Trial {
        Trial { kind, seed: 1, seconds: 7.5, benchmarks: Vec::new() }
    }

    #[test]
    fn a_journal_goes_on_where_it_was_cut_off() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("deeper/trials.jsonl");
        let mut journal = TrialJournal::open(&path, &setup("a")).unwrap();
        journal.keep(trial(TrialKind::ROUND[0])).unwrap();
        journal.keep(trial(TrialKind::ROUND[4])).unwrap();
        drop(journal);
        // Ctrl-C, or a full disk, in the middle of a line.
        let mut text = std::fs::read_to_string(&path).unwrap();
        text.push_str("{\"kind\":{\"equal\"");
        std::fs::write(&path, text).unwrap();

        let mut journal = TrialJournal::open(&path, &setup("a")).unwrap();
        assert_eq!(journal.trials, [trial(TrialKind::ROUND[0]), trial(TrialKind::ROUND[4])]);
        journal.keep(trial(TrialKind::Criterion)).unwrap();
        let journal = TrialJournal::open(&path, &setup("a")).unwrap();
        assert_eq!(journal.count(TrialKind::ROUND[3]), 1);
        assert_eq!(journal.count(TrialKind::Criterion), 1);
    }

    #[test]
    fn trials_of_another_setup_are_not_mixed_in() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("trials.jsonl");
        drop(TrialJournal::open(&path, &setup("a")).unwrap());
        let error = TrialJournal::open(&path, &setup("b")).err().unwrap().to_string();
        assert!(error.contains("trials.jsonl:1: holds trials of another"), "{error}");
        std::fs::write(&path, "nonsense\n").unwrap();
        let error = TrialJournal::open(&path, &setup("a")).err().unwrap().to_string();
        assert!(error.contains("trials.jsonl:1: ") && error.ends_with(TrialSetup::FORMAT), "{error}");
    }
}
