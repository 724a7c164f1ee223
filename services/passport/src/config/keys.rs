//! Where the signing key is kept.

use std::time::Duration;

use ron_kms::{KidScheme, MasterKeySource, Rotation, StoreConfig};
use ron_service::config::Impossible;
use serde::Deserialize;

/// `[keys]`: where the signing key is kept, and how it is replaced.
///
/// Without a store it lives as long as the process, as in the deployed service: after a restart the same key id is
/// another key.
#[derive(Debug, Clone, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Keys {
    /// `{ sqlite = { path = "…" } }`, `{ postgres = { url = "…" } }` or, with TLS,
    /// `{ postgres = { url = "…", tls_ca = "…" } }`. Default: none.
    pub store: Option<StoreConfig>,
    /// What seals it: `{ file = "…" }`, `{ file_or_new = "…" }` or `{ env = "…" }`, of 64 hexadecimal digits.
    /// Default: none; with a store, needed.
    pub master_key: Option<MasterKeySource>,
    /// Master keys that sealed what is in the store, and seal nothing any more. Default: none.
    pub previous_master_keys: Vec<MasterKeySource>,
    /// Milliseconds between two looks for changes of other processes, from 10 to 1,000. Default: 200.
    pub poll_ms: u64,
    /// How key ids are spelled; `{N}` is the version. Default: `ed25519/default/v{N}`.
    pub kid_scheme: String,
    /// The secret of the first version, written like a master key: for tests, or to bring a key along. It is read where
    /// no key is there yet, and never again. Default: none; the secret is drawn.
    pub seed: Option<MasterKeySource>,
    /// Milliseconds that a new version is announced before it signs. With several processes on one store, 2,000 lets
    /// each know a key before it is used. Default: 0, so that it signs once the rotation is answered.
    pub rotate_lead_ms: u64,
    /// Seconds that a version verifies after another one signs. 0 is without end, as in the deployed service.
    /// Default: 0.
    pub rotate_grace_s: u64,
}

impl Default for Keys {
    fn default() -> Self {
        Self {
            store: None,
            master_key: None,
            previous_master_keys: Vec::new(),
            poll_ms: 200,
            kid_scheme: "ed25519/default/v{N}".to_owned(),
            seed: None,
            rotate_lead_ms: 0,
            rotate_grace_s: 0,
        }
    }
}

impl Keys {
    pub(super) fn check(&self) -> Result<(), Impossible> {
        match (&self.store, &self.master_key) {
            (Some(_), None) => {
                let reason = "keys.store needs it; set { file_or_new = \"…\" } or another source";
                return Err(Impossible::new("keys.master_key", reason));
            }
            (None, Some(_)) => {
                return Err(Impossible::new(
                    "keys.master_key",
                    "seals nothing without keys.store; set that, or neither",
                ));
            }
            _ => {}
        }
        if !(10..=1_000).contains(&self.poll_ms) {
            return Err(Impossible::new("keys.poll_ms", "expected milliseconds from 10 to 1000"));
        }
        KidScheme::new(&self.kid_scheme)
            .map(drop)
            .map_err(|error| Impossible::new("keys.kid_scheme", error.to_string()))
    }

    pub(crate) fn rotation(&self) -> Rotation {
        let grace = (self.rotate_grace_s > 0).then(|| Duration::from_secs(self.rotate_grace_s));
        Rotation { lead: Duration::from_millis(self.rotate_lead_ms), grace }
    }
}
