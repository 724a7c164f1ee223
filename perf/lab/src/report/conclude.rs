//! Writing everything that follows from a run beside it: table, plots, summary, report.

use std::path::{Path, PathBuf};

use fairbench::files::write_whole;
use fairbench::host::Host;
use fairbench::missing::Missing;

use crate::own::repository_root;
use crate::report::answer::Answer;
use crate::report::csv::CsvFile;
use crate::report::data::Data;
use crate::report::figures::files;
use crate::report::html::{FILE_NAME, Input, Page};
use crate::report::summary::RunSummary;
use crate::report::verdict::broken;
use crate::run::Run;
use crate::sweep::row::{CsvRow, rows};
use crate::sweep::stored::Baseline;
use crate::tripwire::{self, Tripwires};

/// What a run is compared with.
#[derive(Clone, Debug)]
pub struct Sources {
    /// The host that this runs on.
    pub host: Host,
    tripwires: Tripwires,
    baselines: PathBuf,
}

/// What was written about a run, and what it says.
#[derive(Clone, Debug)]
pub struct Concluded {
    /// What to run, how sure that is, and what to be careful about.
    pub answer: Answer,
    /// Path of the report.
    pub report: PathBuf,
    /// Whether every tripwire holds.
    pub holds: bool,
    /// Tripwires that bind here and were not measured.
    pub missing: Vec<Missing>,
    /// Whether there was no time to measure anything.
    pub is_empty: bool,
}

impl Sources {
    /// Reads tripwires and baselines: the given ones, or those of the repository.
    ///
    /// # Errors
    /// A file cannot be read or understood.
    pub fn read(root: &Path, tripwires: Option<&Path>, baselines: Option<&Path>) -> anyhow::Result<Self> {
        let or = |given: Option<&Path>, own: &str| given.map_or_else(|| root.join(own), Path::to_path_buf);
        let sources = Self {
            host: crate::own::host(root),
            tripwires: Tripwires::read(&or(tripwires, "baselines/tripwires.toml"))?,
            baselines: or(baselines, "baselines"),
        };
        Baseline::find(&sources.baselines, &sources.host)?;
        Ok(sources)
    }

    /// Reads the tripwires and baselines of the repository.
    ///
    /// # Errors
    /// The errors of [`read`](Self::read).
    pub fn of_repository() -> anyhow::Result<Self> {
        Self::read(&repository_root(), None, None)
    }

    /// The tripwires that were read.
    #[must_use]
    pub const fn tripwires(&self) -> &Tripwires {
        &self.tripwires
    }

    /// Stores the run as the baseline of its host.
    ///
    /// # Errors
    /// The file cannot be written.
    pub fn save_baseline(&self, run: &Run) -> anyhow::Result<PathBuf> {
        let Run { header, .. } = run;
        Baseline::of(header.started_utc.clone(), header.host.clone(), &rows(run)).save(&self.baselines)
    }
}

/// Makes what the report says about a run.
///
/// # Errors
/// A stored baseline cannot be read.
pub fn input<'a>(run: &'a Run, rows: &[CsvRow], sources: &Sources) -> anyhow::Result<Input<'a>> {
    let host = &run.header.host;
    let stored = Baseline::find(&sources.baselines, host)?;
    let baseline_of = stored.as_ref().map(Baseline::name);
    let baseline = match stored {
        Some(stored) => Ok(stored.compare(rows)),
        None => Err(format!(
            "None is stored for this host ({}). `cargo lab sweep --save-baseline` stores one in baselines/.",
            host.fingerprint()
        )),
    };
    Ok(Input { baseline_of, ..Input::of(run, sources.tripwires.judge(host, rows), baseline) })
}

/// Writes `sweep.csv`, plots, `summary.md` and `report.html` into the run's directory.
///
/// # Errors
/// A file cannot be written, or a plot cannot be drawn.
pub fn conclude(run: &Run, sources: &Sources) -> anyhow::Result<Concluded> {
    let directory = &run.directory;
    let rows = rows(run);
    let input = input(run, &rows, sources)?;
    let mut csv = CsvFile::create(&directory.join("sweep.csv"))?;
    csv.write(&rows)?;
    csv.write_unavailable(&run.header)?;
    let plots = files::write_all(directory, &Data::of(run))?;
    write_whole(&directory.join("summary.md"), RunSummary { input: &input, rows: &rows, plots: &plots }.markdown())?;
    let (answer, holds) = (input.answer.clone(), broken(&input.tripwires).is_empty());
    let missing = tripwire::unmeasured(&input.tripwires);
    // The last: it links to the others.
    let report = directory.join(FILE_NAME);
    write_whole(&report, Page { first: input, second: None, directory: directory.clone() }.render()?)?;
    Ok(Concluded { answer, report, holds, missing, is_empty: rows.is_empty() })
}
