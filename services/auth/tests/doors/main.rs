//! The other ways to ask, each off unless configured: a proxy's sub-request, its cookie, and AuthZEN.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test may stop at the first surprise")]

#[path = "../common/mod.rs"]
mod common;

mod authzen;
mod check;
mod cookie;
