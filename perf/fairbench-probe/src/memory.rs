//! Memory of this process, as the system counts it.

use serde::{Deserialize, Serialize};

/// How much memory a process takes; `None` is what it cannot tell.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Memory {
    /// The most physical memory that it ever had, in bytes, by the system's count.
    pub peak_resident_bytes: Option<u64>,
    /// Bytes in use by the program, as jemalloc counts them.
    pub jemalloc_allocated_bytes: Option<u64>,
    /// Bytes of the pages that hold something in use, as jemalloc counts them.
    pub jemalloc_active_bytes: Option<u64>,
    /// Bytes in physical memory, as jemalloc counts them.
    pub jemalloc_resident_bytes: Option<u64>,
}

impl Memory {
    /// Reads what the system tells about this process. What only its allocator knows is `None`.
    #[must_use]
    pub fn of_this_process() -> Self {
        // Other systems than Linux have no such file, and so no peak.
        let status = std::fs::read_to_string("/proc/self/status").ok();
        Self { peak_resident_bytes: status.as_deref().and_then(peak_resident_bytes), ..Self::default() }
    }
}

/// Bytes of the line `VmHWM: 1234 kB` in Linux's `/proc/PID/status`: the high-water mark of the resident set.
fn peak_resident_bytes(status: &str) -> Option<u64> {
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"))?;
    let kibibytes: u64 = line.trim().strip_suffix("kB")?.trim_end().parse().ok()?;
    Some(kibibytes * 1024)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_peak_is_read_from_what_linux_says() {
        let status = "Name:\tprobe\nVmPeak:\t  9000 kB\nVmHWM:\t  1234 kB\nVmRSS:\t  1000 kB\n";
        assert_eq!(peak_resident_bytes(status), Some(1234 * 1024));
        for strange in ["", "VmRSS:\t 1 kB\n", "VmHWM:\t many kB\n", "VmHWM:\t 12 MB\n"] {
            assert_eq!(peak_resident_bytes(strange), None, "{strange:?}");
        }
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn the_peak_rises_with_what_is_used_and_stays_when_it_is_freed() {
        const MORE: usize = 64 << 20;
        let peak = || Memory::of_this_process().peak_resident_bytes.unwrap();
        let before = peak();
        drop(std::hint::black_box(vec![1_u8; MORE]));
        assert!(peak() >= before.max(MORE as u64), "{} {before}", peak());
    }
}
