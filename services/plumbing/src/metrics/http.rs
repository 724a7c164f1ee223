//! Requests, counted per template of a route: a raw path would let clients make series.

use std::sync::OnceLock;
use std::time::Duration;

use axum::http::StatusCode;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::{Family, MetricConstructor};
use prometheus_client::registry::Registry;

use super::{Histogram, SECONDS};

/// Counts by route and status; times by route.
#[derive(Debug, Clone)]
pub(crate) struct HttpMetrics {
    requests: Family<Vec<(&'static str, String)>, Counter>,
    seconds: Family<Vec<(&'static str, String)>, Histogram, OfSeconds>,
    refused: Family<Vec<(&'static str, String)>, Counter>,
}

#[derive(Debug, Clone)]
struct OfSeconds;

impl MetricConstructor<Histogram> for OfSeconds {
    fn new_metric(&self) -> Histogram {
        Histogram::of_seconds(SECONDS)
    }
}

/// The handles of one route. A status gets its series when it is first answered.
#[derive(Debug)]
pub(crate) struct RouteMetrics {
    route: String,
    all: HttpMetrics,
    by_status: [OnceLock<Counter>; STATUSES.len()],
    seconds: Histogram,
}

/// The statuses that have a place of their own; any other is looked up.
const STATUSES: [u16; 16] = [200, 400, 401, 403, 404, 405, 408, 409, 413, 415, 422, 429, 500, 503, 201, 304];

impl HttpMetrics {
    pub(crate) fn new(registry: &mut Registry) -> Self {
        let metrics = Self {
            requests: Family::default(),
            seconds: Family::new_with_constructor(OfSeconds),
            refused: Family::default(),
        };
        registry.register("http_requests", "Requests answered, by route and status", metrics.requests.clone());
        registry.register("http_request_seconds", "Time from headers to response, by route", metrics.seconds.clone());
        registry.register("http_refused", "Requests refused before any work, by reason", metrics.refused.clone());
        metrics
    }

    pub(crate) fn route(&self, template: &str) -> RouteMetrics {
        RouteMetrics {
            route: template.to_owned(),
            all: self.clone(),
            by_status: std::array::from_fn(|_| OnceLock::new()),
            seconds: self.seconds.get_or_create_owned(&vec![("route", template.to_owned())]),
        }
    }

    pub(crate) fn refused(&self, reason: &str) -> Counter {
        self.refused.get_or_create_owned(&vec![("reason", reason.to_owned())])
    }
}

impl RouteMetrics {
    pub(crate) fn template(&self) -> &str {
        &self.route
    }

    pub(crate) fn answered(&self, status: StatusCode, elapsed: Duration) {
        let place = STATUSES.iter().position(|known| *known == status.as_u16());
        match place.and_then(|place| self.by_status.get(place)) {
            Some(counter) => counter.get_or_init(|| self.counter(status)).inc(),
            None => self.counter(status).inc(),
        };
        self.seconds.observe_duration(elapsed);
    }

    fn counter(&self, status: StatusCode) -> Counter {
        let labels = vec![("route", self.route.clone()), ("status", status.as_str().to_owned())];
        self.all.requests.get_or_create_owned(&labels)
    }
}
