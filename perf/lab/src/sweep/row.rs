//! One row of `sweep.csv`. The schema is documented in `reports/README.md`.

use fairbench::measure::stats::{PairedRatio, Quartiles};
use serde::{Deserialize, Serialize};

use crate::catalogue::Knobs;
pub use crate::run::ArmKind;
use crate::run::{MeasuredArm, Point, Run};

/// One measured cell. Every quantity has its unit in its name; what was not measured is empty.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[allow(missing_docs, reason = "documented for the readers of the CSV, in reports/README.md")]
pub struct CsvRow {
    /// Index of the panel; ratios relate rows of one panel and batch.
    pub panel: usize,
    /// Purpose of its group: `variants`, `compositions` or `knobs`.
    pub purpose: String,
    pub kind: ArmKind,
    pub variant: String,
    pub fixture: String,
    pub batch_tokens: usize,
    pub soa_threshold_caveats: usize,
    pub par_min_batch_tokens: usize,
    pub threads: usize,
    pub pinned: bool,
    pub blocks: usize,
    pub time_median_ns_per_token: f64,
    pub time_q1_ns_per_token: f64,
    pub time_q3_ns_per_token: f64,
    pub ratio_to_plain: f64,
    pub ratio_to_plain_lower95: f64,
    pub ratio_to_plain_upper95: f64,
    /// Empty in rows from before there was a `classic`, like the two fields after it.
    #[serde(default)]
    pub ratio_to_classic: Option<f64>,
    #[serde(default)]
    pub ratio_to_classic_lower95: Option<f64>,
    #[serde(default)]
    pub ratio_to_classic_upper95: Option<f64>,
    pub ratio_to_floor: Option<f64>,
    pub ratio_to_floor_lower95: Option<f64>,
    pub ratio_to_floor_upper95: Option<f64>,
    pub allocations_per_token: Option<f64>,
    pub allocated_bytes_per_token: Option<f64>,
    pub instructions_per_token: Option<f64>,
    pub peak_resident_bytes: Option<u64>,
    pub jemalloc_allocated_bytes: Option<u64>,
    pub jemalloc_active_bytes: Option<u64>,
    pub jemalloc_resident_bytes: Option<u64>,
    pub unavailable: Option<String>,
}

impl CsvRow {
    /// The ratio to `plain`.
    #[must_use]
    pub fn to_plain(&self) -> PairedRatio {
        PairedRatio {
            estimate: self.ratio_to_plain,
            lower: self.ratio_to_plain_lower95,
            upper: self.ratio_to_plain_upper95,
        }
    }

    /// The ratio to `classic`; `None` if that was not measured beside it.
    #[must_use]
    pub fn to_classic(&self) -> Option<PairedRatio> {
        Some(PairedRatio {
            estimate: self.ratio_to_classic?,
            lower: self.ratio_to_classic_lower95?,
            upper: self.ratio_to_classic_upper95?,
        })
    }

    /// The ratio to the floor; `None` if that was not measured beside it.
    #[must_use]
    pub fn to_floor(&self) -> Option<PairedRatio> {
        Some(PairedRatio {
            estimate: self.ratio_to_floor?,
            lower: self.ratio_to_floor_lower95?,
            upper: self.ratio_to_floor_upper95?,
        })
    }

    /// Time per token in nanoseconds.
    #[must_use]
    pub fn time_ns(&self) -> Quartiles {
        Quartiles {
            q1: self.time_q1_ns_per_token,
            median: self.time_median_ns_per_token,
            q3: self.time_q3_ns_per_token,
        }
    }

    /// Whether this is a variant at default knobs that was measured against all others; `classic` counts as one.
    #[must_use]
    pub fn is_default_variant(&self) -> bool {
        matches!(self.kind, ArmKind::Variant | ArmKind::Classic) && self.purpose == "variants"
    }
}

/// Makes the rows of a run, one for each arm with enough blocks for an interval.
#[must_use]
pub fn rows(run: &Run) -> Vec<CsvRow> {
    let all = run.measured();
    all.iter().filter_map(|arm| row(run, &all, arm)).collect()
}

