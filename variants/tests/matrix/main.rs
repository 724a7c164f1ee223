//! The negative matrix on every variant of the catalogue, with every evaluator: each case alone, at the boundaries of
//! lanes and chunks of a batch of good tokens, whose results it must not change, and among cases of other requests.
//!
//! `classic` is left out: it is a yardstick for speed on good tokens, does not ask whether bytes are canonical, and is
//! held to nothing on bad ones.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::panic, reason = "a surprise stops a test")]

mod callbacks;
mod mutations;
mod table;

use std::process::Command;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};

use ron_auth_catalogue::{Variant, Verifier, catalogue, compositions};
use ron_auth_core::{AuthError, BatchError, Decision, EvalMode};

use table::classes::{CLASSES, Held};
use table::placing::{Plan, good_tokens};
use table::{Case, Keys, Setting, of_mixed_requests};

type Outcome = Result<Decision, AuthError>;

const MODES: [EvalMode; 3] = [EvalMode::Adaptive, EvalMode::StreamingOnly, EvalMode::SoaOnly];

#[test]
fn every_class_is_in_the_table_or_names_the_test_that_holds_it() {
    let settings: Vec<_> = table::settings().into_iter().chain(table::paths::settings()).collect();
    for (place, (number, name, held)) in CLASSES.iter().enumerate() {
        assert_eq!(*number, place + 1, "{name}");
        let cases = settings.iter().flat_map(|setting| &setting.cases).filter(|case| case.class == *number).count();
        match held {
            Held::Here => assert!(cases > 0, "no case of class {number}, {name}"),
            Held::Elsewhere(where_held) => assert!(cases == 0, "class {number} is at {where_held}"),
        }
    }
    let mut seen = std::collections::HashMap::new();
    for setting in &settings {
        for case in &setting.cases {
            let other = seen.insert((&setting.name, &case.token), &case.expected);
            assert!(other.is_none_or(|other| *other == case.expected), "{} {}", setting.name, case.name);
        }
    }
}

#[test]
fn every_case_comes_out_alone_as_the_table_says_on_every_variant() {
    hold_alone(&table::settings());
    hold_alone(&table::paths::settings());
}

#[test]
fn every_case_comes_out_among_good_tokens_as_the_table_says_on_every_variant() {
    on_threads("every_case_comes_out_among_good_tokens_as_the_table_says_on_every_variant", || {
        hold_among_good(&table::settings());
    });
}

#[test]
fn every_case_comes_out_among_other_requests_as_the_table_says_on_every_variant() {
    on_threads("every_case_comes_out_among_other_requests_as_the_table_says_on_every_variant", || {
        hold_among_requests(&table::settings().into_iter().chain(table::paths::settings()).collect::<Vec<_>>());
    });
}

#[test]
fn every_case_comes_out_as_the_table_says_on_every_composition() {
    let settings = table::settings();
    each_of(compositions(), |variant, failures| {
        let verifier = variant.build();
        for setting in &settings {
            let tokens: Vec<String> = setting.cases.iter().map(|case| case.token.clone()).collect();
            let results = verifier.verify_each(&setting.config, &tokens, &setting.ctx, &Keys);
            for (case, result) in setting.cases.iter().zip(results) {
                if result != case.expected {
                    let told = told(setting, case, &result);
                    failures.push(format!("{} of {} cases: {told}", variant.name, tokens.len()));
                }
            }
        }
    });
}

/// Each case as a single token and as a batch of one, through every function.
fn hold_alone(settings: &[Setting]) {
    each_of(&catalogue(), |variant, failures| {
        let verifier = variant.build();
        for setting in settings {
            for (number, case) in setting.cases.iter().enumerate() {
                for (turn, mode) in MODES.into_iter().enumerate() {
                    let one = std::slice::from_ref(&case.token);
                    // The evaluators take turns at batches of one.
                    let results = [("verify_token", alone(&*verifier, mode, setting, &case.token))].into_iter().chain(
                        (number % 3 == turn)
                            .then(|| batches_of_one(&*verifier, mode, setting, one))
                            .into_iter()
                            .flatten(),
                    );
                    for (function, result) in results {
                        if result != case.expected {
                            let told = told(setting, case, &result);
                            failures.push(format!("{} {mode:?} {function}: {told}", variant.name));
                        }
                    }
                }
            }
        }
    });
}

