//! What is kept of a run.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::cell::Knobs;
use crate::measure::stats::PairedRatio;
use crate::run::{Kind, Measured, Run};

/// Version of the format of a line of `history.jsonl`.
pub const FORMAT: u64 = 1;
/// The section of a plan whose measurements are taken where several sections measured the same.
const PREFERRED_SECTION: &str = "variants";

/// A line of `history.jsonl`: a run.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Entry {
    /// [`FORMAT`].
    pub format: u64,
    /// When the run began, UTC, RFC 3339.
    pub started_utc: String,
    /// Git revision of the tree; `-dirty` if it had changes; `None` outside of one.
    pub revision: Option<String>,
    /// Fingerprint of the host, with everything that might matter to any benchmark.
    pub host: String,
    /// Model name of the CPU.
    pub cpu: String,
    /// Operating system, architecture and kind of build; `None` in entries of before 2026-12.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub system: Option<String>,
    /// The compiler's release and flags; `None` in entries of before 2026-12.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub compiler: Option<String>,
    /// Name of the plan.
    pub plan: String,
    /// By name: `VARIANT/CORPUS/BATCH`, such as `prod/light/64`; at default knobs, on one thread.
    pub benchmarks: BTreeMap<String, Benchmark>,
}

/// What one benchmark came to. Ratios are medians over blocks with their 95 % intervals.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Benchmark {
    /// Time / time of the floor in the same blocks.
    pub ratio_to_floor: f64,
    /// Lower end of its interval.
    pub ratio_to_floor_lower95: f64,
    /// Upper end.
    pub ratio_to_floor_upper95: f64,
    /// Time / time of `plain` in the same blocks.
    pub ratio_to_plain: f64,
    /// Lower end of its interval.
    pub ratio_to_plain_lower95: f64,
    /// Upper end.
    pub ratio_to_plain_upper95: f64,
    /// Time per token in nanoseconds, median over blocks: for people, not for comparisons.
    pub ns_per_token: f64,
    /// Blocks that all of this was made from.
    pub blocks: usize,
}

impl Entry {
    /// Whether the other run belongs to the same series: benchmarks on one thread of one machine. Cores, threads of the
    /// pool and backends of the build do not matter to them.
    #[must_use]
    pub fn is_same_series(&self, other: &Self) -> bool {
        let systems = self.system.as_ref().zip(other.system.as_ref());
        self.host == other.host
            || (self.cpu == other.cpu
                && simd_path(&self.host) == simd_path(&other.host)
                && systems.is_none_or(|(one, other)| one == other))
    }

    /// Whether it was built as the other was, so that a change between them is one of the code. Of an old entry only
    /// its fingerprint tells.
    #[must_use]
    pub fn is_built_alike(&self, other: &Self) -> bool {
        self.host == other.host || (self.compiler.is_some() && self.compiler == other.compiler)
    }

    /// By which compiler, for people.
    #[must_use]
    pub fn built_by(&self) -> &str {
        self.compiler.as_deref().unwrap_or("an unknown compiler")
    }
}

/// The instruction set in a fingerprint: its last part but one.
fn simd_path(fingerprint: &str) -> Option<&str> {
    fingerprint.rsplit('-').nth(1)
}

impl Benchmark {
    /// The ratio to the floor with its interval.
    #[must_use]
    pub const fn to_floor(&self) -> PairedRatio {
        PairedRatio {
            estimate: self.ratio_to_floor,
            lower: self.ratio_to_floor_lower95,
            upper: self.ratio_to_floor_upper95,
        }
    }

    /// Of a seat and the floor that sat in its contest; `None` with too few blocks for an interval.
    fn of(seat: &Measured<'_>, floor: &Measured<'_>) -> Option<Self> {
        let (to_floor, to_plain) = (seat.to(floor)?, seat.to_plain()?);
        Some(Self {
            ratio_to_floor: to_floor.estimate,
            ratio_to_floor_lower95: to_floor.lower,
            ratio_to_floor_upper95: to_floor.upper,
            ratio_to_plain: to_plain.estimate,
            ratio_to_plain_lower95: to_plain.lower,
            ratio_to_plain_upper95: to_plain.upper,
            ns_per_token: seat.time_ns()?.median,
            blocks: seat.blocks(),
        })
    }
}

