//! `run.jsonl`: one JSON record a line, written as soon as it is measured.

use std::ffi::OsStr;
use std::fs::{File, OpenOptions};
use std::io::Write;
use std::path::{Path, PathBuf};

use anyhow::{Context, anyhow, bail};
use fairbench::files::read_text;

use super::record::{Block, Count, FORMAT, Header, MemoryRecord, Profile, Record};

/// Name of the file in a run's directory.
pub const FILE_NAME: &str = "run.jsonl";
/// Bound of the logarithms of ratios: half a billion times as slow was not measured.
const LOG_RATIO_BOUND: f64 = 20.0;

/// Everything that a run measured.
#[derive(Clone, Debug)]
pub struct Run {
    /// What was measured, where and when.
    pub header: Header,
    /// The blocks of all panels, in the order of time.
    pub blocks: Vec<Block>,
    /// Counts of allocations and instructions.
    pub counts: Vec<Count>,
    /// Memory of processes.
    pub memory: Vec<MemoryRecord>,
    /// Profiles of where the time went.
    pub profiles: Vec<Profile>,
    /// Notes for readers.
    pub notes: Vec<String>,
    /// Seconds that the run took; `None` if it did not end by itself.
    pub elapsed_s: Option<f64>,
    /// The directory that it was read from: other files of the run lie there.
    pub directory: PathBuf,
}

impl Run {
    /// Makes a run of which nothing was measured yet.
    #[must_use]
    pub const fn new(header: Header, directory: PathBuf) -> Self {
        Self {
            header,
            blocks: Vec::new(),
            counts: Vec::new(),
            memory: Vec::new(),
            profiles: Vec::new(),
            notes: Vec::new(),
            elapsed_s: None,
            directory,
        }
    }

    /// Adds a record to what was measured.
    pub fn push(&mut self, record: Record) {
        match record {
            Record::Header(header) => self.header = *header,
            Record::Block(block) => self.blocks.push(block),
            Record::Count(count) => self.counts.push(count),
            Record::Memory(memory) => self.memory.push(memory),
            Record::Profile(profile) => self.profiles.push(profile),
            Record::Note(note) => self.notes.push(note),
            Record::End { elapsed_s } => self.elapsed_s = Some(elapsed_s),
        }
    }

    /// Reads a run from its directory or its `run.jsonl`. A last line that was cut short (power loss, a full disk) is
    /// left out and noted; what was measured before it counts.
    ///
    /// # Errors
    /// There is no such file, or a line is not a record or holds what cannot have been measured; the message names the
    /// line.
    pub fn read(path: &Path) -> anyhow::Result<Self> {
        let path = if path.is_dir() { path.join(FILE_NAME) } else { path.to_path_buf() };
        let text = read_text(&path, "a run, as cargo lab sweep writes it")?;
        let directory = path.parent().map(Path::to_path_buf).unwrap_or_default();
        let mut run: Option<Self> = None;
        let mut cut_short = None;
        for (index, line) in text.split_inclusive('\n').enumerate() {
            let place = || format!("{}:{}", path.display(), index + 1);
            let record = match serde_json::from_str::<Record>(line) {
                Ok(record) => record,
                // Every record is written together with its end of line.
                Err(_) if !line.ends_with('\n') => {
                    cut_short = Some(place());
                    break;
                }
                Err(error) => {
                    let message = error.to_string();
                    let what = message.split(" at line ").next().unwrap_or(&message);
                    bail!("{}: {what}; expected a record of a run (reports/README.md)", place());
                }
            };
            match (&mut run, record) {
                (None, Record::Header(header)) if header.format == FORMAT => {
                    run = Some(Self::new(*header, directory.clone()));
                }
                (None, Record::Header(header)) => {
                    bail!("{}: a run of format {}; this lab reads format {FORMAT}", place(), header.format)
                }
                (Some(_), Record::Header(_)) => bail!("{}: a second header; one file holds one run", place()),
                (Some(run), record) => {
                    check(&run.header, &record).with_context(place)?;
                    run.push(record);
                }
                (None, _) => bail!("{}: expected the header of a run first", place()),
            }
        }
        let mut run = run.ok_or_else(|| anyhow!("{}: empty; expected a run", path.display()))?;
        if let Some(place) = cut_short {
            run.notes.push(format!("{place}: cut short and left out; everything before it counts."));
        }
        Ok(run)
    }
}

