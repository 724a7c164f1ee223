use std::path::Path;

use super::*;
use crate::compare::evidence::GateVerdict;
use crate::gate::outcome::GateOutcome;
use crate::gate::test_data::{outcome, row};
use crate::selftest::source::gate::PrintedUnseen;

pub(in crate::selftest::source) fn patch(kind: Expectation, name: &str) -> Patch {
    let cost = "Benchmark: verify_single\nBy: time\nCosts: 8 to 15 %\n";
    let cost = if kind == Expectation::MustCatch { cost } else { "" };
    let text = format!("What: x\n{cost}diff --git a/x b/x\n");
    Patch::parse(kind, Path::new(&format!("{name}.patch")), &text).unwrap()
}

fn answer(outcome: &GateOutcome) -> PrintedAnswer {
    serde_json::from_str(&serde_json::to_string(outcome).unwrap()).unwrap()
}

fn trial(kind: Expectation, rows: Vec<crate::gate::outcome::GateRow>) -> SourceTrial {
    SourceTrial::of(&patch(kind, "p"), Way::Developer, "here", &answer(&outcome(rows)))
}

const SLOWER: (f64, f64, f64) = (1.09, 1.10, 1.11);
const EVEN: (f64, f64, f64) = (0.99, 1.0, 1.01);

#[test]
fn what_must_be_caught_is_caught_by_exit_code_1_alone() {
    let found = |verdict, by| {
        let trial =
            trial(Expectation::MustCatch, vec![row("verify_single", verdict, by), row("b", GateVerdict::Pass, EVEN)]);
        (trial.found, trial.remark.unwrap_or_default())
    };
    assert_eq!(found(GateVerdict::Regression, SLOWER), (TrialOutcome::Caught, String::new()));
    assert_eq!(found(GateVerdict::Warn, SLOWER), (TrialOutcome::Missed, "a warning only".to_owned()));
    let (missed, remark) = found(GateVerdict::Pass, EVEN);
    assert_eq!((missed, remark.as_str()), (TrialOutcome::Missed, "0.0 % by time, outside of its 8 to 15 %"));
    for verdict in [GateVerdict::Inconclusive, GateVerdict::CouldNotMeasure] {
        assert_eq!(found(verdict, SLOWER).0, TrialOutcome::CouldNotMeasure);
    }
}

#[test]
fn a_catch_elsewhere_or_by_another_amount_is_said() {
    let remark = |rows| trial(Expectation::MustCatch, rows).remark.unwrap_or_default();
    let elsewhere =
        vec![row("verify_single", GateVerdict::Pass, (1.08, 1.09, 1.1)), row("b", GateVerdict::Regression, SLOWER)];
    assert_eq!(remark(elsewhere), "caught on b instead");
    let more = vec![row("verify_single", GateVerdict::Regression, (1.29, 1.30, 1.31))];
    assert_eq!(remark(more), "30.0 % by time, outside of its 8 to 15 %");
    assert_eq!(remark(vec![row("b", GateVerdict::Regression, SLOWER)]), "there is no verify_single");

    let mut counted = patch(Expectation::MustCatch, "p");
    counted.cost.as_mut().unwrap().by = Measure::Wall;
    let outcome = outcome(vec![row("verify_single", GateVerdict::Regression, SLOWER)]);
    let trial = SourceTrial::of(&counted, Way::Dirty, "here", &answer(&outcome));
    assert_eq!(trial.remark.unwrap(), "no wall was measured on it");
}

#[test]
fn what_waits_is_caught_by_wall_clock() {
    let mut answer = answer(&outcome(vec![row("verify_single", GateVerdict::Regression, EVEN)]));
    answer.rows[0].verdict = "waits".to_owned();
    let ratio = |estimate| Some(Ratio { estimate, lower: estimate - 0.01, upper: estimate + 0.01 });
    answer.rows[0].unseen = [ratio(1.02), None, ratio(1.1)].map(|ratio| PrintedUnseen { ratio }).into();
    let mut waits = patch(Expectation::MustCatch, "p");
    waits.cost.as_mut().unwrap().by = Measure::Wall;
    let trial = SourceTrial::of(&waits, Way::Dirty, "here", &answer);
    assert_eq!((trial.found, trial.remark), (TrialOutcome::Caught, None));
    assert!((trial.effect.unwrap().estimate - 1.1).abs() < 1e-12);
}

#[test]
fn what_must_not_alarm_may_not_warn_either() {
    let found = |verdict| {
        let trial =
            trial(Expectation::MustNotAlarm, vec![row("a", GateVerdict::Pass, EVEN), row("b", verdict, SLOWER)]);
        (trial.found, trial.remark.unwrap_or_default(), trial.benchmark.unwrap())
    };
    assert_eq!(found(GateVerdict::Pass), (TrialOutcome::Quiet, String::new(), "b".to_owned()));
    assert_eq!(found(GateVerdict::Warn).1, "a warning on b");
    assert_eq!(found(GateVerdict::Warn).0, TrialOutcome::FalseAlarm);
    assert_eq!(found(GateVerdict::Regression).0, TrialOutcome::FalseAlarm);
    assert_eq!(found(GateVerdict::Inconclusive).0, TrialOutcome::CouldNotMeasure);
    // Programs that are equal have nothing to time.
    let mut equal = answer(&outcome(vec![row("a", GateVerdict::Pass, EVEN)]));
    equal.rows.clear();
    let equal = SourceTrial::of(&patch(Expectation::MustNotAlarm, "p"), Way::Dirty, "here", &equal);
    assert_eq!((equal.found, equal.benchmark), (TrialOutcome::Quiet, None));
}
