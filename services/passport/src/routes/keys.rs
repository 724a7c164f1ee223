//! `GET /v1/keys`: the public keys, as a JWK set that caches can keep.

use std::sync::Arc;

use ron_service::axum::body::Body;
use ron_service::axum::extract::State;
use ron_service::axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use ron_service::axum::response::Response;

use crate::metrics::{Op, Outcome};
use crate::state::Passport;

pub(crate) async fn keys(State(passport): State<Arc<Passport>>, headers: HeaderMap) -> Response {
    let ring = match passport.ring() {
        Ok(ring) => ring,
        Err(refusal) => {
            passport.metrics.failed(refusal.code());
            return refusal.response();
        }
    };
    // Byte for byte, one value: neither lists nor weak tags nor `*`, as deployed.
    let is_known = headers.get(header::IF_NONE_MATCH).is_some_and(|tag| tag == ring.etag);
    let (status, body, outcome) = if is_known {
        (StatusCode::NOT_MODIFIED, Body::empty(), Outcome::NotModified)
    } else {
        (StatusCode::OK, Body::from(ring.jwks.clone()), Outcome::Ok)
    };
    passport.metrics.done(Op::Keys, outcome);
    let mut response = Response::new(body);
    *response.status_mut() = status;
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/jwk-set+json"));
    headers.insert(header::CACHE_CONTROL, passport.cache_control.clone());
    headers.insert(header::ETAG, ring.etag.clone());
    response
}
