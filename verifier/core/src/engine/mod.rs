//! The pipeline: five seams put together into a verifier.
//!
//! Order of work for every token: length of the text, Base64, CBOR, key, MAC, caveats. A batch is worked on in
//! chunks, and a chunk in phases, so that an engine may do one phase for many tokens at once.

mod batch;
mod stages;

pub use stages::Scratch;
pub(crate) use stages::{check_and_wipe, key_of};

use std::borrow::Borrow;
use std::convert::Infallible;

use batch::{Batch, OneRequest, RequestEach};

use crate::config::VerifierConfig;
use crate::context::RequestCtx;
use crate::decision::{Decision, Verdict};
use crate::error::{AuthError, BatchError};
use crate::key::MacKeyProvider;
use crate::metrics;
use crate::seam::{Base64, Decode, Execute, Mac, ScratchPolicy};
use crate::semantics::Judge;

/// Most tokens of a chunk. The longest MAC chain of a chunk ends alone in its lane: the MACs of `mixed` take 12 %
/// longer in chunks of 64 than of 128, and no less in chunks of 256. Those of light and heavy tokens take the same in
/// all.
pub const MAX_CHUNK_TOKENS: usize = 128;

/// Which evaluator judges caveats. Changes speed only.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum EvalMode {
    /// Columnar from [`soa_threshold`](VerifierConfig::soa_threshold) caveats per token on, else streaming. By default
    /// always streaming.
    #[default]
    Adaptive,
    /// Always streaming.
    StreamingOnly,
    /// Always columnar.
    SoaOnly,
}

impl EvalMode {
    pub(crate) const fn soa_threshold(self, config: &VerifierConfig) -> usize {
        match self {
            Self::Adaptive => config.soa_threshold,
            Self::StreamingOnly => usize::MAX,
            Self::SoaOnly => 0,
        }
    }
}

/// A verifier composed of five seams. Every composition decides alike.
#[derive(Clone, Copy, Debug, Default)]
pub struct Engine<B, D, M, X, S> {
    base64: B,
    decode: D,
    mac: M,
    execute: X,
    scratch: S,
    mode: EvalMode,
}

impl<B, D, M, X, S> Engine<B, D, M, X, S> {
    /// Puts an engine together; which evaluator judges caveats is for the configuration of each call to say.
    pub const fn new(base64: B, decode: D, mac: M, execute: X, scratch: S) -> Self {
        Self { base64, decode, mac, execute, scratch, mode: EvalMode::Adaptive }
    }

    /// The same engine with its evaluator fixed, whatever a configuration says: for measuring, and for tests.
    #[must_use]
    pub fn with_mode(self, mode: EvalMode) -> Self {
        Self { mode, ..self }
    }
}

/// Owned results, in memory that the scratch policy lends.
impl<B: Base64, D: Decode, M: Mac, X: Execute, S: ScratchPolicy> Engine<B, D, M, X, S> {
    /// Verifies one token.
    ///
    /// # Errors
    /// See [`AuthError`]; the first in its order that applies.
    pub fn verify_token<K: MacKeyProvider + ?Sized>(
        &self,
        config: &VerifierConfig,
        token: &str,
        ctx: &RequestCtx<'_>,
        keys: &K,
    ) -> Result<Decision, AuthError> {
        self.scratch.with(|scratch| owned(&self.verify_token_in(config, token, ctx, keys, scratch)))
    }

    /// Verifies each token of a batch: one result per token, in order.
    pub fn verify_each<K: MacKeyProvider + Sync + ?Sized, T: AsRef<str> + Sync>(
        &self,
        config: &VerifierConfig,
        tokens: &[T],
        ctx: &RequestCtx<'_>,
        keys: &K,
    ) -> Vec<Result<Decision, AuthError>> {
        self.each(&OneRequest::new(config, tokens, ctx), keys)
    }

