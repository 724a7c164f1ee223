//! Counters and histograms by the names of the contract. A series appears with the first thing that it counts.

use std::fmt;
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use prometheus_client::collector::Collector;
use prometheus_client::encoding::{DescriptorEncoder, EncodeMetric};
use prometheus_client::metrics::counter::{ConstCounter, Counter};
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::ConstGauge;
use prometheus_client::registry::Registry;
use ron_service::metrics::Histogram;

use crate::keys::Custody;

/// Upper bounds of the latencies, in seconds.
const SECONDS: &[f64] = &[0.000_2, 0.000_5, 0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1];
/// Upper bounds of the lengths of batches.
const ITEMS: &[u64] = &[1, 8, 16, 32, 64, 128, 256];

/// What is counted as an operation.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Op {
    Issue,
    Verify,
    VerifyBatch,
    Keys,
}

/// How it went. What is refused is not among it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Outcome {
    Ok,
    Fail,
    NotModified,
}

/// Of every metric the handles that are used.
pub(crate) struct Metrics {
    ops: Family<Labels, Counter>,
    // Looked up once: a family takes a lock.
    handles: [[OnceLock<Counter>; 3]; 4],
    failures: Family<Labels, Counter>,
    latencies: Family<Labels, Histogram, OfSeconds>,
    latency: OnceLock<Histogram>,
    lengths: Family<Labels, Histogram, OfItems>,
    length: OnceLock<Histogram>,
    minted: Family<Vec<(&'static str, String)>, Counter>,
}

type Labels = Vec<(&'static str, &'static str)>;
type OfSeconds = fn() -> Histogram;
type OfItems = fn() -> Histogram;

impl Metrics {
    /// Registers all of them, with the label `service`.
    pub(crate) fn new(registry: &mut Registry) -> Self {
        let registry = registry.sub_registry_with_label(("service".into(), crate::NAME.into()));
        let ops = Family::default();
        registry.register("passport_ops", "Operations by outcome; what was refused is not counted", ops.clone());
        let failures = Family::default();
        registry.register("passport_failures", "Requests that were refused, by reason", failures.clone());
        let latencies = Family::new_with_constructor((|| Histogram::of_seconds(SECONDS)) as OfSeconds);
        let help = "Time of one issue, verify or verify_batch, once its body was read";
        registry.register("passport_op_latency_seconds", help, latencies.clone());
        let lengths = Family::new_with_constructor((|| Histogram::of_units(ITEMS)) as OfItems);
        registry.register("passport_batch_len", "Items of each batch", lengths.clone());
        let minted = Family::default();
        let help = "Requests for a capability token, by account and result";
        registry.register("passport_capabilities", help, minted.clone());
        Self {
            ops,
            handles: Default::default(),
            failures,
            latencies,
            latency: OnceLock::new(),
            lengths,
            length: OnceLock::new(),
            minted,
        }
    }

    /// Registers what is read when metrics are asked for.
    pub(crate) fn follow(registry: &mut Registry, custody: &Arc<Custody>) {
        registry.register_collector(Box::new(Live(custody.clone())));
    }

    pub(crate) fn done(&self, op: Op, outcome: Outcome) {
        let Some(handle) = self.handles.get(op as usize).and_then(|outcomes| outcomes.get(outcome as usize)) else {
            return;
        };
        let counter = || {
            let alg = if op == Op::Keys { "n/a" } else { ron_envelope::ALG };
            self.ops.get_or_create_owned(&vec![("op", op.name()), ("result", outcome.name()), ("alg", alg)])
        };
        handle.get_or_init(counter).inc();
    }

    /// A request was refused, for one of a fixed set of reasons.
    pub(crate) fn failed(&self, reason: &'static str) {
        self.failures.get_or_create_owned(&vec![("reason", reason)]).inc();
    }

    /// A token was asked for by one of the accounts that are configured.
    pub(crate) fn minted(&self, account: &str, result: &str) {
        let labels = vec![("account", account.to_owned()), ("result", result.to_owned())];
        self.minted.get_or_create_owned(&labels).inc();
    }

    pub(crate) fn took(&self, elapsed: Duration) {
        self.latency.get_or_init(|| self.latencies.get_or_create_owned(&Vec::new())).observe_duration(elapsed);
    }

    pub(crate) fn batch(&self, items: usize) {
        self.length.get_or_init(|| self.lengths.get_or_create_owned(&Vec::new())).observe(items as u64);
    }
}

impl Op {
    const fn name(self) -> &'static str {
        match self {
            Self::Issue => "issue",
            Self::Verify => "verify",
            Self::VerifyBatch => "verify_batch",
            Self::Keys => "keys",
        }
    }
}

impl Outcome {
    /// As a verification is counted.
    pub(crate) const fn of(good: bool) -> Self {
        if good { Self::Ok } else { Self::Fail }
    }

    const fn name(self) -> &'static str {
        match self {
            Self::Ok => "ok",
            Self::Fail => "fail",
            Self::NotModified => "not_modified",
        }
    }
}

/// What the store of the keys knows.
struct Live(Arc<Custody>);

impl fmt::Debug for Live {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Live")
    }
}

impl Collector for Live {
    fn encode(&self, mut encoder: DescriptorEncoder<'_>) -> fmt::Result {
        let open = self.0.open();
        let status = open.map(|open| open.kms.status());
        let mut gauge = |name: &str, help: &str, value: bool| {
            let gauge = ConstGauge::new(i64::from(value));
            gauge.encode(encoder.encode_descriptor(name, help, None, gauge.metric_type())?)
        };
        let is_missing = status.as_ref().is_none_or(|status| status.missing.is_some());
        gauge("passport_key_store_missing", "1 while keys cannot be read from their store", is_missing)?;
        let is_unwritable = status.is_some_and(|status| status.unwritable.is_some());
        gauge("passport_key_store_unwritable", "1 from a rotation that failed to one that did not", is_unwritable)?;
        let retired = ConstCounter::new(open.map_or(0, |open| open.kms.retired_uses().total));
        let help = "Envelopes that named the id of a retired key";
        retired.encode(encoder.encode_descriptor("passport_retired_kid", help, None, retired.metric_type())?)
    }
}
