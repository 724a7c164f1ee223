use std::convert::Infallible;
use std::hint::{black_box, spin_loop};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::mpsc;
use std::thread;
use std::time::Duration;

use super::*;

/// No lesson is drawn from a machine that is busy with other tests.
const PATIENT: Duration = Duration::MAX;

/// Pools of 0, 1, 2 and 3 threads beside the caller.
fn pools() -> [&'static Pool; 4] {
    [|| 0, || 1, || 2, || 3].map(pool)
}

fn pool(size: fn() -> usize) -> &'static Pool {
    Box::leak(Box::new(Pool::new(size, pool::start_thread, PATIENT)))
}

/// A pool of one thread that draws its lessons as that of the library does.
fn learning_pool() -> &'static Pool {
    Box::leak(Box::new(Pool::new(|| 1, pool::start_thread, pool::LATE)))
}

/// Works on a batch in which `look` is called for every chunk with the index of its first element.
fn batch(pool: &'static Pool, len: usize, look: impl Fn(usize) + Sync) {
    let mut out = vec![usize::MAX; len];
    let Ok(()) = spread_over(pool, &mut out, 64, |first, chunk| {
        assert!(chunk.len() <= 64);
        look(first);
        chunk.iter_mut().enumerate().for_each(|(index, slot)| *slot = first + index);
        Ok::<(), Infallible>(())
    });
    assert!(out.iter().copied().eq(0..len), "{len}");
}

/// On how many threads beside this one a batch is worked on.
fn helpers(pool: &'static Pool) -> usize {
    let others = Mutex::new(Vec::new());
    let here = thread::current().id();
    batch(pool, 2000, |_| {
        let thread = thread::current().id();
        let mut others = others.lock().unwrap();
        if thread != here && !others.contains(&thread) {
            others.push(thread);
        }
        drop(others);
        // Long enough for those who have to wake up.
        thread::sleep(Duration::from_millis(2));
    });
    others.into_inner().unwrap().len()
}

/// Starts all threads of a pool.
fn warm(pool: &'static Pool, size: usize) {
    drop(pool.reserve(size, size));
    while helpers(pool) < size {}
}

fn wait_for(flag: &AtomicBool) {
    while !flag.load(Ordering::SeqCst) {
        thread::yield_now();
    }
}

#[test]
fn every_chunk_is_worked_on_in_its_place() {
    for pool in pools() {
        for len in [0, 1, 15, 16, 17, 64, 127, 1000] {
            batch(pool, len, |_| ());
        }
    }
}

#[test]
fn the_first_error_wins() {
    for pool in pools() {
        for bad in 0..200 {
            let done = spread_over(pool, &mut [(); 200], 64, |first, chunk| {
                let failing = (first..first + chunk.len()).find(|&index| index >= bad);
                failing.map_or(Ok(()), Err)
            });
            assert_eq!(done, Err(bad));
        }
    }
}

#[test]
fn a_batch_wants_no_more_helpers_than_there_is_work_for() {
    for (len, wanted) in [(0, 0), (16, 0), (17, 1), (32, 1), (33, 2), (48, 2), (1000, 62)] {
        assert_eq!(wanted_helpers(len), wanted, "{len}");
    }
}

#[test]
fn a_thread_is_reserved_by_one_batch_at_a_time() {
    let pool = pool(|| 3);
    let reserved = pool.reserve(2, 3);
    for _ in 0..3 {
        assert_eq!((reserved.len(), pool.reserve(3, 3).len()), (2, 1));
    }
    drop(reserved);
    assert_eq!(pool.reserve(3, 0).len(), 3);
}

#[test]
fn a_batch_starts_one_thread_and_one_more_for_each_1024_tokens() {
    let pool = pool(|| 8);
    for (len, started) in [(100, 1), (1023, 2), (2048, 5)] {
        batch(pool, len, |_| ());
        // Released by the threads themselves, a moment later.
        while pool.reserve(8, 0).len() < started {}
        assert_eq!(pool.reserve(8, 0).len(), started, "{len}");
    }
}

