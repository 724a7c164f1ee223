//! The MAC seam: from a token to the tag of its MAC chain.

#[cfg(feature = "lanes")]
pub mod lanes;
mod serial;

#[cfg(feature = "lanes")]
pub use lanes::LanesMac;
pub use serial::SerialMac;
