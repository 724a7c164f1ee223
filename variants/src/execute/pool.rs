//! Threads of the library's own, which work on chunks of batches and on nothing else.

use std::num::NonZero;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::time::{Duration, Instant};

use rayon::{ThreadPool, ThreadPoolBuilder, Yield};

/// The threads that help with batches.
///
/// A batch lends its helpers what it has only borrowed, so (in safe Rust) it must wait for whatever it has handed to
/// them, begun or not. It hands work only to threads that it has reserved, one by one, and a thread is free to be
/// reserved only while it has nothing else to do: so what is handed over begins at once. A batch that finds no thread
/// free is worked on by its caller alone. Each thread is a rayon pool of one: should a handler call rayon, its jobs
/// stay on the thread that the handler's batch has reserved.
pub(super) struct Pool {
    workers: OnceLock<Box<[Worker]>>,
    /// Returns the largest number of workers.
    size: fn() -> usize,
    start: fn() -> Option<ThreadPool>,
    /// The longest that helpers may be waited for without a lesson being drawn from it.
    late: Duration,
    /// The process that the threads live in; 0 before the first batch.
    process: AtomicU32,
    /// Batches that still make no attempt to start a thread, since the last one failed.
    pause: AtomicU32,
    /// Batches that are still worked on by their callers alone, since one had to wait for its helpers.
    alone: AtomicU32,
}

/// What a failed attempt costs (tens of µs), or a wait for others (some ms), is lost among so many batches.
const PAUSE_BATCHES: u32 = 64;

/// Longer than it takes to wake a thread, and to finish a chunk, where a core is free.
pub(super) const LATE: Duration = Duration::from_micros(250);

/// Scopes of as many workers lie within each other on the caller's stack.
const MAX_WORKERS: usize = 127;

impl Pool {
    /// A pool that starts a thread when a batch first has use for it.
    pub(super) const fn new(size: fn() -> usize, start: fn() -> Option<ThreadPool>, late: Duration) -> Self {
        let [process, pause, alone] = [const { AtomicU32::new(0) }; 3];
        Self { workers: OnceLock::new(), size, start, late, process, pause, alone }
    }

    /// Up to `wanted` workers that are free now, of which up to `max_starts` are started for it. None for a caller that
    /// is a thread of a rayon pool, whichever: at the end of a batch rayon would have it work on other jobs of its
    /// pool, for as long as they take. Nor any for some time after a batch for which they came [late](Self::learn).
    pub(super) fn reserve(&'static self, wanted: usize, mut max_starts: usize) -> Vec<Reservation> {
        if rayon::current_thread_index().is_some() || !self.is_of_process(process_id()) {
            return Vec::new();
        }
        if one_less(&self.alone) {
            return Vec::new();
        }
        let workers =
            self.workers.get_or_init(|| (0..(self.size)().min(MAX_WORKERS)).map(|_| Worker::default()).collect());
        if one_less(&self.pause) {
            max_starts = 0;
        }
        let mut reserved = Vec::with_capacity(wanted.min(workers.len()));
        for worker in workers {
            if reserved.len() == wanted {
                break;
            }
            let Some(release) = worker.reserve() else { continue };
            let thread = match worker.thread.get() {
                Some(thread) => thread,
                None if max_starts == 0 => continue,
                None => {
                    max_starts -= 1;
                    let Some(started) = (self.start)() else {
                        self.pause.store(PAUSE_BATCHES, Ordering::Relaxed);
                        max_starts = 0;
                        continue;
                    };
                    worker.thread.get_or_init(|| started)
                }
            };
            reserved.push(Reservation { thread, release });
        }
        reserved
    }

