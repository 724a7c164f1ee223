//! Something that can be measured.

use std::time::Instant;

use anyhow::Context;
use cpu_time::ThreadTime;

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

/// What a turn is timed with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Clock {
    /// CPU time of the calling thread: for work that is all done on it. When another process takes the core away, a
    /// long turn loses more than a short one, and wall time would make slow variants look slower still.
    ThreadCpu,
    /// Wall time: for work that is spread over threads.
    Wall,
}

impl Clock {
    /// The clock for work on this many threads.
    #[must_use]
    pub const fn for_threads(threads: usize) -> Self {
        if threads == 1 { Self::ThreadCpu } else { Self::Wall }
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
        let elapsed = match self.clock {
            Clock::ThreadCpu => {
                let start = ThreadTime::try_now().context("this system does not tell a thread's CPU time")?;
                self.passes(passes);
                start.try_elapsed().context("this system does not tell a thread's CPU time")?
            }
            Clock::Wall => {
                let start = Instant::now();
                self.passes(passes);
                start.elapsed()
            }
        };
        Ok(elapsed.as_secs_f64() * 1e9)
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    /// Sleeps: takes wall time, but no CPU time.
    struct Sleep;

    impl Work for Sleep {
        fn pass(&mut self) {
            std::thread::sleep(Duration::from_millis(20));
        }
    }

    #[test]
    fn time_that_a_thread_does_not_run_is_not_charged_to_it() {
        let on_cpu_ns = InProcess::new(Sleep, Clock::for_threads(1)).run(2).unwrap();
        let wall_ns = InProcess::new(Sleep, Clock::for_threads(2)).run(2).unwrap();
        assert!(wall_ns >= 40e6 && on_cpu_ns < 20e6, "{wall_ns} {on_cpu_ns}");
    }
}
