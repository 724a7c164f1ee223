//! What jemalloc, the lab's global allocator, says of itself.

use perf_probe::memory::Memory;
use serde::{Deserialize, Serialize};
use tikv_jemalloc_ctl::{epoch, stats, thread};

/// Memory of the whole process.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ProcessMemory {
    /// In use by the program.
    pub allocated_bytes: usize,
    /// In pages that hold something in use.
    pub active_bytes: usize,
    /// In physical memory.
    pub resident_bytes: usize,
}

/// Memory of this process now; `None` where jemalloc has no statistics.
#[must_use]
pub fn process_memory() -> Option<ProcessMemory> {
    // Statistics are a snapshot that is taken anew when the epoch advances.
    epoch::advance().ok()?;
    Some(ProcessMemory {
        allocated_bytes: stats::allocated::read().ok()?,
        active_bytes: stats::active::read().ok()?,
        resident_bytes: stats::resident::read().ok()?,
    })
}

/// Memory of this process now, by the system's count and by jemalloc's: what a probe answers `memory` with.
#[must_use]
pub fn memory() -> Memory {
    let now = process_memory();
    Memory {
        jemalloc_allocated_bytes: now.map(|now| now.allocated_bytes as u64),
        jemalloc_active_bytes: now.map(|now| now.active_bytes as u64),
        jemalloc_resident_bytes: now.map(|now| now.resident_bytes as u64),
        ..Memory::of_this_process()
    }
}

/// Bytes that `work` has this thread allocate, in jemalloc's size classes: what a request really takes up.
pub fn thread_allocated_bytes(work: impl FnOnce()) -> Option<u64> {
    let counter = thread::allocatedp::read().ok()?;
    let before = counter.get();
    work();
    Some(counter.get() - before)
}
