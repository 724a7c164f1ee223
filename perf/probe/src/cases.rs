//! The canonical cases: the five benchmarks of `benches/verify_bench.rs`, by their established names; the longest
//! tokens that the default bounds let in, one at a time; and large batches on all cores.
//!
//! | case | one iteration |
//! |---|---|
//! | `verify_single`, `verify_single_heavy`, `…_long` | 64 tokens, one `verify_token` for each, in turn |
//! | `verify_batch_64_loop` | 64 tokens in a loop, `verify_token` for each |
//! | `verify_many_64`, `verify_many_64_heavy` | 64 tokens, one `verify_many` |
//! | `verify_many_1024_all_cores`, `verify_many_1024_heavy_all_cores` | 1024 tokens, one `verify_many`, several threads |
//!
//! Results are made and dropped inside the timed region, as a service does.

use std::hint::black_box;
use std::io;
use std::sync::Arc;
use std::time::Duration;

use fairbench_probe::Case;
use fairbench_probe::clock::Clock;
use fairbench_probe::serve::{Job, Suite};
use ron_auth_fixtures::{Corpus, Fixture};

use crate::check::first_difference;
use crate::face::Face;
use crate::long;

const BATCH_TOKENS: usize = 64;
const LARGE_BATCH_TOKENS: usize = 1024;

/// How an iteration hands over its tokens.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Shape {
    /// One `verify_token` for each, going on where the last iteration stopped.
    InTurn,
    /// One `verify_token` for each, in a loop over the batch.
    Loop,
    /// One `verify_many` for the batch.
    Many,
}

/// The kind of tokens.
#[derive(Clone, Copy, Debug)]
enum Tokens {
    Of(Fixture),
    /// Tokens near the default bounds.
    Long,
}

impl Tokens {
    fn corpus(self, count: usize) -> Corpus {
        match self {
            Self::Of(fixture) => fixture.corpus(count),
            Self::Long => long::corpus(count),
        }
    }
}

#[derive(Clone, Copy, Debug)]
struct Spec {
    name: &'static str,
    of: Tokens,
    tokens: usize,
    shape: Shape,
    all_cores: bool,
}

const CANONICAL: [Spec; 8] = {
    const LIGHT: Spec = Spec {
        name: "verify_single",
        of: Tokens::Of(Fixture::Light),
        tokens: BATCH_TOKENS,
        shape: Shape::InTurn,
        all_cores: false,
    };
    const HEAVY: Spec = Spec { name: "verify_single_heavy", of: Tokens::Of(Fixture::Heavy), ..LIGHT };
    const LARGE: Spec = Spec {
        name: "verify_many_1024_all_cores",
        tokens: LARGE_BATCH_TOKENS,
        shape: Shape::Many,
        all_cores: true,
        ..LIGHT
    };
    [
        LIGHT,
        HEAVY,
        Spec { name: "verify_batch_64_loop", shape: Shape::Loop, ..LIGHT },
        Spec { name: "verify_many_64", shape: Shape::Many, ..LIGHT },
        Spec { name: "verify_many_64_heavy", shape: Shape::Many, ..HEAVY },
        Spec { name: "verify_single_long", of: Tokens::Long, ..LIGHT },
        LARGE,
        Spec { name: "verify_many_1024_heavy_all_cores", of: Tokens::Of(Fixture::Heavy), ..LARGE },
    ]
};

/// The cases that can be run with a pool of this many threads. With one thread there are none on all cores.
#[must_use]
pub fn cases(pool_threads: usize) -> Vec<Case> {
    let runs_here = |case: &&Spec| !case.all_cores || pool_threads > 1;
    CANONICAL.iter().filter(runs_here).map(|case| case.describe(pool_threads)).collect()
}

impl Spec {
    fn describe(&self, pool_threads: usize) -> Case {
        let threads = if self.all_cores { pool_threads } else { 1 };
        Case::on_threads(threads, self.name, self.tokens as u64, "token")
    }
}

/// The canonical cases on the verifier `F`.
pub struct Canonical<F>(Arc<F>);

impl<F: Face + 'static> Canonical<F> {
    /// The canonical cases on this verifier.
    pub fn new(face: F) -> Self {
        Self(Arc::new(face))
    }
}

