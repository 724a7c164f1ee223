//! What is answered to what, over real connections. Aimed at the deployment at `AUTH_BASE_URL` and `PASSPORT_BASE_URL`
//! if those are set; else at real processes. What depends on the policy, keys or settings of the tests is tried with
//! processes of our own in any case.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test may stop at the first surprise")]

#[path = "../common/mod.rs"]
mod common;

mod batch;
mod envelopes;
mod hostile;
mod openapi;
mod process;
mod tokens;
