//! The advice compared with another run: is what it chose still among the best?

use fairbench::measure::stats::PairedRatio;

use super::ranking::Ranking;
use super::{Advice, NoAdvice};
use crate::run::compositions::Compositions;
use crate::run::{Point, Run};

/// How the advice stands in another run.
#[derive(Clone, Debug)]
pub struct Held {
    /// Whether the chosen composition is the fastest there, or cannot be told from it.
    pub holds: bool,
    /// The point at which both were measured.
    pub point: Point,
    /// Name of the composition that the advice chose.
    pub chosen: String,
    /// Name of the fastest safe composition of the other run.
    pub fastest: String,
    /// Time of the chosen / time of the fastest in the other run, with its 95 % interval.
    pub to_fastest: PairedRatio,
    /// Whether the other run was made on another host or by another build.
    pub is_elsewhere: bool,
}

/// Looks up in `other`, at the advice's point, what the advice chose. Knobs that the advice changes do not matter:
/// compositions are compared at default knobs.
///
/// # Errors
/// The other run did not measure this point, not long enough, or not well enough.
pub fn hold(advice: &Advice, other: &Run) -> Result<Held, NoAdvice> {
    let groups = other.compositions();
    let is_there = |group: &&Compositions<'_>| group.is_at_default_knobs && group.point.work() == advice.point.work();
    let rankings = groups.iter().filter(is_there).filter_map(Ranking::of);
    let most_blocks = |ranking: &Result<Ranking<'_, '_>, NoAdvice>| ranking.as_ref().map_or(0, Ranking::blocks);
    let not_measured = || NoAdvice::not_measured(&advice.question, &groups);
    let ranking = rankings.max_by_key(most_blocks).ok_or_else(not_measured)??;
    let (own, fastest) = ranking.find(advice.chosen.variant.seams).zip(ranking.all.first()).ok_or_else(not_measured)?;
    Ok(Held {
        holds: !own.is_slower,
        point: advice.point.clone(),
        chosen: own.name(),
        fastest: fastest.name(),
        to_fastest: own.candidate.to_fastest,
        is_elsewhere: other.header.host.fingerprint() != advice.host.fingerprint(),
    })
}

impl Held {
    /// The outcome in one sentence.
    #[must_use]
    pub fn sentence(&self) -> String {
        let Self { point, chosen, fastest, to_fastest, .. } = self;
        let how = match (chosen == fastest, self.holds) {
            (true, _) => format!("holds: `{chosen}` is the fastest safe composition there too"),
            (_, true) => format!(
                "holds: `{chosen}` cannot be told from the fastest there, `{fastest}` ({} time)",
                to_fastest.percent()
            ),
            (_, false) => {
                format!("does not hold: `{chosen}` is slower than `{fastest}` there, {}", to_fastest.percent())
            }
        };
        let elsewhere = if self.is_elsewhere { " (another host or build)" } else { "" };
        format!("Against the other run{elsewhere}, on {point}, the advice {how}.")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::recommend::advise;
    use crate::recommend::tests::question;
    use crate::run::simulated::{Truth, run};

    fn held(other: &Truth) -> Held {
        let truth = Truth { tls_scratch: 1.0, ..Truth::default() };
        hold(&advise(&run(&truth, 24), &question(64)).unwrap(), &run(other, 24)).unwrap()
    }

    #[test]
    fn advice_that_another_run_confirms_holds() {
        let held = held(&Truth { tls_scratch: 1.0, lanes: 0.6, ..Truth::default() });
        assert!(held.holds && !held.is_elsewhere, "{held:?}");
        assert!(
            held.sentence().contains("the advice holds: `simd-b64+minicbor-zerocopy+lanes`"),
            "{}",
            held.sentence()
        );
    }

    #[test]
    fn advice_that_another_run_contradicts_does_not_hold_and_says_by_how_much() {
        let held = held(&Truth { tls_scratch: 0.9, ..Truth::default() });
        assert!(!held.holds);
        let said = held.sentence();
        assert!(
            said.contains("does not hold") && said.contains("there, +11.") && said.contains("+tls-scratch`"),
            "{said}"
        );
    }

    #[test]
    fn a_run_without_the_point_says_so() {
        let advice = advise(&run(&Truth::default(), 24), &question(64)).unwrap();
        let mut other = run(&Truth::default(), 24);
        other.blocks.clear();
        assert!(matches!(hold(&advice, &other), Err(NoAdvice::NotMeasured { .. })));
    }
}
