//! Where a side's time went in a block, summed over *all* its turns.
//!
//! The time of a block is a mean over rounds without those that something got in the way of. A sleep in one call of a
//! thousand would be such a thing. So what the clock of the case does not see is not taken from rounds, but from sums.

use fairbench_probe::spent::Spent;
use serde::{Deserialize, Serialize};

use super::runner::Ran;

/// Where the time of a side went, per item, over all turns of a block. Times are in nanoseconds.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Times {
    /// Time on the clock of the case.
    pub elapsed_ns: f64,
    /// Wall-clock time, which includes what neighbours took.
    pub wall_ns: f64,
    /// CPU time of the thread that did the work.
    pub thread_cpu_ns: f64,
    /// CPU time of that thread and of all others of the process; `None` if the probe does not tell.
    pub process_cpu_ns: Option<f64>,
    /// Time that the thread spent waiting: wall time in which it did not run, of turns in which it gave up its core,
    /// without the part in which it could have run and had none. Where a probe does not tell how often it gave up its
    /// core, all wall time in which it did not run.
    pub waited_ns: f64,
    /// How often the thread gave up its core, per item; `None` if the probe does not tell.
    pub voluntary_switches: Option<f64>,
}

/// The sums behind [`Times`].
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Ledger {
    items: u64,
    elapsed_ns: f64,
    wall_ns: u64,
    thread_cpu_ns: u64,
    process_cpu_ns: u64,
    waited_ns: f64,
    voluntary_switches: u64,
    /// Set when a turn did not report this; the sum is then unknown.
    without_clocks: bool,
    without_process: bool,
    without_switches: bool,
}

impl Ledger {
    /// Adds a turn of so many items.
    pub(super) fn add(&mut self, ran: &Ran, items: u64) {
        let Spent { wall_ns, thread_cpu_ns, process_cpu_ns, voluntary_switches, queued_ns } = ran.spent;
        self.items += items;
        self.elapsed_ns += ran.elapsed_ns;
        let (Some(wall_ns), Some(thread_cpu_ns)) = (wall_ns, thread_cpu_ns) else {
            self.without_clocks = true;
            return;
        };
        // Not cut off at 0: a coarse clock runs ahead in one turn and behind in the next.
        let off_core_ns = wall_ns as f64 - thread_cpu_ns as f64 - queued_ns.unwrap_or(0) as f64;
        // Who gave up nothing did not wait, however long its core was taken away.
        self.waited_ns += if voluntary_switches == Some(0) { 0.0 } else { off_core_ns };
        self.wall_ns = self.wall_ns.saturating_add(wall_ns);
        self.thread_cpu_ns = self.thread_cpu_ns.saturating_add(thread_cpu_ns);
        self.process_cpu_ns = self.process_cpu_ns.saturating_add(process_cpu_ns.unwrap_or(0));
        self.voluntary_switches = self.voluntary_switches.saturating_add(voluntary_switches.unwrap_or(0));
        self.without_process |= process_cpu_ns.is_none();
        self.without_switches |= voluntary_switches.is_none();
    }

    /// Returns the sums per item. `None` if the probe did not report clocks for every turn.
    pub(super) fn times(&self) -> Option<Times> {
        let per_item = 1.0 / self.items.max(1) as f64;
        (!self.without_clocks && self.items > 0).then(|| Times {
            elapsed_ns: self.elapsed_ns * per_item,
            wall_ns: self.wall_ns as f64 * per_item,
            thread_cpu_ns: self.thread_cpu_ns as f64 * per_item,
            process_cpu_ns: (!self.without_process).then_some(self.process_cpu_ns as f64 * per_item),
            waited_ns: self.waited_ns.max(0.0) * per_item,
            voluntary_switches: (!self.without_switches).then_some(self.voluntary_switches as f64 * per_item),
        })
    }
}

impl Times {
    /// CPU time of other threads; `None` if the probe does not tell.
    #[must_use]
    pub fn others_cpu_ns(&self) -> Option<f64> {
        Some((self.process_cpu_ns? - self.thread_cpu_ns).max(0.0))
    }

    /// Waiting that the clock of the case did not see: 0 if that is wall time.
    #[must_use]
    pub fn unseen_wait_ns(&self) -> f64 {
        (self.thread_cpu_ns + self.waited_ns - self.elapsed_ns).clamp(0.0, self.waited_ns)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ran(wall_ns: u64, cpu_ns: u64, switches: Option<u64>, queued_ns: Option<u64>) -> Ran {
        let spent = Spent {
            wall_ns: Some(wall_ns),
            thread_cpu_ns: Some(cpu_ns),
            process_cpu_ns: None,
            voluntary_switches: switches,
            queued_ns,
        };
        Ran { elapsed_ns: cpu_ns as f64, spent }
    }

    fn waited_ns(turns: &[Ran]) -> f64 {
        let mut ledger = Ledger::default();
        turns.iter().for_each(|turn| ledger.add(turn, 1));
        ledger.times().unwrap().waited_ns * turns.len() as f64
    }

    #[test]
    fn who_gave_up_its_core_waited_and_who_lost_it_did_not() {
        assert_eq!(waited_ns(&[ran(3000, 200, Some(0), Some(2800)), ran(200, 200, Some(0), None)]), 0.0);
        assert_eq!(waited_ns(&[ran(300, 200, Some(1), None)]), 100.0);
        assert_eq!(waited_ns(&[ran(3300, 200, Some(1), Some(3000))]), 100.0, "and lost it as well");
        assert_eq!(waited_ns(&[ran(300, 200, None, None)]), 100.0, "who can tell");
        // A clock of ticks: 1 µs of work that reads 0 or 10.
        assert_eq!(waited_ns(&[ran(5, 0, None, None), ran(5, 10, None, None)]), 0.0);
    }

    #[test]
    fn what_one_turn_does_not_tell_the_sum_does_not_tell() {
        let mut ledger = Ledger::default();
        ledger.add(&ran(300, 200, Some(1), None), 2);
        let times = ledger.times().unwrap();
        assert_eq!((times.voluntary_switches, times.process_cpu_ns, times.wall_ns), (Some(0.5), None, 150.0));
        ledger.add(&ran(300, 200, None, None), 2);
        assert_eq!(ledger.times().unwrap().voluntary_switches, None);
        ledger.add(&Ran { elapsed_ns: 9.0, spent: Spent::default() }, 2);
        assert_eq!(ledger.times(), None);
    }

    #[test]
    fn the_wall_clock_sees_waiting_itself() {
        let times = |elapsed_ns| Times {
            elapsed_ns,
            wall_ns: 310.0,
            thread_cpu_ns: 200.0,
            process_cpu_ns: Some(230.0),
            waited_ns: 100.0,
            voluntary_switches: None,
        };
        assert_eq!(times(200.0).unseen_wait_ns(), 100.0);
        assert_eq!(times(310.0).unseen_wait_ns(), 0.0);
        assert_eq!(times(310.0).others_cpu_ns(), Some(30.0));
    }
}
