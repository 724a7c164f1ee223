//! Sampling what a workload is doing, about a thousand times a second of CPU time.

use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use anyhow::{Context, ensure};
use fairbench_probe::clock::Clock;

use super::folded::Folded;
use crate::catalogue::workload::Workload;

/// Samples per second. The number does not divide anything that might run in step with it. A kernel whose clock ticks
/// more slowly takes fewer samples.
const FREQUENCY_HZ: i32 = 997;
/// Time before work begins. The profiler finds its way through this program when it takes its first sample, and
/// allocates for that. Were it to interrupt an allocation, it would wait for itself forever. So for this long, a few
/// ticks of a slow kernel, nothing runs that allocates.
const BEFORE_WORK: Duration = Duration::from_millis(50);
/// Frames outside the first one whose name begins so are the lab's own. (Which function that is depends on what is
/// inlined.)
const OUTERMOST: &str = "perf_lab::catalogue::workload::Workload::";

/// The result of sampling.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Sampled {
    /// The stacks, from the lab's `Workload` inwards.
    pub folded: Folded,
    /// CPU time that was sampled, in seconds.
    pub cpu_seconds: f64,
    /// Tokens that were verified in that time.
    pub tokens: u64,
}

impl Sampled {
    /// CPU time per token in nanoseconds, including the cost of sampling itself.
    #[must_use]
    pub fn ns_per_token(&self) -> f64 {
        self.cpu_seconds * 1e9 / self.tokens.max(1) as f64
    }

    /// Adds the result of another piece of the same sampling.
    pub fn extend(&mut self, other: &Self) {
        for (frames, samples) in other.folded.stacks() {
            self.folded.add(&frames, samples);
        }
        self.cpu_seconds += other.cpu_seconds;
        self.tokens += other.tokens;
    }
}

/// Has the workload verify its tokens on this thread for `duration`, and samples where it is. `interrupted` is asked
/// after every pass. A process samples one workload at a time, the next one waits; other threads must not run
/// meanwhile: they take samples away, and if they allocate when the first one is taken, it may never end.
///
/// # Errors
/// A system that cannot be profiled, or no samples.
pub fn sample(workload: &Workload, duration: Duration, interrupted: &dyn Fn() -> bool) -> anyhow::Result<Sampled> {
    /// Lock that holds the profiler, which exists once per process.
    static ONE_AT_A_TIME: Mutex<()> = Mutex::new(());
    let _turn = ONE_AT_A_TIME.lock().unwrap_or_else(PoisonError::into_inner);
    let guard = pprof::ProfilerGuardBuilder::default()
        .frequency(FREQUENCY_HZ)
        .build()
        .context("could not start the profiler")?;
    let start = Instant::now();
    while start.elapsed() < BEFORE_WORK {
        std::hint::spin_loop();
    }
    let (start, mut passes) = (Instant::now(), 0_u64);
    let on_cpu = Clock::ThreadCpu.time(|| {
        while start.elapsed() < duration && !interrupted() {
            workload.pass();
            passes += 1;
        }
    });
    let report = guard.report().build().context("could not read the profiler's samples")?;
    drop(guard);
    let mut folded = Folded::default();
    for (frames, &samples) in &report.data {
        let names = frames.frames.iter().rev().flat_map(|frame| frame.iter().rev()).map(pprof::Symbol::name);
        if let Some(own) = from_outermost(&names.collect::<Vec<_>>()) {
            folded.add(own, samples.unsigned_abs() as u64);
        }
    }
    ensure!(
        folded.samples() > 0 || interrupted(),
        "the profiler took no samples of the workload: run for longer (--seconds), and build with symbols \
         (scripts/flamegraph.sh)"
    );
    let cpu_seconds = on_cpu.context("this system does not tell a thread's CPU time")?.as_secs_f64();
    Ok(Sampled { folded, cpu_seconds, tokens: passes * workload.tokens_per_pass() as u64 })
}

/// The part of a stack within what starts threads and programs. `None` if it does not come from a workload: the
/// profiler samples every thread that runs.
fn from_outermost(frames: &[String]) -> Option<&[String]> {
    frames.get(frames.iter().position(|frame| frame.starts_with(OUTERMOST))?..)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_started_the_workload_is_left_out_and_so_are_other_threads() {
        let stack = |frames: &[&str]| frames.iter().map(|&frame| frame.to_owned()).collect::<Vec<_>>();
        let frames =
            stack(&["_start", "main", "perf_lab::catalogue::workload::Workload::for_each_batch", "_rjem_malloc"]);
        assert_eq!(from_outermost(&frames), Some(&frames[2..]));
        assert_eq!(from_outermost(&stack(&["__clone3", "rayon_core::registry::main_loop"])), None);
    }

    #[test]
    fn pieces_add_up() {
        let piece = |frame: &str, tokens| {
            let mut folded = Folded::default();
            folded.add(&["pass", frame], 5);
            Sampled { folded, cpu_seconds: 0.5, tokens }
        };
        let mut all = Sampled::default();
        for piece in [piece("a", 1_000_000), piece("b", 3_000_000), piece("a", 1_000_000)] {
            all.extend(&piece);
        }
        assert_eq!(all.folded.to_string(), "pass;a 10\npass;b 5\n");
        assert!((all.ns_per_token() - 300.0).abs() < 1e-9, "{all:?}");
    }
}
