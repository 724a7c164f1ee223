//! The contract of svc-passport, over real connections. Aimed at the deployment at `PASSPORT_BASE_URL` if that is set,
//! whose keys are rotated once and where some usernames are claimed; else at the real program with the key of the
//! worked examples.
//!
//! What depends on that key or on settings of its own is left out for a deployment that has others.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test may stop at the first surprise")]

#[path = "../common/mod.rs"]
mod common;

mod batch;
mod examples;
mod issue;
mod keys;
mod metrics;
mod profile;
mod routes;
mod settings;
mod verify;
