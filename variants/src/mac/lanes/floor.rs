//! The least that lanes can cost: messages that lie in lane form before the clock starts.

use std::fmt;

use fearless_simd::Simd;
use ron_auth_core::chain::Tag;
use zeroize::optimization_barrier;

use super::compress::{Block, CHUNK_END, CHUNK_START, KEYED_HASH, ROOT, Rotations, Words, compress};
use super::level::at_level;
use super::stage::BLOCK;
use super::transpose::{Numbers, rows_of_words};
use super::{LanesMac, MAX_LANES};

/// What is hashed: bytes under a key.
#[derive(Clone, Copy)]
pub struct Message<'a> {
    /// The key to hash it under.
    pub key: &'a [u8; 32],
    /// Its bytes.
    pub bytes: &'a [u8],
}

/// Messages of up to 1,024 bytes in lane form, lanes full as far as the number of blocks allows: what the lab takes as
/// the floor of a batch. Longer messages are left out, and so is every message where the engine has no lanes.
#[derive(Clone)]
pub struct MessagesInLanes {
    mac: LanesMac,
    groups: Vec<Group>,
}

impl fmt::Debug for MessagesInLanes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("MessagesInLanes").field("mac", &self.mac).finish_non_exhaustive()
    }
}

/// As many messages as there are lanes, all of as many blocks. Wiped when dropped.
#[derive(Clone)]
struct Group {
    key: [Numbers; 8],
    blocks: Vec<LaneBlock>,
    /// Each lane's message, by index.
    indices: Vec<usize>,
}

impl Drop for Group {
    fn drop(&mut self) {
        self.key = [Numbers([0; MAX_LANES]); 8];
        optimization_barrier(&self.key);
    }
}

#[derive(Clone)]
struct LaneBlock {
    message: [Numbers; 16],
    len: Numbers,
    flags: Numbers,
}

impl MessagesInLanes {
    /// Puts messages in place, in the order of their number of blocks.
    #[must_use]
    pub fn new(mac: LanesMac, messages: &[Message<'_>]) -> Self {
        let lanes = mac.lanes();
        let blocks_of = |message: &Message<'_>| message.bytes.len().div_ceil(BLOCK).max(1);
        let mut order: Vec<(usize, usize, &Message<'_>)> =
            messages.iter().enumerate().map(|(index, message)| (blocks_of(message), index, message)).collect();
        order.sort_unstable_by_key(|(blocks, index, _)| (*blocks, *index));
        order.retain(|(blocks, ..)| *blocks <= 16 && lanes > 0);
        let groups = order
            .chunk_by(|(a, ..), (b, ..)| a == b)
            .flat_map(|alike| alike.chunks(lanes.max(1)))
            .map(|group| {
                let of_lane = |lane: usize| group.get(lane).map(|(.., message)| *message);
                Group {
                    key: words(|lane| of_lane(lane).map_or(&[], |message| message.key)),
                    blocks: (0..group.first().map_or(0, |(blocks, ..)| *blocks))
                        .map(|block| LaneBlock::new(block, of_lane))
                        .collect(),
                    indices: group.iter().map(|(_, index, _)| *index).collect(),
                }
            })
            .collect();
        Self { mac, groups }
    }

    /// Hashes them; `tags` has one element for each message that [`new`](Self::new) was given, and those of messages
    /// left out stay as they are.
    pub fn keyed_hash(&self, tags: &mut [Option<Tag>]) {
        let Some(level) = self.mac.level else { return };
        at_level!(level, simd => hash_groups(simd, &self.groups, tags));
    }
}

impl LaneBlock {
    fn new<'a>(block: usize, message: impl Fn(usize) -> Option<&'a Message<'a>>) -> Self {
        let bytes = |lane| {
            let rest = message(lane).and_then(|message| message.bytes.get(block * BLOCK..)).unwrap_or_default();
            rest.get(..BLOCK).unwrap_or(rest)
        };
        let flags = |lane| {
            let blocks = message(lane).map_or(1, |message| message.bytes.len().div_ceil(BLOCK).max(1));
            let start = if block == 0 { CHUNK_START } else { 0 };
            KEYED_HASH | start | if block + 1 == blocks { CHUNK_END | ROOT } else { 0 }
        };
        Self {
            message: words(bytes),
            len: Numbers(std::array::from_fn(|lane| bytes(lane).len() as u32)),
            flags: Numbers(std::array::from_fn(flags)),
        }
    }
}

/// The zero-padded words of each lane's bytes.
fn words<'a, const N: usize>(bytes: impl Fn(usize) -> &'a [u8]) -> [Numbers; N] {
    let mut words = [Numbers([0; MAX_LANES]); N];
    for lane in 0..MAX_LANES {
        for (word, piece) in words.iter_mut().zip(bytes(lane).chunks(4)) {
            let mut padded = [0; 4];
            padded.iter_mut().zip(piece).for_each(|(to, byte)| *to = *byte);
            if let Some(number) = word.0.get_mut(lane) {
                *number = u32::from_le_bytes(padded);
            }
        }
    }
    words
}

#[inline(always)]
fn hash_groups<S: Simd>(simd: S, groups: &[Group], tags: &mut [Option<Tag>]) {
    let rotations = Rotations::new(simd);
    for group in groups {
        let mut chaining = load::<S, S::u32s, 8>(simd, &group.key);
        for block in &group.blocks {
            let block = Block {
                chaining,
                message: load(simd, &block.message),
                len: block.len.load(simd),
                flags: block.flags.load(simd),
            };
            chaining = compress(simd, &rotations, block);
        }
        for (row, index) in rows_of_words(chaining).0.iter().zip(&group.indices) {
            if let Some(tag) = tags.get_mut(*index) {
                *tag = Some(Tag::from_bytes(*row));
            }
        }
    }
}

#[inline(always)]
fn load<S: Simd, W: Words<S>, const N: usize>(simd: S, numbers: &[Numbers; N]) -> [W; N] {
    let mut words = [W::splat(simd, 0); N];
    for (words, numbers) in words.iter_mut().zip(numbers) {
        *words = numbers.load(simd);
    }
    words
}
