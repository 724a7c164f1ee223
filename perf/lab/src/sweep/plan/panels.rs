//! Unfolds a plan: sections into panels, panels into contests.
//!
//! A panel is one section on one corpus with one number of threads: that much is measured in the same blocks. A contest is
//! one batch of it. A knob is swept only where it can matter: threads and `par_min_batch` where a variant's execute seam is
//! parallel and batches have more than one token. Variants that do not spread their work are measured on several threads
//! beside those that do: that is what spreading is to be compared with.

use ron_auth_variants::Variant;

use super::Section;

use crate::catalogue::{CLASSIC, Knobs, REFERENCE};
use crate::corpus::Source;
use crate::run::{Contest, Kind, Panel, Point, Seat};

/// What is measured against each other, most important first. The same sections come to the same panels.
#[must_use]
pub fn panels_of(sections: &[Section]) -> Vec<Panel> {
    let mut panels = Vec::new();
    for section in sections {
        for corpus in &section.corpora {
            for &threads in &section.threads {
                let contests: Vec<Contest> =
                    section.batches.iter().filter_map(|&batch| contest(section, corpus, batch, threads)).collect();
                if !contests.is_empty() {
                    panels.push(Panel { section: section.name.clone(), contests });
                }
            }
        }
    }
    panels
}

/// `None` where nothing is left that could differ from what other contests measure.
fn contest(section: &Section, corpus: &Source, batch: usize, threads: usize) -> Option<Contest> {
    let sweeps_knobs = !(section.soa_thresholds.is_empty() && section.par_min_batches.is_empty());
    let point = |knobs| Point { corpus: corpus.to_string(), batch, knobs };
    let defaults = Knobs::defaults(threads);
    let seat = |kind, variant: &str, knobs| Seat { kind, variant: variant.to_owned(), point: point(knobs) };

    let spreads = |variant: &Variant| variant.is_parallel() && batch > 1;
    if threads > 1 && !section.variants.iter().any(spreads) {
        return None;
    }
    let mut swept = Vec::new();
    for variant in &section.variants {
        if !sweeps_knobs {
            if variant.name != REFERENCE && variant.name != CLASSIC {
                swept.push(seat(Kind::Variant, variant.name, defaults));
            }
            continue;
        }
        // The default is swept too: it is what the others are compared with.
        swept.push(seat(Kind::Variant, variant.name, defaults));
        let soa = section.soa_thresholds.iter().map(|&soa_threshold| Knobs { soa_threshold, ..defaults });
        let par = section.par_min_batches.iter().filter(|_| spreads(variant) && threads > 1);
        let par = par.map(|&par_min_batch| Knobs { par_min_batch, ..defaults });
        swept.extend(
            soa.chain(par).filter(|knobs| *knobs != defaults).map(|knobs| seat(Kind::Variant, variant.name, knobs)),
        );
    }
    let with_knobs = |seat: &Seat| seat.point.knobs != defaults;
    if swept.is_empty() || (sweeps_knobs && !swept.iter().any(with_knobs)) {
        return None;
    }
    let plain = if sweeps_knobs { Kind::Reference } else { Kind::Variant };
    let mut seats = vec![seat(plain, REFERENCE, defaults), seat(Kind::Control, REFERENCE, defaults)];
    // There is no floor of handing work to other threads.
    if threads == 1 {
        seats.push(seat(Kind::Floor, "floor", defaults));
    }
    seats.push(seat(Kind::Classic, CLASSIC, defaults));
    seats.extend(swept);
    Some(Contest { seats })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sweep::plan::{BuiltIn, Plan};

    fn panels(which: BuiltIn, all_threads: usize) -> Vec<Panel> {
        Plan::built_in(which, all_threads).unwrap().panels()
    }

    fn seats(panels: &[Panel]) -> impl Iterator<Item = &Seat> {
        panels.iter().flat_map(|panel| panel.contests.iter().flat_map(|contest| &contest.seats))
    }

    #[test]
    fn a_quick_sweep_has_every_variant_corpus_and_batch_and_every_composition() {
        let panels = panels(BuiltIn::Quick, 2);
        let named = ron_auth_variants::catalogue();
        for (variants, batches) in
            [(&named[..], &[1, 8, 64, 256, 1024][..]), (ron_auth_variants::compositions(), &[1, 64])]
        {
            for variant in variants {
                for corpus in ["light", "heavy", "mixed"] {
                    for &batch in batches {
                        let is_here = |seat: &Seat| {
                            (seat.variant.as_str(), seat.point.corpus.as_str(), seat.point.batch)
                                == (variant.name, corpus, batch)
                        };
                        assert!(seats(&panels).any(is_here), "{} {corpus} {batch}", variant.name);
                    }
                }
            }
        }
        for variant in &named {
            for (corpus, batch) in
                [("scattered-light", 1), ("scattered-light", 64), ("scattered-heavy", 1), ("scattered-heavy", 64)]
            {
                let is_here = |seat: &Seat| {
                    (seat.variant.as_str(), seat.point.corpus.as_str(), seat.point.batch)
                        == (variant.name, corpus, batch)
                };
                assert!(seats(&panels).any(is_here), "{} {corpus} {batch}", variant.name);
            }
        }
    }

    #[test]
    fn every_contest_begins_with_plain_and_its_control_at_default_knobs_and_has_classic_in_it() {
        for panel in panels(BuiltIn::Full, 4) {
            for contest in &panel.contests {
                let [plain, control, rest @ ..] = &contest.seats[..] else { panic!("{contest:?}") };
                assert_eq!((plain.variant.as_str(), control.kind), (REFERENCE, Kind::Control));
                assert_eq!(plain.point, control.point);
                assert_eq!(plain.point.knobs, Knobs::defaults(plain.point.knobs.threads));
                assert!(rest.iter().all(|seat| seat.point.batch == plain.point.batch), "{contest:?}");
                let classic: Vec<&Seat> = rest.iter().filter(|seat| seat.variant == CLASSIC).collect();
                assert!(matches!(classic[..], [seat] if seat.kind == Kind::Classic && seat.point == plain.point));
            }
        }
    }

    #[test]
    fn threads_and_par_min_batch_are_swept_only_where_they_can_matter() {
        let spreads = |seat: &Seat| {
            ron_auth_variants::find(&seat.variant).is_ok_and(|variant| variant.is_parallel()) && seat.point.batch > 1
        };
        let panels_of_4 = panels(BuiltIn::Full, 4);
        for contest in panels_of_4.iter().flat_map(|panel| &panel.contests) {
            for seat in contest.seats.iter().filter(|seat| seat.kind == Kind::Variant) {
                let Knobs { par_min_batch, threads, .. } = seat.point.knobs;
                assert!(threads == 1 || contest.seats.iter().any(spreads), "{contest:?}");
                assert!(par_min_batch == Knobs::defaults(1).par_min_batch || spreads(seat), "{seat:?}");
            }
        }
        assert!(seats(&panels(BuiltIn::Full, 1)).all(|seat| seat.point.knobs.threads == 1));
    }

    #[test]
    fn nobody_sits_twice_in_a_contest() {
        for panel in panels(BuiltIn::Full, 2) {
            for contest in &panel.contests {
                for (index, seat) in contest.seats.iter().enumerate() {
                    assert!(!contest.seats[..index].contains(seat), "{seat:?}");
                }
            }
        }
    }
}
