//! A stored sweep that later ones are held against, one file per host fingerprint.
//!
//! What is compared are ratios to `plain` and to the floor, never nanoseconds: both sides of a ratio were measured in
//! the same minute.

use std::path::{Path, PathBuf};

use anyhow::ensure;
use fairbench::baseline::Shift;
use fairbench::baseline::compare::APART_ALLOWANCE;
use fairbench::files::{read_json, write_whole};
use fairbench::host::Host;
use fairbench::measure::stats::{PairedRatio, Quartiles};
use serde::{Deserialize, Serialize};

use crate::sweep::row::CsvRow;

const FORMAT: &str = "perf-lab baseline v1";

/// A sweep that was stored as a baseline.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Baseline {
    format: String,
    /// Time when it was saved, UTC.
    pub saved_utc: String,
    /// The host that it was measured on.
    pub host: Host,
    cells: Vec<StoredCell>,
}

#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct StoredCell {
    #[serde(rename = "cell")]
    key: CellKey,
    /// Number of blocks; in files from before 2026-11-22, of rounds.
    #[serde(alias = "rounds")]
    blocks: usize,
    time_ns_per_token: Quartiles,
    ratio_to_plain: PairedRatio,
    ratio_to_floor: Option<PairedRatio>,
    allocations_per_token: Option<f64>,
    instructions_per_token: Option<f64>,
}

/// Names a cell.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CellKey {
    /// Name of the variant.
    pub variant: String,
    /// Name of the corpus.
    pub fixture: String,
    /// Number of tokens per call.
    pub batch_tokens: usize,
    /// Number of threads.
    pub threads: usize,
}

impl CellKey {
    fn of(row: &CsvRow) -> Self {
        Self {
            variant: row.variant.clone(),
            fixture: row.fixture.clone(),
            batch_tokens: row.batch_tokens,
            threads: row.threads,
        }
    }
}

/// A cell of a sweep beside the same cell of the baseline.
#[derive(Clone, Debug)]
pub struct CellChange {
    /// The cell.
    pub key: CellKey,
    /// What the ratios are to: `plain` or `floor`.
    pub against: &'static str,
    /// The stored ratio.
    pub was: PairedRatio,
    /// The measured ratio.
    pub is: PairedRatio,
    /// How the two ratios compare.
    pub shift: Shift,
}

impl CellChange {
    /// Measured / stored; above 1 is slower.
    #[must_use]
    pub fn ratio(&self) -> f64 {
        self.is.estimate / self.was.estimate
    }
}

/// Path of the baseline of a host.
#[must_use]
pub fn path_of(directory: &Path, host: &Host) -> PathBuf {
    directory.join(format!("{}.json", host.fingerprint()))
}

impl Baseline {
    /// Finds the baseline of this host; `None` if none is stored.
    ///
    /// # Errors
    /// The file exists but is unreadable or of another format or host.
    pub fn find(directory: &Path, host: &Host) -> anyhow::Result<Option<Self>> {
        let path = path_of(directory, host);
        if !path.exists() {
            return Self::of_other_threads(directory, host);
        }
        let baseline: Self = read_json(&path, "a baseline that `sweep --save-baseline` wrote")?;
        ensure!(baseline.format == FORMAT, "{}: format {:?}; expected {FORMAT:?}", path.display(), baseline.format);
        let fingerprint = baseline.host.fingerprint();
        ensure!(
            fingerprint == host.fingerprint(),
            "{}: holds results of {fingerprint}; expected those of {}",
            path.display(),
            host.fingerprint()
        );
        Ok(Some(baseline))
    }

    /// Finds the newest baseline of this machine and compiler with another number of threads or cores, and keeps only
    /// those cells that are on one thread.
    fn of_other_threads(directory: &Path, host: &Host) -> anyhow::Result<Option<Self>> {
        let all = Self::list(directory)?.into_iter().filter(|stored| stored.host.is_same_on_one_thread(host));
        Ok(all.max_by(|one, other| one.saved_utc.cmp(&other.saved_utc)).map(|mut newest| {
            if !newest.host.is_same_on_all_threads(host) {
                newest.cells.retain(|cell| cell.key.threads == 1);
            }
            newest
        }))
    }

    /// Reads the baselines of every host, sorted by fingerprint. Other files of the directory are ignored.
    ///
    /// # Errors
    /// The directory cannot be read.
    pub fn list(directory: &Path) -> anyhow::Result<Vec<Self>> {
        let mut found: Vec<Self> = fairbench::baseline::store::json_files(directory)?
            .iter()
            .filter_map(|path| read_json::<Self>(path, "a sweep").ok())
            .filter(|baseline| baseline.format == FORMAT)
            .collect();
        found.sort_by_key(|baseline| baseline.host.fingerprint());
        Ok(found)
    }

    /// When and at which revision it was stored, as text.
    #[must_use]
    pub fn name(&self) -> String {
        let revision = self.host.revision.as_deref().unwrap_or("no revision");
        format!("of {} at {revision}", self.saved_utc)
    }

    /// Number of cells.
    #[must_use]
    pub const fn cells(&self) -> usize {
        self.cells.len()
    }

