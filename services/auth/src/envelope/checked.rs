//! An envelope that was looked at as far as one can without a key.

use std::borrow::Cow;

use ron_envelope::{AudienceRule, DecodedEnvelope, Envelope, EnvelopeFault};

use super::Id;
use crate::claims::{ClaimRules, Claims};
use crate::input::Presented;
use crate::refusal::Refusal;

/// An envelope without a fault. Whether its signature is good nobody knows yet: until then its claims are anybody's.
pub(crate) struct Checked<'a> {
    /// As it was sent.
    pub(crate) envelope: Envelope<'a>,
    pub(crate) decoded: DecodedEnvelope,
    claims: Claims,
}

impl<'a> Checked<'a> {
    /// Looks at algorithm, key id, audience outside, Base64, size, claims, and the audience inside, in this order.
    pub(crate) fn new(
        presented: &'a Presented<'_>,
        rules: &ClaimRules,
        audience: AudienceRule,
        max_msg_bytes: usize,
    ) -> Result<Self, Refusal> {
        let [alg, kid, msg_b64, sig_b64, aud] = presented.texts();
        let envelope = Envelope {
            alg: Cow::Borrowed(alg),
            aud: (!aud.is_empty()).then_some(Cow::Borrowed(aud)),
            kid: Cow::Borrowed(kid),
            msg_b64: Cow::Borrowed(msg_b64),
            sig_b64: Cow::Borrowed(sig_b64),
        };
        let decoded = envelope.decode(audience).map_err(|fault| match fault {
            EnvelopeFault::BadAlg => Refusal::BadAlg,
            EnvelopeFault::BadKid => Refusal::BadKid,
            EnvelopeFault::BadAudience => Refusal::BadAudience,
            EnvelopeFault::MalformedMessage => Refusal::Malformed("msg_b64: expected standard Base64 with padding"),
            EnvelopeFault::MalformedSignature => Refusal::Malformed("sig_b64: expected standard Base64 with padding"),
        })?;
        if decoded.message.len() > max_msg_bytes {
            return Err(Refusal::MsgTooLarge);
        }
        let claims = Claims::read(&decoded.message)?;
        rules.check_audience(&claims)?;
        Ok(Self { envelope, decoded, claims })
    }

    /// Names all that the outcome of a verification depends on.
    pub(crate) fn id(&self) -> Id {
        let mut hasher = blake3::Hasher::new();
        // With their lengths: where one ends and the next begins must not be open.
        for part in [self.envelope.kid.as_bytes(), &self.decoded.signature, &self.decoded.message] {
            hasher.update(&(part.len() as u64).to_le_bytes());
            hasher.update(part);
        }
        hasher.finalize().into()
    }

    /// What it says. To be believed only once its signature is [good](super::Signature::Good).
    pub(crate) fn claims(&self) -> &Claims {
        &self.claims
    }
}
