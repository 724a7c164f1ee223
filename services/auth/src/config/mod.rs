//! The settings, with their defaults.

mod authzen;
mod check;
mod verify;

use std::path::PathBuf;

use ron_kms::{KeyRef, MasterKeySource, StoreConfig};
use ron_service::config::{Admin, Common, Impossible, Limits, Log, Server, Settings};
use serde::Deserialize;

pub(crate) use authzen::ACCOUNTS;
pub use authzen::{Account, AuthZen};
pub use check::{Check, RequestFrom};
pub use verify::{Caching, KeySource, Verify};

/// All settings.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Config {
    /// Addresses, time-outs and drain. `bind` is 127.0.0.1:5310 and `admin_bind` 127.0.0.1:5311.
    pub server: Server,
    /// `max_msg_bytes` holds for signed messages and for the CBOR of tokens; `max_batch` for batches.
    pub limits: Limits,
    /// Where log lines go, and which.
    pub log: Log,
    /// Who may use the admin listener.
    pub admin: Admin,
    /// `[security]`: what an envelope or a token must say.
    pub security: Security,
    /// `[verify]`: who verifies the signatures of envelopes.
    pub verify: Verify,
    /// `[caching]`: how long what was found out is believed.
    pub caching: Caching,
    /// `[authorize]`: how much is decided at a time.
    pub authorize: Authorize,
    /// `[policy]`: what is decided by.
    pub policy: PolicyFile,
    /// `[keys]`: where the MAC keys of capability tokens are kept.
    pub keys: Keys,
    /// `[tokens]`: how capability tokens are judged.
    pub tokens: Tokens,
    /// `[check]`: what proxies ask in front of their requests. Off by default.
    pub check: Check,
    /// `[authzen]`: who may ask about others. Nobody by default.
    pub authzen: AuthZen,
    /// `[extensions]`: what callers do not need. All of it is off by default.
    pub extensions: Extensions,
}

/// `[security]`: what an envelope or a token must say.
#[derive(Debug, Clone, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Security {
    /// Whether an audience must be named: by an envelope inside and outside of what is signed, by a token in a caveat.
    /// Default: yes.
    pub require_aud: bool,
    /// The audiences that a signed message may be for. Tokens are for the first. Default: `ron-auth`.
    pub accepted_audiences: Vec<String>,
    /// By how many seconds clocks may differ. Default: 60.
    pub clock_skew_s: u64,
    /// Whether the deployment runs in amnesia mode: nothing about subjects is written, and log lines have request ids
    /// that were made here in place of a client's. Tokens can make it a condition. Default: no.
    pub amnesia: bool,
}

impl Default for Security {
    fn default() -> Self {
        Self { require_aud: true, accepted_audiences: vec!["ron-auth".to_owned()], clock_skew_s: 60, amnesia: false }
    }
}

/// `[authorize]`: how much is decided at a time.
#[derive(Debug, Clone, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Authorize {
    /// Requests for decisions, batches among them, that are answered at a time; above is 503. Default: 512.
    pub concurrency: usize,
}

impl Default for Authorize {
    fn default() -> Self {
        Self { concurrency: 512 }
    }
}

/// `[policy]`: what is decided by.
#[derive(Debug, Clone, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct PolicyFile {
    /// The bundle, in a file whose name ends in `.json` or `.toml`. Default: none; then nothing can be decided.
    pub path: Option<PathBuf>,
    /// Milliseconds between two looks for a changed file. A change is in force after two. Default: 1,000.
    pub poll_ms: u64,
}

impl Default for PolicyFile {
    fn default() -> Self {
        Self { path: None, poll_ms: 1_000 }
    }
}

