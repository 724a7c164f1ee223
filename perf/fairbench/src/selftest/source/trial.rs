//! A trial of a patch, and how its outcome follows from the gate's answer.

use std::time::Instant;

use serde::{Deserialize, Serialize};

use super::gate::{PrintedAnswer, PrintedRow, judge};
use super::ground::Ground;
use super::patch::{Cost, Expectation, Measure, Patch};
use super::way::Way;
use crate::exit::Failure;
use crate::gate::outcome::Ratio;
use crate::interrupt;

/// Most times that a gate is asked which does not decide: a machine may be busy for a minute.
const MOST_TRIES: u32 = 2;

/// The outcome of a trial.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum TrialOutcome {
    /// Had to be caught, and was: the gate ended with a regression.
    Caught,
    /// Had to be caught, and was not.
    Missed,
    /// Had to be quiet, and was.
    Quiet,
    /// Had to be quiet, and was not.
    FalseAlarm,
    /// The gate did not decide.
    CouldNotMeasure,
    /// This host cannot feel it.
    NotHere,
}

impl TrialOutcome {
    /// The word for it in tables.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Caught => "caught",
            Self::Missed => "MISSED",
            Self::Quiet => "quiet",
            Self::FalseAlarm => "FALSE ALARM",
            Self::CouldNotMeasure => "could not measure",
            Self::NotHere => "n/a here",
        }
    }
}

/// One benchmark of a trial's gate.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct TrialBenchmark {
    /// Name of the benchmark.
    pub benchmark: String,
    /// The gate's word for its verdict.
    pub verdict: String,
    /// candidate / base, by the clock that decides.
    pub time: Option<Ratio>,
    /// candidate / base by wall clock, for benchmarks on one thread.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub wall: Option<Ratio>,
    /// Instructions of the candidate / those of the base; `None` unless both were counted.
    pub instructions: Option<f64>,
}

impl TrialBenchmark {
    fn of(row: &PrintedRow) -> Self {
        Self {
            benchmark: row.benchmark.clone(),
            verdict: row.verdict.clone(),
            time: row.ratio,
            wall: row.wall(),
            instructions: row.instructions_ratio(),
        }
    }

    fn by(&self, measure: Measure) -> Option<Ratio> {
        match measure {
            Measure::Instructions => {
                self.instructions.map(|ratio| Ratio { estimate: ratio, lower: ratio, upper: ratio })
            }
            Measure::Time => self.time,
            Measure::Wall => self.wall,
        }
    }

    /// Whether the verdict on it stops a change.
    fn is_regression(&self) -> bool {
        ["regression", "waits"].contains(&self.verdict.as_str())
    }

    fn is_alarm(&self) -> bool {
        self.verdict == "warn" || self.is_regression()
    }
}

/// A trial of a patch, as it is kept.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct SourceTrial {
    /// Name of the patch.
    pub patch: String,
    /// What the gate had to say.
    pub kind: Expectation,
    /// Way in which the patch was applied.
    pub way: Way,
    /// Digest of the patch's text, as in [`Patch::digest`].
    pub digest: String,
    /// Fingerprint of the host.
    pub host: String,
    /// The outcome of the trial.
    pub found: TrialOutcome,
    /// The gate's verdict line, or why there is none.
    pub verdict_line: String,
    /// A remark for readers; `None` if there is nothing to add.
    pub remark: Option<String>,
    /// The benchmark that matters: the one that the patch names, else the worst.
    pub benchmark: Option<String>,
    /// candidate / base on that benchmark, in the quantity that the patch names.
    pub effect: Option<Ratio>,
    /// All benchmarks that the gate judged.
    pub benchmarks: Vec<TrialBenchmark>,
    /// Time from applying the patch to the verdict, in seconds.
    pub seconds: f64,
    /// Number of times that the gate was asked.
    pub tries: u32,
    /// Digests of what the programs of base and candidate load, if both were built.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub programs: Option<[String; 2]>,
    /// The way in which these very programs were timed, if it was not this one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub timed_as: Option<Way>,
}

