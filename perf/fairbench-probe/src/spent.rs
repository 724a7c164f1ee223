//! Where the time of a turn went, beside what the clock of the case says.
//!
//! CPU time of one thread is the clock of a single-threaded case, because it stands still while a neighbour has the
//! core. But it also stands still while the thread sleeps, waits for a lock or a disk, or has another thread do its
//! work. A turn is therefore watched from outside as well: by the wall clock, by the CPU time of the whole process, and
//! by how often the thread gave up its core (`voluntary_ctxt_switches` of Linux), which tells waiting from being
//! preempted.
//!
//! All of this is read before the clock of the case starts and after it has stopped.

use std::fs::File;
use std::io::{Read, Seek, SeekFrom};
use std::time::{Duration, Instant};

use cpu_time::{ProcessTime, ThreadTime};
use serde::{Deserialize, Serialize};

/// Most bytes that are read of a file of `/proc`; what is looked for stands in fewer.
const MOST_BYTES: usize = 8192;

/// Where the time of a turn went; `None` is what a probe cannot tell.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Spent {
    /// Wall-clock time, in nanoseconds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub wall_ns: Option<u64>,
    /// CPU time of the thread that did the work, in nanoseconds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub thread_cpu_ns: Option<u64>,
    /// CPU time of that thread, and what all other threads of the process took since the turn before, in nanoseconds:
    /// what they are still busy with when a turn is over belongs to it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub process_cpu_ns: Option<u64>,
    /// How often the thread gave up its core during the turn, to wait for something.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub voluntary_switches: Option<u64>,
    /// How long the thread could have run and had no core because a neighbour had it, in nanoseconds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub queued_ns: Option<u64>,
}

/// What Linux reports about this thread, counted since it began.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Scheduled {
    voluntary_switches: Option<u64>,
    queued_ns: Option<u64>,
}

/// Watches the turns of the thread that calls it.
#[derive(Debug, Default)]
pub struct Watch {
    /// The files of `/proc`, kept open since reading one takes 10 µs with opening and 1 µs without. `None` before the
    /// first turn.
    files: Option<Files>,
    /// CPU time of all other threads at the end of the last turn.
    others_cpu: Option<Duration>,
}

#[derive(Debug)]
struct Files {
    status: Option<File>,
    schedstat: Option<File>,
    bytes: Vec<u8>,
}

impl Watch {
    /// Does the work and returns its result with where its time went.
    pub fn turn<R>(&mut self, work: impl FnOnce() -> R) -> (R, Spent) {
        let before_others = match self.others_cpu {
            Some(known) => Some(known),
            None => others_cpu(),
        };
        let before = self.scheduled();
        let (on_cpu, wall) = (ThreadTime::try_now().ok(), Instant::now());
        let result = work();
        let wall = wall.elapsed();
        let on_cpu = on_cpu.and_then(|start| start.try_elapsed().ok());
        let after = self.scheduled();
        self.others_cpu = others_cpu();
        let others = self.others_cpu.zip(before_others).map(|(after, before)| after.saturating_sub(before));
        let spent = Spent {
            wall_ns: Some(whole_ns(wall)),
            thread_cpu_ns: on_cpu.map(whole_ns),
            process_cpu_ns: on_cpu.zip(others).map(|(own, others)| whole_ns(own + others)),
            voluntary_switches: difference(before.voluntary_switches, after.voluntary_switches),
            queued_ns: difference(before.queued_ns, after.queued_ns),
        };
        (result, spent)
    }

    fn scheduled(&mut self) -> Scheduled {
        self.files.get_or_insert_with(Files::open).read()
    }
}

impl Files {
    fn open() -> Self {
        let mut files = Self {
            status: File::open("/proc/thread-self/status").ok(),
            schedstat: File::open("/proc/thread-self/schedstat").ok(),
            bytes: Vec::with_capacity(MOST_BYTES),
        };
        // A system that shows a count need not count. A nap is a voluntary switch.
        let before = files.read().voluntary_switches;
        std::thread::sleep(Duration::from_micros(1));
        if difference(before, files.read().voluntary_switches).is_none_or(|switches| switches == 0) {
            files.status = None;
        }
        files
    }

    fn read(&mut self) -> Scheduled {
        let Self { status, schedstat, bytes } = self;
        Scheduled {
            queued_ns: reread(schedstat.as_mut(), bytes).and_then(queued_ns),
            voluntary_switches: reread(status.as_mut(), bytes).and_then(voluntary_switches),
        }
    }
}

