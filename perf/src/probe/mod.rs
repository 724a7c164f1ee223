//! Probes from the lab's side: processes that are started, asked and stopped. What they say is `perf/PROTOCOL.md`.
//!
//! | file | holds |
//! |---|---|
//! | `command` | which program, with which arguments |
//! | `client` | one running probe: ask it, wait for it no longer than is sensible, stop it |
//! | `streams` | what it writes, read as it comes |
//! | `child` | a process with all that it started, in a group that ends with it |
//! | `launch` | a probe for one block: where it runs, where it lies in memory |
//! | `floor` | the floor as a probe: what a program is related to where there is no second one |
//! | `points` | a probe of what a sweep measures |
//! | `count` | allocations and instructions: what needs no clock |

pub(crate) mod child;
pub mod client;
pub mod command;
pub mod count;
pub mod floor;
pub mod launch;
pub mod points;
mod streams;

pub use client::Client;
pub use command::ProbeCommand;
pub use launch::Pair;
