//! A run that is being measured: what is known of it, and the file that it is written to.

use std::path::{Path, PathBuf};

use super::journal::{FILE_NAME, Journal, Run};
use super::record::{Header, Record};
use crate::exit::Failure;

/// A run and its journal.
#[derive(Debug)]
pub struct Session {
    /// What was measured so far.
    pub run: Run,
    journal: Journal,
}

impl Session {
    /// Begins a run in this directory.
    ///
    /// # Errors
    /// The directory holds one already (exit 64), or cannot be written.
    pub fn begin(directory: PathBuf, header: Header) -> Result<Self, Failure> {
        if directory.join(FILE_NAME).exists() {
            let directory = directory.display();
            return Err(Failure::usage(format!(
                "{directory} holds a run already; --resume {directory} goes on with it"
            )));
        }
        let journal = Journal::create(&directory, &header)?;
        Ok(Self { run: Run::new(header, directory), journal })
    }

    /// Goes on with the run of this directory. It must have been measured by the plan and on the host that `header` says.
    ///
    /// # Errors
    /// No run, or another one (exit 64).
    pub fn resume(directory: &Path, header: &Header) -> Result<Self, Failure> {
        let mut run = Run::read(directory)?;
        let here = directory.display();
        if run.header.panels != header.panels {
            let command = &run.header.command;
            return Err(Failure::usage(format!("{here} was measured by another plan; it was: {command}")));
        }
        let (was, is) = (run.header.host.fingerprint(), header.host.fingerprint());
        if was != is {
            return Err(Failure::usage(format!("{here} was measured on {was}; this is {is}")));
        }
        if run.header.host.revision != header.host.revision {
            let name = |host: &crate::host::Host| host.revision.clone().unwrap_or_else(|| "no revision".to_owned());
            let (was, is) = (name(&run.header.host), name(&header.host));
            return Err(Failure::usage(format!("{here} was measured at {was}; the tree is at {is}")));
        }
        run.elapsed_s = None;
        let mut session = Self { run, journal: Journal::resume(directory)? };
        let blocks = session.run.blocks.len();
        session.keep(Record::Note(format!("Gone on with at {} after {blocks} blocks.", header.started_utc)))?;
        Ok(session)
    }

    /// Writes a record and takes it into the run.
    ///
    /// # Errors
    /// The file cannot be written.
    pub fn keep(&mut self, record: Record) -> anyhow::Result<()> {
        self.journal.write(&record)?;
        self.run.push(record);
        Ok(())
    }
}
