//! Two measurements beside each other.
//!
//! They were taken at different times, perhaps on different machines, so their nanoseconds say little. What is compared
//! is each one's ratio to the floor of its own blocks. (Two programs are compared properly by `ab` and `gate`, which
//! run them in turns.)

use anyhow::{bail, ensure};
use serde::Serialize;

use super::Shift;
use super::measurement::{Measurement, StoredBenchmark};
use crate::host::Host;
use crate::measure::stats::PairedRatio;
use crate::missing::Missing;

/// What a ratio to the floor may differ by between two measurements without a change of the code: what else the machine
/// does slows memory and arithmetic, and so a verifier and its floor, by different amounts. It is the gate's warn
/// level.
pub const APART_ALLOWANCE: f64 = 0.05;

/// A benchmark that both measurements have.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct BaselineRow {
    /// Name of the benchmark.
    pub benchmark: String,
    /// Median time then and now, in nanoseconds per token; `None` across hosts.
    pub times_ns: Option<(f64, f64)>,
    /// Ratio to the floor then and now, and how the two compare; `None` if one of the measurements has no floor.
    pub to_floor: Option<(PairedRatio, PairedRatio, Shift)>,
}

impl BaselineRow {
    /// How the two ratios to the floor compare; `None` without a floor.
    #[must_use]
    pub fn shift(&self) -> Option<Shift> {
        self.to_floor.map(|(.., shift)| shift)
    }
}

/// Checks that the stored measurement `was` may be compared with `name`, which is of `host`.
///
/// # Errors
/// `was` is of another host, compiler or flags, and `force` is not set.
pub fn check_hosts(was: &Measurement, name: &str, host: &Host, force: bool) -> anyhow::Result<()> {
    if force || was.is_of(host) {
        return Ok(());
    }
    let (theirs, ours) = if was.is_of_machine(host) {
        (format!("by {}", was.host.compiler()), format!("by {}", host.compiler()))
    } else {
        (format!("of {}", was.fingerprint), format!("of {}", host.fingerprint()))
    };
    bail!(
        "{} is {theirs} and {name} {ours}: their times cannot be compared; --force compares their ratios to the floor",
        was.name
    )
}

/// Whether the times of two measurements may be compared: both are of one host and one build.
fn is_comparable(was: &Measurement, is: &Measurement) -> bool {
    was.fingerprint == is.fingerprint || (is.fingerprint == is.host.fingerprint() && was.is_of(&is.host))
}

/// Compares every benchmark that both have.
///
/// # Errors
/// The measurements have different fingerprints and `force` is not set; they do, it is, and one of them has no floor;
/// or they have no benchmark in common.
pub fn compare(was: &Measurement, is: &Measurement, force: bool) -> anyhow::Result<Vec<BaselineRow>> {
    let same_host = is_comparable(was, is);
    if !same_host {
        // A measurement whose own word on its host does not hold is nobody's.
        let is_known = is.fingerprint == is.host.fingerprint();
        ensure!(
            force || is_known,
            "{} is of {} and {} of {}: their times cannot be compared; --force compares their ratios to the floor",
            was.name,
            was.fingerprint,
            is.name,
            is.fingerprint
        );
        check_hosts(was, &is.name, &is.host, force)?;
    }
    ensure!(
        same_host || !(was.imported || is.imported),
        "an imported baseline has no floor, so it cannot be compared across hosts"
    );
    let row = |now: &StoredBenchmark| {
        let then = was.benchmark(&now.name)?;
        let floors = then.ratio_to_floor.zip(now.ratio_to_floor);
        Some(BaselineRow {
            benchmark: now.name.clone(),
            times_ns: same_host.then_some((then.time_ns_per_item.median, now.time_ns_per_item.median)),
            to_floor: floors.map(|(then, now)| (then, now, Shift::of(then, now, APART_ALLOWANCE))),
        })
    };
    let rows: Vec<BaselineRow> = is.benchmarks.iter().filter_map(row).collect();
    ensure!(!rows.is_empty(), "{} and {} have no benchmark in common", was.name, is.name);
    Ok(rows)
}

/// The benchmarks that only one of the two measurements has.
#[must_use]
pub fn missing(was: &Measurement, is: &Measurement) -> Vec<Missing> {
    let only = |here: &Measurement, there: &Measurement| {
        let lacking = here.benchmarks.iter().filter(|benchmark| there.benchmark(&benchmark.name).is_none());
        let one = |benchmark: &StoredBenchmark| {
            Missing::new(&benchmark.name, format!("only {:?} has {}; it was not compared", here.name, benchmark.name))
        };
        lacking.map(one).collect::<Vec<_>>()
    };
    [only(was, is), only(is, was)].concat()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::baseline::measurement::tests::measurement;
    use crate::host::tests::laptop as host;

    fn shift(rows: &[BaselineRow]) -> Shift {
        rows[0].shift().unwrap()
    }

    #[test]
    fn a_machine_that_is_slower_today_is_no_regression_and_more_work_is() {
        let was = measurement("was", host(), 1.5, 400.0);
        assert_eq!(shift(&compare(&was, &measurement("is", host(), 1.5, 600.0), false).unwrap()), Shift::Same);
        assert_eq!(shift(&compare(&was, &measurement("is", host(), 1.7, 400.0), false).unwrap()), Shift::Slower);
        assert_eq!(shift(&compare(&was, &measurement("is", host(), 1.3, 500.0), false).unwrap()), Shift::Faster);
    }

    #[test]
    fn a_benchmark_that_one_of_them_lacks_is_missing() {
        let was = measurement("was", host(), 1.5, 400.0);
        assert!(missing(&was, &measurement("is", host(), 1.5, 400.0)).is_empty());
        let mut is = measurement("is", host(), 1.5, 400.0);
        is.benchmarks[0].name = "verify_singel".to_owned();
        let said: Vec<String> = missing(&was, &is).into_iter().map(|missing| missing.what).collect();
        assert_eq!(
            said,
            [
                "only \"was\" has verify_single; it was not compared",
                "only \"is\" has verify_singel; it was not compared"
            ]
        );
    }

    #[test]
    fn threads_do_not_matter_to_benchmarks_on_one_and_another_compiler_is_named() {
        let was = measurement("was", host(), 1.5, 400.0);
        let fewer = measurement("is", Host { rayon_threads: 1, cores: 1, ..host() }, 1.5, 400.0);
        assert!(compare(&was, &fewer, false).unwrap()[0].times_ns.is_some());
        let rustc = "rustc 1.99.0 (0000 2027-01-01)".to_owned();
        let newer = measurement("is", Host { rustc, ..host() }, 1.5, 400.0);
        let error = compare(&was, &newer, false).unwrap_err().to_string();
        assert!(error.contains("is by rustc 1.99.0: ") && error.contains("--force"), "{error}");
        assert_eq!(compare(&was, &newer, true).unwrap()[0].times_ns, None);
    }

    #[test]
    fn across_hosts_nothing_is_compared_unless_forced_and_then_only_ratios() {
        let was = measurement("was", host(), 1.5, 400.0);
        let is = measurement("is", Host { cpu: "Another".to_owned(), ..host() }, 1.5, 100.0);
        let error = compare(&was, &is, false).unwrap_err().to_string();
        assert!(error.contains(&was.fingerprint) && error.contains("--force"), "{error}");
        let rows = compare(&was, &is, true).unwrap();
        assert_eq!((rows[0].times_ns, shift(&rows)), (None, Shift::Same));
        let mut imported = is;
        imported.imported = true;
        assert!(compare(&was, &imported, true).unwrap_err().to_string().contains("no floor"));
    }
}
