//! Something that can be measured.

use crate::catalogue::workload::Workload;
use anyhow::Context;
pub use fairbench_probe::clock::Clock;

use crate::floor::Floor;

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

/// Work that is done within this process.
pub trait Work {
    /// Does it once.
    fn pass(&mut self);
}

impl Work for Workload {
    fn pass(&mut self) {
        Self::pass(self);
    }
}

impl Work for Floor {
    fn pass(&mut self) {
        Self::pass(self);
    }
}

/// Work with a clock.
pub struct InProcess<W> {
    work: W,
    clock: Clock,
}

impl<W: Work> InProcess<W> {
    /// Puts them together.
    pub const fn new(work: W, clock: Clock) -> Self {
        Self { work, clock }
    }

    fn passes(&mut self, passes: u64) {
        for _ in 0..passes {
            self.work.pass();
        }
    }
}

impl<W: Work> Subject for InProcess<W> {
    fn run(&mut self, passes: u64) -> anyhow::Result<f64> {
        let elapsed =
            self.clock.time(|| self.passes(passes)).context("this system does not tell a thread's CPU time")?;
        Ok(elapsed.as_secs_f64() * 1e9)
    }
}
