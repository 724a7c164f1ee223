//! What each seam is worth, and what seams are worth together: the 2⁵ compositions as a factorial experiment.
//!
//! | file | holds |
//! |---|---|
//! | `contrast` | the arithmetic, block by block |
//! | `words` | effects as a sentence, and as a table |

mod contrast;
mod words;

use fairbench::measure::stats::{PairedRatio, median};
use ron_auth_catalogue::{Variant, compositions};
pub use words::table;

use self::contrast::contrast;
use crate::run::compositions::LEAST_DIFFERENCE;
use crate::run::measured::{ratio, ratio_of_many};
use crate::run::{MeasuredArm, Point, Run};

/// What the seams are worth at one point.
#[derive(Clone, Debug)]
pub struct Effects {
    /// The point at which they were measured.
    pub point: Point,
    /// Number of blocks that the effects rest on.
    pub blocks: usize,
    /// The effect of each seam, in the order of the work: Base64, decode, MAC, execute, scratch.
    pub main: Vec<Effect>,
    /// Pairs of seams that matter together, the largest first: the interval, widened for all ten pairs that are looked
    /// at, lies more than [`LEAST_DIFFERENCE`] from 1.
    pub interactions: Vec<Effect>,
    /// Whether there were blocks enough (nine) for such wide intervals. If not, `interactions` is empty because none
    /// can be told.
    pub pairs_can_be_told: bool,
    /// Time with all five backends / time with none, and what that would be if each were worth what it is worth alone,
    /// which shows how far the seams add up. `None` with too few blocks.
    pub together: Option<(PairedRatio, f64)>,
}

/// What the backend of one seam is worth, or those of two together.
#[derive(Clone, Debug, PartialEq)]
pub struct Effect {
    /// The backends that take the place of plain's: one for a main effect, two for an interaction.
    pub backends: Vec<&'static str>,
    /// Factor on the time, geometric mean over all settings of the other seams: below 1 is faster. For an interaction:
    /// time of both / what the time would be if each were worth as much as without the other.
    pub ratio: PairedRatio,
}

/// Computes the effects at each point at which all compositions were measured in at least six blocks.
#[must_use]
pub fn effects(run: &Run) -> Vec<Effects> {
    let found = run.compositions();
    found.iter().filter_map(|group| at(group.point, &group.all(|_| true)?)).collect()
}

