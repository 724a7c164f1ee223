//! Classes 40, 53 and 58: key providers and handlers that change their mind, panic, or verify tokens of their own.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use ron_auth_catalogue::{Verifier, catalogue, find};
use ron_auth_core::{
    AuthError, Caveat, CustomCaveat, Decision, KeyName, MacKey, MacKeyProvider, RequestCtx, VerifierConfig,
};

use super::table::placing::good_tokens;
use super::table::token::{minted, minted_for, wide};
use super::table::{Keys, NOW_UNIX_S, config, ctx};
use super::{each_of, on_threads};

/// Asks another provider first, unless it is asked for the wrong token at the wrong time.
struct Moody<F>(F);

impl<F: Fn(&str) -> bool> MacKeyProvider for Moody<F> {
    fn key_for(&self, name: KeyName<'_>) -> Option<MacKey> {
        (self.0)(name.kid).then(|| Keys.key_for(name)).flatten()
    }
}

fn asking(ns: &str) -> String {
    minted(&wide(), [Caveat::Custom { ns: ns.into(), name: String::new(), cbor: vec![0xf6] }])
}

#[test]
fn a_provider_that_changes_its_mind_changes_no_other_tokens_result() {
    on_threads("callbacks::a_provider_that_changes_its_mind_changes_no_other_tokens_result", || {
        let good = good_tokens();
        each_of(&catalogue(), |variant, failures| {
            let verifier = variant.build();
            let alone = verifier.verify_each(&config(), &good, &ctx(), &Keys);
            let asked = AtomicUsize::new(0);
            let every_third = Moody(|_: &str| asked.fetch_add(1, Ordering::Relaxed) % 3 != 2);
            for _ in 0..5 {
                let results = verifier.verify_each(&config(), &good, &ctx(), &every_third);
                let held =
                    results.iter().zip(&alone).all(|(got, alone)| got == alone || *got == Err(AuthError::UnknownKid));
                if !held || results.len() != good.len() {
                    failures.push(format!("{}: {results:?}", variant.name));
                }
            }
            // Nothing of it is remembered.
            if verifier.verify_each(&config(), &good, &ctx(), &Keys) != alone {
                failures.push(format!("{}: a later batch is another's", variant.name));
            }
        });
    });
}

#[test]
fn a_panic_of_a_provider_or_a_handler_reaches_the_caller_and_costs_that_call_alone() {
    on_threads("callbacks::a_panic_of_a_provider_or_a_handler_reaches_the_caller_and_costs_that_call_alone", || {
        let good = good_tokens();
        each_of(&catalogue(), |variant, failures| {
            let verifier = variant.build();
            let alone = verifier.verify_each(&config(), &good, &ctx(), &Keys);
            for at in [0, 1, 64, 127, 128, 130] {
                let mut tokens = good.clone();
                tokens[at] = asking("panics");
                let config = config().with_custom_handler("panics", |_: &CustomCaveat<'_>, _: &RequestCtx<'_>| {
                    std::panic::resume_unwind(Box::new("handler"))
                });
                let by_handler =
                    catch_unwind(AssertUnwindSafe(|| verifier.verify_each(&config, &tokens, &ctx(), &Keys)));
                tokens[at] = minted_for("acme", "k-panics", &wide(), []);
                let provider = Moody(|kid: &str| match kid {
                    "k-panics" => std::panic::resume_unwind(Box::new("provider")),
                    _ => true,
                });
                let by_provider =
                    catch_unwind(AssertUnwindSafe(|| verifier.verify_each(&config, &tokens, &ctx(), &provider)));
                if by_handler.is_ok() || by_provider.is_ok() {
                    failures.push(format!("{}: a panic at {at} is lost", variant.name));
                }
                if verifier.verify_each(&config, &good, &ctx(), &Keys) != alone {
                    failures.push(format!("{}: the batch after a panic at {at} is another's", variant.name));
                }
            }
        });
    });
}

#[test]
fn handlers_and_providers_may_verify_batches_of_their_own() {
    on_threads("callbacks::handlers_and_providers_may_verify_batches_of_their_own", || {
        let good = good_tokens();
        each_of(&catalogue(), |variant, failures| {
            let inner = good.clone();
            let expected = variant.build().verify_each(&config(), &inner, &ctx(), &Keys);
            let verifier = variant.build();
            let verified = inner.clone();
            let config = config().with_custom_handler("inner", move |_: &CustomCaveat<'_>, ctx: &RequestCtx<'_>| {
                let results = verifier.verify_each(&config(), &verified, ctx, &Keys);
                if results == expected { Ok(()) } else { Err("inner results".into()) }
            });
            // A handler in one token of eight, a provider that verifies for one in five.
            let tokens: Vec<String> = (0..260)
                .map(|index| match index % 40 {
                    0 | 8 | 16 => asking("inner"),
                    5 | 15 => minted_for("acme", "k-inner", &wide(), [Caveat::Exp(NOW_UNIX_S)]),
                    other => good[other].clone(),
                })
                .collect();
            let verifier = variant.build();
            let alone = |config: &VerifierConfig| -> Vec<_> {
                tokens.iter().map(|token| verifier.verify_token(config, token, &ctx(), &Keys)).collect()
            };
            let expected = alone(&config);
            let nested = AtomicBool::new(true);
            let provider = Moody(|kid: &str| {
                if kid == "k-inner" {
                    let results = verifier.verify_each(&config, &inner, &ctx(), &Keys);
                    nested.fetch_and(results.iter().all(Result::is_ok), Ordering::Relaxed);
                }
                true
            });
            let got = verifier.verify_each(&config, &tokens, &ctx(), &provider);
            if got != expected || !nested.into_inner() {
                failures.push(format!("{}: a batch with others in it is not itself", variant.name));
            }
        });
    });
}

/// A handler for tokens in token order, up to the first hard error, and one call per caveat: nobody is asked twice.
#[test]
fn a_handler_is_asked_once_for_each_of_its_caveats() {
    let asked = std::sync::Arc::new(AtomicUsize::new(0));
    let counting = asked.clone();
    let config = config().with_custom_handler("counted", move |_: &CustomCaveat<'_>, _: &RequestCtx<'_>| {
        counting.fetch_add(1, Ordering::Relaxed);
        Ok(())
    });
    let custom = || Caveat::Custom { ns: "counted".into(), name: String::new(), cbor: vec![0xf6] };
    let twice = minted(&wide(), [custom(), Caveat::Aud("us".into()), custom()]);
    let tokens = vec![twice; 131];
    for name in ["plain", "prod"] {
        let verifier: Box<dyn Verifier> = find(name).unwrap().build();
        for mode in super::MODES {
            asked.store(0, Ordering::Relaxed);
            let results = verifier.with_mode(mode).verify_each(&config, &tokens, &ctx(), &Keys);
            assert!(results.iter().all(|result| result.as_ref().is_ok_and(Decision::is_allow)), "{name}");
            assert_eq!(asked.load(Ordering::Relaxed), 2 * tokens.len(), "{name} {mode:?}");
        }
    }
}
