//! `history.jsonl`: one line for each run. Lines are only ever added; a line that is not an entry is reported and left.

use std::collections::BTreeMap;
use std::fs::{self, OpenOptions};
use std::io::{ErrorKind, Write};
use std::path::Path;
use std::time::SystemTime;

use anyhow::{Context, anyhow};
use serde::Deserialize;

use super::entry::{Entry, FORMAT};
use crate::host::Host;

/// Name of the file in the directory of the reports.
pub const FILE_NAME: &str = "history.jsonl";

/// A history that was read from its file.
#[derive(Clone, Debug, Default)]
pub struct History {
    /// The entries by the time when their runs began, oldest first. If a run was added twice, the last one counts.
    pub entries: Vec<Entry>,
    /// Lines that were left out, as `FILE:LINE: why`.
    pub notes: Vec<String>,
}

impl History {
    /// The entries of exactly this fingerprint, oldest first.
    #[must_use]
    pub fn of_host(&self, fingerprint: &str) -> Vec<&Entry> {
        self.entries.iter().filter(|entry| entry.host == fingerprint).collect()
    }

    /// The entries of this machine, oldest first. Those by other compilers are included, as other segments of the
    /// series, and so are those with other numbers of threads, which do not matter to benchmarks on one.
    #[must_use]
    pub fn of_machine(&self, host: &Host) -> Vec<&Entry> {
        let own = Entry {
            format: FORMAT,
            started_utc: String::new(),
            revision: None,
            host: host.fingerprint(),
            cpu: host.cpu.clone(),
            system: Some(host.system()),
            compiler: Some(host.compiler()),
            plan: String::new(),
            benchmarks: BTreeMap::new(),
        };
        self.entries.iter().filter(|entry| entry.is_same_series(&own)).collect()
    }

    /// Fingerprints of the hosts that have entries, each with the number of its entries.
    #[must_use]
    pub fn hosts(&self) -> BTreeMap<&str, usize> {
        let mut hosts = BTreeMap::new();
        for entry in &self.entries {
            *hosts.entry(entry.host.as_str()).or_insert(0) += 1;
        }
        hosts
    }
}

/// Adds a run to the history, in one write, so that runs which end in the same moment do not mix. Begins the file, and
/// its directory, if there is none. Returns what a reader should know: a line before it that was cut short and is now
/// ended, so that the new one stands alone; a run without a benchmark to keep, of which nothing is added.
///
/// # Errors
/// The file cannot be read or written.
pub fn append(path: &Path, entry: &Entry) -> anyhow::Result<Vec<String>> {
    if entry.benchmarks.is_empty() {
        return Ok(vec![format!(
            "{}: nothing added; the run has no named variant beside a floor in six blocks or more.",
            path.display()
        )]);
    }
    let before = match fs::read(path) {
        Err(error) if error.kind() == ErrorKind::NotFound => Vec::new(),
        read => read.with_context(|| format!("could not read {}", path.display()))?,
    };
    let mut notes = Vec::new();
    let mut addition = serde_json::to_vec(entry)?;
    addition.push(b'\n');
    if !before.is_empty() && !before.ends_with(b"\n") {
        let line = before.split(|&byte| byte == b'\n').count();
        notes.push(format!(
            "{}:{line}: has no end, as if cut short; left as it is, on a line of its own.",
            path.display()
        ));
        addition.insert(0, b'\n');
    }
    let write = || -> std::io::Result<()> {
        if let Some(directory) = path.parent() {
            fs::create_dir_all(directory)?;
        }
        OpenOptions::new().append(true).create(true).open(path)?.write_all(&addition)
    };
    write().with_context(|| format!("could not write {}", path.display()))?;
    Ok(notes)
}