impl<F: Face + 'static> Suite for Canonical<F> {
    fn cases(&self, pool_threads: usize) -> Vec<Case> {
        cases(pool_threads)
    }

    fn prepare(&self, case: &str, pool_threads: usize) -> Option<Box<dyn Job>> {
        let prepared = Prepared::named(case, pool_threads)?;
        Some(Box::new(OnFace { face: Arc::clone(&self.0), prepared }))
    }
}

struct OnFace<F> {
    face: Arc<F>,
    prepared: Prepared,
}

impl<F: Face> Job for OnFace<F> {
    fn check(&mut self) -> Result<u64, String> {
        self.prepared.check(&*self.face)
    }

    fn run(&mut self, iterations: u64, work_factor: f64) -> io::Result<Duration> {
        self.prepared.run(&*self.face, iterations, work_factor)
    }
}

/// The most SIMD lanes that any instruction set has.
const LANES: f64 = 16.0;

/// A case with its tokens.
pub struct Prepared {
    spec: Spec,
    corpus: Corpus,
    clock: Clock,
    /// Index of the token that [`Shape::InTurn`] goes on with.
    next_token: usize,
    /// Work that is left to do, in parts of a token: see [`Prepared::run`].
    owed_tokens: f64,
}

impl Prepared {
    /// Mints the tokens of a case; `None` if no case has this name with a pool of this many threads.
    #[must_use]
    pub fn named(name: &str, pool_threads: usize) -> Option<Self> {
        let spec = *CANONICAL.iter().find(|case| case.name == name)?;
        if spec.all_cores && pool_threads <= 1 {
            return None;
        }
        let mut corpus = spec.of.corpus(spec.tokens);
        if !spec.all_cores {
            // Whatever its features: one thread does it all.
            corpus.config.par_min_batch = usize::MAX;
        }
        let clock = spec.describe(pool_threads).clock;
        Some(Self { spec, corpus, clock, next_token: 0, owed_tokens: 0.0 })
    }

    /// The tokens with their context, keys and configuration.
    #[must_use]
    pub const fn corpus(&self) -> &Corpus {
        &self.corpus
    }

    /// Number of tokens that one call gets.
    #[must_use]
    pub fn batch(&self) -> usize {
        if self.spec.shape == Shape::Many { self.spec.tokens } else { 1 }
    }

    /// Compares the decision of `face` on every token with what the token was made for, in the shape in which it will
    /// be timed. Returns the number of decisions.
    ///
    /// # Errors
    /// The first token on which the decision is another one.
    pub fn check(&self, face: &impl Face) -> Result<u64, String> {
        let Corpus { tokens, intended, .. } = &self.corpus;
        let results = match self.spec.shape {
            Shape::InTurn | Shape::Loop => tokens.iter().map(|token| face.verify_token(&self.corpus, token)).collect(),
            Shape::Many => match face.verify_many(&self.corpus, tokens) {
                Ok(decisions) => decisions.into_iter().map(Ok).collect(),
                Err(error) => return Err(format!("the batch: expected a decision for every token, got {error:?}")),
            },
        };
        match first_difference(intended, &results) {
            None => Ok(results.len() as u64),
            Some(difference) => {
                let (token, expected, got) = (difference.token, difference.expected, difference.got);
                Err(format!("token {token}: expected {expected}, got {got}"))
            }
        }
    }

    /// Runs so many iterations of the case. `work_factor` is 1 except where a gate is tested: 1.05 does 5 % more of the
    /// same work than was asked for. What does not make a whole unit is carried over to the next call. The unit is a
    /// token, or for a batch sixteen: fewer would leave SIMD lanes empty and cost more than their share.
    ///
    /// # Errors
    /// The system does not tell the time.
    pub fn run(&mut self, face: &impl Face, iterations: u64, work_factor: f64) -> io::Result<Duration> {
        let wanted = self.owed_tokens + iterations as f64 * self.spec.tokens as f64 * work_factor;
        let unit = if self.spec.shape == Shape::Many { LANES } else { 1.0 };
        let tokens = (wanted.max(0.0) / unit).floor() * unit;
        self.owed_tokens = wanted - tokens;
        let (first, tokens) = (self.next_token, tokens as usize);
        self.next_token = (first + tokens) % self.spec.tokens;
        self.clock.time(|| verify(face, &self.corpus, self.spec.shape, first, tokens))
    }
}