/// Checks that what a record says can have been measured.
fn check(header: &Header, record: &Record) -> anyhow::Result<()> {
    match record {
        Record::Block(block) => {
            check_shape(header, block)?;
            check_values(block)
        }
        Record::Profile(profile) => check_is_beside(&profile.folded),
        _ => Ok(()),
    }
}

fn check_shape(header: &Header, block: &Block) -> anyhow::Result<()> {
    let panel = header
        .panels
        .get(block.panel)
        .ok_or_else(|| anyhow!("a block of panel {}, which does not exist", block.panel))?;
    let arms = || panel.groups.iter().map(|group| group.arms.len());
    let fits = |values: &[Vec<f64>]| arms().eq(values.iter().map(Vec::len));
    if fits(&block.ns_per_token) && fits(&block.log_ratio) {
        return Ok(());
    }
    Err(anyhow!("a block with another number of values than panel {} has arms", block.panel))
}

fn check_values(block: &Block) -> anyhow::Result<()> {
    let is_time = |ns: f64| ns.is_finite() && ns > 0.0;
    if let Some(ns) = block.ns_per_token.iter().flatten().find(|ns| !is_time(**ns)) {
        bail!("ns_per_token {ns}; expected a time above 0");
    }
    if let Some(log) = block.log_ratio.iter().flatten().find(|log| log.is_nan() || log.abs() >= LOG_RATIO_BOUND) {
        bail!("log_ratio {log}; expected a number between -{LOG_RATIO_BOUND} and {LOG_RATIO_BOUND}");
    }
    for (name, seconds) in [("at_s", block.at_s), ("took_s", block.took_s)] {
        if !(seconds.is_finite() && seconds >= 0.0) {
            bail!("{name} {seconds}; expected seconds, 0 or more");
        }
    }
    Ok(())
}

/// Checks that a run's file is named within its own directory: a run that came from elsewhere must not open other
/// files.
fn check_is_beside(file: &str) -> anyhow::Result<()> {
    if Path::new(file).file_name() == Some(OsStr::new(file)) {
        return Ok(());
    }
    Err(anyhow!("folded {file:?}; expected the bare name of a file beside the run"))
}

/// The file that a run is written to.
#[derive(Debug)]
pub struct RunJournal {
    path: PathBuf,
    file: File,
}

impl RunJournal {
    /// Begins the file of a run in this directory.
    ///
    /// # Errors
    /// The file exists already, or cannot be written.
    pub fn create(directory: &Path, header: &Header) -> anyhow::Result<Self> {
        std::fs::create_dir_all(directory).with_context(|| format!("could not create {}", directory.display()))?;
        let path = directory.join(FILE_NAME);
        let file = OpenOptions::new().append(true).create_new(true).open(&path);
        let file = file.with_context(|| format!("could not create {}", path.display()))?;
        let mut journal = Self { path, file };
        journal.write(&Record::Header(Box::new(header.clone())))?;
        Ok(journal)
    }

    /// Opens the file of a run to go on with it. A last line that was cut short is removed.
    ///
    /// # Errors
    /// The file cannot be opened or written.
    pub fn resume(directory: &Path) -> anyhow::Result<Self> {
        let path = directory.join(FILE_NAME);
        let open = || -> std::io::Result<File> {
            let text = std::fs::read(&path)?;
            let whole = text.iter().rposition(|&byte| byte == b'\n').map_or(0, |at| at + 1);
            let file = OpenOptions::new().append(true).open(&path)?;
            file.set_len(whole as u64)?;
            Ok(file)
        };
        let file = open().with_context(|| format!("could not go on with {}", path.display()))?;
        Ok(Self { path, file })
    }

