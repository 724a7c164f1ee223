//! What every request goes through before and after its handler. It is one function, read top to bottom, rather than a
//! stack of boxed layers: each step costs what it does and nothing else.

use std::convert::Infallible;
use std::future::{Future, poll_fn};
use std::net::IpAddr;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::{Duration, Instant};

use axum::Router;
use axum::body::{Body, Bytes, HttpBody};
use axum::http::{HeaderMap, HeaderValue, Request, StatusCode, header};
use axum::response::Response;
use hyper::body::{Frame, Incoming, SizeHint};
use hyper::server::conn::http1;
use prometheus_client::metrics::counter::Counter;
use tokio::time::{Sleep, sleep};
use tower::Service;

use super::accept::Connections;
use super::conn::Timeouts;
use super::pulse::{BodyFault, Pulse};
use crate::health::{Phase, Readiness};
use crate::limits::{Capped, Gate, Permit, Rates};
use crate::metrics::RouteMetrics;
use crate::problem::{ErrorBody, Problem};
use crate::request::{Bearer, HEADER, Peer, RequestId, RequestInfo};

/// What one listener's requests go through.
pub(crate) struct Front {
    pub(crate) http: http1::Builder,
    pub(crate) timeouts: Timeouts,
    pub(crate) body_timeout: Duration,
    pub(crate) handler_timeout: Duration,
    pub(crate) readiness: Arc<Readiness>,
    pub(crate) connections: Arc<Connections>,
    pub(crate) router: Router,
    /// The same templates as the router's: what a request costs to refuse must not depend on its handler.
    pub(crate) routes: matchit::Router<RouteEntry>,
    pub(crate) unmatched: RouteEntry,
    pub(crate) gate: Gate,
    pub(crate) door: Door,
    pub(crate) errors: ErrorBody,
    /// Whether a client's request id is kept out of the logs.
    pub(crate) amnesia: bool,
    pub(crate) shed: Counter,
    pub(crate) limited: Counter,
}

/// Who may come in.
pub(crate) enum Door {
    /// Everybody, each at a rate if there is one.
    Public(Option<Rates<IpAddr>>),
    /// Who has the token; where there is none, everybody on this host but web pages.
    Admin(Option<AdminToken>),
}

/// Digest of the token: digests are compared in constant time, whatever the lengths of what was hashed.
pub(crate) struct AdminToken(blake3::Hash);

/// What is known of a route before its handler.
pub(crate) struct RouteEntry {
    pub(crate) metrics: RouteMetrics,
    pub(crate) max_body_bytes: u64,
    pub(crate) gate: Option<Gate>,
    /// Health and metrics: answered while all slots are taken, to whoever asks.
    pub(crate) open: bool,
}

/// Slots that are held until the response was handed over.
type Held = (Option<Permit>, Option<Permit>);

impl Front {
    pub(crate) async fn answer(
        self: Arc<Self>,
        request: Request<Incoming>,
        peer: Peer,
        pulse: Arc<Pulse>,
    ) -> Result<Response<Answer>, Infallible> {
        let started = Instant::now();
        pulse.request(!request.body().is_end_stream());
        let route = self.routes.at(request.uri().path()).map_or(&self.unmatched, |matched| matched.value);
        let info = RequestInfo { id: RequestId::of(request.headers()), peer };
        let logged = if self.amnesia { info.id.or_made(request.headers()) } else { info.id };
        let (mut response, held) = match self.admit(&request, route, peer, &pulse) {
            Ok(held) => (self.handle(request, route, info, logged, &pulse).await, held),
            Err(problem) => (self.refusal(&problem), (None, None)),
        };
        let fault = pulse.body_fault();
        match fault {
            Some(BodyFault::TooLarge) => response = self.refusal(&Problem::body_too_large()),
            Some(BodyFault::TooSlow) => response = self.refusal(&Problem::request_timeout()),
            None => {}
        }
        response.headers_mut().insert(HEADER, info.id.header());
        if fault.is_some() || self.readiness.phase() != Phase::Serving {
            response.headers_mut().insert(header::CONNECTION, HeaderValue::from_static("close"));
        }
        let elapsed = started.elapsed();
        route.metrics.answered(response.status(), elapsed);
        report(route.metrics.template(), &logged, response.status(), elapsed);
        Ok(response.map(|body| Answer { body, pulse, _held: held }))
    }