/// Each case at boundaries of batches of good tokens.
fn hold_among_good(settings: &[Setting]) {
    let good = good_tokens();
    let plain = catalogue()[0].build();
    let results_alone = |setting: &Setting| -> Vec<Outcome> {
        good.iter().map(|token| alone(&*plain, EvalMode::StreamingOnly, setting, token)).collect()
    };
    let usual = settings.iter().find(|setting| setting.name == "usual");
    assert!(usual.is_some_and(|usual| results_alone(usual).iter().all(Result::is_ok)), "good tokens are good");
    let plans = settings.iter().zip(Plan::all(settings));
    let planned: Vec<_> = plans.map(|(setting, plan)| (setting, plan, results_alone(setting))).collect();
    each_of(&catalogue(), |variant, failures| {
        let verifier = variant.build();
        let mut number = 0;
        for (setting, plan, results_alone) in &planned {
            for (tokens, expected) in
                plan.batches(setting, &good, results_alone, |case| setting.cases[case].expected.clone())
            {
                // Evaluators and functions by turns: every pair of them.
                let mode = MODES[number % 3];
                let wrong = batch_through(&*verifier, number / 3, mode, setting, &tokens, &expected);
                failures.extend(wrong.map(|what| format!("{} {mode:?}, {}: {what}", variant.name, setting.name)));
                number += 1;
            }
        }
    });
}

/// All cases as one batch of tokens that each came with a request of its own.
fn hold_among_requests(settings: &[Setting]) {
    let config = table::config();
    let orders = [true, false].map(|by_turns| {
        let cases = of_mixed_requests(settings, by_turns);
        let items: Vec<_> = cases.iter().map(|(setting, case)| (case.token.clone(), setting.ctx.clone())).collect();
        (cases, items)
    });
    each_of(&catalogue(), |variant, failures| {
        let verifier = variant.build();
        for (mode, (cases, items)) in MODES.into_iter().zip(orders.iter().cycle()) {
            let results = verifier.with_mode(mode).verify_each_request(&config, items, &Keys);
            assert_eq!(results.len(), items.len());
            for ((setting, case), result) in cases.iter().zip(results) {
                if result != case.expected {
                    let told = told(setting, case, &result);
                    failures.push(format!("{} {mode:?} among other requests: {told}", variant.name));
                }
            }
        }
    });
}

fn alone(verifier: &dyn Verifier, mode: EvalMode, setting: &Setting, token: &str) -> Outcome {
    verifier.with_mode(mode).verify_token(&setting.config, token, &setting.ctx, &Keys)
}

