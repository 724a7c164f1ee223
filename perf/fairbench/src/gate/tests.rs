use super::*;
use crate::compare::decide::LOOKS;
use crate::compare::engine::ComparisonProgress;
use crate::compare::evidence::{Counts, GateVerdict};
use crate::compare::simulated::{Machine, Sleep, Tells, case};
use crate::settings::Override;

fn config() -> GateConfig {
    GateConfig { rounds: 5, ..GateConfig::default() }
}

/// Counts in which the candidate's are so many times those of the base.
fn counts(times: f64) -> PairCounts {
    let counts = |times: f64| Counts { instructions: Some(1000.0 * times), ..Counts::default() };
    PairCounts { base: counts(1.0), candidate: counts(times) }
}

fn gate(machine: &Machine, config: &GateConfig, times: f64) -> GateOutcome {
    gate_without(machine, config, times, Vec::new())
}

fn gate_without(machine: &Machine, config: &GateConfig, times: f64, missing: Vec<Missing>) -> GateOutcome {
    let pair = ProgramPair {
        base: "old".into(),
        candidate: "new".into(),
        launcher: machine,
        cases: vec![case("one", 1), case("two", 1), case("wide", 2)],
        known: ["one", "two", "wide", "new"].map(str::to_owned).into(),
        missing,
        counts: [("one".to_owned(), counts(times)), ("two".to_owned(), counts(1.0))].into(),
        pinned: true,
        fixed_addresses: true,
        host: None,
        probes: None,
        notes: Vec::new(),
        likeness: None,
    };
    let now = || machine.elapsed();
    judge(&pair, config, 3, &mut Surroundings { now: &now, interrupted: &|| false, progress: &mut |_| {} })
}

fn verdicts(outcome: &GateOutcome) -> Vec<GateVerdict> {
    outcome.rows.iter().map(|row| row.verdict).collect()
}

#[test]
fn equal_programs_pass_with_the_bound_that_was_shown() {
    let outcome = gate(&Machine::shared(), &config(), 1.0);
    assert_eq!((outcome.verdict, outcome.exit_code), (Some(GateVerdict::Pass), 0), "{outcome:?}");
    assert!(outcome.verdict_line.starts_with("pass: at most "), "{}", outcome.verdict_line);
    assert!(outcome.verdict_line.contains(" % slower (99 %)"), "{}", outcome.verdict_line);
    assert!(outcome.rows.iter().all(|row| LOOKS.contains(&row.blocks.len())));
}

#[test]
fn more_work_is_a_regression_of_the_benchmark_that_has_it() {
    let machine = Machine { change: 0.08, changed_case: Some("one"), ..Machine::shared() };
    let outcome = gate(&machine, &config(), 1.08);
    assert_eq!(verdicts(&outcome), [GateVerdict::Regression, GateVerdict::Pass, GateVerdict::Pass]);
    assert_eq!(outcome.exit_code, 1);
    assert!(outcome.verdict_line.starts_with("regression: one is 8."), "{}", outcome.verdict_line);
    assert!(outcome.rows[0].confirmation.is_none());
}

#[test]
fn slower_without_more_work_is_confirmed_over_layouts_before_it_fails() {
    let machine = Machine { change: 0.10, changed_case: Some("one"), ..Machine::shared() };
    let outcome = gate(&machine, &config(), 1.0);
    assert_eq!(outcome.rows[0].verdict, GateVerdict::Regression, "{:?}", outcome.rows[0].reason);
    assert!(!outcome.rows[0].confirmation.as_ref().unwrap().blocks.is_empty());
}

#[test]
fn a_candidate_that_sleeps_waits_and_fails_like_any_slow_down() {
    // 1000 items take 625 µs.
    let sleeping = |ns| Machine {
        sleeps: Some(Sleep { every_items: 1000, ns }),
        changed_case: Some("one"),
        taken_away: 0.1,
        ..Machine::shared()
    };
    let mut outcome = gate(&sleeping(80_000), &config(), 1.0);
    assert_eq!(verdicts(&outcome), [GateVerdict::Waits, GateVerdict::Pass, GateVerdict::Pass]);
    assert_eq!((outcome.verdict, outcome.exit_code), (Some(GateVerdict::Waits), 1), "{}", outcome.verdict_line);
    assert!(outcome.verdict_line.starts_with("waits: one is "), "{}", outcome.verdict_line);
    assert!(
        outcome.verdict_line.contains(" % of its time off the processor, 99 % confidence"),
        "{}",
        outcome.verdict_line
    );
    let reason = outcome.rows[0].reason.clone().unwrap();
    assert!(reason.contains(" % of its time off the processor (") && reason.contains("base 0.0 %; "), "{reason}");
    assert!(reason.ends_with(" voluntary switches per 1000 items, base 0.0"), "{reason}");
    assert!(outcome.rows[0].blocks.iter().all(|block| block.spent.is_some_and(|sides| sides.base.wall_ns > 0.0)));
    assert!(outcome.notes.is_empty() || !outcome.notes.concat().contains("Waiting"), "{:?}", outcome.notes);

    outcome = gate(&sleeping(37_000), &config(), 1.0);
    assert_eq!((outcome.verdict, outcome.exit_code), (Some(GateVerdict::Waits), 0), "{}", outcome.verdict_line);
    outcome.be_strict();
    assert_eq!(outcome.exit_code, 1);
}

