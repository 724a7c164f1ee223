//! Token to tag.

mod serial;

pub use serial::SerialMac;
