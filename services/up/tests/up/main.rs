//! The real program, as somebody starts it who has just fetched it.
#![allow(dead_code, unused_imports, missing_docs, unreachable_pub, reason = "some of the client is for others")]
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test may stop at the first surprise"
)]

mod amnesia;
#[path = "../../../passport/tests/common/envelopes.rs"]
mod envelopes;
#[path = "../../../passport/tests/common/http.rs"]
mod http;
mod lines;
mod process;
mod refused;
mod restart;
#[path = "../../../auth/tests/amnesia/subjects/mod.rs"]
mod subjects;
