//! Criterion's results in `target/criterion/<benchmark>/<baseline>/estimates.json`.

use std::fs;
use std::path::Path;

use anyhow::{Context, anyhow};
use serde::Deserialize;

use crate::files::read_json;

/// One benchmark's mean time in one baseline.
#[derive(Clone, Debug, PartialEq)]
pub struct CriterionTime {
    /// Name of the benchmark.
    pub benchmark: String,
    /// Name of the baseline; `new` and `base` are Criterion's own.
    pub baseline: String,
    /// Mean time of one call, in microseconds.
    pub mean_us: f64,
}

#[derive(Deserialize)]
struct Estimates {
    mean: Estimate,
}

#[derive(Deserialize)]
struct Estimate {
    point_estimate: f64,
}

/// Reads the named benchmarks in all baselines found, in the order given, then by baseline.
///
/// # Errors
/// No such directory, or a file in it that Criterion did not write.
pub fn read(directory: &Path, benchmarks: &[impl AsRef<str>]) -> anyhow::Result<Vec<CriterionTime>> {
    let not_there = |error| {
        anyhow!("{}: {error}; expected Criterion's output directory, such as target/criterion", directory.display())
    };
    fs::read_dir(directory).map_err(not_there)?;
    let mut measured = Vec::new();
    for benchmark in benchmarks.iter().map(AsRef::as_ref) {
        let Ok(baselines) = fs::read_dir(directory.join(benchmark)) else { continue };
        let mut found = Vec::new();
        for entry in baselines {
            let entry = entry.with_context(|| format!("could not list {}", directory.join(benchmark).display()))?;
            let estimates = entry.path().join("estimates.json");
            // `report` and `change` are no baselines.
            let name = entry.file_name().to_string_lossy().into_owned();
            if name == "change" || !estimates.is_file() {
                continue;
            }
            let Estimates { mean } = read_json(&estimates, "Criterion's estimates")?;
            found.push(CriterionTime {
                benchmark: benchmark.to_owned(),
                baseline: name,
                mean_us: mean.point_estimate / 1e3,
            });
        }
        found.sort_by(|a, b| a.baseline.cmp(&b.baseline));
        measured.extend(found);
    }
    Ok(measured)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn write(directory: &Path, path: &str, content: &str) {
        let path = directory.join(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, content).unwrap();
    }

    #[test]
    fn every_baseline_of_every_named_benchmark_is_read() {
        let dir = tempfile::tempdir().unwrap();
        let estimates = |ns: f64| format!("{{\"mean\":{{\"point_estimate\":{ns}}},\"median\":{{}}}}");
        write(dir.path(), "verify_many_64/auth-simd/estimates.json", &estimates(132_000.0));
        write(dir.path(), "verify_single/auth-simd/estimates.json", &estimates(3_000.0));
        write(dir.path(), "verify_single/auth-par/estimates.json", &estimates(2_500.0));
        write(dir.path(), "verify_single/change/estimates.json", &estimates(0.1));
        write(dir.path(), "verify_single/report/index.html", "");
        write(dir.path(), "another/new/estimates.json", &estimates(1.0));
        let found = read(dir.path(), &["verify_single", "verify_many_64", "absent"]).unwrap();
        let found: Vec<_> = found.iter().map(|m| (m.benchmark.as_str(), m.baseline.as_str(), m.mean_us)).collect();
        assert_eq!(
            found,
            [
                ("verify_single", "auth-par", 2.5),
                ("verify_single", "auth-simd", 3.0),
                ("verify_many_64", "auth-simd", 132.0)
            ]
        );
    }

    #[test]
    fn a_broken_file_is_named_with_its_line() {
        let dir = tempfile::tempdir().unwrap();
        write(dir.path(), "verify_single/new/estimates.json", "{\n\"mean\": 3}");
        let error = read(dir.path(), &["verify_single"]).unwrap_err().to_string();
        assert!(error.contains("estimates.json:2: "), "{error}");
        assert!(read(&dir.path().join("nowhere"), &["single"]).unwrap_err().to_string().contains("target/criterion"));
    }
}
