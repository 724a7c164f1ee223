//! JSON bodies, in and out.

use axum::body::{Body, Bytes};
use axum::extract::{FromRequest, Request};
use axum::http::{HeaderMap, HeaderValue, header};
use axum::response::{IntoResponse, Response};
use http_body_util::BodyExt;
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::error::Category;

use crate::Problem;

/// A JSON body. As an argument it is read whole; what is wrong with it is a [`Problem`]: 415 for another content type,
/// 400 `Malformed` for what is not JSON, 422 `Unprocessable` for JSON of another shape. A body that is too large or too
/// slow is 413 or 408, whatever reads it.
#[derive(Debug, Clone, Copy)]
pub struct Json<T>(pub T);

impl<T: DeserializeOwned, S: Sync> FromRequest<S> for Json<T> {
    type Rejection = Problem;

    async fn from_request(request: Request, _: &S) -> Result<Self, Problem> {
        let bytes = read_json(request).await?;
        serde_json::from_slice(&bytes).map(Self).map_err(|error| problem(&error))
    }
}

/// The whole body of a request that says it is JSON, for who reads it in place.
///
/// # Errors
/// 415 for another content type, 400 `Malformed` for a body that broke off.
pub async fn read_json(request: Request) -> Result<Bytes, Problem> {
    if !is_json(request.headers()) {
        return Err(Problem::unsupported_media_type());
    }
    let body = request.into_body().collect().await;
    Ok(body.map_err(|_| Problem::malformed("The body ended before it was whole."))?.to_bytes())
}

impl<T: Serialize> IntoResponse for Json<T> {
    fn into_response(self) -> Response {
        let Ok(bytes) = serde_json::to_vec(&self.0) else {
            return Problem::internal().into_response();
        };
        let mut response = Response::new(Body::from(bytes));
        response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
        response
    }
}

/// Tells the place alone: the parser's own words would repeat what the client sent.
fn problem(error: &serde_json::Error) -> Problem {
    let (line, column) = (error.line(), error.column());
    let (mut problem, what) = match error.classify() {
        Category::Data => (Problem::unprocessable(""), "The body is JSON of a shape that this route does not take"),
        _ => (Problem::malformed(""), "The body is not JSON"),
    };
    problem.message = format!("{what}: line {line}, column {column}.").into();
    problem
}

/// Whether these headers say that the body is JSON: `application/json` or `application/….+json`, with any parameters.
#[must_use]
pub fn is_json(headers: &HeaderMap) -> bool {
    let Some(Ok(value)) = headers.get(header::CONTENT_TYPE).map(HeaderValue::to_str) else { return false };
    let essence = value.split(';').next().unwrap_or_default().trim();
    let Some((kind, name)) = essence.split_once('/') else { return false };
    let ends_in_json =
        name.len() > 5 && name.as_bytes().last_chunk::<5>().is_some_and(|e| e.eq_ignore_ascii_case(b"+json"));
    kind.eq_ignore_ascii_case("application") && (name.eq_ignore_ascii_case("json") || ends_in_json)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn json_is_known_by_its_content_type() {
        let with =
            |value: &'static str| HeaderMap::from_iter([(header::CONTENT_TYPE, HeaderValue::from_static(value))]);
        for json in ["application/json", "Application/JSON; charset=utf-8", "application/problem+json"] {
            assert!(is_json(&with(json)), "{json}");
        }
        for other in ["text/json", "application/jsonp", "application/+json", "json", ""] {
            assert!(!is_json(&with(other)), "{other}");
        }
        assert!(!is_json(&HeaderMap::new()));
    }
}
