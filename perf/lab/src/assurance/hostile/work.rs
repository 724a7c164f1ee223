//! Tokens to be verified by one engine, alone or in batches.

use std::hint::black_box;
use std::sync::Arc;

use ron_auth_catalogue::Verifier;
use ron_auth_core::{AuthError, Decision, MacKey, RequestCtx, VerifierConfig};

use super::{key, request, settings};

/// An engine with tokens for it.
pub struct Tokens {
    verifier: Arc<dyn Verifier>,
    config: VerifierConfig,
    tokens: Vec<String>,
    request: RequestCtx<'static>,
    key: MacKey,
    batch: usize,
}

impl Tokens {
    /// Makes the work. `max_caveats` is that of the default settings, or higher for tokens that have more.
    #[must_use]
    pub fn new(verifier: Arc<dyn Verifier>, tokens: Vec<String>, batch: usize, max_caveats: usize) -> Self {
        let mut config = settings();
        config.max_caveats = max_caveats;
        Self { verifier, config, tokens, request: request(), key: key(), batch: batch.max(1) }
    }

    /// The result for each token.
    #[must_use]
    pub fn results(&self) -> Vec<Result<Decision, AuthError>> {
        self.tokens.chunks(self.batch).flat_map(|tokens| self.verify(tokens)).collect()
    }

    /// Number of tokens.
    #[must_use]
    pub const fn count(&self) -> usize {
        self.tokens.len()
    }

    fn verify(&self, tokens: &[String]) -> Vec<Result<Decision, AuthError>> {
        self.verifier.verify_each(&self.config, tokens, &self.request, &self.key)
    }

    /// Verifies every token once.
    pub fn pass(&self) {
        if self.batch > 1 {
            for tokens in self.tokens.chunks(self.batch) {
                drop(black_box(self.verify(tokens)));
            }
            return;
        }
        for token in &self.tokens {
            drop(black_box(self.verifier.verify_token(&self.config, token, &self.request, &self.key)));
        }
    }
}
