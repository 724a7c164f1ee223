//! The random source of every choice. Its arithmetic is spelled out, so that a corpus does not change with the version
//! of a library.

use std::ops::RangeInclusive;

use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::{RngCore as _, SeedableRng as _};

/// Letters of the request's own texts: consonants that are not hex digits, so that nobody would have written such a
/// text.
pub(super) const OURS: &[u8] = b"ghjklmnp";
/// Letters of other texts, which so are never equal to the request's own.
pub(super) const OTHERS: &[u8] = b"qrstvwxz";

pub(super) struct Draw(ChaCha8Rng);

impl Draw {
    pub(super) fn new(seed: u64) -> Self {
        Self(ChaCha8Rng::seed_from_u64(seed))
    }

    /// Draws a number in `range`, which must not be empty.
    pub(super) fn within(&mut self, range: &RangeInclusive<u64>) -> u64 {
        let count = u128::from(range.end().saturating_sub(*range.start())) + 1;
        let offset = (u128::from(self.0.next_u64()) * count) >> 64;
        range.start().saturating_add(u64::try_from(offset).unwrap_or(0))
    }

    /// Draws a number below `bound`.
    pub(super) fn below(&mut self, bound: usize) -> usize {
        usize::try_from(self.within(&(0..=bound.saturating_sub(1) as u64))).unwrap_or(0)
    }

    /// Draws a text of these letters.
    pub(super) fn text(&mut self, bytes: usize, letters: &[u8]) -> String {
        (0..bytes).map(|_| letters.get(self.below(letters.len())).map_or('_', |letter| char::from(*letter))).collect()
    }

    pub(super) fn shuffle<T>(&mut self, items: &mut [T]) {
        for last in (1..items.len()).rev() {
            items.swap(last, self.below(last + 1));
        }
    }
}

/// The name number `number` of this length. Different numbers have different names, as long as there are enough of that
/// length.
pub(super) fn name(number: usize, bytes: usize, letters: &[u8]) -> String {
    let mut rest = number;
    let mut name: Vec<char> = (0..bytes)
        .map(|_| {
            let letter = letters.get(rest % letters.len()).map_or('_', |letter| char::from(*letter));
            rest /= letters.len();
            letter
        })
        .collect();
    name.reverse();
    name.into_iter().collect()
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    #[test]
    fn numbers_have_different_names_of_the_same_length() {
        let names: HashSet<_> = (0..64).map(|number| name(number, 2, OURS)).collect();
        assert_eq!(names.len(), 64);
        assert!(names.iter().all(|name| name.len() == 2));
        assert_eq!(name(3, 0, OURS), "");
    }

    #[test]
    fn the_ends_of_a_range_are_drawn_and_nothing_beyond() {
        let mut draw = Draw::new(1);
        let drawn: HashSet<_> = (0..200).map(|_| draw.within(&(3..=5))).collect();
        assert_eq!(drawn, HashSet::from([3, 4, 5]));
        assert_eq!(draw.within(&(u64::MAX..=u64::MAX)), u64::MAX);
        draw.within(&(0..=u64::MAX));
    }
}
