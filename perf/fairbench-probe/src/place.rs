//! Where the process lies in memory.

use std::hint::black_box;

use crate::protocol::HEAP_OFFSET_ENV;

/// Sizes of small objects, one for each of an allocator's classes that small work comes from.
const SMALL_SIZES_BYTES: [usize; 20] =
    [8, 16, 32, 48, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320, 384, 448, 512, 640, 768, 1024];
/// Fewer objects than this of any one size are leaked.
const MOST_OF_A_SIZE: usize = 8;

/// Allocates this many bytes and never frees them, so that everything allocated after them lies elsewhere. An allocator
/// keeps small objects apart by size, so a few of each size are leaked as well; their numbers follow from `bytes`.
pub fn displace_heap(bytes: usize) {
    if bytes == 0 {
        return;
    }
    leak(bytes);
    // Neighbouring numbers differ in their low bits; the multiplication spreads them (Knuth's multiplicative hash).
    let mut bits = (bytes as u64).wrapping_mul(0x9E37_79B9_7F4A_7C15);
    for size_bytes in SMALL_SIZES_BYTES {
        bits = bits.rotate_left(11);
        for _ in 0..bits as usize % MOST_OF_A_SIZE {
            leak(size_bytes);
        }
    }
}

/// Displaces the heap by the bytes that the environment asks for; without a number there, nothing is displaced.
pub fn displace_heap_as_told() {
    let bytes = std::env::var(HEAP_OFFSET_ENV).ok().and_then(|value| value.parse().ok());
    displace_heap(bytes.unwrap_or(0));
}

fn leak(bytes: usize) {
    black_box(Vec::leak(Vec::<u8>::with_capacity(bytes)));
}