/// Does all the work that is timed.
fn verify(face: &impl Face, corpus: &Corpus, shape: Shape, first: usize, tokens: usize) {
    let (batches, rest) = (tokens / corpus.tokens.len(), tokens % corpus.tokens.len());
    let part = corpus.tokens.get(..rest).unwrap_or_default();
    match shape {
        Shape::InTurn => {
            for token in corpus.tokens.iter().cycle().skip(first).take(tokens) {
                drop(black_box(face.verify_token(corpus, black_box(token))));
            }
        }
        Shape::Loop => {
            let batch = |tokens: &[String]| {
                for token in black_box(tokens) {
                    drop(black_box(face.verify_token(corpus, token)));
                }
            };
            (0..batches).for_each(|_| batch(&corpus.tokens));
            batch(part);
        }
        Shape::Many => {
            for _ in 0..batches {
                drop(black_box(face.verify_many(corpus, black_box(&corpus.tokens))));
            }
            if !part.is_empty() {
                drop(black_box(face.verify_many(corpus, black_box(part))));
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::cell::Cell;

    use ron_auth_core::{AuthError, Decision};

    use super::*;
    use crate::face::RonAuth;

    /// A verifier that counts tokens and answers wrongly from the given one on.
    struct Counting {
        seen: Cell<usize>,
        wrong_from: usize,
    }

    impl Face for Counting {
        fn verify_token(&self, corpus: &Corpus, token: &str) -> Result<Decision, AuthError> {
            self.seen.set(self.seen.get() + 1);
            if self.seen.get() > self.wrong_from {
                Err(AuthError::Expired)
            } else {
                RonAuth.verify_token(corpus, token)
            }
        }

        fn verify_many(&self, corpus: &Corpus, tokens: &[String]) -> Result<Vec<Decision>, AuthError> {
            // All of them, whatever the first comes to.
            let results: Vec<_> = tokens.iter().map(|token| self.verify_token(corpus, token)).collect();
            results.into_iter().collect()
        }
    }

    fn counting(wrong_from: usize) -> Counting {
        Counting { seen: Cell::new(0), wrong_from }
    }

    #[test]
    fn every_case_gives_the_right_answers() {
        for case in cases(2) {
            let decisions = Prepared::named(&case.name, 2).unwrap().check(&RonAuth).unwrap();
            assert_eq!(decisions, case.items_per_iteration, "{}", case.name);
        }
    }

    #[test]
    fn the_five_established_names_come_first_and_large_batches_need_several_threads() {
        let names = |threads| cases(threads).into_iter().map(|case| case.name).collect::<Vec<_>>();
        let five =
            ["verify_single", "verify_single_heavy", "verify_batch_64_loop", "verify_many_64", "verify_many_64_heavy"];
        assert_eq!(names(1)[..5], five);
        assert_eq!(names(1)[5..], ["verify_single_long"]);
        assert_eq!(names(2)[6..], ["verify_many_1024_all_cores", "verify_many_1024_heavy_all_cores"]);
        assert!(cases(4).iter().all(|case| (case.threads == 1) == (case.clock == Clock::ThreadCpu)));
        assert!(Prepared::named("verify_many_1024_all_cores", 1).is_none());
        assert!(Prepared::named("verify_none", 2).is_none());
    }

    #[test]
    fn a_wrong_answer_is_named_with_its_token() {
        for name in ["verify_single", "verify_batch_64_loop"] {
            let detail = Prepared::named(name, 1).unwrap().check(&counting(7)).unwrap_err();
            assert!(detail.starts_with("token 7: expected Ok(Allow"), "{detail}");
            assert!(detail.ends_with("got Err(Expired)"), "{detail}");
        }
        let detail = Prepared::named("verify_many_64", 1).unwrap().check(&counting(7)).unwrap_err();
        assert!(detail.contains("got Expired"), "{detail}");
    }

    #[test]
    fn an_iteration_verifies_the_tokens_that_it_says_and_a_work_factor_changes_that_exactly() {
        for case in cases(1) {
            for (work_factor, hundredths) in [(1.0, 100), (1.05, 105), (0.95, 95), (1.02, 102)] {
                let mut prepared = Prepared::named(&case.name, 1).unwrap();
                // It need not verify anything to count.
                let face = counting(0);
                // Twenty-five times four iterations of 64 tokens.
                for _ in 0..25 {
                    prepared.run(&face, 4, work_factor).unwrap();
                }
                let expected = 64 * hundredths;
                let unit = if case.name.starts_with("verify_many") { 16 } else { 1 };
                assert!(face.seen.get().abs_diff(expected) <= unit, "{} {work_factor}: {:?}", case.name, face.seen);
            }
        }
    }
}
