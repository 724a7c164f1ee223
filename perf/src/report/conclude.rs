//! Everything that a run comes to, written beside it: table, plots, summary, report.

use std::path::{Path, PathBuf};

use crate::baseline::Baseline;
use crate::effects::effects;
use crate::files::{repository_root, write_whole};
use crate::host::Host;
use crate::recommend::{Advice, Question, advise};
use crate::report::csv::CsvFile;
use crate::report::plots;
use crate::report::summary::Summary;
use crate::run::Run;
use crate::sweep::row::rows;
use crate::tripwire::Tripwires;

/// What a run is held against.
#[derive(Clone, Debug)]
pub struct Sources {
    /// This host.
    pub host: Host,
    tripwires: Tripwires,
    baselines: PathBuf,
}

/// What was written, and what it says.
#[derive(Clone, Debug)]
pub struct Concluded {
    /// One line: what there is to know.
    pub verdict: String,
    /// What to run, a line for each corpus that the run can tell it of.
    pub advice: Vec<String>,
    /// The report.
    pub report: PathBuf,
    /// Whether every tripwire holds.
    pub holds: bool,
}

impl Sources {
    /// Reads them: given ones, or those of the repository.
    ///
    /// # Errors
    /// A file that cannot be read or understood.
    pub fn read(root: &Path, tripwires: Option<&Path>, baselines: Option<&Path>) -> anyhow::Result<Self> {
        let or = |given: Option<&Path>, own: &str| given.map_or_else(|| root.join(own), Path::to_path_buf);
        let sources = Self {
            host: Host::detect(root),
            tripwires: Tripwires::read(&or(tripwires, "baselines/tripwires.toml"))?,
            baselines: or(baselines, "baselines"),
        };
        Baseline::find(&sources.baselines, &sources.host)?;
        Ok(sources)
    }

    /// Those of the repository.
    ///
    /// # Errors
    /// As [`read`](Self::read).
    pub fn of_repository() -> anyhow::Result<Self> {
        Self::read(&repository_root(), None, None)
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

/// Writes `sweep.csv`, plots, `summary.md` and `report.html` into the run's directory.
///
/// # Errors
/// A file that cannot be written, a plot that cannot be drawn.
pub fn conclude(run: &Run, sources: &Sources, interrupted: bool) -> anyhow::Result<Concluded> {
    let directory = &run.directory;
    let rows = rows(run);
    CsvFile::create(&directory.join("sweep.csv"))?.write(&rows)?;
    let host = &run.header.host;
    let judged = sources.tripwires.judge(host, &rows);
    let baseline = match Baseline::find(&sources.baselines, host)? {
        Some(stored) => Ok(stored.compare(&rows)),
        None => Err(format!(
            "None is stored for this host ({}). `cargo lab sweep --save-baseline` stores one in baselines/.",
            host.fingerprint()
        )),
    };
    let advices = advices(run);
    let effects = effects(run);
    let plots = plots::write_all(directory, &rows)?;
    let summary = Summary {
        run,
        rows: &rows,
        interrupted,
        tripwires: &judged,
        baseline,
        advices: &advices,
        effects: &effects,
        plots: &plots,
    };
    write_whole(&directory.join("summary.md"), summary.markdown())?;
    Ok(Concluded {
        verdict: summary.verdict(),
        advice: advices.iter().map(Advice::headline).collect(),
        report: directory.join("summary.md"),
        holds: summary.broken().is_empty(),
    })
}

/// Advice for every corpus and batch at which the run measured all compositions on one thread, for all cores.
fn advices(run: &Run) -> Vec<Advice> {
    let mut questions: Vec<Question> = Vec::new();
    for seat in run.measured().iter().filter(|seat| seat.seat.variant == "+" && seat.point().knobs.threads == 1) {
        let point = seat.point();
        let question =
            Question { corpus: point.corpus.clone(), batch: point.batch, cores: run.header.host.rayon_threads };
        if !questions.contains(&question) {
            questions.push(question);
        }
    }
    questions.iter().filter_map(|question| advise(run, question).ok()).collect()
}