    /// Adds a record, in one write.
    ///
    /// # Errors
    /// The file cannot be written.
    pub fn write(&mut self, record: &Record) -> anyhow::Result<()> {
        let mut line = serde_json::to_vec(record)?;
        line.push(b'\n');
        self.file.write_all(&line).with_context(|| format!("could not write {}", self.path.display()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::run::simulated;

    fn written() -> (tempfile::TempDir, Run) {
        let directory = tempfile::tempdir().unwrap();
        let run = simulated::run(&simulated::Truth::default(), 6);
        let mut journal = RunJournal::create(directory.path(), &run.header).unwrap();
        for block in &run.blocks {
            journal.write(&Record::Block(block.clone())).unwrap();
        }
        (directory, run)
    }

    #[test]
    fn what_was_written_is_read_back() {
        let (directory, run) = written();
        let read = Run::read(directory.path()).unwrap();
        assert_eq!(read.blocks, run.blocks);
        assert_eq!(read.header.panels, run.header.panels);
        assert_eq!((read.elapsed_s, read.notes.len()), (None, 0));
    }

    #[test]
    fn a_last_line_that_was_cut_short_loses_nothing_else_and_is_cut_off_when_going_on() {
        let (directory, run) = written();
        let path = directory.path().join(FILE_NAME);
        let whole = std::fs::read_to_string(&path).unwrap();
        std::fs::write(&path, &whole[..whole.len() - 20]).unwrap();
        let read = Run::read(directory.path()).unwrap();
        assert_eq!(read.blocks, run.blocks[..run.blocks.len() - 1]);
        assert!(
            read.notes[0].contains(&format!("{FILE_NAME}:{}: cut short", run.blocks.len() + 1)),
            "{:?}",
            read.notes
        );

        let mut journal = RunJournal::resume(directory.path()).unwrap();
        journal.write(&Record::Block(run.blocks.last().unwrap().clone())).unwrap();
        assert_eq!(std::fs::read_to_string(&path).unwrap(), whole);
    }

    #[test]
    fn a_line_that_is_no_record_is_named() {
        let (directory, _) = written();
        let path = directory.path().join(FILE_NAME);
        let whole = std::fs::read_to_string(&path).unwrap();
        let (header, rest) = whole.split_once('\n').unwrap();
        for (text, complaint) in [
            (format!("{header}\n{{\"blok\":1}}\n{rest}"), "run.jsonl:2: unknown variant"),
            (format!("{header}\n{header}\n"), "run.jsonl:2: a second header"),
            (rest.to_owned(), "run.jsonl:1: expected the header"),
            (String::new(), "run.jsonl: empty"),
            (whole.replacen("\"format\":1", "\"format\":9", 1), "run.jsonl:1: a run of format 9"),
            (whole.replacen("\"panel\":0", "\"panel\":99", 1), "run.jsonl:2"),
        ] {
            std::fs::write(&path, text).unwrap();
            let said = format!("{:#}", Run::read(directory.path()).unwrap_err());
            assert!(said.contains(complaint), "{said}");
        }
    }
    #[test]
    fn what_cannot_have_been_measured_is_named() {
        let first_of = |values: &mut Vec<Vec<f64>>, value| values[0][1] = value;
        for (change, complaint) in [
            (
                &(|block: &mut Block| first_of(&mut block.log_ratio, -1e9)) as &dyn Fn(&mut Block),
                "log_ratio -1000000000;",
            ),
            (&|block| first_of(&mut block.log_ratio, 20.0), "log_ratio 20;"),
            (&|block| first_of(&mut block.ns_per_token, -5.0), "ns_per_token -5;"),
            (&|block| first_of(&mut block.ns_per_token, 0.0), "ns_per_token 0;"),
            (&|block| block.took_s = -1.0, "took_s -1;"),
            (&|block| block.at_s = -0.5, "at_s -0.5;"),
        ] {
            let directory = tempfile::tempdir().unwrap();
            let run = simulated::run(&simulated::Truth::default(), 6);
            let mut journal = RunJournal::create(directory.path(), &run.header).unwrap();
            journal.write(&Record::Block(run.blocks[0].clone())).unwrap();
            let mut block = run.blocks[1].clone();
            change(&mut block);
            journal.write(&Record::Block(block)).unwrap();
            let said = format!("{:#}", Run::read(directory.path()).unwrap_err());
            assert!(said.contains(&format!("{FILE_NAME}:3: {complaint}")), "{said}");
        }
    }

    #[test]
    fn a_run_that_names_files_outside_of_its_directory_is_refused() {
        let read = |folded: &str| {
            let directory = tempfile::tempdir().unwrap();
            let run = simulated::run(&simulated::Truth::default(), 6);
            let mut journal = RunJournal::create(directory.path(), &run.header).unwrap();
            let point = simulated::point("light", 1, 1);
            let (variant, folded) = ("plain".to_owned(), folded.to_owned());
            let profile = Profile { variant, point, seconds: 1.0, stages: Vec::new(), folded };
            journal.write(&Record::Profile(profile)).unwrap();
            Run::read(directory.path()).map_err(|error| format!("{error:#}"))
        };
        for file in ["../../../etc/passwd", "/etc/passwd", "deeper/a.folded", "a.folded/", "..", ".", ""] {
            let said = read(file).unwrap_err();
            assert!(said.contains(&format!("{FILE_NAME}:2: folded {file:?}; expected the bare name")), "{said}");
        }
        assert_eq!(read("flame-+lanes-light-b1.folded").unwrap().profiles.len(), 1);
    }
}
