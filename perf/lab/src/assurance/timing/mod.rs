//! Whether the time of verifying tells a secret: how many bytes of a MAC were right, or what the key is.
//!
//! Two kinds of input that differ in the secret alone are timed against each other, as Reparaz, Balasch and Verbauwhede
//! do (*Dude, is my code constant time?*, 2017): there a t-test of single calls, here turns of many calls, in blocks. A
//! block draws tokens and keys anew and puts them elsewhere in memory; in it both kinds take turns *in the same place*,
//! because an address can cost more than a byte compared. Each block gives one ratio, and over blocks the interval of
//! their median says whether there is a difference. It believes in no distribution.
//!
//! It is the one thing here that is timed within a single process. Two processes never lie in memory quite alike, and
//! what is looked for is smaller than that difference. The question is also about one process: whether whoever sends
//! tokens to it can tell one secret from another. So a block here is not a fresh process but fresh inputs elsewhere in
//! memory, and no other statistics of [`fairbench::compare`] are needed than the interval.
//!
//! A test that finds nothing proves nothing unless it could have found something. So every run has two controls: inputs
//! that do not differ, which must show no difference, and a verifier with a comparison that stops at the first wrong
//! byte, which must be caught. And every row says how small a difference it would have shown.

mod inputs;

use std::hint::black_box;

use anyhow::Context;
use fairbench::measure::interval::MedianInterval;
use fairbench::measure::stats::{Quartiles, median};
use fairbench_probe::clock::Clock;
use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;
use ron_auth_catalogue::Variant;
use ron_auth_core::{MacKey, RequestCtx, VerifierConfig};
use ron_auth_fixtures::Fixture;
use serde::Serialize;

use self::inputs::{Inputs, inputs};

/// The difference between two kinds of input. The second kind is always the same: no byte of the MAC is right, the key
/// is random.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Secret {
    /// So many of the first bytes of the MAC are right.
    RightMacBytes(usize),
    /// Only one bit of the key is set.
    KeyOfOneBit,
    /// All bits of the key are set.
    KeyOfAllBits,
    /// No difference: the control that must show none.
    Nothing,
    /// The first 31 bytes of the MAC are right, and the comparison stops at the first wrong one: the control that must
    /// be caught.
    Leak,
}

impl Secret {
    /// All secrets that an engine is tested for.
    pub const ASKED: [Self; 7] = [
        Self::Nothing,
        Self::RightMacBytes(1),
        Self::RightMacBytes(8),
        Self::RightMacBytes(16),
        Self::RightMacBytes(31),
        Self::KeyOfOneBit,
        Self::KeyOfAllBits,
    ];

    /// Whether it tests the instrument, which must find no difference or must find one, rather than the verifier.
    #[must_use]
    pub const fn is_control(self) -> bool {
        matches!(self, Self::Nothing | Self::Leak)
    }

    /// The difference in words.
    #[must_use]
    pub fn name(self) -> String {
        match self {
            Self::RightMacBytes(1) => "1 byte of the MAC right, or none".to_owned(),
            Self::RightMacBytes(bytes) => format!("{bytes} bytes of the MAC right, or none"),
            Self::KeyOfOneBit => "a key of one bit, or a random one".to_owned(),
            Self::KeyOfAllBits => "a key of all bits, or a random one".to_owned(),
            Self::Nothing => "control: no difference".to_owned(),
            Self::Leak => "control: a comparison that stops at the first wrong byte".to_owned(),
        }
    }
}

/// How much is measured.
#[derive(Clone, Copy, Debug)]
pub struct TimingEffort {
    /// Number of blocks, each with inputs and memory of its own.
    pub blocks: usize,
    /// Number of pairs of turns in a block.
    pub pairs: usize,
    /// Chance of seeing a difference where there is none, on either side.
    pub error: f64,
}

/// The result of one comparison. Times are of one token, in nanoseconds.
#[derive(Clone, Debug, Serialize)]
pub struct Compared {
    /// Name of the engine.
    pub engine: &'static str,
    /// Number of tokens of a batch; 1 means `verify_token`.
    pub batch_tokens: usize,
    /// The difference between the inputs.
    pub secret: Secret,
    /// Median time of the second kind.
    pub token_ns: f64,
    /// How much longer the first kind takes, with the interval at the error that was asked for.
    pub difference_ns: MedianInterval,
    /// Size of a difference that would have been seen in 95 of 100 runs.
    pub detectable_ns: f64,
}

