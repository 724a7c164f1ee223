//! One program's benchmarks, measured against the floor, with raw block values.

use anyhow::{Context, bail, ensure};
use rand::SeedableRng;
use rand_chacha::ChaCha8Rng;
use serde::{Deserialize, Serialize};

use crate::compare::block;
use crate::compare::group::Effort;
use crate::compare::layout::Layout;
use crate::compare::runner::{CaseInfo, MeasureError};
use crate::host::Host;
use crate::measure::interval::ERROR_PER_SIDE;
use crate::measure::stats::{PairedRatio, Quartiles};
use crate::probe::{Pair, ProbeCommand};
use crate::side::Side;

/// Name and version of the format.
pub const FORMAT: &str = "perf-lab measurement v1";
/// Seed of layouts and orders. It is fixed: a baseline is not a trial.
const SEED: u64 = 1;

/// A stored measurement.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Measurement {
    format: String,
    /// Name that it was saved under.
    pub name: String,
    /// Time of saving, UTC.
    pub saved_utc: String,
    /// Label of the side that was measured.
    pub side: String,
    /// Features that the program said it has.
    pub features: Vec<String>,
    /// Revision that the program said it was built from.
    pub revision: Option<String>,
    /// Host that it was measured on.
    pub host: Host,
    /// Fingerprint of the host, for readers of the file.
    pub fingerprint: String,
    /// Whether it came from another tool's file: then there are no blocks, and no floor.
    #[serde(default)]
    pub imported: bool,
    /// The benchmarks that were measured.
    pub benchmarks: Vec<StoredBenchmark>,
}

/// One benchmark of a measurement.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct StoredBenchmark {
    /// Name of the benchmark.
    pub name: String,
    /// Items that one iteration works on. In the file, as in all of this format, an item is called a token.
    #[serde(rename = "tokens_per_iteration")]
    pub items_per_iteration: u64,
    /// Time per item: quartiles over blocks.
    #[serde(rename = "time_ns_per_token")]
    pub time_ns_per_item: Quartiles,
    /// Time / time of the floor in the same block. `None` if it was imported.
    pub ratio_to_floor: Option<PairedRatio>,
    /// Ratio of the floor to itself, which should be 1; `None` if it was imported.
    pub ratio_of_control: Option<PairedRatio>,
    /// Raw values, one per block.
    pub blocks: Vec<StoredBlock>,
}

/// What one block found: a fresh process of the program and two of the floor, in turns.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct StoredBlock {
    /// Time of the program, in nanoseconds per item.
    #[serde(rename = "time_ns_per_token")]
    pub time_ns_per_item: f64,
    /// Time of the floor, in nanoseconds per item.
    #[serde(rename = "floor_ns_per_token")]
    pub floor_ns_per_item: f64,
    /// Time of the control, which is the floor once more, in nanoseconds per item.
    #[serde(rename = "control_ns_per_token")]
    pub control_ns_per_item: f64,
    /// Iterations of each turn.
    pub iterations: u64,
}

impl Measurement {
    /// Checks what a file claims to be.
    ///
    /// # Errors
    /// The file is of another format.
    pub fn checked(self) -> anyhow::Result<Self> {
        ensure!(self.format == FORMAT, "format {:?}; expected {FORMAT:?}", self.format);
        Ok(self)
    }

    /// Makes a measurement of benchmarks that were measured on `host` now.
    #[must_use]
    pub fn new(name: &str, side: String, host: Host, benchmarks: Vec<StoredBenchmark>) -> Self {
        Self {
            format: FORMAT.to_owned(),
            name: name.to_owned(),
            saved_utc: humantime::format_rfc3339_seconds(std::time::SystemTime::now()).to_string(),
            side,
            features: Vec::new(),
            revision: None,
            fingerprint: host.fingerprint(),
            host,
            imported: false,
            benchmarks,
        }
    }

    /// Whether its benchmarks, which are on one thread, can be compared with those of `host` as they are. A file whose
    /// fingerprint is not the one of the host that it describes is never comparable.
    #[must_use]
    pub fn is_of(&self, host: &Host) -> bool {
        let own = self.host.fingerprint();
        self.fingerprint == host.fingerprint() || (self.fingerprint == own && self.host.is_same_on_one_thread(host))
    }

    /// Whether it was measured on the machine of `host`, perhaps with another compiler or other flags.
    #[must_use]
    pub fn is_of_machine(&self, host: &Host) -> bool {
        self.is_of(host) || (self.fingerprint == self.host.fingerprint() && self.host.is_same_machine(host))
    }

    /// Returns the benchmark of this name.
    #[must_use]
    pub fn benchmark(&self, name: &str) -> Option<&StoredBenchmark> {
        self.benchmarks.iter().find(|benchmark| benchmark.name == name)
    }
}