impl SourceTrial {
    /// Applies a patch and has it judged. What goes wrong is part of the trial, except for an interruption.
    ///
    /// What the ways differ in is how the gate comes to its two programs. If these turn out to be the programs of
    /// `timed`, a trial of the same patch in another way, that one's verdict holds here too, and nothing is timed.
    ///
    /// # Errors
    /// An interruption.
    pub fn run(ground: &Ground, patch: &Patch, way: Way, host: &str, timed: Option<&Self>) -> Result<Self, Failure> {
        let known = timed.and_then(|timed| Some((timed, timed.programs.as_ref()?)));
        let options =
            known.map_or_else(Vec::new, |(_, programs)| vec!["--timed-before".to_owned(), programs.join(",")]);
        let options: Vec<&str> = options.iter().map(String::as_str).collect();
        if way == Way::CiCached && !ground.cached.get() {
            ground.cached.set(cache_base(ground, way)?);
        }
        let start = Instant::now();
        let mut tries = 0;
        let mut trial = loop {
            tries += 1;
            let answer = ground.apply(patch, way).map_err(Failure::from).and_then(|applied| judge(&applied, &options));
            let trial = match answer {
                Ok(answer) => match known {
                    Some((timed, programs)) if answer.is_not_again() && answer.programs() == Some(programs) => {
                        Self { way, timed_as: Some(timed.timed_as.unwrap_or(timed.way)), ..timed.clone() }
                    }
                    _ => Self::of(patch, way, host, &answer),
                },
                // A Ctrl-C at the terminal ends git as well, which then has a reason of its own.
                Err(_) if interrupt::requested() => return Err(Failure::interrupted()),
                Err(failure) => Self::without(patch, way, host, TrialOutcome::CouldNotMeasure, failure.to_string()),
            };
            // What did not build will not build the second time either.
            let may_decide = trial.found == TrialOutcome::CouldNotMeasure && !trial.benchmarks.is_empty();
            if tries == MOST_TRIES || !may_decide {
                break trial;
            }
        };
        trial.tries = tries;
        trial.seconds = start.elapsed().as_secs_f64();
        Ok(trial)
    }

    /// Whether its programs were timed, and the gate decided.
    #[must_use]
    pub fn is_decided(&self) -> bool {
        !self.benchmarks.is_empty() && self.found != TrialOutcome::CouldNotMeasure
    }

    /// The trial of a patch that this host cannot feel.
    #[must_use]
    pub fn not_here(patch: &Patch, way: Way, host: &str, need: &str) -> Self {
        Self::without(patch, way, host, TrialOutcome::NotHere, format!("this host lacks what it needs: {need}"))
    }

    fn without(patch: &Patch, way: Way, host: &str, found: TrialOutcome, verdict_line: String) -> Self {
        Self {
            patch: patch.name.clone(),
            kind: patch.kind,
            way,
            digest: patch.digest.clone(),
            host: host.to_owned(),
            found,
            verdict_line,
            remark: None,
            benchmark: patch.cost.as_ref().map(|cost| cost.benchmark.clone()),
            effect: None,
            benchmarks: Vec::new(),
            seconds: 0.0,
            tries: 0,
            programs: None,
            timed_as: None,
        }
    }

    fn of(patch: &Patch, way: Way, host: &str, answer: &PrintedAnswer) -> Self {
        let benchmarks: Vec<TrialBenchmark> = answer.rows.iter().map(TrialBenchmark::of).collect();
        let (found, remark) = match &patch.cost {
            Some(cost) => must_catch(answer, &benchmarks, cost),
            None => must_not_alarm(answer, &benchmarks),
        };
        let looked_at = match &patch.cost {
            Some(cost) => benchmarks.iter().find(|row| row.benchmark == cost.benchmark),
            None => worst(benchmarks.iter()),
        };
        let measure = patch.cost.as_ref().map_or(Measure::Time, |cost| cost.by);
        let effect = looked_at.and_then(|row| row.by(measure));
        let honest = patch.cost.as_ref().and_then(|cost| dishonesty(cost, &benchmarks, effect, found));
        let remarks: Vec<String> = remark.into_iter().chain(honest).collect();
        Self {
            remark: (!remarks.is_empty()).then(|| remarks.join("; ")),
            benchmark: looked_at.map(|row| row.benchmark.clone()).or(patch.cost.as_ref().map(|c| c.benchmark.clone())),
            effect,
            benchmarks,
            programs: answer.programs().cloned(),
            ..Self::without(patch, way, host, found, answer.verdict_line.clone())
        }
    }
}

