//! A histogram without a lock.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use prometheus_client::encoding::{EncodeMetric, MetricEncoder, NoLabelSet};
use prometheus_client::metrics::{MetricType, TypedMetric};

/// Buckets of latencies, in seconds. 0.12 is the promise of the token service.
pub const SECONDS: &[f64] =
    &[0.000_05, 0.000_1, 0.000_2, 0.000_5, 0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.12, 0.25, 0.5, 1.0, 2.5, 5.0];

/// Counts values in buckets. That of `prometheus-client` takes a lock for each value; this one adds to two numbers.
/// Clones share what was counted.
#[derive(Debug, Clone)]
pub struct Histogram(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    /// Upper bounds in whole units, ascending.
    bounds: Box<[u64]>,
    /// One for each bound, and one for what lies above all.
    counts: Box<[AtomicU64]>,
    sum: AtomicU64,
    /// What one unit is in the metric: 1e-9 where nanoseconds are told as seconds.
    unit: f64,
}

impl Histogram {
    /// Buckets up to and with each of `seconds`, ascending, for durations.
    #[must_use]
    pub fn of_seconds(seconds: &[f64]) -> Self {
        Self::with_unit(seconds.iter().map(|bound| (bound * 1e9).round() as u64).collect(), 1e-9)
    }

    /// Buckets up to and with each of `bounds`, ascending, for counts and bytes.
    #[must_use]
    pub fn of_units(bounds: &[u64]) -> Self {
        Self::with_unit(bounds.into(), 1.0)
    }

    fn with_unit(bounds: Box<[u64]>, unit: f64) -> Self {
        let counts = (0..=bounds.len()).map(|_| AtomicU64::new(0)).collect();
        Self(Arc::new(Inner { bounds, counts, sum: AtomicU64::new(0), unit }))
    }

    /// Counts a value in whole units; of a histogram of seconds, in nanoseconds.
    pub fn observe(&self, value: u64) {
        let bucket = self.0.bounds.partition_point(|bound| *bound < value);
        if let Some(count) = self.0.counts.get(bucket) {
            count.fetch_add(1, Ordering::Relaxed);
        }
        self.0.sum.fetch_add(value, Ordering::Relaxed);
    }

    /// Counts a duration, of a histogram of seconds.
    pub fn observe_duration(&self, elapsed: Duration) {
        self.observe(u64::try_from(elapsed.as_nanos()).unwrap_or(u64::MAX));
    }
}

impl TypedMetric for Histogram {
    const TYPE: MetricType = MetricType::Histogram;
}

impl EncodeMetric for Histogram {
    fn encode(&self, mut encoder: MetricEncoder<'_>) -> Result<(), std::fmt::Error> {
        let bounds = self.0.bounds.iter().map(|bound| *bound as f64 * self.0.unit).chain([f64::INFINITY]);
        let counts = self.0.counts.iter().map(|count| count.load(Ordering::Relaxed));
        // Bounds go through decimal nanoseconds, so that 0.0001 is not told as 0.00010000000000000002.
        let buckets: Vec<_> = bounds.map(rounded).zip(counts).collect();
        let count = buckets.iter().map(|(_, count)| count).sum();
        let sum = self.0.sum.load(Ordering::Relaxed) as f64 * self.0.unit;
        encoder.encode_histogram::<NoLabelSet>(sum, count, &buckets, None)
    }

    fn metric_type(&self) -> MetricType {
        Self::TYPE
    }
}

fn rounded(bound: f64) -> f64 {
    if bound < 1e6 { (bound * 1e9).round() / 1e9 } else { bound }
}

#[cfg(test)]
mod tests {
    use prometheus_client::encoding::text::encode;
    use prometheus_client::registry::Registry;

    use super::*;

    fn text(histogram: Histogram) -> String {
        let mut registry = Registry::default();
        registry.register("h", "A histogram", histogram);
        let mut text = String::new();
        encode(&mut text, &registry).unwrap();
        text
    }

    #[test]
    fn buckets_add_up_and_the_last_has_no_bound() {
        let histogram = Histogram::of_units(&[1, 8, 2_000_000]);
        for value in [0, 1, 2, 8, 9, 2_000_001, u64::MAX >> 12] {
            histogram.observe(value);
        }
        let text = text(histogram);
        let lines: Vec<&str> = text.lines().filter(|line| line.starts_with("h_bucket")).collect();
        assert_eq!(
            lines,
            [
                r#"h_bucket{le="1.0"} 2"#,
                r#"h_bucket{le="8.0"} 4"#,
                r#"h_bucket{le="2000000.0"} 5"#,
                r#"h_bucket{le="+Inf"} 7"#
            ]
        );
        assert!(text.contains("\nh_count 7\n"), "{text}");
    }

    #[test]
    fn seconds_are_told_as_they_were_given() {
        let histogram = Histogram::of_seconds(SECONDS);
        histogram.observe_duration(Duration::from_micros(100));
        let text = text(histogram);
        for bound in SECONDS {
            let label = format!("le=\"{bound}");
            assert!(text.contains(&label), "{label} in {text}");
        }
        assert!(text.contains(r#"le="0.0001"} 1"#) && text.contains(r#"le="0.00005"} 0"#), "{text}");
        assert!(text.contains("\nh_sum 0.0001\n"), "{text}");
    }
}
