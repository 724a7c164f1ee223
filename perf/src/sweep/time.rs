//! Times one group and turns its rounds into rows.

use std::sync::Arc;

use ron_auth_fixtures::Corpus;
use ron_auth_variants::Variant;

use super::plan::Mode;
use super::row::{Kind, Row};
use crate::cell::{Cell, Group, Knobs, Purpose};
use crate::count::jemalloc;
use crate::floor::Floor;
use crate::measure::pin::on_one_core;
use crate::measure::rounds::{Effort, Rounds, measure};
use crate::measure::stats::{PairedRatio, Quartiles};
use crate::measure::subject::{Clock, InProcess, Subject};
use crate::workload::Workload;

/// Fewest rounds that an interrupted group is reported from.
const FEWEST_ROUNDS: usize = 3;

/// How long a group of this kind is measured.
#[must_use]
pub fn effort_for(mode: Mode, group: &Group, rounds: Option<usize>) -> Effort {
    let effort = if group.is_single_threaded() { mode.effort() } else { mode.effort().times(2) };
    match rounds {
        Some(rounds) => Effort { min_rounds: rounds, max_rounds: rounds, ..effort },
        None => effort,
    }
}

/// A row to be: what it is called, and its bytes per token by jemalloc's count.
struct Entry {
    kind: Kind,
    name: String,
    knobs: Knobs,
    jemalloc_bytes_per_token: Option<f64>,
}

/// Index of the reference among the subjects; its control follows.
const PLAIN: usize = 0;

/// Measures the reference, its control, the floor (on one thread) and all cells of the group in the same rounds.
/// Allocations and instructions are left for the caller to fill in.
///
/// # Errors
/// The measuring thread could not be started.
pub fn time_group(
    index: usize,
    group: &Group,
    reference: &Variant,
    corpus: &Arc<Corpus>,
    effort: Effort,
    interrupted: &(dyn Fn() -> bool + Sync),
    progress: &mut (dyn FnMut(f64) + Send),
) -> anyhow::Result<Vec<Row>> {
    let mut work = || -> anyhow::Result<(Vec<Entry>, Rounds)> {
        let clock = Clock::for_threads(group.threads);
        let mut entries = Vec::new();
        let mut subjects: Vec<Box<dyn Subject>> = Vec::new();
        let plain = Cell {
            variant: *reference,
            fixture: group.fixture,
            batch: group.batch,
            knobs: Knobs::defaults(group.threads),
        };
        let kind_of_plain = match group.purpose {
            Purpose::Variants => Kind::Variant,
            Purpose::Knobs => Kind::Reference,
        };
        let verifiers = [(kind_of_plain, &plain), (Kind::Control, &plain)]
            .into_iter()
            .chain(group.cells.iter().map(|cell| (Kind::Variant, cell)));
        for (kind, cell) in verifiers {
            let workload = Workload::new(&cell.variant, corpus.clone(), cell.batch, cell.knobs);
            entries.push(Entry {
                kind,
                name: cell.variant.name.to_owned(),
                knobs: cell.knobs,
                jemalloc_bytes_per_token: jemalloc_bytes_per_token(&workload, group),
            });
            subjects.push(Box::new(InProcess::new(workload, clock)));
        }
        if group.is_single_threaded() {
            let floor = Entry {
                kind: Kind::Floor,
                name: "floor".to_owned(),
                knobs: plain.knobs,
                jemalloc_bytes_per_token: None,
            };
            entries.push(floor);
            subjects.push(Box::new(InProcess::new(Floor::new(corpus.clone(), group.batch), clock)));
        }
        let rounds = measure(&mut subjects, effort, index as u64, &interrupted, progress)?;
        Ok((entries, rounds))
    };
    let (pinned, measured) = if group.is_single_threaded() { on_one_core(work)? } else { (false, work()) };
    let (entries, rounds) = measured?;
    if rounds.len() < FEWEST_ROUNDS {
        return Ok(Vec::new());
    }
    Ok(rows(index, group, corpus, pinned, &entries, &rounds))
}

fn rows(index: usize, group: &Group, corpus: &Corpus, pinned: bool, entries: &[Entry], rounds: &Rounds) -> Vec<Row> {
    let memory = jemalloc::process_memory();
    let floor = entries.iter().position(|entry| entry.kind == Kind::Floor);
    let row = |(at, entry): (usize, &Entry)| -> Option<Row> {
        let time_ns = Quartiles::of(rounds.of(at))?.scaled(1.0 / corpus.tokens.len() as f64);
        let to_plain = PairedRatio::of(rounds.of(at), rounds.of(PLAIN), index as u64)?;
        let to_floor = floor.and_then(|floor| PairedRatio::of(rounds.of(at), rounds.of(floor), index as u64));
        let mut row = Row {
            group: index,
            purpose: match group.purpose {
                Purpose::Variants => "variants",
                Purpose::Knobs => "knobs",
            }
            .to_owned(),
            kind: entry.kind,
            variant: entry.name.clone(),
            fixture: group.fixture.name().to_owned(),
            batch_tokens: group.batch,
            soa_threshold_caveats: entry.knobs.soa_threshold,
            par_min_batch_tokens: entry.knobs.par_min_batch,
            threads: group.threads,
            pinned,
            rounds: rounds.len(),
            complete: !rounds.interrupted,
            time_median_ns_per_token: time_ns.median,
            time_q1_ns_per_token: time_ns.q1,
            time_q3_ns_per_token: time_ns.q3,
            ratio_to_plain: to_plain.estimate,
            ratio_to_plain_lower95: to_plain.lower,
            ratio_to_plain_upper95: to_plain.upper,
            ratio_to_floor: to_floor.map(|ratio| ratio.estimate),
            ratio_to_floor_lower95: to_floor.map(|ratio| ratio.lower),
            ratio_to_floor_upper95: to_floor.map(|ratio| ratio.upper),
            allocations_per_token: None,
            allocated_bytes_per_token: None,
            jemalloc_allocated_bytes_per_token: entry.jemalloc_bytes_per_token,
            jemalloc_process_allocated_bytes: None,
            jemalloc_process_active_bytes: None,
            jemalloc_process_resident_bytes: None,
            instructions_per_token: None,
        };
        row.set_process_memory(memory);
        Some(row)
    };
    entries.iter().enumerate().filter_map(row).collect()
}

/// On one thread only: what other threads allocate is not seen from here.
fn jemalloc_bytes_per_token(workload: &Workload, group: &Group) -> Option<f64> {
    if !group.is_single_threaded() {
        return None;
    }
    workload.pass();
    let bytes = jemalloc::thread_allocated_bytes(|| workload.pass())?;
    Some(bytes as f64 / workload.tokens_per_pass() as f64)
}