impl Compared {
    /// Whether a difference is shown.
    #[must_use]
    pub fn differs(&self) -> bool {
        self.difference_ns.lower > 0.0 || self.difference_ns.upper < 0.0
    }

    /// Whether it came out as it must: a leak is seen where one was built in, and nowhere else.
    #[must_use]
    pub fn is_as_expected(&self) -> bool {
        self.differs() == (self.secret == Secret::Leak)
    }
}

/// Compares both kinds of input on one engine, in batches of `batch`.
///
/// # Errors
/// There are too few blocks for the error; the clock cannot be read; a token is allowed although its MAC is wrong.
pub fn compare(
    variant: &Variant,
    secret: Secret,
    batch: usize,
    effort: TimingEffort,
    seed: u64,
) -> anyhow::Result<Compared> {
    let mut rng = ChaCha8Rng::seed_from_u64(seed);
    let (mut log_ratios, mut times) = (Vec::new(), Vec::new());
    for _ in 0..effort.blocks {
        // Memory of odd sizes before what is used, so that it lies elsewhere in every block.
        let _elsewhere: Vec<Vec<u8>> = (0..16).map(|_| vec![0; rng.random_range(1..8192)]).collect();
        let mut block = TimingBlock::new(variant, secret, batch, &mut rng)?;
        let mut ratios = Vec::new();
        for pair in 0..effort.pairs + 2 {
            let first = usize::from(rng.random::<bool>());
            let mut turn_ns = [0.0; 2];
            for arm in [first, 1 - first] {
                let ns = block.turn(arm)?;
                if let Some(slot) = turn_ns.get_mut(arm) {
                    *slot = ns;
                }
            }
            // The first ones find caches and predictors cold.
            if pair >= 2 {
                ratios.push((turn_ns[0] / turn_ns[1]).ln());
                times.push(turn_ns[1]);
            }
        }
        log_ratios.push(median(&ratios));
    }
    let interval = MedianInterval::of(&log_ratios, effort.error)
        .with_context(|| format!("{} blocks are too few for an error of {}", effort.blocks, effort.error))?;
    let token_ns = Quartiles::of(&times).context("no turn was taken")?.median;
    let in_ns = |log_ratio: f64| token_ns * log_ratio.exp_m1();
    // The interval is `z` standard errors to each side; 1.645 more, and the whole of it lies beyond zero in 95 of 100.
    let half_width = in_ns(interval.half_width());
    let detectable_ns = half_width * (1.0 + 1.645 / normal_quantile(effort.error));
    Ok(Compared {
        engine: variant.name,
        batch_tokens: batch,
        secret,
        token_ns,
        difference_ns: MedianInterval {
            median: in_ns(interval.median),
            lower: in_ns(interval.lower),
            upper: in_ns(interval.upper),
        },
        detectable_ns,
    })
}

/// The number of standard deviations that a normal value exceeds with probability `error`, accurate to 0.0005
/// (Abramowitz & Stegun, 26.2.23).
fn normal_quantile(error: f64) -> f64 {
    let t = (-2.0 * error.ln()).sqrt();
    let above = 0.010_328f64.mul_add(t, 0.802_853).mul_add(t, 2.515_517);
    let below = 0.001_308f64.mul_add(t, 0.189_269).mul_add(t, 1.432_788).mul_add(t, 1.0);
    t - above / below
}

/// Tokens that are verified in a turn, enough for the clock.
const TOKENS_PER_TURN: usize = 64;

/// Inputs of both kinds, and the one place in memory that they are verified in.
struct TimingBlock {
    verifier: Box<dyn ron_auth_catalogue::Verifier>,
    config: VerifierConfig,
    request: RequestCtx<'static>,
    batch: usize,
    secret: Secret,
    arms: [Inputs; 2],
    texts: Vec<String>,
    key: MacKey,
    macs: Vec<[u8; 32]>,
    right: Vec<[u8; 32]>,
}

impl TimingBlock {
    fn new(variant: &Variant, secret: Secret, batch: usize, rng: &mut ChaCha8Rng) -> anyhow::Result<Self> {
        let corpus = Fixture::Light.corpus(1);
        let mut config = corpus.config;
        config.par_min_batch = usize::MAX;
        let arms = inputs(secret, batch, rng)?;
        let [place, _] = arms.clone();
        let Inputs { texts, key, macs, right } = place;
        let verifier = variant.build();
        Ok(Self { verifier, config, request: corpus.ctx, batch, secret, arms, texts, key, macs, right })
    }

