//! A run: the raw values that one sweep measured, and what follows from them.
//!
//! | chapter | holds |
//! |---|---|
//! | [`record`] | the shapes: points, arms, groups, blocks, counts |
//! | [`journal`] | `run.jsonl`: written line by line while measuring, read back to go on or to report |
//! | [`session`] | a run that is being measured |
//! | [`measured`] | every arm with its values, and ratios between any two of them |
//! | [`effects`] | what each seam is worth |
//! | [`history`] | the line of history that it leaves |
//! | [`compositions`] | the compositions that were measured against each other |
//!
//! Everything that is shown (tables, plots, effects, advice, history) is made from a [`Run`] and can be made again from
//! its file.

pub mod compositions;
pub mod effects;
pub mod history;
pub mod journal;
pub mod measured;
pub mod record;
pub mod session;
#[cfg(test)]
pub(crate) mod simulated;

pub use compositions::Compositions;
pub use history::entry_of;
pub use journal::Run;
pub use measured::MeasuredArm;
pub use record::{ArmKind, ComparisonGroup, Panel, Point, Purpose, Record, SweepArm, Unavailable};
pub use session::{RunPlace, Session};
