//! Knobs, and the name of the reference.

pub use perf_probe::workload::Knobs;

/// Name of the variant that everything is compared with.
pub const REFERENCE: &str = "plain";
