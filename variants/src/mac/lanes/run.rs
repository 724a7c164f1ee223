//! The loop: load the staged blocks, stage the next ones, compress.

use fearless_simd::prelude::*;
use ron_auth_core::chain::Tag;

use super::chains::{Chain, hash_link};
use super::compress::{Block, Rotations, Words, compress};
use super::schedule::Schedule;
use super::transpose::{rows_of_words, words_of_rows};

/// Gives every chain's last tag, one chain after another.
pub(super) fn serially<'a, C: Chain<'a>>(job: impl Fn(usize) -> Option<C>, tags: &mut [Option<Tag>]) {
    for (index, tag) in tags.iter_mut().enumerate() {
        if let Some(chain) = job(index) {
            *tag = Some(chain.serially());
        }
    }
}

/// Gives every chain's last tag, in lanes.
#[inline(always)]
pub(super) fn run<'a, S: Simd, W: Words<S>, C: Chain<'a>, J: Fn(usize) -> Option<C>>(
    simd: S,
    schedule: &mut Schedule<'a, C, J>,
    tags: &mut [Option<Tag>],
) {
    let rotations = Rotations::new(simd);
    let mut keys = [W::splat(simd, 0); 8];
    let mut out = keys;
    schedule.start(W::LEN, tags);
    while schedule.live != 0 {
        if let Some(last) = schedule.last_lane() {
            // A block takes twice as long in one lane of many as alone.
            let mut tag = rows_of_words(out).tag(last.number);
            for link in last.link..last.chain.links() {
                tag = hash_link(last.chain, tag.as_bytes(), link);
            }
            if let Some(place) = tags.get_mut(last.index) {
                *place = Some(tag);
            }
            break;
        }
        if schedule.rekeyed {
            keys = words_of_rows(simd, &schedule.keys);
        }
        let block = load(simd, schedule, keys, out);
        schedule.begin_blocks();
        // Before the compression and not after it: this is work for other ports than the vectors', and the processor
        // does both at once. To spread it over the rounds gained nothing.
        for lane in 0..W::LEN {
            schedule.stage(lane);
        }
        out = compress(simd, &rotations, block);
        if schedule.has_others() {
            schedule.stage_others(&rows_of_words(out), tags);
        }
    }
}

/// The staged blocks as vectors. `out` is what the blocks before them gave: the tag where a message ended with them,
/// and the chaining value where it goes on.
#[inline(always)]
fn load<'a, S: Simd, W: Words<S>, C: Chain<'a>, J: Fn(usize) -> Option<C>>(
    simd: S,
    schedule: &Schedule<'a, C, J>,
    keys: [W; 8],
    out: [W; 8],
) -> Block<W> {
    let (mut chaining, mut low) = (keys, out);
    if schedule.untagged != 0 {
        let later = W::Mask::from_bitmask(simd, u64::from(schedule.later));
        let untagged = W::Mask::from_bitmask(simd, u64::from(schedule.untagged));
        let staged: [W; 8] = words_of_rows(simd, &schedule.low);
        for ((chaining, low), staged) in chaining.iter_mut().zip(&mut low).zip(staged) {
            *chaining = later.select(*low, *chaining);
            *low = untagged.select(staged, *low);
        }
    }
    let [m0, m1, m2, m3, m4, m5, m6, m7] = low;
    let [m8, m9, m10, m11, m12, m13, m14, m15] = words_of_rows(simd, &schedule.high);
    Block {
        chaining,
        message: [m0, m1, m2, m3, m4, m5, m6, m7, m8, m9, m10, m11, m12, m13, m14, m15],
        len: schedule.lens.load(simd),
        flags: schedule.flags.load(simd),
    }
}
