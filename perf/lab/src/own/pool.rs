//! The thread pools that what is run within this process finds.

use std::sync::atomic::{AtomicBool, Ordering};

use anyhow::Context;
use fairbench::measure::pin::{measuring_core, pin_to_measuring_core};

/// The number of threads that `threads: all` means: that of the global rayon pool, so that `RAYON_NUM_THREADS`
/// holds here as it does in a service.
#[must_use]
pub fn all_threads() -> usize {
    rayon::current_num_threads()
}

/// Runs `work` on one thread, pinned to one core where the system allows that. The thread is a rayon pool of its own
/// size: what asks rayon for help from here finds one thread.
///
/// Returns whether the thread was pinned, and the result.
///
/// # Errors
/// The thread could not be started.
pub fn on_one_core<R: Send>(work: impl FnOnce() -> R + Send) -> anyhow::Result<(bool, R)> {
    let pinned = AtomicBool::new(false);
    // Before any pinning: so that the pool's threads inherit no affinity, and all cores are there to choose from.
    let _ = (all_threads(), measuring_core());
    let result = rayon::ThreadPoolBuilder::new()
        .num_threads(1)
        .build_scoped(
            |thread| {
                pinned.store(pin_to_measuring_core(), Ordering::Relaxed);
                thread.run();
            },
            |pool| pool.install(work),
        )
        .context("could not start the measuring thread")?;
    Ok((pinned.load(Ordering::Relaxed), result))
}

#[cfg(test)]
mod tests {
    use fairbench::measure::pin::can_pin;

    use super::*;

    #[test]
    fn the_measuring_thread_sees_a_pool_of_one_and_the_caller_is_not_pinned() {
        let before = core_affinity::get_core_ids().map(|cores| cores.len());
        let (pinned, threads) = on_one_core(rayon::current_num_threads).unwrap();
        assert_eq!(threads, 1);
        assert_eq!(pinned, can_pin());
        assert_eq!(core_affinity::get_core_ids().map(|cores| cores.len()), before);
    }
}
