//! The settings, with their defaults. What the deployed service reads has its names; the rest is ours.

mod capability;
mod keys;

use ron_service::config::{Admin, Common, Impossible, Limits, Log, Server, Settings};
use serde::Deserialize;

pub(crate) use capability::ACCOUNTS;
pub use capability::{Account, Capability};
pub use keys::Keys;

/// All settings.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Config {
    /// Addresses, time-outs and drain. `bind` is 127.0.0.1:5307 and `admin_bind` 127.0.0.1:5308.
    pub server: Server,
    /// `max_msg_bytes` holds for what is issued; `max_batch` for batches; `max_body_bytes` for every body.
    pub limits: Limits,
    /// Where log lines go, and which.
    pub log: Log,
    /// Who may use the admin listener.
    pub admin: Admin,
    /// `[passport]`: what is issued.
    pub passport: Passport,
    /// `[verify]`: how much is verified at a time.
    pub verify: Verify,
    /// `[cache]`: how long others may keep keys.
    pub cache: Cache,
    /// `[security]`: what an envelope must have, and what is written about clients.
    pub security: Security,
    /// `[keys]`: where the signing key is kept.
    pub keys: Keys,
    /// `[extensions]`: what the contract does not have.
    pub extensions: Extensions,
    /// `[capability]`: who may mint capability tokens.
    pub capability: Capability,
    /// `[profiles]`: public profiles.
    pub profiles: Profiles,
}

/// `[passport]`: what is issued.
#[derive(Debug, Clone, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Passport {
    /// The audience that is put on envelopes, outside of what is signed. Default: `svc-passport`.
    pub issuer: String,
    /// Without effect, as in the deployed service: nothing is added to what is signed. Default: 3,600.
    pub default_ttl_s: u64,
    /// Without effect, as in the deployed service. Default: 86,400.
    pub max_ttl_s: u64,
    /// By how much clocks may differ, where `extensions.enforce_claims` is on; without effect otherwise. Default: 120.
    pub clock_skew_s: u64,
}

impl Default for Passport {
    fn default() -> Self {
        Self { issuer: "svc-passport".to_owned(), default_ttl_s: 3_600, max_ttl_s: 86_400, clock_skew_s: 120 }
    }
}

/// `[verify]`: how much is verified at a time.
#[derive(Debug, Clone, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Verify {
    /// Without effect, as in the deployed service: a batch is verified as it came. Default: 64.
    pub target_batch: usize,
    /// Without effect, as in the deployed service: `limits.max_batch` bounds a batch. Default: 256.
    pub max_batch: usize,
    /// Without effect, as in the deployed service. Default: 500.
    pub max_wait_us: u64,
    /// Single envelopes that are verified at a time; above is 503. Default: 64.
    pub concurrency: usize,
    /// Batches that are verified at a time; above is 503. Default: 16.
    pub batch_concurrency: usize,
}

impl Default for Verify {
    fn default() -> Self {
        Self { target_batch: 64, max_batch: 256, max_wait_us: 500, concurrency: 64, batch_concurrency: 16 }
    }
}

/// `[cache]`: how long others may keep keys.
#[derive(Debug, Clone, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Cache {
    /// Without effect, as in the deployed service: tables of keys are kept as long as they verify. Default: 60.
    pub vk_ttl_s: u64,
    /// Seconds that a JWK set may be kept for. Default: 60.
    pub jwks_ttl_s: u64,
}

impl Default for Cache {
    fn default() -> Self {
        Self { vk_ttl_s: 60, jwks_ttl_s: 60 }
    }
}

/// `[security]`: what an envelope must have, and what is written about clients.
#[derive(Debug, Clone, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Security {
    /// Whether envelopes are issued with an audience, and are refused without one. It is not signed. Default: yes.
    pub require_aud: bool,
    /// Whether nothing about subjects is written: log lines have request ids that were made here in place of a
    /// client's. Default: no.
    pub amnesia: bool,
}

impl Default for Security {
    fn default() -> Self {
        Self { require_aud: true, amnesia: false }
    }
}

/// `[extensions]`: what the contract does not have. All of it is off by default.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Extensions {
    /// Answers a batch with `{"ok": …, "code": …}` for each item, so that a bad item costs no other its answer.
    pub per_item_results: bool,
    /// Verifies `exp`, `nbf` and `aud` of the signed message too, if its signature is good.
    pub enforce_claims: bool,
    /// The audiences that `enforce_claims` accepts. Empty: `passport.issuer` alone.
    pub accepted_audiences: Vec<String>,
    /// Leaves rotation and attestation to the admin listener.
    pub admin_listener_only: bool,
    /// Answers `/v1/constant` with a constant, to measure what all else costs.
    pub constant_route: bool,
}

/// `[profiles]`: public profiles, in memory.
#[derive(Debug, Clone, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Profiles {
    /// Profiles that are kept; above is 503. Default: 100,000.
    pub max_profiles: usize,
}

impl Default for Profiles {
    fn default() -> Self {
        Self { max_profiles: 100_000 }
    }
}

impl Settings for Config {
    const DEFAULTS: &'static str = "[server]\nbind = '127.0.0.1:5307'\nadmin_bind = '127.0.0.1:5308'";

    const OVERRIDES: &'static [(&'static str, &'static str)] = &[
        ("PASSPORT_MAX_MSG_BYTES", "limits.max_body_bytes"),
        ("PASSPORT_VERIFY_CONCURRENCY", "verify.concurrency"),
        ("PASSPORT_VERIFY_BATCH_CONCURRENCY", "verify.batch_concurrency"),
    ];

    fn common(&self) -> Common<'_> {
        Common { server: &self.server, limits: &self.limits, log: &self.log, admin: &self.admin }
    }

    fn check(&self) -> Result<(), Impossible> {
        for (key, slots) in [
            ("verify.concurrency", self.verify.concurrency),
            ("verify.batch_concurrency", self.verify.batch_concurrency),
        ] {
            if slots == 0 {
                return Err(Impossible::new(key, "0 is impossible; expected at least 1"));
            }
        }
        if self.passport.issuer.is_empty() && self.security.require_aud {
            return Err(Impossible::new("passport.issuer", "expected a name, or security.require_aud = false"));
        }
        let bind = self.server.bind;
        if !bind.ip().is_loopback() && !self.extensions.admin_listener_only {
            let reason = format!(
                "on {bind} others could rotate keys; set extensions.admin_listener_only = true, or bind it to 127.0.0.1"
            );
            return Err(Impossible::new("server.bind", reason));
        }
        self.keys.check()?;
        self.capability.check()
    }
}

impl Config {
    /// The audiences that signed messages may be for.
    pub(crate) fn audiences(&self) -> Vec<String> {
        match self.extensions.accepted_audiences.as_slice() {
            [] => vec![self.passport.issuer.clone()],
            accepted => accepted.to_vec(),
        }
    }
}
