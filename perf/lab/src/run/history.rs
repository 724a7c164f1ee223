//! The line of `history.jsonl` that a run leaves.

use std::collections::BTreeMap;

use fairbench::history::entry::FORMAT;
use fairbench::history::{Benchmark, Entry};

use super::{Kind, Measured, Run};
use crate::catalogue::Knobs;

/// The section of a plan whose measurements are taken where several sections measured the same.
const PREFERRED_SECTION: &str = "variants";

/// Of a seat and the floor that sat in its contest; `None` with too few blocks for an interval.
fn benchmark_of(seat: &Measured<'_>, floor: &Measured<'_>) -> Option<Benchmark> {
    let (to_floor, to_plain) = (seat.to(floor)?, seat.to_plain()?);
    Some(Benchmark {
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
        if let Some(benchmark) = floor.and_then(|floor| benchmark_of(seat, floor)) {
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