fn at(point: &Point, arms: &[(Variant, &MeasuredArm<'_>)]) -> Option<Effects> {
    let (_, none) = arms.first()?;
    let (all, with_all) = arms.last()?;
    let backends = all.seams.backends();
    let interactions = interactions(arms, &pairs(&backends));
    let main = |backend| Some(Effect { backends: vec![backend], ratio: ratio(&contrast(arms, &[backend]))? });
    let alone = |backend| {
        let (_, arm) = arms.iter().find(|(variant, _)| variant.seams.beyond_plain() == [backend])?;
        Some(median(&arm.log_to(none)?))
    };
    Some(Effects {
        point: point.clone(),
        blocks: none.blocks(),
        main: backends.into_iter().map(main).collect::<Option<_>>()?,
        pairs_can_be_told: interactions.is_some(),
        interactions: interactions.unwrap_or_default(),
        together: with_all.to(none).zip(backends.into_iter().map(alone).sum::<Option<f64>>().map(f64::exp)),
    })
}

/// Computes the interactions of these pairs; `None` with too few blocks to tell.
fn interactions(arms: &[(Variant, &MeasuredArm<'_>)], pairs: &[[&'static str; 2]]) -> Option<Vec<Effect>> {
    let mut found = Vec::new();
    for pair in pairs {
        let log_ratios = contrast(arms, pair);
        if ratio_of_many(&log_ratios, pairs.len())?.excludes_one_by(LEAST_DIFFERENCE) {
            found.push(Effect { backends: pair.to_vec(), ratio: ratio(&log_ratios)? });
        }
    }
    let size = |effect: &Effect| effect.ratio.estimate.ln().abs();
    found.sort_by(|a, b| size(b).total_cmp(&size(a)));
    Some(found)
}

fn pairs(backends: &[&'static str]) -> Vec<[&'static str; 2]> {
    let first = backends.iter().enumerate();
    first.flat_map(|(index, &one)| backends.iter().skip(index + 1).map(move |&other| [one, other])).collect()
}

/// The backends of the composition that has all of them, in the order of the seams.
fn all_backends() -> Vec<&'static str> {
    compositions().last().map(|all| all.seams.backends().to_vec()).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::run::simulated::{self, Truth, group, point, run_of, time_of};
    use crate::run::{ComparisonGroup, Panel};

    pub(super) fn of(truth: &Truth, blocks: usize) -> Vec<Effects> {
        effects(&simulated::run(truth, blocks))
    }

    fn assert_near(ratio: PairedRatio, expected: f64) {
        assert!((ratio.estimate / expected).ln().abs() < 0.004, "{ratio}, expected {expected}");
        assert!(ratio.lower <= ratio.estimate && ratio.estimate <= ratio.upper, "{ratio}");
    }

    #[test]
    fn every_seam_is_worth_what_it_truly_is() {
        let found = of(&Truth::default(), 12);
        assert_eq!(found.iter().map(|effects| effects.point.batch).collect::<Vec<_>>(), [1, 64]);
        // Half of the compositions with lanes have parallel as well, and so have a half of the factor 1.1 in the mean.
        let half = 1.1_f64.sqrt();
        for effects in &found {
            assert_eq!(effects.main.len(), 5);
            for (effect, (backend, expected)) in effects.main.iter().zip([
                ("simd-b64", 0.8),
                ("minicbor-zerocopy", 0.4),
                ("lanes", 0.5 * half),
                ("parallel", half),
                ("tls-scratch", 0.98),
            ]) {
                assert_eq!(effect.backends, [backend]);
                assert_near(effect.ratio, expected);
            }
        }
    }

    #[test]
    fn the_only_interaction_is_found_and_comes_out_as_it_is() {
        for effects in of(&Truth::default(), 12) {
            let [found] = &effects.interactions[..] else { panic!("{effects:?}") };
            assert_eq!(found.backends, ["lanes", "parallel"]);
            assert_near(found.ratio, 1.1);
        }
    }

    #[test]
    fn without_interactions_none_is_found_and_seams_add_up() {
        for effects in of(&Truth { lanes_with_parallel: 1.0, ..Truth::default() }, 24) {
            assert_eq!(effects.interactions, []);
            let (together, alone) = effects.together.unwrap();
            assert_near(together, 0.8 * 0.4 * 0.5 * 0.98);
            assert!((together.estimate / alone).ln().abs() < 0.01, "{together} {alone}");
        }
    }

    #[test]
    fn an_interaction_below_one_percent_does_not_matter() {
        for effects in of(&Truth { lanes_with_parallel: 1.005, noise: 0.0005, ..Truth::default() }, 24) {
            assert_eq!(effects.interactions, []);
        }
    }

    #[test]
    fn several_interactions_come_largest_first() {
        let truth = Truth::default();
        let panels = vec![Panel {
            section: "compositions".to_owned(),
            groups: vec![group(compositions(), &point("light", 64, 1))],
        }];
        let time = |arm: &crate::run::SweepArm| {
            let both = arm.variant.contains("simd-b64") && arm.variant.contains("tls-scratch");
            time_of(&truth, &arm.variant) * if both { 0.7 } else { 1.0 }
        };
        let found = effects(&run_of(panels, &truth, &time, 12));
        let interactions = &found[0].interactions;
        let pairs: Vec<_> = interactions.iter().map(|effect| effect.backends.join(" ")).collect();
        assert_eq!(pairs, ["simd-b64 tls-scratch", "lanes parallel"]);
        assert_near(interactions[0].ratio, 0.7);
    }

    #[test]
    fn too_few_blocks_give_no_interactions_and_fewer_no_effects() {
        assert!(of(&Truth::default(), 9).iter().all(|effects| effects.pairs_can_be_told));
        assert!(of(&Truth::default(), 8).iter().all(|effects| !effects.pairs_can_be_told));
        assert_eq!(of(&Truth::default(), 5).len(), 0);
    }

    #[test]
    fn a_point_without_all_32_has_no_effects() {
        let groups: Vec<ComparisonGroup> = vec![group(&compositions()[1..], &point("light", 64, 1))];
        let panels = vec![Panel { section: "compositions".to_owned(), groups }];
        assert_eq!(effects(&run_of(panels, &Truth::default(), &|_| 1.0, 12)).len(), 0);
    }
}
