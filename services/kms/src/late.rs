//! Who still uses what is retired.

use std::sync::atomic::{AtomicU64, Ordering};

use serde::Serialize;

/// Most retired key ids that are reported one by one.
pub const MAX_REPORTED: usize = 1000;

/// Counts the uses of one retired key id. There is one for each version and none for names that nobody knows, so what
/// strangers send takes no memory.
#[derive(Debug, Default)]
pub(crate) struct Late {
    count: AtomicU64,
    last_seen_unix_s: AtomicU64,
}

impl Late {
    pub(crate) fn note(&self, now_unix_s: u64) {
        self.last_seen_unix_s.fetch_max(now_unix_s, Ordering::Relaxed);
        self.count.fetch_add(1, Ordering::Relaxed);
    }

    /// How often, and when last; `None`: never.
    pub(crate) fn seen(&self) -> Option<(u64, u64)> {
        let count = self.count.load(Ordering::Relaxed);
        (count > 0).then(|| (count, self.last_seen_unix_s.load(Ordering::Relaxed)))
    }
}

/// Tokens and signatures that name a retired key id, since this process began. Anybody can name one: it is no proof
/// that somebody holds the key.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct RetiredUses {
    /// How many there were.
    pub total: u64,
    /// The key ids they name, the one that was seen last first; at most [`MAX_REPORTED`].
    pub latest: Vec<RetiredUse>,
}

/// Uses of one retired key id.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct RetiredUse {
    /// Whose key id it is.
    pub tenant: String,
    /// The key id; of a derived key, that of its root.
    pub kid: String,
    /// How often it was named.
    pub count: u64,
    /// When it was named last, in seconds since the Unix epoch.
    pub last_seen_unix_s: u64,
}

impl RetiredUses {
    pub(crate) fn collect(uses: impl Iterator<Item = RetiredUse>) -> Self {
        let mut latest: Vec<_> = uses.collect();
        let total = latest.iter().fold(0_u64, |total, uses| total.saturating_add(uses.count));
        latest.sort_by(|a, b| b.last_seen_unix_s.cmp(&a.last_seen_unix_s).then_with(|| a.kid.cmp(&b.kid)));
        latest.truncate(MAX_REPORTED);
        Self { total, latest }
    }
}
