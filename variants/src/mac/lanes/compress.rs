//! BLAKE3's compression of one block per lane.

use std::hint::black_box;

use fearless_simd::prelude::*;

use super::level::{SimdLevel, name_of};

/// One 32-bit word of every lane.
pub(super) trait Words<S: Simd>: SimdInt<S, Element = u32> {}
impl<S: Simd, W: SimdInt<S, Element = u32>> Words<S> for W {}

/// The first four words of BLAKE3's initialisation vector.
pub(super) const IV: [u32; 4] = [0x6A09_E667, 0xBB67_AE85, 0x3C6E_F372, 0xA54F_F53A];

pub(super) const CHUNK_START: u32 = 1 << 0;
pub(super) const CHUNK_END: u32 = 1 << 1;
pub(super) const ROOT: u32 = 1 << 3;
pub(super) const KEYED_HASH: u32 = 1 << 4;

/// What each lane compresses.
pub(super) struct Block<W> {
    /// The chaining value: the key at a message's first block, else what the block before gave.
    pub(super) chaining: [W; 8],
    /// The block's words.
    pub(super) message: [W; 16],
    /// How many bytes of the block belong to the message.
    pub(super) len: W,
    /// BLAKE3's domain flags.
    pub(super) flags: W,
}

/// Compresses one block per lane and gives the first eight words of each output.
#[inline(always)]
pub(super) fn compress<S: Simd, W: Words<S>>(simd: S, rot: &Rotations<W::ByteVector>, block: Block<W>) -> [W; 8] {
    let Block { chaining: [c0, c1, c2, c3, c4, c5, c6, c7], message: m, len, flags } = block;
    let [iv0, iv1, iv2, iv3] = IV.map(|word| W::splat(simd, word));
    // The counter is 0: a message of one chunk has no other.
    let counter = W::splat(simd, 0);
    let v = [c0, c1, c2, c3, c4, c5, c6, c7, iv0, iv1, iv2, iv3, counter, counter, len, flags];

    let v = round(rot, v, &m);
    let m = permute(m);
    let v = round(rot, v, &m);
    let m = permute(m);
    let v = round(rot, v, &m);
    let m = permute(m);
    let v = round(rot, v, &m);
    let m = permute(m);
    let v = round(rot, v, &m);
    let m = permute(m);
    let v = round(rot, v, &m);
    let m = permute(m);
    let v = round(rot, v, &m);

    let [v0, v1, v2, v3, v4, v5, v6, v7, v8, v9, v10, v11, v12, v13, v14, v15] = v;
    [v0 ^ v8, v1 ^ v9, v2 ^ v10, v3 ^ v11, v4 ^ v12, v5 ^ v13, v6 ^ v14, v7 ^ v15]
}

/// Byte places that rotate each word right by 16 and by 8 bits, for levels whose rotation is a shuffle of bytes.
///
/// They are hidden from the compiler. Knowing them, it turns `shuffle(a ^ b)` into `shuffle(a) ^ shuffle(b)` to merge
/// two shuffles in a row, but needs the first one's result as well, and so has half as many shuffles again: 5 % of
/// the time of all AVX2 lanes.
pub(super) struct Rotations<B> {
    by_16: B,
    by_8: B,
}

impl<B> Rotations<B> {
    #[inline(always)]
    pub(super) fn new<S: Simd>(simd: S) -> Self
    where
        B: SimdBase<S, Element = u8>,
    {
        let places = |bytes| black_box(B::from_fn(simd, |at| ((at & 12) | ((at + bytes) & 3)) as u8));
        Self { by_16: places(2), by_8: places(1) }
    }
}

/// One round: the columns, then the diagonals.
#[inline(always)]
fn round<S: Simd, W: Words<S>>(rot: &Rotations<W::ByteVector>, v: [W; 16], m: &[W; 16]) -> [W; 16] {
    let [v0, v1, v2, v3, v4, v5, v6, v7, v8, v9, v10, v11, v12, v13, v14, v15] = v;
    let [v0, v4, v8, v12] = mix(rot, [v0, v4, v8, v12], m[0], m[1]);
    let [v1, v5, v9, v13] = mix(rot, [v1, v5, v9, v13], m[2], m[3]);
    let [v2, v6, v10, v14] = mix(rot, [v2, v6, v10, v14], m[4], m[5]);
    let [v3, v7, v11, v15] = mix(rot, [v3, v7, v11, v15], m[6], m[7]);
    let [v0, v5, v10, v15] = mix(rot, [v0, v5, v10, v15], m[8], m[9]);
    let [v1, v6, v11, v12] = mix(rot, [v1, v6, v11, v12], m[10], m[11]);
    let [v2, v7, v8, v13] = mix(rot, [v2, v7, v8, v13], m[12], m[13]);
    let [v3, v4, v9, v14] = mix(rot, [v3, v4, v9, v14], m[14], m[15]);
    [v0, v1, v2, v3, v4, v5, v6, v7, v8, v9, v10, v11, v12, v13, v14, v15]
}

/// BLAKE3's `G`.
#[inline(always)]
fn mix<S: Simd, W: Words<S>>(rot: &Rotations<W::ByteVector>, [a, b, c, d]: [W; 4], x: W, y: W) -> [W; 4] {
    let a = a + b + x;
    let d = rotate_bytes::<S, W, 16>(d ^ a, &rot.by_16);
    let c = c + d;
    let b = rotate_right::<S, W, 12>(b ^ c);
    let a = a + b + y;
    let d = rotate_bytes::<S, W, 8>(d ^ a, &rot.by_8);
    let c = c + d;
    let b = rotate_right::<S, W, 7>(b ^ c);
    [a, b, c, d]
}

#[inline(always)]
fn rotate_bytes<S: Simd, W: Words<S>, const BITS: u32>(word: W, places: &W::ByteVector) -> W {
    match name_of(Some(word.token().level())) {
        SimdLevel::Avx2 | SimdLevel::Sse42 => W::from_bytes(word.to_bytes().swizzle_dyn_within_blocks(*places)),
        _ => rotate_right::<S, W, BITS>(word),
    }
}

#[inline(always)]
fn rotate_right<S: Simd, W: Words<S>, const BITS: u32>(word: W) -> W {
    (word >> BITS) | (word << (32 - BITS))
}

/// The order of the message's words in the next round.
#[inline(always)]
fn permute<W: Copy>(m: [W; 16]) -> [W; 16] {
    [m[2], m[6], m[3], m[10], m[7], m[0], m[4], m[13], m[1], m[11], m[12], m[5], m[9], m[14], m[15], m[8]]
}
