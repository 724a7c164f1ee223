//! The composition that was picked for a workload.

use fairbench::measure::stats::{PairedRatio, Quartiles};
use ron_auth_catalogue::{DecodeChoice, ExecuteChoice, MacChoice, Seams, find};

use crate::catalogue::{CLASSIC, REFERENCE};
use crate::recommend::{Advice, Candidate};
use crate::report::data::{Data, is_plain};
use crate::run::{MeasuredArm, Point};

/// A verifier that picks are compared with: what is deployed elsewhere, or what is written as plainly as can be.
pub struct Reference {
    /// Name of its variant.
    pub name: &'static str,
    /// Core time of the pick / core time of the reference, with its 95 % interval; `None` if the reference was not
    /// measured beside it. A batch that is spread takes the time of all its cores.
    pub of: fn(&Pick) -> Option<PairedRatio>,
}

/// The references, in the order of the columns: first what is deployed, then what is obviously right.
const REFERENCES: &[Reference] =
    &[Reference { name: CLASSIC, of: |pick| pick.to_classic }, Reference { name: REFERENCE, of: |pick| pick.to_plain }];

/// The references that at least one of these picks was measured beside. Runs from before there was a `classic` lack it.
#[must_use]
pub fn references(picks: &[Pick]) -> Vec<&'static Reference> {
    REFERENCES.iter().filter(|reference| picks.iter().any(|pick| (reference.of)(pick).is_some())).collect()
}

/// A composition that was picked for a workload.
#[derive(Clone, Debug)]
pub struct Pick {
    /// The workload, and the threads that it was measured on.
    pub point: Point,
    /// Name of the composition.
    pub composition: String,
    /// Tokens per second and core, over blocks.
    pub tokens_per_second_per_core: Quartiles,
    /// The fastest that does other work and is measurably slower; `None` if there is none.
    pub next: Option<Next>,
    /// Names of those that do other work and cannot be told from it.
    pub tied: Vec<String>,
    /// Core time / core time of `classic`, with its 95 % interval; `None` if that was not measured beside it.
    pub to_classic: Option<PairedRatio>,
    /// Core time / core time of `plain`, with its 95 % interval.
    pub to_plain: Option<PairedRatio>,
    /// All contenders that it was picked from, including itself.
    pub contenders: Vec<Contender>,
}

/// The next best after a pick.
#[derive(Clone, Debug)]
pub struct Next {
    /// Name of the composition.
    pub name: String,
    /// The backends that it has less or more than the pick.
    pub difference: BackendDifference,
    /// Its time / time of the pick, with its 95 % interval.
    pub ratio: PairedRatio,
}

/// A composition that a pick was made from.
#[derive(Clone, Debug)]
pub struct Contender {
    /// Name of the composition.
    pub name: String,
    /// Number of backends beyond those of `plain`.
    pub backends: usize,
    /// Whether it is measurably slower than the fastest.
    pub is_slower: bool,
    /// Its time / time of the fastest, with its 95 % interval.
    pub to_fastest: PairedRatio,
}

/// The backends that one composition has less and more than another.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BackendDifference {
    less: Vec<&'static str>,
    more: Vec<&'static str>,
}

impl BackendDifference {
    /// How `other` differs from `own`.
    fn between(own: Seams, other: Seams) -> Self {
        let (own, other) = (own.beyond_plain(), other.beyond_plain());
        let but = |one: &[&'static str], not: &[&'static str]| -> Vec<&'static str> {
            one.iter().copied().filter(|backend| !not.contains(backend)).collect()
        };
        Self { less: but(&own, &other), more: but(&other, &own) }
    }

    /// The difference in words, such as `without lanes and tls-scratch, with parallel`.
    #[must_use]
    pub fn words(&self) -> String {
        let part = |word: &str, backends: &[&str]| match backends {
            [] => None,
            _ => Some(format!("{word} {}", backends.join(" and "))),
        };
        let parts = [part("without", &self.less), part("with", &self.more)];
        parts.into_iter().flatten().collect::<Vec<_>>().join(", ")
    }

    /// The difference in signs, such as `−lanes −tls-scratch +parallel`.
    #[must_use]
    pub fn signs(&self) -> String {
        let less = self.less.iter().map(|backend| format!("−{backend}"));
        less.chain(self.more.iter().map(|backend| format!("+{backend}"))).collect::<Vec<_>>().join(" ")
    }
}

impl Pick {
    /// Whether the pick alone is measurably the fastest.
    #[must_use]
    pub fn leads(&self) -> bool {
        self.tied.is_empty() && self.next.as_ref().is_none_or(|next| next.ratio.lower > 1.0)
    }

    pub(super) fn of_advice(advice: &Advice, data: &Data<'_>) -> Self {
        let seams_of = |name: &str| advice.ranking.iter().map(|c| c.variant.seams).find(|seams| seams.name() == name);
        let own = advice.chosen.variant.seams;
        let next = advice.next_best.as_ref().and_then(|(name, ratio)| {
            let difference = BackendDifference::between(own, seams_of(name)?);
            Some(Next { name: name.clone(), difference, ratio: *ratio })
        });
        let contender = |candidate: &Candidate| {
            let name = candidate.variant.seams.name();
            Contender {
                backends: candidate.variant.seams.beyond_plain().len(),
                is_slower: !advice.indistinguishable.contains(&name),
                to_fastest: candidate.to_fastest,
                name,
            }
        };
        Self {
            point: advice.point.clone(),
            composition: own.name(),
            tokens_per_second_per_core: advice.expected.tokens_per_second_per_core(),
            next,
            tied: advice.as_fast.clone(),
            to_classic: data
                .composed_to_classic(own, &advice.point)
                .map(|ratio| core_time(ratio, advice.expected.busy_cores)),
            to_plain: advice
                .ranking
                .iter()
                .find(|candidate| candidate.variant.seams == own)
                .map(|candidate| core_time(candidate.to_plain, advice.expected.busy_cores)),
            contenders: advice.ranking.iter().map(contender).collect(),
        }
    }
}

