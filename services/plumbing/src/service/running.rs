//! A service that listens, and how it ends.

use std::fmt;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use tokio::task::JoinHandle;
use tokio::time::{sleep, timeout};

use crate::health::{Phase, Readiness};
use crate::serve::Connections;

/// How long the admin listener's own requests have, after all else is done.
const ADMIN_END: Duration = Duration::from_millis(500);

/// Where a service can be reached.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Addresses {
    /// The actual address, where port 0 was asked for too.
    pub tcp: Option<SocketAddr>,
    /// That of the admin listener.
    pub admin: Option<SocketAddr>,
    /// Path of the Unix socket.
    pub unix: Option<PathBuf>,
    /// Whether the TCP addresses speak TLS.
    pub tls: bool,
}

/// A service that listens. Dropped without [`Running::drain`], it goes on until its runtime ends.
pub struct Running {
    pub(super) name: &'static str,
    pub(super) addresses: Addresses,
    pub(super) grace: Duration,
    pub(super) timeout: Duration,
    pub(super) readiness: Arc<Readiness>,
    pub(super) connections: Arc<Connections>,
    pub(super) tasks: Vec<JoinHandle<()>>,
    pub(super) admin_phase: Arc<Readiness>,
    pub(super) admin_connections: Arc<Connections>,
    pub(super) admin_task: Option<JoinHandle<()>>,
    pub(super) tidying: Option<JoinHandle<()>>,
}

/// How a drain ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Drained {
    /// Connections that were still open when the time was over, and were cut.
    pub cut: usize,
}

impl Running {
    /// Where it can be reached.
    #[must_use]
    pub fn addresses(&self) -> &Addresses {
        &self.addresses
    }

    /// The line that is printed at start.
    #[must_use]
    pub fn greeting(&self) -> String {
        format!("{} listens on {}", self.name, self.addresses)
    }

    /// Lets `/readyz` fall, and serves on: the first step of a drain, for who drains several in a row.
    pub fn announce_drain(&self) {
        self.readiness.enter(Phase::Draining);
    }

    /// Ends the service and loses nothing that was accepted: `/readyz` falls, then the listeners close, then requests
    /// in flight are finished, for as long as the settings allow.
    pub async fn drain(self) -> Drained {
        self.announce_drain();
        sleep(self.grace).await;
        self.readiness.enter(Phase::Closing);
        for task in self.tasks {
            let _ = task.await;
        }
        let _ = timeout(self.timeout, self.connections.none_left()).await;
        let cut = self.connections.open();
        self.readiness.enter(Phase::Over);
        self.admin_phase.enter(Phase::Closing);
        if let Some(task) = self.admin_task {
            let _ = task.await;
            let _ = timeout(ADMIN_END, self.admin_connections.none_left()).await;
        }
        self.admin_phase.enter(Phase::Over);
        if let Some(task) = self.tidying {
            task.abort();
        }
        Drained { cut }
    }
}

impl fmt::Display for Addresses {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let scheme = if self.tls { "https" } else { "http" };
        if let Some(address) = self.tcp {
            write!(formatter, "{scheme}://{address}")?;
        }
        if let Some(path) = &self.unix {
            write!(formatter, ", unix:{}", path.display())?;
        }
        if let Some(address) = self.admin {
            write!(formatter, ", admin {scheme}://{address}")?;
        }
        Ok(())
    }
}