/// Reads a history. A line that is not an entry costs that line alone: it is named in the notes.
///
/// # Errors
/// There is no such file, or it cannot be read.
pub fn read(path: &Path) -> anyhow::Result<History> {
    let bytes = fs::read(path)
        .map_err(|error| anyhow!("{}: {error}; expected a history, to which sweeps add", path.display()))?;
    let mut notes = Vec::new();
    // By time first: the order of the history. The rest is what makes it the same run.
    let mut entries: BTreeMap<(SystemTime, String, Option<String>), Entry> = BTreeMap::new();
    for (index, line) in bytes.split_inclusive(|&byte| byte == b'\n').enumerate() {
        if line.trim_ascii().is_empty() {
            continue;
        }
        match parse(line) {
            Ok((started, entry)) => {
                entries.insert((started, entry.host.clone(), entry.revision.clone()), entry);
            }
            Err(what) => notes.push(format!("{}:{}: {what}; left out, the rest stands.", path.display(), index + 1)),
        }
    }
    Ok(History { entries: entries.into_values().collect(), notes })
}

/// An entry and when its run began, or what is wrong with the line.
fn parse(line: &[u8]) -> Result<(SystemTime, Entry), String> {
    #[derive(Deserialize)]
    struct Version {
        format: u64,
    }
    let message = |error: serde_json::Error| {
        // Every entry is written together with its end of line: what has one was not cut short there.
        if !line.ends_with(b"\n") {
            return "cut short".to_owned();
        }
        let message = error.to_string();
        let what = message.split(" at line ").next().unwrap_or(&message);
        format!("is no entry: {what}; expected a line as reports/README.md has it")
    };
    let Version { format } = serde_json::from_slice(line).map_err(message)?;
    if format != FORMAT {
        return Err(format!("an entry of format {format}; fairbench reads format {FORMAT}"));
    }
    let entry: Entry = serde_json::from_slice(line).map_err(message)?;
    let time = humantime::parse_rfc3339(&entry.started_utc);
    let time = time.map_err(|error| format!("started_utc {:?}: {error}; expected RFC 3339", entry.started_utc))?;
    let is_ratio = |ratio: f64| ratio.is_finite() && ratio > 0.0;
    match entry.benchmarks.iter().find(|(_, benchmark)| !is_ratio(benchmark.ratio_to_floor)) {
        Some((name, benchmark)) => {
            Err(format!("{name}: ratio_to_floor is {}; expected a positive number", benchmark.ratio_to_floor))
        }
        None => Ok((time, entry)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::history::simulated;

    fn run_of(started_utc: &str) -> Entry {
        Entry { started_utc: started_utc.to_owned(), ..simulated::entries(1).remove(0) }
    }

    fn started(history: &History) -> Vec<&str> {
        history.entries.iter().map(|entry| entry.started_utc.as_str()).collect()
    }

    const DAYS: [&str; 3] = ["2026-01-01T10:00:00Z", "2026-01-02T10:00:00Z", "2026-01-03T10:00:00Z"];

    /// A history of three runs in a directory that does not exist yet.
    fn written() -> (tempfile::TempDir, std::path::PathBuf) {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("deep/er").join(FILE_NAME);
        for day in DAYS {
            assert_eq!(append(&path, &run_of(day)).unwrap(), Vec::<String>::new());
        }
        (directory, path)
    }

    #[test]
    fn runs_that_were_added_are_read_back_in_the_order_of_time() {
        let (_directory, path) = written();
        append(&path, &run_of("2026-01-02T09:00:00Z")).unwrap();
        let history = read(&path).unwrap();
        assert_eq!(started(&history), [DAYS[0], "2026-01-02T09:00:00Z", DAYS[1], DAYS[2]]);
        assert_eq!(history.entries[0], run_of(DAYS[0]));
        assert!(history.notes.is_empty());
        let host = history.entries[0].host.clone();
        assert_eq!((history.of_host(&host).len(), history.of_host("elsewhere").len()), (4, 0));
        assert_eq!(history.hosts(), BTreeMap::from([(host.as_str(), 4)]));
    }

    #[test]
    fn a_run_that_was_added_twice_counts_once_as_it_was_added_last() {
        let (_directory, path) = written();
        let mut again = run_of(DAYS[1]);
        again.benchmarks.values_mut().for_each(|benchmark| benchmark.blocks = 7);
        append(&path, &again).unwrap();
        let history = read(&path).unwrap();
        assert_eq!(started(&history), DAYS);
        assert_eq!(history.entries[1].benchmarks["prod/light/64"].blocks, 7);
    }

    #[test]
    fn a_history_cut_short_loses_its_last_line_alone_and_is_named_with_file_and_line() {
        let (_directory, path) = written();
        let whole = fs::read(&path).unwrap();
        let last_line = whole.split_inclusive(|&byte| byte == b'\n').next_back().unwrap().len();
        for kept in [1, 5, 20, last_line / 2, last_line - 2] {
            fs::write(&path, &whole[..whole.len() - last_line + kept]).unwrap();
            let history = read(&path).unwrap();
            assert_eq!(started(&history), DAYS[..2]);
            assert_eq!(history.notes.len(), 1);
            assert!(
                history.notes[0].ends_with("history.jsonl:3: cut short; left out, the rest stands."),
                "{history:?}"
            );
        }
        // Nothing is missing but the end of the line: nothing is lost.
        fs::write(&path, &whole[..whole.len() - 1]).unwrap();
        assert_eq!(started(&read(&path).unwrap()), DAYS);
    }

    #[test]
    fn what_is_added_after_a_line_cut_short_stands_on_a_line_of_its_own() {
        let (_directory, path) = written();
        let whole = fs::read(&path).unwrap();
        let cut = &whole[..whole.len() - 20];
        fs::write(&path, cut).unwrap();
        let notes = append(&path, &run_of("2026-01-04T10:00:00Z")).unwrap();
        assert!(notes.len() == 1 && notes[0].contains("history.jsonl:3: has no end"), "{notes:?}");
        assert!(fs::read(&path).unwrap().starts_with(cut), "nothing that was there is touched");
        let history = read(&path).unwrap();
        assert_eq!(started(&history), [DAYS[0], DAYS[1], "2026-01-04T10:00:00Z"]);
        assert!(
            history.notes.len() == 1 && history.notes[0].contains("history.jsonl:3: is no entry: EOF"),
            "{history:?}"
        );
    }

    #[test]
    fn a_malformed_line_in_the_middle_is_named_and_the_rest_is_used() {
        let (_directory, path) = written();
        let whole = fs::read(&path).unwrap();
        let lines: Vec<&[u8]> = whole.split_inclusive(|&byte| byte == b'\n').collect();
        let second = String::from_utf8(lines[1].to_vec()).unwrap();
        for (line, complaint) in [
            (&b"{\"format\":1}\n"[..], "history.jsonl:2: is no entry: missing field `started_utc`; expected a line"),
            (b"half of a li\n", "history.jsonl:2: is no entry: expected value; expected a line"),
            (b"\xff\xfe\n", "history.jsonl:2: is no entry: expected value"),
            (b"{\"format\":1,\"started_utc\":\"2026\n", "history.jsonl:2: is no entry: "),
            (b"{\"format\":2,\"runs\":[]}\n", "history.jsonl:2: an entry of format 2; fairbench reads format 1"),
            (second.replace(DAYS[1], "yesterday").as_bytes(), "history.jsonl:2: started_utc \"yesterday\": "),
            (
                second.replace("\"ratio_to_floor\":", "\"ratio_to_floor\":-").as_bytes(),
                "history.jsonl:2: lanes/light/64: ratio_to_floor is -",
            ),
        ] {
            let text = [lines[0], line, lines[2]].concat();
            fs::write(&path, &text).unwrap();
            let history = read(&path).unwrap();
            assert_eq!(started(&history), [DAYS[0], DAYS[2]]);
            assert!(history.notes.len() == 1 && history.notes[0].contains(complaint), "{:?}", history.notes);
            assert_eq!(history.notes[0].lines().count(), 1);
            assert_eq!(fs::read(&path).unwrap(), text, "reading changes nothing");
        }
    }

    #[test]
    fn a_run_with_nothing_to_keep_adds_nothing_and_says_so() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join(FILE_NAME);
        let notes = append(&path, &Entry { benchmarks: BTreeMap::new(), ..run_of(DAYS[0]) }).unwrap();
        assert!(notes[0].contains("nothing added") && !path.exists(), "{notes:?}");
    }

    #[test]
    fn a_history_that_is_not_there_is_one_clear_line() {
        let error = read(Path::new("/no/such/history.jsonl")).unwrap_err().to_string();
        assert!(error.starts_with("/no/such/history.jsonl: ") && error.contains("expected a history"), "{error}");
    }
}