impl StoredBenchmark {
    /// Sums up the raw values of a benchmark; `None` if there are none. With fewer than six blocks it has no ratios.
    #[must_use]
    pub fn of(case: &CaseInfo, blocks: Vec<StoredBlock>) -> Option<Self> {
        let times: Vec<f64> = blocks.iter().map(|block| block.time_ns_per_item).collect();
        let to_floor = |of: fn(&StoredBlock) -> f64| {
            let log_ratios: Vec<f64> = blocks.iter().map(|block| (of(block) / block.floor_ns_per_item).ln()).collect();
            PairedRatio::over_blocks(&log_ratios, ERROR_PER_SIDE)
        };
        Some(Self {
            name: case.name.clone(),
            items_per_iteration: case.items_per_iteration,
            time_ns_per_item: Quartiles::of(&times)?,
            ratio_to_floor: to_floor(|block| block.time_ns_per_item),
            ratio_of_control: to_floor(|block| block.control_ns_per_item),
            blocks,
        })
    }
}

/// Measures a side's single-threaded benchmarks against the floor in so many blocks, each of fresh processes. An
/// interruption is an error: half a baseline is of no use.
///
/// # Errors
/// A probe that fails; Ctrl-C.
pub fn measure(
    side: &Side,
    floor: ProbeCommand,
    effort: Effort,
    blocks: usize,
    interrupted: &dyn Fn() -> bool,
    progress: &mut dyn FnMut(),
) -> Result<Vec<StoredBenchmark>, MeasureError> {
    let pair = Pair { base: floor, candidate: side.probe.clone() };
    let cases: Vec<CaseInfo> = side.cases().into_iter().filter(CaseInfo::is_single_threaded).collect();
    let mut found: Vec<Vec<StoredBlock>> = vec![Vec::new(); cases.len()];
    let mut rng = ChaCha8Rng::seed_from_u64(SEED);
    for _ in 0..blocks {
        let layout = Layout::draw(&mut rng);
        let block = block::run(&pair, &cases, [layout; 3], effort, &mut rng, interrupted)?;
        for (values, value) in found.iter_mut().zip(block) {
            let floor_ns_per_item = value.base_ns_per_item;
            values.push(StoredBlock {
                time_ns_per_item: floor_ns_per_item * value.log_ratio.exp(),
                floor_ns_per_item,
                control_ns_per_item: floor_ns_per_item * value.log_control.exp(),
                iterations: value.iterations,
            });
        }
        progress();
    }
    Ok(cases.iter().zip(found).filter_map(|(case, blocks)| StoredBenchmark::of(case, blocks)).collect())
}

/// Checks that a name can be the name of a file.
///
/// # Errors
/// The name has other characters than letters, digits, `.`, `_` and `-`.
pub fn check_name(name: &str) -> anyhow::Result<()> {
    let first = name.chars().next().context("a baseline needs a name")?;
    if !first.is_ascii_alphanumeric() || !name.chars().all(|c| c.is_ascii_alphanumeric() || "._-".contains(c)) {
        bail!("{name:?} cannot name a baseline: expected letters, digits, '.', '_' and '-', a letter or digit first");
    }
    Ok(())
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;

    /// A measurement of one benchmark that takes this many times the floor, with 1 % of spread.
    pub(crate) fn measurement(name: &str, host: Host, times_floor: f64, floor_ns: f64) -> Measurement {
        let case = CaseInfo { name: "verify_single".to_owned(), threads: 1, items_per_iteration: 64 };
        let block = |step: usize| {
            let drift = 1.0 + step as f64 / 20.0;
            let noise = 1.0 + (step as f64 * 2.4).sin() / 100.0;
            StoredBlock {
                time_ns_per_item: floor_ns * drift * times_floor * noise,
                floor_ns_per_item: floor_ns * drift,
                control_ns_per_item: floor_ns * drift,
                iterations: 10,
            }
        };
        let benchmark = StoredBenchmark::of(&case, (0..24).map(block).collect()).unwrap();
        Measurement::new(name, "working tree".to_owned(), host, vec![benchmark])
    }

    #[test]
    fn what_drifts_with_the_floor_does_not_move_the_ratio() {
        let host = crate::host::tests::laptop();
        let benchmark = measurement("a", host, 1.5, 400.0).benchmarks.remove(0);
        let ratio = benchmark.ratio_to_floor.unwrap();
        assert!((ratio.estimate - 1.5).abs() < 0.01 && ratio.lower > 1.48 && ratio.upper < 1.52, "{ratio:?}");
        assert!(benchmark.time_ns_per_item.q3 / benchmark.time_ns_per_item.q1 > 1.3);
    }

    #[test]
    fn a_name_is_one_that_a_file_can_have() {
        for name in ["main", "2026-11-before_x.1"] {
            check_name(name).unwrap();
        }
        for name in ["", ".hidden", "../up", "a b", "-x"] {
            assert!(check_name(name).is_err(), "{name}");
        }
    }
}
