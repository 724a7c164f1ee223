//! The line of `history.jsonl` that a run leaves.

use std::collections::BTreeMap;

use fairbench::history::entry::FORMAT;
use fairbench::history::{Entry, HistoryBenchmark};

use super::{ArmKind, MeasuredArm, Run};

/// The section of a plan that is preferred where several sections measured the same.
const PREFERRED_SECTION: &str = "variants";

/// The benchmark of an arm and the floor of its group; `None` with too few blocks for an interval.
fn benchmark_of(arm: &MeasuredArm<'_>, floor: &MeasuredArm<'_>) -> Option<HistoryBenchmark> {
    let (to_floor, to_plain) = (arm.to(floor)?, arm.to_plain()?);
    Some(HistoryBenchmark {
        ratio_to_floor: to_floor.estimate,
        ratio_to_floor_lower95: to_floor.lower,
        ratio_to_floor_upper95: to_floor.upper,
        ratio_to_plain: to_plain.estimate,
        ratio_to_plain_lower95: to_plain.lower,
        ratio_to_plain_upper95: to_plain.upper,
        ns_per_token: arm.time_ns()?.median,
        blocks: arm.blocks(),
    })
}

/// Makes the entry of a run: every named variant on one thread at default knobs that was measured beside a floor, in
/// blocks enough for an interval. Compositions are not part of the history.
#[must_use]
pub fn entry_of(run: &Run) -> Entry {
    let all = run.measured();
    let mut arms: Vec<&MeasuredArm<'_>> = all.iter().filter(|arm| is_kept(arm)).collect();
    arms.sort_by_key(|arm| arm.section != PREFERRED_SECTION);
    let mut benchmarks = BTreeMap::new();
    for arm in arms {
        let floor = Run::floor_of(&all, arm);
        if let Some(benchmark) = floor.and_then(|floor| benchmark_of(arm, floor)) {
            let point = arm.point();
            let name = format!("{}/{}/{}", arm.arm.variant, point.corpus, point.batch);
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

fn is_kept(arm: &MeasuredArm<'_>) -> bool {
    let is_named = || ron_auth_catalogue::catalogue().iter().any(|variant| variant.name == arm.arm.variant);
    arm.arm.kind == ArmKind::Variant && arm.is_at_default_knobs && arm.point().knobs.threads == 1 && is_named()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::catalogue::Knobs;
    use crate::run::simulated::{self, Truth};

    #[test]
    fn an_entry_holds_the_named_variants_with_the_ratios_that_are_true() {
        let truth = Truth::default();
        let entry = entry_of(&simulated::run(&truth, 12));
        assert_eq!(entry.benchmarks.len(), 2 * ron_auth_catalogue::catalogue().len());
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
        variants.groups[0].arms[3].point.knobs.soa_threshold = 4;
        variants.groups[0].arms[4].point.knobs = Knobs::defaults(2);
        variants.groups[0].arms[5].kind = ArmKind::Reference;
        let left_out: Vec<String> = variants.groups[0].arms[3..6].iter().map(|arm| arm.variant.clone()).collect();
        variants.groups[1].arms[2].kind = ArmKind::Control;
        compositions.groups[1].arms[2].kind = ArmKind::Control;
        let names = entry_of(&run).benchmarks;
        assert_eq!(names.len(), ron_auth_catalogue::catalogue().len() - 3, "{:?}", names.keys());
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
