//! The way to svc-passport: batches, single flight, caches, and one that is slow, wrong, away, or another one than
//! before.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test may stop at the first surprise")]

#[path = "../common/mod.rs"]
mod common;
mod fake;

mod calls;
mod clock;
mod faults;
mod keys;
mod remembered;
mod renewed;
