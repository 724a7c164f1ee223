//! Where measuring happens: one core for single-threaded cells, every core for the others.

use std::sync::atomic::{AtomicBool, Ordering};

use anyhow::Context;

/// The number of threads that `threads: all` means: that of the global rayon pool, so that `RAYON_NUM_THREADS`
/// holds here as it does in a service.
#[must_use]
pub fn all_threads() -> usize {
    rayon::current_num_threads()
}

/// Whether this system lets a thread be pinned to a core.
#[must_use]
pub fn can_pin() -> bool {
    core_affinity::get_core_ids().is_some_and(|cores| !cores.is_empty()) && cfg!(not(target_os = "macos"))
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
    // Started before any pinning, so that its threads inherit no affinity.
    let _ = all_threads();
    let result = rayon::ThreadPoolBuilder::new()
        .num_threads(1)
        .build_scoped(
            |thread| {
                pinned.store(pin_to_last_core(), Ordering::Relaxed);
                thread.run();
            },
            |pool| pool.install(work),
        )
        .context("could not start the measuring thread")?;
    Ok((pinned.load(Ordering::Relaxed), result))
}

/// The last core: the first one serves most interrupts.
pub(crate) fn pin_to_last_core() -> bool {
    // macOS takes the call as a hint and may ignore it.
    can_pin()
        && core_affinity::get_core_ids()
            .and_then(|cores| cores.last().copied())
            .is_some_and(core_affinity::set_for_current)
}

/// The number of the core that [`pin_to_last_core`] pins to, where it can.
#[must_use]
pub(crate) fn measuring_core() -> Option<usize> {
    core_affinity::get_core_ids().filter(|_| can_pin()).and_then(|cores| cores.last().map(|core| core.id))
}

#[cfg(test)]
mod tests {
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