    /// Verifies a batch in which every token came with a request of its own: one result per token, in order.
    pub fn verify_each_request<'c, K, T, C>(
        &self,
        config: &VerifierConfig,
        items: &[(T, C)],
        keys: &K,
    ) -> Vec<Result<Decision, AuthError>>
    where
        K: MacKeyProvider + Sync + ?Sized,
        T: AsRef<str> + Sync,
        C: Borrow<RequestCtx<'c>> + Sync,
    {
        self.each(&RequestEach::new(config, items), keys)
    }

    /// Verifies a batch of which every token must be good; `out` then has one decision per token, in order.
    ///
    /// # Errors
    /// That of the lowest-index bad token, with its index; `out` is then empty, as it is after a panic of a handler or
    /// key provider.
    pub fn verify_many_into<K: MacKeyProvider + Sync + ?Sized, T: AsRef<str> + Sync>(
        &self,
        config: &VerifierConfig,
        tokens: &[T],
        ctx: &RequestCtx<'_>,
        keys: &K,
        out: &mut Vec<Decision>,
    ) -> Result<(), BatchError> {
        // Taken until all is done: where a handler panics, nobody reads the decisions of half a batch.
        let mut decisions = std::mem::take(out);
        decisions.clear();
        // Every element is overwritten; until then it is a refusal.
        decisions.resize(tokens.len(), Decision::Deny { reasons: Vec::new() });
        let batch = OneRequest::new(config, tokens, ctx);
        let outcome = self.batch(&batch, keys, &mut decisions, |index, slot, result| {
            *slot = owned(result).map_err(|error| BatchError { index, error })?;
            Ok(())
        });
        if outcome.is_err() {
            decisions.clear();
        }
        *out = decisions;
        outcome
    }

    fn each<K: MacKeyProvider + Sync + ?Sized>(
        &self,
        batch: &(impl Batch + Sync),
        keys: &K,
    ) -> Vec<Result<Decision, AuthError>> {
        // Every element is overwritten; until then it is a refusal.
        let mut results = vec![Err(AuthError::Bounds); batch.len()];
        let Ok(()) = self.batch(batch, keys, &mut results, |_, slot, result| {
            *slot = owned(result);
            Ok::<(), Infallible>(())
        });
        results
    }

    fn batch<K, R, E>(
        &self,
        batch: &(impl Batch + Sync),
        keys: &K,
        out: &mut [R],
        store: impl Fn(usize, &mut R, &Result<Verdict<'_>, AuthError>) -> Result<(), E> + Sync,
    ) -> Result<(), E>
    where
        K: MacKeyProvider + Sync + ?Sized,
        R: Send,
        E: Send,
    {
        record_batch_size(batch.config(), batch.len());
        let spread = is_worth_spreading(batch);
        self.execute.try_chunks(out, MAX_CHUNK_TOKENS, spread, |first, out| {
            self.scratch.with(|scratch| {
                let chunk = first..first + out.len();
                let mut slots = out.iter_mut();
                self.chunk(batch, chunk, keys, scratch, &mut |index, result| match slots.next() {
                    Some(slot) => store(index, slot, &result),
                    None => Ok(()),
                })
            })
        })
    }
}

