//! Metrics: Prometheus text, from handles that are looked up at start and cost an addition or two on the hot path.

mod histogram;
mod http;
mod verifier;

use std::sync::Arc;
use std::sync::atomic::Ordering;

use axum::body::Body;
use axum::http::{HeaderMap, HeaderValue, header};
use axum::response::Response;
use prometheus_client::collector::Collector;
use prometheus_client::encoding::{DescriptorEncoder, EncodeMetric};
use prometheus_client::metrics::counter::ConstCounter;
use prometheus_client::metrics::gauge::ConstGauge;
use prometheus_client::registry::Registry;

pub use histogram::{Histogram, SECONDS};
pub use verifier::{Evaluator, VerifierMetrics, VerifyMode};

pub(crate) use http::{HttpMetrics, RouteMetrics};

use crate::health::Readiness;
use crate::limits::Gate;
use crate::logs;
use crate::serve::Connections;

/// What is read when metrics are asked for, and kept nowhere else.
#[derive(Debug)]
pub(crate) struct Live {
    pub(crate) gate: Gate,
    pub(crate) connections: Arc<Connections>,
    pub(crate) readiness: Arc<Readiness>,
}

impl Collector for Live {
    fn encode(&self, mut encoder: DescriptorEncoder<'_>) -> Result<(), std::fmt::Error> {
        let mut gauge = |name: &str, help: &str, value: u64| {
            let gauge = ConstGauge::new(i64::try_from(value).unwrap_or(i64::MAX));
            gauge.encode(encoder.encode_descriptor(name, help, None, gauge.metric_type())?)
        };
        gauge("http_requests_in_flight", "Requests that hold a slot", self.gate.taken() as u64)?;
        gauge("http_connections", "Connections that are open", self.connections.open() as u64)?;
        gauge("ready", "1 while nothing is missing", u64::from(self.readiness.is_ready()))?;
        let mut counter = |name: &str, help: &str, value: u64| {
            let counter = ConstCounter::new(value);
            counter.encode(encoder.encode_descriptor(name, help, None, counter.metric_type())?)
        };
        let refused = self.connections.refused.load(Ordering::Relaxed);
        counter("http_connections_refused", "Connections above the most that may be open", refused)?;
        let timed_out = self.connections.timed_out.load(Ordering::Relaxed);
        counter("http_connections_timed_out", "Connections closed for a silent or slow client", timed_out)?;
        counter("log_lines_dropped", "Log lines that found no room in the buffer", logs::dropped_lines())
    }
}

/// The text of all metrics, in the format that the client asks for.
pub(crate) fn text(registry: &Registry, headers: &HeaderMap) -> Response {
    let mut text = String::new();
    if prometheus_client::encoding::text::encode(&mut text, registry).is_err() {
        return crate::problem::as_problem(&crate::Problem::internal());
    }
    let accepts = headers.get(header::ACCEPT).and_then(|accept| accept.to_str().ok()).unwrap_or_default();
    let content_type = if accepts.contains("application/openmetrics-text") {
        "application/openmetrics-text; version=1.0.0; charset=utf-8"
    } else {
        "text/plain; version=0.0.4; charset=utf-8"
    };
    let mut response = Response::new(Body::from(text));
    response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static(content_type));
    response
}
