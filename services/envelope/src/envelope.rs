//! An envelope on the wire, and the checks that need no key.

use std::borrow::Cow;

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use serde::{Deserialize, Serialize};

/// The only algorithm of an envelope.
pub const ALG: &str = "Ed25519";

/// An envelope as it is sent: a JSON object with these five keys. Others are ignored.
///
/// The fields stand in the order in which svc-passport writes them, which is alphabetical.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Envelope<'a> {
    /// Algorithm of the signature: [`ALG`].
    #[serde(borrow)]
    pub alg: Cow<'a, str>,
    /// Whom the envelope is for, by whoever passed it on: it is not signed.
    #[serde(borrow, default, skip_serializing_if = "Option::is_none")]
    pub aud: Option<Cow<'a, str>>,
    /// Id of the key that signed; opaque.
    #[serde(borrow)]
    pub kid: Cow<'a, str>,
    /// The message, in Base64 of the standard alphabet with padding.
    #[serde(borrow)]
    pub msg_b64: Cow<'a, str>,
    /// The signature of 64 bytes, in Base64 of the standard alphabet with padding.
    #[serde(borrow)]
    pub sig_b64: Cow<'a, str>,
}

/// Whether an envelope must name an audience outside of its message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AudienceRule {
    /// One that names none, or an empty one, is at fault.
    Required,
    /// It may name one or not.
    Optional,
}

/// What is wrong with an envelope before any key is looked up. The first that applies, in this order.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum EnvelopeFault {
    /// Its algorithm is not [`ALG`], byte for byte.
    #[error("alg: expected \"Ed25519\"")]
    BadAlg,
    /// Its key id is empty or blank.
    #[error("kid: expected the id of a key")]
    BadKid,
    /// It names no audience where one is required.
    #[error("aud: expected an audience")]
    BadAudience,
    /// Its message is not Base64.
    #[error("msg_b64: expected Base64 of the standard alphabet, with padding")]
    MalformedMessage,
    /// Its signature is not Base64.
    #[error("sig_b64: expected Base64 of the standard alphabet, with padding")]
    MalformedSignature,
}

impl EnvelopeFault {
    /// The stable code that callers decide by.
    #[must_use]
    pub const fn code(self) -> &'static str {
        match self {
            Self::BadAlg => "BadAlg",
            Self::BadKid => "BadKid",
            Self::BadAudience => "BadAudience",
            Self::MalformedMessage | Self::MalformedSignature => "Malformed",
        }
    }
}

/// Message and signature of an envelope without a fault. Neither has been verified.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DecodedEnvelope {
    /// The bytes that the signature is of. Any bytes: they need not be JSON.
    pub message: Vec<u8>,
    /// The signature. One that is not 64 bytes long verifies nothing, which is no fault of the envelope's form.
    pub signature: Vec<u8>,
}

impl<'a> Envelope<'a> {
    /// The envelope of a message that `kid` has signed.
    #[must_use]
    pub fn seal(kid: &'a str, aud: Option<&'a str>, message: &[u8], signature: &[u8; 64]) -> Self {
        Self {
            alg: Cow::Borrowed(ALG),
            aud: aud.map(Cow::Borrowed),
            kid: Cow::Borrowed(kid),
            msg_b64: Cow::Owned(BASE64_STANDARD.encode(message)),
            sig_b64: Cow::Owned(BASE64_STANDARD.encode(signature)),
        }
    }

    /// Checks all that needs no key: algorithm, key id, audience, message, signature, in this order.
    ///
    /// # Errors
    /// The first fault.
    pub fn decode(&self, audience: AudienceRule) -> Result<DecodedEnvelope, EnvelopeFault> {
        if self.alg != ALG {
            return Err(EnvelopeFault::BadAlg);
        }
        if self.kid.trim().is_empty() {
            return Err(EnvelopeFault::BadKid);
        }
        if audience == AudienceRule::Required && self.aud.as_deref().unwrap_or_default().is_empty() {
            return Err(EnvelopeFault::BadAudience);
        }
        let message = BASE64_STANDARD.decode(&*self.msg_b64).map_err(|_| EnvelopeFault::MalformedMessage)?;
        let signature = BASE64_STANDARD.decode(&*self.sig_b64).map_err(|_| EnvelopeFault::MalformedSignature)?;
        Ok(DecodedEnvelope { message, signature })
    }
}
