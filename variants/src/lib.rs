//! The backends of the ron-auth verifier, a folder for each seam and a file for each backend; and the one composition
//! of them that a build's features select.
//!
//! A backend changes speed, never a decision, an error or an order: `tests/` holds every composition to the reference.
#![forbid(unsafe_code)]

pub mod base64;
pub mod decode;
pub mod execute;
pub mod mac;
pub mod scratch;
#[cfg(any(feature = "minicbor-zerocopy", feature = "fast-cbor", feature = "plain"))]
mod selected;

#[cfg(any(feature = "minicbor-zerocopy", feature = "fast-cbor", feature = "plain"))]
pub use selected::{ACTIVE_BACKENDS, SelectedDecode, SelectedEngine};
