//! One block of a panel: a fresh process for each variant in it, which all take turns in every group.

use std::fs::File;
use std::io::Write;
use std::path::PathBuf;
use std::time::Duration;

use anyhow::Context;
use fairbench::compare::group::{self, Effort, Turns};
use fairbench::compare::layout::Layout;
use fairbench::compare::runner::{MeasureError, Runner};
use fairbench::probe::{Client, ProbeCommand};
use rand::seq::SliceRandom;
use rand_chacha::ChaCha8Rng;
use tempfile::TempDir;

use crate::run::{ArmKind, Panel, Point};
use crate::sweep::points::case;

/// A panel with the processes that measure it, block by block.
pub struct Lineup {
    /// The processes: kind, variant, and the file with the points of each.
    processes: Vec<(ArmKind, String, PathBuf)>,
    groups: Vec<Vec<group::Arm>>,
    points: Vec<Vec<Point>>,
    threads: usize,
    /// Directory of the files that tell the processes what to measure; removed when dropped.
    _directory: TempDir,
}

/// The values of a block, for each group and each of its arms.
pub struct BlockValues {
    /// Time per token in nanoseconds.
    pub ns_per_token: Vec<Vec<f64>>,
    /// ln(time / time of the first arm).
    pub log_ratio: Vec<Vec<f64>>,
}

impl Lineup {
    /// Prepares a process for each variant of the panel, one for the control, and one for the floor.
    ///
    /// # Errors
    /// Files for the processes cannot be written.
    pub fn of(panel: &Panel) -> anyhow::Result<Self> {
        let directory = tempfile::tempdir().context("could not make a temporary directory")?;
        let mut known: Vec<(ArmKind, &str)> = Vec::new();
        let mut points: Vec<Vec<Point>> = Vec::new();
        let mut groups = Vec::new();
        for group in &panel.groups {
            let mut arms = Vec::new();
            for arm in &group.arms {
                // As a reference or as one of many: it is the same program.
                let kind = if arm.kind == ArmKind::Reference { ArmKind::Variant } else { arm.kind };
                let who = (kind, arm.variant.as_str());
                let process = known.iter().position(|known| *known == who).unwrap_or_else(|| {
                    known.push(who);
                    points.push(Vec::new());
                    known.len() - 1
                });
                if let Some(points) = points.get_mut(process).filter(|points| !points.contains(&arm.point)) {
                    points.push(arm.point.clone());
                }
                arms.push(group::Arm { process, case: case(&arm.point) });
            }
            groups.push(arms);
        }
        let mut processes = Vec::new();
        for (number, ((kind, variant), points)) in known.into_iter().zip(&points).enumerate() {
            let path = directory.path().join(format!("{number}.json"));
            let text = serde_json::to_vec(points)?;
            let written = File::create(&path).and_then(|mut file| file.write_all(&text));
            written.with_context(|| format!("could not write {}", path.display()))?;
            processes.push((kind, variant.to_owned(), path));
        }
        let first = panel.groups.first().and_then(|group| group.arms.first());
        let threads = first.map_or(1, |arm| arm.point.knobs.threads);
        Ok(Self { processes, groups, points, threads, _directory: directory })
    }

    /// Starts the processes in random order and all laid out alike, has each prove its answers, and lets them take
    /// turns.
    ///
    /// # Errors
    /// A process fails or decides wrongly, or Ctrl-C. Only this block is lost then.
    pub fn measure(
        &self,
        program: &ProbeCommand,
        effort: Effort,
        rng: &mut ChaCha8Rng,
        interrupted: &dyn Fn() -> bool,
    ) -> Result<BlockValues, MeasureError> {
        let layout = Layout::draw(rng);
        // One copy for all of them: they are the same program, and share the luck of where its pages lie.
        let copy = program.copy()?;
        let program = copy.as_ref().map_or(program, |copy| &copy.command);
        let mut order: Vec<usize> = (0..self.processes.len()).collect();
        order.shuffle(rng);
        let mut started = Vec::with_capacity(order.len());
        for index in order {
            if interrupted() {
                return Err(MeasureError::Interrupted);
            }
            if let Some(client) = self.start(index, program, layout)? {
                started.push((index, client));
            }
        }
        started.sort_unstable_by_key(|(index, _)| *index);
        let mut runners: Vec<Box<dyn Runner>> =
            started.into_iter().map(|(_, client)| Box::new(client) as Box<dyn Runner>).collect();

        let mut order: Vec<usize> = (0..self.groups.len()).collect();
        order.shuffle(rng);
        let mut found = Vec::with_capacity(order.len());
        for index in order {
            let Some(arms) = self.groups.get(index) else { continue };
            found.push((index, group::run(&mut runners, arms, effort, Turns::EqualTime, rng, interrupted)?));
        }
        found.sort_unstable_by_key(|(index, _)| *index);
        let column = |value: fn(&group::ArmEstimate) -> f64| -> Vec<Vec<f64>> {
            found.iter().map(|(_, arms)| arms.iter().map(value).collect()).collect()
        };
        Ok(BlockValues { ns_per_token: column(|arm| arm.ns_per_item), log_ratio: column(|arm| arm.log_ratio) })
    }

    fn start(&self, index: usize, program: &ProbeCommand, layout: Layout) -> Result<Option<Client>, MeasureError> {
        let Some((kind, variant, points)) = self.processes.get(index) else { return Ok(None) };
        let mut command = ProbeCommand { label: variant.clone(), ..program.clone() }.args(["probe", "--points"]);
        command.args.push(points.into());
        command = match kind {
            ArmKind::Floor => command.args(["--floor"]),
            ArmKind::Variant | ArmKind::Reference | ArmKind::Classic | ArmKind::Control => {
                command.args(["--variant", variant])
            }
        };
        command.env.push(("RAYON_NUM_THREADS".to_owned(), self.threads.to_string()));
        let mut client = Client::start(&command, layout, self.threads == 1)?;
        for point in self.points.get(index).into_iter().flatten() {
            client.check_as(&case(point))?;
        }
        Ok(Some(client))
    }
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
