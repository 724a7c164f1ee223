//! Every variant gives the result of `plain`, bit for bit, on random tokens and on what becomes of them when bytes
//! are changed.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "a surprise stops a test")]

mod common;

use proptest::prelude::*;
use proptest::sample::{Index, select};
use ron_auth_catalogue::{Variant, Verifier, catalogue, classic};
use ron_auth_core::{
    AuthError, BatchError, Decision, EvalMode, KeyName, MacKey, MacKeyProvider, RequestCtx, Semantics, VerifierConfig,
};

use common::{any_context, base64url, capability, config};

const MODES: [EvalMode; 3] = [EvalMode::Adaptive, EvalMode::StreamingOnly, EvalMode::SoaOnly];

/// One key for all, except that some key ids are unknown.
struct Keys;

impl MacKeyProvider for Keys {
    fn key_for(&self, name: KeyName<'_>) -> Option<MacKey> {
        (name.kid != "gone").then(|| MacKey::new(common::KEY))
    }
}

fn built() -> Vec<(Variant, Box<dyn Verifier>)> {
    catalogue().into_iter().map(|variant| (variant, variant.build())).collect()
}

/// Asserts that all variants agree on one token, and gives what they agree on.
fn agreed(
    verifiers: &[(Variant, Box<dyn Verifier>)],
    config: &VerifierConfig,
    token: &str,
    ctx: &RequestCtx<'_>,
) -> Result<Decision, AuthError> {
    let (_, plain) = &verifiers[0];
    let expected = plain.with_mode(EvalMode::StreamingOnly).verify_token(config, token, ctx, &Keys);
    for (variant, verifier) in verifiers {
        for mode in MODES {
            let got = verifier.with_mode(mode).verify_token(config, token, ctx, &Keys);
            assert_eq!(got, expected, "{} {mode:?} on {token}", variant.name);
        }
        let mut borrowed = Vec::new();
        verifier.verify_each_borrowed(config, &[token.to_owned()], ctx, &Keys, &mut |_, got| {
            borrowed.push(got.map(|verdict| verdict.to_decision()));
        });
        assert_eq!(borrowed.as_slice(), std::slice::from_ref(&expected), "{} borrowed on {token}", variant.name);
    }
    expected
}

