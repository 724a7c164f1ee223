use std::sync::Arc;

use arc_swap::ArcSwapOption;
use serde::Serialize;

use crate::KmsError;

/// How the keys in memory stand to those in the store.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Status {
    /// What keeps the keys in memory from following the store, if anything does. Those that were read last go on
    /// working.
    pub missing: Option<Missing>,
    /// Why the last change of keys failed in the store, until one goes well. Look-ups do not mind.
    pub unwritable: Option<Missing>,
    /// Number of the change of the store that the keys in memory have reached.
    pub change: u64,
    /// Whether the store is still sealed under a previous master key: [`Kms::reseal`](crate::Kms::reseal).
    pub is_reseal_due: bool,
}

impl Status {
    /// Whether nothing is missing that look-ups need.
    #[must_use]
    pub const fn is_ready(&self) -> bool {
        self.missing.is_none()
    }
}

/// What is not as it should be.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Missing {
    /// What: for `/readyz`.
    pub what: &'static str,
    /// Since when, in milliseconds since the Unix epoch.
    pub since_unix_ms: u64,
    /// The last error, one line.
    pub error: String,
}

/// One thing that goes well or does not.
#[derive(Default)]
pub(crate) struct Health(ArcSwapOption<Missing>);

impl Health {
    pub(crate) fn well(&self) {
        self.0.store(None);
    }

    /// Notes an error, and since when there are any.
    pub(crate) fn failed(&self, error: &KmsError, now_unix_ms: u64) {
        let since_unix_ms = self.0.load().as_ref().map_or(now_unix_ms, |missing| missing.since_unix_ms);
        let what = if matches!(error, KmsError::WrongMasterKey { .. }) { "master key" } else { "key store" };
        self.0.store(Some(Arc::new(Missing { what, since_unix_ms, error: error.to_string() })));
    }

    pub(crate) fn missing(&self) -> Option<Missing> {
        self.0.load().as_deref().cloned()
    }
}
