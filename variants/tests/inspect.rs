//! What `inspect` makes of a text is what every engine makes of it.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "a surprise stops a test")]

mod common;

use proptest::prelude::*;
use proptest::sample::{Index, select};
use ron_auth_catalogue::{Variant, Verifier, catalogue};
use ron_auth_core::inspect::{Stage, diagnose, explain, inspect};
use ron_auth_core::{
    AuthError, CaveatKind, Decision, Demands, KeyName, MacKey, MacKeyProvider, RequestCtx, Semantics, VerifierConfig,
    compat,
};
use serde_json::Value;

use common::{any_context, base64url, capability, config};

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

/// Asserts that all engines, `diagnose`, `inspect` and `explain` say the same of a text, and gives what they say.
fn agreed(
    verifiers: &[(Variant, Box<dyn Verifier>)],
    config: &VerifierConfig,
    text: &str,
    ctx: &RequestCtx<'_>,
    keys: &(impl MacKeyProvider + Sync),
) -> Result<Decision, AuthError> {
    let explanation = explain(config, text, ctx, keys);
    let outcome = explanation.outcome().cloned();
    for (variant, verifier) in verifiers {
        let verified = verifier.verify_token(config, text, ctx, keys);
        assert_eq!(outcome, verified, "{} on {text}: {explanation}", variant.name);
    }
    let undecodable = match outcome {
        Err(error @ (AuthError::Bounds | AuthError::Malformed(_))) => Some(error),
        _ => None,
    };
    let flaw = diagnose(config, text).err();
    assert_eq!(flaw.as_ref().map(|flaw| flaw.error()), undecodable, "{flaw:?} on {text}");
    assert_eq!(explanation.flaw(), flaw.as_ref());
    assert_eq!(inspect(config, text).err(), flaw);
    if let Some(flaw) = flaw {
        let bytes = text.len() / 4 * 3 + text.len() % 4;
        assert!(flaw.text_char() <= text.chars().count(), "{flaw}");
        assert!(flaw.cbor_byte().is_none_or(|byte| byte <= bytes), "{flaw}");
        assert!(!flaw.found().is_empty() && !flaw.expected().is_empty(), "{flaw:?}");
        assert_ne!(flaw.kind().name(), "not_canonical", "a flaw that was not found: {text}");
        let line = flaw.to_string();
        assert!(!line.contains(char::is_control) && line.len() < 4000, "{line}");
    }
    let denied = match &outcome {
        Ok(Decision::Deny { reasons }) => reasons.clone(),
        _ => Vec::new(),
    };
    if explanation.stage() == Stage::Decision {
        let told = explanation.conditions().iter().filter_map(|condition| condition.judgement().reason());
        assert!(told.eq(&denied), "{explanation}");
        let met = explanation.conditions().iter().all(|condition| condition.judgement().is_met());
        assert_eq!(met, denied.is_empty(), "{explanation}");
    }
    outcome
}

