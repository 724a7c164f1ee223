//! Which chain is in which lane, and what it compresses next.

use ron_auth_core::chain::Tag;
use zeroize::optimization_barrier;

use super::MAX_LANES;
use super::chains::{Chain, hash_head, hash_link};
use super::compress::{CHUNK_END, CHUNK_START, KEYED_HASH, ROOT};
use super::queue::Queue;
use super::stage::{BLOCK, append, copy_block, copy_padded, fill_block, split_block};
use super::transpose::{Numbers, Rows};

/// The longest message that is one BLAKE3 chunk, and so hashes block after block.
const CHUNK: usize = 1024;
/// The flags of a message of one block.
const WHOLE: u32 = KEYED_HASH | CHUNK_START | CHUNK_END | ROOT;

/// A lane, and the chain that has it.
#[derive(Clone, Copy)]
struct Lane<'a, C> {
    chain: Option<C>,
    /// The chain's place in the run.
    index: u8,
    next_link: usize,
    /// How many links the chain has; 0 in the middle of a message, so that one comparison finds the usual case.
    ready_links: usize,
    /// What remains of the message whose blocks are being compressed.
    rest: &'a [u8],
    /// The same of a head that remains in several pieces.
    pieces: [&'a [u8]; 3],
}

impl<'a, C: Chain<'a>> Lane<'a, C> {
    const EMPTY: Self = Self { chain: None, index: 0, next_link: 0, ready_links: 0, rest: &[], pieces: [&[]; 3] };

    /// After a block was filled from `pieces`: how the head goes on. Gives the flags of its end.
    #[inline(always)]
    fn settle(&mut self) -> u32 {
        let [[], [], last] = self.pieces else { return 0 };
        self.rest = last;
        self.pieces = [&[]; 3];
        if !self.rest.is_empty() {
            return 0;
        }
        self.ready_links = self.chain.map_or(0, C::links);
        CHUNK_END | ROOT
    }
}

/// The chains of a run, and the next block of each that has a lane.
pub(super) struct Schedule<'a, C, J> {
    job: J,
    queue: Queue,
    lanes: [Lane<'a, C>; MAX_LANES],
    /// Lanes that [`stage`](Self::stage) left to [`stage_others`](Self::stage_others), as bits.
    others: u32,
    /// Lanes that have a block, as bits.
    pub(super) live: u32,
    /// Lanes whose block is not the first of its message.
    pub(super) later: u32,
    /// Lanes whose block does not begin with the tag of the message before.
    pub(super) untagged: u32,
    /// Whether a lane has a new key.
    pub(super) rekeyed: bool,
    /// Words 0 to 7 of the blocks that don't begin with a tag.
    pub(super) low: Rows,
    /// Words 8 to 15 of the blocks.
    pub(super) high: Rows,
    pub(super) lens: Numbers,
    pub(super) flags: Numbers,
    pub(super) keys: Rows,
}

