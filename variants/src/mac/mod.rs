//! Token to tag.

#[cfg(feature = "classic")]
mod hasher;
#[cfg(feature = "lanes")]
pub mod lanes;
mod serial;

#[cfg(feature = "classic")]
pub use hasher::HasherMac;
#[cfg(feature = "lanes")]
pub use lanes::LanesMac;
pub use serial::SerialMac;
