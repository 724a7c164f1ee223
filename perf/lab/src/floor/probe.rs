//! The floor as a probe: the canonical cases by name, and the least work that each can be.

use std::io;
use std::sync::Arc;
use std::time::Duration;

use fairbench::probe::ProbeCommand;
use fairbench_probe::clock::Clock;
use fairbench_probe::protocol::Case;
use fairbench_probe::serve::{Job, Suite};
use perf_probe::cases::{Prepared, cases};

use super::Floor;
use crate::own::own_program;

/// The single-threaded cases. (There is no floor of handing work to other threads.)
pub struct FloorSuite;

impl Suite for FloorSuite {
    fn cases(&self, _: usize) -> Vec<Case> {
        cases(1)
    }

    fn prepare(&self, case: &str, _: usize) -> Option<Box<dyn Job>> {
        let prepared = Prepared::named(case, 1)?;
        Some(Box::new(FloorJob(Floor::new(Arc::new(prepared.corpus().clone()), prepared.batch()))))
    }
}

struct FloorJob(Floor);

impl Job for FloorJob {
    fn check(&mut self) -> Result<u64, String> {
        self.0.check()
    }

    fn run(&mut self, iterations: u64, work_factor: f64) -> io::Result<Duration> {
        let passes = (iterations as f64 * work_factor).round() as u64;
        Clock::for_threads(1).time(|| (0..passes).for_each(|_| self.0.pass()))
    }
}

/// The command that starts the floor's probe.
///
/// # Errors
/// The system does not tell where this program lies.
pub fn command() -> anyhow::Result<ProbeCommand> {
    Ok(own_program("the floor")?.args(["probe", "--floor"]))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_single_threaded_case_has_a_floor_that_proves_itself() {
        for case in FloorSuite.cases(8) {
            let mut job = FloorSuite.prepare(&case.name, 8).unwrap();
            assert_eq!(job.check(), Ok(case.items_per_iteration), "{}", case.name);
            assert!(job.run(1, 1.0).unwrap() > Duration::ZERO);
        }
        assert!(FloorSuite.prepare("verify_many_1024_all_cores", 8).is_none());
    }
}