proptest! {
    #![proptest_config(ProptestConfig { cases: common::cases(512), ..ProptestConfig::default() })]

    #[test]
    fn on_minted_tokens(
        capability in capability(0..12),
        ctx in any_context(),
        semantics in semantics(),
        demands in demands(),
    ) {
        let text = capability.to_base64url();
        let outcome = agreed(&built(), &config(semantics).with_demands(demands), &text, &ctx, &Keys);
        prop_assert!(!matches!(outcome, Err(AuthError::Malformed(_) | AuthError::Bounds)), "{:?}", outcome);
        let token = inspect(&config(semantics), &text).unwrap();
        prop_assert_eq!(token.caveats().len(), capability.caveats.len());
        prop_assert!(!token.to_string().contains(&hex::encode(capability.mac)[..10]));
    }

    #[test]
    fn on_texts_with_characters_changed(
        capability in capability(0..3),
        place in any::<Index>(),
        character in prop_oneof![any::<char>(), select(vec!['=', '+', '/', 'A', '_', '\n', 'é'])],
        cut in any::<Index>(),
        appended in "[=A-C]{0,3}",
    ) {
        let text = capability.to_base64url();
        let ctx = RequestCtx::new(0, "GET", "/", "acme");
        let verifiers = built();
        let mut changed: Vec<char> = text.chars().collect();
        let index = place.index(changed.len());
        changed[index] = character;
        for text in [changed.into_iter().collect(), text[..cut.index(text.len())].to_owned(), text + &appended] {
            agreed(&verifiers, &config(Semantics::Strict), &text, &ctx, &Keys).ok();
        }
    }

    #[test]
    fn on_tokens_with_bytes_changed(
        capability in capability(0..6),
        changes in proptest::collection::vec((any::<Index>(), change()), 1..4),
        max_caveats in select(vec![0, 3, 64]),
    ) {
        let mut cbor = capability.to_cbor();
        for (place, change) in changes {
            change.apply(&mut cbor, place);
        }
        let mut config = config(Semantics::Strict);
        config.max_caveats = max_caveats;
        agreed(&built(), &config, &base64url(&cbor), &RequestCtx::new(0, "GET", "/", "acme"), &Keys).ok();
    }

    #[test]
    fn on_each_head_written_long(capability in capability(0..4), place in any::<Index>()) {
        let cbor = capability.to_cbor();
        let place = place.index(cbor.len());
        if cbor[place] & 0x1f < 24 {
            let mut long = cbor[..place].to_vec();
            long.extend([cbor[place] & 0xe0 | 24, cbor[place] & 0x1f]);
            long.extend(&cbor[place + 1..]);
            let ctx = RequestCtx::new(0, "GET", "/", "acme");
            agreed(&built(), &config(Semantics::Strict), &base64url(&long), &ctx, &Keys).ok();
        }
    }

    #[test]
    fn on_random_bytes(cbor in proptest::collection::vec(any::<u8>(), 0..200), text in any::<String>()) {
        let ctx = RequestCtx::new(0, "GET", "/", "acme");
        let verifiers = built();
        for text in [base64url(&cbor), text] {
            prop_assert!(agreed(&verifiers, &config(Semantics::Strict), &text, &ctx, &Keys).is_err());
        }
    }

    #[test]
    fn on_custom_values_of_any_shape(value in common::nearly_canonical_item()) {
        let ctx = RequestCtx::new(0, "GET", "/", "acme");
        let text = base64url(&common::token_around(&value));
        let outcome = agreed(&built(), &config(Semantics::Compat), &text, &ctx, &Keys);
        let canonical = ron_auth_core::wire::canonical_item_len(&value) == Ok(value.len());
        prop_assert_eq!(outcome.is_ok(), canonical, "{}", hex::encode(&value));
    }
}

fn semantics() -> impl Strategy<Value = Semantics> {
    select(vec![Semantics::Strict, Semantics::Compat])
}

fn demands() -> impl Strategy<Value = Demands> {
    let kinds = proptest::collection::vec(select(CaveatKind::ALL), 0..4);
    let lifetime = select(vec![None, Some(0), Some(3600), Some(u64::MAX)]);
    (kinds, lifetime, any::<bool>()).prop_map(|(kinds, lifetime, audience)| {
        let mut demands = kinds.into_iter().fold(Demands::default(), Demands::caveat);
        demands = lifetime.map_or(demands, |longest| demands.max_lifetime_secs(longest));
        if audience { demands.audience() } else { demands }
    })
}

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
            Self::Remove => drop(cbor.remove(place)),
            Self::Truncate => cbor.truncate(place),
            Self::Append(byte) => cbor.push(byte),
        }
    }
}

fn change() -> impl Strategy<Value = Change> {
    prop_oneof![
        4 => any::<u8>().prop_map(Change::FlipBit),
        2 => any::<u8>().prop_map(Change::Set),
        2 => any::<u8>().prop_map(Change::Insert),
        1 => Just(Change::Remove),
        1 => Just(Change::Truncate),
        1 => any::<u8>().prop_map(Change::Append),
    ]
}

/// The tokens of the fixtures.
fn fixtures() -> Vec<Vec<u8>> {
    let file: Value = serde_json::from_str(include_str!("../../testdata/v1/fixtures.json")).unwrap();
    let cbor = |fixture: &Value| hex::decode(fixture["cbor_hex"].as_str().unwrap()).unwrap();
    file["fixtures"].as_array().unwrap().iter().map(cbor).collect()
}

