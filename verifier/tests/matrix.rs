//! The negative matrix through every public function: the table that `ron-auth-variants` holds its variants to, here on
//! the engine that this build's features select.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::panic, reason = "a surprise stops a test")]

#[path = "../../variants/tests/matrix/table/mod.rs"]
mod table;

use std::panic::{AssertUnwindSafe, catch_unwind};

use ron_auth::{
    AuthError, BatchError, Caveat, CustomCaveat, Decision, RequestCtx, Verdict, VerifierConfig, Workspace, verify_each,
    verify_each_in, verify_each_request, verify_each_request_in, verify_many, verify_many_into, verify_token,
    verify_token_in,
};

use table::placing::{Plan, good_tokens};
use table::token::{minted, wide};
use table::{Keys, Setting, of_mixed_requests};

type Outcome = Result<Decision, AuthError>;

fn with_paths() -> Vec<Setting> {
    table::settings().into_iter().chain(table::paths::settings()).collect()
}

#[test]
fn every_case_comes_out_alone_as_the_table_says_through_every_function() {
    // One for all: no error leaves anything behind that the next call could see.
    let mut workspace = Workspace::default();
    let mut out = Vec::new();
    for Setting { name, config, ctx, cases, .. } in &with_paths() {
        for case in cases {
            let what = format!("{name}, class {}: {}", case.class, case.name);
            assert_eq!(verify_token(config, &case.token, ctx, &Keys), case.expected, "{what}");
            let borrowed = verify_token_in(config, &case.token, ctx, &Keys, &mut workspace);
            assert_eq!(borrowed.map(|verdict| verdict.to_decision()), case.expected, "{what}, borrowed");
            let of_one = Batch { config, tokens: &[case.token.as_str()], ctx, what: &what };
            of_one.holds(&mut workspace, &mut out, std::slice::from_ref(&case.expected));
        }
    }
}

#[test]
fn every_case_comes_out_among_good_tokens_as_the_table_says_through_every_function() {
    let (settings, good) = (table::settings(), good_tokens());
    let mut workspace = Workspace::default();
    let mut turn = 0;
    for (setting, plan) in settings.iter().zip(Plan::all(&settings)) {
        let Setting { name, config, ctx, cases, .. } = setting;
        let alone: Vec<Outcome> = good.iter().map(|token| verify_token(config, token, ctx, &Keys)).collect();
        for (tokens, expected) in plan.batches(setting, &good, &alone, |case| cases[case].expected.clone()) {
            let batch = Batch { config, tokens: &tokens, ctx, what: name };
            batch.holds_through(turn, &mut workspace, &mut Vec::new(), &expected);
            turn += 1;
        }
    }
}

#[test]
fn every_case_comes_out_among_other_requests_as_the_table_says() {
    let (settings, config) = (with_paths(), table::config());
    let mut workspace = Workspace::default();
    for by_turns in [true, false] {
        let cases = of_mixed_requests(&settings, by_turns);
        let items: Vec<_> = cases.iter().map(|(setting, case)| (case.token.as_str(), &setting.ctx)).collect();
        let each = verify_each_request(&config, &items, &Keys);
        assert_eq!(each.len(), cases.len());
        for ((setting, case), result) in cases.iter().zip(&each) {
            let Setting { name, .. } = setting;
            assert_eq!(*result, case.expected, "{name}, class {}: {}, among others", case.class, case.name);
        }
        let mut borrowed = Vec::with_capacity(items.len());
        verify_each_request_in(&config, &items, &Keys, &mut workspace, |index, result| {
            assert_eq!(index, borrowed.len());
            borrowed.push(result.map(|verdict| verdict.to_decision()));
        });
        assert!(borrowed == each, "borrowed results are not the owned ones");
    }
}

struct Batch<'b, S> {
    config: &'b VerifierConfig,
    tokens: &'b [S],
    ctx: &'b RequestCtx<'static>,
    what: &'b str,
}

