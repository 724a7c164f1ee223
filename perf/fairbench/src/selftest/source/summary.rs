//! The summary of trials: totals, table, exit code.

use std::fmt::Write;

use comfy_table::Table;
use comfy_table::presets::ASCII_MARKDOWN;
use serde::Serialize;

use super::journal::last;
use super::patch::{Expectation, Measure, Patch};
use super::trial::{SourceTrial, TrialOutcome};
use super::way::Way;
use crate::exit::Exit;
use crate::gate::outcome::Ratio;

/// Totals over all trials that were to be made.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct SourceSummary {
    /// The summary in one line.
    pub line: String,
    /// Exit code of the process.
    pub exit_code: u8,
    /// Number of trials that were to be made.
    pub planned: usize,
    /// Number of trials that had to be caught and were.
    pub caught: usize,
    /// Number of trials that had to be caught and were not.
    pub missed: usize,
    /// Number of trials that had to be quiet and were.
    pub quiet: usize,
    /// Number of trials that had to be quiet and were not.
    pub false_alarms: usize,
    /// Number of trials that the gate did not decide.
    pub could_not_measure: usize,
    /// Number of trials that this host cannot feel.
    pub not_here: usize,
    /// Number of trials that were not made yet.
    pub not_run: usize,
    /// Number of trials that were not timed, because their programs had been timed in another way.
    pub timed_before: usize,
    /// Time of all trials together, in seconds.
    pub seconds: f64,
    /// The trials themselves.
    pub trials: Vec<SourceTrial>,
    #[serde(skip)]
    measures: Vec<Option<Measure>>,
    #[serde(skip)]
    interrupted: bool,
}

impl SourceSummary {
    /// Sums up those of the trials that were `planned`; if a host is named, only its own.
    #[must_use]
    pub fn of(planned: &[(&Patch, Way)], trials: &[SourceTrial], host: Option<&str>, interrupted: bool) -> Self {
        let done = planned.iter().filter_map(|(patch, way)| Some((*patch, last(trials, patch, *way, host)?)));
        let (measures, trials): (Vec<Option<Measure>>, Vec<SourceTrial>) =
            done.map(|(patch, trial)| (patch.cost.as_ref().map(|cost| cost.by), trial.clone())).unzip();
        let count = |found: TrialOutcome| trials.iter().filter(|trial| trial.found == found).count();
        let mut summary = Self {
            line: String::new(),
            exit_code: 0,
            planned: planned.len(),
            caught: count(TrialOutcome::Caught),
            missed: count(TrialOutcome::Missed),
            quiet: count(TrialOutcome::Quiet),
            false_alarms: count(TrialOutcome::FalseAlarm),
            could_not_measure: count(TrialOutcome::CouldNotMeasure),
            not_here: count(TrialOutcome::NotHere),
            not_run: planned.len() - trials.len(),
            timed_before: trials.iter().filter(|trial| trial.timed_as.is_some()).count(),
            seconds: trials.iter().map(|trial| trial.seconds).sum(),
            trials,
            measures,
            interrupted,
        };
        summary.exit_code = summary.exit().code();
        summary.line = summary.say();
        summary
    }

    /// The exit code: 0 only if everything was tried and came out as it must. What is shown outweighs what is not.
    #[must_use]
    pub const fn exit(&self) -> Exit {
        if self.interrupted {
            Exit::Interrupted
        } else if self.missed + self.false_alarms > 0 {
            Exit::Difference
        } else if self.could_not_measure + self.not_run > 0 || self.caught + self.quiet == 0 {
            Exit::CouldNot
        } else {
            Exit::Success
        }
    }

    fn say(&self) -> String {
        let of = |kind: Expectation| {
            self.trials.iter().filter(move |trial| trial.kind == kind && trial.found != TrialOutcome::NotHere)
        };
        let mut line = format!(
            "{}{} of {} caught, {} missed; {} of {} quiet, {} false alarms",
            if self.interrupted { "INTERRUPTED: " } else { "" },
            self.caught,
            of(Expectation::MustCatch).count(),
            self.missed,
            self.quiet,
            of(Expectation::MustNotAlarm).count(),
            self.false_alarms,
        );
        for (count, what) in [
            (self.could_not_measure, "could not be measured"),
            (self.not_here, "n/a on this host"),
            (self.not_run, "not run"),
            (self.timed_before, "of programs that were timed in another way"),
        ] {
            if count > 0 {
                let _ = write!(line, "; {count} {what}");
            }
        }
        let _ = write!(line, "; {:.0} s", self.seconds);
        line
    }

    /// The trials as a Markdown table.
    #[must_use]
    pub fn table(&self) -> String {
        let mut table = Table::new();
        table.load_style(ASCII_MARKDOWN);
        table.set_header(["patch", "must be", "applied as", "outcome", "benchmark", "measured", "seconds", "remark"]);
        for (trial, measure) in self.trials.iter().zip(&self.measures) {
            let expected = match trial.kind {
                Expectation::MustCatch => "caught",
                Expectation::MustNotAlarm => "quiet",
            };
            let by = measure.filter(|measure| *measure != Measure::Time).map_or("", |measure| measure.name());
            let measured = trial.effect.map_or_else(|| "-".to_owned(), |ratio| percent(ratio, by));
            // Why there is no measurement is what the gate said.
            let undecided = matches!(trial.found, TrialOutcome::CouldNotMeasure | TrialOutcome::NotHere);
            let reason = undecided.then(|| trial.verdict_line.clone());
            let timed = trial.timed_as.map(|way| format!("the programs that were timed as {}", way.name()));
            let remarks: Vec<String> = trial.remark.clone().into_iter().chain(reason).chain(timed).collect();
            table.add_row([
                trial.patch.clone(),
                expected.to_owned(),
                trial.way.name().to_owned(),
                trial.found.name().to_owned(),
                trial.benchmark.clone().unwrap_or_else(|| "-".to_owned()),
                measured,
                format!("{:.0}", trial.seconds),
                remarks.join("; "),
            ]);
        }
        table.to_string()
    }
}

