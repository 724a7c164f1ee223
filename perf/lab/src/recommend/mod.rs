//! What to run in production: the fastest safe composition for a workload, from measurements on this host.
//!
//! | file | holds |
//! |---|---|
//! | `measure` | measures what an advice rests on |
//! | `needed` | how long that takes at least |
//! | `ranking` | the safe compositions at one point, and which of them can be told from the fastest |
//! | `tuning` | knobs that are faster than the defaults |
//! | `expected` | tokens per second, core time and money |
//! | `change` | what would change the advice |
//! | `render` | the advice in words, as lines of a `Cargo.toml`, as Rust |
//! | `hold` | the advice held against another run |
//!
//! A composition is safe if it does not decode with serde_cbor, which is archived upstream (RUSTSEC-2021-0127). All
//! compositions decide alike: the run has checked that before it measured anything.

mod change;
mod expected;
mod hold;
mod measure;
mod needed;
mod ranking;
mod render;
mod tuning;

use fairbench::host::Host;
use fairbench::measure::stats::PairedRatio;
use ron_auth_catalogue::Variant;

pub use self::expected::Expected;
pub use self::hold::{Held, hold};
pub use self::measure::measured;
pub use self::needed::Budget;
use self::ranking::{Ranked, Ranking, is_safe};
pub use self::tuning::Tuned;
use crate::catalogue::Knobs;
use crate::corpus::Source;
use crate::run::{Compositions, Point, Run};

/// The workload that is asked about.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Question {
    /// Name of a fixture, or path of a corpus file.
    pub corpus: String,
    /// Number of tokens per call.
    pub batch: usize,
    /// Number of cores that the service may use.
    pub cores: usize,
}

/// A composition that was measured, with its knobs.
#[derive(Clone, Debug)]
pub struct Candidate {
    /// The composition.
    pub variant: Variant,
    /// The knobs that it was measured with.
    pub knobs: Knobs,
    /// Time / time of the fastest, with its 95 % interval, at default knobs.
    pub to_fastest: PairedRatio,
    /// Time / time of `plain`, with its 95 % interval, at default knobs.
    pub to_plain: PairedRatio,
    /// Time per token, in nanoseconds, median over blocks.
    pub ns_per_token: f64,
}

/// The advice for a workload.
#[derive(Clone, Debug)]
pub struct Advice {
    /// The workload that was asked about.
    pub question: Question,
    /// The point at which it was measured.
    pub point: Point,
    /// The composition to run: of those that cannot be told from the fastest, the one with the fewest features.
    pub chosen: Candidate,
    /// The chosen knobs beside the default ones; `None` if the defaults are chosen.
    pub tuned: Option<Tuned>,
    /// All safe compositions at default knobs, fastest first, the chosen one among them.
    pub ranking: Vec<Candidate>,
    /// Names of those that cannot be told from the fastest, including itself and the chosen one.
    pub indistinguishable: Vec<String>,
    /// Those of them that do other work than the chosen one. On one thread, where nothing is spread, one that differs
    /// from another only in `execute` does not.
    pub as_fast: Vec<String>,
    /// The fastest that does other work and can be told from the fastest, with time / time of the chosen one.
    pub next_best: Option<(String, PairedRatio)>,
    /// The fastest composition that is not safe, with time / time of the chosen one; `None` if none was measured.
    pub excluded: Option<(String, PairedRatio)>,
    /// What to expect from the chosen composition.
    pub expected: Expected,
    /// Price of an hour of one core, in any currency; `None` if no costs are asked for.
    pub price_per_core_hour: Option<f64>,
    /// What would change the advice, one sentence each.
    pub would_change: Vec<String>,
    /// Reasons to be careful with the advice, one sentence each.
    pub warnings: Vec<String>,
    /// Number of blocks that the advice rests on.
    pub blocks: usize,
    /// Time when its run began, UTC, RFC 3339.
    pub measured_utc: String,
    /// The host that it was measured on.
    pub host: Host,
}

