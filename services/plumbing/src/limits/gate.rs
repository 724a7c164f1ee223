//! A number of slots, and no queue before them.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

/// Slots for requests in flight. Who finds none is turned away at once: a queue would only make everybody late.
/// Clones share the slots.
#[derive(Debug, Clone)]
pub struct Gate(Arc<Slots>);

#[derive(Debug)]
struct Slots {
    taken: AtomicUsize,
    most: usize,
    retry_after_ms: u64,
}

/// A slot, until it is dropped.
#[derive(Debug)]
pub struct Permit(Arc<Slots>);

impl Gate {
    /// `most` slots. Who finds none is told to come back in `retry_after_ms`.
    #[must_use]
    pub fn new(most: usize, retry_after_ms: u64) -> Self {
        Self(Arc::new(Slots { taken: AtomicUsize::new(0), most, retry_after_ms }))
    }

    /// A slot, if one is free.
    #[must_use]
    pub fn enter(&self) -> Option<Permit> {
        // Counted first and looked at then: one step where there is room, which is nearly always.
        if self.0.taken.fetch_add(1, Ordering::Relaxed) >= self.0.most {
            self.0.taken.fetch_sub(1, Ordering::Relaxed);
            return None;
        }
        Some(Permit(Arc::clone(&self.0)))
    }

    /// Slots that are taken.
    #[must_use]
    pub fn taken(&self) -> usize {
        self.0.taken.load(Ordering::Relaxed)
    }

    /// When to come back, in milliseconds.
    #[must_use]
    pub fn retry_after_ms(&self) -> u64 {
        self.0.retry_after_ms
    }
}

impl Drop for Permit {
    fn drop(&mut self) {
        self.0.taken.fetch_sub(1, Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn there_are_as_many_slots_as_were_asked_for_and_they_come_back() {
        let gate = Gate::new(2, 1);
        let (one, two) = (gate.enter().unwrap(), gate.enter().unwrap());
        assert!(gate.enter().is_none());
        assert_eq!(gate.taken(), 2);
        drop(one);
        assert!(gate.enter().is_some());
        drop(two);
        assert_eq!(gate.taken(), 0);
    }
}
