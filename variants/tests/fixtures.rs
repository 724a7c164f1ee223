//! The tokens that everything is measured on come out as they were made to, on every variant; the good ones on the
//! yardstick too.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "a surprise stops a test")]

use ron_auth_catalogue::{Verifier, catalogue, classic};
use ron_auth_core::{BatchError, Decision, EvalMode};
use ron_auth_fixtures::{Corpus, Fixture};

const COUNT: usize = 300;

/// Through the single, the batch and the all-or-nothing function.
fn assert_intended(name: &str, verifier: &dyn Verifier, fixture: Fixture, corpus: &Corpus) {
    let Corpus { tokens, keys, ctx, config, intended } = corpus;
    for mode in [EvalMode::Adaptive, EvalMode::StreamingOnly, EvalMode::SoaOnly] {
        let one_by_one: Vec<_> =
            tokens.iter().map(|token| verifier.with_mode(mode).verify_token(config, token, ctx, keys)).collect();
        assert_eq!(one_by_one, *intended, "{name} on {fixture}, one by one");
        for batch in [7, COUNT] {
            let batched: Vec<_> = tokens
                .chunks(batch)
                .flat_map(|batch| verifier.with_mode(mode).verify_each(config, batch, ctx, keys))
                .collect();
            assert_eq!(batched, *intended, "{name} on {fixture}, batches of {batch}");
        }
    }
    let mut decisions = Vec::new();
    let indexed = intended.iter().cloned().enumerate();
    let expected: Result<Vec<Decision>, _> =
        indexed.map(|(index, result)| result.map_err(|error| BatchError { index, error })).collect();
    let all = verifier.verify_many_into(config, tokens, ctx, keys, &mut decisions);
    assert_eq!(all.map(|()| decisions), expected, "{name} on {fixture}, all or nothing");
}

#[test]
fn every_variant_gives_what_each_token_was_made_to_come_to() {
    for fixture in Fixture::ALL {
        let corpus = fixture.corpus(COUNT);
        for variant in catalogue() {
            assert_intended(variant.name, &*variant.build(), fixture, &corpus);
        }
    }
}

#[test]
fn the_yardstick_gives_it_for_the_good_tokens_of_every_fixture() {
    for fixture in Fixture::ALL {
        let mut corpus = fixture.corpus(COUNT);
        let good: Vec<bool> = corpus.intended.iter().map(Result::is_ok).collect();
        let mut each = good.iter();
        corpus.tokens.retain(|_| *each.next().unwrap());
        corpus.intended.retain(Result::is_ok);
        assert!(corpus.tokens.len() > COUNT * 9 / 10, "{fixture}");
        assert_intended("classic", &*classic().build(), fixture, &corpus);
    }
}

#[test]
fn every_scattered_token_is_allowed() {
    for fixture in [Fixture::ScatteredLight, Fixture::ScatteredHeavy] {
        let corpus = fixture.corpus(COUNT);
        assert!(corpus.intended.iter().all(|intended| matches!(intended, Ok(Decision::Allow { .. }))), "{fixture}");
    }
}
