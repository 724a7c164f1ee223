//! Unfolding a plan: sections into panels, panels into groups.
//!
//! A panel is one section on one corpus with one number of threads: that much is measured in the same blocks. A group
//! is one batch of it. A knob is swept only where it can matter: threads and `par_min_batch` where a variant's execute
//! seam is parallel and batches have more than one token. Variants that do not spread their work are measured on
//! several threads beside those that do: that is what spreading is to be compared with.

use ron_auth_catalogue::Variant;

use super::PlanSection;

use crate::catalogue::{CLASSIC, Knobs, REFERENCE};
use crate::corpus::Source;
use crate::run::{ArmKind, ComparisonGroup, Panel, Point, SweepArm};

/// Unfolds sections into panels, most important first. The same sections always give the same panels.
#[must_use]
pub fn panels_of(sections: &[PlanSection]) -> Vec<Panel> {
    let mut panels = Vec::new();
    for section in sections {
        for corpus in &section.corpora {
            for &threads in &section.threads {
                let groups: Vec<ComparisonGroup> =
                    section.batches.iter().filter_map(|&batch| group(section, corpus, batch, threads)).collect();
                if !groups.is_empty() {
                    panels.push(Panel { section: section.name.clone(), groups });
                }
            }
        }
    }
    panels
}

/// The group of one batch; `None` if nothing is left that could differ from what other groups measure.
fn group(section: &PlanSection, corpus: &Source, batch: usize, threads: usize) -> Option<ComparisonGroup> {
    let sweeps_knobs = !(section.soa_thresholds.is_empty() && section.par_min_batches.is_empty());
    let point = |knobs| Point { corpus: corpus.to_string(), batch, knobs };
    let defaults = Knobs::defaults(threads);
    let arm = |kind, variant: &str, knobs| SweepArm { kind, variant: variant.to_owned(), point: point(knobs) };

    let spreads = |variant: &Variant| variant.is_parallel() && batch > 1;
    if threads > 1 && !section.variants.iter().any(spreads) {
        return None;
    }
    let mut swept = Vec::new();
    for variant in &section.variants {
        if !sweeps_knobs {
            if variant.name != REFERENCE && variant.name != CLASSIC {
                swept.push(arm(ArmKind::Variant, variant.name, defaults));
            }
            continue;
        }
        // The default is swept too: it is what the others are compared with.
        swept.push(arm(ArmKind::Variant, variant.name, defaults));
        let soa = section.soa_thresholds.iter().map(|&soa_threshold| Knobs { soa_threshold, ..defaults });
        let par = section.par_min_batches.iter().filter(|_| spreads(variant) && threads > 1);
        let par = par.map(|&par_min_batch| Knobs { par_min_batch, ..defaults });
        swept.extend(
            soa.chain(par).filter(|knobs| *knobs != defaults).map(|knobs| arm(ArmKind::Variant, variant.name, knobs)),
        );
    }
    let with_knobs = |arm: &SweepArm| arm.point.knobs != defaults;
    if swept.is_empty() || (sweeps_knobs && !swept.iter().any(with_knobs)) {
        return None;
    }
    let plain = if sweeps_knobs { ArmKind::Reference } else { ArmKind::Variant };
    let mut arms = vec![arm(plain, REFERENCE, defaults), arm(ArmKind::Control, REFERENCE, defaults)];
    // There is no floor of handing work to other threads.
    if threads == 1 {
        arms.push(arm(ArmKind::Floor, "floor", defaults));
    }
    arms.push(arm(ArmKind::Classic, CLASSIC, defaults));
    arms.extend(swept);
    Some(ComparisonGroup { arms })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sweep::plan::{BuiltIn, SweepPlan};

    fn panels(which: BuiltIn, all_threads: usize) -> Vec<Panel> {
        SweepPlan::built_in(which, all_threads).unwrap().panels()
    }

    fn arms(panels: &[Panel]) -> impl Iterator<Item = &SweepArm> {
        panels.iter().flat_map(|panel| panel.groups.iter().flat_map(|group| &group.arms))
    }

    #[test]
    fn a_quick_sweep_has_every_variant_corpus_and_batch_and_every_composition() {
        let panels = panels(BuiltIn::Quick, 2);
        let named = ron_auth_catalogue::catalogue();
        for (variants, batches) in
            [(&named[..], &[1, 8, 64, 256, 1024][..]), (ron_auth_catalogue::compositions(), &[1, 64])]
        {
            for variant in variants {
                for corpus in ["light", "heavy", "mixed"] {
                    for &batch in batches {
                        let is_here = |arm: &SweepArm| {
                            (arm.variant.as_str(), arm.point.corpus.as_str(), arm.point.batch)
                                == (variant.name, corpus, batch)
                        };
                        assert!(arms(&panels).any(is_here), "{} {corpus} {batch}", variant.name);
                    }
                }
            }
        }
        for variant in &named {
            for (corpus, batch) in
                [("scattered-light", 1), ("scattered-light", 64), ("scattered-heavy", 1), ("scattered-heavy", 64)]
            {
                let is_here = |arm: &SweepArm| {
                    (arm.variant.as_str(), arm.point.corpus.as_str(), arm.point.batch) == (variant.name, corpus, batch)
                };
                assert!(arms(&panels).any(is_here), "{} {corpus} {batch}", variant.name);
            }
        }
    }

    #[test]
    fn every_contest_begins_with_plain_and_its_control_at_default_knobs_and_has_classic_in_it() {
        for panel in panels(BuiltIn::Full, 4) {
            for group in &panel.groups {
                let [plain, control, rest @ ..] = &group.arms[..] else { panic!("{group:?}") };
                assert_eq!((plain.variant.as_str(), control.kind), (REFERENCE, ArmKind::Control));
                assert_eq!(plain.point, control.point);
                assert_eq!(plain.point.knobs, Knobs::defaults(plain.point.knobs.threads));
                assert!(rest.iter().all(|arm| arm.point.batch == plain.point.batch), "{group:?}");
                let classic: Vec<&SweepArm> = rest.iter().filter(|arm| arm.variant == CLASSIC).collect();
                assert!(matches!(classic[..], [arm] if arm.kind == ArmKind::Classic && arm.point == plain.point));
            }
        }
    }

    #[test]
    fn threads_and_par_min_batch_are_swept_only_where_they_can_matter() {
        let spreads = |arm: &SweepArm| {
            ron_auth_catalogue::find(&arm.variant).is_ok_and(|variant| variant.is_parallel()) && arm.point.batch > 1
        };
        let panels_of_4 = panels(BuiltIn::Full, 4);
        for group in panels_of_4.iter().flat_map(|panel| &panel.groups) {
            for arm in group.arms.iter().filter(|arm| arm.kind == ArmKind::Variant) {
                let Knobs { par_min_batch, threads, .. } = arm.point.knobs;
                assert!(threads == 1 || group.arms.iter().any(spreads), "{group:?}");
                assert!(par_min_batch == Knobs::defaults(1).par_min_batch || spreads(arm), "{arm:?}");
            }
        }
        assert!(arms(&panels(BuiltIn::Full, 1)).all(|arm| arm.point.knobs.threads == 1));
    }

    #[test]
    fn nobody_sits_twice_in_a_group() {
        for panel in panels(BuiltIn::Full, 2) {
            for group in &panel.groups {
                for (index, arm) in group.arms.iter().enumerate() {
                    assert!(!group.arms[..index].contains(arm), "{arm:?}");
                }
            }
        }
    }
}