/// Has the programs of the base built, as a run of CI on the base commit would. What the gate says about them does not
/// matter, and if it failed the trial will say so.
fn cache_base(ground: &Ground, way: Way) -> Result<bool, Failure> {
    let quick = ["--budget", "1s", "--benchmarks", "verify_single"];
    match ground.unchanged(way).map_err(Failure::from).and_then(|applied| judge(&applied, &quick)) {
        Err(_) if interrupt::requested() => Err(Failure::interrupted()),
        judged => Ok(judged.is_ok()),
    }
}

/// Judges a patch that must be caught. It has to be on the benchmark that the patch names: another one may be a false
/// alarm.
fn must_catch(answer: &PrintedAnswer, benchmarks: &[TrialBenchmark], cost: &Cost) -> (TrialOutcome, Option<String>) {
    let slower = benchmarks.iter().any(|row| row.benchmark == cost.benchmark && row.is_regression());
    let elsewhere = benchmarks.iter().any(TrialBenchmark::is_regression);
    let remark = |text: &str| Some(text.to_owned());
    match (answer.exit_code, &answer.verdict) {
        (1, Some(_)) if slower => (TrialOutcome::Caught, None),
        (1, Some(_)) if elsewhere => (TrialOutcome::Missed, None),
        (1, _) => (TrialOutcome::CouldNotMeasure, remark("exit code 1, though no benchmark is slower")),
        (0, Some(_)) if benchmarks.iter().any(TrialBenchmark::is_alarm) => {
            (TrialOutcome::Missed, remark("a warning only"))
        }
        (0, _) => (TrialOutcome::Missed, None),
        _ => (TrialOutcome::CouldNotMeasure, None),
    }
}

fn must_not_alarm(answer: &PrintedAnswer, benchmarks: &[TrialBenchmark]) -> (TrialOutcome, Option<String>) {
    let alarms = benchmarks.iter().filter(|row| row.is_alarm()).map(|row| row.benchmark.as_str());
    let alarms = alarms.collect::<Vec<_>>().join(", ");
    match answer.exit_code {
        1 => (TrialOutcome::FalseAlarm, (!alarms.is_empty()).then(|| format!("on {alarms}"))),
        0 if alarms.is_empty() => (TrialOutcome::Quiet, None),
        0 => (TrialOutcome::FalseAlarm, Some(format!("a warning on {alarms}"))),
        _ => (TrialOutcome::CouldNotMeasure, None),
    }
}

/// What to say if what was measured is not what the patch's header says.
fn dishonesty(
    cost: &Cost,
    benchmarks: &[TrialBenchmark],
    effect: Option<Ratio>,
    found: TrialOutcome,
) -> Option<String> {
    if benchmarks.is_empty() {
        return None;
    }
    if benchmarks.iter().all(|row| row.benchmark != cost.benchmark) {
        return Some(format!("there is no {}", cost.benchmark));
    }
    let mut remarks = Vec::new();
    if found == TrialOutcome::Missed
        && let Some(elsewhere) = worst(benchmarks.iter().filter(|row| row.is_regression()))
    {
        remarks.push(format!("caught on {} instead", elsewhere.benchmark));
    }
    match effect.map(|ratio| 100.0 * (ratio.estimate - 1.0)) {
        None => remarks.push(format!("no {} was measured on it", cost.by.name())),
        Some(percent) if percent < cost.least_percent || percent > cost.most_percent => remarks.push(format!(
            "{percent:.1} % by {}, outside of its {} to {} %",
            cost.by.name(),
            cost.least_percent,
            cost.most_percent
        )),
        Some(_) => {}
    }
    (!remarks.is_empty()).then(|| remarks.join("; "))
}

/// The benchmark that is slowest by its clock.
fn worst<'b>(benchmarks: impl Iterator<Item = &'b TrialBenchmark>) -> Option<&'b TrialBenchmark> {
    let slow = |row: &TrialBenchmark| row.time.map_or(0.0, |ratio| ratio.estimate);
    benchmarks.max_by(|a, b| slow(a).total_cmp(&slow(b)))
}

#[cfg(test)]
pub(super) mod tests;
