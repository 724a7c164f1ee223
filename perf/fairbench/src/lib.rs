//! Honest comparison of two programs, on machines that can't be trusted.
//!
//! Two runs of the same program on a shared machine differ by more than 5 % most of the time. So two programs are run
//! in turns of well under a millisecond, in pairs of fresh processes, beside a control; what the times show is weighed
//! with exact counts; and the verdict is a claim with a confidence. What is compared are *probes* (`perf/PROTOCOL.md`):
//! this crate knows nothing of what they do.
//!
//! | module | holds |
//! |---|---|
//! | [`cli`], [`cmd`] | the command line; one file per subcommand, to be read top to bottom |
//! | [`project`] | where, by which settings, and what a program that is built on this adds |
//! | [`settings`] | `fairbench.toml` |
//! | [`side`] | what is compared: what a side is named by, and how it is built |
//! | [`probe`] | a running probe: how it is started and asked |
//! | [`compare`] | two programs against each other: blocks, control, decision |
//! | [`measure`] | statistics, cores, the queue for the machine |
//! | [`gate`] | the verdict on a change |
//! | [`selftest`] | what that verdict is worth |
//! | [`noise`] | what this machine can tell apart |
//! | [`baseline`] | stored measurements that later ones are held against |
//! | [`history`] | what runs came to over time |
//! | [`missing`] | what is not there, and never counts as good |
//! | [`exit`], [`command_line`] | exit codes; arguments as they are written down |
//! | [`files`], [`lock`], [`host`], [`interrupt`], [`progress`] | files, locks on them, the machine, Ctrl-C, a bar |
//! | [`environment`] | variables of the environment |
//!
//! # Public dependencies
//!
//! The library is there for programs that teach the instrument about sides of their own ([`project::Hooks`]), and
//! changes with every minor version. What public items name of other crates:
//!
//! | crate | where |
//! |---|---|
//! | `anyhow` 1 | errors that end as a line for a person |
//! | `clap` 4 | arguments of commands, which a program may take over into its own command line |
//! | `fairbench-probe` 0.1 | the protocol |
//! | `rand` 0.9, `rand_chacha` 0.9 | the generator that layouts and orders are drawn with |
//! | `serde` 1 | its traits, for what is read and written as JSON or TOML |
#![forbid(unsafe_code)]

pub mod baseline;
pub mod cli;
pub mod cmd;
pub mod command_line;
pub mod compare;
pub mod environment;
pub mod exit;
pub mod files;
pub mod gate;
pub mod history;
pub mod host;
pub mod interrupt;
pub mod lock;
pub mod measure;
pub mod missing;
pub mod noise;
pub mod probe;
pub mod progress;
pub mod project;
pub mod selftest;
pub mod settings;
pub mod side;
