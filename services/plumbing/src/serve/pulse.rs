//! What a connection is doing, seen from its socket.

use std::io::{self, IoSlice};
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU8, AtomicU32, Ordering::Relaxed};
use std::task::{Context, Poll, ready};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

/// What a connection waits for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
pub(crate) enum State {
    /// Nothing was ever received.
    Fresh,
    /// The last request was answered, and no byte of a next one is here.
    Idle,
    /// Some of a request's headers are here.
    Head,
    /// A request is being answered.
    Busy,
    /// All is said; what the client still sends is thrown away, so that it sees the answer and not a reset.
    Lingering,
}

/// Why a request's body was cut off.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
pub(crate) enum BodyFault {
    TooLarge = 1,
    TooSlow = 2,
}

/// Written by the socket and by what answers requests; read by the connection's deadline. All of it is one task's, so
/// that the numbers need no order among them.
#[derive(Debug)]
pub(crate) struct Pulse {
    state: AtomicU8,
    // Tells one time of being idle from the next.
    turns: AtomicU32,
    write_blocked: AtomicBool,
    body_unread: AtomicBool,
    fault: AtomicU8,
}

/// What the deadline depends on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Moment {
    pub(crate) state: State,
    pub(crate) write_blocked: bool,
    turns: u32,
}

impl Pulse {
    pub(crate) fn new() -> Self {
        Self {
            state: AtomicU8::new(State::Fresh as u8),
            turns: AtomicU32::new(0),
            write_blocked: AtomicBool::new(false),
            body_unread: AtomicBool::new(false),
            fault: AtomicU8::new(0),
        }
    }

    pub(crate) fn moment(&self) -> Moment {
        let state = match self.state.load(Relaxed) {
            0 => State::Fresh,
            1 => State::Idle,
            2 => State::Head,
            3 => State::Busy,
            _ => State::Lingering,
        };
        Moment { state, write_blocked: self.write_blocked.load(Relaxed), turns: self.turns.load(Relaxed) }
    }

    fn enter(&self, state: State) {
        self.state.store(state as u8, Relaxed);
    }

    /// A request's headers are complete.
    pub(crate) fn request(&self, has_body: bool) {
        self.enter(State::Busy);
        self.body_unread.store(has_body, Relaxed);
        self.fault.store(0, Relaxed);
    }

    /// The response was handed over to be written.
    pub(crate) fn answered(&self) {
        self.turns.store(self.turns.load(Relaxed).wrapping_add(1), Relaxed);
        self.enter(State::Idle);
    }

    pub(crate) fn body_is_read(&self) {
        self.body_unread.store(false, Relaxed);
    }

    pub(crate) fn fault(&self, fault: BodyFault) {
        self.fault.store(fault as u8, Relaxed);
    }

    /// Why the body of the current request was cut off, if it was.
    pub(crate) fn body_fault(&self) -> Option<BodyFault> {
        match self.fault.load(Relaxed) {
            1 => Some(BodyFault::TooLarge),
            2 => Some(BodyFault::TooSlow),
            _ => None,
        }
    }

    fn received(&self) {
        if self.state.load(Relaxed) <= State::Idle as u8 {
            self.enter(State::Head);
        }
    }
}

/// A socket whose every read and write is noted.
#[derive(Debug)]
pub(crate) struct Watched<S> {
    socket: S,
    pulse: Arc<Pulse>,
}

impl<S> Watched<S> {
    pub(crate) fn new(socket: S, pulse: Arc<Pulse>) -> Self {
        Self { socket, pulse }
    }

    fn wrote(&self, result: Poll<io::Result<usize>>) -> Poll<io::Result<usize>> {
        if result.is_pending() {
            self.pulse.write_blocked.store(true, Relaxed);
        } else if self.pulse.write_blocked.load(Relaxed) {
            // A new turn: the client took something, and the next wait is another one.
            self.pulse.write_blocked.store(false, Relaxed);
            self.pulse.turns.store(self.pulse.turns.load(Relaxed).wrapping_add(1), Relaxed);
        }
        result
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for Watched<S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let before = buffer.filled().len();
        let result = Pin::new(&mut self.socket).poll_read(context, buffer);
        if buffer.filled().len() > before {
            self.pulse.received();
        }
        result
    }
}

impl<S: AsyncRead + AsyncWrite + Unpin> AsyncWrite for Watched<S> {
    fn poll_write(mut self: Pin<&mut Self>, context: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        let result = Pin::new(&mut self.socket).poll_write(context, bytes);
        self.wrote(result)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        slices: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let result = Pin::new(&mut self.socket).poll_write_vectored(context, slices);
        self.wrote(result)
    }

    fn is_write_vectored(&self) -> bool {
        self.socket.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.socket).poll_flush(context)
    }

    /// Closes our half. If a body was left unread, what is still coming is thrown away until the client closes too or
    /// the connection's deadline has come: to close at once would reset the connection, and an answer that says why
    /// the body was refused would be lost on its way.
    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        if self.pulse.moment().state != State::Lingering {
            ready!(Pin::new(&mut self.socket).poll_shutdown(context))?;
            if !self.pulse.body_unread.load(Relaxed) {
                return Poll::Ready(Ok(()));
            }
            self.pulse.enter(State::Lingering);
        }
        // So many bytes for one turn, then others are let to work.
        let mut scratch = [0; 4_096];
        for _ in 0..16 {
            let mut buffer = ReadBuf::new(&mut scratch);
            ready!(Pin::new(&mut self.socket).poll_read(context, &mut buffer))?;
            if buffer.filled().is_empty() {
                return Poll::Ready(Ok(()));
            }
        }
        context.waker().wake_by_ref();
        Poll::Pending
    }
}
