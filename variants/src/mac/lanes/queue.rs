//! The order in which chains get a lane.

use super::MAX_RUN;
use super::chains::Chain;

/// Chains with more links are not told apart.
const MOST_LINKS: usize = 62;

/// The chains of a run that wait for a lane, by index.
pub(super) struct Queue {
    indices: [u8; MAX_RUN],
    len: usize,
    next: usize,
}

impl Queue {
    /// Queues every chain that there is, those with the most links first: the last to get a lane are short, so that
    /// all lanes end at about the same time. Links are counted and not blocks, because that takes no look at each.
    #[inline(always)]
    pub(super) fn new<'a, C: Chain<'a>>(count: usize, job: impl Fn(usize) -> Option<C>) -> Self {
        let mut queue = Self { indices: [0; MAX_RUN], len: 0, next: 0 };
        // One more than the links; 0 where there is no chain.
        let mut ranks = [0_u8; MAX_RUN];
        let (mut lowest, mut highest) = (u8::MAX, 0);
        for (index, rank) in ranks.iter_mut().enumerate().take(count) {
            if let Some(chain) = job(index)
                && let Some(place) = queue.indices.get_mut(queue.len)
            {
                *rank = 1 + narrow(chain.links().min(MOST_LINKS));
                *place = narrow(index);
                queue.len += 1;
                lowest = lowest.min(*rank);
                highest = highest.max(*rank);
            }
        }
        if lowest < highest {
            queue.sort(ranks.get(..count).unwrap_or(&ranks));
        }
        queue
    }

    /// How many chains were queued.
    #[inline(always)]
    pub(super) const fn len(&self) -> usize {
        self.len
    }

    #[inline(always)]
    pub(super) fn pop(&mut self) -> Option<u8> {
        let index = self.indices.get(..self.len)?.get(self.next)?;
        self.next += 1;
        Some(*index)
    }

    /// Sorts by counting.
    fn sort(&mut self, ranks: &[u8]) {
        // Fewer than 256 of each, since not all are of one rank.
        let mut starts = [0_u8; MOST_LINKS + 2];
        for rank in ranks {
            if let Some(count) = starts.get_mut(usize::from(*rank)) {
                *count = count.wrapping_add(1);
            }
        }
        let mut start = 0_u8;
        for count in starts.iter_mut().skip(1).rev() {
            (*count, start) = (start, start.wrapping_add(*count));
        }
        for (index, rank) in ranks.iter().enumerate().filter(|(_, rank)| **rank > 0) {
            if let Some(start) = starts.get_mut(usize::from(*rank))
                && let Some(place) = self.indices.get_mut(usize::from(*start))
            {
                *place = narrow(index);
                *start = start.wrapping_add(1);
            }
        }
    }
}

/// An index or a count that is known to be below 256.
#[inline(always)]
#[allow(clippy::cast_possible_truncation, reason = "a run has no more than 256 chains")]
const fn narrow(number: usize) -> u8 {
    number as u8
}
