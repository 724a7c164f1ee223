//! Why a request, or an item of a batch, is not looked at any further; and what is told then.

use ron_service::Problem;
use ron_service::axum::http::StatusCode;

/// What is wrong with what was sent. None of the texts repeats it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Refusal {
    /// 400: the algorithm of an envelope.
    BadAlg,
    /// 400: an empty key id.
    BadKid,
    /// 400: no audience where one is required, or none that is accepted.
    BadAudience,
    /// 400: anything else that cannot be read, with what was expected.
    Malformed(&'static str),
    /// 413: a signed message or a token.
    MsgTooLarge,
}

/// What a decision needs is not there. No fault of who asks: worth another try.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub(crate) enum Failure {
    #[error("no policy is loaded; /readyz tells why")]
    NoPolicy,
    #[error("the keys are not there yet; /readyz tells when they are")]
    NoKeys,
    #[error("signatures cannot be verified now")]
    Delegate,
    /// Milliseconds after which a slot may be free.
    #[error("all slots are taken")]
    Overloaded(u64),
}

/// Until when whatever is missing is expected back.
const RETRY_MS: u64 = 1_000;

impl Refusal {
    /// The stable code; in a batch the item's reason.
    pub(crate) const fn code(self) -> &'static str {
        match self {
            Self::BadAlg => "BadAlg",
            Self::BadKid => "BadKid",
            Self::BadAudience => "BadAudience",
            Self::Malformed(_) => "Malformed",
            Self::MsgTooLarge => "MsgTooLarge",
        }
    }
}

impl From<Refusal> for Problem {
    fn from(refusal: Refusal) -> Self {
        let message = match refusal {
            Refusal::BadAlg => "alg: expected \"Ed25519\"",
            Refusal::BadKid => "kid: expected the id of a key",
            Refusal::BadAudience => {
                "aud: expected an audience that is accepted here, outside and inside of the message"
            }
            Refusal::Malformed(message) => message,
            Refusal::MsgTooLarge => "the message or token is longer than limits.max_msg_bytes",
        };
        let status = match refusal {
            Refusal::MsgTooLarge => StatusCode::PAYLOAD_TOO_LARGE,
            _ => StatusCode::BAD_REQUEST,
        };
        Self::new(status, refusal.code(), message)
    }
}

impl From<Failure> for Problem {
    fn from(failure: Failure) -> Self {
        let message = match failure {
            Failure::Overloaded(after_ms) => return Self::overloaded(after_ms),
            Failure::NoPolicy => "no policy is loaded; /readyz tells why",
            Failure::NoKeys => "the keys are not there yet; /readyz tells when they are",
            Failure::Delegate => "signatures cannot be verified now",
        };
        Self::new(StatusCode::SERVICE_UNAVAILABLE, "Internal", message).retry_after_ms(RETRY_MS)
    }
}

/// 401 `Denied`: nobody that is known here.
pub(crate) const fn denied() -> Problem {
    Problem::new(StatusCode::UNAUTHORIZED, "Denied", "the signature or token is not good, or not now")
}