#[test]
fn both_a_slow_down_and_waiting_are_in_the_verdict_line() {
    let machine = Machine { change: 0.10, changed_case: Some("one"), ..Machine::shared() };
    let sleeps = Some(Sleep { every_items: 1000, ns: 20_000 });
    let outcome = gate(&Machine { sleeps, ..machine.clone() }, &config(), 1.10);
    assert_eq!(outcome.rows[0].verdict, GateVerdict::Regression);
    assert!(outcome.rows[0].reason.as_ref().unwrap().contains("; also "), "{:?}", outcome.rows[0].reason);
    let helper = gate(&Machine { helper: 0.5, ..machine }, &config(), 1.10);
    assert_eq!(helper.rows[0].verdict, GateVerdict::Waits);
    assert!(helper.verdict_line.contains("other threads busy for 50.0 %"), "{}", helper.verdict_line);
}

#[test]
fn a_probe_that_does_not_tell_where_its_time_goes_is_said() {
    let outcome = gate(&Machine { tells: Tells::Nothing, ..Machine::shared() }, &config(), 1.0);
    assert_eq!(outcome.exit_code, 0);
    assert!(outcome.notes.iter().any(|note| note.starts_with("Waiting cannot be seen on one, two: ")));
    let outcome = gate(&Machine { tells: Tells::Times, ..Machine::shared() }, &config(), 1.0);
    assert!(outcome.notes.iter().any(|note| note.starts_with("Waiting is judged by wall time")));
}

#[test]
fn an_outcome_of_an_older_lab_is_read() {
    let outcome = gate(&Machine::quiet(), &config(), 1.0);
    let mut json = serde_json::to_value(&outcome).unwrap();
    for row in json["rows"].as_array_mut().unwrap() {
        row.as_object_mut().unwrap().remove("unseen");
        for block in row["blocks"].as_array_mut().unwrap() {
            assert!(block.as_object_mut().unwrap().remove("spent").is_some());
        }
    }
    let read: GateOutcome = serde_json::from_value(json).unwrap();
    assert!(read.rows.iter().all(|row| row.unseen.is_empty() && row.blocks[0].spent.is_none()));
}

#[test]
fn a_control_that_is_off_is_no_verdict() {
    let outcome = gate(&Machine { control_off: 0.03, ..Machine::shared() }, &config(), 1.0);
    assert_eq!((outcome.verdict, outcome.exit_code), (Some(GateVerdict::CouldNotMeasure), 3));
    assert!(outcome.verdict_line.starts_with("could not measure: "), "{}", outcome.verdict_line);
}

#[test]
fn a_failing_probe_stops_it_and_the_blocks_before_are_kept() {
    let error = MeasureError::OtherVersion { probe: "old".into(), theirs: 3, oldest: 1, ours: 2 };
    let machine = Machine { fails_after: Some((150, error.clone())), ..Machine::shared() };
    let outcome = gate(&machine, &config(), 1.0);
    assert_eq!((outcome.verdict, outcome.exit_code), (None, 3));
    assert_eq!(outcome.verdict_line, format!("could not measure: {error}"));
    assert!(!outcome.rows[0].blocks.is_empty() && outcome.rows.len() == 2);

    // What is shown by then is shown: the benchmarks on one thread are done before the one on several.
    let slower = Machine { change: 0.30, changed_case: Some("one"), ..Machine::shared() };
    let turns = {
        gate(&slower, &config(), 1.3);
        slower.turns.borrow().len()
    };
    let fails = Machine {
        fails_after: Some((turns - 20, error.clone())),
        ..Machine { change: 0.30, changed_case: Some("one"), ..Machine::shared() }
    };
    let outcome = gate(&fails, &config(), 1.3);
    assert_eq!((outcome.verdict, outcome.exit_code), (Some(GateVerdict::Regression), 1), "{}", outcome.verdict_line);
    assert!(outcome.verdict_line.contains("; stopped before its end: old: "), "{}", outcome.verdict_line);

    let machine = Machine { fails_after: Some((150, MeasureError::Interrupted)), ..Machine::shared() };
    let outcome = gate(&machine, &config(), 1.0);
    assert_eq!((outcome.verdict, outcome.exit_code), (None, 130));
}

#[test]
fn without_a_common_benchmark_there_is_nothing_to_judge() {
    let machine = Machine::quiet();
    let pair = ProgramPair {
        base: "old".into(),
        candidate: "new".into(),
        launcher: &machine,
        cases: Vec::new(),
        known: Vec::new(),
        missing: Vec::new(),
        counts: BTreeMap::new(),
        pinned: true,
        fixed_addresses: true,
        host: None,
        probes: None,
        notes: Vec::new(),
        likeness: None,
    };
    let now = || machine.elapsed();
    let mut around = Surroundings { now: &now, interrupted: &|| false, progress: &mut |_: ComparisonProgress| {} };
    let outcome = judge(&pair, &config(), 1, &mut around);
    assert_eq!(outcome.exit_code, 3);
    assert!(outcome.verdict_line.contains("no benchmark in common"), "{}", outcome.verdict_line);
}

