//! What a store has done so far.

use std::path::PathBuf;

use serde::Serialize;

use crate::bundle::Schema;
use crate::error::BundleError;

/// Why a bundle was not loaded from its file. What was loaded before stays in force.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, thiserror::Error)]
#[serde(tag = "kind", rename_all = "snake_case")]
#[non_exhaustive]
pub enum LoadError {
    /// The file can't be read: it is not there, it may not be read, or it is no file.
    #[error("{}: {reason}", path.display())]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// What the system says.
        reason: String,
    },
    /// The file holds no bundle that can be used.
    #[error("{}: {error}", path.display())]
    Bundle {
        /// The file.
        path: PathBuf,
        /// What is wrong, and where.
        error: BundleError,
    },
}

/// What became of a look at the file.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Reloaded {
    /// The bundle is the one that is in force.
    Unchanged,
    /// The file has changed since the look before; it is read if the next look finds it at rest.
    Settling,
    /// A new policy is in force.
    Swapped,
}

/// The state of a store, for `/readyz`, metrics and attestation.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Status {
    /// The file that bundles are loaded from.
    pub path: PathBuf,
    /// The bundle in force. `None`: nothing is, and nothing can be decided.
    pub loaded: Option<Loaded>,
    /// What was wrong when the file was read last. `None`: nothing was, and the bundle in force is the one in the file.
    pub error: Option<Failure>,
    /// How often a bundle was put in force.
    pub swaps: u64,
    /// How often reading a bundle failed.
    pub failures: u64,
    /// How often the file was looked at.
    pub looks: u64,
}

impl Status {
    /// Whether there is a policy to decide by. A bad bundle beside a good one that is in force is told by
    /// [`error`](Self::error).
    #[must_use]
    pub const fn is_ready(&self) -> bool {
        self.loaded.is_some()
    }
}

/// A bundle in force.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Loaded {
    /// BLAKE3 of its bytes, in lower-case hexadecimal digits.
    pub digest: String,
    /// The version that it says it has.
    pub version: u32,
    /// Which schema it has.
    pub schema: Schema,
    /// Number of its rules.
    pub rules: usize,
    /// When it was put in force, in milliseconds since the Unix epoch.
    pub at_unix_ms: u64,
}

/// A load that failed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Failure {
    /// Why.
    pub error: LoadError,
    /// When, in milliseconds since the Unix epoch.
    pub at_unix_ms: u64,
}
