//! Accepting connections, up to a number of them.

use std::io;
use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::time::Duration;

use rustls::ServerConfig;
use tokio::io::{AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::sync::Notify;
use tokio::time::{sleep, timeout};
use tokio_rustls::TlsAcceptor;

use super::conn;
use super::front::Front;
use super::listen::{Listener, Stream};
use crate::health::Phase;
use crate::problem::Problem;
use crate::request::Peer;

/// Clients that are being told that there is no room. Above it they are hung up on without a word.
const MOST_REFUSALS: usize = 128;

/// How long connections that had begun when the listener closes have to be made.
const HANDSHAKES: Duration = Duration::from_millis(50);

/// The connections of one listener or of several that share a limit.
#[derive(Debug)]
pub(crate) struct Connections {
    open: AtomicUsize,
    refusals: AtomicUsize,
    most: usize,
    retry_after_ms: u64,
    pub(crate) refused: AtomicU64,
    pub(crate) timed_out: AtomicU64,
    none: Notify,
}

/// A connection that is counted until it is dropped.
struct Counted(Arc<Connections>);

impl Connections {
    pub(crate) fn new(most: usize, retry_after_ms: u64) -> Arc<Self> {
        Arc::new(Self {
            open: AtomicUsize::new(0),
            refusals: AtomicUsize::new(0),
            most,
            retry_after_ms,
            refused: AtomicU64::new(0),
            timed_out: AtomicU64::new(0),
            none: Notify::new(),
        })
    }

    pub(crate) fn open(&self) -> usize {
        self.open.load(Ordering::Acquire)
    }

    /// Waits until no connection is left.
    pub(crate) async fn none_left(&self) {
        loop {
            let mut notified = pin!(self.none.notified());
            notified.as_mut().enable();
            if self.open() == 0 {
                return;
            }
            notified.await;
        }
    }

    fn enter(self: &Arc<Self>) -> Option<Counted> {
        if self.open.fetch_add(1, Ordering::AcqRel) >= self.most {
            self.open.fetch_sub(1, Ordering::AcqRel);
            return None;
        }
        Some(Counted(Arc::clone(self)))
    }
}

impl Drop for Counted {
    fn drop(&mut self) {
        if self.0.open.fetch_sub(1, Ordering::AcqRel) == 1 {
            self.0.none.notify_waiters();
        }
    }
}

/// A listener with what its connections need.
pub(crate) struct Acceptor {
    pub(crate) listener: Listener,
    pub(crate) front: Arc<Front>,
    pub(crate) tls: Option<Arc<ServerConfig>>,
}

impl Acceptor {
    /// Accepts until the service closes. What the kernel accepted before that is served too.
    pub(crate) async fn run(mut self) {
        let mut changes = self.front.readiness.changes();
        let mut closing = pin!(async move {
            let _ = changes.wait_for(|phase| *phase >= Phase::Closing).await;
        });
        loop {
            tokio::select! {
                biased;
                () = &mut closing => break,
                accepted = self.listener.accept() => self.take(accepted).await,
            }
        }
        self.listener.refuse_new();
        let last = async {
            loop {
                self.take(self.listener.accept().await).await;
            }
        };
        let _: Result<(), _> = timeout(HANDSHAKES, last).await;
        while let Some(accepted) = self.listener.take_rest() {
            self.take(Ok(accepted)).await;
        }
    }

    async fn take(&self, accepted: io::Result<(Stream, Peer)>) {
        match accepted {
            Ok((stream, peer)) => match self.front.connections.enter() {
                Some(counted) => self.serve(stream, peer, counted),
                None => self.refuse(stream),
            },
            Err(error) if is_of_one_connection(&error) => {}
            Err(error) => {
                // Out of file descriptors or memory: it will not be better at once.
                tracing::error!(%error, "cannot accept connections");
                sleep(Duration::from_millis(50)).await;
            }
        }
    }

    fn serve(&self, stream: Stream, peer: Peer, counted: Counted) {
        let front = Arc::clone(&self.front);
        match (stream, &self.tls) {
            (Stream::Tcp(stream), None) => {
                tokio::spawn(async move {
                    let _counted = counted;
                    conn::serve(stream, peer, front).await;
                });
            }
            (Stream::Tcp(stream), Some(tls)) => {
                let handshake = TlsAcceptor::from(Arc::clone(tls)).accept(stream);
                tokio::spawn(async move {
                    let _counted = counted;
                    match timeout(front.timeouts.header, handshake).await {
                        Ok(Ok(stream)) => conn::serve(stream, peer, front).await,
                        Ok(Err(_)) => {}
                        Err(_) => {
                            front.connections.timed_out.fetch_add(1, Ordering::Relaxed);
                        }
                    }
                });
            }
            (Stream::Unix(stream), _) => {
                tokio::spawn(async move {
                    let _counted = counted;
                    conn::serve(stream, peer, front).await;
                });
            }
        }
    }

    /// Tells a client that there is no room, for a moment, if not too many are being told already.
    fn refuse(&self, stream: Stream) {
        let connections = Arc::clone(&self.front.connections);
        connections.refused.fetch_add(1, Ordering::Relaxed);
        // A client that speaks TLS would not understand.
        if self.tls.is_some() && matches!(stream, Stream::Tcp(_)) {
            return;
        }
        if connections.refusals.fetch_add(1, Ordering::AcqRel) >= MOST_REFUSALS {
            connections.refusals.fetch_sub(1, Ordering::AcqRel);
            return;
        }
        tokio::spawn(async move {
            let answer = no_room(connections.retry_after_ms);
            let told = async {
                match stream {
                    Stream::Tcp(stream) => tell(stream, &answer).await,
                    Stream::Unix(stream) => tell(stream, &answer).await,
                }
            };
            let _ = timeout(Duration::from_secs(1), told).await;
            connections.refusals.fetch_sub(1, Ordering::AcqRel);
        });
    }
}

/// Writes the answer and reads what the client sends until it closes: a reset would take the answer with it.
async fn tell<S: AsyncReadExt + AsyncWrite + Unpin>(mut stream: S, answer: &[u8]) -> io::Result<()> {
    stream.write_all(answer).await?;
    stream.shutdown().await?;
    let mut scratch = [0; 1_024];
    while stream.read(&mut scratch).await? > 0 {}
    Ok(())
}

fn no_room(retry_after_ms: u64) -> Vec<u8> {
    let mut problem = Problem::overloaded(retry_after_ms);
    problem.message = "All connections are taken.".into();
    let body = problem.to_json();
    let seconds = retry_after_ms.div_ceil(1_000).max(1);
    let mut answer = format!(
        "HTTP/1.1 503 Service Unavailable\r\ncontent-type: application/problem+json\r\ncontent-length: {}\r\n\
         retry-after: {seconds}\r\nconnection: close\r\n\r\n",
        body.len()
    )
    .into_bytes();
    answer.extend_from_slice(&body);
    answer
}

fn is_of_one_connection(error: &io::Error) -> bool {
    use io::ErrorKind::{ConnectionAborted, ConnectionRefused, ConnectionReset};
    matches!(error.kind(), ConnectionAborted | ConnectionRefused | ConnectionReset)
}
