//! A file for each operation. Each handler reads its body, does its work, and counts.

pub(crate) mod admin;
pub(crate) mod batch;
pub(crate) mod capability;
pub(crate) mod constant;
pub(crate) mod issue;
pub(crate) mod keys;
pub(crate) mod profile;
pub(crate) mod verify;

use ron_service::axum::body::Bytes;
use ron_service::axum::http::StatusCode;
use ron_service::axum::response::Response;

use crate::metrics::Metrics;
use crate::refusal::{Refusal, json};

/// A response of JSON, or the refusal, which is counted.
fn answer(metrics: &Metrics, body: Result<Bytes, Refusal>) -> Response {
    match body {
        Ok(body) => json(StatusCode::OK, body),
        Err(refusal) => {
            metrics.failed(refusal.code());
            refusal.response()
        }
    }
}
