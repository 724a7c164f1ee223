//! Bytes of each lane to words of all lanes, and back.

use fearless_simd::prelude::*;
use ron_auth_core::chain::Tag;

use super::MAX_LANES;
use super::compress::Words;

/// Half a block, a key or a tag.
pub(super) type Row = [u8; 32];

/// A row for each lane.
#[derive(Clone, Copy)]
#[repr(align(64))]
pub(super) struct Rows(pub(super) [Row; MAX_LANES]);

impl Rows {
    pub(super) const ZERO: Self = Self([[0; 32]; MAX_LANES]);

    /// The tag of a lane.
    #[inline(always)]
    pub(super) fn tag(&self, lane: usize) -> Tag {
        Tag::from_bytes(self.0.get(lane).copied().unwrap_or_default())
    }
}

/// A number for each lane.
#[derive(Clone, Copy)]
#[repr(align(64))]
pub(super) struct Numbers(pub(super) [u32; MAX_LANES]);

impl Numbers {
    #[inline(always)]
    pub(super) fn load<S: Simd, W: Words<S>>(&self, simd: S) -> W {
        match self.0.get(..W::LEN) {
            Some(numbers) => W::from_slice(simd, numbers),
            None => W::splat(simd, 0),
        }
    }
}

/// Eight words of every lane, from rows of eight little-endian words.
///
/// The place of a word in the rows is `lane * 8 + word`, and its place in the result `word * lanes + lane`: its bits
/// rotated by three. Each unzip rotates them by one.
#[inline(always)]
pub(super) fn words_of_rows<S: Simd, W: Words<S>>(simd: S, rows: &Rows) -> [W; 8] {
    let mut words = [W::splat(simd, 0); 8];
    for (words, bytes) in words.iter_mut().zip(rows.0.as_flattened().chunks_exact(W::LEN * 4)) {
        *words = W::from_bytes(<W::ByteVector as SimdBase<S>>::from_slice(simd, bytes));
    }
    unzip(unzip(unzip(words)))
}

/// The rows of eight words of every lane.
#[inline(always)]
pub(super) fn rows_of_words<S: Simd, W: Words<S>>(words: [W; 8]) -> Rows {
    let mut rows = Rows::ZERO;
    let words = zip(zip(zip(words)));
    for (bytes, words) in rows.0.as_flattened_mut().chunks_exact_mut(W::LEN * 4).zip(words) {
        words.to_bytes().store_slice(bytes);
    }
    rows
}

#[inline(always)]
fn unzip<S: Simd, W: Words<S>>([a, b, c, d, e, f, g, h]: [W; 8]) -> [W; 8] {
    [
        a.unzip_low(b),
        c.unzip_low(d),
        e.unzip_low(f),
        g.unzip_low(h),
        a.unzip_high(b),
        c.unzip_high(d),
        e.unzip_high(f),
        g.unzip_high(h),
    ]
}

#[inline(always)]
fn zip<S: Simd, W: Words<S>>([a, b, c, d, e, f, g, h]: [W; 8]) -> [W; 8] {
    [a.zip_low(e), a.zip_high(e), b.zip_low(f), b.zip_high(f), c.zip_low(g), c.zip_high(g), d.zip_low(h), d.zip_high(h)]
}
