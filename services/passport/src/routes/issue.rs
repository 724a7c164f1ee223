//! `POST /v1/passport/issue`: signs any JSON value in its canonical form.

use std::error::Error as _;
use std::sync::Arc;
use std::time::Instant;

use ron_envelope::{Envelope, NotJson, canonical_json};
use ron_service::axum::body::Bytes;
use ron_service::axum::extract::{Request, State};
use ron_service::axum::response::Response;

use super::answer;
use crate::body;
use crate::metrics::{Op, Outcome};
use crate::refusal::Refusal;
use crate::state::Passport;

pub(crate) async fn issue(State(passport): State<Arc<Passport>>, request: Request) -> Response {
    let body = match body::read(request, passport.max_body_bytes()).await {
        Ok(body) => {
            let started = Instant::now();
            let done = sign(&passport, &body);
            passport.metrics.took(started.elapsed());
            done
        }
        Err(refusal) => Err(refusal),
    };
    if body.is_ok() {
        passport.metrics.done(Op::Issue, Outcome::Ok);
    }
    answer(&passport.metrics, body)
}

/// What an envelope has beside its texts, and somewhat more: names of keys, the algorithm, marks.
const NAMES_BYTES: usize = 80;

fn sign(passport: &Passport, body: &[u8]) -> Result<Bytes, Refusal> {
    let message = canonical_json(body).map_err(|error| not_json(&error))?;
    if message.len() > passport.config.limits.max_msg_bytes {
        return Err(Refusal::MsgTooLarge);
    }
    // Signature and key id are of one read: a rotation in between changes neither.
    let signed = passport.keys()?.sign(&message).map_err(|error| {
        tracing::error!(%error, "not signed");
        Refusal::Internal
    })?;
    let aud = passport.config.security.require_aud.then_some(passport.config.passport.issuer.as_str());
    let envelope = Envelope::seal(&signed.kid, aud, &message, &signed.signature);
    let texts = [&envelope.kid, &envelope.msg_b64, &envelope.sig_b64].map(|text| text.len()).iter().sum::<usize>();
    let mut body = Vec::with_capacity(texts + aud.map_or(0, str::len) + NAMES_BYTES);
    serde_json::to_writer(&mut body, &envelope).map_err(|_| Refusal::Internal)?;
    Ok(Bytes::from(body))
}

/// Any value is taken, so that whatever is wrong is no JSON.
fn not_json(error: &NotJson) -> Refusal {
    let place = error.source().and_then(|source| source.downcast_ref::<serde_json::Error>());
    place.map_or(Refusal::NotJson(0, 0), |place| Refusal::NotJson(place.line(), place.column()))
}
