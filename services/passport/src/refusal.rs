//! What is told to whom a request is refused.

use ron_envelope::EnvelopeFault;
use ron_service::Problem;
use ron_service::axum::body::Body;
use ron_service::axum::http::{HeaderValue, StatusCode, header};
use ron_service::axum::response::Response;
use serde::Serialize;
use serde_json::error::Category;

/// Why a request is refused, in the order in which it is looked at. None of the texts repeats what a client sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Refusal {
    /// 415, text.
    NoJsonType,
    /// 413, text.
    BodyTooLarge,
    /// 400, text: the connection broke.
    BodyBroken,
    /// 400, text, with line and column.
    NotJson(usize, usize),
    /// 422, text, with line and column.
    WrongShape(usize, usize),
    /// 413 `BatchTooLarge`.
    BatchTooLarge,
    /// 400, with the code of the fault.
    Envelope(EnvelopeFault),
    /// 400 `Malformed`: no key of this id verifies.
    UnknownKey,
    /// 413 `MsgTooLarge`.
    MsgTooLarge,
    /// 500 `Internal`. Worth another try.
    Internal,
    /// 503 `Internal`: there are no keys yet. Worth another try.
    NoKeys,
    /// 503 `Overloaded`: no slot is free; milliseconds after which one may be.
    Overloaded(u64),
}

/// Until when the store is expected back.
const STORE_RETRY_MS: u64 = 1_000;

impl Refusal {
    pub(crate) const fn status(self) -> StatusCode {
        match self {
            Self::NoJsonType => StatusCode::UNSUPPORTED_MEDIA_TYPE,
            Self::BodyTooLarge | Self::BatchTooLarge | Self::MsgTooLarge => StatusCode::PAYLOAD_TOO_LARGE,
            Self::BodyBroken | Self::NotJson(..) | Self::Envelope(_) | Self::UnknownKey => StatusCode::BAD_REQUEST,
            Self::WrongShape(..) => StatusCode::UNPROCESSABLE_ENTITY,
            Self::Internal => StatusCode::INTERNAL_SERVER_ERROR,
            Self::NoKeys | Self::Overloaded(_) => StatusCode::SERVICE_UNAVAILABLE,
        }
    }

    /// Of problems the `code` on the wire; of texts the reason in metrics.
    pub(crate) const fn code(self) -> &'static str {
        match self {
            Self::NoJsonType => "UnsupportedMediaType",
            Self::BodyTooLarge => "BodyTooLarge",
            Self::BodyBroken => "BodyBroken",
            Self::NotJson(..) => "NotJson",
            Self::WrongShape(..) => "Unprocessable",
            Self::BatchTooLarge => "BatchTooLarge",
            Self::Envelope(fault) => fault.code(),
            Self::UnknownKey => "Malformed",
            Self::MsgTooLarge => "MsgTooLarge",
            Self::Internal | Self::NoKeys => "Internal",
            Self::Overloaded(_) => "Overloaded",
        }
    }

    /// What is wrong with JSON that was to be read as something.
    pub(crate) fn of_json(error: &serde_json::Error) -> Self {
        match error.classify() {
            Category::Data => Self::WrongShape(error.line(), error.column()),
            _ => Self::NotJson(error.line(), error.column()),
        }
    }

    pub(crate) fn response(self) -> Response {
        let retry_after_ms = match self {
            Self::Internal | Self::NoKeys => Some(STORE_RETRY_MS),
            Self::Overloaded(after_ms) => Some(after_ms),
            _ => None,
        };
        let message = match self {
            Self::NoJsonType => "expected Content-Type: application/json",
            Self::BodyTooLarge => "the body is larger than this service takes",
            Self::BodyBroken => "the body ended before it was whole",
            Self::NotJson(line, column) => {
                return text(self.status(), format!("the body is not JSON: line {line}, column {column}"));
            }
            Self::WrongShape(line, column) => {
                let message =
                    format!("the body is JSON of a shape that this route does not take: line {line}, column {column}");
                return text(self.status(), message);
            }
            Self::BatchTooLarge => "the batch has more items than limits.max_batch",
            Self::Envelope(EnvelopeFault::BadAlg) => "alg: expected \"Ed25519\"",
            Self::Envelope(EnvelopeFault::BadKid) => "kid: expected the id of a key",
            Self::Envelope(EnvelopeFault::BadAudience) => "aud: expected an audience",
            Self::Envelope(EnvelopeFault::MalformedMessage) => "msg_b64: expected standard Base64 with padding",
            Self::Envelope(EnvelopeFault::MalformedSignature) => "sig_b64: expected standard Base64 with padding",
            Self::UnknownKey => "kid: no key of this id verifies; fetch /v1/keys anew",
            Self::MsgTooLarge => "the message in its canonical form is longer than limits.max_msg_bytes",
            Self::Internal => "the key store failed; nothing was answered from half of it",
            Self::NoKeys => "the keys are not there yet; /readyz tells when they are",
            Self::Overloaded(_) => "all slots are taken",
        };
        match self {
            Self::NoJsonType | Self::BodyTooLarge | Self::BodyBroken => text(self.status(), message.to_owned()),
            _ => problem(self.status(), self.code(), message, retry_after_ms),
        }
    }
}

/// How problems of the plane are told: as the deployed service tells them, with nothing for what it tells nothing of.
pub(crate) fn of_plane(problem: &Problem) -> Response {
    match problem.status {
        StatusCode::NOT_FOUND | StatusCode::METHOD_NOT_ALLOWED => {
            let mut response = Response::new(Body::empty());
            *response.status_mut() = problem.status;
            response
        }
        StatusCode::PAYLOAD_TOO_LARGE => Refusal::BodyTooLarge.response(),
        _ => self::problem(problem.status, problem.code, &problem.message, problem.retry_after_ms),
    }
}

/// The body of a problem.
#[derive(Serialize)]
struct Members<'a> {
    code: &'a str,
    message: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    retry_after_ms: Option<u64>,
}

fn problem(status: StatusCode, code: &str, message: &str, retry_after_ms: Option<u64>) -> Response {
    // Texts and numbers always can be written.
    let body = serde_json::to_vec(&Members { code, message, retry_after_ms }).unwrap_or_default();
    let mut response = json(status, body);
    if let Some(after_ms) = retry_after_ms {
        response.headers_mut().insert(header::RETRY_AFTER, HeaderValue::from(after_ms.div_ceil(1_000).max(1)));
    }
    response
}

/// A response with a body of JSON.
pub(crate) fn json(status: StatusCode, body: impl Into<Body>) -> Response {
    with_type(status, body.into(), "application/json")
}

fn text(status: StatusCode, message: String) -> Response {
    with_type(status, message.into(), "text/plain; charset=utf-8")
}

fn with_type(status: StatusCode, body: Body, content_type: &'static str) -> Response {
    let mut response = Response::new(body);
    *response.status_mut() = status;
    response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static(content_type));
    response
}
