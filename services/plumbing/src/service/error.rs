//! Why a service does not start.

use std::fmt;
use std::io;
use std::net::SocketAddr;
use std::path::Path;

/// Why a service does not start, in one line that says what to do.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// A listener can't be had.
    #[error("cannot listen on {address}: {error}; set {key} to another address{hint}")]
    Listen {
        /// Address or path.
        address: String,
        /// The setting that gave it.
        key: &'static str,
        /// What the system said.
        error: io::Error,
        /// What else helps.
        hint: &'static str,
    },
    /// Certificate or key can't be used.
    #[error("{path}: expected {expected}: {reason}")]
    Tls {
        /// The file.
        path: String,
        /// What should be in it.
        expected: &'static str,
        /// What is wrong.
        reason: String,
    },
    /// The admin listener would be open to others.
    #[error(
        "server.admin_bind is {0}, which others can reach; set admin.token or admin.token_file, or bind it to 127.0.0.1"
    )]
    OpenAdmin(SocketAddr),
    /// The admin token can't be used.
    #[error("admin.{key}: {reason}; expected a token of at least 16 printable characters without spaces")]
    Token {
        /// The setting.
        key: &'static str,
        /// What is wrong.
        reason: String,
    },
    /// A route's template is wrong or there twice.
    #[error("route {path}: {reason}")]
    Route {
        /// The template.
        path: String,
        /// What is wrong.
        reason: String,
    },
}

impl StartError {
    pub(crate) fn listen(address: impl fmt::Display, key: &'static str, error: io::Error) -> Self {
        let hint = match (error.kind(), key) {
            (io::ErrorKind::AddrInUse, "server.unix") => ", or stop what listens there",
            (io::ErrorKind::AddrInUse, _) => ", to port 0 for a free one, or stop what listens there",
            _ => "",
        };
        Self::Listen { address: address.to_string(), key, error, hint }
    }

    /// The same, with another hint for an address that is taken.
    pub(crate) fn if_taken(mut self, other: &'static str) -> Self {
        if let Self::Listen { error, hint, .. } = &mut self
            && error.kind() == io::ErrorKind::AddrInUse
            && !other.is_empty()
        {
            *hint = other;
        }
        self
    }

    pub(crate) fn tls(path: &Path, expected: &'static str, reason: impl fmt::Display) -> Self {
        Self::Tls { path: path.display().to_string(), expected, reason: reason.to_string() }
    }
}
