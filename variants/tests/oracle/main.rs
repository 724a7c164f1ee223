//! Every variant decides as the rules of `docs/WIRE.md` say, read by an interpreter that shares no code with them.
//!
//! `interpreter.rs` is that reading, `generator.rs` makes what it is asked, `coverage.rs` makes sure that no answer is
//! missing among its answers, and `properties.rs` holds what follows from the rules as a whole.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::panic, reason = "a surprise stops a test")]
#![allow(unreachable_pub, reason = "modules of a test binary")]

#[path = "../common/mod.rs"]
#[allow(dead_code, reason = "random capabilities of the verifier's own are for the other tests")]
mod common;
mod coverage;
mod generator;
mod interpreter;
mod properties;
mod subject;

use std::cell::RefCell;

use proptest::strategy::Strategy;
use proptest::test_runner::{Config, RngAlgorithm, TestRng, TestRunner};
use ron_auth_core::{AuthError, Decision, EvalMode, Semantics, Verifier};
use ron_auth_variants::{Variant, catalogue, compositions};

use coverage::Coverage;
use generator::{Draft, Flaw, Paths, a_request, case, custom_value, rules, token_for};
use interpreter::{Answer, Caveat, Rules};
use subject::{MODES, Subject};

#[test]
fn every_variant_decides_as_the_rules_say_and_every_answer_occurs() {
    let coverage = held_to_the_oracle(Paths::Ordinary, fixed(), 1500);
    coverage.assert_complete();
}

#[test]
fn every_variant_decides_as_the_rules_say_on_cases_never_seen_before() {
    held_to_the_oracle(Paths::Ordinary, None, 300);
}

// To be run again where the path rule changes: its own tests list spellings, this one finds those nobody listed.
#[test]
#[ignore = "the rule for paths in other spellings is not written down yet"]
fn every_variant_decides_as_the_rules_say_on_paths_of_any_characters() {
    held_to_the_oracle(Paths::Anything, fixed(), 1500);
}

#[test]
fn batches_longer_than_a_chunk_are_decided_as_the_rules_say() {
    let verifiers = built(catalogue());
    run(fixed(), 12, &case(Paths::Ordinary, 126..300), |case| {
        let texts = case.texts();
        let subject = Subject::of(&case);
        let expected: Vec<_> = texts.iter().map(|text| interpreter::verify(&case.rules, text, &case.request)).collect();
        for (variant, verifier) in &verifiers {
            batch_is_decided_so(&subject, variant, &**verifier, &texts, &expected);
        }
    });
}

#[test]
fn custom_values_are_canonical_where_the_rules_say_so() {
    let verifiers = built(catalogue());
    let rules = Rules { handled: vec!["always"], ..rules(Semantics::Strict) };
    let request = a_request();
    let subject = Subject::new(&rules, &request);
    let times = RefCell::new([0; 2]);
    run(fixed(), 1000, &custom_value(), |cbor| {
        let token = token_for(&request, Caveat::Custom { ns: "always".into(), name: String::new(), cbor });
        let text = Draft { token, flaw: Flaw::None }.text();
        let expected = interpreter::verify(&rules, &text, &request);
        times.borrow_mut()[usize::from(expected.result.is_ok())] += 1;
        for (variant, verifier) in &verifiers {
            let answer = subject.alone(&**verifier, EvalMode::Adaptive, &text);
            assert_eq!(answer, expected, "{} on {text}", variant.name);
        }
    });
    let [refused, accepted] = times.into_inner();
    assert!(refused >= 200 && accepted >= 200, "{refused} refused, {accepted} accepted");
}

/// The seed of tests that try the same cases in every run; the others have none.
fn fixed() -> Option<TestRng> {
    Some(TestRng::from_seed(RngAlgorithm::ChaCha, b"what every token is held to here"))
}

fn run<S: Strategy>(seed: Option<TestRng>, cases: u32, strategy: &S, holds: impl Fn(S::Value)) {
    let config = Config { cases: common::cases(cases), failure_persistence: None, ..Config::default() };
    let mut runner = match seed {
        Some(seed) => TestRunner::new_with_rng(config, seed),
        None => TestRunner::new(config),
    };
    let outcome = runner.run(strategy, |value| {
        holds(value);
        Ok(())
    });
    outcome.unwrap_or_else(|failure| panic!("{failure}"));
}

fn built(variants: impl IntoIterator<Item = Variant>) -> Vec<(Variant, Box<dyn Verifier>)> {
    variants.into_iter().map(|variant| (variant, variant.build())).collect()
}

fn held_to_the_oracle(paths: Paths, seed: Option<TestRng>, cases: u32) -> Coverage {
    let (named, composed) = (built(catalogue()), built(compositions().iter().copied()));
    let coverage = RefCell::new(Coverage::default());
    run(seed, cases, &case(paths, 1..5), |case| {
        let texts = case.texts();
        let subject = Subject::of(&case);
        let expected: Vec<_> = texts.iter().map(|text| interpreter::verify(&case.rules, text, &case.request)).collect();
        coverage.borrow_mut().count(&case, &texts, &expected);
        for (variant, verifier) in &named {
            for mode in MODES {
                for (text, expected) in texts.iter().zip(&expected) {
                    let answer = subject.alone(&**verifier, mode, text);
                    assert_eq!(&answer, expected, "{} {mode:?} on {text}", variant.name);
                }
            }
        }
        for (variant, verifier) in named.iter().chain(&composed) {
            batch_is_decided_so(&subject, variant, &**verifier, &texts, &expected);
        }
    });
    coverage.into_inner()
}

/// Each result is as expected, through each function that takes a batch, and each handler has been asked what it should.
fn batch_is_decided_so(
    subject: &Subject<'_>,
    variant: &Variant,
    verifier: &dyn Verifier,
    texts: &[String],
    expected: &[Answer],
) {
    let name = variant.name;
    let results: Vec<_> = expected.iter().map(|answer| answer.result.clone()).collect();
    let all_or_first_error: Result<Vec<Decision>, AuthError> = results.iter().cloned().collect();
    // Threads take turns at will: what is asked about one token keeps its order, the rest does not.
    let mut questions: Vec<_> = expected.iter().flat_map(|answer| answer.asked.clone()).collect();
    let in_order = questions.clone();
    questions.sort();
    for mode in MODES {
        assert_eq!(subject.each(verifier, mode, texts), results, "{name} {mode:?} verify_each");
        let mut asked = subject.taken();
        asked.sort();
        assert_eq!(asked, questions, "{name} {mode:?}: asked of handlers in a batch");
    }
    let mode = MODES[texts.len() % MODES.len()];
    assert_eq!(subject.each_borrowed(verifier, mode, texts), results, "{name} {mode:?} verify_each_borrowed");
    assert_eq!(subject.taken(), in_order, "{name} {mode:?}: asked of handlers, borrowed");
    assert_eq!(subject.many(verifier, mode, texts), all_or_first_error, "{name} {mode:?} verify_many_into");
    subject.taken();
}