/// What the history keeps of a run: every named variant on one thread at default knobs that was measured beside a
/// floor, in blocks enough for an interval. Compositions are left to the runs themselves.
#[must_use]
pub fn entry_of(run: &Run) -> Entry {
    let all = run.measured();
    let mut seats: Vec<&Measured<'_>> = all.iter().filter(|seat| is_kept(seat)).collect();
    seats.sort_by_key(|seat| seat.section != PREFERRED_SECTION);
    let mut benchmarks = BTreeMap::new();
    for seat in seats {
        let floor = Run::floor_of(&all, seat);
        if let Some(benchmark) = floor.and_then(|floor| Benchmark::of(seat, floor)) {
            let point = seat.point();
            let name = format!("{}/{}/{}", seat.seat.variant, point.corpus, point.batch);
            benchmarks.entry(name).or_insert(benchmark);
        }
    }
    let header = &run.header;
    Entry {
        format: FORMAT,
        started_utc: header.started_utc.clone(),
        revision: header.host.revision.clone(),
        host: header.host.fingerprint(),
        cpu: header.host.cpu.clone(),
        system: Some(header.host.system()),
        compiler: Some(header.host.compiler()),
        plan: header.plan.clone(),
        benchmarks,
    }
}

fn is_kept(seat: &Measured<'_>) -> bool {
    let is_named = || ron_auth_variants::catalogue().iter().any(|variant| variant.name == seat.seat.variant);
    seat.seat.kind == Kind::Variant && seat.point().knobs == Knobs::defaults(1) && is_named()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::run::simulated::{self, Truth};

    #[test]
    fn an_entry_holds_the_named_variants_with_the_ratios_that_are_true() {
        let truth = Truth::default();
        let entry = entry_of(&simulated::run(&truth, 12));
        assert_eq!(entry.benchmarks.len(), 2 * ron_auth_variants::catalogue().len());
        assert!(entry.benchmarks.keys().all(|name| !name.starts_with('+')));
        let prod = &entry.benchmarks["prod/light/64"];
        let expected = simulated::time_of(&truth, "prod");
        // The floor of the simulation takes a tenth of plain.
        assert!((prod.ratio_to_floor / (expected / 0.1)).ln().abs() < 0.01, "{prod:?}");
        assert!((prod.ratio_to_plain / expected).ln().abs() < 0.01, "{prod:?}");
        assert!(prod.ratio_to_floor_lower95 < prod.ratio_to_floor && prod.blocks == 12, "{prod:?}");
        assert_eq!(entry.benchmarks["plain/light/1"].ratio_to_plain, 1.0);
    }

    #[test]
    fn other_knobs_threads_kinds_and_seats_without_a_floor_are_left_out() {
        let mut run = simulated::run(&Truth::default(), 6);
        let [variants, compositions] = &mut run.header.panels[..] else { panic!("two panels") };
        variants.contests[0].seats[3].point.knobs.soa_threshold += 1;
        variants.contests[0].seats[4].point.knobs = Knobs::defaults(2);
        variants.contests[0].seats[5].kind = Kind::Reference;
        let left_out: Vec<String> = variants.contests[0].seats[3..6].iter().map(|seat| seat.variant.clone()).collect();
        variants.contests[1].seats[2].kind = Kind::Control;
        compositions.contests[1].seats[2].kind = Kind::Control;
        let names = entry_of(&run).benchmarks;
        assert_eq!(names.len(), ron_auth_variants::catalogue().len() - 3, "{:?}", names.keys());
        assert!(left_out.iter().all(|name| !names.contains_key(&format!("{name}/light/1"))));
    }

    #[test]
    fn the_section_of_variants_goes_before_others_that_measured_the_same() {
        let mut run = simulated::run(&Truth::default(), 12);
        let of_variants = entry_of(&run).benchmarks["plain/light/1"];
        run.header.panels[0].section = "quick look".to_owned();
        run.header.panels[1].section = PREFERRED_SECTION.to_owned();
        assert_ne!(entry_of(&run).benchmarks["plain/light/1"], of_variants);
    }

    #[test]
    fn too_few_blocks_leave_nothing_to_keep() {
        assert!(entry_of(&simulated::run(&Truth::default(), 5)).benchmarks.is_empty());
    }
}
