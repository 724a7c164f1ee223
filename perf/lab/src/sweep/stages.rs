//! The stages of a sweep, each with its progress bar. What they find is kept at once.

use std::path::Path;
use std::time::{Duration, Instant};

use anyhow::Context;
use fairbench::interrupt;
use fairbench::progress::ProgressBar;

use super::count;
use super::instructions::CountKey;
use super::leader::leader;
use super::measure::{SweepMethod, measure};
use super::memory;
use super::plan::{Profiles, SweepPlan};
use crate::profile;
use crate::run::{Point, Record, Session};

/// Steps of a bar for work that has no countable pieces.
const STEPS: f64 = 1000.0;

/// Counts allocations of the cells that have none yet, if the plan wants it, until the deadline.
///
/// # Errors
/// What was found cannot be written.
pub fn allocations(
    session: &mut Session,
    plan: &SweepPlan,
    cells: &[(String, Point)],
    root: &Path,
    deadline: Option<Instant>,
) -> anyhow::Result<()> {
    let is_counted = |(name, point): &(String, Point)| {
        let counts = session.run.counts.iter().filter(|count| count.allocations.is_some());
        counts.into_iter().any(|count| (&count.variant, &count.point) == (name, point))
    };
    let missing: Vec<_> = cells.iter().filter(|cell| !is_counted(cell)).cloned().collect();
    if !plan.allocations || missing.is_empty() {
        return Ok(());
    }
    let bar = ProgressBar::new("counting allocations", missing.len() as u64);
    let counted = count::allocations(&missing, root, &|| is_late(deadline), &mut || bar.advance(1));
    bar.finish();
    keep_counts(session, "Allocations", counted, missing.len(), deadline)
}

/// Times all panels.
///
/// # Errors
/// A process fails or decides wrongly, or what was found cannot be written.
pub fn times(session: &mut Session, method: SweepMethod) -> anyhow::Result<()> {
    let bar = ProgressBar::new("timing", STEPS as u64);
    let ended = measure(session, method, &interrupt::requested, &mut |step| {
        bar.set((step.spent * STEPS) as u64);
        let left = humantime::format_duration(Duration::from_secs(step.left.as_secs()));
        bar.say(&format!("{left} left at most, {}", leader(step.run, step.panel)));
    });
    bar.finish();
    ended.context("measuring stopped; what was measured is kept").map(drop)
}

/// Measures the memory that the plan wants.
///
/// # Errors
/// What was found cannot be written.
pub fn memory(session: &mut Session, plan: &SweepPlan) -> anyhow::Result<()> {
    let mut wanted = memory::wanted(plan, &session.run.header.panels);
    wanted.retain(|(name, point)| !session.run.memory.iter().any(|m| (&m.variant, &m.point) == (name, point)));
    if wanted.is_empty() {
        return Ok(());
    }
    let bar = ProgressBar::new("measuring memory", wanted.len() as u64);
    let measured = memory::measure(&wanted, &interrupt::requested, &mut || bar.advance(1));
    bar.finish();
    keep_all(session, measured)
}

/// Samples where the time goes, for this long each, if that is not known yet. If the system does not allow sampling, or
/// if there is too little time, this is noted.
///
/// # Errors
/// What was found cannot be written.
pub fn profiles(session: &mut Session, wanted: &Profiles, time: Duration) -> anyhow::Result<()> {
    /// Least time that shows something: a kernel takes a few hundred samples a second.
    const LEAST: Duration = Duration::from_millis(500);
    let pairs = wanted.corpora.iter().flat_map(|corpus| wanted.variants.iter().map(move |variant| (variant, corpus)));
    let is_known = |variant: &str, corpus: &str| {
        let mut known = session.run.profiles.iter();
        known.any(|known| known.variant == variant && known.point.corpus == corpus)
    };
    let missing: Vec<_> = pairs.filter(|(variant, corpus)| !is_known(variant.name, &corpus.to_string())).collect();
    if missing.is_empty() {
        return Ok(());
    }
    if time < LEAST {
        return session.keep(Record::Note("Profiles left out for lack of time.".to_owned()));
    }
    let bar = ProgressBar::new("profiling", missing.len() as u64);
    for (variant, corpus) in missing {
        let directory = session.run.directory.clone();
        let (variants, corpora) = (std::slice::from_ref(variant), std::slice::from_ref(corpus));
        let seconds = time.as_secs_f64();
        let (stop, mut told) = (interrupt::requested, |_| bar.advance(1));
        match profile::measure(variants, corpora, wanted.batch, seconds, &directory, &stop, &mut told) {
            Ok(profiles) => keep_all(session, profiles.into_iter().map(Record::Profile).collect())?,
            Err(error) => {
                session.keep(Record::Note(format!("Profiles n/a: {error:#}.")))?;
                break;
            }
        }
        if interrupt::requested() {
            break;
        }
    }
    bar.finish();
    Ok(())
}

/// Counts the instructions that are not counted yet, until the deadline.
///
/// # Errors
/// What was found cannot be written.
pub fn instructions(session: &mut Session, wanted: &[CountKey], deadline: Option<Instant>) -> anyhow::Result<()> {
    let is_counted = |(name, point): &CountKey| {
        let mut counts = session.run.counts.iter().filter(|count| count.instructions_per_token.is_some());
        counts.any(|count| (&count.variant, &count.point) == (name, point))
    };
    let missing: Vec<CountKey> = wanted.iter().filter(|key| !is_counted(key)).cloned().collect();
    if missing.is_empty() {
        return Ok(());
    }
    let bar = ProgressBar::new("counting instructions", missing.len() as u64);
    let counted = count::instructions(&missing, &|| is_late(deadline), &|| bar.advance(1));
    bar.finish();
    keep_counts(session, "Instructions", counted, missing.len(), deadline)
}

fn is_late(deadline: Option<Instant>) -> bool {
    interrupt::requested() || deadline.is_some_and(|deadline| Instant::now() >= deadline)
}

/// Keeps what was counted, and notes how much was left out for lack of time.
fn keep_counts(
    session: &mut Session,
    what: &str,
    counted: Vec<Record>,
    wanted: usize,
    deadline: Option<Instant>,
) -> anyhow::Result<()> {
    let missing = wanted - counted.iter().filter(|record| matches!(record, Record::Count(_))).count();
    let failed = counted.iter().any(|record| matches!(record, Record::Note(note) if note.contains("n/a")));
    keep_all(session, counted)?;
    if missing > 0 && !failed && !interrupt::requested() && is_late(deadline) {
        session.keep(Record::Note(format!("{what} of {missing} of {wanted} cells left out for lack of time.")))?;
    }
    Ok(())
}

fn keep_all(session: &mut Session, records: Vec<Record>) -> anyhow::Result<()> {
    records.into_iter().try_for_each(|record| session.keep(record))
}
