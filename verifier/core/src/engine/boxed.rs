//! Engines behind one type, so that a process can hold all of them side by side.

use super::{Engine, EvalMode};
use crate::config::VerifierConfig;
use crate::context::RequestCtx;
use crate::decision::{Decision, Verdict};
use crate::error::{AuthError, BatchError};
use crate::key::MacKeyProvider;
use crate::seam::{Base64, Decode, Execute, Mac, ScratchPolicy};

/// Any engine. The functions are those of [`Engine`], with the types that trait objects need; inside, everything is
/// dispatched statically.
pub trait Verifier: Send + Sync {
    /// See [`Engine::verify_token`].
    ///
    /// # Errors
    /// See [`AuthError`].
    fn verify_token(
        &self,
        mode: EvalMode,
        config: &VerifierConfig,
        token: &str,
        ctx: &RequestCtx<'_>,
        keys: &(dyn MacKeyProvider + Sync),
    ) -> Result<Decision, AuthError>;

    /// See [`Engine::verify_each`].
    fn verify_each(
        &self,
        mode: EvalMode,
        config: &VerifierConfig,
        tokens: &[String],
        ctx: &RequestCtx<'_>,
        keys: &(dyn MacKeyProvider + Sync),
    ) -> Vec<Result<Decision, AuthError>>;

    /// See [`Engine::verify_each_request`].
    fn verify_each_request(
        &self,
        mode: EvalMode,
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
        mode: EvalMode,
        config: &VerifierConfig,
        tokens: &[String],
        ctx: &RequestCtx<'_>,
        keys: &(dyn MacKeyProvider + Sync),
        out: &mut Vec<Decision>,
    ) -> Result<(), BatchError>;

    /// See [`Engine::verify_each_in`]; the scratch is the engine's own.
    fn verify_each_borrowed(
        &self,
        mode: EvalMode,
        config: &VerifierConfig,
        tokens: &[String],
        ctx: &RequestCtx<'_>,
        keys: &(dyn MacKeyProvider + Sync),
        sink: &mut dyn FnMut(usize, Result<Verdict<'_>, AuthError>),
    );
}

impl<B: Base64, D: Decode, M: Mac, X: Execute, S: ScratchPolicy> Verifier for Engine<B, D, M, X, S> {
    fn verify_token(
        &self,
        mode: EvalMode,
        config: &VerifierConfig,
        token: &str,
        ctx: &RequestCtx<'_>,
        keys: &(dyn MacKeyProvider + Sync),
    ) -> Result<Decision, AuthError> {
        self.verify_token(mode, config, token, ctx, keys)
    }

    fn verify_each(
        &self,
        mode: EvalMode,
        config: &VerifierConfig,
        tokens: &[String],
        ctx: &RequestCtx<'_>,
        keys: &(dyn MacKeyProvider + Sync),
    ) -> Vec<Result<Decision, AuthError>> {
        self.verify_each(mode, config, tokens, ctx, keys)
    }

    fn verify_each_request(
        &self,
        mode: EvalMode,
        config: &VerifierConfig,
        items: &[(String, RequestCtx<'_>)],
        keys: &(dyn MacKeyProvider + Sync),
    ) -> Vec<Result<Decision, AuthError>> {
        self.verify_each_request(mode, config, items, keys)
    }

    fn verify_many_into(
        &self,
        mode: EvalMode,
        config: &VerifierConfig,
        tokens: &[String],
        ctx: &RequestCtx<'_>,
        keys: &(dyn MacKeyProvider + Sync),
        out: &mut Vec<Decision>,
    ) -> Result<(), BatchError> {
        self.verify_many_into(mode, config, tokens, ctx, keys, out)
    }

    fn verify_each_borrowed(
        &self,
        mode: EvalMode,
        config: &VerifierConfig,
        tokens: &[String],
        ctx: &RequestCtx<'_>,
        keys: &(dyn MacKeyProvider + Sync),
        sink: &mut dyn FnMut(usize, Result<Verdict<'_>, AuthError>),
    ) {
        self.scratch.with(|scratch| self.verify_each_in(mode, config, tokens, ctx, keys, scratch, sink));
    }
}