    /// Time of a turn in nanoseconds per token.
    fn turn(&mut self, arm: usize) -> anyhow::Result<f64> {
        self.put_in_place(arm);
        let rounds = TOKENS_PER_TURN.div_ceil(self.batch);
        let mut verified = 0;
        let elapsed = Clock::ThreadCpu
            .time(|| verified = (0..rounds).map(|_| self.verify_all()).sum())
            .context("this system does not tell a thread's CPU time")?;
        anyhow::ensure!(verified == 0, "{verified} tokens with a wrong MAC were let through");
        Ok(elapsed.as_secs_f64() * 1e9 / (rounds * self.batch) as f64)
    }

    /// Copies what differs to where the other kind was, so that no address differs.
    fn put_in_place(&mut self, arm: usize) {
        let Some(inputs) = self.arms.get(arm) else { return };
        for (place, text) in self.texts.iter_mut().zip(&inputs.texts) {
            place.clear();
            place.push_str(text);
        }
        self.key = inputs.key.clone();
        self.macs.copy_from_slice(&inputs.macs);
        self.right.copy_from_slice(&inputs.right);
    }

    /// Number of tokens that are let through.
    fn verify_all(&self) -> usize {
        let let_through = if self.batch > 1 {
            let results = self.verifier.verify_each(&self.config, &self.texts, &self.request, &self.key);
            black_box(&results).iter().filter(|result| result.is_ok()).count()
        } else {
            let verify = |text: &&String| {
                black_box(self.verifier.verify_token(&self.config, text, &self.request, &self.key)).is_ok()
            };
            self.texts.iter().filter(verify).count()
        };
        if self.secret == Secret::Leak {
            for (mac, right) in self.macs.iter().zip(&self.right) {
                black_box(leaky_equal(mac, right));
            }
        }
        let_through
    }
}

/// A leaky comparison, which stops at the first wrong byte.
#[inline(never)]
fn leaky_equal(mac: &[u8; 32], right: &[u8; 32]) -> bool {
    mac.iter().zip(right).all(|(mac, right)| black_box(*mac) == black_box(*right))
}

#[cfg(test)]
mod tests {
    use ron_auth_catalogue::find;

    use super::*;

    const EFFORT: TimingEffort = TimingEffort { blocks: 40, pairs: 20, error: 0.0005 };

    #[test]
    fn a_leaky_comparison_is_caught() {
        let found = compare(&find("prod").unwrap(), Secret::Leak, 1, EFFORT, 1).unwrap();
        assert!(found.differs() && found.difference_ns.lower > 0.0, "{found:?}");
        assert!(found.is_as_expected() && found.detectable_ns > 0.0, "{found:?}");
    }

    #[test]
    fn what_excludes_zero_differs_and_is_expected_of_a_leak_alone() {
        let compared = |secret, lower, upper| Compared {
            engine: "e",
            batch_tokens: 1,
            secret,
            token_ns: 100.0,
            difference_ns: MedianInterval { median: 0.5 * (lower + upper), lower, upper },
            detectable_ns: 1.0,
        };
        for (lower, upper, differs) in [(-1.0, 1.0, false), (0.1, 1.0, true), (-1.0, -0.1, true), (0.0, 1.0, false)] {
            for secret in Secret::ASKED {
                let found = compared(secret, lower, upper);
                assert_eq!((found.differs(), found.is_as_expected()), (differs, !differs), "{secret:?}");
            }
            assert_eq!(compared(Secret::Leak, lower, upper).is_as_expected(), differs);
        }
    }

    #[test]
    fn the_normal_quantile_is_that_of_tables() {
        for (error, quantile) in [(0.025, 1.960), (0.001, 3.090), (0.0001, 3.719)] {
            assert!((normal_quantile(error) - quantile).abs() < 0.001, "{error}: {}", normal_quantile(error));
        }
    }

    #[test]
    fn too_few_blocks_for_the_error_are_refused() {
        let effort = TimingEffort { blocks: 3, pairs: 1, error: 0.001 };
        let error = compare(&find("prod").unwrap(), Secret::Nothing, 1, effort, 1).unwrap_err();
        assert!(error.to_string().starts_with("3 blocks are too few"), "{error}");
    }
}
