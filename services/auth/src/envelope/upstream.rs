//! Calls to svc-passport over connections that are kept: bounded in time, in retries, in what is read.

use std::hash::{BuildHasher, RandomState};
use std::time::Duration;

use http_body_util::{BodyExt, Full, Limited};
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::{TokioExecutor, TokioTimer};
use ron_service::axum::body::Bytes;
use ron_service::axum::http::{Method, Request, StatusCode, header};
use tokio::time::{sleep, timeout};

use super::breaker::Breaker;
use crate::config::Verify;

/// Most bytes of an answer: a set of some thousands of keys.
const MAX_ANSWER_BYTES: usize = 1 << 20;
/// A connection is closed by us first: svc-passport closes what is silent for 75 s.
const IDLE: Duration = Duration::from_secs(30);
/// The pause before the first retry is at most so long; before the second twice that.
const RETRY_PAUSE: Duration = Duration::from_millis(20);

/// svc-passport, as it is called from here.
pub(super) struct Upstream {
    client: Client<HttpConnector, Full<Bytes>>,
    base: String,
    timeout: Duration,
    retries: u32,
    breaker: Breaker,
}

/// Why there is no answer that could be believed. Told in the log alone.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(super) enum Unavailable {
    #[error("no call is made for a while, after failures in a row")]
    Closed,
    #[error("no answer within verify.timeout_ms")]
    TimedOut,
    #[error("no answer: {0}")]
    Broken(String),
    #[error("answered {0}")]
    Status(StatusCode),
    #[error("answered with something else than {0}")]
    Nonsense(&'static str),
}

/// An answer below 500.
pub(super) type Answer = (StatusCode, Bytes);

impl Upstream {
    pub(super) fn new(settings: &Verify) -> Self {
        let mut connector = HttpConnector::new();
        connector.set_nodelay(true);
        connector.set_connect_timeout(Some(Duration::from_millis(settings.connect_timeout_ms)));
        let client = Client::builder(TokioExecutor::new())
            .pool_timer(TokioTimer::new())
            .pool_idle_timeout(IDLE)
            .pool_max_idle_per_host(settings.concurrency.saturating_add(1))
            .build(connector);
        Self {
            client,
            base: settings.passport_base.trim_end_matches('/').to_owned(),
            timeout: Duration::from_millis(settings.timeout_ms),
            retries: settings.retries,
            breaker: Breaker::new(settings.breaker_failures, Duration::from_millis(settings.breaker_open_ms)),
        }
    }

    /// The key set.
    pub(super) async fn keys(&self) -> Result<Bytes, Unavailable> {
        match self.call(Method::GET, "/v1/keys", Bytes::new()).await? {
            (StatusCode::OK, body) => Ok(body),
            (status, _) => Err(Unavailable::Status(status)),
        }
    }

    /// Posts JSON.
    pub(super) async fn post(&self, path: &str, body: Bytes) -> Result<Answer, Unavailable> {
        self.call(Method::POST, path, body).await
    }

    /// Makes a call that may be made twice. One that takes too long is not made again: who is slow gets no more work.
    async fn call(&self, method: Method, path: &str, body: Bytes) -> Result<Answer, Unavailable> {
        let mut attempt = 0;
        loop {
            let pass = self.breaker.pass().ok_or(Unavailable::Closed)?;
            let error = match timeout(self.timeout, self.once(method.clone(), path, body.clone())).await {
                Err(_) => {
                    pass.failed();
                    return Err(Unavailable::TimedOut);
                }
                Ok(Ok((status, _))) if status.is_server_error() => {
                    // Who sheds is there.
                    if status == StatusCode::SERVICE_UNAVAILABLE {
                        pass.worked()
                    } else {
                        pass.failed()
                    }
                    Unavailable::Status(status)
                }
                Ok(Ok(answer)) => {
                    pass.worked();
                    return Ok(answer);
                }
                Ok(Err(error)) => {
                    pass.failed();
                    error
                }
            };
            if attempt >= self.retries {
                return Err(error);
            }
            sleep(jitter(RETRY_PAUSE * (1 << attempt))).await;
            attempt += 1;
        }
    }

    async fn once(&self, method: Method, path: &str, body: Bytes) -> Result<Answer, Unavailable> {
        let broken = |error: &dyn std::error::Error| Unavailable::Broken(innermost(error));
        let request = Request::builder()
            .method(method)
            .uri(format!("{}{path}", self.base))
            .header(header::CONTENT_TYPE, "application/json")
            .body(Full::new(body))
            .map_err(|error| broken(&error))?;
        let response = self.client.request(request).await.map_err(|error| broken(&error))?;
        let status = response.status();
        let body = Limited::new(response.into_body(), MAX_ANSWER_BYTES).collect().await;
        Ok((status, body.map_err(|error| broken(&*error))?.to_bytes()))
    }
}

/// What the system said, which the client wraps.
fn innermost(error: &dyn std::error::Error) -> String {
    let mut inner = error;
    while let Some(source) = inner.source() {
        inner = source;
    }
    inner.to_string()
}

/// Any time up to `most`, so that many who failed at once do not come back at once.
fn jitter(most: Duration) -> Duration {
    // Its keys are new each time.
    let drawn = RandomState::new().hash_one(0) >> 32;
    most.mul_f64(drawn as f64 / f64::from(u32::MAX))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pauses_differ_and_have_an_end() {
        let pauses: Vec<_> = (0..16).map(|_| jitter(RETRY_PAUSE)).collect();
        assert!(pauses.iter().all(|pause| *pause <= RETRY_PAUSE));
        assert!(pauses.iter().any(|pause| *pause != pauses[0]));
    }
}
