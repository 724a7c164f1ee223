//! One input of the fuzzer: a token, requests, settings and a batch around it, through every function of every
//! verifier.
//!
//! What must hold: each verifier gives what `plain` gives, alone and in batches, of one request and with a request
//! each, owned and borrowed; and bytes that were changed after signing are never a genuine token. `tests/planted.rs`
//! shows that faults are found.

mod case;
mod token;

use std::sync::LazyLock;

use ron_auth::Workspace;
use ron_auth_catalogue::{Verifier, catalogue, compositions};
use ron_auth_core::{AuthError, BatchError, Decision, EvalMode, RequestCtx};

pub use case::{Case, HEAD_BYTES};
use case::{Keys, Settings};
pub use token::{DAMAGED, Kind};

/// The catalogue and all compositions, `plain` first.
static VERIFIERS: LazyLock<Vec<(&str, Box<dyn Verifier>)>> =
    LazyLock::new(|| catalogue().iter().chain(compositions()).map(|variant| (variant.name, variant.build())).collect());

type Outcome = Result<Decision, AuthError>;

/// Panics where something does not hold of any verifier.
pub fn check(input: &[u8]) {
    check_of(&VERIFIERS, input);
}

/// Panics where something does not hold of these verifiers, named, of which the first is what all others must agree
/// with.
pub fn check_of(verifiers: &[(&str, Box<dyn Verifier>)], input: &[u8]) {
    let case = Case::read(input);
    let Case { settings, items, altered, .. } = &case;
    let Settings { config, .. } = settings;
    let Some((_, plain)) = verifiers.first() else { return };
    let one = |verifier: &dyn Verifier, mode, (text, ctx): &(String, RequestCtx<'_>)| {
        verifier.with_mode(mode).verify_token(config, text, ctx, &Keys)
    };
    let expected: Vec<Outcome> = items.iter().map(|item| one(&**plain, EvalMode::StreamingOnly, item)).collect();
    for index in altered {
        assert!(expected[*index].is_err(), "changed after signing and Ok: {}", items[*index].0);
    }
    let texts: Vec<String> = items.iter().map(|(text, _)| text.clone()).collect();
    let ctx = &items[0].1;
    let of_one_request: Vec<Outcome> = texts
        .iter()
        .map(|text| plain.with_mode(EvalMode::StreamingOnly).verify_token(config, text, ctx, &Keys))
        .collect();
    for (number, (name, verifier)) in verifiers.iter().enumerate() {
        let mode = [EvalMode::Adaptive, EvalMode::StreamingOnly, EvalMode::SoaOnly][(number + settings.turn) % 3];
        assert_eq!(one(&**verifier, mode, &items[0]), expected[0], "{name} {mode:?} on {}", texts[0]);
        // In turns: all functions of all verifiers would leave time for few inputs.
        match (number + settings.turn / 3) % 4 {
            0 => {
                let each = verifier.with_mode(mode).verify_each_request(config, items, &Keys);
                assert_eq!(each, expected, "{name} {mode:?}, a request each, {texts:?}");
            }
            1 => {
                let each = verifier.with_mode(mode).verify_each(config, &texts, ctx, &Keys);
                assert_eq!(each, of_one_request, "{name} {mode:?}, one request, {texts:?}");
            }
            2 => {
                let mut each = Vec::new();
                verifier.with_mode(mode).verify_each_borrowed(config, &texts, ctx, &Keys, &mut |index, verdict| {
                    assert_eq!(index, each.len(), "{name}: results come in order");
                    each.push(verdict.map(|verdict| verdict.to_decision()));
                });
                assert_eq!(each, of_one_request, "{name} {mode:?}, borrowed, {texts:?}");
            }
            _ => {
                let mut decisions = vec![Decision::Deny { reasons: Vec::new() }];
                let many = verifier.with_mode(mode).verify_many_into(config, &texts, ctx, &Keys, &mut decisions);
                let wanted = all_good(&of_one_request);
                assert_eq!(many.map(|()| std::mem::take(&mut decisions)), wanted, "{name} {mode:?}, many, {texts:?}");
                assert!(decisions.is_empty(), "{name} {mode:?}: a batch that fails leaves a result");
            }
        }
    }
    borrowed_by_the_face(&case, &expected, &of_one_request);
}

/// The functions of `ron-auth` that work in memory of the caller's.
fn borrowed_by_the_face(case: &Case, expected: &[Outcome], of_one_request: &[Outcome]) {
    let Case { settings: Settings { config, .. }, items, .. } = case;
    let mut workspace = Workspace::default();
    let (text, ctx) = &items[0];
    let alone =
        ron_auth::verify_token_in(config, text, ctx, &Keys, &mut workspace).map(|verdict| verdict.to_decision());
    assert_eq!(alone, expected[0], "verify_token_in on {text}");
    let mut each = Vec::new();
    let texts: Vec<&str> = items.iter().map(|(text, _)| text.as_str()).collect();
    ron_auth::verify_each_in(config, &texts, ctx, &Keys, &mut workspace, |_, verdict| {
        each.push(verdict.map(|verdict| verdict.to_decision()));
    });
    assert_eq!(each, of_one_request, "verify_each_in on {texts:?}");
    each.clear();
    ron_auth::verify_each_request_in(config, items, &Keys, &mut workspace, |_, verdict| {
        each.push(verdict.map(|verdict| verdict.to_decision()));
    });
    assert_eq!(each, expected, "verify_each_request_in on {texts:?}");
}

fn all_good(outcomes: &[Outcome]) -> Result<Vec<Decision>, BatchError> {
    let index = |(index, outcome): (usize, &Outcome)| outcome.clone().map_err(|error| BatchError { index, error });
    outcomes.iter().enumerate().map(index).collect()
}
