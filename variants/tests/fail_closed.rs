//! Backends that are wrong, and hosts that panic: what was not computed, can't be shown or was not finished counts for
//! nothing. No backend in this repository does any of it, so the wrong ones are made here, around right ones.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::panic, reason = "a surprise stops a test")]

use std::panic::{AssertUnwindSafe, catch_unwind};

use ron_auth_catalogue::{catalogue, classic};
use ron_auth_core::chain::Tag;
use ron_auth_core::seam::{Decode, Mac};
use ron_auth_core::view::{CaveatView, Item, ScopeView, Text, TokenView};
use ron_auth_core::{
    AuthError, BatchError, Capability, CapabilityBuilder, Caveat, CustomCaveat, Decision, DenyReason, Engine, EvalMode,
    KeyName, MAX_CHUNK_TOKENS, MacKey, MacKeyProvider, Malformed, RequestCtx, Scope, Scratch, VerifierConfig, compat,
};
use ron_auth_variants::base64::{ScalarBase64, SimdBase64};
use ron_auth_variants::decode::{SpanArena, SpanView, ZeroCopyDecode};
use ron_auth_variants::execute::{RayonExecute, SequentialExecute};
use ron_auth_variants::mac::{LanesMac, SerialMac};
use ron_auth_variants::scratch::PerCallScratch;

const NOW_UNIX_S: u64 = 1_762_700_000;
const MALFORMED: AuthError = AuthError::Malformed(Malformed::Cbor);
const MODES: [EvalMode; 2] = [EvalMode::StreamingOnly, EvalMode::SoaOnly];

fn ctx() -> RequestCtx<'static> {
    RequestCtx::new(NOW_UNIX_S, "GET", "/index/1", "acme").audience("search")
}

fn key() -> MacKey {
    MacKey::new([7; 32])
}

fn minted(caveats: impl IntoIterator<Item = Caveat>) -> Capability {
    CapabilityBuilder::new("acme", "k1", Scope::new("/index/", ["GET"])).caveats(caveats).sign(&key()).unwrap()
}

fn with_mac(mut capability: Capability, mac: [u8; 32]) -> String {
    capability.mac = mac;
    capability.to_base64url()
}

/// Forgets the chain of one index of every chunk.
struct DropsAChain<M> {
    mac: M,
    dropped: usize,
}

impl<M: Mac> Mac for DropsAChain<M> {
    fn tag<'a, V: TokenView<'a>>(&self, key: &MacKey, token: V) -> Tag {
        self.mac.tag(key, token)
    }

    fn tags<'a, V: TokenView<'a>>(&self, job: impl Fn(usize) -> Option<(&'a MacKey, V)>, tags: &mut [Option<Tag>]) {
        self.mac.tags(|index| if index == self.dropped { None } else { job(index) }, tags);
    }
}

fn no_token_passes_whose_chain_was_dropped(mac: impl Mac + Copy) {
    const MAX_BATCH: usize = MAX_CHUNK_TOKENS + 2;
    let config = VerifierConfig::default();
    let good: Vec<Capability> =
        (0..MAX_BATCH).map(|index| minted((0..index as u64 % 3).map(|more| Caveat::Exp(NOW_UNIX_S + more)))).collect();
    let texts: Vec<String> = good.iter().map(Capability::to_base64url).collect();
    let what_forgers_send = [Some([0; 32]), Some([0xff; 32]), None];
    for forged in what_forgers_send {
        for len in (1..=MAX_BATCH).step_by(if forged.is_none() { 43 } else { 1 }) {
            for place in 0..len {
                let mut batch: Vec<&str> = texts[..len].iter().map(String::as_str).collect();
                // The good MAC, too: without a computed one there is nothing to hold it against.
                let text = forged.map_or_else(|| texts[place].clone(), |mac| with_mac(good[place].clone(), mac));
                batch[place] = &text;
                let dropped = place % MAX_CHUNK_TOKENS;
                let mac = DropsAChain { mac, dropped };
                let engine = Engine::new(SimdBase64, ZeroCopyDecode, mac, SequentialExecute, PerCallScratch);
                let results = engine.verify_each(&config, &batch, &ctx(), &key());
                for (index, result) in results.iter().enumerate() {
                    let what = || format!("{forged:?} at {place} of {len}: {result:?} at {index}");
                    if index % MAX_CHUNK_TOKENS == dropped {
                        assert_eq!(*result, Err(AuthError::MacMismatch), "{}", what());
                    } else {
                        assert!(matches!(result, Ok(Decision::Allow { .. })), "{}", what());
                    }
                }
            }
        }
    }
}

#[test]
fn a_chain_that_the_serial_engine_dropped_matches_no_mac() {
    no_token_passes_whose_chain_was_dropped(SerialMac);
}

#[test]
fn a_chain_that_lanes_dropped_matches_no_mac() {
    no_token_passes_whose_chain_was_dropped(LanesMac::default());
}

/// Reads tokens as they are, and shows something else.
#[derive(Clone, Copy)]
struct Lies<const LIE: usize>;

const NO_MAC: usize = 0;
const TID: usize = 1;
const KID: usize = 2;
const PREFIX: usize = 3;
const NS: usize = 4;
/// This and the next ones hide a caveat, by its index.
const CAVEAT_0: usize = 10;
const CAVEAT_1: usize = 11;
const CAVEAT_2: usize = 12;

const NOT_UTF8: Text<'static> = Text::from_checked(&[0xff, b'a']);

impl<const LIE: usize> Decode for Lies<LIE> {
    type Token = usize;
    type Arena = SpanArena;
    type View<'a> = LyingView<'a, LIE>;

