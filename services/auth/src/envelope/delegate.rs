//! Signatures that svc-passport verifies. While a call is under way, arrivals form the next: no timer makes anybody
//! wait, and the busier it is, the larger the batches.

use std::borrow::Cow;
use std::collections::{HashMap, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Instant;

use foldhash::fast::RandomState;
use ron_envelope::Envelope;
use ron_service::axum::body::Bytes;
use ron_service::axum::http::StatusCode;
use tokio::sync::oneshot;

use super::checked::Checked;
use super::upstream::{Unavailable, Upstream};
use super::{Id, Signature};
use crate::Config;
use crate::metrics::Metrics;
use crate::refusal::Failure;

const VERIFY: &str = "/v1/passport/verify";
const VERIFY_BATCH: &str = "/v1/passport/verify_batch";

/// Most bytes of one call. svc-passport takes 1 MiB.
const MAX_CALL_BYTES: usize = 512 << 10;

/// The way to svc-passport, and who waits for it.
pub(super) struct Delegate {
    upstream: Arc<Upstream>,
    metrics: Arc<Metrics>,
    /// An audience for envelopes that name none outside, where that is no fault here: there it may be, and it is not
    /// compared with anything.
    audience: String,
    max_calls: usize,
    max_batch: usize,
    max_waiting: usize,
    retry_after_ms: u64,
    queue: Mutex<Queue>,
}

#[derive(Default)]
struct Queue {
    /// Calls that are under way.
    calls: usize,
    waiting: VecDeque<Job>,
    /// Who waits for which envelope. Equal envelopes are asked about once.
    flights: HashMap<Id, Vec<oneshot::Sender<Outcome>>, RandomState>,
}

/// An envelope to be verified.
struct Job {
    id: Id,
    /// The envelope, as it is sent.
    json: Vec<u8>,
}

type Outcome = Result<Signature, Unavailable>;

impl Delegate {
    pub(super) fn new(config: &Config, upstream: Arc<Upstream>, metrics: Arc<Metrics>) -> Self {
        let verify = &config.verify;
        Self {
            upstream,
            metrics,
            audience: config.security.accepted_audiences.first().cloned().unwrap_or_else(|| crate::NAME.to_owned()),
            max_calls: verify.concurrency,
            max_batch: verify.max_batch,
            max_waiting: verify.max_waiting,
            retry_after_ms: config.limits.retry_after_ms,
            queue: Mutex::default(),
        }
    }

    /// Verifies each: in a call of its own, with others, or with an equal one that is under way already.
    pub(super) async fn verify(
        self: &Arc<Self>,
        envelopes: &[&Checked<'_>],
        ids: &[Id],
    ) -> Result<Vec<Signature>, Failure> {
        let receivers = self.join(envelopes, ids)?;
        let mut outcomes = Vec::with_capacity(receivers.len());
        for receiver in receivers {
            match receiver.await {
                Ok(Ok(outcome)) => outcomes.push(outcome),
                // The log has it, once for each call.
                Ok(Err(_)) | Err(_) => return Err(Failure::Delegate),
            }
        }
        Ok(outcomes)
    }

    /// Takes each into the queue, or to whoever waits for the same already; and begins a call if there may be one more.
    fn join(
        self: &Arc<Self>,
        envelopes: &[&Checked<'_>],
        ids: &[Id],
    ) -> Result<Vec<oneshot::Receiver<Outcome>>, Failure> {
        let mut queue = self.queue();
        if queue.waiting.len().saturating_add(envelopes.len()) > self.max_waiting.max(envelopes.len()) {
            return Err(Failure::Overloaded(self.retry_after_ms));
        }
        let mut receivers = Vec::with_capacity(envelopes.len());
        for (envelope, id) in envelopes.iter().zip(ids) {
            let (sender, receiver) = oneshot::channel();
            receivers.push(receiver);
            match queue.flights.get_mut(id) {
                Some(others) => others.push(sender),
                None => {
                    queue.flights.insert(*id, vec![sender]);
                    queue.waiting.push_back(Job { id: *id, json: self.json(&envelope.envelope) });
                }
            }
        }
        let calls = queue.waiting.len().div_ceil(self.max_batch);
        for _ in 0..calls.min(self.max_calls.saturating_sub(queue.calls)) {
            queue.calls += 1;
            // A task of its own: whoever asked may go away, and others wait for the same call.
            let lane = Lane { delegate: self.clone(), under_way: Vec::new(), is_over: false };
            tokio::spawn(lane.run());
        }
        Ok(receivers)
    }

    fn json(&self, envelope: &Envelope<'_>) -> Vec<u8> {
        let aud = envelope.aud.as_deref().unwrap_or(&self.audience);
        // Texts always can be written.
        serde_json::to_vec(&Envelope { aud: Some(Cow::Borrowed(aud)), ..envelope.clone() }).unwrap_or_default()
    }

    /// One outcome for each. Never fewer, never more.
    async fn call(&self, jobs: &[Job]) -> Vec<Outcome> {
        if let [job] = jobs {
            return vec![self.single(job).await];
        }
        let mut body = Vec::with_capacity(jobs.iter().map(|job| job.json.len() + 1).sum::<usize>() + 1);
        for job in jobs {
            body.push(if body.is_empty() { b'[' } else { b',' });
            body.extend_from_slice(&job.json);
        }
        body.push(b']');
        let all = |error: &Unavailable| jobs.iter().map(|_| Err(error.clone())).collect();
        match self.post(VERIFY_BATCH, body.into()).await {
            Ok((StatusCode::OK, answer)) => match serde_json::from_slice::<Vec<bool>>(&answer) {
                Ok(good) if good.len() == jobs.len() => good.into_iter().map(|good| Ok(of(good))).collect(),
                _ => all(&Unavailable::Nonsense("as many truth values as there were envelopes")),
            },
            // One of them is refused, a key id being unknown, and with it the batch. Nobody else pays for it.
            Ok((status, _)) if is_refusal(status) => {
                let mut outcomes: Vec<Outcome> = Vec::with_capacity(jobs.len());
                for job in jobs {
                    outcomes.push(match outcomes.last() {
                        // Who is away now is away for the next, too.
                        Some(Err(error)) => Err(error.clone()),
                        _ => self.single(job).await,
                    });
                }
                outcomes
            }
            Ok((status, _)) => all(&Unavailable::Status(status)),
            Err(error) => all(&error),
        }
    }

    async fn single(&self, job: &Job) -> Outcome {
        match self.post(VERIFY, job.json.clone().into()).await? {
            (StatusCode::OK, answer) => match serde_json::from_slice(&answer) {
                Ok(good) => Ok(of(good)),
                Err(_) => Err(Unavailable::Nonsense("a truth value")),
            },
            // All else that it refuses was looked at here before.
            (StatusCode::BAD_REQUEST, answer) if code(&answer).as_deref() == Some("Malformed") => {
                Ok(Signature::UnknownKey)
            }
            (status, _) => Err(Unavailable::Status(status)),
        }
    }

    async fn post(&self, path: &str, body: Bytes) -> Result<(StatusCode, Bytes), Unavailable> {
        let started = Instant::now();
        let answer = self.upstream.post(path, body).await;
        match &answer {
            Ok(_) => self.metrics.delegate_seconds.observe_duration(started.elapsed()),
            Err(error) => tracing::warn!(%error, path, "svc-passport"),
        }
        answer
    }

    fn queue(&self) -> MutexGuard<'_, Queue> {
        self.queue.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Makes one call after the other, until nobody waits.
struct Lane {
    delegate: Arc<Delegate>,
    under_way: Vec<Job>,
    is_over: bool,
}

impl Lane {
    async fn run(mut self) {
        while self.take() {
            let outcomes = self.delegate.call(&self.under_way).await;
            let mut queue = self.delegate.queue();
            let jobs = self.under_way.drain(..);
            let done: Vec<_> = jobs.zip(outcomes).map(|(job, it)| (queue.flights.remove(&job.id), it)).collect();
            drop(queue);
            for (waiting, outcome) in done {
                // Who has gone away needs no answer.
                waiting.into_iter().flatten().for_each(|one| drop(one.send(outcome.clone())));
            }
        }
    }

    /// Takes the next call's envelopes. If there are none, the lane ends, and the next arrival begins another one.
    fn take(&mut self) -> bool {
        let mut queue = self.delegate.queue();
        let mut bytes = 0;
        while self.under_way.len() < self.delegate.max_batch {
            let Some(next) = queue.waiting.front() else { break };
            bytes += next.json.len();
            if bytes > MAX_CALL_BYTES && !self.under_way.is_empty() {
                break;
            }
            self.under_way.extend(queue.waiting.pop_front());
        }
        if self.under_way.is_empty() {
            // Within the lock: who arrives next sees that nobody is at work.
            queue.calls = queue.calls.saturating_sub(1);
            self.is_over = true;
        }
        !self.is_over
    }
}

impl Drop for Lane {
    /// If something else ended it, its slot is free again, and who waited for it learns that there is no answer.
    fn drop(&mut self) {
        if self.is_over {
            return;
        }
        let mut queue = self.delegate.queue();
        queue.calls = queue.calls.saturating_sub(1);
        for job in &self.under_way {
            queue.flights.remove(&job.id);
        }
    }
}

const fn of(good: bool) -> Signature {
    if good { Signature::Good } else { Signature::Bad }
}

/// Whether it is the envelopes that are refused, and not the call.
const fn is_refusal(status: StatusCode) -> bool {
    matches!(status, StatusCode::BAD_REQUEST | StatusCode::PAYLOAD_TOO_LARGE | StatusCode::UNPROCESSABLE_ENTITY)
}

/// The code of a problem.
fn code(answer: &[u8]) -> Option<String> {
    #[derive(serde::Deserialize)]
    struct Problem {
        code: String,
    }
    serde_json::from_slice::<Problem>(answer).ok().map(|problem| problem.code)
}
