//! What every service of the plane shares, so that none writes it again: configuration, listeners, limits, problems,
//! health, metrics, logs, drain. Nothing here knows what a service decides.
//!
//! A service is its settings, its handlers and a list of routes:
//!
//! ```no_run
#![doc = include_str!("../examples/echo.rs")]
//! ```
//!
//! # What a request goes through
//!
//! 1. A connection, of at most so many, with a deadline for whatever it waits for: a client that sends nothing, or a
//!    byte a second, costs a slot for seconds only.
//! 2. A request id, taken from `x-request-id` if it is sane, else made; the response carries it.
//! 3. The door: the client's rate, or the token of the admin listener.
//! 4. The body's length as announced; a slot of all, a slot of the route. Nothing queues.
//! 5. The handler, with a body that is bounded in bytes and time, within a time. A panic is an answer like any other.
//! 6. Metrics by the route's template, a log line where something failed.
//!
//! What fails in 1 to 5 is answered with a [`Problem`], or with the bodies of a service's older contract
//! ([`Service::errors`]). Requests that are not HTTP at all are answered by hyper, with a status and no body.
//!
//! # Drain
//!
//! On SIGTERM or Ctrl-C `/readyz` falls, and each response from then on closes its connection. After
//! `server.drain_grace_ms` the listeners close; what the kernel had accepted for them is still served. A connection
//! that is silent for a quarter of a second more is closed, and requests in flight have `server.drain_timeout_ms`.
#![forbid(unsafe_code)]

mod accounts;
pub mod config;
mod health;
pub mod limits;
pub mod logs;
pub mod metrics;
mod problem;
mod request;
mod run;
mod scratch;
mod serve;
mod service;

pub use accounts::{Account, Accounts, BadAccount, Credentials};
pub use health::Condition;
pub use problem::{ErrorBody, Problem};
pub use request::{Bearer, Json, Peer, RequestId, RequestInfo, is_json, read_json};
pub use run::{Listening, run, run_started};
pub use scratch::ScratchFolder;
pub use service::{Addresses, Drained, Route, Running, Service, StartError};

// What services name of these is of the versions that this one is built with.
pub use {axum, prometheus_client};