/// The engine that decodes with other code than `wire`, and the reference.
fn two() -> Vec<(Variant, Box<dyn Verifier>)> {
    built().into_iter().filter(|(variant, _)| ["plain", "minicbor-zerocopy"].contains(&variant.name)).collect()
}

#[test]
fn every_single_bit_of_a_fixture_matters_alike() {
    let (verifiers, ctx) = (two(), RequestCtx::new(0, "GET", "/", "test"));
    assert_eq!(verifiers.len(), 2);
    for cbor in fixtures() {
        for bit in 0..cbor.len() * 8 {
            let mut flipped = cbor.clone();
            flipped[bit / 8] ^= 1 << (bit % 8);
            let text = base64url(&flipped);
            assert!(agreed(&verifiers, &config(Semantics::Strict), &text, &ctx, &Keys).is_err(), "bit {bit}");
        }
    }
}

#[test]
fn every_cut_insertion_and_swap_of_a_fixture_comes_out_alike() {
    let (verifiers, ctx) = (two(), RequestCtx::new(0, "GET", "/", "test"));
    for cbor in fixtures() {
        for at in 0..cbor.len() {
            let without = [&cbor[..at], &cbor[at + 1..]].concat();
            let inserted =
                [0x00, 0x18, 0x60, 0xa0, 0xc0, 0xf6, 0xff].map(|byte| [&cbor[..at], &[byte], &cbor[at..]].concat());
            let mut swapped = cbor.clone();
            swapped.swap(at, (at + 1) % cbor.len());
            let all = inserted.into_iter().chain([cbor[..at].to_vec(), without, swapped]);
            for changed in all.filter(|changed| *changed != cbor) {
                let text = base64url(&changed);
                assert!(agreed(&verifiers, &config(Semantics::Strict), &text, &ctx, &Keys).is_err(), "byte {at}");
            }
        }
    }
}

/// The rule in the vector file's header.
struct VectorKeys;

impl MacKeyProvider for VectorKeys {
    fn key_for(&self, KeyName { tid, kid }: KeyName<'_>) -> Option<MacKey> {
        let known = !kid.starts_with("gone");
        known.then(|| MacKey::new(*blake3::hash(format!("{tid}/{kid}").as_bytes()).as_bytes()))
    }
}

#[test]
fn all_recorded_decisions_are_explained_as_recorded() {
    let file: Value = serde_json::from_str(include_str!("../../testdata/v1/decisions.json")).unwrap();
    let cases = file["cases"].as_array().unwrap();
    assert_eq!(cases.len(), 600);
    let verifiers = built();
    for case in cases {
        let given = &case["ctx"];
        let text = |field: &str| given[field].as_str().unwrap();
        let mut ctx =
            RequestCtx::new(given["now_unix_s"].as_u64().unwrap(), text("method"), text("path"), text("tenant"))
                .peer_ip(given["peer_ip"].as_str().map(|ip| ip.parse::<std::net::IpAddr>().unwrap()))
                .content_len(given["content_len"].as_u64())
                .amnesia(given["amnesia"].as_bool().unwrap());
        if let Some(digest) = given["audience_and_policy_digest"].as_str() {
            ctx = ctx.policy_digest(digest);
        }
        let token = case["token"].as_str().unwrap();
        let outcome = agreed(&verifiers, &compat::config(), token, &ctx, &VectorKeys);
        let expected = &case["expect"];
        let as_recorded = match &outcome {
            Ok(Decision::Allow { scope, .. }) => {
                expected["allow"]["methods"].as_array().unwrap().len() == scope.methods.len()
            }
            Ok(Decision::Deny { reasons }) => expected["deny"].as_array().unwrap().len() == reasons.len(),
            Err(error) => expected["error"] == error.name(),
        };
        assert!(as_recorded, "{}: {outcome:?}, expected {expected}", case["name"]);
        // Under the other semantics too.
        agreed(&verifiers, &VerifierConfig::default(), token, &ctx, &VectorKeys).ok();
    }
}