proptest! {
    #![proptest_config(ProptestConfig { cases: common::cases(512), ..ProptestConfig::default() })]

    #[test]
    fn on_minted_tokens(capability in capability(0..12), ctx in any_context(), semantics in semantics()) {
        let result = agreed(&built(), &config(semantics), &capability.to_base64url(), &ctx);
        prop_assert!(
            !matches!(result, Err(AuthError::Malformed(_) | AuthError::MacMismatch | AuthError::Bounds)),
            "a minted token must be a token: {:?}", result
        );
    }

    // What is minted is canonical: on such tokens the yardstick is right too.
    #[test]
    fn on_minted_tokens_with_the_yardstick(
        tokens in proptest::collection::vec(capability(0..12), 1..6),
        ctx in any_context(),
        semantics in semantics(),
    ) {
        let tokens: Vec<String> = tokens.iter().map(|capability| capability.to_base64url()).collect();
        let with_classic = [catalogue()[0], classic()].map(|variant| (variant, variant.build()));
        let config = config(semantics);
        let expected: Vec<_> = tokens.iter().map(|token| agreed(&with_classic, &config, token, &ctx)).collect();
        let (_, classic) = &with_classic[1];
        for mode in MODES {
            prop_assert_eq!(&classic.with_mode(mode).verify_each(&config, &tokens, &ctx, &Keys), &expected);
        }
    }

    #[test]
    fn on_tokens_with_bytes_changed(
        capability in capability(0..6),
        changes in proptest::collection::vec((any::<Index>(), change()), 1..4),
        ctx in any_context(),
        semantics in semantics(),
    ) {
        let mut cbor = capability.to_cbor();
        for (place, change) in changes {
            change.apply(&mut cbor, place);
        }
        agreed(&built(), &config(semantics), &base64url(&cbor), &ctx).ok();
    }

    #[test]
    fn on_each_head_written_long(capability in capability(0..4), place in any::<Index>()) {
        // A head with its argument in one byte more than needed is what lenient parsers let through.
        let cbor = capability.to_cbor();
        let place = place.index(cbor.len());
        if cbor[place] & 0x1f < 24 {
            let mut long = cbor[..place].to_vec();
            long.extend([cbor[place] & 0xe0 | 24, cbor[place] & 0x1f]);
            long.extend(&cbor[place + 1..]);
            let ctx = RequestCtx::new(0, "GET", "/", "acme");
            agreed(&built(), &config(Semantics::Strict), &base64url(&long), &ctx).ok();
        }
    }

    #[test]
    fn on_text_with_characters_changed(
        capability in capability(0..3),
        place in any::<Index>(),
        character in any::<char>(),
        cut in any::<Index>(),
    ) {
        let token = capability.to_base64url();
        let ctx = RequestCtx::new(0, "GET", "/", "acme");
        let mut changed: Vec<char> = token.chars().collect();
        let index = place.index(changed.len());
        changed[index] = character;
        agreed(&built(), &config(Semantics::Strict), &changed.into_iter().collect::<String>(), &ctx).ok();
        agreed(&built(), &config(Semantics::Strict), &token[..cut.index(token.len())], &ctx).ok();
    }

    #[test]
    fn on_random_bytes(cbor in proptest::collection::vec(any::<u8>(), 0..200)) {
        let ctx = RequestCtx::new(0, "GET", "/", "acme");
        prop_assert!(agreed(&built(), &config(Semantics::Strict), &base64url(&cbor), &ctx).is_err());
    }

    #[test]
    fn on_custom_values_of_any_shape(value in common::nearly_canonical_item()) {
        let ctx = RequestCtx::new(0, "GET", "/", "acme");
        let result = agreed(&built(), &config(Semantics::Compat), &base64url(&common::token_around(&value)), &ctx);
        // The walk that minting relies on is a judge of its own.
        let canonical = ron_auth_core::wire::canonical_item_len(&value) == Ok(value.len());
        prop_assert_eq!(result.is_ok(), canonical, "{}", hex::encode(&value));
    }

    #[test]
    fn in_batches_order_and_first_error_are_kept(
        tokens in tokens(),
        ctx in any_context(),
        semantics in semantics(),
        par_min_batch in select(vec![0, 48, usize::MAX]),
        soa_threshold in select(vec![0, 2, 8, usize::MAX]),
    ) {
        let mut config = config(semantics);
        config.par_min_batch = par_min_batch;
        config.soa_threshold = soa_threshold;
        let verifiers = built();
        let (_, plain) = &verifiers[0];
        let expected: Vec<_> = tokens
            .iter()
            .map(|token| plain.with_mode(EvalMode::StreamingOnly).verify_token(&config, token, &ctx, &Keys))
            .collect();
        let indexed = expected.iter().cloned().enumerate();
        let all: Result<Vec<Decision>, _> =
            indexed.map(|(index, result)| result.map_err(|error| BatchError { index, error })).collect();
        for (variant, verifier) in &verifiers {
            let each = verifier.verify_each(&config, &tokens, &ctx, &Keys);
            prop_assert_eq!(&each, &expected, "{} verify_each", variant.name);
            let mut borrowed = Vec::new();
            verifier.verify_each_borrowed(&config, &tokens, &ctx, &Keys, &mut |index, got| {
                borrowed.push((index, got.map(|verdict| verdict.to_decision())));
            });
            let numbered: Vec<_> = expected.iter().cloned().enumerate().collect();
            prop_assert_eq!(&borrowed, &numbered, "{} borrowed", variant.name);
            let mut out = vec![Decision::Deny { reasons: vec![] }; 3];
            let many = verifier.verify_many_into(&config, &tokens, &ctx, &Keys, &mut out);
            prop_assert!(many.is_ok() || out.is_empty(), "{} leaves a partial result", variant.name);
            prop_assert_eq!(&many.map(|()| out), &all, "{} verify_many_into", variant.name);
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: common::cases(48), ..ProptestConfig::default() })]

    /// A batch in which every token has its own request is its tokens one by one, whether requests repeat or not.
    #[test]
    fn requests_of_their_own_are_judged_each_by_itself(
        tokens in tokens(),
        contexts in proptest::collection::vec(any_context(), 1..4),
        runs in proptest::collection::vec((any::<Index>(), 1_usize..40), 160),
        semantics in semantics(),
        par_min_batch in select(vec![1_usize, 128, usize::MAX]),
    ) {
        let mut config = config(semantics);
        config.par_min_batch = par_min_batch;
        let requests = runs.iter().flat_map(|(which, length)| std::iter::repeat_n(which.get(&contexts), *length));
        let items: Vec<(String, RequestCtx<'_>)> =
            tokens.iter().cloned().zip(requests.cloned()).collect();
        let verifiers = built();
        let (_, plain) = &verifiers[0];
        let expected: Vec<_> = items
            .iter()
            .map(|(token, ctx)| plain.with_mode(EvalMode::StreamingOnly).verify_token(&config, token, ctx, &Keys))
            .collect();
        for (variant, verifier) in &verifiers {
            for mode in MODES {
                let each = verifier.with_mode(mode).verify_each_request(&config, &items, &Keys);
                prop_assert_eq!(&each, &expected, "{} {:?}", variant.name, mode);
            }
        }
    }
}

/// A batch of which one token in ten has a byte changed.
fn tokens() -> impl Strategy<Value = Vec<String>> {
    let token = (capability(0..5), proptest::option::weighted(0.1, any::<Index>())).prop_map(|(capability, flaw)| {
        let mut cbor = capability.to_cbor();
        if let Some(place) = flaw {
            let place = place.index(cbor.len());
            cbor[place] ^= 1;
        }
        base64url(&cbor)
    });
    proptest::collection::vec(token, 1..150)
}

fn semantics() -> impl Strategy<Value = Semantics> {
    select(vec![Semantics::Strict, Semantics::Compat])
}

/// A change to a token's bytes.
#[derive(Clone, Debug)]
enum Change {
    FlipBit(u8),
    Set(u8),
    Insert(u8),
    Remove,
    Truncate,
    Append(u8),
}

impl Change {
    fn apply(&self, cbor: &mut Vec<u8>, place: Index) {
        if cbor.is_empty() {
            return;
        }
        let place = place.index(cbor.len());
        match *self {
            Self::FlipBit(bit) => cbor[place] ^= 1 << (bit % 8),
            Self::Set(byte) => cbor[place] = byte,
            Self::Insert(byte) => cbor.insert(place, byte),
            Self::Remove => {
                cbor.remove(place);
            }
            Self::Truncate => cbor.truncate(place),
            Self::Append(byte) => cbor.push(byte),
        }
    }
}

fn change() -> impl Strategy<Value = Change> {
    prop_oneof![
        4 => any::<u8>().prop_map(Change::FlipBit),
        2 => any::<u8>().prop_map(Change::Set),
        // Heads: the bytes that decide how a decoder reads on.
        2 => select((0..8).flat_map(|major| (24..32).map(move |info| major << 5 | info)).collect::<Vec<u8>>())
            .prop_map(Change::Set),
        1 => any::<u8>().prop_map(Change::Insert),
        1 => Just(Change::Remove),
        1 => Just(Change::Truncate),
        1 => any::<u8>().prop_map(Change::Append),
    ]
}
