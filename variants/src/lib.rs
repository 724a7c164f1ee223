//! The backends of the ron-auth verifier, a folder for each seam and a file for each backend; and the one composition
//! of them that a build's features select.
//!
//! A backend changes speed, never a decision, an error or an order: `tests/` holds every composition to the reference.
//!
//! # Public dependencies
//!
//! What public items name of other crates. A new major version of one of these is a new major version of this crate.
//!
//! | crate | where |
//! |---|---|
//! | `ron-auth-core` 0.1 | the seams, which all backends are implementations of |
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
