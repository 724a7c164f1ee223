//! A cell that is ready to run: a verifier, its tokens, and the settings.

use std::hint::black_box;
use std::sync::Arc;

use perf_probe::check::{Difference, Results, first_difference};
use ron_auth_catalogue::{Variant, Verifier};
use ron_auth_core::{AuthError, Decision, VerifierConfig};
use ron_auth_fixtures::{Corpus, Fixture};
use serde::{Deserialize, Serialize};

/// Settings that change speed only.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Knobs {
    /// Fewest tokens that are judged kind by kind: see [`VerifierConfig::soa_threshold`].
    pub soa_threshold: usize,
    /// Fewest tokens that are spread over threads: see [`VerifierConfig::par_min_batch`].
    pub par_min_batch: usize,
    /// Number of threads at the variant's disposal.
    pub threads: usize,
}

impl Knobs {
    /// The library's defaults, with this many threads.
    #[must_use]
    pub const fn defaults(threads: usize) -> Self {
        Self {
            soa_threshold: VerifierConfig::DEFAULT_SOA_THRESHOLD,
            par_min_batch: VerifierConfig::DEFAULT_PAR_MIN_BATCH,
            threads,
        }
    }

    /// One thread, whatever the batch size.
    #[must_use]
    pub const fn sequential() -> Self {
        Self { par_min_batch: usize::MAX, ..Self::defaults(1) }
    }
}

/// Distinct tokens that a pass goes through: enough that neither caches nor branch predictors know them by heart.
const TOKENS_PER_PASS: usize = 256;

/// Number of tokens that a pass goes through in batches of `batch`: whole batches that make 256 tokens, or one batch.
#[must_use]
pub const fn tokens_per_pass(batch: usize) -> usize {
    let batch = if batch == 0 { 1 } else { batch };
    TOKENS_PER_PASS.div_ceil(batch) * batch
}

/// The tokens of a fixture for a pass in batches of `batch`.
#[must_use]
pub fn corpus_for(fixture: Fixture, batch: usize) -> Arc<Corpus> {
    Arc::new(fixture.corpus(tokens_per_pass(batch)))
}

/// A verifier and the work it is measured on. One *pass* verifies every token of the corpus once.
pub struct Workload {
    verifier: Box<dyn Verifier>,
    corpus: Arc<Corpus>,
    config: VerifierConfig,
    batch: usize,
}

impl Workload {
    /// Builds the variant anew and sets its knobs.
    #[must_use]
    pub fn new(variant: &Variant, corpus: Arc<Corpus>, batch: usize, knobs: Knobs) -> Self {
        Self::with_verifier(variant.build(), corpus, batch, knobs)
    }

    /// Does what [`new`](Self::new) does, for any verifier.
    #[must_use]
    pub fn with_verifier(verifier: Box<dyn Verifier>, corpus: Arc<Corpus>, batch: usize, knobs: Knobs) -> Self {
        let mut config = corpus.config.clone();
        config.soa_threshold = knobs.soa_threshold;
        config.par_min_batch = knobs.par_min_batch;
        Self { verifier, corpus, config, batch: batch.max(1) }
    }

    /// Number of tokens that a pass verifies.
    #[must_use]
    pub fn tokens_per_pass(&self) -> usize {
        self.corpus.tokens.len()
    }

    /// Verifies every token once: one by one if the batch is 1, else batch by batch.
    pub fn pass(&self) {
        self.for_each_batch(|results| drop(black_box(results)), |result| drop(black_box(result)));
    }

    /// Verifies every token once and returns the results.
    #[must_use]
    pub fn results(&self) -> Results {
        // Two closures collect into one list, one after the other.
        let collected = std::cell::RefCell::new(Vec::with_capacity(self.tokens_per_pass()));
        self.for_each_batch(
            |results| collected.borrow_mut().extend(results),
            |result| collected.borrow_mut().push(result),
        );
        collected.into_inner()
    }

    /// The tokens, in the order of [`results`](Self::results).
    #[must_use]
    pub fn tokens(&self) -> &[String] {
        &self.corpus.tokens
    }

    fn for_each_batch(
        &self,
        mut batch_done: impl FnMut(Results),
        mut token_done: impl FnMut(Result<Decision, AuthError>),
    ) {
        let Corpus { tokens, keys, ctx, .. } = &*self.corpus;
        if self.batch == 1 {
            for token in tokens {
                token_done(self.verifier.verify_token(&self.config, token, ctx, keys));
            }
        } else {
            for batch in tokens.chunks(self.batch) {
                batch_done(self.verifier.verify_each(&self.config, batch, ctx, keys));
            }
        }
    }
}

/// The first of a variant's results that is not as expected. One that
/// [decides only good tokens](Variant::decides_only_good_tokens) is held to the results of these; what it makes of the
/// others is not looked at.
#[must_use]
pub fn first_difference_of(variant: &Variant, expected: &Results, got: &Results) -> Option<Difference> {
    if !variant.decides_only_good_tokens() || expected.len() != got.len() {
        return first_difference(expected, got);
    }
    let mut pairs = expected.iter().zip(got).enumerate();
    let (token, (expected, got)) = pairs.find(|(_, (expected, got))| expected.is_ok() && expected != got)?;
    Some(Difference { token, expected: format!("{expected:?}"), got: format!("{got:?}") })
}

#[cfg(test)]
mod tests {
    use ron_auth_catalogue::find;
    use ron_auth_core::{Malformed, Scope};

    use super::*;

    #[test]
    fn what_decides_only_good_tokens_is_held_to_the_results_of_these() {
        let [prod, classic] = ["prod", "classic"].map(|name| find(name).unwrap());
        let allow = || Decision::Allow { scope: Scope::new("/", ["GET"]), obligations: Vec::new() };
        let expected = vec![Ok(allow()), Err(AuthError::Malformed(Malformed::Cbor))];
        let lenient = vec![Ok(allow()), Ok(allow())];
        assert_eq!(first_difference_of(&classic, &expected, &lenient), None);
        assert_eq!(first_difference_of(&prod, &expected, &lenient).unwrap().token, 1);
        let wrong = vec![Err(AuthError::MacMismatch), Ok(allow())];
        assert_eq!(first_difference_of(&classic, &expected, &wrong).unwrap().token, 0);
        assert!(first_difference_of(&classic, &expected, &lenient[..1].to_vec()).is_some());
    }
}