/// The fastest of the named variants that a service may depend on, at each point at which there are several.
pub(super) fn of_named(data: &Data<'_>) -> Vec<Pick> {
    let named: Vec<&MeasuredArm<'_>> = data.named().into_iter().filter(|arm| is_safe(arm)).collect();
    let mut points: Vec<&Point> = Vec::new();
    for arm in &named {
        if !points.contains(&arm.point()) {
            points.push(arm.point());
        }
    }
    points.into_iter().filter_map(|point| named_at(data, &named, point)).collect()
}

fn named_at(data: &Data<'_>, named: &[&MeasuredArm<'_>], point: &Point) -> Option<Pick> {
    let mut there: Vec<(&MeasuredArm<'_>, PairedRatio)> =
        named.iter().filter(|arm| arm.point() == point).filter_map(|arm| Some((*arm, arm.to_plain()?))).collect();
    there.sort_by(|(_, one), (_, other)| one.estimate.total_cmp(&other.estimate));
    let (fastest, to_plain) = *there.first()?;
    let seams = |arm: &MeasuredArm<'_>| find(&arm.arm.variant).ok().map(|variant| variant.seams);
    let own = seams(fastest)?;
    let mut pick = Pick {
        point: point.clone(),
        composition: fastest.arm.variant.clone(),
        tokens_per_second_per_core: rate(fastest, own)?,
        next: None,
        tied: Vec::new(),
        to_classic: data.to_classic(fastest).map(|ratio| core_time(ratio, busy_cores(fastest, own))),
        to_plain: Some(core_time(to_plain, busy_cores(fastest, own))),
        contenders: Vec::new(),
    };
    for (arm, _) in &there {
        let Some((ratio, other)) = arm.to(fastest).zip(seams(arm)) else { continue };
        let (name, is_slower) = (arm.arm.variant.clone(), ratio.lower > 1.0);
        let backends = other.beyond_plain().len();
        pick.contenders.push(Contender { name: name.clone(), backends, is_slower, to_fastest: ratio });
        if name == pick.composition {
            continue;
        }
        if !is_slower {
            pick.tied.push(name);
        } else if pick.next.is_none() {
            pick.next = Some(Next { name, difference: BackendDifference::between(own, other), ratio });
        }
    }
    (pick.contenders.len() > 1).then_some(pick)
}

/// Converts a ratio of times to one of core times, for a reference that keeps one core busy.
fn core_time(PairedRatio { estimate, lower, upper }: PairedRatio, busy_cores: usize) -> PairedRatio {
    let busy = busy_cores as f64;
    PairedRatio { estimate: estimate * busy, lower: lower * busy, upper: upper * busy }
}

/// Number of cores that a batch may keep busy.
fn busy_cores(arm: &MeasuredArm<'_>, seams: Seams) -> usize {
    if seams.execute == ExecuteChoice::Parallel && arm.point().batch > 1 { arm.point().knobs.threads } else { 1 }
}

/// Tokens per second and core, over blocks.
fn rate(arm: &MeasuredArm<'_>, seams: Seams) -> Option<Quartiles> {
    let busy = busy_cores(arm, seams) as f64;
    let Quartiles { q1, median, q3 } = arm.time_ns()?;
    let rate = |ns_per_token: f64| 1e9 / ns_per_token / busy;
    Some(Quartiles { q1: rate(q3), median: rate(median), q3: rate(q1) })
}

/// Whether a service may run it: it is not `plain`, does not decode as `plain` does, and is not held back to show
/// something.
fn is_safe(arm: &MeasuredArm<'_>) -> bool {
    let is_for_services = |seams: Seams| {
        matches!(seams.decode, DecodeChoice::ZeroCopy | DecodeChoice::Ciborium) && seams.mac != MacChoice::LanesAvx2
    };
    !is_plain(arm) && find(&arm.arm.variant).is_ok_and(|variant| is_for_services(variant.seams))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::run::simulated;

    #[test]
    fn a_difference_is_what_the_other_does_without_and_with() {
        let seams = |name: &str| find(name).unwrap().seams;
        let own = seams("+simd-b64+minicbor-zerocopy+lanes+tls-scratch");
        let less = BackendDifference::between(own, seams("+simd-b64+minicbor-zerocopy+lanes"));
        assert_eq!((less.words().as_str(), less.signs().as_str()), ("without tls-scratch", "−tls-scratch"));
        let other = BackendDifference::between(own, seams("+minicbor-zerocopy+parallel+tls-scratch"));
        assert_eq!(other.words(), "without simd-b64 and lanes, with parallel");
        assert_eq!(other.signs(), "−simd-b64 −lanes +parallel");
    }

    #[test]
    fn of_named_variants_the_fastest_that_a_service_may_run_is_picked_with_the_next() {
        let run = simulated::full(12);
        let picks = of_named(&Data::of(&run));
        let names: Vec<&str> = references(&picks).iter().map(|reference| reference.name).collect();
        assert_eq!(names, ["classic", "plain"]);
        assert_eq!(picks.len(), 2 * 5, "on two threads no other safe one was measured");
        for pick in &picks {
            assert_eq!(pick.composition, "prod", "{pick:?}");
            let next = pick.next.as_ref().unwrap();
            assert_eq!(next.name, "minicbor-zerocopy");
            assert!(next.ratio.lower > 1.0 && pick.leads());
        }
    }
}