/// CPU time of all other threads of this process, including those that have ended.
fn others_cpu() -> Option<Duration> {
    // In this order: time of this thread that passes in between makes the difference smaller, never larger.
    let process = ProcessTime::try_now().ok()?.as_duration();
    Some(process.saturating_sub(ThreadTime::try_now().ok()?.as_duration()))
}

fn whole_ns(time: Duration) -> u64 {
    u64::try_from(time.as_nanos()).unwrap_or(u64::MAX)
}

fn difference(before: Option<u64>, after: Option<u64>) -> Option<u64> {
    Some(after?.saturating_sub(before?))
}

fn reread<'b>(file: Option<&mut File>, bytes: &'b mut Vec<u8>) -> Option<&'b str> {
    let file = file?;
    bytes.clear();
    file.seek(SeekFrom::Start(0)).ok()?;
    file.take(MOST_BYTES as u64).read_to_end(bytes).ok()?;
    std::str::from_utf8(bytes).ok()
}

/// Reads the line `voluntary_ctxt_switches: 12` of `/proc/PID/status`.
fn voluntary_switches(status: &str) -> Option<u64> {
    let line = status.lines().find_map(|line| line.strip_prefix("voluntary_ctxt_switches:"))?;
    line.trim().parse().ok()
}

/// Reads the second number of `/proc/PID/schedstat`: nanoseconds on a run queue. The first is the time on a core; if it
/// is 0, the system does not count.
fn queued_ns(schedstat: &str) -> Option<u64> {
    let mut numbers = schedstat.split_whitespace().map(str::parse::<u64>);
    let on_cpu = numbers.next()?.ok()?;
    let queued = numbers.next()?.ok()?;
    (on_cpu > 0).then_some(queued)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn busy_for(time: Duration) {
        let start = ThreadTime::now();
        while start.elapsed() < time {
            std::hint::spin_loop();
        }
    }

    #[test]
    fn a_turn_that_sleeps_takes_wall_time_no_cpu_time_and_a_voluntary_switch() {
        let mut watch = Watch::default();
        let ((), spent) = watch.turn(|| std::thread::sleep(Duration::from_millis(30)));
        let (wall, cpu) = (spent.wall_ns.unwrap(), spent.thread_cpu_ns.unwrap());
        assert!(wall >= 30_000_000 && cpu < 10_000_000, "{spent:?}");
        if cfg!(target_os = "linux") {
            assert!(spent.voluntary_switches.is_none_or(|switches| switches >= 1), "{spent:?}");
            assert!(spent.queued_ns.is_none_or(|queued| queued < wall), "{spent:?}");
        }
    }

    #[test]
    fn a_turn_that_works_gives_up_nothing() {
        let mut watch = Watch::default();
        let ((), spent) = watch.turn(|| busy_for(Duration::from_millis(10)));
        assert!(spent.thread_cpu_ns.unwrap() >= 10_000_000, "{spent:?}");
        assert!(spent.voluntary_switches.is_none_or(|switches| switches == 0), "{spent:?}");
    }

    #[test]
    fn what_another_thread_does_is_told_of_the_turn_or_of_the_next_one() {
        let mut watch = Watch::default();
        let others = |spent: Spent| spent.process_cpu_ns.unwrap() - spent.thread_cpu_ns.unwrap();
        let (thread, first) = watch.turn(|| std::thread::spawn(|| busy_for(Duration::from_millis(30))));
        thread.join().unwrap();
        let ((), second) = watch.turn(|| ());
        assert!(others(first) + others(second) >= 29_000_000, "{first:?} {second:?}");
    }

    #[test]
    fn what_linux_says_is_read_and_what_it_does_not_count_is_none() {
        let status = "Name:\tprobe\nvoluntary_ctxt_switches:\t12\nnonvoluntary_ctxt_switches:\t3\n";
        assert_eq!(voluntary_switches(status), Some(12));
        assert_eq!(queued_ns("153588 2381311 2\n"), Some(2_381_311));
        for strange in ["", "Name:\tprobe\n", "voluntary_ctxt_switches:\tmany\n"] {
            assert_eq!(voluntary_switches(strange), None, "{strange:?}");
        }
        for strange in ["", "0 0 0\n", "12\n", "a b c\n"] {
            assert_eq!(queued_ns(strange), None, "{strange:?}");
        }
    }
}
