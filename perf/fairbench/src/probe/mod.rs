//! Probe processes that are started, asked and stopped. What they say is defined in `perf/PROTOCOL.md`.
//!
//! | file | holds |
//! |---|---|
//! | `command` | which program, with which arguments |
//! | `client` | one running probe: ask it, wait for it no longer than is sensible, stop it |
//! | `streams` | what it writes, read as it comes |
//! | `child` | a process with all that it started, in a group that ends with it |
//! | `launch` | a probe for one block: where it runs, where it lies in memory |
//! | `lineup` | any number of them for each block, and the groups that they take turns in |
//! | `callgrind` | whether instructions can be counted here, and what is read off a report |
//! | `count` | allocations and instructions: what needs no clock |

pub mod callgrind;
pub mod child;
pub mod client;
pub mod command;
pub mod count;
pub mod launch;
pub mod lineup;
mod streams;

pub use client::Client;
pub use command::ProbeCommand;
pub use launch::Pair;
pub use lineup::Lineup;
