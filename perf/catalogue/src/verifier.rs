//! Engines behind one type, so that a process can hold all of them side by side.

use ron_auth_core::seam::{Base64, Decode, Execute, Mac, ScratchPolicy};
use ron_auth_core::{
    AuthError, BatchError, Decision, Engine, EvalMode, MacKeyProvider, RequestCtx, Scratch, Verdict, VerifierConfig,
};

/// Any engine. The functions are those of [`Engine`], with the types that trait objects need; inside, everything is
/// dispatched statically.
pub trait Verifier: Send + Sync {
    /// See [`Engine::with_mode`].
    fn with_mode(&self, mode: EvalMode) -> Box<dyn Verifier>;

    /// See [`Engine::verify_token`].
    ///
    /// # Errors
    /// See [`AuthError`].
    fn verify_token(
        &self,
        config: &VerifierConfig,
        token: &str,
        ctx: &RequestCtx<'_>,
        keys: &(dyn MacKeyProvider + Sync),
    ) -> Result<Decision, AuthError>;

    /// See [`Engine::verify_each`].
    fn verify_each(
        &self,
        config: &VerifierConfig,
        tokens: &[String],
        ctx: &RequestCtx<'_>,
        keys: &(dyn MacKeyProvider + Sync),
    ) -> Vec<Result<Decision, AuthError>>;

    /// See [`Engine::verify_each_request`].
    fn verify_each_request(
        &self,
        config: &VerifierConfig,
        items: &[(String, RequestCtx<'_>)],
        keys: &(dyn MacKeyProvider + Sync),
    ) -> Vec<Result<Decision, AuthError>>;

    /// See [`Engine::verify_many_into`].
    ///
    /// # Errors
    /// See [`BatchError`].
    fn verify_many_into(
        &self,
        config: &VerifierConfig,
        tokens: &[String],
        ctx: &RequestCtx<'_>,
        keys: &(dyn MacKeyProvider + Sync),
        out: &mut Vec<Decision>,
    ) -> Result<(), BatchError>;

    /// See [`Engine::verify_each_in`]; the scratch is the engine's own.
    fn verify_each_borrowed(
        &self,
        config: &VerifierConfig,
        tokens: &[String],
        ctx: &RequestCtx<'_>,
        keys: &(dyn MacKeyProvider + Sync),
        sink: &mut dyn FnMut(usize, Result<Verdict<'_>, AuthError>),
    );
}

/// An engine of these backends behind a pointer.
#[must_use]
pub fn boxed(
    base64: impl Base64 + Clone + 'static,
    decode: impl Decode + Clone + 'static,
    mac: impl Mac + Clone + 'static,
    execute: impl Execute + Clone + 'static,
    scratch: impl ScratchPolicy + Clone + 'static,
) -> Box<dyn Verifier> {
    Box::new(Boxed { engine: Engine::new(base64, decode, mac, execute, scratch.clone()), scratch })
}

/// An engine, and the policy that it takes its memory by: that lends some for borrowed results, too.
#[derive(Clone)]
struct Boxed<B, D, M, X, S> {
    engine: Engine<B, D, M, X, S>,
    scratch: S,
}

impl<B, D, M, X, S> Verifier for Boxed<B, D, M, X, S>
where
    B: Base64 + Clone + 'static,
    D: Decode + Clone + 'static,
    M: Mac + Clone + 'static,
    X: Execute + Clone + 'static,
    S: ScratchPolicy + Clone + 'static,
{
    fn with_mode(&self, mode: EvalMode) -> Box<dyn Verifier> {
        Box::new(Self { engine: self.engine.clone().with_mode(mode), scratch: self.scratch.clone() })
    }

    fn verify_token(
        &self,
        config: &VerifierConfig,
        token: &str,
        ctx: &RequestCtx<'_>,
        keys: &(dyn MacKeyProvider + Sync),
    ) -> Result<Decision, AuthError> {
        self.engine.verify_token(config, token, ctx, keys)
    }

    fn verify_each(
        &self,
        config: &VerifierConfig,
        tokens: &[String],
        ctx: &RequestCtx<'_>,
        keys: &(dyn MacKeyProvider + Sync),
    ) -> Vec<Result<Decision, AuthError>> {
        self.engine.verify_each(config, tokens, ctx, keys)
    }

    fn verify_each_request(
        &self,
        config: &VerifierConfig,
        items: &[(String, RequestCtx<'_>)],
        keys: &(dyn MacKeyProvider + Sync),
    ) -> Vec<Result<Decision, AuthError>> {
        self.engine.verify_each_request(config, items, keys)
    }

    fn verify_many_into(
        &self,
        config: &VerifierConfig,
        tokens: &[String],
        ctx: &RequestCtx<'_>,
        keys: &(dyn MacKeyProvider + Sync),
        out: &mut Vec<Decision>,
    ) -> Result<(), BatchError> {
        self.engine.verify_many_into(config, tokens, ctx, keys, out)
    }

    fn verify_each_borrowed(
        &self,
        config: &VerifierConfig,
        tokens: &[String],
        ctx: &RequestCtx<'_>,
        keys: &(dyn MacKeyProvider + Sync),
        sink: &mut dyn FnMut(usize, Result<Verdict<'_>, AuthError>),
    ) {
        let verify = |scratch: &mut Scratch<D>| self.engine.verify_each_in(config, tokens, ctx, keys, scratch, sink);
        self.scratch.with(verify);
    }
}
