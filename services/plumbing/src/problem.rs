//! Answers to requests that fail: RFC 9457 problems with a stable code.

use std::borrow::Cow;

use axum::body::Body;
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde::Serialize;

/// What a failed request is told, as `application/problem+json`.
///
/// `code` is stable and meant for programs; `message` is meant for people and may change. It never repeats what a
/// client sent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problem {
    /// HTTP status.
    pub status: StatusCode,
    /// Stable name of what went wrong, such as `BodyTooLarge`.
    pub code: &'static str,
    /// One sentence for people.
    pub message: Cow<'static, str>,
    /// Whether the same request may succeed later.
    pub retryable: bool,
    /// When to try again, in milliseconds. Also told in `Retry-After`, in whole seconds.
    pub retry_after_ms: Option<u64>,
}

/// How a service writes the problems that the plane answers with. The default is [`Problem`]'s own response; a service
/// with a contract from before answers that contract's bodies.
pub type ErrorBody = fn(&Problem) -> Response;

impl Problem {
    /// A problem that the same request will meet again.
    #[must_use]
    pub const fn new(status: StatusCode, code: &'static str, message: &'static str) -> Self {
        Self { status, code, message: Cow::Borrowed(message), retryable: false, retry_after_ms: None }
    }

    /// The same problem, worth another try.
    #[must_use]
    pub const fn retryable(mut self) -> Self {
        self.retryable = true;
        self
    }

    /// The same problem, worth another try in `milliseconds`.
    #[must_use]
    pub const fn retry_after_ms(mut self, milliseconds: u64) -> Self {
        self.retryable = true;
        self.retry_after_ms = Some(milliseconds);
        self
    }

    /// 400 `Malformed`.
    #[must_use]
    pub const fn malformed(message: &'static str) -> Self {
        Self::new(StatusCode::BAD_REQUEST, "Malformed", message)
    }

    /// 401 `Unauthorized`.
    #[must_use]
    pub const fn unauthorized(message: &'static str) -> Self {
        Self::new(StatusCode::UNAUTHORIZED, "Unauthorized", message)
    }

    /// 404 `NotFound`.
    #[must_use]
    pub const fn not_found() -> Self {
        Self::new(StatusCode::NOT_FOUND, "NotFound", "There is no such route.")
    }

    /// 405 `MethodNotAllowed`.
    #[must_use]
    pub const fn method_not_allowed() -> Self {
        Self::new(StatusCode::METHOD_NOT_ALLOWED, "MethodNotAllowed", "This route does not take this method.")
    }

    /// 408 `RequestTimeout`.
    #[must_use]
    pub const fn request_timeout() -> Self {
        Self::new(StatusCode::REQUEST_TIMEOUT, "RequestTimeout", "The body took too long to arrive.").retryable()
    }

    /// 413 `BodyTooLarge`.
    #[must_use]
    pub const fn body_too_large() -> Self {
        Self::new(StatusCode::PAYLOAD_TOO_LARGE, "BodyTooLarge", "The body is larger than this route takes.")
    }

    /// 413 `BatchTooLarge`.
    #[must_use]
    pub const fn batch_too_large() -> Self {
        Self::new(StatusCode::PAYLOAD_TOO_LARGE, "BatchTooLarge", "The batch has more items than this route takes.")
    }

    /// 415 `UnsupportedMediaType`.
    #[must_use]
    pub const fn unsupported_media_type() -> Self {
        let message = "This route takes Content-Type: application/json.";
        Self::new(StatusCode::UNSUPPORTED_MEDIA_TYPE, "UnsupportedMediaType", message)
    }

    /// 422 `Unprocessable`.
    #[must_use]
    pub const fn unprocessable(message: &'static str) -> Self {
        Self::new(StatusCode::UNPROCESSABLE_ENTITY, "Unprocessable", message)
    }

    /// 429 `RateLimited`.
    #[must_use]
    pub const fn rate_limited(retry_after_ms: u64) -> Self {
        Self::new(StatusCode::TOO_MANY_REQUESTS, "RateLimited", "This client sends more than it may.")
            .retry_after_ms(retry_after_ms)
    }

    /// 500 `Internal`.
    #[must_use]
    pub const fn internal() -> Self {
        Self::new(StatusCode::INTERNAL_SERVER_ERROR, "Internal", "The service failed at this request.").retryable()
    }

    /// 503 `Overloaded`.
    #[must_use]
    pub const fn overloaded(retry_after_ms: u64) -> Self {
        Self::new(StatusCode::SERVICE_UNAVAILABLE, "Overloaded", "All slots are taken.").retry_after_ms(retry_after_ms)
    }

    /// 503 `Timeout`.
    #[must_use]
    pub const fn timeout() -> Self {
        Self::new(StatusCode::SERVICE_UNAVAILABLE, "Timeout", "The service took too long.").retryable()
    }

    /// The body, as JSON.
    #[must_use]
    pub fn to_json(&self) -> Vec<u8> {
        #[derive(Serialize)]
        struct Members<'a> {
            r#type: &'a str,
            title: &'a str,
            status: u16,
            detail: &'a str,
            code: &'a str,
            message: &'a str,
            retryable: bool,
            #[serde(skip_serializing_if = "Option::is_none")]
            retry_after_ms: Option<u64>,
        }
        let members = Members {
            r#type: "about:blank",
            title: self.status.canonical_reason().unwrap_or("Error"),
            status: self.status.as_u16(),
            detail: &self.message,
            code: self.code,
            message: &self.message,
            retryable: self.retryable,
            retry_after_ms: self.retry_after_ms,
        };
        // Strings and numbers always can be written.
        serde_json::to_vec(&members).unwrap_or_default()
    }

    /// `Retry-After`, in whole seconds from 1 on.
    pub(crate) fn retry_after(&self) -> Option<HeaderValue> {
        self.retry_after_ms.map(|milliseconds| HeaderValue::from(milliseconds.div_ceil(1_000).max(1)))
    }
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        let mut response = Response::new(Body::from(self.to_json()));
        *response.status_mut() = self.status;
        let headers = response.headers_mut();
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/problem+json"));
        if let Some(seconds) = self.retry_after() {
            headers.insert(header::RETRY_AFTER, seconds);
        }
        if self.status == StatusCode::UNAUTHORIZED {
            headers.insert(header::WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
        }
        response
    }
}

/// The body that services without an older contract answer with.
pub(crate) fn as_problem(problem: &Problem) -> Response {
    problem.clone().into_response()
}
