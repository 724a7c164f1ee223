//! Who verifies the signatures of envelopes, and how long the outcome is believed.

use ron_service::axum::http::Uri;
use ron_service::config::Impossible;
use serde::Deserialize;

/// `[verify]`: who verifies the signatures of envelopes.
#[derive(Debug, Clone, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Verify {
    /// Whether svc-passport does. Else it is done here, with the same answers. Default: yes.
    pub delegate_to_passport: bool,
    /// Where svc-passport is. Default: `http://127.0.0.1:5307`.
    pub passport_base: String,
    /// Where keys come from that envelopes are verified with here: `jwks`, svc-passport's key set, or `kms`, the store
    /// of `[keys]`. Default: `jwks`.
    pub key_source: KeySource,
    /// Calls to svc-passport that are under way at a time. What arrives meanwhile forms the next. Default: 1.
    pub concurrency: usize,
    /// Most envelopes of one call. Default: 64.
    pub max_batch: usize,
    /// Envelopes that wait for a call at a time; above is 503. Default: 4,096.
    pub max_waiting: usize,
    /// Time for a connection. Default: 250.
    pub connect_timeout_ms: u64,
    /// Time for one call. One that takes longer is not tried again. Default: 1,000.
    pub timeout_ms: u64,
    /// How often a call that failed is tried again, at most 2. Default: 2.
    pub retries: u32,
    /// After so many failures in a row calls fail at once, for a while. Default: 5.
    pub breaker_failures: u32,
    /// How long. Then one call is let through to see. Default: 1,000.
    pub breaker_open_ms: u64,
    /// Keys are not fetched anew for a bad signature or an unknown key id more often than this. Default: 1,000.
    pub renewal_cooldown_ms: u64,
}

/// Where keys come from that envelopes are verified with here.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum KeySource {
    /// svc-passport's key set, `GET /v1/keys`.
    Jwks,
    /// The store of `[keys]`.
    Kms,
}

impl Default for Verify {
    fn default() -> Self {
        Self {
            delegate_to_passport: true,
            passport_base: "http://127.0.0.1:5307".to_owned(),
            key_source: KeySource::Jwks,
            concurrency: 1,
            max_batch: 64,
            max_waiting: 4_096,
            connect_timeout_ms: 250,
            timeout_ms: 1_000,
            retries: 2,
            breaker_failures: 5,
            breaker_open_ms: 1_000,
            renewal_cooldown_ms: 1_000,
        }
    }
}

impl Verify {
    pub(super) fn check(&self) -> Result<(), Impossible> {
        for (key, value) in [
            ("verify.concurrency", self.concurrency),
            ("verify.max_batch", self.max_batch),
            ("verify.max_waiting", self.max_waiting),
            ("verify.breaker_failures", self.breaker_failures as usize),
        ] {
            if value == 0 {
                return Err(Impossible::new(key, "0 is impossible; expected at least 1"));
            }
        }
        for (key, milliseconds) in [
            ("verify.connect_timeout_ms", self.connect_timeout_ms),
            ("verify.timeout_ms", self.timeout_ms),
            ("verify.breaker_open_ms", self.breaker_open_ms),
            ("verify.renewal_cooldown_ms", self.renewal_cooldown_ms),
        ] {
            if !(1..=60_000).contains(&milliseconds) {
                return Err(Impossible::new(key, "expected milliseconds from 1 to 60000"));
            }
        }
        if self.retries > 2 {
            return Err(Impossible::new("verify.retries", "expected 0, 1 or 2"));
        }
        let Ok(base) = self.passport_base.parse::<Uri>() else { return Err(bad_base()) };
        let is_good = base.scheme_str() == Some("http") && base.host().is_some() && base.path() == "/";
        if is_good && base.query().is_none() { Ok(()) } else { Err(bad_base()) }
    }
}

fn bad_base() -> Impossible {
    Impossible::new("verify.passport_base", "expected a base URL such as \"http://127.0.0.1:5307\"")
}

/// `[caching]`: how long what was found out is believed.
#[derive(Debug, Clone, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Caching {
    /// A signature that is good; 0 is not at all. Times are judged anew each time. Default: 250.
    pub verify_positive_ttl_ms: u64,
    /// A signature that is not, or a key id that is unknown; 0 is not at all. Default: 50.
    pub verify_negative_ttl_ms: u64,
    /// Signatures that are known at a time. Default: 65,536.
    pub max_items: usize,
    /// Keys that were fetched. They are fetched anew after half of it; after all of it they verify no more.
    /// Default: 60.
    pub jwks_ttl_s: u64,
}

impl Default for Caching {
    fn default() -> Self {
        Self { verify_positive_ttl_ms: 250, verify_negative_ttl_ms: 50, max_items: 65_536, jwks_ttl_s: 60 }
    }
}

impl Caching {
    pub(super) fn check(&self) -> Result<(), Impossible> {
        for (key, milliseconds) in [
            ("caching.verify_positive_ttl_ms", self.verify_positive_ttl_ms),
            ("caching.verify_negative_ttl_ms", self.verify_negative_ttl_ms),
        ] {
            if milliseconds > 60_000 {
                return Err(Impossible::new(key, "expected milliseconds from 0 to 60000"));
            }
        }
        if !(1..=86_400).contains(&self.jwks_ttl_s) {
            return Err(Impossible::new("caching.jwks_ttl_s", "expected seconds from 1 to 86400"));
        }
        if self.max_items < 2 {
            return Err(Impossible::new("caching.max_items", "expected at least 2"));
        }
        Ok(())
    }
}
