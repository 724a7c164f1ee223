//! Measuring what an advice rests on: the safe compositions on the workload in question, then knobs of the one that is
//! chosen, and what else might change the advice.

use std::time::{Duration, Instant};

use fairbench::compare::group::Effort;
use fairbench::exit::Failure;
use fairbench::host::Host;
use ron_auth_catalogue::{Variant, compositions, find};

use super::needed::{Budget, Needed};
use super::ranking::is_safe;
use super::{Question, advise};
use crate::catalogue::available::hindrance;
use crate::corpus::Source;
use crate::run::record::Header;
use crate::run::{Panel, Run};
use crate::sweep::block::expected;
use crate::sweep::check::{cells, check_all};
use crate::sweep::measure::{Step, SweepEnd, SweepMethod, measure};
use crate::sweep::plan::{PlanSection, panels_of};
use crate::sweep::schedule::Limits;

/// Batch sizes that are measured beside the one in question.
const OTHER_BATCHES: [usize; 4] = [1, 8, 64, 1024];
const SOA_THRESHOLDS: [usize; 5] = [4, 8, 16, 32, 64];
const PAR_MIN_BATCHES: [usize; 6] = [32, 64, 96, 128, 192, 256];
/// Part of the time for the compositions on the workload itself, and the part for that and for what may change the
/// advice. The rest is for knobs.
const FOR_QUESTION: f64 = 0.5;
const FOR_CHANGES: f64 = 0.8;
const EFFORT: Effort = Effort { turn_ns: 300_000.0, rounds: 3 };
const LIMITS: Limits = Limits { least: 12, most: 96, precision: 0.004 };

/// Measures within this time, or for as long as an answer needs at least, which `say` is told before. What may change
/// the advice, and knobs, get what is left of the time.
///
/// # Errors
/// An unknown corpus; a composition that decides wrongly (exit 1); a process that fails; a strict budget that is too
/// short (exit 3); Ctrl-C.
pub fn measured(
    question: &Question,
    host: Host,
    budget: Budget,
    say: &mut dyn FnMut(&str),
    interrupted: &dyn Fn() -> bool,
    told: &mut dyn FnMut(&Step<'_>),
) -> Result<Run, Failure> {
    let begun = Instant::now();
    let source: Source = question.corpus.parse().map_err(Failure::usage)?;
    let safe: Vec<Variant> = compositions().iter().copied().filter(is_safe).collect();
    // What only runs on one thread needs no second look on several.
    let threads = if question.batch > 1 && question.cores > 1 { vec![1, question.cores] } else { vec![1] };
    let section = |variants: &[Variant], batches: &[usize], threads: &[usize]| PlanSection {
        name: "compositions".to_owned(),
        variants: variants.to_vec(),
        corpora: vec![source.clone()],
        batches: batches.to_vec(),
        threads: threads.to_vec(),
        soa_thresholds: Vec::new(),
        par_min_batches: Vec::new(),
    };
    let mut asked = safe.clone();
    asked.extend(["prod", "prod-avx2"].iter().filter_map(|name| find(name).ok()));
    let others: Vec<usize> = OTHER_BATCHES.into_iter().filter(|batch| *batch != question.batch).collect();

    let mut run = Run::new(Header::new("recommend", host, Vec::new()), std::path::PathBuf::new());
    let mut more = |run: &mut Run, limits: Limits, time: Option<Duration>| -> Result<bool, Failure> {
        match measure(run, SweepMethod { limits, effort: EFFORT, budget: time }, interrupted, told)? {
            SweepEnd::Interrupted => Err(Failure::interrupted()),
            ended => Ok(ended == SweepEnd::Done),
        }
    };
    let add = |run: &mut Run, panels: Vec<Panel>| -> Result<(), Failure> {
        let from = run.header.panels.len();
        run.header.panels.extend(panels);
        run.header.leave_out(&hindrance);
        let added = run.header.panels.get(from..).unwrap_or_default();
        run.header.checked_cells += check_all(&cells(added), interrupted, &mut || {})?;
        Ok(())
    };
    let part_of = |part: f64| Some(budget.time.mul_f64(part));
    // On one thread the named production variants sit beside the compositions; on several, the compositions alone.
    let on = |&count: &usize| section(if count == 1 { &asked } else { &safe }, &[question.batch], &[count]);
    add(&mut run, panels_of(&threads.iter().map(on).collect::<Vec<_>>()))?;
    let at_least: Vec<Duration> = run.header.panels.iter().map(|panel| expected(panel, EFFORT)).collect();
    let needed = |spent, blocks, done| Needed { spent, blocks, least: LIMITS.least, done };
    if budget.is_strict {
        // What is too short for the quickest tokens is so for any.
        needed(begun.elapsed(), at_least, 0).told(budget)?;
    }
    more(&mut run, Limits { least: 1, most: 1, ..LIMITS }, None)?;
    let pilot = run.blocks.iter().map(|block| Duration::from_secs_f64(block.took_s)).collect();
    say(&needed(begun.elapsed(), pilot, 1).told(budget)?);
    let enough = Limits { most: LIMITS.least, ..LIMITS };
    let is_measured = more(&mut run, enough, budget.is_strict.then_some(budget.time))?;
    if !is_measured {
        return Err(Failure::could_not(format_args!(
            "the {} of --budget ended before everything had {} blocks, because they took longer than the first \
             one; give it more, or leave out --strict-budget",
            humantime::format_duration(budget.time),
            LIMITS.least
        )));
    }
    more(&mut run, LIMITS, part_of(FOR_QUESTION))?;
    add(&mut run, panels_of(&[section(&safe, &others, &[1])]))?;
    more(&mut run, LIMITS, part_of(FOR_CHANGES))?;
    if let Ok(advice) = advise(&run, question) {
        let chosen = [advice.chosen.variant];
        let knobs = PlanSection {
            name: "knobs".to_owned(),
            soa_thresholds: SOA_THRESHOLDS.to_vec(),
            par_min_batches: PAR_MIN_BATCHES.to_vec(),
            ..section(&chosen, &[question.batch], &threads)
        };
        add(&mut run, panels_of(&[knobs]))?;
        more(&mut run, LIMITS, part_of(1.0))?;
    }
    Ok(run)
}
