//! A file for each operation. Each handler reads its body, does its work, and counts.

pub(crate) mod admin;
pub(crate) mod authorize;
pub(crate) mod authzen;
pub(crate) mod check;
pub(crate) mod constant;
pub(crate) mod introspect;
pub(crate) mod whoami;

use std::time::Instant;

use ron_service::axum::body::{Body, Bytes};
use ron_service::axum::extract::Request;
use ron_service::axum::http::{HeaderValue, header};
use ron_service::axum::response::{IntoResponse, Response};
use ron_service::{Problem, read_json};
use serde::Serialize;

use crate::metrics::{Alg, Op, Outcome};
use crate::state::Auth;

/// What an operation has come to, and how it is counted.
struct Done {
    outcome: Outcome,
    alg: Alg,
    body: Result<Vec<u8>, Problem>,
}

impl Done {
    fn failed(alg: Alg, problem: impl Into<Problem>) -> Self {
        Self { outcome: Outcome::Fail, alg, body: Err(problem.into()) }
    }

    fn json(outcome: Outcome, alg: Alg, answer: &impl Serialize) -> Self {
        match serde_json::to_vec(answer) {
            Ok(body) => Self { outcome, alg, body: Ok(body) },
            Err(_) => Self::failed(alg, Problem::internal()),
        }
    }

    /// Counts it, and answers.
    fn response(self, auth: &Auth, op: Op, started: Instant) -> Response {
        auth.metrics.done(op, self.outcome, self.alg, started.elapsed());
        match self.body {
            Ok(body) => json(body),
            Err(problem) => problem.into_response(),
        }
    }
}

/// Reads the body of a request, has it done, counts it, and answers.
async fn answer(auth: &Auth, request: Request, op: Op, done: impl AsyncFnOnce(&Auth, &[u8]) -> Done) -> Response {
    match read_json(request).await {
        Ok(body) => {
            let started = Instant::now();
            done(auth, &body).await.response(auth, op, started)
        }
        Err(problem) => problem.into_response(),
    }
}

/// A response of JSON, which nobody is to keep: a decision is one of its moment.
fn json(body: impl Into<Bytes>) -> Response {
    let mut response = Response::new(Body::from(body.into()));
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    response
}
