//! What the reference verifier says of parts of a token.

use ron_auth_catalogue::Verifier;
use ron_auth_core::{
    CapabilityBuilder, Caveat, Decision, DenyReason, KeyRing, MacKey, RequestCtx, Scope, VerifierConfig,
};

/// What is needed to judge tokens.
#[derive(Clone, Debug)]
pub struct JudgeInput {
    /// The keys.
    pub keys: KeyRing,
    /// The request.
    pub ctx: RequestCtx<'static>,
    /// The settings, with handlers.
    pub config: VerifierConfig,
}

/// Asks the reference.
pub(super) struct ReferenceJudge<'g> {
    pub(super) given: &'g JudgeInput,
    reference: &'g dyn Verifier,
    /// Without bounds: those are for whole tokens.
    config: VerifierConfig,
    key: MacKey,
}

/// What a caveat comes to.
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

    /// Why the request is not within this scope.
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

    /// Empty if it is allowed; nothing if it is an error.
    fn reasons(&self, token: CapabilityBuilder) -> Option<Vec<DenyReason>> {
        let text = token.sign(&self.key).ok()?.to_base64url();
        let Self { reference, config, given, key } = self;
        match reference.verify_token(config, &text, &given.ctx, key).ok()? {
            Decision::Deny { reasons } => Some(reasons),
            _ => Some(Vec::new()),
        }
    }
}
