//! One verifier held against the reference, through every function and evaluator.

use ron_auth_catalogue::Verifier;
use ron_auth_core::{AuthError, BatchError, Decision, EvalMode, RequestCtx};

use crate::groups::Group;
use crate::verifiers::Named;

pub(crate) type Outcome = Result<Decision, AuthError>;

const MODES: [EvalMode; 3] = [EvalMode::Adaptive, EvalMode::StreamingOnly, EvalMode::SoaOnly];

/// Sizes of batches, one after the other until a group ends, then from the first again: at and beside the widths of
/// lanes (4, 8, 16) and their multiples. A group as a whole is a batch too, and may be more than a chunk.
const BATCHES: [usize; 17] = [1, 2, 3, 4, 5, 7, 8, 9, 15, 16, 17, 31, 32, 33, 63, 64, 65];

/// What the first verifier, `plain`, makes of the tokens one by one.
pub(crate) fn reference(group: &Group, verifiers: &[Named]) -> Vec<Outcome> {
    verifiers
        .first()
        .map_or_else(Vec::new, |plain| one_by_one(group, &*plain.engine, EvalMode::StreamingOnly).collect())
}

/// Of all outcomes, in order. Their `Debug` texts hold every part of them.
pub(crate) fn digest(outcomes: &[Outcome]) -> blake3::Hash {
    let mut digest = blake3::Hasher::new();
    for outcome in outcomes {
        digest.update(format!("{outcome:?}\n").as_bytes());
    }
    digest.finalize()
}

/// Where a verifier first differs from what is expected, in words. What evaluators differ in does not depend on how
/// tokens are put together, so one of them sees all batches.
pub(crate) fn difference(group: &Group, engine: &dyn Verifier, expected: &[Outcome]) -> Option<String> {
    let alone = |mode| {
        let token = differing(one_by_one(group, engine, mode), expected)?;
        Some(format!("{mode:?}, one by one, token {token}"))
    };
    let together = || {
        let outcomes = engine.verify_each_request(&group.config, &group.items, &*group.keys);
        let token = differing(outcomes.into_iter(), expected)?;
        Some(format!("as one batch, token {token}"))
    };
    MODES.into_iter().find_map(alone).or_else(together).or_else(|| of_batches(group, engine, expected))
}

fn one_by_one<'g>(group: &'g Group, engine: &dyn Verifier, mode: EvalMode) -> impl Iterator<Item = Outcome> + use<'g> {
    let engine = engine.with_mode(mode);
    group.items.iter().map(move |(token, ctx)| engine.verify_token(&group.config, token, ctx, &*group.keys))
}

fn of_batches(group: &Group, engine: &dyn Verifier, expected: &[Outcome]) -> Option<String> {
    let texts: Vec<String> = group.items.iter().map(|(token, _)| token.clone()).collect();
    let mut sizes = BATCHES.into_iter().cycle();
    let mut first = 0;
    while let (Some(size), Some(items)) = (sizes.next(), group.items.get(first..)) {
        let size = size.min(items.len());
        let (Some(items), Some(texts), Some(expected)) =
            (items.get(..size), texts.get(first..first + size), expected.get(first..first + size))
        else {
            return Some(format!("no outcome was expected of token {first}"));
        };
        let Some((_, ctx)) = items.first() else { break };
        let with_requests = engine.verify_each_request(&group.config, items, &*group.keys);
        let mut found = differing(with_requests.into_iter(), expected).map(|token| ("with requests", token));
        if items.iter().all(|(_, other)| other == ctx) {
            found = found.or_else(|| of_one_request(group, engine, (texts, ctx), expected));
        }
        if let Some((how, token)) = found {
            return Some(format!("in a batch of {size} {how}, token {}", first + token));
        }
        first += size;
    }
    None
}