impl<S: AsRef<str> + Sync> Batch<'_, S> {
    /// Functions for batches.
    const FUNCTIONS: usize = 6;

    /// Whether a function gives these results. `out` is that of a call before.
    fn holds_through(&self, function: usize, workspace: &mut Workspace, out: &mut Vec<Decision>, expected: &[Outcome]) {
        let Self { config, tokens, ctx, what } = *self;
        let mut borrowed = Vec::with_capacity(tokens.len());
        let sink = |index, result: Result<Verdict<'_>, AuthError>| {
            assert_eq!(index, borrowed.len(), "{what}");
            borrowed.push(result.map(|verdict| verdict.to_decision()));
        };
        let items: Vec<_> = tokens.iter().map(|token| (token.as_ref(), ctx)).collect();
        let results = expected.iter().cloned().enumerate();
        let all_or_first_error: Result<Vec<Decision>, BatchError> =
            results.map(|(index, result)| result.map_err(|error| BatchError { index, error })).collect();
        match function % Self::FUNCTIONS {
            0 => assert_eq!(verify_each(config, tokens, ctx, &Keys), expected, "{what}, each"),
            1 => {
                verify_each_in(config, tokens, ctx, &Keys, workspace, sink);
                assert_eq!(borrowed, expected, "{what}, borrowed");
            }
            2 => assert_eq!(verify_each_request(config, &items, &Keys), expected, "{what}, each with its request"),
            3 => {
                verify_each_request_in(config, &items, &Keys, workspace, sink);
                assert_eq!(borrowed, expected, "{what}, each with its request, borrowed");
            }
            4 => assert_eq!(verify_many(config, tokens, ctx, &Keys), all_or_first_error, "{what}, all"),
            _ => {
                let done = verify_many_into(config, tokens, ctx, &Keys, out);
                assert!(done.is_ok() || out.is_empty(), "{what}: a partial result");
                assert_eq!(done.map(|()| std::mem::take(out)), all_or_first_error, "{what}, all into a vector");
            }
        }
    }

    fn holds(&self, workspace: &mut Workspace, out: &mut Vec<Decision>, expected: &[Outcome]) {
        (0..Self::FUNCTIONS).for_each(|function| self.holds_through(function, workspace, out, expected));
    }
}

#[test]
fn a_panic_of_a_handler_passes_through_and_the_next_call_is_right() {
    let config = table::config().with_custom_handler("panics", |_: &CustomCaveat<'_>, _: &RequestCtx<'_>| {
        std::panic::resume_unwind(Box::new("handler"))
    });
    let ctx = table::ctx();
    let custom = Caveat::Custom { ns: "panics".into(), name: String::new(), cbor: vec![0xf6] };
    let panicking = minted(&wide(), [custom]);
    let good = good_tokens();
    let alone: Vec<Outcome> = good.iter().map(|token| verify_token(&config, token, &ctx, &Keys)).collect();
    let mut workspace = Workspace::default();
    for at in [0, 1, 63, 127, 128, 130] {
        let mut tokens = good.clone();
        tokens[at].clone_from(&panicking);
        let mut out = Vec::new();
        let passed = |call: &mut dyn FnMut()| catch_unwind(AssertUnwindSafe(call)).is_err();
        assert!(passed(&mut || drop(verify_token(&config, &panicking, &ctx, &Keys))));
        assert!(passed(&mut || drop(verify_token_in(&config, &panicking, &ctx, &Keys, &mut workspace))));
        assert!(passed(&mut || drop(verify_each(&config, &tokens, &ctx, &Keys))));
        assert!(passed(&mut || verify_each_in(&config, &tokens, &ctx, &Keys, &mut workspace, |_, _| {})));
        let items: Vec<_> = tokens.iter().map(|token| (token, &ctx)).collect();
        assert!(passed(&mut || drop(verify_each_request(&config, &items, &Keys))));
        assert!(passed(&mut || verify_each_request_in(&config, &items, &Keys, &mut workspace, |_, _| {})));
        assert!(passed(&mut || drop(verify_many(&config, &tokens, &ctx, &Keys))));
        out.push(Decision::Deny { reasons: vec![] });
        assert!(passed(&mut || verify_many_into(&config, &tokens, &ctx, &Keys, &mut out).unwrap()));
        assert!(out.is_empty(), "decisions of half a batch");
        let batch = Batch { config: &config, tokens: &good, ctx: &ctx, what: "after a panic" };
        batch.holds(&mut workspace, &mut out, &alone);
    }
}