    fn decode(&self, cbor: &[u8], max_caveats: usize, arena: &mut SpanArena) -> Result<usize, AuthError> {
        ZeroCopyDecode.decode(cbor, max_caveats, arena)
    }
    fn view<'a>(token: &'a usize, cbor: &'a [u8], arena: &'a SpanArena) -> LyingView<'a, LIE> {
        LyingView(ZeroCopyDecode::view(token, cbor, arena))
    }
    fn clear(arena: &mut SpanArena) {
        ZeroCopyDecode::clear(arena);
    }
    fn held_bytes(arena: &SpanArena) -> usize {
        ZeroCopyDecode::held_bytes(arena)
    }
}

#[derive(Clone, Copy)]
struct LyingView<'a, const LIE: usize>(SpanView<'a>);

impl<'a, const LIE: usize> TokenView<'a> for LyingView<'a, LIE> {
    fn tid(self) -> Text<'a> {
        if LIE == TID { NOT_UTF8 } else { self.0.tid() }
    }
    fn kid(self) -> Text<'a> {
        if LIE == KID { NOT_UTF8 } else { self.0.kid() }
    }
    fn scope(self) -> ScopeView<'a> {
        let mut scope = self.0.scope();
        if LIE == PREFIX {
            scope.prefix = Some(NOT_UTF8);
        }
        scope
    }
    fn mac(self) -> Option<&'a [u8; 32]> {
        if LIE == NO_MAC { None } else { self.0.mac() }
    }
    fn caveat_count(self) -> usize {
        self.0.caveat_count()
    }
    fn caveat(self, index: usize) -> Option<CaveatView<'a>> {
        match self.0.caveat(index) {
            Some(CaveatView::Custom { name, cbor, .. }) if LIE == NS => {
                Some(CaveatView::Custom { ns: NOT_UTF8, name, cbor })
            }
            _ if LIE == CAVEAT_0 + index => None,
            caveat => caveat,
        }
    }
    fn head_items(self) -> [Item<'a>; 3] {
        self.0.head_items()
    }
    fn caveat_item(self, index: usize) -> Item<'a> {
        self.0.caveat_item(index)
    }
}

/// What becomes of a token that is shown wrongly: the same alone, in a batch of which others are fine, and in lent
/// memory, with both evaluators.
fn shown_by<const LIE: usize>(
    config: &VerifierConfig,
    caveats: &[Caveat],
    keys: &(impl MacKeyProvider + Sync),
) -> Result<Decision, AuthError> {
    let text = minted(caveats.to_vec()).to_base64url();
    let engine = Engine::new(ScalarBase64, Lies::<LIE>, SerialMac, SequentialExecute, PerCallScratch);
    let mut found = Vec::new();
    for mode in MODES {
        let owned = |verdict: ron_auth_core::Verdict<'_>| verdict.to_decision();
        found.push(engine.with_mode(mode).verify_token(config, &text, &ctx(), keys));
        let mut scratch = Scratch::default();
        found.push(engine.with_mode(mode).verify_token_in(config, &text, &ctx(), keys, &mut scratch).map(owned));
        for len in [1, 2, 5, 20] {
            let batch = vec![text.as_str(); len];
            found.extend(engine.with_mode(mode).verify_each(config, &batch, &ctx(), keys));
            let mut out = vec![Decision::Deny { reasons: vec![DenyReason::BadAudience] }];
            let many = engine.with_mode(mode).verify_many_into(config, &batch, &ctx(), keys, &mut out);
            match many {
                Ok(()) => found.extend(out.into_iter().map(Ok)),
                Err(BatchError { index, error }) => {
                    assert!(index == 0 && out.is_empty());
                    found.push(Err(error));
                }
            }
        }
    }
    let first = found[0].clone();
    assert!(found.iter().all(|other| *other == first), "{LIE}: {found:?}");
    first
}

