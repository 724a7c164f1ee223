//! Measures the panels of a run, block by block, within a budget.

use std::time::{Duration, Instant};

use fairbench::compare::group::{ArmEstimate, Effort};
use fairbench::compare::runner::MeasureError;
use fairbench::measure::interval::{ERROR_PER_SIDE, MedianInterval};
use fairbench::measure::seed_of_now;
use rand::SeedableRng;
use rand_chacha::ChaCha8Rng;

use super::block::{PanelLineup, Sharing, expected};
use super::schedule::{self, Limits, PanelProgress};
use crate::run::record::Block;
use crate::run::{ArmKind, Record, Run, Session};

/// How a sweep is measured.
#[derive(Clone, Copy, Debug)]
pub struct SweepMethod {
    /// Limits that say when a panel has enough blocks.
    pub limits: Limits,
    /// How much a block measures.
    pub effort: Effort,
    /// Time for all of it; `None` if it takes as long as it needs.
    pub budget: Option<Duration>,
}

/// The state after a block, for whoever waits.
pub struct Step<'a> {
    /// The run so far.
    pub run: &'a Run,
    /// Index of the panel that was measured.
    pub panel: usize,
    /// Part of the time that is spent, from 0 to 1.
    pub spent: f64,
    /// Most time that it will take from here on.
    pub left: Duration,
}

/// The reason why a sweep ended.
#[derive(Clone, Debug, PartialEq)]
pub enum SweepEnd {
    /// Every panel has as many blocks as the plan wants.
    Done,
    /// The budget was spent.
    OutOfBudget,
    /// Ctrl-C was pressed.
    Interrupted,
}

/// A run that can be added to.
pub trait Keep {
    /// The run so far.
    fn run(&self) -> &Run;

    /// Adds a record to the run.
    ///
    /// # Errors
    /// The record could not be kept.
    fn keep(&mut self, record: Record) -> anyhow::Result<()>;
}

/// Keeps records in memory alone.
impl Keep for Run {
    fn run(&self) -> &Run {
        self
    }

    fn keep(&mut self, record: Record) -> anyhow::Result<()> {
        self.push(record);
        Ok(())
    }
}

impl Keep for Session {
    fn run(&self) -> &Run {
        &self.run
    }

    fn keep(&mut self, record: Record) -> anyhow::Result<()> {
        Self::keep(self, record)
    }
}

/// Measures until it is done, out of time or interrupted. Every block is kept as soon as it is measured.
///
/// # Errors
/// A process fails or decides wrongly, or a block cannot be kept.
pub fn measure(
    kept: &mut dyn Keep,
    method: SweepMethod,
    interrupted: &dyn Fn() -> bool,
    told: &mut dyn FnMut(&Step<'_>),
) -> anyhow::Result<SweepEnd> {
    let start = Instant::now();
    // What a run that goes on has spent already.
    let before_s = kept.run().blocks.last().map_or(0.0, |block| block.at_s);
    let lineup = |panel| PanelLineup::of(panel, Sharing::ByVariant);
    let lineups = kept.run().header.panels.iter().map(lineup).collect::<Result<Vec<_>, _>>()?;
    // Orders and layouts: drawn anew by every run and every continuation of one.
    let mut rng = ChaCha8Rng::seed_from_u64(seed_of_now());
    let budget = method.budget.map(|budget| budget.saturating_sub(Duration::from_secs_f64(before_s)));
    let mut progress: Vec<PanelProgress> =
        (0..lineups.len()).map(|panel| progress_of(kept.run(), panel, method)).collect();
    loop {
        if interrupted() {
            return Ok(SweepEnd::Interrupted);
        }
        let left = budget.map(|budget| budget.saturating_sub(start.elapsed()));
        let Some(index) = schedule::next(&progress, method.limits, left) else {
            let unfinished = schedule::next(&progress, method.limits, None).is_some();
            return Ok(if unfinished { SweepEnd::OutOfBudget } else { SweepEnd::Done });
        };
        let Some(PanelLineup { lineup, .. }) = lineups.get(index) else { return Ok(SweepEnd::Done) };
        let begun = Instant::now();
        let found = match lineup.block(method.effort, &mut rng, interrupted) {
            Ok(found) => found,
            Err(MeasureError::Interrupted) => return Ok(SweepEnd::Interrupted),
            Err(error) => return Err(error.into()),
        };
        let record = Record::Block(Block {
            panel: index,
            at_s: before_s + start.elapsed().as_secs_f64(),
            took_s: begun.elapsed().as_secs_f64(),
            ns_per_token: column(&found, |arm| arm.ns_per_item),
            log_ratio: column(&found, |arm| arm.log_ratio),
        });
        kept.keep(record)?;
        if let Some(slot) = progress.get_mut(index) {
            *slot = progress_of(kept.run(), index, method);
        }
        let most = schedule::forecast(&progress, method.limits);
        let left = budget.map_or(most, |budget| most.min(budget.saturating_sub(start.elapsed())));
        let spent = start.elapsed().as_secs_f64();
        told(&Step { run: kept.run(), panel: index, spent: spent / (spent + left.as_secs_f64()), left });
    }
}

/// One value for each group and arm.
fn column(block: &[Vec<ArmEstimate>], value: fn(&ArmEstimate) -> f64) -> Vec<Vec<f64>> {
    block.iter().map(|arms| arms.iter().map(value).collect()).collect()
}

fn progress_of(run: &Run, panel: usize, method: SweepMethod) -> PanelProgress {
    let took: Vec<f64> = run.blocks.iter().filter(|block| block.panel == panel).map(|block| block.took_s).collect();
    let block = if took.is_empty() {
        run.header.panels.get(panel).map_or(Duration::ZERO, |panel| expected(panel, method.effort))
    } else {
        Duration::from_secs_f64(fairbench::measure::stats::median(&took))
    };
    PanelProgress { blocks: took.len(), block, half_width: widest_interval(run, panel) }
}

/// Half-width of the widest 95 % interval of the panel's variants, as a part of one.
fn widest_interval(run: &Run, panel: usize) -> f64 {
    let blocks: Vec<&Block> = run.blocks.iter().filter(|block| block.panel == panel).collect();
    let Some(groups) = run.header.panels.get(panel).map(|panel| &panel.groups) else { return 0.0 };
    let mut widest: f64 = 0.0;
    for (at, group) in groups.iter().enumerate() {
        for (arm, _) in group.arms.iter().enumerate().filter(|(_, arm)| arm.kind == ArmKind::Variant).skip(1) {
            let values: Vec<f64> =
                blocks.iter().filter_map(|block| block.log_ratio.get(at)?.get(arm).copied()).collect();
            let half_width = MedianInterval::of(&values, ERROR_PER_SIDE).map_or(f64::INFINITY, |i| i.half_width());
            widest = widest.max(half_width);
        }
    }
    widest
}
