//! `POST /v1/passport/verify`: whether one signature is good.

use std::sync::Arc;
use std::time::Instant;

use ron_envelope::{AudienceRule, DecodedEnvelope, Envelope, PreparedKey};
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
    Checked::new(passport, &ring, &envelope).map(|checked| checked.outcome(passport).is_ok())
}

/// An envelope without a fault, and the key that it names.
pub(super) struct Checked {
    pub(super) decoded: DecodedEnvelope,
    key: Arc<PreparedKey>,
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

    /// Whether the signature is good; and what the message says, where that counts.
    pub(super) fn outcome(&self, passport: &Passport) -> Result<(), NotGood> {
        let DecodedEnvelope { message, signature } = &self.decoded;
        if !self.key.verify(message, signature) {
            return Err(NotGood::Signature);
        }
        let Some(claims) = &passport.claims else { return Ok(()) };
        claims.check(message, passport.clock.now_unix_ms()).map_err(NotGood::Claims)
    }
}
