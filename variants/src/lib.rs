//! The backends of the ron-auth verifier, a folder for each seam and a file for each backend, and the
//! [catalogue] of their compositions.
//!
//! A backend changes speed, never a decision, an error or an order: `tests/` holds every variant to the reference. (The
//! yardstick `classic` is held to it on good tokens; it is not in the catalogue.)
#![forbid(unsafe_code)]

pub mod base64;
mod catalogue;
pub mod decode;
pub mod execute;
pub mod mac;
pub mod scratch;
#[cfg(any(feature = "minicbor-zerocopy", feature = "fast-cbor", feature = "plain"))]
mod selected;

#[cfg(feature = "classic")]
pub use catalogue::classic;
#[cfg(feature = "all")]
pub use catalogue::compositions;
pub use catalogue::{Seams, UnknownVariant, Variant, catalogue, find};
#[cfg(any(feature = "minicbor-zerocopy", feature = "fast-cbor", feature = "plain"))]
pub use selected::{ACTIVE_BACKENDS, SelectedDecode, SelectedEngine};
