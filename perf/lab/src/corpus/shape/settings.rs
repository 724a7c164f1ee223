//! Settings of a verifier, without its handlers.

use ron_auth_core::VerifierConfig;
use serde::{Deserialize, Serialize};

/// Settings of a verifier, as in [`VerifierConfig`]. What a file leaves out has the default there.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
#[allow(missing_docs, reason = "the fields of `VerifierConfig`")]
pub struct ConfigShape {
    pub max_token_bytes: usize,
    pub max_caveats: usize,
    pub clock_skew_secs: u64,
    pub semantics: SemanticsShape,
    pub soa_threshold: usize,
    pub par_min_batch: usize,
}

/// The semantics that caveats are judged under.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
#[allow(missing_docs, reason = "the variants of `ron_auth_core::Semantics`")]
pub enum SemanticsShape {
    Strict,
    Compat,
}

impl Default for ConfigShape {
    fn default() -> Self {
        let VerifierConfig { max_token_bytes, max_caveats, clock_skew_secs, soa_threshold, par_min_batch, .. } =
            VerifierConfig::default();
        let semantics = SemanticsShape::Strict;
        Self { max_token_bytes, max_caveats, clock_skew_secs, semantics, soa_threshold, par_min_batch }
    }
}

impl ConfigShape {
    /// Takes the settings of `config`.
    #[must_use]
    pub const fn of(config: &VerifierConfig) -> Self {
        Self {
            max_token_bytes: config.max_token_bytes,
            max_caveats: config.max_caveats,
            clock_skew_secs: config.clock_skew_secs,
            semantics: match config.semantics {
                ron_auth_core::Semantics::Compat => SemanticsShape::Compat,
                _ => SemanticsShape::Strict,
            },
            soa_threshold: config.soa_threshold,
            par_min_batch: config.par_min_batch,
        }
    }

    /// Makes a configuration with these settings, without handlers.
    #[must_use]
    pub fn config(&self) -> VerifierConfig {
        let mut config = VerifierConfig::default().with_semantics(match self.semantics {
            SemanticsShape::Strict => ron_auth_core::Semantics::Strict,
            SemanticsShape::Compat => ron_auth_core::Semantics::Compat,
        });
        config.max_token_bytes = self.max_token_bytes;
        config.max_caveats = self.max_caveats;
        config.clock_skew_secs = self.clock_skew_secs;
        config.soa_threshold = self.soa_threshold;
        config.par_min_batch = self.par_min_batch;
        config
    }
}
