//! Measures what an advice rests on: the safe compositions on the workload asked about, then knobs of the one that they
//! choose, and what else might change the advice.

use std::time::Duration;

use ron_auth_variants::{Variant, compositions, find};

use super::ranking::is_safe;
use super::{Question, advise};
use crate::compare::contest::Effort;
use crate::corpus::Source;
use crate::exit::Failure;
use crate::host::Host;
use crate::run::record::Header;
use crate::run::{Panel, Run};
use crate::sweep::check::{cells, check_all};
use crate::sweep::measure::{Ended, Method, Step, measure};
use crate::sweep::plan::{Section, panels_of};
use crate::sweep::schedule::Limits;

/// Batches that are looked at beside the one asked about.
const OTHER_BATCHES: [usize; 4] = [1, 8, 64, 1024];
const SOA_THRESHOLDS: [usize; 5] = [4, 8, 16, 32, 64];
const PAR_MIN_BATCHES: [usize; 6] = [32, 64, 96, 128, 192, 256];
/// Part of the time for the compositions on the workload itself, and for that and what may change the advice; the rest
/// is for knobs.
const FOR_QUESTION: f64 = 0.5;
const FOR_CHANGES: f64 = 0.8;
const EFFORT: Effort = Effort { turn_ns: 300_000.0, rounds: 3 };
const LIMITS: Limits = Limits { least: 12, most: 96, precision: 0.004 };

/// Measures within this time.
///
/// # Errors
/// An unknown corpus; a composition that decides wrongly (exit 1); a process that fails; Ctrl-C.
pub fn measured(
    question: &Question,
    host: Host,
    budget: Duration,
    interrupted: &dyn Fn() -> bool,
    told: &mut dyn FnMut(&Step<'_>),
) -> Result<Run, Failure> {
    let source: Source = question.corpus.parse().map_err(Failure::usage)?;
    let safe: Vec<Variant> = compositions().iter().copied().filter(is_safe).collect();
    // What only runs on one thread needs no second look on several.
    let threads = if question.batch > 1 && question.cores > 1 { vec![1, question.cores] } else { vec![1] };
    let section = |variants: &[Variant], batches: &[usize], threads: &[usize]| Section {
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
    let mut add = |run: &mut Run, panels: Vec<Panel>, part: f64| -> Result<(), Failure> {
        run.header.checked_cells += check_all(&cells(&panels), interrupted, &mut || {})?;
        run.header.panels.extend(panels);
        let method = Method { limits: LIMITS, effort: EFFORT, budget: Some(budget.mul_f64(part)) };
        match measure(run, method, interrupted, told)? {
            Ended::Interrupted => Err(Failure::interrupted()),
            Ended::Done | Ended::OutOfBudget => Ok(()),
        }
    };
    // On one thread the named production variants sit beside the compositions; on several, the compositions alone.
    let on = |&count: &usize| section(if count == 1 { &asked } else { &safe }, &[question.batch], &[count]);
    add(&mut run, panels_of(&threads.iter().map(on).collect::<Vec<_>>()), FOR_QUESTION)?;
    add(&mut run, panels_of(&[section(&safe, &others, &[1])]), FOR_CHANGES)?;
    if let Ok(advice) = advise(&run, question) {
        let chosen = [advice.chosen.variant];
        let knobs = Section {
            name: "knobs".to_owned(),
            soa_thresholds: SOA_THRESHOLDS.to_vec(),
            par_min_batches: PAR_MIN_BATCHES.to_vec(),
            ..section(&chosen, &[question.batch], &threads)
        };
        add(&mut run, panels_of(&[knobs]), 1.0)?;
    }
    Ok(run)
}
