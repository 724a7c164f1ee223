//! Bounds, semantics, handlers and knobs of a verifier.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

use crate::custom::CustomCaveatHandler;
use crate::demands::Demands;
use crate::metrics::MetricsRecorder;

/// How caveats and scope are judged. [The table](crate::specification::wire_v1#semantics) has every row of both.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Semantics {
    /// What the caveats say, closed where something is unknown. The default.
    #[default]
    Strict,
    /// Decides as deployments before this library did; laxer in most rows. See [`compat`](crate::compat).
    Compat,
}

/// Settings of a verifier. Build one at start-up and share it; a call borrows it.
///
/// ```
/// let mut config = ron_auth_core::VerifierConfig::default();
/// config.max_caveats = 32;
/// config.clock_skew_secs = 5;
/// ```
#[derive(Clone)]
#[non_exhaustive]
pub struct VerifierConfig {
    /// Longest token accepted, in bytes of CBOR. Default: 4096; at most 4 GiB - 1.
    pub max_token_bytes: usize,
    /// Most caveats accepted in one token. Default: 64.
    pub max_caveats: usize,
    /// By how much clocks may differ, in seconds, when `Exp` and `Nbf` are judged. Default: 60.
    pub clock_skew_secs: u64,
    /// How caveats are judged. Default: [`Semantics::Strict`].
    pub semantics: Semantics,
    /// What every token must carry, under either semantics. Default: nothing.
    pub demands: Demands,
    /// Speed only: from how many caveats per token on (a batch's mean) evaluation works column by column. `usize::MAX`
    /// means never. Default: [`DEFAULT_SOA_THRESHOLD`](Self::DEFAULT_SOA_THRESHOLD).
    pub soa_threshold: usize,
    /// Speed only: from how many tokens on a batch is spread over all cores, where the `parallel` feature is on. Long
    /// tokens are more work: each counts once for every 256 characters, up to four times; one beyond `max_token_bytes`
    /// does not count. `usize::MAX` means never: all is done, and handlers are called, on the calling thread.
    /// Default: [`DEFAULT_PAR_MIN_BATCH`](Self::DEFAULT_PAR_MIN_BATCH).
    pub par_min_batch: usize,
    handlers: BTreeMap<String, Arc<dyn CustomCaveatHandler>>,
    metrics: Option<Arc<dyn MetricsRecorder>>,
}

impl Default for VerifierConfig {
    fn default() -> Self {
        Self {
            max_token_bytes: 4096,
            max_caveats: 64,
            clock_skew_secs: 60,
            semantics: Semantics::Strict,
            demands: Demands::default(),
            soa_threshold: Self::DEFAULT_SOA_THRESHOLD,
            par_min_batch: Self::DEFAULT_PAR_MIN_BATCH,
            handlers: BTreeMap::new(),
            metrics: None,
        }
    }
}

impl VerifierConfig {
    /// Caveats per token from which on the columnar evaluator is used: never, since it was faster in no measurement.
    /// Evidence: docs/DECISIONS.md, "Knobs".
    pub const DEFAULT_SOA_THRESHOLD: usize = usize::MAX;
    /// Tokens per batch, long ones counted several times, from which on cores are used. Evidence: docs/DECISIONS.md,
    /// "Knobs".
    pub const DEFAULT_PAR_MIN_BATCH: usize = 128;

    /// The defaults, with `soa_threshold` and `par_min_batch` taken from the environment variables
    /// `RON_AUTH_SOA_THRESHOLD` and `RON_AUTH_PAR_MIN_BATCH` where those are set.
    ///
    /// # Errors
    /// A variable that is set to anything but a whole number.
    pub fn from_env() -> Result<Self, EnvError> {
        let mut config = Self::default();
        for (variable, knob) in [
            ("RON_AUTH_SOA_THRESHOLD", &mut config.soa_threshold),
            ("RON_AUTH_PAR_MIN_BATCH", &mut config.par_min_batch),
        ] {
            if let Some(value) = std::env::var_os(variable) {
                let text = value.to_string_lossy().into_owned();
                *knob = text.trim().parse().map_err(|_| EnvError { variable, value: text })?;
            }
        }
        Ok(config)
    }

