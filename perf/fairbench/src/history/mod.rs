//! What runs came to over time: `reports/history.jsonl`, and whether a benchmark has changed or drifts.
//!
//! A gate holds a change against what was there just before it, and lets pass what is smaller than its threshold. Ten
//! changes of half a per cent each pass it, and make five. So every run leaves a line in a history, and this is where
//! the history is judged as a whole.
//!
//! | chapter | says |
//! |---|---|
//! | [`entry`] | what is kept of a run: each benchmark's ratio to the floor |
//! | [`file`](mod@file) | the file: lines are added, none is ever lost or rewritten |
//! | [`changes`] | whether a level has changed, and between which runs |
//! | [`drift`] | whether it creeps |
//! | [`trend`] | the two together, for all benchmarks at once, at 5 % for the whole |
//!
//! A run's own interval is **not** what a run is judged by here. It tells how well that run measured its own processes
//! on that day. From run to run more varies: how the code was laid out by the compiler, what else the machine did, its
//! temperature. So the tests take the runs themselves as the sample, and their spread as the noise. They rest on one
//! belief only: that without a change any order of the runs is as likely as any other. A machine that itself changes (a
//! new kernel, a new neighbour) breaks it; the ratio to a floor measured in the same blocks takes away most of that,
//! not all. A change is a question to look into, between two revisions, not yet a verdict on them: `ab` gives that.

pub mod changes;
pub mod drift;
pub mod entry;
pub mod file;
/// Simulated histories, for tests, also those of programs that are built on this crate.
#[doc(hidden)]
pub mod simulated;
pub mod trend;

pub use entry::{Entry, HistoryBenchmark, short};
pub use file::{History, append, read};
pub use trend::{Trend, TrendPoint, starts, trends};
