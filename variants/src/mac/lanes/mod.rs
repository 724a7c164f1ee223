//! Many MAC chains at once, one SIMD lane each.
//!
//! A chain is serial: each step hashes the tag of the step before. Chains of different tokens don't depend on each
//! other, so lane `i` of every vector belongs to one token, and one pass over BLAKE3's rounds compresses a block of
//! sixteen tokens (AVX-512), eight (AVX2) or four (SSE, NEON). The path of a block:
//!
//! ```text
//! level      which instruction set: at run time, whatever the compiler was allowed to use
//! schedule   which chain is in which lane, and which bytes it compresses next
//! stage      those bytes, zero-padded, to the lane's row
//! transpose  rows to vectors: word `w` of every lane next to each other
//! compress   the rounds
//! run        the loop over these, and the tags of chains that ended
//! ```
//!
//! Sixteen lanes of ready words take 117 ns here, 7.3 ns per block, where `blake3::keyed_hash` takes 64 ns (Xeon,
//! AVX-512, 2026-11). Staging and transposing add 1.5 ns per block, and starting a chain adds about 20 ns.

mod chains;
mod compress;
#[cfg(feature = "lanes-floor")]
mod floor;
mod level;
#[cfg(target_arch = "x86_64")]
mod one;
mod queue;
mod run;
mod schedule;
mod stage;
mod transpose;

#[cfg(feature = "lanes-floor")]
pub use floor::{Message, MessagesInLanes};
pub use level::SimdLevel;

use fearless_simd::{Level, Simd};
use ron_auth_core::MacKey;
use ron_auth_core::chain::{self, Tag};
use ron_auth_core::seam::Mac;
use ron_auth_core::view::TokenView;

use chains::{Chain, TokenChain};
use level::{at_level, level_up_to, name_of};
use schedule::Schedule;

/// The most lanes of any level.
const MAX_LANES: usize = 16;

/// The most chains that are scheduled together; an index among them is a `u8`.
///
/// Where lengths differ, the longest chain of a run keeps its lane busy while the others have nothing left to do.
/// More chains to a run make that rarer: see [`LanesMac`] for what it is worth.
const MAX_RUN: usize = 256;

/// The MAC engine that hashes many tokens at once.
///
/// It gives the tags of [`chain::tag_of`] for every batch, and allocates nothing. A step of more than 1,024 bytes,
/// which is a tree and not a row of blocks, is hashed by `blake3`; the chain goes on in its lane behind it.
///
/// Where chain lengths differ it wants larger chunks than 64 tokens, because the longest chain of a chunk ends alone:
/// of 1,024 tokens of the `mixed` fixture, lanes take 0.32 of the serial time in chunks of 64, 0.29 in chunks of 128
/// and 0.29 in chunks of 256. `light` and `heavy` take the same in all.
#[derive(Clone, Copy, Debug)]
pub struct LanesMac {
    /// The level that lanes are hashed with; `None` hashes one chain after another.
    level: Option<Level>,
    min_batch: usize,
}

impl LanesMac {
    /// The fewest tokens that are hashed in lanes unless [`with_min_batch`](Self::with_min_batch) says otherwise.
    ///
    /// One block takes as long in one lane as in all, and twice as long as alone, whatever the level. Lanes / serial
    /// for `light` on AVX-512: 1.4 for one token, 1.0 for two, 0.69 for three, 0.53 for four.
    pub const MIN_BATCH: usize = 3;

    /// An engine that uses `max` at most, where the processor has more: the lab's switch to measure AVX2 on a
    /// machine with AVX-512. The default is what the processor has. Lanes are then as wide as `max` says, but see
    /// [`SimdLevel::hindrance`] for whether their code is what a processor that ends there would run.
    #[must_use]
    pub fn with_max(max: SimdLevel) -> Self {
        Self { level: level_up_to(max), min_batch: Self::MIN_BATCH }
    }

    /// Hashes batches of fewer than `tokens` good tokens serially. Default: [`MIN_BATCH`](Self::MIN_BATCH).
    #[must_use]
    pub const fn with_min_batch(mut self, tokens: usize) -> Self {
        self.min_batch = tokens;
        self
    }

    /// The level that is in use.
    #[must_use]
    pub const fn level(self) -> SimdLevel {
        name_of(self.level)
    }

    /// Number of lanes of the level; 0 if it hashes one chain after another.
    #[must_use]
    pub const fn lanes(self) -> usize {
        match self.level() {
            SimdLevel::Serial => 0,
            SimdLevel::Sse2 | SimdLevel::Sse42 | SimdLevel::Neon => 4,
            SimdLevel::Avx2 => 8,
            SimdLevel::Avx512 => 16,
        }
    }

    #[inline]
    fn hash<'a, C: Chain<'a>>(&self, job: impl Fn(usize) -> Option<C>, tags: &mut [Option<Tag>]) {
        let Some(level) = self.level else { return run::serially(job, tags) };
        for (number, tags) in tags.chunks_mut(MAX_RUN).enumerate() {
            let start = number * MAX_RUN;
            let job = |index| job(start + index);
            at_level!(level, simd => in_lanes(simd, self.min_batch, job, tags));
        }
    }
}

impl Default for LanesMac {
    fn default() -> Self {
        Self::with_max(SimdLevel::Avx512)
    }
}

impl Mac for LanesMac {
    #[inline]
    fn tag<'a, V: TokenView<'a>>(&self, key: &MacKey, token: V) -> Tag {
        // Only AVX-512 has one instruction that puts a block's words in a round's order; without it the serial path
        // is as fast.
        #[cfg(target_arch = "x86_64")]
        if let Some(Level::Avx512(simd)) = self.level
            && let Some(tag) = simd.vectorize(
                #[inline(always)]
                || one::tag(simd, key, token),
            )
        {
            return tag;
        }
        chain::tag_of(key, token)
    }

    #[inline]
    fn tags<'a, V: TokenView<'a>>(&self, job: impl Fn(usize) -> Option<(&'a MacKey, V)>, tags: &mut [Option<Tag>]) {
        if tags.len() < self.min_batch {
            for (index, tag) in tags.iter_mut().enumerate() {
                if let Some((key, token)) = job(index) {
                    *tag = Some(self.tag(key, token));
                }
            }
            return;
        }
        self.hash(|index| job(index).map(|(key, token)| TokenChain { key, token }), tags);
    }
}

/// Native vectors: sixteen lanes on AVX2, as two vectors, gain 2 % on a full batch of `heavy`, nothing on `light`,
/// and cost twice the time in a batch of eight.
#[inline(always)]
fn in_lanes<'a, S: Simd, C: Chain<'a>>(
    simd: S,
    min_batch: usize,
    job: impl Fn(usize) -> Option<C>,
    tags: &mut [Option<Tag>],
) {
    let mut schedule = Schedule::new(tags.len(), &job);
    if schedule.chains() < min_batch {
        run::serially(job, tags);
    } else {
        run::run::<S, S::u32s, C, _>(simd, &mut schedule, tags);
        schedule.wipe();
    }
}
