//! The file that keeps trials: what was done is done, whatever happens next.

use std::fs::{File, OpenOptions};
use std::io::{BufRead, BufReader, Write};
use std::path::{Path, PathBuf};

use anyhow::{Context, anyhow, ensure};
use serde::{Deserialize, Serialize};

use super::trials::{Trial, TrialKind};
use crate::settings::GateConfig;

/// Name and version of the format of a file of trials.
pub const FORMAT: &str = "perf-lab selftest v1";

/// The first line of a file of trials: what they have in common.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct TrialSetup {
    /// [`FORMAT`].
    pub format: String,
    /// Fingerprint of the host.
    pub host: String,
    /// Hash of the probe.
    pub probe: String,
    /// What the gate was set to.
    pub settings: GateConfig,
}

/// A file of trials: a line of JSON for the setup, then one for each trial, written as it ends.
pub struct TrialJournal {
    path: PathBuf,
    file: File,
    /// What it holds.
    pub trials: Vec<Trial>,
}

impl TrialJournal {
    /// Opens the file to go on with it, or begins it. A last line that was cut off is taken away.
    ///
    /// # Errors
    /// A file that cannot be read or written, or that holds trials of another setup.
    pub fn open(path: &Path, setup: &TrialSetup) -> anyhow::Result<Self> {
        let failed = || format!("could not open {}", path.display());
        if let Some(directory) = path.parent() {
            std::fs::create_dir_all(directory).with_context(failed)?;
        }
        let mut file = OpenOptions::new().read(true).append(true).create(true).open(path).with_context(failed)?;
        let (whole_bytes, trials) = read(path, BufReader::new(&file), setup)?;
        file.set_len(whole_bytes).with_context(failed)?;
        if whole_bytes == 0 {
            write_line(&mut file, setup).with_context(failed)?;
        }
        Ok(Self { path: path.to_owned(), file, trials })
    }

    /// Keeps a trial, on disk when this returns.
    ///
    /// # Errors
    /// The disk is full, or the file cannot be written for another reason.
    pub fn keep(&mut self, trial: Trial) -> anyhow::Result<()> {
        write_line(&mut self.file, &trial).with_context(|| format!("could not write {}", self.path.display()))?;
        self.trials.push(trial);
        Ok(())
    }

    /// How many trials there are of this kind, nuisances taken together.
    #[must_use]
    pub fn count(&self, kind: TrialKind) -> usize {
        self.trials.iter().filter(|trial| trial.kind.is_like(kind)).count()
    }
}

fn write_line(file: &mut File, value: &impl Serialize) -> anyhow::Result<()> {
    let mut line = serde_json::to_vec(value)?;
    line.push(b'\n');
    file.write_all(&line)?;
    file.sync_data()?;
    Ok(())
}

/// The trials of a file, and the length of all its whole lines.
fn read(path: &Path, reader: impl BufRead, setup: &TrialSetup) -> anyhow::Result<(u64, Vec<Trial>)> {
    let mut reader = reader;
    let (mut bytes, mut trials) = (0, Vec::new());
    for number in 1.. {
        let mut line = Vec::new();
        let length =
            reader.read_until(b'\n', &mut line).with_context(|| format!("could not read {}", path.display()))?;
        if line.last() != Some(&b'\n') {
            break;
        }
        let place = |error: serde_json::Error| anyhow!("{}:{number}: {error}; expected {FORMAT}", path.display());
        if number == 1 {
            let theirs: TrialSetup = serde_json::from_slice(&line).map_err(place)?;
            ensure!(
                theirs == *setup,
                "{}: holds trials of another probe, host or settings; move it away or start anew with --fresh",
                path.display()
            );
        } else {
            trials.push(serde_json::from_slice(&line).map_err(place)?);
        }
        bytes += length as u64;
    }
    Ok((bytes, trials))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn setup(probe: &str) -> TrialSetup {
        let settings = GateConfig::default();
        TrialSetup { format: FORMAT.into(), host: "here".into(), probe: probe.into(), settings }
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
        assert!(error.contains("trials.jsonl: holds trials of another"), "{error}");
        std::fs::write(&path, "nonsense\n").unwrap();
        let error = TrialJournal::open(&path, &setup("a")).err().unwrap().to_string();
        assert!(error.contains("trials.jsonl:1: ") && error.ends_with(FORMAT), "{error}");
    }
}
