//! `/v1/constant`: what every request costs, whatever it asks for. To measure against.

use std::sync::Arc;

use ron_service::axum::body::Bytes;
use ron_service::axum::extract::{Request, State};
use ron_service::axum::http::StatusCode;
use ron_service::axum::response::Response;

use super::answer;
use crate::body;
use crate::refusal::json;
use crate::state::Passport;

pub(crate) async fn constant() -> Response {
    json(StatusCode::OK, "true")
}

/// Reads the body as every other route does.
pub(crate) async fn constant_for_body(State(passport): State<Arc<Passport>>, request: Request) -> Response {
    let body = body::read(request, passport.max_body_bytes()).await;
    answer(&passport.metrics, body.map(|_| Bytes::from_static(b"true")))
}
