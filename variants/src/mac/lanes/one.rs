//! One chain, one block after another, in vector registers.
//!
//! A chain is serial, so one token can't use lanes. But `blake3::keyed_hash` takes every message from memory and gives
//! every tag back to memory, which costs a sixth of the time of a one-block message. Here the tag stays where it is:
//! it is the first half of the next block. 337 ns for six blocks against 389 (2-core AVX-512 host, 2026-11).

use fearless_simd::{Simd, prelude::*, u8x32, u8x64, u32x4, u32x8, u32x16};
use ron_auth_core::MacKey;
use ron_auth_core::chain::Tag;
use ron_auth_core::view::{Item, TokenView};
use ron_auth_core::wire::MAC_HEAD_PREFIX;

use super::compress::{CHUNK_END, CHUNK_START, IV, KEYED_HASH, ROOT};

/// The longest message that is one BLAKE3 chunk, in bytes.
const CHUNK: usize = 1024;
const BLOCK: usize = 64;
/// Length of a tag in bytes: half a block.
const TAG: usize = 32;
/// Room for the first message of most tokens, in bytes.
const HEAD: usize = 256;

/// The last tag of a token's chain; `None` if a message is too long for this.
#[inline(always)]
pub(super) fn tag<'a, S: Simd, V: TokenView<'a>>(simd: S, key: &MacKey, token: V) -> Option<Tag> {
    let key = Half::load(simd, key.as_bytes());
    let mut tag = head(simd, key, token.head_items())?;
    for index in 0..token.caveat_count() {
        tag = link(simd, key, tag, token.caveat_item(index))?;
    }
    let mut bytes = [0; TAG];
    let words: u8x32<S> = tag.join(simd).bitcast();
    words.store_slice(&mut bytes);
    Some(Tag::from_bytes(bytes))
}

/// Eight words in two vectors: a chaining value, a tag, or half a block.
#[derive(Clone, Copy)]
struct Half<S: Simd>(u32x4<S>, u32x4<S>);

impl<S: Simd> Half<S> {
    #[inline(always)]
    fn load(simd: S, bytes: &[u8; TAG]) -> Self {
        let words: u32x8<S> = u8x32::from_slice(simd, bytes).bitcast();
        let (first, second) = simd.split_u32x8(words);
        Self(first, second)
    }

    #[inline(always)]
    fn join(self, simd: S) -> u32x8<S> {
        simd.combine_u32x4(self.0, self.1)
    }
}

