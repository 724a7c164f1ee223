//! What is remembered of signatures, for fractions of a second.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use foldhash::fast::RandomState;

use super::{Id, Signature};
use crate::config::Caching;

/// Outcomes of verifications, each with an absolute end. Only whether a signature is good is remembered: the times of
/// the message are judged anew at each use, so that nothing outlives its `exp`.
///
/// There are two generations. When the younger one is full, or as old as anything may become, it becomes the older one,
/// and that is forgotten as a whole. So there are never more than `max_items`, and nothing has to be swept.
pub(super) struct Cache {
    positive: Duration,
    negative: Duration,
    max_items: usize,
    generations: Mutex<Generations>,
}

struct Generations {
    young: HashMap<Id, (Signature, Instant), RandomState>,
    old: HashMap<Id, (Signature, Instant), RandomState>,
    since: Instant,
}

impl Cache {
    pub(super) fn new(settings: &Caching) -> Self {
        let generations = Generations { young: HashMap::default(), old: HashMap::default(), since: Instant::now() };
        Self {
            positive: Duration::from_millis(settings.verify_positive_ttl_ms),
            negative: Duration::from_millis(settings.verify_negative_ttl_ms),
            max_items: settings.max_items,
            generations: Mutex::new(generations),
        }
    }

    /// Whether nothing is ever remembered.
    pub(super) fn is_off(&self) -> bool {
        self.positive.is_zero() && self.negative.is_zero()
    }

    pub(super) fn get(&self, id: &Id) -> Option<Signature> {
        if self.is_off() {
            return None;
        }
        let generations = self.generations.lock().unwrap_or_else(PoisonError::into_inner);
        let (outcome, end) = generations.young.get(id).or_else(|| generations.old.get(id)).copied()?;
        drop(generations);
        (Instant::now() < end).then_some(outcome)
    }

    pub(super) fn put(&self, id: Id, outcome: Signature) {
        let ttl = if outcome == Signature::Good { self.positive } else { self.negative };
        if ttl.is_zero() {
            return;
        }
        let now = Instant::now();
        let mut generations = self.generations.lock().unwrap_or_else(PoisonError::into_inner);
        let is_over = now.duration_since(generations.since) >= self.positive.max(self.negative);
        let forgotten = if is_over || generations.young.len() >= self.max_items / 2 {
            generations.since = now;
            let young = std::mem::take(&mut generations.young);
            Some(std::mem::replace(&mut generations.old, young))
        } else {
            None
        };
        generations.young.insert(id, (outcome, now + ttl));
        // It takes a while to free, in which others need not wait.
        drop(generations);
        drop(forgotten);
    }

    /// How many are remembered, those among them whose end has come.
    pub(super) fn items(&self) -> usize {
        let generations = self.generations.lock().unwrap_or_else(PoisonError::into_inner);
        generations.young.len() + generations.old.len()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn cache(positive_ms: u64, negative_ms: u64) -> Cache {
        let settings = Caching {
            verify_positive_ttl_ms: positive_ms,
            verify_negative_ttl_ms: negative_ms,
            max_items: 8,
            ..Caching::default()
        };
        Cache::new(&settings)
    }

    #[test]
    fn each_outcome_has_its_own_end() {
        let cache = cache(60_000, 20);
        cache.put([1; 32], Signature::Good);
        cache.put([2; 32], Signature::Bad);
        cache.put([3; 32], Signature::UnknownKey);
        assert_eq!(cache.get(&[1; 32]), Some(Signature::Good));
        std::thread::sleep(Duration::from_millis(25));
        assert_eq!([1, 2, 3].map(|id| cache.get(&[id; 32])), [Some(Signature::Good), None, None]);
    }

    #[test]
    fn there_are_never_more_than_there_may_be_and_the_latest_are_among_them() {
        let cache = cache(60_000, 60_000);
        for id in 0..100 {
            cache.put([id; 32], Signature::Good);
            assert!(cache.items() <= 8, "{}", cache.items());
            assert_eq!(cache.get(&[id; 32]), Some(Signature::Good));
        }
    }

    #[test]
    fn without_time_nothing_is_remembered() {
        let off = cache(0, 0);
        off.put([1; 32], Signature::Good);
        assert_eq!((off.get(&[1; 32]), off.items(), off.is_off()), (None, 0, true));
        let good_only = cache(60_000, 0);
        good_only.put([2; 32], Signature::Bad);
        assert_eq!(good_only.items(), 0);
    }
}