/// The reason why there is no advice.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum NoAdvice {
    /// The run holds no compositions on this workload.
    #[error(
        "the run did not measure all safe compositions on {}, batch {}, with {} or fewer threads; it measured them on \
         {measured}; {}",
        .wanted.corpus, .wanted.batch, .wanted.cores, how_to_measure(.wanted, *.is_measurable)
    )]
    NotMeasured {
        /// The workload that was asked about.
        wanted: Question,
        /// Points at which the run did measure compositions, separated by semicolons.
        measured: String,
        /// Whether the corpus can be had here, so that it could be measured.
        is_measurable: bool,
    },
    /// Too few blocks to tell so many compositions apart.
    #[error(
        "{point}: {blocks} blocks are too few to tell {compositions} compositions apart with 95 % confidence; 10 or more \
         are needed: give `cargo lab sweep` more time"
    )]
    TooFewBlocks {
        /// The point that was measured.
        point: Point,
        /// Number of blocks that there are.
        blocks: usize,
        /// Number of compositions that are compared.
        compositions: usize,
    },
    /// `plain` could be told from `plain`, so nothing else that was measured with it counts.
    #[error("{point}: plain took {control} times as long as itself; measure again when the machine is quieter")]
    ControlOff {
        /// The point that was measured.
        point: Point,
        /// `plain` / `plain` with its interval.
        control: PairedRatio,
    },
    /// It was not checked whether the compositions decide alike.
    #[error("the run did not check that variants decide alike before it measured them; `cargo lab sweep` does")]
    Unchecked,
}

impl NoAdvice {
    fn not_measured(wanted: &Question, groups: &[Compositions<'_>]) -> Self {
        Self::NotMeasured {
            wanted: wanted.clone(),
            measured: points_of_safe_compositions(groups),
            is_measurable: wanted.corpus.parse::<Source>().is_ok(),
        }
    }
}

fn how_to_measure(Question { corpus, batch, cores }: &Question, is_measurable: bool) -> String {
    if is_measurable {
        format!("`cargo lab recommend --corpus {corpus} --batch {batch} --cores {cores}` measures them")
    } else {
        format!("ask about one of these, since {corpus} is not there to be measured")
    }
}

/// Draws the advice from a run's measurements.
///
/// One core is answered by what was measured on one thread. More are answered by the group with as many threads, or
/// with the most below that, except for single tokens, which nothing spreads.
///
/// # Errors
/// The run did not measure this workload, not long enough, or not well enough.
pub fn advise(run: &Run, question: &Question) -> Result<Advice, NoAdvice> {
    if run.header.checked_cells == 0 {
        return Err(NoAdvice::Unchecked);
    }
    let all = run.measured();
    let groups = run.compositions();
    let not_measured = || NoAdvice::not_measured(question, &groups);
    let group = measured_for(&groups, question).ok_or_else(not_measured)?;
    let ranking = Ranking::of(group).ok_or_else(not_measured)??;
    let winner = ranking.chosen().ok_or_else(not_measured)?;

    let mut chosen = winner.candidate.clone();
    let mut time_ns = winner.time_ns;
    let tuned = tuning::tuned(&all, &chosen.variant, group.point);
    if let Some(tuned) = tuned {
        (chosen.knobs, chosen.ns_per_token, time_ns) = (tuned.knobs, tuned.time_ns.median, tuned.time_ns);
    }
    let in_the_race = ranking.all.iter().filter(|ranked| !ranked.is_slower);
    let (slower, as_fast): (Vec<_>, Vec<_>) = ranking.others(winner).partition(|ranked| ranked.is_slower);
    Ok(Advice {
        question: question.clone(),
        point: group.point.clone(),
        expected: Expected::new(time_ns, &chosen, question),
        chosen,
        tuned,
        ranking: ranking.all.iter().map(|ranked| ranked.candidate.clone()).collect(),
        indistinguishable: in_the_race.map(Ranked::name).collect(),
        as_fast: as_fast.into_iter().map(Ranked::name).collect(),
        next_best: slower.first().and_then(|next| Some((next.name(), next.to(winner)?))),
        excluded: fastest_unsafe(group, winner),
        price_per_core_hour: None,
        would_change: change::would_change(&change::Evidence { run, all: &all, groups: &groups }, &ranking, winner),
        warnings: warnings(run, group.point, question),
        blocks: ranking.blocks(),
        measured_utc: run.header.started_utc.clone(),
        host: run.header.host.clone(),
    })
}

/// The measurements that the question is answered from.
fn measured_for<'a, 'r>(groups: &'a [Compositions<'r>], question: &Question) -> Option<&'a Compositions<'r>> {
    // A single token is never spread.
    let most_threads = if question.batch == 1 { 1 } else { question.cores };
    groups
        .iter()
        .filter(|group| {
            let Point { corpus, batch, knobs } = group.point;
            (corpus, *batch) == (&question.corpus, question.batch) && knobs.threads <= most_threads
        })
        .filter(|group| group.is_at_default_knobs)
        .filter_map(|group| Some((group.all(is_safe)?.first()?.1.blocks(), group)))
        .max_by_key(|(blocks, group)| (group.point.knobs.threads, *blocks))
        .map(|(_, group)| group)
}

