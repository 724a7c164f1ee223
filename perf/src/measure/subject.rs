//! Something that can be measured.

use std::time::Instant;

use crate::floor::Floor;
use crate::workload::Workload;

/// Can be told to run its work and answers with the time that took.
///
/// All scheduling and statistics are written against this trait alone. Here it is filled within the process; a probe
/// process that is told "run N passes" over a pipe fills it just as well.
pub trait Subject {
    /// Does the work `passes` times and returns the nanoseconds that took.
    ///
    /// # Errors
    /// The subject could not do its work.
    fn run(&mut self, passes: u64) -> anyhow::Result<f64>;
}

impl Subject for Workload {
    fn run(&mut self, passes: u64) -> anyhow::Result<f64> {
        let start = Instant::now();
        for _ in 0..passes {
            self.pass();
        }
        Ok(elapsed_ns(start))
    }
}

impl Subject for Floor {
    fn run(&mut self, passes: u64) -> anyhow::Result<f64> {
        let start = Instant::now();
        for _ in 0..passes {
            self.pass();
        }
        Ok(elapsed_ns(start))
    }
}

fn elapsed_ns(start: Instant) -> f64 {
    start.elapsed().as_secs_f64() * 1e9
}