#[test]
fn a_panic_on_any_thread_reaches_the_caller_and_leaves_later_batches_working() {
    for pool in pools().into_iter().skip(1) {
        for helper_panics in [false, true] {
            let here = thread::current().id();
            let others_wait = AtomicBool::new(false);
            let caught = catch_unwind(AssertUnwindSafe(|| {
                batch(pool, 2000, |_| {
                    if helper_panics != (thread::current().id() == here) {
                        others_wait.store(true, Ordering::SeqCst);
                        panic!("a handler panics");
                    }
                    wait_for(&others_wait);
                });
            }));
            assert_eq!(caught.unwrap_err().downcast_ref(), Some(&"a handler panics"));
            batch(pool, 2000, |_| ());
        }
        while helpers(pool) == 0 {}
    }
    let caught = catch_unwind(|| batch(pool(|| 0), 2000, |_| panic!("a handler panics")));
    assert!(caught.is_err(), "nor is it lost where there is one thread");
}

#[test]
fn after_a_panic_nobody_begins_another_chunk() {
    let mut out = [0; 100];
    let board =
        Mutex::new(Board::<_, ()> { first: 0, rest: &mut out, threads: 2, max_chunk_len: 64, first_failure: None });
    assert!(lock(&board).next_chunk().is_some());
    let caught = catch_unwind(AssertUnwindSafe(|| {
        let _close = CloseOnDrop(&board);
        panic!("a handler panics");
    }));
    assert!(caught.is_err() && lock(&board).next_chunk().is_none());
}

#[test]
fn a_batch_waits_for_no_other_batch_even_if_that_waits_for_a_lock_of_this_caller() {
    for (pool, size) in pools().into_iter().zip(0..) {
        warm(pool, size);
        let lock = Mutex::new(());
        let held = lock.lock().unwrap();
        let inside = AtomicUsize::new(0);
        thread::scope(|scope| {
            scope.spawn(|| {
                batch(pool, 2000, |_| {
                    inside.fetch_add(1, Ordering::SeqCst);
                    drop(lock.lock());
                });
            });
            while inside.load(Ordering::SeqCst) < size + 1 {
                thread::yield_now();
            }
            assert_eq!(helpers(pool), 0);
            drop(held);
        });
        while helpers(pool) < size {}
    }
}

#[test]
fn a_batch_within_a_batch_stays_on_the_thread_of_a_helper() {
    for pool in pools() {
        let here = thread::current().id();
        batch(pool, 1000, |_| {
            let outer = thread::current().id();
            batch(pool, 200, |_| assert!(outer == here || outer == thread::current().id()));
        });
    }
}

#[test]
fn many_callers_at_once_all_have_their_results() {
    let pool = pool(|| 2);
    thread::scope(|scope| {
        for _ in 0..8 {
            scope.spawn(|| (0..200).for_each(|len| batch(pool, len, |_| ())));
        }
    });
}

#[test]
fn a_thread_of_a_busy_rayon_pool_works_alone_and_takes_up_no_job_of_its_pool() {
    let pool = pool(|| 1);
    warm(pool, 1);
    let host = rayon::ThreadPoolBuilder::new().num_threads(1).build().unwrap();
    host.install(|| {
        let is_done = &*Box::leak(Box::new(AtomicBool::new(false)));
        rayon::spawn(|| assert!(is_done.load(Ordering::SeqCst)));
        assert_eq!(helpers(pool), 0);
        is_done.store(true, Ordering::SeqCst);
    });
}

#[test]
fn what_a_handler_spawns_with_rayon_keeps_its_thread_and_no_batch_waits_for_it() {
    let pool = pool(|| 1);
    warm(pool, 1);
    let (finish, finished) = mpsc::channel::<()>();
    let here = thread::current().id();
    let finished = Mutex::new(Some(finished));
    let is_spawned = AtomicBool::new(false);
    batch(pool, 200, |_| {
        if thread::current().id() == here {
            wait_for(&is_spawned);
        } else if let Some(finished) = finished.lock().unwrap().take() {
            rayon::spawn(move || {
                rayon::spawn(move || finished.recv().unwrap());
            });
            let (_, second) = rayon::join(|| thread::current().id(), || thread::current().id());
            // Before what may fail: the caller waits for it.
            is_spawned.store(true, Ordering::SeqCst);
            // Its own pool has one thread, which is this one.
            assert_eq!(second, thread::current().id());
        }
    });
    for _ in 0..3 {
        assert_eq!(helpers(pool), 0);
    }
    finish.send(()).unwrap();
    while helpers(pool) == 0 {}
}

