//! Limits as a tower layer.

use std::convert::Infallible;
use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use axum::extract::Request;
use axum::http::header;
use axum::response::{IntoResponse, Response};
use pin_project_lite::pin_project;
use tower::{Layer, Service};

use super::{Gate, Permit, Rates};
use crate::{Problem, RequestInfo};

/// Decides whether a request is let in.
pub trait Admit: Clone {
    /// What is held until the response is there.
    type Held;

    /// Lets a request in.
    ///
    /// # Errors
    /// What it is told if it is not let in.
    fn admit(&self, request: &Request) -> Result<Self::Held, Problem>;
}

impl Admit for Gate {
    type Held = Permit;

    fn admit(&self, _: &Request) -> Result<Permit, Problem> {
        self.enter().ok_or_else(|| Problem::overloaded(self.retry_after_ms()))
    }
}

/// Rates by the peer's address.
impl Admit for Rates<std::net::IpAddr> {
    type Held = ();

    fn admit(&self, request: &Request) -> Result<(), Problem> {
        match request.extensions().get::<RequestInfo>() {
            Some(info) => self.check(&info.peer.client()).map_err(Problem::rate_limited),
            None => Ok(()),
        }
    }
}

/// Refuses bodies that announce more bytes. Those that announce nothing are held by the cap of the whole service.
#[derive(Debug, Clone, Copy)]
pub struct BodyCap(pub u64);

impl Admit for BodyCap {
    type Held = ();

    fn admit(&self, request: &Request) -> Result<(), Problem> {
        let announced =
            request.headers().get(header::CONTENT_LENGTH).and_then(|value| value.to_str().ok()?.parse().ok());
        if announced.is_some_and(|bytes: u64| bytes > self.0) { Err(Problem::body_too_large()) } else { Ok(()) }
    }
}

/// The layer of an [`Admit`]: [`Admission`] around a service.
#[derive(Debug, Clone)]
pub struct AdmissionLayer<A>(pub A);

/// A service that an [`Admit`] stands before.
#[derive(Debug, Clone)]
pub struct Admission<A, S> {
    admit: A,
    inner: S,
}

impl<A: Clone, S> Layer<S> for AdmissionLayer<A> {
    type Service = Admission<A, S>;

    fn layer(&self, inner: S) -> Self::Service {
        Admission { admit: self.0.clone(), inner }
    }
}

impl<A, S> Service<Request> for Admission<A, S>
where
    A: Admit,
    S: Service<Request, Error = Infallible>,
    S::Response: IntoResponse,
{
    type Response = Response;
    type Error = Infallible;
    type Future = Admitted<S::Future, A::Held>;

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        self.inner.poll_ready(context)
    }

    fn call(&mut self, request: Request) -> Self::Future {
        match self.admit.admit(&request) {
            Ok(held) => Admitted::In { response: self.inner.call(request), held },
            Err(problem) => Admitted::Out { problem: Some(problem) },
        }
    }
}

pin_project! {
    /// The response of [`Admission`].
    #[project = Projected]
    #[derive(Debug)]
    pub enum Admitted<F, H> {
        #[doc(hidden)]
        In { #[pin] response: F, held: H },
        #[doc(hidden)]
        Out { problem: Option<Problem> },
    }
}

impl<F, R, H> Future for Admitted<F, H>
where
    F: Future<Output = Result<R, Infallible>>,
    R: IntoResponse,
{
    type Output = Result<Response, Infallible>;

    fn poll(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        match self.project() {
            Projected::In { response, .. } => Poll::Ready(Ok(ready!(response.poll(context)).into_response())),
            Projected::Out { problem } => {
                Poll::Ready(Ok(problem.take().unwrap_or_else(Problem::internal).into_response()))
            }
        }
    }
}
