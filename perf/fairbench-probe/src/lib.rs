//! Ten lines make a probe.
//!
//! A *probe* is a process that can be measured from outside: it lists its cases, proves its answers right, and then,
//! told "run this case that many times", answers with the nanoseconds that took. The protocol is `perf/PROTOCOL.md`;
//! anyone can write a probe in any language. In Rust this is one:
//!
//! ```
//! use std::process::ExitCode;
//!
//! use fairbench_probe::{Case, Program};
//!
//! fn main() -> ExitCode {
//!     Program::new("sorting")
//!         .case(
//!             Case::on_one_thread("sort_1000", 1000, "number"),
//!             || (0..1000_u64).map(|n| n * 7919 % 1009).collect::<Vec<_>>(),
//!             |numbers| if sorted(numbers).is_sorted() { Ok(1) } else { Err("not sorted".to_owned()) },
//!             |numbers| drop(std::hint::black_box(sorted(numbers))),
//!         )
//!         .main()
//! }
//!
//! fn sorted(numbers: &[u64]) -> Vec<u64> {
//!     let mut numbers = numbers.to_vec();
//!     numbers.sort();
//!     numbers
//! }
//! ```
//!
//! `fairbench probe --ask` tries it out, `fairbench ab` compares two of them. Whoever has more to say than closures can
//! implements [`serve::Suite`] and hands it to [`serve::Probe`].
//!
//! It is a package of its own, small and quick to build, because it is built for everything that is compared, with
//! nothing of the instrument in it that could move the code that is timed.
//!
//! | module | holds |
//! |---|---|
//! | [`program`] | a probe made of closures |
//! | [`protocol`] | the messages |
//! | [`serve`] | the answering loop |
//! | [`clock`] | what a turn is timed with, within [`timed_work`], which callgrind counts at |
//! | [`spent`] | where the time of a turn went, beside what the clock says |
//! | [`memory`] | how much memory the process takes |
//! | [`place`] | where the process lies in memory |
//! | [`environment`] | what a result depends on besides the code |
//! | `nuisance` | code that nobody calls, for a test of the gate |
//!
//! # Public dependencies
//!
//! What public items name of other crates. A new major version of one of these is a new major version of this crate.
//!
//! | crate | where |
//! |---|---|
//! | `serde` 1 | its traits, for the messages of the protocol and what is in them |
#![forbid(unsafe_code)]

pub mod clock;
pub mod environment;
pub mod memory;
#[cfg(feature = "layout-nuisance")]
pub mod nuisance;
pub mod place;
pub mod program;
pub mod protocol;
pub mod serve;
pub mod spent;

pub use program::Program;
pub use protocol::Case;

/// All that is timed, under a name that callgrind can be told to look for: not generic, so that it is one function of
/// this very name in every program. It stands here because the name of a function is that of the place where it is
/// made.
#[inline(never)]
pub fn timed_work(work: &mut dyn FnMut()) {
    work();
}