/// Borrowed results, in memory that the caller lends: nothing is allocated once the scratch has grown.
impl<B: Base64, D: Decode, M: Mac, X: Execute, S: ScratchPolicy> Engine<B, D, M, X, S> {
    /// Verifies one token; the verdict points into `scratch`.
    ///
    /// # Errors
    /// See [`AuthError`]; the first in its order that applies.
    pub fn verify_token_in<'s, K: MacKeyProvider + ?Sized>(
        &self,
        config: &VerifierConfig,
        token: &str,
        ctx: &RequestCtx<'_>,
        keys: &K,
        scratch: &'s mut Scratch<D>,
    ) -> Result<Verdict<'s>, AuthError> {
        let result = self.one(&Judge::new(config, ctx), token, keys, scratch);
        record_result(config, &result);
        result
    }

    /// Verifies each token of a batch on this thread and hands each result to `sink` with its index, in order.
    #[allow(clippy::too_many_arguments, reason = "the façade's, and where results go")]
    pub fn verify_each_in<K: MacKeyProvider + ?Sized, T: AsRef<str>>(
        &self,
        config: &VerifierConfig,
        tokens: &[T],
        ctx: &RequestCtx<'_>,
        keys: &K,
        scratch: &mut Scratch<D>,
        mut sink: impl FnMut(usize, Result<Verdict<'_>, AuthError>),
    ) {
        self.each_in(&OneRequest::new(config, tokens, ctx), keys, scratch, &mut sink);
    }

    /// Verifies, on this thread, each token of a batch in which every token came with a request of its own, and hands
    /// each result to `sink` with its index, in order.
    pub fn verify_each_request_in<'c, K, T, C>(
        &self,
        config: &VerifierConfig,
        items: &[(T, C)],
        keys: &K,
        scratch: &mut Scratch<D>,
        mut sink: impl FnMut(usize, Result<Verdict<'_>, AuthError>),
    ) where
        K: MacKeyProvider + ?Sized,
        T: AsRef<str>,
        C: Borrow<RequestCtx<'c>>,
    {
        self.each_in(&RequestEach::new(config, items), keys, scratch, &mut sink);
    }

    fn each_in<K: MacKeyProvider + ?Sized>(
        &self,
        batch: &impl Batch,
        keys: &K,
        scratch: &mut Scratch<D>,
        sink: &mut impl FnMut(usize, Result<Verdict<'_>, AuthError>),
    ) {
        let count = batch.len();
        record_batch_size(batch.config(), count);
        for first in (0..count).step_by(MAX_CHUNK_TOKENS) {
            let chunk = first..count.min(first + MAX_CHUNK_TOKENS);
            let Ok(()) = self.chunk(batch, chunk, keys, scratch, &mut |index, result| {
                sink(index, result);
                Ok::<(), Infallible>(())
            });
        }
    }
}

/// Characters of text that make a token count as one more towards `par_min_batch`: the length of a token of five
/// caveats.
const CHARS_PER_TOKEN: usize = 256;

/// Whether a batch is large enough for more than one thread. What counts is the work, and that goes with the length of
/// the tokens: on two cores, 64 tokens of 267 characters take 1.4 to 1.5 times as long when spread, 64 of 1,062 take
/// 0.8 to 0.9 of the time (`cargo lab adaptive`).
fn is_worth_spreading(batch: &impl Batch) -> bool {
    let max_text_chars = batch.config().max_text_chars();
    let mut missing = batch.config().par_min_batch;
    missing != usize::MAX
        && (0..batch.len()).any(|index| {
            missing = missing.saturating_sub(weight(batch.text(index).len(), max_text_chars));
            missing == 0
        })
}

/// As how many tokens a text of `chars` characters counts.
fn weight(chars: usize, max_text_chars: usize) -> usize {
    // A text beyond the bound is refused at once and is no work at all.
    if chars > max_text_chars { 0 } else { (chars / CHARS_PER_TOKEN).clamp(1, 4) }
}

/// A verdict is large and is not moved: this reads it where it is.
#[inline]
fn owned(result: &Result<Verdict<'_>, AuthError>) -> Result<Decision, AuthError> {
    match result {
        Ok(verdict) => Ok(verdict.to_decision()),
        Err(error) => Err(*error),
    }
}

fn record_batch_size(config: &VerifierConfig, tokens: usize) {
    if let Some(recorder) = config.metrics() {
        recorder.histogram(metrics::BATCH_SIZE, tokens as u64);
    }
}

fn record_result(config: &VerifierConfig, result: &Result<Verdict<'_>, AuthError>) {
    if let Some(recorder) = config.metrics() {
        recorder.counter(
            match result {
                Ok(Verdict::Allow { .. }) => metrics::ALLOW_TOTAL,
                Ok(Verdict::Deny { .. }) => metrics::DENY_TOTAL,
                Err(error) => metrics::error_counter(*error),
            },
            1,
        );
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_batch_is_worth_spreading_by_the_work_that_it_is() {
        let ctx = RequestCtx::new(0, "GET", "/", "acme");
        let is_worth =
            |config: &VerifierConfig, texts: &[String]| is_worth_spreading(&OneRequest::new(config, texts, &ctx));
        let config = |par_min_batch| {
            let mut config = VerifierConfig::default();
            config.par_min_batch = par_min_batch;
            config
        };
        // Texts, their characters, and as how many tokens each counts. 5,462 is the longest that is looked at.
        for (chars, weight) in [(0, 1), (511, 1), (512, 2), (1023, 3), (1024, 4), (5462, 4), (5463, 0), (1 << 20, 0)] {
            let texts = vec!["A".repeat(chars); 8];
            let total = 8 * weight;
            assert!(is_worth(&config(total), &texts), "{chars} characters");
            assert!(!is_worth(&config(total + 1), &texts), "{chars} characters");
            assert!(!is_worth(&config(usize::MAX), &texts), "{chars} characters");
        }
        let mut mixed = vec!["A".repeat(6000); 1000];
        assert!(!is_worth(&VerifierConfig::default(), &mixed));
        mixed.extend(vec!["A".repeat(1024); 32]);
        assert!(is_worth(&VerifierConfig::default(), &mixed));
        let mut tight = VerifierConfig::default();
        tight.max_token_bytes = 100;
        assert!(!is_worth(&tight, &mixed));
        assert!(!is_worth(&VerifierConfig::default(), &[]));
    }
}
