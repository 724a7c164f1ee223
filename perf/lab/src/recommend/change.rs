//! What would change the advice: the same question, asked about everything else that the run measured.

use fairbench::measure::stats::PairedRatio;
use ron_auth_catalogue::{ExecuteChoice, MacChoice, Seams};

use super::ranking::{Ranked, Ranking};
use crate::run::compositions::LEAST_DIFFERENCE;
use crate::run::{Compositions, MeasuredArm, Point, Run};

/// Everything that can be asked about.
pub(super) struct Evidence<'a, 'r> {
    pub(super) run: &'r Run,
    pub(super) all: &'a [MeasuredArm<'r>],
    pub(super) groups: &'a [Compositions<'r>],
}

/// One sentence for each circumstance that the run says something about.
pub(super) fn would_change(
    evidence: &Evidence<'_, '_>,
    ranking: &Ranking<'_, '_>,
    winner: &Ranked<'_, '_>,
) -> Vec<String> {
    let mut sentences = other_points(evidence.groups, ranking.point, winner);
    sentences.extend(if_cores_are_busy(ranking, winner));
    sentences.extend(without_avx512(evidence, ranking, winner));
    sentences
}

/// Other batches, threads and corpora, one of them at a time.
fn other_points(groups: &[Compositions<'_>], at: &Point, winner: &Ranked<'_, '_>) -> Vec<String> {
    let mut sentences = Vec::new();
    let mut same = Vec::new();
    for group in groups.iter().filter(|group| group.is_at_default_knobs && differs_in_one(group.point, at)) {
        let Some(Ok(there)) = Ranking::of(group) else { continue };
        let Some((own, chosen)) = there.find(winner.candidate.variant.seams).zip(there.chosen()) else { continue };
        if own.is_slower {
            sentences.push(format!(
                "On {}: run `{}` instead; `{}` against the fastest there: {} time.",
                there.point,
                chosen.name(),
                own.name(),
                own.candidate.to_fastest.percent()
            ));
        } else if !same.contains(&there.point.to_string()) {
            same.push(there.point.to_string());
        }
    }
    if !same.is_empty() {
        sentences.push(format!("The advice is the same on {}: nothing is measurably faster there.", same.join("; ")));
    }
    sentences
}

/// Whether one thing is different: the corpus, the batch or the threads. Single tokens have one thread anyway.
fn differs_in_one(other: &Point, at: &Point) -> bool {
    let is_single = other.batch == 1 || at.batch == 1;
    let threads = other.knobs.threads != at.knobs.threads;
    let differences = [other.corpus != at.corpus, other.batch != at.batch, threads && !is_single];
    let needless = other.batch == 1 && other.knobs.threads > 1;
    !needless && differences.into_iter().filter(|differs| *differs).count() == 1
}

/// A batch that is spread is done sooner, but takes more of the cores' time.
fn if_cores_are_busy(ranking: &Ranking<'_, '_>, winner: &Ranked<'_, '_>) -> Option<String> {
    let threads = ranking.point.knobs.threads;
    let seams = winner.candidate.variant.seams;
    let alone = ranking.find(Seams { execute: ExecuteChoice::Sequential, ..seams })?;
    let slower = alone.to(winner).filter(|ratio| threads > 1 && ratio.lower > 1.0 + LEAST_DIFFERENCE)?;
    let core_time = scaled(slower, 1.0 / threads as f64);
    (core_time.upper < 1.0 / (1.0 + LEAST_DIFFERENCE)).then(|| {
        format!(
            "If all cores are busy with calls anyway: run `{}`. A call then takes longer ({}), but costs less time of \
             the cores ({}).",
            alone.name(),
            slower.percent(),
            core_time.percent()
        )
    })
}

/// `prod` with lanes held to AVX2, beside what it costs to do without lanes.
fn without_avx512(evidence: &Evidence<'_, '_>, ranking: &Ranking<'_, '_>, winner: &Ranked<'_, '_>) -> Option<String> {
    let seams = winner.candidate.variant.seams;
    if evidence.run.header.host.simd_path != "avx512" || seams.mac != MacChoice::Lanes {
        return None;
    }
    if let Some(left_out) = evidence.run.header.unavailable.iter().find(|left_out| left_out.variant == "prod-avx2") {
        let reason = &left_out.reason;
        return Some(format!("On a processor without AVX-512: n/a, as `prod-avx2` could not be measured ({reason})."));
    }
    let named = |name: &'static str| {
        evidence.all.iter().filter(move |arm| arm.arm.variant == name && arm.point() == ranking.point)
    };
    let avx2 = named("prod-avx2").find_map(|avx2| named("prod").find_map(|prod| avx2.to(prod)))?;
    let without_lanes = ranking.find(Seams { mac: MacChoice::Serial, ..seams })?.to(winner)?;
    let conclusion = if avx2.upper < without_lanes.lower {
        "lanes are still worth it"
    } else if avx2.lower > without_lanes.upper {
        "lanes are not worth it"
    } else {
        "it cannot be told whether lanes are still worth it"
    };
    Some(format!(
        "On a processor without AVX-512: held to AVX2, lanes cost `prod` {} time here, and doing without lanes costs {}: \
         {conclusion}.",
        avx2.percent(),
        without_lanes.percent()
    ))
}

