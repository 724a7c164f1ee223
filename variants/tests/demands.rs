//! What a configuration demands adds its reasons and changes no other, on every variant and evaluator: random tokens
//! against demands that are worked out here anew.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "a surprise stops a test")]

mod common;

use proptest::prelude::*;
use proptest::sample::subsequence;
use ron_auth_catalogue::{catalogue, classic};
use ron_auth_core::{
    AuthError, Capability, CapabilityBuilder, Caveat, CaveatKind, Decision, Demands, DenyReason, EvalMode, MacKey,
    RequestCtx, Semantics, VerifierConfig,
};

use common::{any_context, capability, config};

/// Demands, as data.
#[derive(Clone, Debug)]
struct Wanted {
    kinds: Vec<CaveatKind>,
    max_lifetime_secs: Option<u64>,
    audience: bool,
}

impl Wanted {
    fn demands(&self) -> Demands {
        let mut demands = self.kinds.iter().fold(Demands::default(), |demands, &kind| demands.caveat(kind));
        if let Some(longest) = self.max_lifetime_secs {
            demands = demands.max_lifetime_secs(longest);
        }
        if self.audience { demands.audience() } else { demands }
    }

    /// Why a token is not what is wanted, one pass for each demand.
    fn violations(&self, capability: &Capability, ctx: &RequestCtx<'_>) -> Vec<DenyReason> {
        let caveats = &capability.caveats;
        let has = |kind: CaveatKind| caveats.iter().any(|caveat| CaveatKind::of(&caveat.into()) == kind);
        let missing = self.kinds.iter().filter(|kind| !has(**kind)).map(|&kind| DenyReason::MissingCaveat(kind));
        let mut reasons: Vec<DenyReason> = missing.collect();
        if let Some(longest) = self.max_lifetime_secs {
            let now = u128::from(ctx.now_unix_s());
            let ends_in_time =
                |caveat: &Caveat| matches!(caveat, Caveat::Exp(at) if u128::from(*at) <= now + u128::from(longest));
            if !caveats.iter().any(ends_in_time) {
                reasons.push(DenyReason::LifetimeExceeded);
            }
        }
        if self.audience {
            let is_us = |name: &str| !name.is_empty() && ctx.known_audience() == Some(name);
            let names_us = |caveat: &Caveat| matches!(caveat, Caveat::Aud(name) if is_us(name));
            if !caveats.iter().any(names_us) {
                reasons.push(DenyReason::AudienceNotNamed);
            }
        }
        reasons
    }
}

fn wanted() -> impl Strategy<Value = Wanted> {
    let kinds = prop_oneof![
        2 => subsequence(CaveatKind::ALL.to_vec(), 0..3),
        1 => subsequence(CaveatKind::ALL.to_vec(), 0..=CaveatKind::ALL.len()),
    ];
    let lifetime = proptest::sample::select(vec![0, 60, 600, 86_400, u64::MAX]);
    (kinds, proptest::option::of(lifetime), any::<bool>()).prop_map(|(kinds, max_lifetime_secs, audience)| Wanted {
        kinds,
        max_lifetime_secs,
        audience,
    })
}

/// The reasons of the result without demands, and those of the demands at their place: behind `of_the_token` reasons of
/// the token's own tenant and scope.
fn with_violations(
    without: Result<Decision, AuthError>,
    violations: Vec<DenyReason>,
    of_the_token: usize,
) -> Result<Decision, AuthError> {
    match without? {
        allow @ Decision::Allow { .. } if violations.is_empty() => Ok(allow),
        Decision::Allow { .. } => Ok(Decision::Deny { reasons: violations }),
        Decision::Deny { mut reasons } => {
            reasons.splice(of_the_token..of_the_token, violations);
            Ok(Decision::Deny { reasons })
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: common::cases(256), ..ProptestConfig::default() })]

    #[test]
    fn demands_add_their_reasons_at_their_place_and_change_no_other(
        capabilities in proptest::collection::vec(capability(0..12), 1..6),
        ctx in any_context(),
        semantics in proptest::sample::select(vec![Semantics::Strict, Semantics::Compat]),
        wanted in wanted(),
    ) {
        let tokens: Vec<String> = capabilities.iter().map(Capability::to_base64url).collect();
        let config = config(semantics);
        let demanding: VerifierConfig = config.clone().with_demands(wanted.demands());
        let key = MacKey::new(common::KEY);
        let plain = catalogue()[0].build();
        let expected: Vec<_> = tokens
            .iter()
            .zip(&capabilities)
            .map(|(token, capability)| {
                let without = plain.with_mode(EvalMode::StreamingOnly).verify_token(&config, token, &ctx, &key);
                // The same token without its caveats is refused for its tenant and scope alone.
                let bare = CapabilityBuilder::new(&capability.tid, &capability.kid, capability.scope.clone());
                let bare = plain.with_mode(EvalMode::StreamingOnly).verify_token(
                    &config,
                    &bare.sign(&key).unwrap().to_base64url(),
                    &ctx,
                    &key,
                );
                let of_the_token = match bare {
                    Ok(Decision::Deny { reasons }) => reasons.len(),
                    _ => 0,
                };
                with_violations(without, wanted.violations(capability, &ctx), of_the_token)
            })
            .collect();
        for variant in catalogue().into_iter().chain([classic()]) {
            let verifier = variant.build();
            for mode in [EvalMode::Adaptive, EvalMode::StreamingOnly, EvalMode::SoaOnly] {
                let each = verifier.with_mode(mode).verify_each(&demanding, &tokens, &ctx, &key);
                prop_assert_eq!(&each, &expected, "{} {:?} in a batch", variant.name, mode);
                let one = verifier.with_mode(mode).verify_token(&demanding, &tokens[0], &ctx, &key);
                prop_assert_eq!(&one, &expected[0], "{} {:?}", variant.name, mode);
            }
        }
    }
}
