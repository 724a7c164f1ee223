//! `/v1/constant`: what every request costs, whatever it asks for. To measure against.

use ron_service::axum::extract::Request;
use ron_service::axum::response::{IntoResponse, Response};
use ron_service::read_json;

use super::json;

pub(crate) async fn constant() -> Response {
    json("true")
}

/// Reads the body as every other route does.
pub(crate) async fn constant_for_body(request: Request) -> Response {
    match read_json(request).await {
        Ok(_) => json("true"),
        Err(problem) => problem.into_response(),
    }
}