#[test]
fn a_token_that_shows_no_mac_matches_none() {
    for mac in [[0; 32], [0xff; 32], minted([]).mac] {
        let text = with_mac(minted([]), mac);
        let engine = Engine::new(SimdBase64, Lies::<NO_MAC>, SerialMac, SequentialExecute, PerCallScratch);
        let config = VerifierConfig::default();
        let alone = engine.verify_token(&config, &text, &ctx(), &key());
        assert_eq!(alone, Err(AuthError::MacMismatch));
        for result in engine.verify_each(&config, &[&text; 5], &ctx(), &key()) {
            assert_eq!(result, Err(AuthError::MacMismatch));
        }
    }
}

#[test]
fn a_caveat_that_a_view_cannot_show_is_malformed_and_earlier_errors_come_first() {
    let good = [Caveat::Aud("search".into()), Caveat::Exp(NOW_UNIX_S), Caveat::Amnesia(false)];
    let expired = [Caveat::Exp(1), Caveat::Exp(NOW_UNIX_S), Caveat::Exp(1)];
    let refused = [Caveat::Tenant("other".into()), Caveat::Amnesia(true), Caveat::BytesLe(0)];
    for config in [VerifierConfig::default(), compat::config()] {
        let config = &config;
        // Under compat, `Aud` names the policy digest, which this request has none of: denied, if nothing were hidden.
        for (caveats, first, second, third) in [
            (&good, MALFORMED, MALFORMED, MALFORMED),
            (&expired, MALFORMED, AuthError::Expired, AuthError::Expired),
            (&refused, MALFORMED, MALFORMED, MALFORMED),
        ] {
            assert_eq!(shown_by::<CAVEAT_0>(config, caveats, &key()), Err(first), "{caveats:?}");
            assert_eq!(shown_by::<CAVEAT_1>(config, caveats, &key()), Err(second), "{caveats:?}");
            assert_eq!(shown_by::<CAVEAT_2>(config, caveats, &key()), Err(third), "{caveats:?}");
        }
    }
}

/// A provider that nobody may ask.
struct NotAsked;

impl MacKeyProvider for NotAsked {
    fn key_for(&self, name: KeyName<'_>) -> Option<MacKey> {
        panic!("asked for {name:?}")
    }
}

#[test]
fn names_that_are_not_utf8_are_malformed_and_nothing_is_looked_up_by_them() {
    for config in [VerifierConfig::default(), compat::config()] {
        assert_eq!(shown_by::<TID>(&config, &[], &NotAsked), Err(MALFORMED));
        assert_eq!(shown_by::<KID>(&config, &[], &NotAsked), Err(MALFORMED));
        let handler = |_: &CustomCaveat<'_>, _: &RequestCtx<'_>| -> Result<(), _> { panic!("a handler was asked") };
        let config = config.with_custom_handler("", handler).with_custom_handler(Text::NOT_UTF8, handler);
        let custom = Caveat::Custom { ns: "ns".into(), name: String::new(), cbor: vec![0xf6] };
        if config.semantics == ron_auth_core::Semantics::Strict {
            assert_eq!(shown_by::<NS>(&config, &[custom], &key()), Err(MALFORMED));
        }
    }
}

