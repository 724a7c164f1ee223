//! What jemalloc, the lab's global allocator, reports.

use fairbench_probe::memory::Memory;
use tikv_jemalloc_ctl::{epoch, stats};

/// Memory of this process now, as the system and jemalloc count it: what a probe answers `memory` with. What is not
/// known is `None`.
#[must_use]
pub fn memory() -> Memory {
    // Statistics are a snapshot that is taken anew when the epoch advances.
    let is_fresh = epoch::advance().is_ok();
    let bytes = |read: fn() -> tikv_jemalloc_ctl::Result<usize>| {
        read().ok().filter(|_| is_fresh).and_then(|bytes| u64::try_from(bytes).ok())
    };
    Memory {
        jemalloc_allocated_bytes: bytes(stats::allocated::read),
        jemalloc_active_bytes: bytes(stats::active::read),
        jemalloc_resident_bytes: bytes(stats::resident::read),
        ..Memory::of_this_process()
    }
}