#[test]
fn after_a_batch_that_waited_for_its_helper_64_are_worked_on_alone() {
    let pool = learning_pool();
    while pool.reserve(1, 1).is_empty() {}
    let here = thread::current().id();
    let has_begun = AtomicBool::new(false);
    batch(pool, 64, |_| {
        if thread::current().id() == here {
            wait_for(&has_begun);
        } else {
            has_begun.store(true, Ordering::SeqCst);
            thread::sleep(Duration::from_millis(200));
        }
    });
    for _ in 0..64 {
        assert_eq!(pool.reserve(1, 1).len(), 0);
    }
    while pool.reserve(1, 1).is_empty() {}
}

#[test]
fn to_wait_no_longer_than_one_has_worked_or_than_a_thread_takes_to_wake_is_no_lesson() {
    let pool = learning_pool();
    while pool.reserve(1, 1).is_empty() {}
    for (worked_us, waited_us, helpers) in [(10, 250, 1), (900, 900, 1), (10, 251, 0), (900, 901, 0)] {
        pool.learn(Duration::from_micros(worked_us), Duration::from_micros(waited_us));
        assert_eq!(pool.reserve(1, 1).len(), helpers, "{worked_us} {waited_us}");
        while pool.reserve(1, 1).is_empty() {}
    }
}

#[test]
fn a_copy_of_the_process_works_alone() {
    let pool = pool(|| 3);
    warm(pool, 3);
    pool.leave_behind();
    assert_eq!(helpers(pool), 0);
}

#[test]
fn a_system_that_refuses_threads_is_asked_again_after_64_batches() {
    static ATTEMPTS: AtomicUsize = AtomicUsize::new(0);
    let start = || {
        // The second thread is refused, and so are the third and fourth attempt.
        let may = [true, false, false, false].get(ATTEMPTS.fetch_add(1, Ordering::SeqCst));
        may.is_none_or(|&may| may).then(pool::start_thread).flatten()
    };
    let pool: &'static Pool = Box::leak(Box::new(Pool::new(|| 2, start, PATIENT)));
    let mut attempts = Vec::new();
    for _ in 0..200 {
        batch(pool, 200, |_| ());
        attempts.push(ATTEMPTS.load(Ordering::SeqCst));
    }
    assert_eq!(attempts[..3], [1, 2, 2]);
    assert_eq!((attempts[65], attempts[66], attempts[131], attempts[199]), (2, 3, 4, 5));
    while pool.reserve(2, 0).len() < 2 {}
}

/// Runs `batch` of each pool in turns for some seconds. Mean time of each, in µs.
fn mean_times<const N: usize>(pools: [&'static Pool; N]) -> [f64; N] {
    const TOKENS: usize = 1024;
    let mut sums = [Duration::ZERO; N];
    let (begun, mut rounds) = (Instant::now(), 0);
    while begun.elapsed() < Duration::from_secs(10) {
        for (pool, sum) in pools.iter().zip(&mut sums) {
            let start = Instant::now();
            let mut out = [0_u64; TOKENS];
            let Ok(()) = spread_over(pool, &mut out, 128, |first, chunk| {
                // As long as a light token takes, roughly.
                chunk
                    .iter_mut()
                    .for_each(|slot| *slot = (0..200).fold(first as u64, |seed, _| black_box(seed * 31 + 7)));
                Ok::<(), Infallible>(())
            });
            *sum += start.elapsed();
        }
        rounds += 1;
    }
    sums.map(|sum| sum.as_secs_f64() * 1e6 / f64::from(rounds))
}

#[test]
#[ignore = "a measurement: cargo test --release -p ron-auth-variants --lib what_a_busy_machine_costs -- --ignored --nocapture"]
fn what_a_busy_machine_costs() {
    let cores = thread::available_parallelism().map_or(1, Into::into);
    for busy_per_core in [0, 1, 3] {
        let is_over = AtomicBool::new(false);
        let [alone, always, learning] = thread::scope(|scope| {
            for _ in 0..busy_per_core * cores {
                scope.spawn(|| {
                    while !is_over.load(Ordering::Relaxed) {
                        spin_loop();
                    }
                });
            }
            let means = mean_times([pool(|| 0), pool(|| 1), learning_pool()]);
            is_over.store(true, Ordering::Relaxed);
            means
        });
        println!(
            "{busy_per_core} busy threads a core: {alone:.0} us alone; with a helper {:.2} times that, with one that is \
             left out after a wait {:.2} times",
            always / alone,
            learning / alone
        );
    }
}
