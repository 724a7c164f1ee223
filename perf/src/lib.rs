//! The lab: runs every variant of the ron-auth verifier side by side, proves first that they decide alike, measures
//! them against each other on a noisy machine, and says how they stand against baselines and tripwires.
//!
//! | module | holds |
//! |---|---|
//! | [`cli`], [`cmd`] | the command line; one file per subcommand, to be read top to bottom |
//! | [`cell`], [`workload`], [`floor`] | what is measured |
//! | [`available`] | what this build cannot measure here, and why |
//! | [`check`], [`vectors`] | whether it is right |
//! | [`measure`], [`count`] | how it is measured |
//! | [`probe`], [`side`] | programs to be compared: what they are built from, how they are started and asked |
//! | [`compare`] | two programs against each other: blocks, control, decision |
//! | [`gate`], [`selftest`] | the verdict on a change, and what that is worth |
//! | [`noise`] | what this machine can tell apart |
//! | [`sweep`] | all of it, for many cells |
//! | [`corpus`] | the tokens: fixtures, or a service's own |
//! | [`run`] | what a sweep measured, raw, and what can be read off it |
//! | [`effects`], [`recommend`] | what each seam is worth; what to run in production |
//! | [`profile`] | where the time goes |
//! | [`hostile`] | what the dearest token of a length costs |
//! | [`timing`] | whether the time of verifying tells a secret |
//! | [`history`] | what runs came to over time |
//! | [`baseline`], [`tripwire`] | what it is held against |
//! | [`report`] | how it is shown |
//! | [`missing`] | what is not there, and never counts as good |
//! | [`exit`], [`command_line`] | exit codes; arguments as they are written down |
//! | [`files`], [`host`], [`interrupt`] | files, the machine, Ctrl-C |
//! | [`own_sources`] | whether this program was built from the checkout that it is run in |
#![forbid(unsafe_code)]

// Shared with the probe, which is a package of its own.
pub use perf_probe::{check, workload};

pub mod available;
/// Digest of the sources that this program was built from: see [`own_sources`].
pub(crate) const BUILT_FROM: Option<&str> = option_env!("PERF_LAB_SOURCES");

pub mod baseline;
pub mod cell;
pub mod cli;
pub mod cmd;
pub mod command_line;
pub mod compare;
pub mod corpus;
pub mod count;
pub mod effects;
pub mod exit;
pub mod files;
pub mod floor;
pub mod gate;
pub mod history;
pub mod host;
pub mod hostile;
pub mod interrupt;
pub mod measure;
pub mod missing;
pub mod noise;
pub mod own_sources;
pub mod probe;
pub mod profile;
pub mod recommend;
pub mod report;
pub mod run;
pub mod selftest;
pub mod side;
pub mod sweep;
pub mod timing;
pub mod tripwire;
pub mod vectors;
