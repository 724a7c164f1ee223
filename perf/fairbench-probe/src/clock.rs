//! The clock that a turn is timed with.

use std::io;
use std::time::{Duration, Instant};

use cpu_time::ThreadTime;
use serde::{Deserialize, Serialize};

use crate::timed_work;

/// A clock for turns.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
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

    /// Does the work and returns how long it takes. It is done within [`timed_work`], so that it can be counted as
    /// well.
    ///
    /// # Errors
    /// The system does not tell the CPU time of a thread.
    pub fn time(self, mut work: impl FnMut()) -> io::Result<Duration> {
        match self {
            Self::ThreadCpu => {
                let start = ThreadTime::try_now()?;
                timed_work(&mut work);
                start.try_elapsed()
            }
            Self::Wall => {
                let start = Instant::now();
                timed_work(&mut work);
                Ok(start.elapsed())
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn time_that_a_thread_does_not_run_is_not_charged_to_it() {
        // Takes wall time, but no CPU time.
        let sleep = || std::thread::sleep(Duration::from_millis(40));
        let on_cpu = Clock::for_threads(1).time(sleep).unwrap();
        let wall = Clock::for_threads(2).time(sleep).unwrap();
        assert!(wall.as_millis() >= 40 && on_cpu.as_millis() < 20, "{wall:?} {on_cpu:?}");
    }
}
