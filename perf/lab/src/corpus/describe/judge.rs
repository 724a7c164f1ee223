//! What the reference verifier says about parts of a token.

use ron_auth_catalogue::Verifier;
use ron_auth_core::{
    CapabilityBuilder, Caveat, Decision, DenyReason, KeyRing, MacKey, RequestCtx, Scope, VerifierConfig,
};

/// Everything that is needed to judge tokens.
#[derive(Clone, Debug)]
pub struct JudgeInput {
    /// Keys of the tokens.
    pub keys: KeyRing,
    /// The request that they are judged against.
    pub ctx: RequestCtx<'static>,
    /// Settings of the verifier, with handlers.
    pub config: VerifierConfig,
}

/// Asks the reference verifier.
pub(super) struct ReferenceJudge<'g> {
    pub(super) given: &'g JudgeInput,
    reference: &'g dyn Verifier,
    /// Settings without bounds, which are for whole tokens.
    config: VerifierConfig,
    key: MacKey,
}

/// How the reference judges a caveat.
#[derive(PartialEq, Eq)]
pub(super) enum CaveatFinding {
    Holds,
    Fails,
    IsUnhandled,
}

impl<'g> ReferenceJudge<'g> {
    pub(super) fn new(given: &'g JudgeInput, reference: &'g dyn Verifier) -> Self {
        let mut config = given.config.clone();
        config.max_token_bytes = usize::MAX;
        config.max_caveats = usize::MAX;
        Self { given, reference, config, key: MacKey::new([1; 32]) }
    }

    /// Reasons why the request is not within this scope.
    pub(super) fn refusals_of(&self, scope: &Scope) -> Vec<DenyReason> {
        self.reasons(CapabilityBuilder::new(self.given.ctx.tenant(), "", scope.clone())).unwrap_or_default()
    }

    pub(super) fn finding_of(&self, caveat: &Caveat) -> CaveatFinding {
        let anything =
            Scope { prefix: None, methods: vec![self.given.ctx.method().to_owned().into()], max_bytes: None };
        let alone = CapabilityBuilder::new(self.given.ctx.tenant(), "", anything).caveat(caveat.clone());
        let reasons = self.reasons(alone);
        match (reasons.as_deref(), caveat) {
            (Some([]), _) => CaveatFinding::Holds,
            (Some([DenyReason::Unhandled { .. }]), _) => CaveatFinding::IsUnhandled,
            _ => CaveatFinding::Fails,
        }
    }

    /// Reasons of a denial; empty if the token is allowed, `None` if it is an error.
    fn reasons(&self, token: CapabilityBuilder) -> Option<Vec<DenyReason>> {
        let text = token.sign(&self.key).ok()?.to_base64url();
        let Self { reference, config, given, key } = self;
        match reference.verify_token(config, &text, &given.ctx, key).ok()? {
            Decision::Deny { reasons } => Some(reasons),
            _ => Some(Vec::new()),
        }
    }
}
