//! Any number of probes that are started anew for each block, and the groups that they take turns in.

use std::path::PathBuf;
use std::time::Instant;

use rand::SeedableRng;
use rand_chacha::ChaCha8Rng;

use super::client::Client;
use super::command::{Copied, ProbeCommand};
use crate::compare::group::{Arm, ArmEstimate, Effort, Turns};
use crate::compare::layout::Layout;
use crate::compare::panel::{self, Enough, PanelBlocks};
use crate::compare::runner::{CaseInfo, MeasureError, Runner};
use crate::measure::seed_of_now;

/// What a panel is measured with.
#[derive(Clone, Debug, Default)]
pub struct Lineup {
    /// How each process is started.
    pub processes: Vec<ProbeCommand>,
    /// The comparison groups. An arm names its process by its place in [`processes`](Self::processes).
    pub groups: Vec<Vec<Arm>>,
}

impl Lineup {
    /// Runs one block: starts the processes in random order, all laid out alike, has each prove its answers on its own
    /// cases, and lets them take turns in every group. Pinned to the measuring core if all work is on one thread.
    ///
    /// # Errors
    /// A process that fails or answers wrongly; Ctrl-C. The block is then lost, nothing else.
    pub fn block(
        &self,
        effort: Effort,
        rng: &mut ChaCha8Rng,
        interrupted: &dyn Fn() -> bool,
    ) -> Result<Vec<Vec<ArmEstimate>>, MeasureError> {
        let layout = Layout::draw(rng);
        let copies = self.copies()?;
        let pin = self.arms().all(|arm| arm.case.is_single_threaded());
        let processes: Vec<usize> = (0..self.processes.len()).collect();
        let start = |process: &usize| self.start(*process, &copies, layout, pin);
        panel::block(&processes, start, &self.groups, effort, Turns::EqualTime, rng, interrupted)
    }

    /// Runs blocks until it is enough.
    ///
    /// # Errors
    /// As [`block`](Self::block); what was measured before is lost.
    pub fn measure(
        &self,
        effort: Effort,
        enough: Enough,
        interrupted: &dyn Fn() -> bool,
    ) -> Result<PanelBlocks, MeasureError> {
        // Orders and layouts: drawn anew by every run.
        let mut rng = ChaCha8Rng::seed_from_u64(seed_of_now());
        let start = Instant::now();
        panel::measure(enough, &|| start.elapsed(), &mut || self.block(effort, &mut rng, interrupted))
    }

    fn arms(&self) -> impl Iterator<Item = &Arm> {
        self.groups.iter().flatten()
    }

    /// One copy of each program for all of its processes: they share the luck of where its pages lie.
    fn copies(&self) -> Result<Vec<(PathBuf, Copied)>, MeasureError> {
        let mut copies: Vec<(PathBuf, Copied)> = Vec::new();
        for command in &self.processes {
            if !copies.iter().any(|(program, _)| *program == command.program)
                && let Some(copy) = command.copy()?
            {
                copies.push((command.program.clone(), copy));
            }
        }
        Ok(copies)
    }

    fn start(
        &self,
        process: usize,
        copies: &[(PathBuf, Copied)],
        layout: Layout,
        pin: bool,
    ) -> Result<Box<dyn Runner>, MeasureError> {
        let Some(command) = self.processes.get(process) else {
            return Err(MeasureError::CouldNotStart { probe: process.to_string(), detail: "there is none".to_owned() });
        };
        let copy = copies.iter().find(|(program, _)| command.copied && *program == command.program);
        let program = copy.map_or(&command.program, |(_, copy)| &copy.command.program).clone();
        let mut client = Client::start(&ProbeCommand { program, ..command.clone() }, layout, pin)?;
        let mut checked: Vec<&CaseInfo> = Vec::new();
        for arm in self.arms().filter(|arm| arm.process == process) {
            if !checked.contains(&&arm.case) {
                client.check_as(&arm.case)?;
                checked.push(&arm.case);
            }
        }
        Ok(Box::new(client))
    }
}
