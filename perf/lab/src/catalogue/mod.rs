//! What can be measured: variants and feature sets by name, knobs, cells made ready to run, and the names of the
//! references.

pub mod available;
pub mod features;
pub mod workload;

pub use workload::Knobs;

/// Name of the variant that everything is compared with.
pub const REFERENCE: &str = "plain";

/// Name of the second reference, built as the deployed verifier is: what users have, where [`REFERENCE`] is what is
/// obviously right. It decides only good tokens, so it is held to [`REFERENCE`] as all others are, and never the other
/// way round.
pub const CLASSIC: &str = "classic";