/// The points at which safe compositions were measured, as text for people.
fn points_of_safe_compositions(groups: &[Compositions<'_>]) -> String {
    let mut points: Vec<String> =
        groups.iter().filter(|group| group.all(is_safe).is_some()).map(|group| group.point.to_string()).collect();
    points.dedup();
    if points.is_empty() { "no workload".to_owned() } else { points.join("; ") }
}

/// The fastest composition that is not safe, with its ratio to the winner.
fn fastest_unsafe(group: &Compositions<'_>, winner: &Ranked<'_, '_>) -> Option<(String, PairedRatio)> {
    let arms = group.all(|variant| !is_safe(variant))?;
    let ratios = arms.iter().filter_map(|(variant, arm)| Some((variant.seams.name(), arm.to(winner.arm)?)));
    ratios.min_by(|(_, a), (_, b)| a.estimate.total_cmp(&b.estimate))
}

fn warnings(run: &Run, point: &Point, question: &Question) -> Vec<String> {
    let mut warnings = Vec::new();
    if run.header.host.build != "release" {
        warnings.push("This was measured with a debug build, so its numbers mean nothing.".to_owned());
    }
    let threads = point.knobs.threads;
    if question.batch > 1 && threads != question.cores {
        warnings.push(format!(
            "Batches were not measured on {} threads; the numbers are those of {threads} thread{}.",
            question.cores,
            if threads == 1 { "" } else { "s" }
        ));
    }
    warnings
}

#[cfg(test)]
pub(crate) mod tests {
    use ron_auth_catalogue::{DecodeChoice, compositions, find};

    use super::*;
    use crate::run::simulated::{self, Truth, group, point, run_of, time_of};
    use crate::run::{Panel, SweepArm};

    /// A question about light tokens on one core.
    pub(crate) fn question(batch: usize) -> Question {
        Question { corpus: "light".to_owned(), batch, cores: 1 }
    }

    /// A run of all compositions at these points, all of the same truth, except that two threads halve the time where a
    /// batch is spread.
    pub(crate) fn run_at(points: &[Point], truth: &Truth, blocks: usize) -> Run {
        let groups = points.iter().map(|point| group(compositions(), point)).collect();
        let panels = vec![Panel { section: "compositions".to_owned(), groups }];
        let time = |arm: &SweepArm| {
            let spread = arm.point.knobs.threads > 1 && arm.variant.contains("parallel");
            time_of(truth, &arm.variant) * if spread { 0.55 } else { 1.0 }
        };
        run_of(panels, truth, &time, blocks)
    }

    #[test]
    fn the_fastest_is_chosen_with_its_distance_to_the_next_and_to_plain() {
        let advice = advise(&simulated::run(&Truth::default(), 24), &question(64)).unwrap();
        let name = "simd-b64+minicbor-zerocopy+lanes+tls-scratch";
        assert_eq!(advice.chosen.variant.seams.name(), name);
        assert_eq!(advice.indistinguishable, [name]);
        let (next, ratio) = advice.next_best.unwrap();
        assert_eq!(next, "simd-b64+minicbor-zerocopy+lanes");
        assert!((ratio.estimate - 1.0 / 0.98).abs() < 0.004, "{ratio}");
        assert!((advice.chosen.to_plain.estimate / (0.8 * 0.4 * 0.5 * 0.98)).ln().abs() < 0.01);
        let (unsafe_one, ratio) = advice.excluded.unwrap();
        assert_eq!(unsafe_one, "simd-b64+lanes+tls-scratch");
        assert!((ratio.estimate - 2.5).abs() < 0.02, "{ratio}");
    }

    #[test]
    fn what_decodes_with_serde_cbor_is_never_advised_however_fast() {
        let advice = advise(&simulated::run(&Truth { minicbor: 2.0, ..Truth::default() }, 24), &question(64)).unwrap();
        assert_eq!(advice.ranking.len(), 16);
        assert!(advice.ranking.iter().all(|candidate| candidate.variant.seams.decode == DecodeChoice::ZeroCopy));
        assert!(advice.excluded.unwrap().1.upper < 1.0);
    }

    #[test]
    fn the_contest_with_as_many_threads_as_cores_answers_or_the_most_below_and_one_for_single_tokens() {
        let points = [point("light", 1, 1), point("light", 1, 2), point("light", 256, 1), point("light", 256, 2)];
        let run = run_at(&points, &Truth { lanes_with_parallel: 1.0, ..Truth::default() }, 12);
        let asked = |batch: usize, cores: usize| {
            let advice = advise(&run, &Question { cores, ..question(batch) }).unwrap();
            let parallel = advice.chosen.variant.is_parallel();
            let other_threads = advice.warnings.iter().any(|warning| warning.contains("were not measured"));
            (advice.point.knobs.threads, parallel, advice.expected.busy_cores, other_threads)
        };
        assert_eq!(asked(256, 1), (1, false, 1, false));
        assert_eq!(asked(256, 2), (2, true, 2, false));
        assert_eq!(asked(256, 4), (2, true, 2, true));
        assert_eq!(asked(1, 4), (1, false, 1, false));
    }

    #[test]
    fn knobs_that_are_faster_are_part_of_the_advice() {
        let truth = Truth { parallel: 0.8, lanes_with_parallel: 1.0, ..Truth::default() };
        let at = point("light", 64, 1);
        let mut knobs = group(&[find("prod").unwrap()], &at);
        let mut other = knobs.arms.iter().find(|arm| arm.variant == "prod").unwrap().clone();
        other.point.knobs.soa_threshold = 8;
        knobs.arms.push(other);
        let panel = |section: &str, group| Panel { section: section.to_owned(), groups: vec![group] };
        let panels = vec![panel("compositions", group(compositions(), &at)), panel("knobs", knobs)];
        let time =
            |arm: &SweepArm| time_of(&truth, &arm.variant) * if arm.point.knobs.soa_threshold == 8 { 0.5 } else { 1.0 };
        let advice = advise(&run_of(panels, &truth, &time, 24), &question(64)).unwrap();
        assert_eq!((advice.chosen.variant.seams.name().as_str(), advice.chosen.knobs.soa_threshold), ("prod", 8));
        assert!((advice.tuned.unwrap().to_default.estimate - 0.5).abs() < 0.01);
        assert!(advice.expected.ns_per_token.median < 0.7 * advice.ranking[0].ns_per_token);
        let text = advice.markdown();
        assert!(text.contains("config.soa_threshold = 8;") && text.contains("no others were tried"), "{text}");
    }

    #[test]
    fn a_workload_that_was_not_measured_is_answered_with_what_was_and_the_command_that_measures_it() {
        let run = simulated::run(&Truth::default(), 24);
        let said = advise(&run, &Question { corpus: "heavy".to_owned(), ..question(8) }).unwrap_err().to_string();
        assert!(said.contains("on heavy, batch 8, with 1 or fewer threads"), "{said}");
        assert!(said.contains("it measured them on light, batch 1, 1 thread; light, batch 64, 1 thread;"), "{said}");
        assert!(said.contains("`cargo lab recommend --corpus heavy --batch 8 --cores 1`"), "{said}");
        let gone = Question { corpus: "no/such/file".to_owned(), ..question(8) };
        let said = advise(&run, &gone).unwrap_err().to_string();
        assert!(said.ends_with("no/such/file is not there to be measured"), "{said}");
    }

    #[test]
    fn a_run_that_checked_nothing_gives_no_advice() {
        let mut run = simulated::run(&Truth::default(), 24);
        run.header.checked_cells = 0;
        assert_eq!(advise(&run, &question(64)).unwrap_err(), NoAdvice::Unchecked);
    }
}
