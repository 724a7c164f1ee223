//! The stages of a sweep, each with its progress; what they find is kept as they find it.

use std::path::Path;
use std::time::{Duration, Instant};

use anyhow::Context;

use super::count;
use super::leader::leader;
use super::measure::{Method, measure};
use super::memory;
use super::plan::{Plan, Profiles};
use crate::count::instructions::Key;
use crate::interrupt;
use crate::profile;
use crate::report::progress::Progress;
use crate::run::{Point, Record, Session};

/// Steps of a bar whose end is not counted in pieces.
const STEPS: f64 = 1000.0;

/// Counts allocations of all cells, if the plan wants it.
///
/// # Errors
/// What was found cannot be written.
pub fn allocations(session: &mut Session, plan: &Plan, cells: &[(String, Point)], root: &Path) -> anyhow::Result<()> {
    if !plan.allocations {
        return Ok(());
    }
    let bar = Progress::new("counting allocations", cells.len() as u64);
    let counted = count::allocations(cells, root, &mut || bar.advance(1));
    bar.finish();
    keep_all(session, counted)
}

/// Times all panels.
///
/// # Errors
/// A process that fails or decides wrongly; what was found cannot be written.
pub fn times(session: &mut Session, method: Method) -> anyhow::Result<()> {
    let bar = Progress::new("timing", STEPS as u64);
    let ended = measure(session, method, &interrupt::requested, &mut |step| {
        bar.set((step.spent * STEPS) as u64);
        let left = humantime::format_duration(Duration::from_secs(step.left.as_secs()));
        bar.say(&format!("{left} left at most, {}", leader(step.run, step.panel)));
    });
    bar.finish();
    ended.context("measuring stopped; what was measured is kept").map(drop)
}

/// Measures memory, of what the plan wants.
///
/// # Errors
/// What was found cannot be written.
pub fn memory(session: &mut Session, plan: &Plan) -> anyhow::Result<()> {
    let wanted = memory::wanted(plan, &session.run.header.panels);
    if wanted.is_empty() || !session.run.memory.is_empty() {
        return Ok(());
    }
    let bar = Progress::new("measuring memory", wanted.len() as u64);
    let measured = memory::measure(&wanted, &interrupt::requested, &mut || bar.advance(1));
    bar.finish();
    keep_all(session, measured)
}

/// Samples where the time goes. A system that does not let it be seen is noted.
///
/// # Errors
/// What was found cannot be written.
pub fn profiles(session: &mut Session, wanted: &Profiles) -> anyhow::Result<()> {
    let bar = Progress::new("profiling", STEPS as u64);
    let profiled = profile::measure(
        &wanted.variants,
        &wanted.corpora,
        wanted.batch,
        wanted.time.as_secs_f64(),
        &session.run.directory,
        &interrupt::requested,
        &mut |part| bar.set((part * STEPS) as u64),
    );
    bar.finish();
    match profiled {
        Ok(profiles) => keep_all(session, profiles.into_iter().map(Record::Profile).collect()),
        Err(error) => session.keep(Record::Note(format!("Profiles n/a: {error:#}."))),
    }
}

/// Counts instructions until the deadline. What is left then is noted.
///
/// # Errors
/// What was found cannot be written.
pub fn instructions(session: &mut Session, wanted: &[Key], deadline: Option<Instant>) -> anyhow::Result<()> {
    let late = || interrupt::requested() || deadline.is_some_and(|deadline| Instant::now() >= deadline);
    let bar = Progress::new("counting instructions", wanted.len() as u64);
    let counted = count::instructions(wanted, &late, &|| bar.advance(1));
    bar.finish();
    let missing = wanted.len() - counted.iter().filter(|record| matches!(record, Record::Count(_))).count();
    let was_cut = missing > 0 && late();
    keep_all(session, counted)?;
    if was_cut {
        let all = wanted.len();
        session.keep(Record::Note(format!("Instructions of {missing} of {all} cells left out for want of time.")))?;
    }
    Ok(())
}

fn keep_all(session: &mut Session, records: Vec<Record>) -> anyhow::Result<()> {
    records.into_iter().try_for_each(|record| session.keep(record))
}
