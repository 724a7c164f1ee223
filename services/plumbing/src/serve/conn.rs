//! One connection, from its first byte to its last, with a deadline for whatever it waits for.
//!
//! hyper's own header time-out makes and registers a timer for every request. Here a connection has one timer, which is
//! set anew only when it fires or when a deadline comes nearer; between requests it costs a reading of the clock.

use std::future::{Future, poll_fn};
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::task::{Context, Poll};
use std::time::Duration;

use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::time::{Instant, Sleep, sleep_until};

use super::front::Front;
use super::pulse::{Moment, Pulse, State, Watched};
use crate::config::{Server, ms};
use crate::health::Phase;
use crate::request::Peer;

/// How long a silent connection is kept once the service closes: a request that is on its way is still answered.
const CLOSING_QUIET: Duration = Duration::from_millis(250);

/// How long what a client still sends is thrown away before its connection is cut.
const LINGER: Duration = Duration::from_secs(1);

/// How long a connection may wait for what.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Timeouts {
    pub(crate) header: Duration,
    idle: Duration,
    write: Duration,
}

impl Timeouts {
    pub(crate) fn new(server: &Server) -> Self {
        Self {
            header: ms(server.header_timeout_ms),
            idle: ms(server.idle_timeout_ms),
            write: ms(server.write_timeout_ms),
        }
    }

    /// From now, until when what the connection is doing may take; `None` where something else bounds it.
    fn of(&self, moment: Moment, phase: Phase) -> Option<Duration> {
        let silent = |usual: Duration| if phase >= Phase::Closing { usual.min(CLOSING_QUIET) } else { usual };
        let timeout = match moment.state {
            State::Fresh => Some(silent(self.header)),
            State::Idle => Some(silent(self.idle)),
            State::Head => Some(self.header),
            State::Busy => None,
            State::Lingering => Some(silent(LINGER)),
        };
        if moment.write_blocked { Some(timeout.map_or(self.write, |timeout| timeout.min(self.write))) } else { timeout }
    }
}

/// Serves `socket` until either side is done with it or a deadline has come.
pub(crate) async fn serve<S>(socket: S, peer: Peer, front: Arc<Front>)
where
    S: AsyncRead + AsyncWrite + Unpin,
{
    let pulse = Arc::new(Pulse::new());
    let mut changes = front.readiness.changes();
    let service = service_fn(|request| Arc::clone(&front).answer(request, peer, Arc::clone(&pulse)));
    let watched = TokioIo::new(Watched::new(socket, Arc::clone(&pulse)));
    let mut connection = pin!(front.http.serve_connection(watched, service));
    let mut deadline = Deadline::new(front.timeouts);
    let mut over = pin!(async move {
        let _ = changes.wait_for(|phase| *phase == Phase::Over).await;
    });
    let mut seen_phase = None;
    poll_fn(|context| {
        if connection.as_mut().poll(context).is_ready() {
            return Poll::Ready(());
        }
        let phase = front.readiness.phase();
        if phase == Phase::Over {
            return Poll::Ready(());
        }
        if seen_phase != Some(phase) {
            // Leaves our waker there. It stays until it is used, and then the phase is another one.
            let _ = over.as_mut().poll(context);
            seen_phase = Some(phase);
        }
        let late = deadline.poll(context, pulse.moment(), phase);
        if late.is_ready() && phase < Phase::Closing {
            front.connections.timed_out.fetch_add(1, Ordering::Relaxed);
        }
        late
    })
    .await;
}

struct Deadline {
    timeouts: Timeouts,
    seen: Option<(Moment, Phase)>,
    until: Option<Instant>,
    timer: Option<Pin<Box<Sleep>>>,
}

impl Deadline {
    fn new(timeouts: Timeouts) -> Self {
        Self { timeouts, seen: None, until: None, timer: None }
    }

    /// Ready when the deadline of what the connection is doing has come.
    fn poll(&mut self, context: &mut Context<'_>, moment: Moment, phase: Phase) -> Poll<()> {
        if self.seen != Some((moment, phase)) {
            self.seen = Some((moment, phase));
            self.until = self.timeouts.of(moment, phase).map(|timeout| Instant::now() + timeout);
        }
        let Some(until) = self.until else { return Poll::Pending };
        let timer = match &mut self.timer {
            // Asleep, and to wake in time or before it: then it is set anew.
            Some(timer) if !timer.is_elapsed() && timer.deadline() <= until => return Poll::Pending,
            Some(timer) => timer,
            None => self.timer.insert(Box::pin(sleep_until(until))),
        };
        if timer.is_elapsed() && Instant::now() >= until {
            return Poll::Ready(());
        }
        if timer.deadline() != until {
            timer.as_mut().reset(until);
        }
        // Until it is polled, nobody is woken by it.
        timer.as_mut().poll(context)
    }
}