fn row(run: &Run, all: &[MeasuredArm<'_>], arm: &MeasuredArm<'_>) -> Option<CsvRow> {
    let Point { corpus, batch, knobs: Knobs { soa_threshold, par_min_batch, threads } } = arm.point();
    let to_plain = arm.to_plain()?;
    let time_ns = arm.time_ns()?;
    let to_floor = Run::floor_of(all, arm).and_then(|floor| arm.to(floor));
    let to_classic = Run::to_classic(all, arm);
    let is_this =
        |variant: &str, point: &Point| arm.arm.kind.verifies() && variant == arm.arm.variant && point == arm.point();
    let counts = || run.counts.iter().filter(|count| is_this(&count.variant, &count.point));
    let allocations = counts().find_map(|count| count.allocations);
    let memory = run.memory.iter().find(|memory| is_this(&memory.variant, &memory.point));
    Some(CsvRow {
        panel: arm.panel,
        purpose: arm.purpose.name().to_owned(),
        kind: arm.arm.kind,
        variant: arm.arm.variant.clone(),
        fixture: corpus.clone(),
        batch_tokens: *batch,
        soa_threshold_caveats: *soa_threshold,
        par_min_batch_tokens: *par_min_batch,
        threads: *threads,
        pinned: *threads == 1 && fairbench::measure::pin::can_pin(),
        blocks: arm.blocks(),
        time_median_ns_per_token: time_ns.median,
        time_q1_ns_per_token: time_ns.q1,
        time_q3_ns_per_token: time_ns.q3,
        ratio_to_plain: to_plain.estimate,
        ratio_to_plain_lower95: to_plain.lower,
        ratio_to_plain_upper95: to_plain.upper,
        ratio_to_classic: to_classic.map(|ratio| ratio.estimate),
        ratio_to_classic_lower95: to_classic.map(|ratio| ratio.lower),
        ratio_to_classic_upper95: to_classic.map(|ratio| ratio.upper),
        ratio_to_floor: to_floor.map(|ratio| ratio.estimate),
        ratio_to_floor_lower95: to_floor.map(|ratio| ratio.lower),
        ratio_to_floor_upper95: to_floor.map(|ratio| ratio.upper),
        allocations_per_token: allocations.map(|counted| counted.allocations_per_token),
        allocated_bytes_per_token: allocations.map(|counted| counted.allocated_bytes_per_token),
        instructions_per_token: counts().find_map(|count| count.instructions_per_token),
        peak_resident_bytes: memory.map(|memory| memory.peak_resident_bytes),
        jemalloc_allocated_bytes: memory.and_then(|memory| memory.jemalloc_allocated_bytes),
        jemalloc_active_bytes: memory.and_then(|memory| memory.jemalloc_active_bytes),
        jemalloc_resident_bytes: memory.and_then(|memory| memory.jemalloc_resident_bytes),
        unavailable: None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::run::simulated::{self, Truth};

    #[test]
    fn every_seat_is_a_row_with_its_ratios_and_what_it_is_for() {
        let run = simulated::run(&Truth::default(), 8);
        let rows = rows(&run);
        let arms = run.header.panels.iter().flat_map(|panel| &panel.groups).map(|group| group.arms.len());
        assert_eq!(rows.len(), arms.sum::<usize>());
        let prod = rows.iter().find(|row| row.variant == "prod" && row.batch_tokens == 64).unwrap();
        assert_eq!((prod.purpose.as_str(), prod.blocks, prod.threads), ("variants", 8, 1));
        let expected = simulated::time_of(&Truth::default(), "prod");
        assert!((prod.ratio_to_plain / expected - 1.0).abs() < 0.02 && prod.ratio_to_floor.is_some());
        let to_classic = prod.to_classic().unwrap();
        assert!((to_classic.estimate / (expected / simulated::CLASSIC) - 1.0).abs() < 0.02, "{to_classic:?}");
        let classic = rows.iter().find(|row| row.variant == "classic").unwrap();
        assert_eq!((classic.kind, classic.ratio_to_classic), (ArmKind::Classic, Some(1.0)));
        assert!(rows.iter().filter(|row| row.variant.starts_with('+')).all(|row| row.purpose == "compositions"));
    }

    #[test]
    fn what_has_too_few_blocks_for_an_interval_is_no_row() {
        assert!(rows(&simulated::run(&Truth::default(), 3)).is_empty());
    }
}