#[test]
fn text_that_is_not_utf8_equals_no_text_and_grants_no_path() {
    for text in ["", "a", "\u{fffd}", "\u{fffd}a"] {
        assert!(NOT_UTF8 != *text && NOT_UTF8 != Text::from(text), "{text:?}");
    }
    assert!(!NOT_UTF8.as_str().is_empty());
    let strict = shown_by::<PREFIX>(&VerifierConfig::default(), &[], &key());
    assert_eq!(strict, Ok(Decision::Deny { reasons: vec![DenyReason::PathNotAllowed] }));
    // Under compat the host enforces the scope.
    let Ok(Decision::Allow { scope, .. }) = shown_by::<PREFIX>(&compat::config(), &[], &key()) else { panic!() };
    assert_eq!(scope.prefix.as_deref(), Some(Text::NOT_UTF8));
}

#[test]
fn nothing_verifies_under_a_key_that_was_never_filled() {
    let unset = MacKey::new([0; 32]);
    let token = CapabilityBuilder::new("acme", "k1", Scope::new("/", ["GET"])).sign(&unset).unwrap().to_base64url();
    for variant in catalogue().into_iter().chain([classic()]) {
        let verifier = variant.build();
        let config = VerifierConfig::default();
        let alone = verifier.verify_token(&config, &token, &ctx(), &unset);
        assert_eq!(alone, Err(AuthError::UnknownKid), "{}", variant.name);
        for result in verifier.verify_each(&config, &vec![token.clone(); 20], &ctx(), &unset) {
            assert_eq!(result, Err(AuthError::UnknownKid), "{}", variant.name);
        }
    }
}

/// Panics at one of the names it is asked for.
struct PanickingKeys;

impl MacKeyProvider for PanickingKeys {
    fn key_for(&self, name: KeyName<'_>) -> Option<MacKey> {
        assert!(name.kid != "panic", "a provider panics");
        Some(key())
    }
}

#[test]
fn after_a_panic_of_a_handler_or_provider_no_results_can_be_read() {
    const COUNT: usize = 200;
    let custom = |name: &str| Caveat::Custom { ns: "ns".into(), name: name.into(), cbor: vec![0xf6] };
    let of_kid = |kid: &str, name: &str| {
        let builder = CapabilityBuilder::new("acme", kid, Scope::new("/", ["GET"]));
        builder.caveat(custom(name)).sign(&key()).unwrap().to_base64url()
    };
    let mut config =
        VerifierConfig::default().with_custom_handler("ns", |caveat: &CustomCaveat<'_>, _: &RequestCtx<'_>| {
            assert!(caveat.name() != "panic", "a handler panics");
            Ok(())
        });
    config.par_min_batch = 32;
    for variant in catalogue().into_iter().chain([classic()]) {
        let verifier = variant.build();
        for bad in [of_kid("k1", "panic"), of_kid("panic", "fine")] {
            for place in [0, 1, 100, 127, 128, COUNT - 1] {
                let mut tokens = vec![of_kid("k1", "fine"); COUNT];
                tokens[place].clone_from(&bad);
                // What was there before is gone as well.
                let mut out = vec![Decision::Deny { reasons: vec![DenyReason::BadAudience] }; 3];
                let caught = catch_unwind(AssertUnwindSafe(|| {
                    verifier.verify_many_into(&config, &tokens, &ctx(), &PanickingKeys, &mut out)
                }));
                assert!(caught.is_err(), "{}: a panic passes through", variant.name);
                assert!(out.is_empty(), "{}: {} results after a panic at {place}", variant.name, out.len());
            }
        }
    }
}

/// Text that can't be had.
enum MaybeText {
    Text(String),
    Panics,
}

impl AsRef<str> for MaybeText {
    fn as_ref(&self) -> &str {
        match self {
            Self::Text(text) => text,
            Self::Panics => panic!("no text"),
        }
    }
}

#[test]
fn after_a_panic_of_a_text_no_results_can_be_read() {
    let good = minted([]).to_base64url();
    let engine = Engine::new(SimdBase64, ZeroCopyDecode, SerialMac, RayonExecute, PerCallScratch);
    for par_min_batch in [32, usize::MAX] {
        let mut config = VerifierConfig::default();
        config.par_min_batch = par_min_batch;
        for place in [0, 1, 100, 199] {
            let text = |index| if index == place { MaybeText::Panics } else { MaybeText::Text(good.clone()) };
            let texts: Vec<MaybeText> = (0..200).map(text).collect();
            let mut out = Vec::new();
            let caught =
                catch_unwind(AssertUnwindSafe(|| engine.verify_many_into(&config, &texts, &ctx(), &key(), &mut out)));
            assert!(caught.is_err() && out.is_empty(), "at {place}");
        }
    }
}
