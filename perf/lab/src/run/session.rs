//! A run that is being measured, with the file that it is written to.

use std::path::{Path, PathBuf};

use fairbench::exit::Failure;

use super::journal::{FILE_NAME, Run, RunJournal};
use super::record::{Header, Record};

/// A run and its journal.
#[derive(Debug)]
pub struct Session {
    /// Everything that was measured so far.
    pub run: Run,
    journal: RunJournal,
}

/// The directory that a run is to be written to, looked at before anything is done.
#[derive(Debug)]
pub enum RunPlace {
    /// A directory without a run.
    New(PathBuf),
    /// An interrupted run that can be gone on with.
    Interrupted(Box<Run>),
}

impl RunPlace {
    /// The place of a new run.
    ///
    /// # Errors
    /// There is a run already, or a file of that name (exit 64).
    pub fn new(directory: PathBuf) -> Result<Self, Failure> {
        let here = directory.display();
        if directory.exists() && !directory.is_dir() {
            return Err(Failure::usage(format!("{here} is a file; expected a directory, or nothing yet")));
        }
        if directory.join(FILE_NAME).exists() {
            return Err(Failure::usage(format!("{here} holds a run already; --resume {here} goes on with it")));
        }
        Ok(Self::New(directory))
    }

    /// The place of the interrupted run in this directory, if it was measured as `header` would be: the same plan,
    /// tokens, host and program.
    ///
    /// # Errors
    /// There is no run, or another one (exit 64).
    pub fn interrupted(directory: &Path, header: &Header) -> Result<Self, Failure> {
        let run = Run::read(directory)?;
        let was = &run.header;
        let differs = if was.panels != header.panels {
            Some(format!("by another plan ({}: {})", was.plan, was.command))
        } else if was.host.fingerprint() != header.host.fingerprint() {
            Some(format!("on {}; this is {}", was.host.fingerprint(), header.host.fingerprint()))
        } else if was.corpora_blake3 != header.corpora_blake3 {
            Some("on other tokens: a corpus file has changed since".to_owned())
        } else if was.program_blake3 != header.program_blake3 {
            Some("by another build of the lab".to_owned())
        } else {
            None
        };
        match differs {
            None => Ok(Self::Interrupted(Box::new(run))),
            Some(how) => Err(Failure::usage(format!("{} was measured {how}", directory.display()))),
        }
    }
}

impl Session {
    /// Begins a run or goes on with one.
    ///
    /// # Errors
    /// The directory cannot be written.
    pub fn begin(place: RunPlace, header: Header) -> anyhow::Result<Self> {
        let mut run = match place {
            RunPlace::New(directory) => {
                let journal = RunJournal::create(&directory, &header)?;
                return Ok(Self { run: Run::new(header, directory), journal });
            }
            RunPlace::Interrupted(run) => *run,
        };
        run.elapsed_s = None;
        let journal = RunJournal::resume(&run.directory)?;
        let mut session = Self { run, journal };
        let blocks = session.run.blocks.len();
        session.keep(Record::Note(format!("Gone on with at {} after {blocks} blocks.", header.started_utc)))?;
        Ok(session)
    }

    /// Writes a record and adds it to the run.
    ///
    /// # Errors
    /// The file cannot be written.
    pub fn keep(&mut self, record: Record) -> anyhow::Result<()> {
        self.journal.write(&record)?;
        self.run.push(record);
        Ok(())
    }
}
