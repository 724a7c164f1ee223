//! What every handler has.

use std::sync::Arc;

use ron_kms::Clock;
use ron_service::Accounts;
use ron_service::limits::Gate;

use crate::Config;
use crate::claims::ClaimRules;
use crate::config::Account;
use crate::custody::Custody;
use crate::envelope::Signatures;
use crate::metrics::Metrics;
use crate::routes::check::Cookies;
use crate::rules::Rules;
use crate::tokens::Tokens;

/// What every handler has.
pub(crate) struct Auth {
    pub(crate) config: Config,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) metrics: Arc<Metrics>,
    pub(crate) claims: ClaimRules,
    pub(crate) tokens: Tokens,
    pub(crate) authorize_slots: Gate,
    /// Who may ask about others.
    pub(crate) accounts: Accounts<Account>,
    /// Cookies for proxies, if they are configured.
    pub(crate) cookies: Option<Cookies>,
    pub(crate) parts: Arc<Parts>,
}

/// What may be missing for a while.
pub(crate) struct Parts {
    pub(crate) rules: Rules,
    pub(crate) custody: Arc<Custody>,
    pub(crate) signatures: Signatures,
}

impl Auth {
    pub(crate) fn now_unix_s(&self) -> u64 {
        self.clock.now_unix_ms() / 1_000
    }
}
