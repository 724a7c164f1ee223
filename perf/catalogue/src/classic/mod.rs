//! The second reference, put together as the deployed verifier is.

mod decode;
mod mac;

pub use decode::{ClassicDecode, ClassicToken, ClassicView, Fragments};
pub use mac::HasherMac;

use ron_auth_core::seam::ScratchPolicy;
use ron_auth_core::{
    AuthError, BatchError, Decision, Engine, EvalMode, MacKeyProvider, RequestCtx, Scratch, Verdict, VerifierConfig,
};
use ron_auth_variants::base64::SimdBase64;
use ron_auth_variants::execute::SequentialExecute;
use ron_auth_variants::scratch::ThreadLocalScratch;

use crate::seams::{Base64Choice, DecodeChoice, ExecuteChoice, MacChoice, ScratchChoice, Seams};
use crate::variant::{Kind, Variant};
use crate::verifier::Verifier;

/// SIMD Base64, owned decoding with `serde_cbor`, fragments encoded again into one buffer that each thread keeps, one
/// `blake3::Hasher` for each step of the MAC, and of a batch one token after another. It
/// [decides only good tokens](Variant::decides_only_good_tokens).
#[must_use]
pub const fn classic() -> Variant {
    Variant {
        name: "classic",
        seams: Seams {
            base64: Base64Choice::Simd,
            decode: DecodeChoice::Classic,
            mac: MacChoice::Hasher,
            execute: ExecuteChoice::Sequential,
            scratch: ScratchChoice::ThreadLocal,
        },
        features: &[],
        kind: Kind::Yardstick,
        build: |_| Box::new(TokenByToken::default()),
    }
}

/// Finishes each token of a batch before it begins the next, all in the same memory. The engine's own batches go stage
/// by stage for the sake of lanes; without lanes that only spreads owned tokens over more memory than caches hold.
#[derive(Clone, Copy, Default)]
struct TokenByToken {
    engine: Engine<SimdBase64, ClassicDecode, HasherMac, SequentialExecute, ThreadLocalScratch>,
}

impl Verifier for TokenByToken {
    fn with_mode(&self, mode: EvalMode) -> Box<dyn Verifier> {
        Box::new(Self { engine: self.engine.with_mode(mode) })
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
        let mut results = Vec::with_capacity(tokens.len());
        self.verify_each_borrowed(config, tokens, ctx, keys, &mut |_, result| {
            results.push(result.map(|verdict| verdict.to_decision()));
        });
        results
    }

    fn verify_each_request(
        &self,
        config: &VerifierConfig,
        items: &[(String, RequestCtx<'_>)],
        keys: &(dyn MacKeyProvider + Sync),
    ) -> Vec<Result<Decision, AuthError>> {
        items.iter().map(|(token, ctx)| self.engine.verify_token(config, token, ctx, keys)).collect()
    }

    fn verify_many_into(
        &self,
        config: &VerifierConfig,
        tokens: &[String],
        ctx: &RequestCtx<'_>,
        keys: &(dyn MacKeyProvider + Sync),
        out: &mut Vec<Decision>,
    ) -> Result<(), BatchError> {
        // Taken until all is done, as in the engine's own.
        let mut decisions = std::mem::take(out);
        decisions.clear();
        let verified = tokens.iter().enumerate().try_for_each(|(index, token)| {
            let verified = self.engine.verify_token(config, token, ctx, keys);
            decisions.push(verified.map_err(|error| BatchError { index, error })?);
            Ok(())
        });
        if verified.is_err() {
            decisions.clear();
        }
        *out = decisions;
        verified
    }

    fn verify_each_borrowed(
        &self,
        config: &VerifierConfig,
        tokens: &[String],
        ctx: &RequestCtx<'_>,
        keys: &(dyn MacKeyProvider + Sync),
        sink: &mut dyn FnMut(usize, Result<Verdict<'_>, AuthError>),
    ) {
        ThreadLocalScratch.with(|scratch: &mut Scratch<ClassicDecode>| {
            for (index, token) in tokens.iter().enumerate() {
                sink(index, self.engine.verify_token_in(config, token, ctx, keys, scratch));
            }
        });
    }
}