    fn admit(
        &self,
        request: &Request<Incoming>,
        route: &RouteEntry,
        peer: Peer,
        pulse: &Pulse,
    ) -> Result<Held, Problem> {
        if route.open {
            return Ok((None, None));
        }
        match &self.door {
            Door::Public(None) => {}
            Door::Public(Some(rates)) => rates.check(&peer.client()).map_err(|wait_ms| {
                self.limited.inc();
                Problem::rate_limited(wait_ms)
            })?,
            Door::Admin(Some(token)) => token.check(request.headers())?,
            Door::Admin(None) if request.headers().contains_key(header::ORIGIN) => {
                return Err(Problem::new(StatusCode::FORBIDDEN, "Forbidden", "Web pages may not use this listener."));
            }
            Door::Admin(None) => {}
        }
        if request.body().size_hint().lower() > route.max_body_bytes {
            pulse.fault(BodyFault::TooLarge);
            return Err(Problem::body_too_large());
        }
        let enter = |gate: &Gate| {
            gate.enter().ok_or_else(|| {
                self.shed.inc();
                Problem::overloaded(gate.retry_after_ms())
            })
        };
        Ok((Some(enter(&self.gate)?), route.gate.as_ref().map(enter).transpose()?))
    }

    async fn handle(
        &self,
        request: Request<Incoming>,
        route: &RouteEntry,
        info: RequestInfo,
        logged: RequestId,
        pulse: &Arc<Pulse>,
    ) -> Response {
        let (mut parts, body) = request.into_parts();
        parts.extensions.insert(info);
        let body = if body.is_end_stream() {
            Body::empty()
        } else {
            Body::new(Capped::new(body, route.max_body_bytes, self.body_timeout, Arc::clone(pulse)))
        };
        let request = Request::from_parts(parts, body);
        // Costs a comparison where nobody listens at this level.
        let span = tracing::debug_span!("request", id = %logged, route = route.metrics.template());
        // What is pinned here is not moved again: combinators would each copy the request with all that surrounds it.
        let mut work = pin!(async { self.router.clone().call(request).await });
        let mut timer: Option<Pin<Box<Sleep>>> = None;
        let outcome = poll_fn(|context| {
            let _entered = span.enter();
            match catch_unwind(AssertUnwindSafe(|| work.as_mut().poll(context))) {
                Err(_) => return Poll::Ready(Err(Problem::internal())),
                Ok(Poll::Ready(Ok(response))) => return Poll::Ready(Ok(response)),
                Ok(Poll::Ready(Err(never))) => match never {},
                Ok(Poll::Pending) => {}
            }
            // Made when there is something to wait for.
            let timer = timer.get_or_insert_with(|| Box::pin(sleep(self.handler_timeout)));
            timer.as_mut().poll(context).map(|()| Err(Problem::timeout()))
        });
        outcome.await.unwrap_or_else(|problem| self.refusal(&problem))
    }

    fn refusal(&self, problem: &Problem) -> Response {
        let mut response = (self.errors)(problem);
        if let Some(seconds) = problem.retry_after() {
            response.headers_mut().insert(header::RETRY_AFTER, seconds);
        }
        response
    }
}

/// One line for a failure of ours, one for any request where somebody wants to see all.
fn report(route: &str, id: &RequestId, status: StatusCode, elapsed: Duration) {
    let (status, elapsed_us) = (status.as_u16(), elapsed.as_micros() as u64);
    if status >= 500 {
        tracing::warn!(route, %id, status, elapsed_us, "request failed");
    } else {
        tracing::debug!(route, %id, status, elapsed_us, "request");
    }
}

impl AdminToken {
    pub(crate) fn new(token: &str) -> Self {
        Self(blake3::hash(token.as_bytes()))
    }

    fn check(&self, headers: &HeaderMap) -> Result<(), Problem> {
        match Bearer::of(headers) {
            // The equality of digests is that of constant time.
            Bearer::One(token) if blake3::hash(token) == self.0 => Ok(()),
            _ => Err(Problem::unauthorized("The admin listener wants its bearer token.")),
        }
    }
}

/// A response's body, which tells the connection when it was handed over.
pub(crate) struct Answer {
    body: Body,
    pulse: Arc<Pulse>,
    _held: Held,
}

impl HttpBody for Answer {
    type Data = Bytes;
    type Error = axum::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, axum::Error>>> {
        Pin::new(&mut self.body).poll_frame(context)
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}

impl Drop for Answer {
    fn drop(&mut self) {
        self.pulse.answered();
    }
}