    /// Draws a lesson from a batch on which the caller worked for `worked`, to wait for its helpers then for `waited`.
    ///
    /// Where other programs want all cores, a helper is woken and then has no core, or loses it in the middle of a
    /// chunk, for a few ms at a time. A batch can't take back what it has handed over, so it does better alone. (With
    /// three busy threads for each core, batches of 1,024 took 24 times as long with a helper as alone, on average, and
    /// 1.4 times with this: the test `what_a_busy_machine_costs` prints it.)
    pub(super) fn learn(&self, worked: Duration, waited: Duration) {
        if waited > self.late.max(worked) {
            self.alone.store(PAUSE_BATCHES, Ordering::Relaxed);
        }
    }

    /// Whether the pool's threads live in this process. A copy of a process (`fork`) has all memory and no thread but
    /// one; nor may it touch a lock here, which may have been held when it was copied.
    fn is_of_process(&self, id: u32) -> bool {
        match self.process.compare_exchange(0, id, Ordering::Relaxed, Ordering::Relaxed) {
            Ok(_) => true,
            Err(first) => first == id,
        }
    }
}

/// Counts down by one; false if the count is zero already.
fn one_less(batches: &AtomicU32) -> bool {
    // Read first: most often there is nothing to count, and then nothing is written.
    batches.load(Ordering::Relaxed) > 0
        && batches.fetch_update(Ordering::Relaxed, Ordering::Relaxed, |left| left.checked_sub(1)).is_ok()
}

/// Where processes can't be copied there may be no such id either.
fn process_id() -> u32 {
    if cfg!(unix) { std::process::id() } else { 1 }
}

/// As many workers as the global pool of rayon would have, less one: the caller works too.
pub(super) fn default_size() -> usize {
    let asked = std::env::var("RAYON_NUM_THREADS").ok().and_then(|value| value.parse().ok());
    let threads = asked.filter(|&threads| threads > 0);
    threads.unwrap_or_else(|| std::thread::available_parallelism().map_or(1, NonZero::get)) - 1
}

/// Starts a thread; `None` if the system refuses to.
pub(super) fn start_thread() -> Option<ThreadPool> {
    ThreadPoolBuilder::new().num_threads(1).thread_name(|_| "ron-auth".to_owned()).build().ok()
}

#[derive(Default)]
struct Worker {
    /// Set by whoever has reserved the worker.
    thread: OnceLock<ThreadPool>,
    is_reserved: AtomicBool,
}

impl Worker {
    fn reserve(&'static self) -> Option<Release> {
        let is_free = !self.is_reserved.load(Ordering::Relaxed) && !self.is_reserved.swap(true, Ordering::Acquire);
        // Not `then_some`: a release that is made is dropped sooner or later.
        is_free.then(|| Release(self))
    }
}

/// A worker that has nothing to do but what the holder hands to it.
pub(super) struct Reservation {
    thread: &'static ThreadPool,
    release: Release,
}

/// Ends a reservation when it is dropped.
struct Release(&'static Worker);

impl Drop for Release {
    fn drop(&mut self) {
        // Jobs that a handler left behind with `rayon::spawn` come first, however long they take.
        let worker = self.0;
        if worker.thread.get().and_then(ThreadPool::current_thread_has_pending_tasks) == Some(true) {
            rayon::spawn(|| {
                while rayon::yield_local() == Some(Yield::Executed) {}
                worker.is_reserved.store(false, Ordering::Release);
            });
        } else {
            worker.is_reserved.store(false, Ordering::Release);
        }
    }
}

/// Calls `share` on this thread and on those that are reserved, and returns when all calls have; with the moment at
/// which the call on this thread had. A panic in one of them is passed on then.
pub(super) fn together<F: Fn() + Sync>(mut reserved: Vec<Reservation>, share: &F) -> Instant {
    let Some(Reservation { thread, release }) = reserved.pop() else {
        share();
        return Instant::now();
    };
    thread.in_place_scope(|scope| {
        scope.spawn(move |_| {
            let _release = release;
            share();
        });
        together(reserved, share)
    })
}

#[cfg(test)]
impl Pool {
    /// As a copy of the process finds it.
    pub(super) fn leave_behind(&self) {
        self.process.store(process_id() + 1, Ordering::Relaxed);
    }
}
