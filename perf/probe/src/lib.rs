//! The probe of ron-auth: its canonical cases, on whatever verifies tokens. What makes it a probe is `fairbench-probe`.
//!
//! It is a package of its own, small and quick to build: it is built for every revision and feature set that is
//! compared, with nothing of the lab in it that could move the code that is timed.
//!
//! | module | holds |
//! |---|---|
//! | [`cases`], [`face`] | the canonical cases, and what they are run on |
//! | `long` | tokens near the default bounds |
//! | [`check`] | comparing answers |
//! | [`command_line`] | what both programs do with their arguments |
#![forbid(unsafe_code)]

pub mod cases;
pub mod check;
pub mod command_line;
pub mod face;
mod long;
