//! Many MAC chains at once, one SIMD lane each.
//!
//! A chain is serial: each step hashes the tag of the step before. Chains of different tokens don't depend on each
//! other, so lane `i` of every vector belongs to one token, and one pass over BLAKE3's rounds compresses a block of
//! sixteen tokens (AVX-512), eight (AVX2) or four (SSE, NEON). The path of a block:
//!
//! ```text
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
mod floor;
#[cfg(target_arch = "x86_64")]
mod one;
mod queue;
mod run;
mod schedule;
mod stage;
mod transpose;

pub use chains::Message;
pub use floor::MessagesInLanes;

use fearless_simd::{Level, Simd, dispatch};
use ron_auth_core::MacKey;
use ron_auth_core::chain::{self, Tag};
use ron_auth_core::seam::Mac;
use ron_auth_core::view::TokenView;

use chains::{Chain, TokenChain};
use schedule::Schedule;

/// The most lanes of any level.
const MAX_LANES: usize = 16;

/// The most chains that are scheduled together; an index among them is a `u8`.
///
/// Where lengths differ, the longest chain of a run keeps its lane busy while the others have nothing left to do.
/// More chains to a run make that rarer: see [`LanesMac`] for what it is worth.
const MAX_RUN: usize = 256;

/// Instruction sets that lanes are written for, weakest first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum SimdLevel {
    /// None: one chain after another.
    Serial,
    /// x86-64's baseline, four lanes.
    Sse2,
    /// Four lanes.
    Sse42,
    /// AArch64's baseline, four lanes. Nobody has measured it.
    Neon,
    /// Eight lanes.
    Avx2,
    /// The set of Ice Lake, sixteen lanes. Earlier processors with AVX-512 count as [`Avx2`](Self::Avx2).
    Avx512,
}

impl SimdLevel {
    /// Its name in results.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Serial => "serial",
            Self::Sse2 => "sse2",
            Self::Sse42 => "sse4.2",
            Self::Neon => "neon",
            Self::Avx2 => "avx2",
            Self::Avx512 => "avx512",
        }
    }

    /// The level of this processor.
    #[must_use]
    pub fn detected() -> Self {
        LanesMac::default().level()
    }
}

/// The MAC engine that hashes many tokens at once.
///
/// It gives the tags of [`chain::tag_of`] for every batch, and allocates nothing. A step of more than 1,024 bytes, which
/// is a tree and not a row of blocks, is hashed by `blake3`; the chain goes on in its lane behind it.
///
/// Where chain lengths differ it wants larger chunks than 64 tokens, because the longest chain of a chunk ends alone:
/// of 1,024 tokens of the `mixed` fixture, lanes take 0.32 of the serial time in chunks of 64, 0.29 in chunks of 128
/// and 0.29 in chunks of 256. `light` and `heavy` take the same in all.
#[derive(Clone, Copy, Debug)]
pub struct LanesMac {
    /// `None`: serially.
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
    /// machine with AVX-512. The default is what the processor has. A build for one processor (`-C target-cpu`) has no
    /// weaker code to choose.
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

    /// The level in use. In a build for one processor (`-C target-cpu`) there is no weaker code than that processor's,
    /// and this is its level, whatever the maximum.
    #[must_use]
    pub const fn level(self) -> SimdLevel {
        if self.level.is_some() && cfg!(all(target_arch = "x86_64", target_feature = "avx512vbmi")) {
            return SimdLevel::Avx512;
        }
        match self.level {
            #[cfg(target_arch = "x86_64")]
            Some(Level::Avx512(_)) => SimdLevel::Avx512,
            #[cfg(target_arch = "x86_64")]
            Some(Level::Avx2(_)) => SimdLevel::Avx2,
            #[cfg(target_arch = "x86_64")]
            Some(Level::Sse4_2(_)) => SimdLevel::Sse42,
            #[cfg(target_arch = "x86_64")]
            Some(Level::Sse2(_)) => SimdLevel::Sse2,
            #[cfg(target_arch = "aarch64")]
            Some(Level::Neon(_)) => SimdLevel::Neon,
            _ => SimdLevel::Serial,
        }
    }

    /// Its lanes; 0 if it hashes serially.
    #[must_use]
    pub const fn lanes(self) -> usize {
        match self.level() {
            SimdLevel::Serial => 0,
            SimdLevel::Sse2 | SimdLevel::Sse42 | SimdLevel::Neon => 4,
            SimdLevel::Avx2 => 8,
            SimdLevel::Avx512 => 16,
        }
    }

    /// `blake3::keyed_hash` of many messages that don't depend on each other, on the path that chains take. `job` gives
    /// the message of each index; `tags` has one element for each index, and those without a message are left as they
    /// are. See [`MessagesInLanes`] for the floor of a batch.
    pub fn keyed_hash_lanes<'a>(&self, job: impl Fn(usize) -> Option<Message<'a>>, tags: &mut [Tag]) {
        self.hash(job, tags);
    }

    #[inline]
    fn hash<'a, C: Chain<'a>>(&self, job: impl Fn(usize) -> Option<C>, tags: &mut [Tag]) {
        let Some(level) = self.level else { return run::serially(job, tags) };
        for (number, tags) in tags.chunks_mut(MAX_RUN).enumerate() {
            let start = number * MAX_RUN;
            let job = |index| job(start + index);
            dispatch!(level, simd => in_lanes(simd, self.min_batch, job, tags));
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
    fn tags<'a, V: TokenView<'a>>(&self, job: impl Fn(usize) -> Option<(&'a MacKey, V)>, tags: &mut [Tag]) {
        if tags.len() < self.min_batch {
            for (index, tag) in tags.iter_mut().enumerate() {
                if let Some((key, token)) = job(index) {
                    *tag = self.tag(key, token);
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
fn in_lanes<'a, S: Simd, C: Chain<'a>>(simd: S, min_batch: usize, job: impl Fn(usize) -> Option<C>, tags: &mut [Tag]) {
    let mut schedule = Schedule::new(tags.len(), &job);
    if schedule.chains() < min_batch {
        run::serially(job, tags);
    } else {
        run::run::<S, S::u32s, C, _>(simd, &mut schedule, tags);
    }
}

/// The processor's level or a weaker one; `None` where lanes don't pay, or where the words of a message are not in the
/// processor's byte order.
fn level_up_to(max: SimdLevel) -> Option<Level> {
    let detected = Level::new();
    if max == SimdLevel::Serial || detected.is_fallback() || cfg!(target_endian = "big") {
        return None;
    }
    #[cfg(target_arch = "x86_64")]
    return match max {
        SimdLevel::Serial => None,
        SimdLevel::Sse2 => detected.as_sse2().map(Simd::level),
        SimdLevel::Sse42 | SimdLevel::Neon => detected.as_sse4_2().map(Simd::level).or(Some(detected)),
        SimdLevel::Avx2 => detected.as_avx2().map(Simd::level).or(Some(detected)),
        SimdLevel::Avx512 => Some(detected),
    };
    #[cfg(target_arch = "aarch64")]
    return (max >= SimdLevel::Neon).then_some(detected);
    #[cfg(not(any(target_arch = "x86_64", target_arch = "aarch64")))]
    None
}
