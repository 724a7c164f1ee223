//! Where a process happens to lie in memory, drawn on purpose.
//!
//! The same code runs 1–2 % faster or slower depending on where its stack and heap begin: they decide which data share
//! a cache set. With address randomisation every process draws its own place, and the draw looks like a difference
//! between the sides. So randomisation is switched off where the system allows it, and each block draws one layout for
//! all its probes: within a block nobody is better placed, and over the blocks no place is favoured.

use rand::Rng;
use serde::{Deserialize, Serialize};

/// The environment block lies above the stack, so its size moves the stack. A page and more is enough to try every
/// offset within a cache's sets.
const MOST_ENV_BYTES: usize = 4096;
/// A first allocation that is never freed moves what the heap gives out after it.
const MOST_HEAP_BYTES: usize = 64 * 1024;
/// The finest step that matters: stacks and heap blocks are aligned to it anyway.
const STEP_BYTES: usize = 16;

/// A layout, as drawn for one block.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Layout {
    /// Bytes of padding in the environment: moves the stack.
    pub env_bytes: usize,
    /// Bytes that the probe allocates and leaks before anything else: moves the heap.
    pub heap_bytes: usize,
}

impl Layout {
    /// Draws a layout, uniformly in steps of 16 bytes.
    pub fn draw(rng: &mut impl Rng) -> Self {
        Self {
            env_bytes: rng.random_range(0..MOST_ENV_BYTES / STEP_BYTES) * STEP_BYTES,
            heap_bytes: rng.random_range(0..MOST_HEAP_BYTES / STEP_BYTES) * STEP_BYTES,
        }
    }
}

#[cfg(test)]
mod tests {
    use rand::SeedableRng;
    use rand_chacha::ChaCha8Rng;

    use super::*;

    #[test]
    fn layouts_differ_and_are_the_same_for_the_same_seed() {
        let draws = |seed| {
            let mut rng = ChaCha8Rng::seed_from_u64(seed);
            (0..50).map(|_| Layout::draw(&mut rng)).collect::<Vec<_>>()
        };
        assert_eq!(draws(1), draws(1));
        let mut distinct = draws(1);
        distinct.sort_unstable_by_key(|layout| (layout.env_bytes, layout.heap_bytes));
        distinct.dedup();
        assert!(distinct.len() > 45, "{}", distinct.len());
        assert!(distinct.iter().all(|layout| layout.env_bytes < MOST_ENV_BYTES && layout.heap_bytes < MOST_HEAP_BYTES));
    }
}
