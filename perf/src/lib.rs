//! The lab: runs every variant of the ron-auth verifier side by side, proves first that they decide alike, measures
//! them against each other on a noisy machine, and says how they stand against baselines and tripwires.
//!
//! | module | holds |
//! |---|---|
//! | [`cli`], [`cmd`] | the command line; one file per subcommand, to be read top to bottom |
//! | [`cell`], [`workload`], [`floor`] | what is measured |
//! | [`check`], [`vectors`] | whether it is right |
//! | [`measure`], [`count`] | how it is measured |
//! | [`sweep`] | all of it, for many cells |
//! | [`baseline`], [`tripwire`] | what it is held against |
//! | [`report`] | how it is shown |
//! | [`exit`], [`files`], [`host`] | exit codes, files, the machine |
#![forbid(unsafe_code)]

pub mod baseline;
pub mod cell;
pub mod check;
pub mod cli;
pub mod cmd;
pub mod count;
pub mod exit;
pub mod files;
pub mod floor;
pub mod host;
pub mod measure;
pub mod report;
pub mod sweep;
pub mod tripwire;
pub mod vectors;
pub mod workload;