#[test]
fn a_warning_is_exit_0_and_exit_1_when_strict() {
    let machine = Machine { change: 0.055, changed_case: Some("one"), process_sd: 0.003, ..Machine::shared() };
    let mut outcome = gate(&machine, &config(), 1.055);
    assert_eq!((outcome.verdict, outcome.exit_code), (Some(GateVerdict::Warn), 0), "{}", outcome.verdict_line);
    outcome.be_strict();
    assert_eq!(outcome.exit_code, 1);
}

fn new_benchmark() -> Vec<Missing> {
    vec![Missing::new("new", "only the candidate has new; it was not compared")]
}

#[test]
fn a_benchmark_that_one_side_lacks_is_exit_3_on_a_line_of_its_own_unless_it_is_allowed() {
    let machine = Machine::shared();
    let outcome = gate_without(&machine, &config(), 1.0, new_benchmark());
    assert_eq!(outcome.exit_code, 3, "{}", outcome.verdict_line);
    assert!(
        outcome.verdict_line.starts_with("could not measure all of it, missing: new; of the rest: pass: "),
        "{}",
        outcome.verdict_line
    );
    let line = |text: &str| text.lines().find(|line| line.contains("issing: only the candidate")).map(str::to_owned);
    assert!(line(&render::terminal(&outcome)).unwrap().contains("--allow-missing new,"));
    assert!(line(&render::markdown(&outcome)).unwrap().contains("--allow-missing new,"));

    let allowing = GateConfig { allow_missing: vec!["new".to_owned()], ..config() };
    let outcome = gate_without(&Machine::shared(), &allowing, 1.0, new_benchmark());
    assert_eq!(outcome.exit_code, 0, "{}", outcome.verdict_line);
    assert!(outcome.verdict_line.starts_with("pass: "), "{}", outcome.verdict_line);
    assert!(render::terminal(&outcome).contains("Missing, as expected: only the candidate has new; "));
    let other = GateConfig { allow_missing: vec!["newer".to_owned()], ..config() };
    assert_eq!(gate_without(&Machine::shared(), &other, 1.0, new_benchmark()).exit_code, 3);
}

#[test]
fn a_regression_outweighs_what_is_missing_and_both_are_said() {
    let machine = Machine { change: 0.08, changed_case: Some("one"), ..Machine::shared() };
    let outcome = gate_without(&machine, &config(), 1.08, new_benchmark());
    assert_eq!(outcome.exit_code, 1, "{}", outcome.verdict_line);
    assert!(outcome.verdict_line.starts_with("regression: one is 8."), "{}", outcome.verdict_line);
    assert!(outcome.verdict_line.ends_with("; missing: new"), "{}", outcome.verdict_line);
}

#[test]
fn levels_of_a_benchmark_that_does_not_exist_are_exit_3() {
    let levels = |name: &str| [(name.to_owned(), Override::default())].into();
    let outcome = gate(&Machine::shared(), &GateConfig { benchmarks: levels("onne"), ..config() }, 1.0);
    assert_eq!((outcome.exit_code, outcome.missing.len()), (3, 1));
    assert!(outcome.missing[0].what.contains("levels for onne"), "{:?}", outcome.missing);
    let allow_missing = vec!["onne".to_owned()];
    let allowing = GateConfig { benchmarks: levels("onne"), allow_missing, ..config() };
    assert_eq!(gate(&Machine::shared(), &allowing, 1.0).exit_code, 0);
    // One that there is, but that was left out by --benchmarks, is not missing.
    let there = GateConfig { benchmarks: levels("new"), ..config() };
    assert_eq!(gate(&Machine::shared(), &there, 1.0).exit_code, 0);
}

#[test]
fn a_tripwire_that_binds_and_was_not_measured_is_exit_3_unless_it_is_allowed() {
    let unmeasured = || vec![Missing::new("prod, over plain", "the tripwire was not measured")];
    let added = |allow_missing: &[&str]| {
        let allow_missing = allow_missing.iter().map(|name| (*name).to_owned()).collect();
        let mut outcome = gate(&Machine::shared(), &GateConfig { allow_missing, ..config() }, 1.0);
        outcome.add_unmeasured(unmeasured());
        outcome.add_tripwires(Vec::new());
        outcome.exit_code
    };
    assert_eq!(added(&[]), 3);
    assert_eq!(added(&["other"]), 3);
    assert_eq!(added(&["prod, over plain"]), 0);
    assert_eq!(added(&["tripwires"]), 0);
}

#[test]
fn an_outcome_survives_json() {
    let outcome = gate(&Machine::quiet(), &config(), 1.0);
    let json = serde_json::to_string(&outcome).unwrap();
    assert_eq!(serde_json::from_str::<GateOutcome>(&json).unwrap(), outcome);
}
