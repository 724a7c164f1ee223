//! The processes that measure a panel, which are started anew for each block.

use std::time::Duration;

use fairbench::compare::group::{Arm, Effort};
use fairbench::compare::panel::{Enough, PanelBlocks};
use fairbench::compare::runner::MeasureError;
use fairbench::exit::Failure;
use fairbench::interrupt;
use fairbench::probe::{Lineup, ProbeCommand};
use tempfile::NamedTempFile;

use crate::own::own_program;
use crate::run::{ArmKind, Panel, Point};
use crate::sweep::points::{case, file_of};

/// How arms of a panel share processes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Sharing {
    /// Arms of one variant share a process, whatever their knobs and groups: a sweep has many arms. The control has a
    /// process of its own.
    ByVariant,
    /// Arms at the same place in their groups share a process. No two arms of a group do, so they do not share what a
    /// process keeps, such as its helper threads.
    ByPlace,
}

/// A panel with the processes that measure it, block by block.
pub struct PanelLineup {
    /// The processes, and the groups with their arms, in the order of the panel.
    pub lineup: Lineup,
    /// The files that tell the processes what to measure; removed when dropped.
    _files: Vec<NamedTempFile>,
}

impl PanelLineup {
    /// Prepares processes of this very program.
    ///
    /// # Errors
    /// The program was built from other sources than those at hand; files for the processes cannot be written.
    pub fn of(panel: &Panel, sharing: Sharing) -> anyhow::Result<Self> {
        let program = own_program("perf-lab")?;
        let mut known: Vec<(usize, ArmKind, &str)> = Vec::new();
        let mut points: Vec<Vec<&Point>> = Vec::new();
        let mut groups = Vec::new();
        for group in &panel.groups {
            let mut arms = Vec::new();
            for (place, arm) in group.arms.iter().enumerate() {
                let place = if sharing == Sharing::ByPlace { place } else { 0 };
                // As a reference or as one of many: it is the same program.
                let kind = if arm.kind == ArmKind::Reference { ArmKind::Variant } else { arm.kind };
                let who = (place, kind, arm.variant.as_str());
                let process = known.iter().position(|known| *known == who).unwrap_or_else(|| {
                    known.push(who);
                    points.push(Vec::new());
                    known.len() - 1
                });
                if let Some(points) = points.get_mut(process).filter(|points| !points.contains(&&arm.point)) {
                    points.push(&arm.point);
                }
                arms.push(Arm { process, case: case(&arm.point) });
            }
            groups.push(arms);
        }
        let first = panel.groups.first().and_then(|group| group.arms.first());
        let threads = first.map_or(1, |arm| arm.point.knobs.threads);
        let mut processes = Vec::new();
        let mut files = Vec::new();
        for ((_, kind, variant), points) in known.into_iter().zip(&points) {
            let file = file_of(points)?;
            let labelled = ProbeCommand { label: variant.to_owned(), ..program.clone() };
            let command = labelled.args(["probe", "--points"]).args([file.path()]);
            files.push(file);
            let mut command = match kind {
                ArmKind::Floor => command.args(["--floor"]),
                ArmKind::Variant | ArmKind::Reference | ArmKind::Classic | ArmKind::Control => {
                    command.args(["--variant", variant])
                }
            };
            command.env.push(("RAYON_NUM_THREADS".to_owned(), threads.to_string()));
            processes.push(command);
        }
        Ok(Self { lineup: Lineup { processes, groups }, _files: files })
    }
}

/// Measures a panel by itself, each arm of a group in a process of its own. Ctrl-C ends it.
///
/// # Errors
/// A process fails or decides wrongly (exit 1), or Ctrl-C. What was measured before is lost.
pub fn measure(panel: &Panel, effort: Effort, enough: Enough) -> Result<PanelBlocks, Failure> {
    let own = PanelLineup::of(panel, Sharing::ByPlace)?;
    own.lineup.measure(effort, enough, &interrupt::requested).map_err(MeasureError::into_difference)
}

/// Least time that a block of this panel takes, estimated before one was measured, to tell what fits into a budget.
#[must_use]
pub fn expected(panel: &Panel, effort: Effort) -> Duration {
    /// Time to start a process, mint its tokens and check them.
    const START: Duration = Duration::from_millis(30);
    /// Turns of each arm in a round, and to warm up.
    const TURNS: usize = 2;
    let arms: usize = panel.groups.iter().map(|group| group.arms.len()).sum();
    let most = panel.groups.iter().map(|group| group.arms.len()).max().unwrap_or_default();
    let turns = arms * TURNS * (effort.rounds + 1);
    START * most as u32 + Duration::from_nanos(effort.turn_ns as u64) * turns as u32
}