fn batches_of_one(
    verifier: &dyn Verifier,
    mode: EvalMode,
    setting: &Setting,
    one: &[String],
) -> [(&'static str, Outcome); 4] {
    let Setting { config, ctx, .. } = setting;
    let mut borrowed = None;
    verifier.with_mode(mode).verify_each_borrowed(config, one, ctx, &Keys, &mut |_, result| {
        borrowed = Some(result.map(|verdict| verdict.to_decision()));
    });
    let mut out = vec![Decision::Deny { reasons: vec![] }];
    let many = verifier.with_mode(mode).verify_many_into(config, one, ctx, &Keys, &mut out);
    let item = [(one[0].clone(), ctx.clone())];
    [
        ("verify_each", verifier.with_mode(mode).verify_each(config, one, ctx, &Keys).remove(0)),
        ("verify_each_borrowed", borrowed.unwrap()),
        ("verify_each_request", verifier.with_mode(mode).verify_each_request(config, &item, &Keys).remove(0)),
        ("verify_many_into", many.map(|()| out.remove(0)).map_err(AuthError::from)),
    ]
}

/// What is wrong with a batch's results.
fn batch_through(
    verifier: &dyn Verifier,
    function: usize,
    mode: EvalMode,
    setting: &Setting,
    tokens: &[String],
    expected: &[Outcome],
) -> Option<String> {
    let Setting { config, ctx, .. } = setting;
    let mut results = Vec::with_capacity(tokens.len());
    match function % 4 {
        0 => results = verifier.with_mode(mode).verify_each(config, tokens, ctx, &Keys),
        1 => verifier.with_mode(mode).verify_each_borrowed(config, tokens, ctx, &Keys, &mut |index, result| {
            assert_eq!(index, results.len());
            results.push(result.map(|verdict| verdict.to_decision()));
        }),
        2 => {
            let items: Vec<_> = tokens.iter().map(|token| (token.clone(), ctx.clone())).collect();
            results = verifier.with_mode(mode).verify_each_request(config, &items, &Keys);
        }
        _ => {
            let mut out = Vec::new();
            let done = verifier.with_mode(mode).verify_many_into(config, tokens, ctx, &Keys, &mut out);
            let left = if done.is_err() && !out.is_empty() { "a partial result" } else { "a result" };
            let wrong = left == "a partial result" || done.map(|()| out) != all_or_first_error(expected);
            return wrong.then(|| format!("verify_many_into leaves {left} and {done:?}"));
        }
    }
    let wrong = (0..tokens.len()).find(|at| results.get(*at) != Some(&expected[*at]));
    wrong.map(|at| format!("token {at} of a batch is {:?} and should be {:?}", results.get(at), expected[at]))
}

fn all_or_first_error(results: &[Outcome]) -> Result<Vec<Decision>, BatchError> {
    let each = results.iter().cloned().enumerate();
    each.map(|(index, result)| result.map_err(|error| BatchError { index, error })).collect()
}

fn told(setting: &Setting, case: &Case, result: &Outcome) -> String {
    let (class, what, _) = &CLASSES[case.class - 1];
    let shown: String = case.token.chars().take(200).collect();
    format!(
        "{class} ({what}), {}: {} gives {result:?} and should give {:?}\n  {shown}",
        setting.name, case.name, case.expected
    )
}

/// Runs `work` in a process of its own, with three threads for batches: they are to be spread on one core, too.
fn on_threads(test: &str, work: impl FnOnce()) {
    const THREADS: &str = "RAYON_NUM_THREADS";
    if std::env::var_os(THREADS).is_some_and(|threads| threads == "3") {
        return work();
    }
    let mut own = Command::new(std::env::current_exe().unwrap());
    let output = own.args(["--exact", test, "--nocapture"]).env(THREADS, "3").output().unwrap();
    let (said, complained) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    assert!(output.status.success() && said.contains("1 passed"), "{said}{complained}");
}

/// Runs `work` on each variant, two at a time, and fails with what it collected.
fn each_of(variants: &[Variant], work: impl Fn(&Variant, &mut Vec<String>) + Sync) {
    let next = AtomicUsize::new(0);
    let failures = Mutex::new(Vec::new());
    std::thread::scope(|scope| {
        for _ in 0..2 {
            scope.spawn(|| {
                while let Some(variant) = variants.get(next.fetch_add(1, Ordering::Relaxed)) {
                    let mut found = Vec::new();
                    work(variant, &mut found);
                    failures.lock().unwrap().extend(found);
                }
            });
        }
    });
    let failures = failures.into_inner().unwrap();
    let first: Vec<_> = failures.iter().take(20).map(String::as_str).collect();
    assert!(failures.is_empty(), "{} failures, of which the first are\n{}", failures.len(), first.join("\n"));
}
