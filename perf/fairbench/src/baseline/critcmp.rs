//! To and from the files that `critcmp --export` writes and `critcmp FILE…` reads: names and Criterion's estimates, in
//! nanoseconds per iteration of Criterion's benchmark of that name. Raw values and the floor have no place in them.

use std::collections::BTreeMap;
use std::path::Path;

use anyhow::ensure;
use serde::{Deserialize, Serialize};

use super::measurement::{Measurement, StoredBenchmark};
use crate::files::read_json;
use crate::measure::stats::{PairedRatio, Quartiles};

/// Confidence of the intervals, as a part of one.
const CONFIDENCE: f64 = 0.95;
/// The median absolute deviation of a normal distribution is this part of half its interquartile range: all of it.
const MAD_OF_IQR: f64 = 0.5;

/// A file that critcmp writes and reads.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Export {
    /// Name of the file's column in critcmp's table.
    pub name: String,
    /// The benchmarks, by name.
    pub benchmarks: BTreeMap<String, Entry>,
}

/// A benchmark of the file.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Entry {
    baseline: String,
    fullname: String,
    criterion_benchmark_v1: Id,
    criterion_estimates_v1: CritcmpEstimates,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct Id {
    group_id: String,
    function_id: Option<String>,
    value_str: Option<String>,
    throughput: Option<serde_json::Value>,
    full_id: String,
    directory_name: String,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct CritcmpEstimates {
    mean: CritcmpEstimate,
    median: CritcmpEstimate,
    median_abs_dev: CritcmpEstimate,
    slope: Option<CritcmpEstimate>,
    std_dev: CritcmpEstimate,
}

#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
struct CritcmpEstimate {
    confidence_interval: Interval,
    point_estimate: f64,
    standard_error: f64,
}

#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
struct Interval {
    confidence_level: f64,
    lower_bound: f64,
    upper_bound: f64,
}

impl CritcmpEstimate {
    /// Makes an estimate with its 95 % interval, for a quantity that is close to normally distributed.
    fn new(point_estimate: f64, standard_error: f64) -> Self {
        let reach = 1.96 * standard_error;
        let confidence_interval = Interval {
            confidence_level: CONFIDENCE,
            lower_bound: (point_estimate - reach).max(0.0),
            upper_bound: point_estimate + reach,
        };
        Self { confidence_interval, point_estimate, standard_error }
    }
}

impl Export {
    /// Puts a measurement into critcmp's form. `criterion_items` says how many items an iteration of Criterion's
    /// benchmark of that name works on; its second argument is how many the probe's works on.
    #[must_use]
    pub fn of(measurement: &Measurement, criterion_items: &dyn Fn(&str, u64) -> u64) -> Self {
        let entry = |benchmark: &StoredBenchmark| {
            let name = &benchmark.name;
            let entry = Entry {
                baseline: measurement.name.clone(),
                fullname: format!("{}/{name}", measurement.name),
                criterion_benchmark_v1: Id {
                    group_id: name.clone(),
                    function_id: None,
                    value_str: None,
                    throughput: None,
                    full_id: name.clone(),
                    directory_name: name.clone(),
                },
                criterion_estimates_v1: CritcmpEstimates::of(
                    benchmark,
                    criterion_items(name, benchmark.items_per_iteration),
                ),
            };
            (name.clone(), entry)
        };
        Self { name: measurement.name.clone(), benchmarks: measurement.benchmarks.iter().map(entry).collect() }
    }

    /// Reads a file.
    ///
    /// # Errors
    /// A file that is missing, unreadable or of another shape; one without benchmarks.
    pub fn read(path: &Path) -> anyhow::Result<Self> {
        let export: Self = read_json(path, "a file that `critcmp --export` wrote")?;
        ensure!(!export.benchmarks.is_empty(), "{}: has no benchmarks", path.display());
        Ok(export)
    }

    /// Returns the file's benchmarks. `items` says on how many items an iteration of the probe works, and one of
    /// Criterion's.
    #[must_use]
    pub fn benchmarks(&self, items: impl Fn(&str) -> (u64, u64)) -> Vec<StoredBenchmark> {
        let benchmark = |(name, entry): (&String, &Entry)| {
            let (items_per_iteration, criterion_items) = items(name);
            let per_item = 1.0 / criterion_items.max(1) as f64;
            let CritcmpEstimates { median, median_abs_dev, .. } = &entry.criterion_estimates_v1;
            let half_iqr = median_abs_dev.point_estimate * 2.0 * MAD_OF_IQR;
            let quartiles = Quartiles {
                q1: median.point_estimate - half_iqr,
                median: median.point_estimate,
                q3: median.point_estimate + half_iqr,
            };
            StoredBenchmark {
                name: name.clone(),
                items_per_iteration,
                time_ns_per_item: quartiles.scaled(per_item),
                ratio_to_floor: None::<PairedRatio>,
                ratio_of_control: None,
                blocks: Vec::new(),
            }
        };
        self.benchmarks.iter().map(benchmark).collect()
    }
}

impl CritcmpEstimates {
    fn of(benchmark: &StoredBenchmark, criterion_items: u64) -> Self {
        let scale = criterion_items as f64;
        let Quartiles { q1, median, q3 } = benchmark.time_ns_per_item.scaled(scale);
        let values: Vec<f64> = benchmark.blocks.iter().map(|block| block.time_ns_per_item * scale).collect();
        let count = values.len().max(1) as f64;
        let mean = if values.is_empty() { median } else { values.iter().sum::<f64>() / count };
        let squares: f64 = values.iter().map(|value| (value - mean).powi(2)).sum();
        let std_dev = (squares / (count - 1.0).max(1.0)).sqrt();
        let standard_error = std_dev / count.sqrt();
        Self {
            mean: CritcmpEstimate::new(mean, standard_error),
            // Of a median of normal values: sqrt(pi / 2) times that of the mean.
            median: CritcmpEstimate::new(median, standard_error * std::f64::consts::FRAC_PI_2.sqrt()),
            median_abs_dev: CritcmpEstimate::new((q3 - q1) * MAD_OF_IQR, standard_error),
            slope: None,
            std_dev: CritcmpEstimate::new(std_dev, std_dev / (2.0 * count).sqrt()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::baseline::measurement::tests::measurement;
    use crate::host::tests::laptop as host;

    const CRITERION: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/data/critcmp.json");

    fn criterion_items(name: &str, items_per_iteration: u64) -> u64 {
        if name.starts_with("verify_single") { 1 } else { items_per_iteration }
    }

    fn items(name: &str) -> (u64, u64) {
        (64, criterion_items(name, 64))
    }

    #[test]
    fn what_critcmp_exported_of_criterion_is_read() {
        let benchmarks = Export::read(Path::new(CRITERION)).unwrap().benchmarks(items);
        assert_eq!(benchmarks.len(), 5);
        let time_of =
            |name: &str| benchmarks.iter().find(|benchmark| benchmark.name == name).unwrap().time_ns_per_item.median;
        // The loop over 64 tokens takes as long as 64 times the single one; so both are per token here.
        let ratio = time_of("verify_batch_64_loop") / time_of("verify_single");
        assert!((0.8..1.25).contains(&ratio), "{ratio}");
    }

    #[test]
    fn an_export_has_the_shape_of_critcmps_own_and_comes_back_with_the_same_times() {
        let shape = |value: &serde_json::Value| {
            let benchmark = value["benchmarks"].as_object().unwrap().values().next().unwrap().clone();
            let keys = |value: &serde_json::Value| value.as_object().unwrap().keys().cloned().collect::<Vec<_>>();
            let estimates = &benchmark["criterion_estimates_v1"];
            [keys(value), keys(&benchmark), keys(&benchmark["criterion_benchmark_v1"]), keys(estimates)]
                .into_iter()
                .chain([keys(&estimates["mean"]), keys(&estimates["mean"]["confidence_interval"])])
                .collect::<Vec<_>>()
        };
        let theirs: serde_json::Value = serde_json::from_str(&std::fs::read_to_string(CRITERION).unwrap()).unwrap();
        let measured = measurement("main", host(), 1.5, 400.0);
        let export = Export::of(&measured, &criterion_items);
        let ours = serde_json::to_value(&export).unwrap();
        assert_eq!(shape(&ours), shape(&theirs));

        let back = export.benchmarks(items).remove(0).time_ns_per_item;
        let times = measured.benchmarks[0].time_ns_per_item;
        assert!((back.median - times.median).abs() < 1e-9 && (back.q3 - back.q1 - (times.q3 - times.q1)).abs() < 1e-9);
    }
}
