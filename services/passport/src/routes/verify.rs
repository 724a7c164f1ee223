//! `POST /v1/passport/verify`: whether one signature is good.

use std::sync::Arc;
use std::time::Instant;

use ron_envelope::{AudienceRule, DecodedEnvelope, Envelope, PublicKey};
use ron_service::axum::body::Bytes;
use ron_service::axum::extract::{Request, State};
use ron_service::axum::response::Response;

use super::answer;
use crate::body;
use crate::claims::ClaimFault;
use crate::keys::KeyRing;
use crate::metrics::{Op, Outcome};
use crate::refusal::Refusal;
use crate::state::Passport;

pub(crate) async fn verify(State(passport): State<Arc<Passport>>, request: Request) -> Response {
    let good = match body::read(request, passport.max_body_bytes()).await {
        Ok(body) => {
            let started = Instant::now();
            let good = is_good(&passport, &body);
            passport.metrics.took(started.elapsed());
            good
        }
        Err(refusal) => Err(refusal),
    };
    if let Ok(good) = good {
        passport.metrics.done(Op::Verify, Outcome::of(good));
    }
    let text = good.map(|good| Bytes::from_static(if good { b"true" } else { b"false" }));
    answer(&passport.metrics, text)
}

fn is_good(passport: &Passport, body: &[u8]) -> Result<bool, Refusal> {
    // After the body, so that who sends it slowly holds no slot.
    let slots = &passport.verify_slots;
    let _slot = slots.enter().ok_or(Refusal::Overloaded(slots.retry_after_ms()))?;
    let envelope: Envelope<'_> = serde_json::from_slice(body).map_err(|error| Refusal::of_json(&error))?;
    let ring = passport.ring()?;
    let checked = Checked::new(passport, &ring, &envelope)?;
    let (key, message, signature) = checked.signed();
    Ok(checked.outcome(passport, key.verify(message, signature)).is_ok())
}

/// An envelope without a fault, and the key that it names.
pub(super) struct Checked {
    pub(super) decoded: DecodedEnvelope,
    key: Arc<PublicKey>,
}

/// Why an envelope without a fault is not good.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum NotGood {
    Signature,
    Claims(ClaimFault),
}

impl Checked {
    /// Looks at everything that needs no signature: algorithm, key id, audience, message, signature, and then whether
    /// there is such a key.
    pub(super) fn new(passport: &Passport, ring: &KeyRing, envelope: &Envelope<'_>) -> Result<Self, Refusal> {
        let required = passport.config.security.require_aud;
        let audience = if required { AudienceRule::Required } else { AudienceRule::Optional };
        let decoded = envelope.decode(audience).map_err(Refusal::Envelope)?;
        let Some(key) = ring.verifier(&envelope.kid) else {
            passport.keys()?.note_unknown(&envelope.kid);
            return Err(Refusal::UnknownKey);
        };
        Ok(Self { decoded, key })
    }

    /// What is to be verified: the key, the message and its signature.
    pub(super) fn signed(&self) -> (&PublicKey, &[u8], &[u8]) {
        (&self.key, &self.decoded.message, &self.decoded.signature)
    }

    /// What becomes of it, its signature being good or not: what the message says counts too, where it is to.
    pub(super) fn outcome(&self, passport: &Passport, is_signed: bool) -> Result<(), NotGood> {
        if !is_signed {
            return Err(NotGood::Signature);
        }
        let Some(claims) = &passport.claims else { return Ok(()) };
        claims.check(&self.decoded.message, passport.clock.now_unix_ms()).map_err(NotGood::Claims)
    }
}