fn scaled(PairedRatio { estimate, lower, upper }: PairedRatio, factor: f64) -> PairedRatio {
    PairedRatio { estimate: estimate * factor, lower: lower * factor, upper: upper * factor }
}

#[cfg(test)]
mod tests {
    use ron_auth_catalogue::compositions;

    use crate::recommend::tests::{question, run_at};
    use crate::recommend::{Question, advise};
    use crate::run::simulated::{self, Truth, group, point, run_of, time_of};
    use crate::run::{Panel, Run, SweepArm, Unavailable};

    fn said(run: &Run, batch: usize, cores: usize) -> Vec<String> {
        advise(run, &Question { cores, ..question(batch) }).unwrap().would_change
    }

    #[test]
    fn a_batch_at_which_another_composition_wins_is_named_with_the_price_of_the_advice() {
        let truth = Truth::default();
        let groups = [1, 64, 256].map(|batch| group(compositions(), &point("light", batch, 1))).to_vec();
        let panels = vec![Panel { section: "compositions".to_owned(), groups }];
        let time = |arm: &SweepArm| {
            // Lanes cost single tokens a little.
            let lost = if arm.point.batch == 1 && arm.variant.contains("lanes") { 2.2 } else { 1.0 };
            time_of(&truth, &arm.variant) * lost
        };
        let sentences = said(&run_of(panels, &truth, &time, 24), 64, 1);
        let [other, same] = &sentences[..] else { panic!("{sentences:?}") };
        assert!(
            other.starts_with("On light, batch 1, 1 thread: run `simd-b64+minicbor-zerocopy+tls-scratch`"),
            "{other}"
        );
        assert!(other.contains("+10.") || other.contains("+9."), "{other}");
        assert_eq!(same, "The advice is the same on light, batch 256, 1 thread: nothing is measurably faster there.");
    }

    #[test]
    fn on_several_threads_leaving_batches_unspread_is_weighed_in_core_time() {
        let truth = Truth { lanes_with_parallel: 1.0, ..Truth::default() };
        let run = run_at(&[point("light", 256, 1), point("light", 256, 2)], &truth, 24);
        let sentences = said(&run, 256, 2);
        assert!(sentences.iter().any(|said| said.starts_with("If all cores are busy") && said.contains("(−9.")));
        assert!(!said(&run, 256, 1).iter().any(|said| said.contains("busy")));
        assert!(sentences.iter().any(|said| said.starts_with("The advice is the same on light, batch 256, 1 thread")));
    }

    #[test]
    fn the_avx2_variant_says_whether_lanes_stay_worth_it() {
        let mut run = simulated::run(&Truth::default(), 24);
        run.header.host.simd_path = "avx512".to_owned();
        let sentence = |run: &Run| said(run, 64, 1).into_iter().find(|said| said.contains("AVX-512"));
        // prod has parallel beside lanes, which costs it 1.1; lanes-avx2 beside parallel does not in the simulation.
        let found = sentence(&run).unwrap();
        assert!(found.contains("cost `prod` +9.") && found.ends_with("lanes are still worth it."), "{found}");
        let mut left_out = run.clone();
        let (variant, reason) = ("prod-avx2".to_owned(), "built otherwise".to_owned());
        left_out.header.unavailable.push(Unavailable { variant, reason, points: Vec::new() });
        assert!(sentence(&left_out).unwrap().contains("n/a, as `prod-avx2` could not be measured (built otherwise)"));
        run.header.host.simd_path = "avx2".to_owned();
        assert_eq!(sentence(&run), None);
        let mut slow = simulated::run(&Truth { lanes: 1.0 / 1.06, ..Truth::default() }, 24);
        slow.header.host.simd_path = "avx512".to_owned();
        assert!(sentence(&slow).unwrap().ends_with("lanes are not worth it."));
    }
}
