//! Every variant decides as the rules of `docs/WIRE.md` say, read by an interpreter that shares no code with them.
//!
//! `interpreter.rs` is that reading, `generator` makes what it is asked, `coverage.rs` makes sure that no answer is
//! missing among its answers, and `properties.rs` holds what follows from the rules as a whole.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::panic, reason = "a surprise stops a test")]
#![allow(unreachable_pub, reason = "modules of a test binary")]

#[path = "../common/mod.rs"]
mod common;
mod coverage;
mod generator;
mod interpreter;
mod properties;
mod subject;

use std::cell::RefCell;

use proptest::strategy::Strategy;
use proptest::test_runner::{Config, RngAlgorithm, TestRng, TestRunner};
use ron_auth_catalogue::{Variant, Verifier, catalogue, compositions, find};
use ron_auth_core::{AuthError, BatchError, Decision, EvalMode, RequestCtx, Semantics};

use coverage::Coverage;
use generator::{Case, Draft, Flaw, Paths, a_request, case, custom_value, path, rules, token_for};
use interpreter::{Answer, Caveat, Question, Request, Rules};
use subject::{MODES, Subject, context};

#[test]
fn every_variant_decides_as_the_rules_say_and_every_answer_occurs() {
    let coverage = held_to_the_oracle(Paths::Ordinary, fixed(), 1500);
    coverage.assert_complete();
}

#[test]
fn every_variant_decides_as_the_rules_say_on_cases_never_seen_before() {
    held_to_the_oracle(Paths::Ordinary, None, 200);
}

// The path rule's own tests list spellings; this one finds those that nobody listed.
#[test]
fn every_variant_decides_as_the_rules_say_on_paths_of_any_characters() {
    held_to_the_oracle(Paths::Anything, fixed(), 400);
}

// A path is judged once for all tokens of a batch, so no engine makes a difference here, and one can try many.
#[test]
fn paths_are_plain_where_the_rules_say_so() {
    let verifier = find("minicbor-zerocopy").unwrap().build();
    let rules = rules(Semantics::Strict);
    let times = RefCell::new([0; 2]);
    run(fixed(), 20_000, &path(Paths::Anything), |path| {
        let request = Request { path, ..a_request() };
        // A prefix that covers every plain path.
        let text = Draft { token: token_for(&request, Caveat::PathPrefix("/".into())), flaw: Flaw::None }.text();
        let expected = interpreter::verify(&rules, &text, &request);
        times.borrow_mut()[usize::from(expected.result.as_ref().unwrap().is_allow())] += 1;
        let answer = Subject::new(&rules, &request).alone(&*verifier, EvalMode::StreamingOnly, &text);
        assert_eq!(answer, expected, "{:?}", request.path);
    });
    let [odd, plain] = times.into_inner();
    assert!(odd >= 4000 && plain >= 4000, "{odd} odd paths, {plain} plain ones");
}

#[test]
fn batches_longer_than_a_chunk_are_decided_as_the_rules_say() {
    let verifiers = built(catalogue());
    run(fixed(), 10, &case(Paths::Ordinary, 126..300), |case| {
        let batch = Batch::of(&case);
        for (variant, verifier) in &verifiers {
            batch_is_decided_so(&batch, variant, &**verifier, &MODES);
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
        let batch = Batch::of(&case);
        let Batch { subject, texts, expected, .. } = &batch;
        coverage.borrow_mut().count(&case, texts, expected);
        for (variant, verifier) in &named {
            for mode in MODES {
                for (text, expected) in texts.iter().zip(expected) {
                    let answer = subject.alone(&**verifier, mode, text);
                    assert_eq!(&answer, expected, "{} {mode:?} on {text}", variant.name);
                }
            }
            batch_is_decided_so(&batch, variant, &**verifier, &MODES);
        }
        // All in each mode take too long: another one each time.
        for (index, (variant, verifier)) in composed.iter().enumerate() {
            let mode = MODES[(index + texts[0].len()) % MODES.len()];
            batch_is_decided_so(&batch, variant, &**verifier, &[mode]);
        }
    });
    coverage.into_inner()
}

/// Each result is as expected, through each function that takes a batch, and each handler has been asked what it
/// should.
fn batch_is_decided_so(batch: &Batch<'_>, variant: &Variant, verifier: &dyn Verifier, modes: &[EvalMode]) {
    let name = variant.name;
    let Batch { subject, texts, expected, items, expected_of_items } = batch;
    for &mode in modes {
        assert_eq!(subject.each(verifier, mode, texts), results(expected), "{name} {mode:?} verify_each");
        assert_eq!(sorted(subject.taken()), sorted(questions(expected)), "{name} {mode:?}: asked by verify_each");
        let each_request = subject.each_request(verifier, mode, items);
        assert_eq!(each_request, results(expected_of_items), "{name} {mode:?} verify_each_request");
        let asked = subject.taken();
        assert_eq!(
            sorted(asked),
            sorted(questions(expected_of_items)),
            "{name} {mode:?}: asked by verify_each_request"
        );
    }
    let mode = modes[texts.len() % modes.len()];
    assert_eq!(subject.each_borrowed(verifier, mode, texts), results(expected), "{name} {mode:?} verify_each_borrowed");
    assert_eq!(subject.taken(), questions(expected), "{name} {mode:?}: asked by verify_each_borrowed");
    let all_or_first_error: Result<Vec<Decision>, BatchError> = results(expected)
        .into_iter()
        .enumerate()
        .map(|(index, result)| result.map_err(|error| BatchError { index, error }))
        .collect();
    assert_eq!(subject.many(verifier, mode, texts), all_or_first_error, "{name} {mode:?} verify_many_into");
    subject.taken();
}

/// A case, and the oracle's answers.
struct Batch<'c> {
    subject: Subject<'c>,
    texts: Vec<String>,
    expected: Vec<Answer>,
    /// The same tokens, of which every second comes with the other request.
    items: Vec<(String, RequestCtx<'c>)>,
    expected_of_items: Vec<Answer>,
}

impl<'c> Batch<'c> {
    fn of(case: &'c Case) -> Self {
        let texts = case.texts();
        let answer = |text: &String, request| interpreter::verify(&case.rules, text, request);
        let with_requests = || texts.iter().zip([&case.request, &case.other].into_iter().cycle());
        Self {
            subject: Subject::of(case),
            expected: texts.iter().map(|text| answer(text, &case.request)).collect(),
            items: with_requests().map(|(text, request)| (text.clone(), context(request))).collect(),
            expected_of_items: with_requests().map(|(text, request)| answer(text, request)).collect(),
            texts,
        }
    }
}

fn results(answers: &[Answer]) -> Vec<Result<Decision, AuthError>> {
    answers.iter().map(|answer| answer.result.clone()).collect()
}

fn questions(answers: &[Answer]) -> Vec<Question> {
    answers.iter().flat_map(|answer| answer.asked.clone()).collect()
}

/// Threads take turns at will, so the order in which handlers are asked about the tokens of a batch says nothing.
fn sorted(mut questions: Vec<Question>) -> Vec<Question> {
    questions.sort();
    questions
}
