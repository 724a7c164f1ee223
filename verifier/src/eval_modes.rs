//! Entry points that fix the evaluator: what the adaptive choice is measured against.

use ron_auth_core::EvalMode;

use crate::{AuthError, BatchError, Decision, MacKeyProvider, RequestCtx, VerifierConfig, engine};

macro_rules! entry_points {
    ($token:ident, $many:ident, $mode:expr, $name:literal) => {
        #[doc = concat!("[`verify_token`](crate::verify_token) with the ", $name, " evaluator.")]
        ///
        /// # Errors
        /// As there.
        pub fn $token<K: MacKeyProvider + ?Sized>(
            cfg: &VerifierConfig,
            token_b64url: &str,
            ctx: &RequestCtx<'_>,
            keys: &K,
        ) -> Result<Decision, AuthError> {
            engine().with_mode($mode).verify_token(cfg, token_b64url, ctx, keys)
        }

        #[doc = concat!("[`verify_many_into`](crate::verify_many_into) with the ", $name, " evaluator.")]
        ///
        /// # Errors
        /// As there.
        pub fn $many<K: MacKeyProvider + Sync + ?Sized, S: AsRef<str> + Sync>(
            cfg: &VerifierConfig,
            tokens_b64url: &[S],
            ctx: &RequestCtx<'_>,
            keys: &K,
            out: &mut Vec<Decision>,
        ) -> Result<(), BatchError> {
            engine().with_mode($mode).verify_many_into(cfg, tokens_b64url, ctx, keys, out)
        }
    };
}

entry_points!(verify_token_streaming_only, verify_many_into_streaming_only, EvalMode::StreamingOnly, "streaming");
entry_points!(verify_token_soa_only, verify_many_into_soa_only, EvalMode::SoaOnly, "columnar");