    /// The same settings with a handler for `Custom` caveats of namespace `ns`. One handler per namespace: a
    /// second one replaces the first. Asked under [`Semantics::Strict`] only.
    #[must_use]
    pub fn with_custom_handler(mut self, ns: impl Into<String>, handler: impl CustomCaveatHandler + 'static) -> Self {
        self.handlers.insert(ns.into(), Arc::new(handler));
        self
    }

    /// The same settings with a recorder of metrics.
    #[must_use]
    pub fn with_metrics(mut self, recorder: Arc<dyn MetricsRecorder>) -> Self {
        self.metrics = Some(recorder);
        self
    }

    /// The same settings with other semantics.
    #[must_use]
    pub const fn with_semantics(mut self, semantics: Semantics) -> Self {
        self.semantics = semantics;
        self
    }

    /// The same settings with other demands on every token.
    #[must_use]
    pub const fn with_demands(mut self, demands: Demands) -> Self {
        self.demands = demands;
        self
    }

    pub(crate) fn custom_handler(&self, ns: &str) -> Option<&dyn CustomCaveatHandler> {
        self.handlers.get(ns).map(|handler| &**handler)
    }

    pub(crate) fn metrics(&self) -> Option<&dyn MetricsRecorder> {
        self.metrics.as_deref()
    }

    /// Length in characters of the longest Base64URL text of `max_token_bytes`.
    ///
    /// A token beyond 4 GiB is out of bounds whatever the setting: decoders may count its bytes in 32 bits.
    pub(crate) const fn max_text_chars(&self) -> usize {
        let max_token_bytes =
            if self.max_token_bytes > u32::MAX as usize { u32::MAX as usize } else { self.max_token_bytes };
        // Four characters for three bytes; one or two bytes left over take one character more than their number.
        let whole = (max_token_bytes / 3).saturating_mul(4);
        let rest = max_token_bytes % 3;
        whole.saturating_add(if rest == 0 { 0 } else { rest + 1 })
    }
}

impl fmt::Debug for VerifierConfig {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("VerifierConfig")
            .field("max_token_bytes", &self.max_token_bytes)
            .field("max_caveats", &self.max_caveats)
            .field("clock_skew_secs", &self.clock_skew_secs)
            .field("semantics", &self.semantics)
            .field("demands", &self.demands)
            .field("soa_threshold", &self.soa_threshold)
            .field("par_min_batch", &self.par_min_batch)
            .field("handlers", &self.handlers.keys().collect::<Vec<_>>())
            .field("metrics", &self.metrics.is_some())
            .finish()
    }
}

/// An environment variable that [`VerifierConfig::from_env`] could not use.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EnvError {
    variable: &'static str,
    value: String,
}

impl EnvError {
    /// The error's code, for machines: stable, and [listed](crate::specification::codes).
    #[must_use]
    pub const fn code(&self) -> &'static str {
        "config.env"
    }
}

impl fmt::Display for EnvError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "environment variable {} is {:?}: expected a whole number, such as 64", self.variable, self.value)
    }
}

impl std::error::Error for EnvError {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_longest_text_is_that_of_the_longest_token() {
        for (bytes, chars) in [(0, 0), (1, 2), (2, 3), (3, 4), (4, 6), (4096, 5462)] {
            let config = VerifierConfig { max_token_bytes: bytes, ..Default::default() };
            assert_eq!(config.max_text_chars(), chars, "{bytes} bytes");
        }
        let unbounded = VerifierConfig { max_token_bytes: usize::MAX, ..Default::default() };
        assert_eq!(unbounded.max_text_chars(), (1_usize << 32) / 3 * 4);
    }
}
