//! The entry that is kept of a run.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::measure::stats::PairedRatio;

/// Version of the format of a line of `history.jsonl`.
pub const FORMAT: u64 = 1;

/// A line of `history.jsonl`: one run.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Entry {
    /// Version of the format: [`FORMAT`].
    pub format: u64,
    /// When the run began, UTC, RFC 3339.
    pub started_utc: String,
    /// Git revision of the tree; `-dirty` if it had changes; `None` outside of one.
    pub revision: Option<String>,
    /// Fingerprint of the host, with everything that might matter to any benchmark.
    pub host: String,
    /// Model name of the CPU.
    pub cpu: String,
    /// Operating system, architecture and kind of build; `None` in entries of before 2026-12.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub system: Option<String>,
    /// The compiler's release and flags; `None` in entries of before 2026-12.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub compiler: Option<String>,
    /// Name of the plan.
    pub plan: String,
    /// The benchmarks, on one thread with default knobs, by name: `VARIANT/CORPUS/BATCH`, such as `prod/light/64`.
    pub benchmarks: BTreeMap<String, HistoryBenchmark>,
}

/// What one benchmark came to in a run. Ratios are medians over blocks with their 95 % intervals.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct HistoryBenchmark {
    /// Time / time of the floor in the same blocks.
    pub ratio_to_floor: f64,
    /// Lower end of its interval.
    pub ratio_to_floor_lower95: f64,
    /// Upper end of its interval.
    pub ratio_to_floor_upper95: f64,
    /// Time / time of `plain` in the same blocks.
    pub ratio_to_plain: f64,
    /// Lower end of its interval.
    pub ratio_to_plain_lower95: f64,
    /// Upper end of its interval.
    pub ratio_to_plain_upper95: f64,
    /// Time per token in nanoseconds, median over blocks: for people, not for comparisons.
    pub ns_per_token: f64,
    /// Number of blocks that the medians are made from.
    pub blocks: usize,
}

impl Entry {
    /// Whether the other run belongs to the same series: benchmarks on one thread of one machine. The number of cores,
    /// the threads of the pool and the backends of the build do not matter to them.
    #[must_use]
    pub fn is_same_series(&self, other: &Self) -> bool {
        let systems = self.system.as_ref().zip(other.system.as_ref());
        self.host == other.host
            || (self.cpu == other.cpu
                && simd_path(&self.host) == simd_path(&other.host)
                && systems.is_none_or(|(one, other)| one == other))
    }

    /// Whether it was built as the other run was, so that a change between them is one of the code. For an old entry
    /// only its fingerprint can tell.
    #[must_use]
    pub fn is_built_alike(&self, other: &Self) -> bool {
        self.host == other.host || (self.compiler.is_some() && self.compiler == other.compiler)
    }

    /// The compiler that built it, as text for people.
    #[must_use]
    pub fn built_by(&self) -> &str {
        self.compiler.as_deref().unwrap_or("an unknown compiler")
    }
}

/// The instruction set that a fingerprint names, as its last part but one.
fn simd_path(fingerprint: &str) -> Option<&str> {
    fingerprint.rsplit('-').nth(1)
}

impl HistoryBenchmark {
    /// The ratio to the floor with its interval.
    #[must_use]
    pub const fn to_floor(&self) -> PairedRatio {
        PairedRatio {
            estimate: self.ratio_to_floor,
            lower: self.ratio_to_floor_lower95,
            upper: self.ratio_to_floor_upper95,
        }
    }
}

/// A revision, short enough for an axis or a table: seven digits, and a star if the tree had changes.
#[must_use]
pub fn short(revision: Option<&str>) -> String {
    let Some(revision) = revision else { return "no git".to_owned() };
    let (digits, dirty) = revision.strip_suffix("-dirty").map_or((revision, ""), |digits| (digits, "*"));
    format!("{}{dirty}", digits.chars().take(7).collect::<String>())
}
