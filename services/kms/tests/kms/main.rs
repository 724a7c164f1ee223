//! Keys in custody, with real files, real processes and a real server.
#![allow(
    missing_docs,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test may fail loudly"
)]

mod at_rest;
mod authority;
mod child;
mod crash;
mod faults;
mod keys;
mod postgres;
mod processes;
mod server;
mod signing;
mod tls;
mod util;