    /// Makes a baseline of those rows that compare all variants at default knobs.
    #[must_use]
    pub fn of(saved_utc: String, host: Host, rows: &[CsvRow]) -> Self {
        let cells = rows
            .iter()
            .filter(|row| row.is_default_variant())
            .map(|row| StoredCell {
                key: CellKey::of(row),
                blocks: row.blocks,
                time_ns_per_token: row.time_ns(),
                ratio_to_plain: row.to_plain(),
                ratio_to_floor: row.to_floor(),
                allocations_per_token: row.allocations_per_token,
                instructions_per_token: row.instructions_per_token,
            })
            .collect();
        Self { format: FORMAT.to_owned(), saved_utc, host, cells }
    }

    /// Writes the baseline where [`find`](Self::find) will look.
    ///
    /// # Errors
    /// The file cannot be written.
    pub fn save(&self, directory: &Path) -> anyhow::Result<PathBuf> {
        let path = path_of(directory, &self.host);
        let mut json = serde_json::to_string_pretty(self)?;
        json.push('\n');
        write_whole(&path, json)?;
        Ok(path)
    }

    /// Compares every cell that both have: the ratio to `plain`, and if both have one, that to the floor.
    #[must_use]
    pub fn compare(&self, rows: &[CsvRow]) -> Vec<CellChange> {
        let mut changes = Vec::new();
        for row in rows.iter().filter(|row| row.is_default_variant()) {
            let key = CellKey::of(row);
            let Some(stored) = self.cells.iter().find(|cell| cell.key == key) else { continue };
            if row.variant != crate::catalogue::REFERENCE {
                changes.push(change(key.clone(), "plain", stored.ratio_to_plain, row.to_plain()));
            }
            if let (Some(was), Some(is)) = (stored.ratio_to_floor, row.to_floor()) {
                changes.push(change(key, "floor", was, is));
            }
        }
        changes
    }
}

fn change(key: CellKey, against: &'static str, was: PairedRatio, is: PairedRatio) -> CellChange {
    CellChange { key, against, was, is, shift: Shift::of(was, is, APART_ALLOWANCE) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::test_data::rows;

    fn ratio(lower: f64, estimate: f64, upper: f64) -> PairedRatio {
        PairedRatio { estimate, lower, upper }
    }

    fn shift(was: PairedRatio, is: PairedRatio) -> Shift {
        let key = CellKey { variant: "v".into(), fixture: "f".into(), batch_tokens: 1, threads: 1 };
        change(key, "plain", was, is).shift
    }

    #[test]
    fn only_what_noise_and_the_time_between_cannot_explain_is_a_change() {
        let was = ratio(0.49, 0.50, 0.51);
        assert_eq!(shift(was, ratio(0.50, 0.51, 0.52)), Shift::Same);
        assert_eq!(shift(was, ratio(0.515, 0.525, 0.53)), Shift::Same);
        assert_eq!(shift(was, ratio(0.53, 0.54, 0.55)), Shift::Same);
        assert_eq!(shift(was, ratio(0.54, 0.55, 0.56)), Shift::Slower);
        assert_eq!(shift(was, ratio(0.44, 0.45, 0.46)), Shift::Faster);
    }

    #[test]
    fn a_saved_baseline_is_found_again_and_equals_itself() {
        let dir = tempfile::tempdir().unwrap();
        let host = crate::own::host(dir.path());
        assert!(Baseline::find(dir.path(), &host).unwrap().is_none());
        let baseline = Baseline::of("now".to_owned(), host.clone(), &rows());
        let path = baseline.save(dir.path()).unwrap();
        let found = Baseline::find(dir.path(), &host).unwrap().unwrap();
        assert_eq!(Baseline::list(dir.path()).unwrap().len(), 1);
        let changes = found.compare(&rows());
        assert!(!changes.is_empty());
        assert!(changes.iter().all(|change| change.shift == Shift::Same), "{changes:?}");

        std::fs::write(&path, "{\n\"format\": 7\n}").unwrap();
        let error = Baseline::find(dir.path(), &host).unwrap_err().to_string();
        assert!(error.contains(".json:2: ") && error.contains("expected a baseline"), "{error}");
    }

    #[test]
    fn a_baseline_of_other_threads_is_held_against_as_far_as_it_is_on_one() {
        let dir = tempfile::tempdir().unwrap();
        let host = crate::own::host(dir.path());
        let mut stored = Baseline::of("now".to_owned(), Host { rayon_threads: 99, ..host.clone() }, &rows());
        let several = stored.cells.first_mut().unwrap();
        several.key.threads = 99;
        let on_one = stored.cells.iter().filter(|cell| cell.key.threads == 1).count();
        stored.save(dir.path()).unwrap();
        assert_eq!(Baseline::find(dir.path(), &host).unwrap().unwrap().cells(), on_one);
        let other = Host { rustc: "rustc 9.9.9 (0000)".to_owned(), ..host };
        assert!(Baseline::find(dir.path(), &other).unwrap().is_none(), "another compiler");
    }

    #[test]
    fn a_baseline_of_another_host_is_refused() {
        let dir = tempfile::tempdir().unwrap();
        let host = crate::own::host(dir.path());
        let other = Host { cores: host.cores + 1, ..host.clone() };
        Baseline::of("now".to_owned(), other, &rows()).save(dir.path()).unwrap();
        let foreign = std::fs::read_dir(dir.path()).unwrap().next().unwrap().unwrap().path();
        std::fs::rename(foreign, path_of(dir.path(), &host)).unwrap();
        assert!(Baseline::find(dir.path(), &host).unwrap_err().to_string().contains("holds results of"));
    }
}
