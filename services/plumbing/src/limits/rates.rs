//! Rates per client, in bounded memory.

use std::hash::{BuildHasher, Hash, RandomState};
use std::num::NonZeroU32;
use std::sync::Arc;

use governor::clock::{Clock, MonotonicClock};
use governor::middleware::NoOpMiddleware;
use governor::state::keyed::DashMapStateStore;
use governor::state::{InMemoryState, NotKeyed};
use governor::{NotUntil, Quota, RateLimiter};

type Instant = <MonotonicClock as Clock>::Instant;
type Each<K> = RateLimiter<K, DashMapStateStore<K>, MonotonicClock, NoOpMiddleware<Instant>>;
type All = RateLimiter<NotKeyed, InMemoryState, MonotonicClock, NoOpMiddleware<Instant>>;

/// Rates that clients share while there are too many of them.
const SHARED: usize = 1_024;

/// How often each client may come. Clones share what they know.
///
/// A client that has not come for long enough that its whole burst is free again is forgotten by [`Rates::tidy`].
/// While `max_clients` are known, all clients share 1,024 rates among them: memory is bounded, and who makes up clients
/// without end neither has a rate for each of them nor takes everybody's.
#[derive(Debug)]
pub struct Rates<K: Hash + Eq + Clone>(Arc<Inner<K>>);

#[derive(Debug)]
struct Inner<K: Hash + Eq + Clone> {
    clients: Each<K>,
    /// Drawn by a hash that nobody can foresee.
    shared: Box<[All]>,
    hasher: RandomState,
    max_clients: usize,
}

impl<K: Hash + Eq + Clone> Clone for Rates<K> {
    fn clone(&self) -> Self {
        Self(Arc::clone(&self.0))
    }
}

impl<K: Hash + Eq + Clone> Rates<K> {
    /// `per_second` requests in the long run and `burst` at once (0: one second's) of up to `max_clients` clients.
    /// There are no rates at all if `per_second` is 0.
    #[must_use]
    pub fn new(per_second: u32, burst: u32, max_clients: usize) -> Option<Self> {
        let per_second = NonZeroU32::new(per_second)?;
        let quota = Quota::per_second(per_second).allow_burst(NonZeroU32::new(burst).unwrap_or(per_second));
        Some(Self(Arc::new(Inner {
            clients: RateLimiter::dashmap_with_clock(quota, MonotonicClock),
            shared: (0..SHARED).map(|_| RateLimiter::direct_with_clock(quota, MonotonicClock)).collect(),
            hasher: RandomState::new(),
            max_clients,
        })))
    }

    /// Counts a request of `client`.
    ///
    /// # Errors
    /// The milliseconds after which it may come again, where it came too often.
    pub fn check(&self, client: &K) -> Result<(), u64> {
        let Inner { clients, shared, hasher, max_clients } = &*self.0;
        let wait_ms = |until: NotUntil<Instant>| {
            u64::try_from(until.wait_time_from(MonotonicClock.now()).as_millis()).unwrap_or(u64::MAX).max(1)
        };
        // The store can't tell whether it knows a client without taking it in.
        if clients.len() < *max_clients {
            return clients.check_key(client).map_err(wait_ms);
        }
        let drawn = hasher.hash_one(client) as usize % SHARED;
        shared.get(drawn).map_or(Ok(()), |rate| rate.check().map_err(wait_ms))
    }

    /// Forgets clients that have their whole burst again. To be called every now and then, off the hot path.
    pub fn tidy(&self) {
        if !self.0.clients.is_empty() {
            self.0.clients.retain_recent();
            self.0.clients.shrink_to_fit();
        }
    }

    /// Clients that are known.
    #[must_use]
    pub fn clients(&self) -> usize {
        self.0.clients.len()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_client_that_comes_too_often_is_told_when_to_come_again_and_others_are_not_touched() {
        let rates = Rates::new(2, 3, 10).unwrap();
        assert!((0..3).all(|_| rates.check(&"a").is_ok()));
        let wait_ms = rates.check(&"a").unwrap_err();
        assert!((1..=500).contains(&wait_ms), "{wait_ms}");
        assert!(rates.check(&"b").is_ok());
    }

    #[test]
    fn memory_is_bounded_and_clients_that_are_quiet_are_forgotten() {
        let rates = Rates::new(20, 1, 100).unwrap();
        let let_in = (0..10_000).filter(|client| rates.check(client).is_ok()).count();
        assert_eq!(rates.clients(), 100);
        assert!((500..5_000).contains(&let_in), "{let_in} of 100 that are known and of 1,024 shared rates");
        std::thread::sleep(std::time::Duration::from_millis(250));
        rates.tidy();
        assert_eq!(rates.clients(), 0);
    }

    #[test]
    fn no_rate_is_no_limit() {
        assert!(Rates::<u8>::new(0, 5, 10).is_none());
    }
}