/// A ratio as `+9.1 % (8.7 to 9.6)`, or `+9.1 % instructions` for what is counted.
fn percent(ratio: Ratio, by: &str) -> String {
    let percent = |ratio: f64| 100.0 * (ratio - 1.0);
    let mut text = format!("{:+.1} %", percent(ratio.estimate));
    if !by.is_empty() {
        let _ = write!(text, " {by}");
    }
    if ratio.lower < ratio.upper {
        let _ = write!(text, " ({:.1} to {:.1})", percent(ratio.lower), percent(ratio.upper));
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::selftest::source::trial::tests::patch;

    fn trial(patch: &Patch, way: Way, found: TrialOutcome) -> SourceTrial {
        let ratio = Ratio { estimate: 1.0912, lower: 1.087, upper: 1.096 };
        SourceTrial { found, effect: Some(ratio), seconds: 61.4, ..SourceTrial::not_here(patch, way, "here", "luck") }
    }

    fn summary(found: &[(Expectation, TrialOutcome)], interrupted: bool) -> SourceSummary {
        let patches: Vec<Patch> =
            found.iter().enumerate().map(|(index, (kind, _))| patch(*kind, &format!("p{index}"))).collect();
        let planned: Vec<(&Patch, Way)> = patches.iter().map(|patch| (patch, Way::Dirty)).collect();
        let trials: Vec<SourceTrial> =
            patches.iter().zip(found).map(|(patch, (_, found))| trial(patch, Way::Dirty, *found)).collect();
        SourceSummary::of(&planned, &trials, Some("here"), interrupted)
    }

    use Expectation::{MustCatch, MustNotAlarm};
    use TrialOutcome::{CouldNotMeasure, FalseAlarm, Missed, NotHere, Quiet};

    const CAUGHT: (Expectation, TrialOutcome) = (MustCatch, TrialOutcome::Caught);
    const QUIET: (Expectation, TrialOutcome) = (MustNotAlarm, Quiet);

    #[test]
    fn it_ends_with_0_only_if_everything_is_as_it_must_be() {
        for (found, exit) in [
            (vec![CAUGHT, QUIET], Exit::Success),
            (vec![CAUGHT, QUIET, (MustCatch, NotHere)], Exit::Success),
            (vec![CAUGHT, (MustCatch, Missed)], Exit::Difference),
            (vec![QUIET, (MustNotAlarm, FalseAlarm)], Exit::Difference),
            (vec![CAUGHT, (MustNotAlarm, CouldNotMeasure)], Exit::CouldNot),
            (vec![(MustCatch, Missed), (MustNotAlarm, CouldNotMeasure)], Exit::Difference),
            (vec![(MustCatch, NotHere)], Exit::CouldNot),
            (vec![], Exit::CouldNot),
        ] {
            assert_eq!(summary(&found, false).exit(), exit, "{found:?}");
            assert_eq!(summary(&found, true).exit(), Exit::Interrupted);
        }
    }

    #[test]
    fn what_was_not_run_is_neither_good_nor_forgotten() {
        let (one, two) = (patch(MustCatch, "one"), patch(MustNotAlarm, "two"));
        let planned = [(&one, Way::Dirty), (&two, Way::Dirty)];
        let trials = [trial(&one, Way::Dirty, TrialOutcome::Caught), trial(&two, Way::CiCold, Quiet)];
        let summary = SourceSummary::of(&planned, &trials, None, false);
        assert_eq!(summary.line, "1 of 1 caught, 0 missed; 0 of 0 quiet, 0 false alarms; 1 not run; 61 s");
        assert_eq!((summary.not_run, summary.exit_code), (1, 3));
    }

    #[test]
    fn the_line_has_the_totals_and_the_table_every_trial() {
        let summary = summary(&[CAUGHT, QUIET, (MustCatch, Missed), (MustNotAlarm, FalseAlarm)], false);
        assert_eq!(summary.line, "1 of 2 caught, 1 missed; 1 of 2 quiet, 1 false alarms; 246 s");
        let table = summary.table();
        let lines: Vec<&str> = table.lines().collect();
        assert_eq!(lines.len(), 2 + 4, "{table}");
        assert!(lines[2].contains("| p0    | caught  | dirty      | caught      | verify_single |"), "{table}");
        assert!(lines[2].contains("| +9.1 % (8.7 to 9.6) | 61"), "{table}");
        assert!(lines[5].contains("| quiet   | dirty      | FALSE ALARM |"), "{table}");
    }

    #[test]
    fn what_is_counted_has_no_interval_and_what_is_not_time_its_name() {
        let exact = Ratio { estimate: 1.1, lower: 1.1, upper: 1.1 };
        assert_eq!(percent(exact, "instructions"), "+10.0 % instructions");
        assert_eq!(percent(Ratio { estimate: 0.991, lower: 0.98, upper: 1.003 }, ""), "-0.9 % (-2.0 to 0.3)");
    }

    #[test]
    fn it_is_json_with_every_trial() {
        let json = serde_json::to_value(summary(&[CAUGHT, QUIET], false)).unwrap();
        assert_eq!((json["caught"].as_u64(), json["exit_code"].as_u64()), (Some(1), Some(0)));
        assert_eq!(json["trials"][0]["found"], "caught");
        assert_eq!(json["trials"][1]["way"], "dirty");
    }
}
