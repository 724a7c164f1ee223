//! What every handler has.

use std::sync::Arc;

use ron_kms::Clock;
use ron_service::Accounts;
use ron_service::axum::http::HeaderValue;
use ron_service::limits::Gate;

use crate::Config;
use crate::claims::ClaimRules;
use crate::config::Account;
use crate::keys::{Custody, KeyRing, Open};
use crate::metrics::Metrics;
use crate::profile::Profiles;
use crate::refusal::Refusal;

/// What every handler has.
pub(crate) struct Passport {
    pub(crate) config: Config,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) custody: Arc<Custody>,
    pub(crate) metrics: Metrics,
    pub(crate) claims: Option<ClaimRules>,
    pub(crate) accounts: Accounts<Account>,
    pub(crate) profiles: Profiles,
    /// Of `GET /v1/keys`.
    pub(crate) cache_control: HeaderValue,
    pub(crate) verify_slots: Gate,
    pub(crate) batch_slots: Gate,
}

impl Passport {
    pub(crate) fn keys(&self) -> Result<&Open, Refusal> {
        self.custody.open().ok_or(Refusal::NoKeys)
    }

    pub(crate) fn ring(&self) -> Result<Arc<KeyRing>, Refusal> {
        self.keys()?.ring().map_err(|error| {
            tracing::error!(%error, "no ring of keys");
            Refusal::Internal
        })
    }

    /// Most bytes of a body.
    pub(crate) fn max_body_bytes(&self) -> usize {
        usize::try_from(self.config.limits.max_body_bytes).unwrap_or(usize::MAX)
    }
}
