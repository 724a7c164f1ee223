//! A request's body, bounded in bytes and in time.

use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use axum::BoxError;
use axum::body::{Bytes, HttpBody};
use hyper::body::{Frame, Incoming, SizeHint};
use tokio::time::{Sleep, sleep};

use crate::serve::{BodyFault, Pulse};

/// A body of at most so many bytes that arrive within so much time. What it exceeds is noted in the connection's
/// [`Pulse`], so that the answer is the same whatever reads the body.
pub(crate) struct Capped {
    body: Incoming,
    left: u64,
    timeout: Duration,
    // Made when there is something to wait for, which a short body never gives.
    timer: Option<Pin<Box<Sleep>>>,
    pulse: Arc<Pulse>,
}

impl Capped {
    pub(crate) fn new(body: Incoming, max_bytes: u64, timeout: Duration, pulse: Arc<Pulse>) -> Self {
        Self { body, left: max_bytes, timeout, timer: None, pulse }
    }
}

impl HttpBody for Capped {
    type Data = Bytes;
    type Error = BoxError;

    fn poll_frame(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, BoxError>>> {
        let Poll::Ready(next) = Pin::new(&mut self.body).poll_frame(context) else {
            let timeout = self.timeout;
            let timer = self.timer.get_or_insert_with(|| Box::pin(sleep(timeout)));
            ready!(timer.as_mut().poll(context));
            self.pulse.fault(BodyFault::TooSlow);
            return Poll::Ready(Some(Err("the body took too long to arrive".into())));
        };
        let Some(frame) = next.transpose()? else {
            self.pulse.body_is_read();
            return Poll::Ready(None);
        };
        let bytes = frame.data_ref().map_or(0, |data| data.len() as u64);
        let Some(left) = self.left.checked_sub(bytes) else {
            self.pulse.fault(BodyFault::TooLarge);
            return Poll::Ready(Some(Err("the body is larger than this route takes".into())));
        };
        self.left = left;
        if self.body.is_end_stream() {
            self.pulse.body_is_read();
        }
        Poll::Ready(Some(Ok(frame)))
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}
