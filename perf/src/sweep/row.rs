//! One row of `sweep.csv`. The schema is documented in `reports/README.md`.

use serde::{Deserialize, Serialize};

use crate::count::allocations::Allocations;
use crate::count::jemalloc::ProcessMemory;
use crate::measure::stats::{PairedRatio, Quartiles};

/// What a row measured.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Kind {
    /// A variant of the verifier.
    Variant,
    /// The reference, in a group of another variant's knobs: there for the others to be relative to.
    Reference,
    /// The reference once more, built separately: the A/A control.
    Control,
    /// The least work that verifying these tokens can be.
    Floor,
}

/// One measured cell. Every quantity has its unit in its name; what was not measured is empty.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[allow(missing_docs, reason = "documented for the readers of the CSV, in reports/README.md")]
pub struct Row {
    /// Number of the group; ratios relate rows of one group.
    pub group: usize,
    /// `variants` or `knobs`.
    pub purpose: String,
    pub kind: Kind,
    pub variant: String,
    pub fixture: String,
    pub batch_tokens: usize,
    pub soa_threshold_caveats: usize,
    pub par_min_batch_tokens: usize,
    pub threads: usize,
    pub pinned: bool,
    pub rounds: usize,
    pub complete: bool,
    pub time_median_ns_per_token: f64,
    pub time_q1_ns_per_token: f64,
    pub time_q3_ns_per_token: f64,
    pub ratio_to_plain: f64,
    pub ratio_to_plain_lower95: f64,
    pub ratio_to_plain_upper95: f64,
    pub ratio_to_floor: Option<f64>,
    pub ratio_to_floor_lower95: Option<f64>,
    pub ratio_to_floor_upper95: Option<f64>,
    pub allocations_per_token: Option<f64>,
    pub allocated_bytes_per_token: Option<f64>,
    pub jemalloc_allocated_bytes_per_token: Option<f64>,
    pub jemalloc_process_allocated_bytes: Option<usize>,
    pub jemalloc_process_active_bytes: Option<usize>,
    pub jemalloc_process_resident_bytes: Option<usize>,
    pub instructions_per_token: Option<f64>,
}

impl Row {
    /// The ratio to `plain`.
    #[must_use]
    pub fn to_plain(&self) -> PairedRatio {
        PairedRatio {
            estimate: self.ratio_to_plain,
            lower: self.ratio_to_plain_lower95,
            upper: self.ratio_to_plain_upper95,
        }
    }

    /// The ratio to the floor, where one was measured.
    #[must_use]
    pub fn to_floor(&self) -> Option<PairedRatio> {
        Some(PairedRatio {
            estimate: self.ratio_to_floor?,
            lower: self.ratio_to_floor_lower95?,
            upper: self.ratio_to_floor_upper95?,
        })
    }

    /// Time per token.
    #[must_use]
    pub fn time_ns(&self) -> Quartiles {
        Quartiles {
            q1: self.time_q1_ns_per_token,
            median: self.time_median_ns_per_token,
            q3: self.time_q3_ns_per_token,
        }
    }

    /// Whether this is a variant at default knobs, measured against all the others.
    #[must_use]
    pub fn is_default_variant(&self) -> bool {
        self.kind == Kind::Variant && self.purpose == "variants"
    }

    pub(crate) fn set_allocations(&mut self, allocations: Option<Allocations>) {
        self.allocations_per_token = allocations.map(|a| a.allocations_per_token);
        self.allocated_bytes_per_token = allocations.map(|a| a.allocated_bytes_per_token);
    }

    pub(crate) fn set_process_memory(&mut self, memory: Option<ProcessMemory>) {
        self.jemalloc_process_allocated_bytes = memory.map(|m| m.allocated_bytes);
        self.jemalloc_process_active_bytes = memory.map(|m| m.active_bytes);
        self.jemalloc_process_resident_bytes = memory.map(|m| m.resident_bytes);
    }
}
