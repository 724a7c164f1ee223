//! `POST /v1/passport/verify_batch`: whether each of many signatures is good.

use std::sync::Arc;
use std::time::Instant;

use ron_envelope::verify_batch as verify_signatures;
use ron_service::axum::body::Bytes;
use ron_service::axum::extract::{Request, State};
use ron_service::axum::response::Response;
use serde::Serialize;
use tokio::task::yield_now;

use super::answer;
use super::verify::{Checked, NotGood};
use crate::body;
use crate::metrics::{Op, Outcome};
use crate::refusal::Refusal;
use crate::state::Passport;

/// After so many signatures, or so many bytes that they are of, others have their turn: half a millisecond's work.
const TURN_ITEMS: usize = 32;
const TURN_BYTES: usize = 64 << 10;

/// What is answered for an item, where each has an answer of its own.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
struct ItemResult {
    ok: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    code: Option<&'static str>,
}

pub(crate) async fn verify_batch(State(passport): State<Arc<Passport>>, request: Request) -> Response {
    let results = match body::read(request, passport.max_body_bytes()).await {
        Ok(body) => {
            let started = Instant::now();
            let results = results(&passport, &body).await;
            passport.metrics.took(started.elapsed());
            results
        }
        Err(refusal) => Err(refusal),
    };
    if let Ok(results) = &results {
        // An empty batch counts as failed, as it is counted where this is deployed.
        passport.metrics.done(Op::VerifyBatch, Outcome::of(results.iter().any(|result| result.ok)));
    }
    answer(&passport.metrics, results.and_then(|results| written(&passport, &results)))
}

async fn results(passport: &Passport, body: &[u8]) -> Result<Vec<ItemResult>, Refusal> {
    // Held to the end: this is what the number of batches at a time is about.
    let slots = &passport.batch_slots;
    let _slot = slots.enter().ok_or(Refusal::Overloaded(slots.retry_after_ms()))?;
    let envelopes = body::batch(body, passport.config.limits.max_batch)?;
    passport.metrics.batch(envelopes.len());
    let ring = passport.ring()?;
    let mut bytes = 0;
    let mut checked = Vec::with_capacity(envelopes.len());
    for envelope in &envelopes {
        let item = match Checked::new(passport, &ring, envelope) {
            Err(refusal) if !passport.config.extensions.per_item_results => return Err(refusal),
            item => item,
        };
        checked.push(item);
        // To decode a message takes a hundredth of the time of its signature.
        bytes += envelope.msg_b64.len() / 4;
        if bytes >= TURN_BYTES {
            bytes = 0;
            yield_now().await;
        }
    }
    let mut results = Vec::with_capacity(checked.len());
    let mut left = checked.as_slice();
    while let Some((turn, later)) = left.split_at_checked(turn_of(left)).filter(|(turn, _)| !turn.is_empty()) {
        let mut signed = verify_signatures(turn.iter().flatten().map(Checked::signed)).into_iter();
        results.extend(turn.iter().map(|item| match item {
            Ok(checked) => checked.outcome(passport, signed.next().unwrap_or(false)).into(),
            Err(refusal) => ItemResult::from(*refusal),
        }));
        left = later;
        yield_now().await;
    }
    Ok(results)
}

/// How many of these items are verified before others have their turn.
fn turn_of(items: &[Result<Checked, Refusal>]) -> usize {
    let mut bytes = 0;
    let fits = |item: &&Result<Checked, Refusal>| {
        let has_room = bytes < TURN_BYTES;
        bytes += item.as_ref().map_or(0, |checked| checked.decoded.message.len());
        has_room
    };
    items.iter().take(TURN_ITEMS).take_while(fits).count()
}

fn written(passport: &Passport, results: &[ItemResult]) -> Result<Bytes, Refusal> {
    let text = if passport.config.extensions.per_item_results {
        serde_json::to_vec(results)
    } else {
        serde_json::to_vec(&results.iter().map(|result| result.ok).collect::<Vec<_>>())
    };
    text.map(Bytes::from).map_err(|_| Refusal::Internal)
}

impl From<Result<(), NotGood>> for ItemResult {
    fn from(outcome: Result<(), NotGood>) -> Self {
        let code = outcome.err().map(|why| match why {
            NotGood::Signature => "BadSignature",
            NotGood::Claims(fault) => fault.code(),
        });
        Self { ok: code.is_none(), code }
    }
}

impl From<Refusal> for ItemResult {
    /// A key id that is unknown has a code of its own here: whoever reads it may fetch keys anew.
    fn from(refusal: Refusal) -> Self {
        let code = if refusal == Refusal::UnknownKey { "UnknownKid" } else { refusal.code() };
        Self { ok: false, code: Some(code) }
    }
}
