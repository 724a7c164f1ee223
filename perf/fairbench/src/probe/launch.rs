//! Starting a probe for one block: on a core, with a layout, and checked before anyone times it.

use std::process::{Command, Stdio};
use std::sync::OnceLock;

use super::child::ProcessGroup;
use super::client::{Client, could_not_start};
use super::command::ProbeCommand;
use crate::compare::layout::Layout;
use crate::compare::runner::{CaseInfo, Launcher, MeasureError, Ran, Role, Runner};
use crate::measure::pin::{measuring_core, pin_to_measuring_core};

/// The programs of a comparison.
#[derive(Clone, Debug)]
pub struct Pair {
    /// The program that the candidate is compared with, which is also its own control.
    pub base: ProbeCommand,
    /// The program that is judged.
    pub candidate: ProbeCommand,
}

impl Launcher for Pair {
    fn launch(
        &self,
        role: Role,
        cases: &[CaseInfo],
        layout: Layout,
        pin: bool,
    ) -> Result<Box<dyn Runner>, MeasureError> {
        let command = match role {
            Role::Base | Role::Control => &self.base,
            Role::Candidate => &self.candidate,
        };
        let copied = command.copy()?;
        let mut client = Client::start(copied.as_ref().map_or(command, |copied| &copied.command), layout, pin)?;
        for case in cases {
            client.check_as(case)?;
        }
        Ok(Box::new(client))
    }
}

impl Runner for Client {
    fn run(&mut self, case: &str, iterations: u64) -> Result<Ran, MeasureError> {
        Self::run(self, case, iterations)
    }
}

/// Whether this system lets a program be started without address randomisation.
#[must_use]
pub fn fixed_addresses() -> bool {
    static FIXED: OnceLock<bool> = OnceLock::new();
    // Containers often forbid the call that setarch makes.
    *FIXED.get_or_init(|| {
        let tried = Command::new("setarch").args(["-R", "true"]).stdin(Stdio::null()).stderr(Stdio::null()).status();
        tried.is_ok_and(|status| status.success())
    })
}

/// Starts a command, pinned to the measuring core if asked and possible.
pub(crate) fn spawn(label: &str, command: &mut Command, pin: bool) -> Result<ProcessGroup, MeasureError> {
    let spawned = if pin {
        // Settled here, where all cores are there to choose from.
        let _ = measuring_core();
        // A child inherits the affinity of the thread that starts it; the thread ends here, and this process stays
        // free.
        std::thread::scope(|scope| {
            let starter = scope.spawn(|| {
                let _ = pin_to_measuring_core();
                ProcessGroup::spawn(command)
            });
            starter.join().unwrap_or_else(|_| Err(std::io::Error::other("the starting thread panicked")))
        })
    } else {
        ProcessGroup::spawn(command)
    };
    spawned.map_err(|error| could_not_start(label, &error))
}