/// The functions for tokens that came with one request.
fn of_one_request(
    group: &Group,
    engine: &dyn Verifier,
    (texts, ctx): (&[String], &RequestCtx<'_>),
    expected: &[Outcome],
) -> Option<(&'static str, usize)> {
    let each = engine.verify_each(&group.config, texts, ctx, &*group.keys);
    if let Some(token) = differing(each.into_iter(), expected) {
        return Some(("of one request", token));
    }
    let mut borrowed = Vec::with_capacity(texts.len());
    engine.verify_each_borrowed(&group.config, texts, ctx, &*group.keys, &mut |_, verdict| {
        borrowed.push(verdict.map(|verdict| verdict.to_decision()));
    });
    if let Some(token) = differing(borrowed.into_iter(), expected) {
        return Some(("of one request, borrowed", token));
    }
    let mut decisions = Vec::new();
    let many = engine.verify_many_into(&group.config, texts, ctx, &*group.keys, &mut decisions);
    let bad = expected.iter().enumerate().find_map(|(index, outcome)| Some((index, outcome.as_ref().err()?)));
    let token = match bad {
        Some((index, error)) => {
            let is_right = many == Err(BatchError { index, error: *error }) && decisions.is_empty();
            (!is_right).then_some(index)
        }
        None => many.map_or_else(|error| Some(error.index), |()| differing(decisions.into_iter().map(Ok), expected)),
    };
    token.map(|token| ("that must be good", token))
}

/// The first index at which the outcomes are not the expected ones, or not as many.
fn differing(outcomes: impl Iterator<Item = Outcome>, expected: &[Outcome]) -> Option<usize> {
    let mut count = 0;
    for (index, outcome) in outcomes.enumerate() {
        if expected.get(index) != Some(&outcome) {
            return Some(index);
        }
        count += 1;
    }
    (count != expected.len()).then_some(count)
}

#[cfg(test)]
mod tests {
    use std::cell::Cell;
    use std::sync::{Arc, Mutex};

    use ron_auth_catalogue::catalogue;
    use ron_auth_core::{MacKeyProvider, Verdict, VerifierConfig};

    use super::*;
    use crate::groups::tests::light;

    type Keys<'k> = &'k (dyn MacKeyProvider + Sync);

    /// Which function of a [`Broken`] verifier is wrong, and about which of the tokens that it is asked about.
    #[derive(Clone, Copy, Debug, PartialEq)]
    enum Fault {
        None,
        Token,
        Each,
        EachRequest,
        Many,
        Borrowed,
    }

    /// Right but for the last token of batches of eight, or the token that comes eighth.
    #[derive(Clone)]
    struct Broken {
        right: Arc<dyn Verifier>,
        fault: Fault,
        asked: Arc<Mutex<Cell<usize>>>,
    }

    impl Broken {
        fn spoil(&self, fault: Fault, results: &mut [Outcome]) {
            if self.fault == fault && results.len() == 8 {
                results[7] = Err(AuthError::Bounds);
            }
        }
    }

    impl Verifier for Broken {
        fn with_mode(&self, mode: EvalMode) -> Box<dyn Verifier> {
            Box::new(Self { right: self.right.with_mode(mode).into(), ..self.clone() })
        }

        fn verify_token(&self, config: &VerifierConfig, token: &str, ctx: &RequestCtx<'_>, keys: Keys<'_>) -> Outcome {
            let asked = self.asked.lock().unwrap();
            asked.set(asked.get() + 1);
            if self.fault == Fault::Token && asked.get() == 8 {
                return Err(AuthError::Bounds);
            }
            self.right.verify_token(config, token, ctx, keys)
        }

        fn verify_each(
            &self,
            config: &VerifierConfig,
            tokens: &[String],
            ctx: &RequestCtx<'_>,
            keys: Keys<'_>,
        ) -> Vec<Outcome> {
            let mut results = self.right.verify_each(config, tokens, ctx, keys);
            self.spoil(Fault::Each, &mut results);
            results
        }

        fn verify_each_request(
            &self,
            config: &VerifierConfig,
            items: &[(String, RequestCtx<'_>)],
            keys: Keys<'_>,
        ) -> Vec<Outcome> {
            let mut results = self.right.verify_each_request(config, items, keys);
            self.spoil(Fault::EachRequest, &mut results);
            results
        }

        fn verify_many_into(
            &self,
            config: &VerifierConfig,
            tokens: &[String],
            ctx: &RequestCtx<'_>,
            keys: Keys<'_>,
            out: &mut Vec<Decision>,
        ) -> Result<(), BatchError> {
            self.right.verify_many_into(config, tokens, ctx, keys, out)?;
            if self.fault == Fault::Many && out.len() == 8 {
                out.pop();
            }
            Ok(())
        }

        fn verify_each_borrowed(
            &self,
            config: &VerifierConfig,
            tokens: &[String],
            ctx: &RequestCtx<'_>,
            keys: Keys<'_>,
            sink: &mut dyn FnMut(usize, Result<Verdict<'_>, AuthError>),
        ) {
            self.right.verify_each_borrowed(config, tokens, ctx, keys, &mut |index, verdict| {
                let is_wrong = self.fault == Fault::Borrowed && tokens.len() == 8 && index == 7;
                sink(index, if is_wrong { Err(AuthError::Bounds) } else { verdict });
            });
        }
    }

    #[test]
    fn a_single_wrong_outcome_of_any_function_is_found_and_named() {
        let group = light(60);
        let plain = catalogue()[0];
        let expected = reference(&group, &[Named { name: "plain".into(), engine: plain.build() }]);
        assert!(expected.iter().all(Result::is_ok));
        // Batches of 1, 2, 3, 4, 5 and 7 tokens come before that of eight.
        let cases = [
            (Fault::None, None),
            (Fault::Token, Some("Adaptive, one by one, token 7")),
            (Fault::EachRequest, Some("in a batch of 8 with requests, token 29")),
            (Fault::Each, Some("in a batch of 8 of one request, token 29")),
            (Fault::Borrowed, Some("in a batch of 8 of one request, borrowed, token 29")),
            (Fault::Many, Some("in a batch of 8 that must be good, token 29")),
        ];
        for (fault, named) in cases {
            let broken = Broken { right: plain.build().into(), fault, asked: Arc::default() };
            assert_eq!(difference(&group, &broken, &expected).as_deref(), named, "{fault:?}");
        }
    }

    #[test]
    fn a_digest_depends_on_each_outcome_and_their_order() {
        let [a, b] = [Err(AuthError::Bounds), Err(AuthError::Expired)];
        let digests =
            [vec![], vec![a.clone()], vec![a.clone(), b.clone()], vec![b, a]].map(|outcomes| digest(&outcomes));
        for (index, digest) in digests.iter().enumerate() {
            assert!(!digests[..index].contains(digest), "{index}");
        }
    }
}
