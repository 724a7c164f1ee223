//! Why a token could not be verified at all. (A token that verifies but does not permit the request is a
//! [`Decision::Deny`](crate::Decision::Deny), not an error.)

use std::fmt;

/// Why a token was not accepted as a token.
///
/// When several apply, the one listed first is reported; this order is part of the wire format. Two things to know:
/// too many caveats are only `Bounds` if the bytes before their number are canonical, and of `Expired` and
/// `NotYetValid` the one whose caveat comes first in the token wins.
///
/// For the host's logs and metrics, not for whoever sent the token: a client learns enough from
/// [`http_status`](Self::http_status). `UnknownKid` and `MacMismatch` tell a stranger which key ids exist (and differ
/// in time as well: without a key there is no MAC to compute).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum AuthError {
    /// The text is longer than any token of [`max_token_bytes`](crate::VerifierConfig::max_token_bytes) can be,
    /// or the token announces more than [`max_caveats`](crate::VerifierConfig::max_caveats) caveats.
    Bounds,
    /// The text is not a token of wire format v1 in its one permitted encoding.
    Malformed(Malformed),
    /// The key provider has no key for the token's tenant and key id.
    UnknownKid,
    /// The MAC does not match: the token was altered, or minted with another key.
    MacMismatch,
    /// An `Exp` caveat lies further in the past than the permitted clock skew.
    Expired,
    /// An `Nbf` caveat lies further in the future than the permitted clock skew.
    NotYetValid,
}

/// Which layer of a [`Malformed`](AuthError::Malformed) token was at fault.
///
/// No finer than this: every engine reports the same, however it reads the bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Malformed {
    /// Not Base64URL without padding, or its last character carries non-zero trailing bits.
    Base64,
    /// Not the canonical CBOR encoding of a v1 token.
    Cbor,
}

impl AuthError {
    /// The HTTP status a host answers with: 400 for what is no token, 401 for what does not authenticate.
    #[must_use]
    pub const fn http_status(self) -> u16 {
        match self {
            Self::Bounds | Self::Malformed(_) => 400,
            Self::UnknownKid | Self::MacMismatch | Self::Expired | Self::NotYetValid => 401,
        }
    }

    /// The error's code, for machines: stable, and [listed](crate::specification::codes). Finer than the name: it tells
    /// the layers of `Malformed` apart.
    #[must_use]
    pub const fn code(self) -> &'static str {
        match self {
            Self::Bounds => "parse.bounds",
            Self::Malformed(Malformed::Base64) => "parse.b64",
            Self::Malformed(Malformed::Cbor) => "parse.cbor",
            Self::UnknownKid => "kid.unknown",
            Self::MacMismatch => "mac.mismatch",
            Self::Expired => "caveat.exp",
            Self::NotYetValid => "caveat.nbf",
        }
    }

    /// The variant's name, as vector files and metrics spell it.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Bounds => "Bounds",
            Self::Malformed(_) => "Malformed",
            Self::UnknownKid => "UnknownKid",
            Self::MacMismatch => "MacMismatch",
            Self::Expired => "Expired",
            Self::NotYetValid => "NotYetValid",
        }
    }
}

impl fmt::Display for AuthError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Bounds => "token exceeds a size bound (max_token_bytes or max_caveats)",
            Self::Malformed(Malformed::Base64) => "token is not unpadded Base64URL text",
            Self::Malformed(Malformed::Cbor) => "token is not the canonical CBOR encoding of wire format v1",
            Self::UnknownKid => "no key is known for the token's tenant and key id",
            Self::MacMismatch => "token MAC does not match",
            Self::Expired => "token has expired",
            Self::NotYetValid => "token is not valid yet",
        })
    }
}

impl std::error::Error for AuthError {}

/// Why a batch of which every token had to be genuine was not accepted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct BatchError {
    /// Place of the first token that is not genuine, counted from 0.
    pub index: usize,
    /// Why it is not.
    pub error: AuthError,
}

impl fmt::Display for BatchError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "token {} of the batch: {}", self.index, self.error)
    }
}

impl std::error::Error for BatchError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        Some(&self.error)
    }
}

impl From<BatchError> for AuthError {
    fn from(error: BatchError) -> Self {
        error.error
    }
}