/// The tag of the first message: prefix, tid, kid, scope.
#[inline(always)]
fn head<S: Simd>(simd: S, key: Half<S>, items: [Item<'_>; 3]) -> Option<Half<S>> {
    let mut message = [0; HEAD];
    let mut len = 1;
    *message.first_mut()? = MAC_HEAD_PREFIX;
    for item in items {
        let place = message.get_mut(len..)?;
        match (place.first_chunk_mut::<TAG>(), item.with_following().first_chunk()) {
            (Some(place), Some(window)) if item.len() <= TAG => *place = *window,
            _ => place.get_mut(..item.len())?.copy_from_slice(item.as_bytes()),
        }
        len += item.len();
    }
    blocks(simd, key, CHUNK_START, Item::first_of(&message, len))
}

/// The tag of a later message: the tag before, and a caveat.
#[inline(always)]
fn link<S: Simd>(simd: S, key: Half<S>, tag: Half<S>, item: Item<'_>) -> Option<Half<S>> {
    let second: u32x8<S> = window::<TAG, _>(item, 0, |bytes| u8x32::from_slice(simd, bytes), |a, b| a & b).bitcast();
    let block = simd.combine_u32x8(tag.join(simd), second);
    if item.len() <= BLOCK - TAG {
        return Some(compress(simd, key, block, TAG + item.len(), CHUNK_START | CHUNK_END | ROOT));
    }
    if item.len() > CHUNK - TAG {
        return None;
    }
    let rest = Item::first_of(item.with_following().get(TAG..)?, item.len() - TAG);
    let chaining = compress(simd, key, block, BLOCK, CHUNK_START);
    blocks(simd, chaining, 0, rest)
}

/// All blocks of `bytes`, up to the message's end. `flags` are those of the first.
#[inline(always)]
fn blocks<S: Simd>(simd: S, mut chaining: Half<S>, mut flags: u32, bytes: Item<'_>) -> Option<Half<S>> {
    let mut at = 0;
    loop {
        let block: u32x16<S> =
            window::<BLOCK, _>(bytes, at, |bytes| u8x64::from_slice(simd, bytes), |a, b| a & b).bitcast();
        let len = bytes.len() - at;
        if len <= BLOCK {
            return Some(compress(simd, chaining, block, len, flags | CHUNK_END | ROOT));
        }
        chaining = compress(simd, chaining, block, BLOCK, flags);
        flags = 0;
        at += BLOCK;
    }
}

/// `N` bytes of `item` from `at` on, zero beyond its end.
#[inline(always)]
fn window<const N: usize, V>(item: Item<'_>, at: usize, load: impl Fn(&[u8]) -> V, and: impl FnOnce(V, V) -> V) -> V {
    /// As many ones as bytes are kept, then zeros.
    #[allow(clippy::indexing_slicing, reason = "a wrong index would stop the compiler")]
    static KEEP: [u8; 2 * BLOCK] = {
        let mut keep = [0; 2 * BLOCK];
        let (ones, _) = keep.split_at_mut(BLOCK);
        let mut place = 0;
        while place < BLOCK {
            ones[place] = 0xff;
            place += 1;
        }
        keep
    };
    let len = item.len().saturating_sub(at).min(N);
    if let Some(window) = item.with_following().get(at..).and_then(<[u8]>::first_chunk::<N>) {
        let keep = KEEP.get(BLOCK - len..).and_then(<[u8]>::first_chunk::<N>).unwrap_or(&[0; N]);
        return and(load(window), load(keep));
    }
    let mut padded = [0; N];
    if let (Some(place), Some(bytes)) = (padded.get_mut(..len), item.as_bytes().get(at..)) {
        place.copy_from_slice(bytes);
    }
    load(&padded)
}

/// BLAKE3's compression of one block, a row of the state in each vector.
#[inline(always)]
fn compress<S: Simd>(simd: S, chaining: Half<S>, block: u32x16<S>, len: usize, flags: u32) -> Half<S> {
    let row = |words: [u32; 4]| u32x4::simd_from(simd, words);
    // The counter is 0: a message of one chunk has no other.
    let mut state = [chaining.0, chaining.1, row(IV), row([0, 0, len as u32, flags | KEYED_HASH])];
    for order in &ORDERS {
        let message = simd.swizzle_dyn_u32x16(block, u8x64::from_slice(simd, order));
        let (low, high) = simd.split_u32x16(message);
        let ((columns_x, columns_y), (diagonals_x, diagonals_y)) = (simd.split_u32x8(low), simd.split_u32x8(high));
        let [a, b, c, d] = mix(state, columns_x, columns_y);
        // Rotating rows a, c and d turns diagonals into columns. Row b, which is what everything waits for, stays.
        let [a, c, d] = [slide::<3, S>(simd, a), slide::<1, S>(simd, c), slide::<2, S>(simd, d)];
        let [a, b, c, d] = mix([a, b, c, d], diagonals_x, diagonals_y);
        state = [slide::<1, S>(simd, a), b, slide::<3, S>(simd, c), slide::<2, S>(simd, d)];
    }
    let [a, b, c, d] = state;
    Half(a ^ c, b ^ d)
}

/// BLAKE3's `G`, on four columns at once.
#[inline(always)]
fn mix<S: Simd>([a, b, c, d]: [u32x4<S>; 4], x: u32x4<S>, y: u32x4<S>) -> [u32x4<S>; 4] {
    let a = a + x + b;
    let d = rotate_right::<16, S>(d ^ a);
    let c = c + d;
    let b = rotate_right::<12, S>(b ^ c);
    let a = a + y + b;
    let d = rotate_right::<8, S>(d ^ a);
    let c = c + d;
    let b = rotate_right::<7, S>(b ^ c);
    [a, b, c, d]
}

#[inline(always)]
fn rotate_right<const BITS: u32, S: Simd>(words: u32x4<S>) -> u32x4<S> {
    (words >> BITS) | (words << (32 - BITS))
}

#[inline(always)]
fn slide<const WORDS: usize, S: Simd>(simd: S, row: u32x4<S>) -> u32x4<S> {
    simd.slide_within_blocks_u32x4::<WORDS>(row, row)
}

/// For each round, which byte of the block goes where: four words each for the columns' two additions, then for the
/// diagonals', which begin at the last diagonal because it is row b that stays.
#[allow(clippy::indexing_slicing, reason = "a wrong index would stop the compiler")]
static ORDERS: [[u8; BLOCK]; 7] = {
    const PERMUTATION: [usize; 16] = [2, 6, 3, 10, 7, 0, 4, 13, 1, 11, 12, 5, 9, 14, 15, 8];
    const PLACES: [usize; 16] = [0, 2, 4, 6, 1, 3, 5, 7, 14, 8, 10, 12, 15, 9, 11, 13];
    let mut words = [0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15];
    let mut orders = [[0; BLOCK]; 7];
    let mut round = 0;
    while round < 7 {
        let mut byte = 0;
        while byte < BLOCK {
            orders[round][byte] = (words[PLACES[byte / 4]] * 4 + byte % 4) as u8;
            byte += 1;
        }
        let before = words;
        let mut word = 0;
        while word < 16 {
            words[word] = before[PERMUTATION[word]];
            word += 1;
        }
        round += 1;
    }
    orders
};
