//! The verifier's own counters and histograms.

use std::time::Duration;

use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::registry::Registry;
use ron_auth_core::{AuthError, Malformed, MetricsRecorder, metrics as names};

use super::{Histogram, SECONDS};

/// Receives what ron-auth counts, under its own names, and times and sizes that only a host knows:
/// `auth_verify_latency_seconds{mode,eval}` and `auth_token_bytes`. Clones share what was counted.
///
/// Pass it to `VerifierConfig::with_metrics` in an `Arc`.
#[derive(Debug, Clone)]
pub struct VerifierMetrics {
    counters: [(&'static str, Counter); 8],
    histograms: [(&'static str, Histogram); 2],
    latency: [[Histogram; 3]; 2],
    token_bytes: Histogram,
}

/// Whether tokens were verified one by one or as a batch.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum VerifyMode {
    /// One token in a call.
    Single,
    /// Many tokens in a call.
    Batch,
}

/// Which evaluator judged the caveats.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Evaluator {
    /// As the verifier's configuration chooses.
    Adaptive,
    /// Token by token.
    Streaming,
    /// Kind by kind over a chunk.
    Columnar,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Way {
    mode: &'static str,
    eval: &'static str,
}

const MODES: [&str; 2] = ["single", "batch"];
const EVALUATORS: [&str; 3] = ["adaptive", "streaming", "columnar"];

/// All counters of the verifier.
const COUNTERS: [&str; 8] = [
    names::ALLOW_TOTAL,
    names::DENY_TOTAL,
    names::error_counter(AuthError::Bounds),
    names::error_counter(AuthError::Malformed(Malformed::Base64)),
    names::error_counter(AuthError::UnknownKid),
    names::error_counter(AuthError::MacMismatch),
    names::error_counter(AuthError::Expired),
    names::error_counter(AuthError::NotYetValid),
];

impl VerifierMetrics {
    /// Registers all of them, so that they are seen before the first token.
    pub fn new(registry: &mut Registry) -> Self {
        let counters = COUNTERS.map(|name| {
            let counter = Counter::default();
            // The format puts `_total` behind a counter's name by itself.
            let stem = name.strip_suffix("_total").unwrap_or(name);
            registry.register(stem, "Counted by the verifier", counter.clone());
            (name, counter)
        });
        let histograms = [
            (
                names::BATCH_SIZE,
                "Tokens per call of a batch function.",
                [1, 4, 8, 16, 32, 64, 128, 256, 512].as_slice(),
            ),
            (names::CAVEATS_PER_CAP, "Caveats per token whose MAC matched", [0, 1, 2, 4, 8, 16, 32, 64].as_slice()),
        ]
        .map(|(name, help, bounds)| {
            let histogram = Histogram::of_units(bounds);
            registry.register(name, help, histogram.clone());
            (name, histogram)
        });
        let latencies =
            Family::<Way, Histogram, fn() -> Histogram>::new_with_constructor(|| Histogram::of_seconds(SECONDS));
        let latency = MODES.map(|mode| EVALUATORS.map(|eval| latencies.get_or_create_owned(&Way { mode, eval })));
        registry.register("auth_verify_latency_seconds", "Time of one call of the verifier", latencies);
        let token_bytes = Histogram::of_units(&[64, 128, 256, 512, 1_024, 2_048, 4_096, 8_192, 16_384]);
        registry.register("auth_token_bytes", "Bytes of each token as it was sent", token_bytes.clone());
        Self { counters, histograms, latency, token_bytes }
    }

    /// Counts one call of the verifier that took `elapsed`.
    pub fn verified(&self, mode: VerifyMode, evaluator: Evaluator, elapsed: Duration) {
        let [single, batch] = &self.latency;
        let [adaptive, streaming, columnar] = if mode == VerifyMode::Single { single } else { batch };
        match evaluator {
            Evaluator::Adaptive => adaptive.observe_duration(elapsed),
            Evaluator::Streaming => streaming.observe_duration(elapsed),
            Evaluator::Columnar => columnar.observe_duration(elapsed),
        }
    }

    /// Counts a token of `bytes` bytes, as it was sent.
    pub fn token(&self, bytes: usize) {
        self.token_bytes.observe(bytes as u64);
    }
}

impl MetricsRecorder for VerifierMetrics {
    fn counter(&self, name: &'static str, increment: u64) {
        if let Some((_, counter)) = self.counters.iter().find(|(known, _)| *known == name) {
            counter.inc_by(increment);
        }
    }

    fn histogram(&self, name: &'static str, value: u64) {
        if let Some((_, histogram)) = self.histograms.iter().find(|(known, _)| *known == name) {
            histogram.observe(value);
        }
    }
}