/// `[keys]`: where the MAC keys of capability tokens are kept. Without a store no token is known.
#[derive(Debug, Clone, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Keys {
    /// `{ sqlite = { path = "…" } }`, `{ postgres = { url = "…" } }` or, with TLS,
    /// `{ postgres = { url = "…", tls_ca = "…" } }`. Default: none.
    pub store: Option<StoreConfig>,
    /// What seals it. Default: none; with a store, needed.
    pub master_key: Option<MasterKeySource>,
    /// Master keys that sealed what is in the store, and seal nothing any more. Default: none.
    pub previous_master_keys: Vec<MasterKeySource>,
    /// Milliseconds between two looks for changes of other processes, from 10 to 1,000. Default: 200.
    pub poll_ms: u64,
    /// Whose envelope keys are taken from the store, with `verify.key_source = "kms"`. Default: `svc-passport`.
    pub envelope_tenant: String,
    /// Their name. Default: `default`.
    pub envelope_name: String,
}

impl Default for Keys {
    fn default() -> Self {
        Self {
            store: None,
            master_key: None,
            previous_master_keys: Vec::new(),
            poll_ms: 200,
            envelope_tenant: "svc-passport".to_owned(),
            envelope_name: "default".to_owned(),
        }
    }
}

/// `[tokens]`: how capability tokens are judged.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Tokens {
    /// The tenant of requests whose context names none. Default: none; such a request is denied.
    pub tenant: Option<String>,
    /// Seconds that a token may be good for at most, from now on. Default: none, without end.
    pub max_lifetime_s: Option<u64>,
}

/// `[extensions]`: what callers do not need.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Extensions {
    /// Answers `/v1/constant` with a constant, to measure what all else costs.
    pub constant_route: bool,
}

impl Settings for Config {
    const DEFAULTS: &'static str = "[server]\nbind = '127.0.0.1:5310'\nadmin_bind = '127.0.0.1:5311'";

    const OVERRIDES: &'static [(&'static str, &'static str)] = &[
        ("RON_AUTH_VERIFY_CONCURRENCY", "verify.concurrency"),
        ("RON_AUTH_AUTHORIZE_CONCURRENCY", "authorize.concurrency"),
        ("RON_AUTH_MAX_MSG_BYTES", "limits.max_msg_bytes"),
        ("RON_AUTH_MAX_BATCH", "limits.max_batch"),
    ];

    fn common(&self) -> Common<'_> {
        Common { server: &self.server, limits: &self.limits, log: &self.log, admin: &self.admin }
    }

    fn check(&self) -> Result<(), Impossible> {
        let audiences = &self.security.accepted_audiences;
        if audiences.iter().any(String::is_empty) || (audiences.is_empty() && self.security.require_aud) {
            let reason = "expected names of audiences, or none and security.require_aud = false";
            return Err(Impossible::new("security.accepted_audiences", reason));
        }
        if self.authorize.concurrency == 0 {
            return Err(Impossible::new("authorize.concurrency", "0 is impossible; expected at least 1"));
        }
        if !(10..=3_600_000).contains(&self.policy.poll_ms) {
            return Err(Impossible::new("policy.poll_ms", "expected milliseconds from 10 to 3600000"));
        }
        if self.tokens.tenant.as_deref() == Some("") {
            return Err(Impossible::new("tokens.tenant", "expected a tenant, or no such key"));
        }
        self.check.check()?;
        self.authzen.check()?;
        self.keys.check()?;
        if self.verify.key_source == KeySource::Kms && self.keys.store.is_none() {
            return Err(Impossible::new("verify.key_source", "\"kms\" needs keys.store; set that, or \"jwks\""));
        }
        self.verify.check()?;
        self.caching.check()
    }
}

impl Keys {
    fn check(&self) -> Result<(), Impossible> {
        if self.store.is_some() != self.master_key.is_some() {
            let reason = "keys.store and keys.master_key need each other; set both, or neither";
            return Err(Impossible::new("keys.master_key", reason));
        }
        if !(10..=1_000).contains(&self.poll_ms) {
            return Err(Impossible::new("keys.poll_ms", "expected milliseconds from 10 to 1000"));
        }
        KeyRef::ed25519(&self.envelope_tenant, &self.envelope_name)
            .map(drop)
            .map_err(|error| Impossible::new("keys.envelope_name", error.to_string()))
    }
}
