//! Counters and histograms by their established names.

use std::fmt;
use std::sync::{Arc, OnceLock};
use std::time::{Duration, Instant};

use prometheus_client::collector::Collector;
use prometheus_client::encoding::{DescriptorEncoder, EncodeMetric};
use prometheus_client::metrics::counter::{ConstCounter, Counter};
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::ConstGauge;
use prometheus_client::registry::Registry;
use ron_service::metrics::{Histogram, SECONDS, VerifierMetrics};

use crate::state::Parts;

/// Upper bounds of the lengths of batches.
const ITEMS: &[u64] = &[1, 8, 16, 32, 64, 128, 256, 512];
/// Upper bounds of the time of one decision of the policy, in seconds.
const EVAL_SECONDS: &[f64] = &[0.000_000_5, 0.000_001, 0.000_002, 0.000_005, 0.000_01, 0.000_1, 0.001];

/// What is counted as an operation.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Op {
    Whoami,
    Introspect,
    Authorize,
    AuthorizeBatch,
    Check,
    Evaluation,
    Evaluations,
}

/// How it went. A batch is `Ok` if any of its items is permitted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Outcome {
    /// It is somebody; the artefact is active; it is permitted.
    Ok,
    /// It is nobody; the artefact is not active; it is denied.
    Deny,
    /// It was answered with a problem.
    Fail,
}

/// What was presented.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Alg {
    Envelope,
    Token,
    Mixed,
    /// A cookie for what was permitted before.
    Cookie,
    None,
}

/// The times of things that are done one after the other, for one reading of the clock each.
pub(crate) struct Laps(Instant);

/// Of every metric the handles that are used.
pub(crate) struct Metrics {
    ops: Family<Labels, Counter>,
    // Looked up once: a family takes a lock.
    handles: [[[OnceLock<Counter>; 5]; 3]; Op::ALL.len()],
    latency: [Histogram; Op::ALL.len()],
    pub(crate) batch_len: Histogram,
    pub(crate) delegate_seconds: Histogram,
    pub(crate) policy_seconds: Histogram,
    pub(crate) verifier: VerifierMetrics,
}

type Labels = Vec<(&'static str, &'static str)>;

impl Laps {
    pub(crate) fn start() -> Self {
        Self(Instant::now())
    }

    /// Time since the last one, or since the start.
    pub(crate) fn lap(&mut self) -> Duration {
        let now = Instant::now();
        now.duration_since(std::mem::replace(&mut self.0, now))
    }
}

impl Metrics {
    /// Registers all of them.
    pub(crate) fn new(registry: &mut Registry) -> Self {
        let ops = Family::default();
        registry.register("auth_ops", "Operations by outcome", ops.clone());
        let latencies =
            Family::<Labels, Histogram, fn() -> Histogram>::new_with_constructor(|| Histogram::of_seconds(SECONDS));
        let help = "Time of one operation, once its body was read";
        registry.register("auth_op_latency_seconds", help, latencies.clone());
        let mut plain = |name: &str, help: &str, histogram: Histogram| {
            registry.register(name, help, histogram.clone());
            histogram
        };
        let batch_len = plain("auth_batch_len", "Items of each batch", Histogram::of_units(ITEMS));
        let help = "Time of one call to svc-passport that was answered";
        let delegate_seconds = plain("auth_verify_delegate_seconds", help, Histogram::of_seconds(SECONDS));
        let help = "Time of one decision of the policy, and of putting the question to it";
        let policy_seconds = plain("auth_policy_eval_seconds", help, Histogram::of_seconds(EVAL_SECONDS));
        Self {
            ops,
            handles: Default::default(),
            latency: Op::ALL.map(|op| latencies.get_or_create_owned(&vec![("op", op.name())])),
            batch_len,
            delegate_seconds,
            policy_seconds,
            verifier: VerifierMetrics::new(registry),
        }
    }

    /// Registers what is read when metrics are asked for.
    pub(crate) fn follow(registry: &mut Registry, parts: &Arc<Parts>) {
        registry.register_collector(Box::new(Live(parts.clone())));
    }

    pub(crate) fn done(&self, op: Op, outcome: Outcome, alg: Alg, elapsed: Duration) {
        let handle = self.handles.get(op as usize).and_then(|outcomes| outcomes.get(outcome as usize));
        let Some(handle) = handle.and_then(|algs| algs.get(alg as usize)) else { return };
        let labels = || vec![("op", op.name()), ("result", outcome.name()), ("alg", alg.name())];
        handle.get_or_init(|| self.ops.get_or_create_owned(&labels())).inc();
        if let Some(latency) = self.latency.get(op as usize) {
            latency.observe_duration(elapsed);
        }
    }
}

impl Op {
    const ALL: [Self; 7] = [
        Self::Whoami,
        Self::Introspect,
        Self::Authorize,
        Self::AuthorizeBatch,
        Self::Check,
        Self::Evaluation,
        Self::Evaluations,
    ];

    const fn name(self) -> &'static str {
        match self {
            Self::Whoami => "whoami",
            Self::Introspect => "introspect",
            Self::Authorize => "authorize",
            Self::AuthorizeBatch => "authorize_batch",
            Self::Check => "check",
            Self::Evaluation => "evaluation",
            Self::Evaluations => "evaluations",
        }
    }
}

impl Outcome {
    const fn name(self) -> &'static str {
        match self {
            Self::Ok => "ok",
            Self::Deny => "deny",
            Self::Fail => "fail",
        }
    }
}

impl Alg {
    const fn name(self) -> &'static str {
        match self {
            Self::Envelope => ron_envelope::ALG,
            Self::Token => crate::TOKEN_ALG,
            Self::Mixed => "mixed",
            Self::Cookie => "cookie",
            Self::None => "none",
        }
    }

    /// What all items of a batch are, or that they differ.
    pub(crate) const fn and(self, other: Self) -> Self {
        match (self, other) {
            (Self::None, it) | (it, Self::None) => it,
            (Self::Envelope, Self::Envelope) => Self::Envelope,
            (Self::Token, Self::Token) => Self::Token,
            _ => Self::Mixed,
        }
    }
}

/// What others know: the policy's file, the keys' store, the cache.
struct Live(Arc<Parts>);

impl fmt::Debug for Live {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Live")
    }
}

impl Collector for Live {
    fn encode(&self, mut encoder: DescriptorEncoder<'_>) -> fmt::Result {
        let Parts { rules, custody, signatures } = &*self.0;
        let mut gauge = |name: &str, help: &str, value: u64| {
            let gauge = ConstGauge::new(i64::try_from(value).unwrap_or(i64::MAX));
            gauge.encode(encoder.encode_descriptor(name, help, None, gauge.metric_type())?)
        };
        let is_ready = rules.is_loaded() && custody.is_there() && signatures.is_there();
        gauge("auth_ready", "1 while nothing is missing that decisions need", u64::from(is_ready))?;
        let items = signatures.cached_items() as u64;
        gauge("auth_verify_cache_items", "Signatures whose outcome is remembered", items)?;
        let is_bad = rules.status().is_some_and(|status| status.error.is_some());
        let help = "1 while the bundle in the file cannot be used; the one before it stays in force";
        gauge("auth_policy_bad", help, u64::from(is_bad))?;
        let retired = ConstCounter::new(custody.kms().map_or(0, |kms| kms.retired_uses().total));
        let help = "Tokens that named the id of a retired key";
        retired.encode(encoder.encode_descriptor("auth_retired_kid", help, None, retired.metric_type())?)
    }
}
