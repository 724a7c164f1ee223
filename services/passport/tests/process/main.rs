//! The real process: restarts, rotations under load, signals, stores that go away, and what goes beyond the contract.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test may stop at the first surprise")]

#[path = "../common/mod.rs"]
mod common;

mod capability;
mod extensions;
mod keys;
mod limits;
mod load;
mod openapi;
#[path = "../../../kms/tests/kms/server.rs"]
mod server;
mod stores;
