//! Token to tag.

#[cfg(feature = "lanes")]
pub mod lanes;
mod serial;

#[cfg(feature = "lanes")]
pub use lanes::LanesMac;
pub use serial::SerialMac;
