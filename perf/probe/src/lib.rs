//! A *probe* is a process that can be measured from outside: it lists its cases, proves its answers right, and then,
//! told "run this case that many times", answers with the nanoseconds that took. The protocol is `perf/PROTOCOL.md`;
//! anyone can write a probe in any language.
//!
//! Two programs are compared as two probes that take turns of a millisecond, started afresh many times. That is worth
//! a process of its own, small and quick to build: the lab builds it for every revision and feature set that it
//! compares, with nothing of the lab in it that could move the code that is timed.
//!
//! | module | holds |
//! |---|---|
//! | [`protocol`] | the messages |
//! | [`serve`] | the answering loop |
//! | [`cases`], [`face`] | the canonical cases, and what they are run on |
//! | [`place`] | where the process lies in memory |
//! | `long` | tokens near the default bounds |
//! | [`memory`] | how much memory the process takes |
//! | [`spent`] | where the time of a turn went, beside what the clock says |
//! | `nuisance` | code that nobody calls, for a test of the gate |
//! | [`workload`], [`clock`], [`check`] | what the lab shares: cells made ready to run, clocks, comparing answers |
#![forbid(unsafe_code)]

pub mod cases;
pub mod check;
pub mod clock;
pub mod command_line;
pub mod face;
mod long;
pub mod memory;
#[cfg(feature = "layout-nuisance")]
pub mod nuisance;
pub mod place;
pub mod protocol;
pub mod serve;
pub mod spent;
pub mod workload;
