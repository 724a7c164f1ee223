//! The backends of the ron-auth verifier and the catalogue of their compositions.
#![forbid(unsafe_code)]

mod catalogue;

pub use catalogue::{Seams, UnknownVariant, Variant, catalogue, find};

/// The SIMD instruction set that run-time dispatch finds on this machine.
#[must_use]
pub fn simd_path() -> &'static str {
    "unknown"
}