impl<'a, C: Chain<'a>, J: Fn(usize) -> Option<C>> Schedule<'a, C, J> {
    #[inline(always)]
    pub(super) fn new(count: usize, job: J) -> Self {
        Self {
            queue: Queue::new(count, &job),
            job,
            lanes: [Lane::EMPTY; MAX_LANES],
            others: 0,
            live: 0,
            later: 0,
            untagged: 0,
            rekeyed: false,
            low: Rows::ZERO,
            high: Rows::ZERO,
            lens: Numbers([0; MAX_LANES]),
            flags: Numbers([WHOLE; MAX_LANES]),
            keys: Rows::ZERO,
        }
    }

    /// Overwrites the keys, and what may be tags.
    #[inline(always)]
    pub(super) fn wipe(&mut self) {
        (self.keys, self.low) = (Rows::ZERO, Rows::ZERO);
        optimization_barrier(&self.keys);
        optimization_barrier(&self.low);
    }

    /// How many chains there are.
    #[inline(always)]
    pub(super) const fn chains(&self) -> usize {
        self.queue.len()
    }

    /// Gives a chain to each of the first `lanes` lanes, and stages its first block.
    #[inline(always)]
    pub(super) fn start(&mut self, lanes: usize, tags: &mut [Option<Tag>]) {
        for number in 0..lanes {
            self.refill(number, tags);
        }
    }

    /// Assumes the usual case until [`stage`](Self::stage) finds another: every block is all of a link.
    #[inline(always)]
    pub(super) fn begin_blocks(&mut self) {
        self.flags = Numbers([WHOLE; MAX_LANES]);
        self.later = 0;
        self.untagged = 0;
        self.rekeyed = false;
    }

    /// Stages the next block of a lane, or leaves that to [`stage_others`](Self::stage_others).
    ///
    /// Nothing in here is a call: between the loads of one block and its compression a call would have to save the
    /// vectors.
    #[inline(always)]
    pub(super) fn stage(&mut self, number: usize) {
        let bit = 1_u32 << number;
        let (Some(lane), Some(low), Some(high), Some(len), Some(flags)) = (
            self.lanes.get_mut(number),
            self.low.0.get_mut(number),
            self.high.0.get_mut(number),
            self.lens.0.get_mut(number),
            self.flags.0.get_mut(number),
        ) else {
            return;
        };
        let Some(chain) = lane.chain else { return };
        if lane.next_link < lane.ready_links {
            let item = chain.link(lane.next_link);
            if item.len() <= 32 {
                copy_padded(high, item);
                *len = 32 + item.len() as u32;
            } else if let Some((start, rest)) = item.split_first_chunk()
                && item.len() <= CHUNK - 32
            {
                *high = *start;
                *len = BLOCK as u32;
                *flags = KEYED_HASH | CHUNK_START;
                lane.rest = rest;
                lane.ready_links = 0;
            } else {
                self.others |= bit;
                return;
            }
            lane.next_link += 1;
        } else if !lane.rest.is_empty() {
            self.later |= bit;
            self.untagged |= bit;
            *len = lane.rest.len().min(BLOCK) as u32;
            lane.rest = copy_block(low, high, lane.rest);
            *flags = KEYED_HASH;
            if lane.rest.is_empty() {
                *flags = KEYED_HASH | CHUNK_END | ROOT;
                lane.ready_links = chain.links();
            }
        } else {
            self.others |= bit;
        }
    }

    /// Whether there are lanes for [`stage_others`](Self::stage_others).
    #[inline(always)]
    pub(super) const fn has_others(&self) -> bool {
        self.others != 0
    }

    /// Stages the next block of the lanes that are at the end of their chain, in a head of several pieces, or before
    /// a link of more than a chunk. `out` has the tag of every lane whose message has ended.
    #[inline(always)]
    pub(super) fn stage_others(&mut self, out: &Rows, tags: &mut [Option<Tag>]) {
        while self.others != 0 {
            let number = self.others.trailing_zeros() as usize;
            self.others &= self.others - 1;
            let Some(lane) = self.lanes.get(number) else { return };
            if lane.next_link < lane.ready_links {
                if !self.stage_after_long(number, out.tag(number), tags) {
                    self.refill(number, tags);
                }
            } else if lane.pieces.iter().any(|piece| !piece.is_empty()) {
                self.stage_pieces(number);
            } else {
                if let Some(tag) = tags.get_mut(usize::from(lane.index)) {
                    *tag = Some(out.tag(number));
                }
                self.refill(number, tags);
            }
        }
    }

    /// Hashes links of more than a chunk serially, and stages the block that follows. Without one the chain has ended:
    /// gives its tag and says `false`.
    #[cold]
    fn stage_after_long(&mut self, number: usize, mut tag: Tag, tags: &mut [Option<Tag>]) -> bool {
        while let (Some(lane), Some(low)) = (self.lanes.get_mut(number), self.low.0.get_mut(number))
            && let Some(chain) = lane.chain
        {
            if lane.next_link >= chain.links() {
                if let Some(place) = tags.get_mut(usize::from(lane.index)) {
                    *place = Some(tag);
                }
                break;
            }
            if chain.link(lane.next_link).len() <= CHUNK - 32 {
                // This tag did not come out of the lane.
                *low = *tag.as_bytes();
                self.untagged |= 1 << number;
                self.stage(number);
                return true;
            }
            tag = hash_link(chain, tag.as_bytes(), lane.next_link);
            lane.next_link += 1;
        }
        false
    }

    /// Stages a later block of a head of several pieces.
    #[inline(never)]
    fn stage_pieces(&mut self, number: usize) {
        let (Some(lane), Some(low), Some(high), Some(len), Some(flags)) = (
            self.lanes.get_mut(number),
            self.low.0.get_mut(number),
            self.high.0.get_mut(number),
            self.lens.0.get_mut(number),
            self.flags.0.get_mut(number),
        ) else {
            return;
        };
        self.later |= 1 << number;
        self.untagged |= 1 << number;
        let mut block = [0; BLOCK];
        *len = fill_block(&mut lane.pieces, &mut block, 0) as u32;
        *flags = KEYED_HASH | lane.settle();
        split_block(&block, low, high);
    }

    /// Gives a lane the next chain, if there is one, and stages its first block.
    #[inline(never)]
    fn refill(&mut self, number: usize, tags: &mut [Option<Tag>]) {
        let bit = 1_u32 << number;
        while let Some(index) = self.queue.pop() {
            let Some(chain) = (self.job)(usize::from(index)) else { continue };
            let (Some(lane), Some(key), Some(low), Some(high), Some(len), Some(flags)) = (
                self.lanes.get_mut(number),
                self.keys.0.get_mut(number),
                self.low.0.get_mut(number),
                self.high.0.get_mut(number),
                self.lens.0.get_mut(number),
                self.flags.0.get_mut(number),
            ) else {
                return;
            };
            self.live |= bit;
            self.untagged |= bit;
            self.rekeyed = true;
            *key = *chain.key();
            lane.chain = Some(chain);
            lane.index = index;
            lane.next_link = 0;
            let pieces = chain.head();
            let head_len = C::LEAD.len() + pieces.iter().map(|piece| piece.len()).sum::<usize>();
            let mut block = [0; BLOCK];
            append(&mut block, 0, C::LEAD);
            if head_len <= BLOCK {
                let mut at = C::LEAD.len();
                for piece in pieces {
                    append(&mut block, at, piece);
                    at += piece.len();
                }
                *len = head_len as u32;
                *flags = WHOLE;
                lane.ready_links = chain.links();
            } else if head_len <= CHUNK {
                lane.pieces = pieces;
                fill_block(&mut lane.pieces, &mut block, C::LEAD.len());
                *len = BLOCK as u32;
                *flags = KEYED_HASH | CHUNK_START;
                lane.ready_links = 0;
                lane.settle();
            } else {
                lane.ready_links = chain.links();
                *flags = WHOLE;
                if self.stage_after_long(number, hash_head(chain), tags) {
                    return;
                }
                continue;
            }
            split_block(&block, low, high);
            return;
        }
        self.live &= !bit;
        self.later &= !bit;
        self.untagged &= !bit;
        if let Some(lane) = self.lanes.get_mut(number) {
            lane.chain = None;
        }
    }

    /// The lane that is left, if it is the last and its block begins a link.
    #[inline(always)]
    pub(super) fn last_lane(&self) -> Option<LastLane<C>> {
        if !self.live.is_power_of_two() || self.live & (self.later | self.untagged) != 0 {
            return None;
        }
        let number = self.live.trailing_zeros() as usize;
        let lane = self.lanes.get(number)?;
        Some(LastLane {
            number,
            chain: lane.chain?,
            index: usize::from(lane.index),
            link: lane.next_link.checked_sub(1)?,
        })
    }
}

/// The one lane that still has a chain.
pub(super) struct LastLane<C> {
    pub(super) number: usize,
    pub(super) chain: C,
    /// The chain's place in the run.
    pub(super) index: usize,
    /// The link whose first block is staged.
    pub(super) link: usize,
}
