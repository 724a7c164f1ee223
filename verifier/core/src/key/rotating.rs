use std::fmt;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use super::ring::Alert;
use super::{KeyName, KeyRing, KeysAt};

/// Keys that can be replaced while verifications run.
///
/// A verification sees one ring from begin to end, and every one that begins after [`publish`](Self::publish) or
/// [`update`](Self::update) has returned sees the new one. Each thread has a [`reader`](Self::reader), which keeps the
/// ring that it saw last: as long as there is no newer one, a call or a batch costs it one atomic load, and no lock.
/// The old ring's keys are wiped when the last reader has moved on, which a reader that is not used does not do.
///
/// ```
/// use ron_auth_core::{KeyName, KeyRing, MacKey, MacKeyProvider, RotatingKeys};
///
/// let (old, new) = (KeyName { tid: "acme", kid: "2025-11" }, KeyName { tid: "acme", kid: "2025-12" });
/// let mut ring = KeyRing::new();
/// ring.insert(old, MacKey::new([7; 32]));
/// let keys = RotatingKeys::with_alert(ring, |name| eprintln!("{} still signs with {}", name.tid, name.kid));
///
/// // On each thread: a reader, and the time of each request.
/// let mut reader = keys.reader();
/// let now_unix_s = 1_764_500_000;
/// assert!(reader.at(now_unix_s).key_for(old).is_some()); // ron_auth::verify_token(.., &reader.at(now_unix_s))
///
/// // Elsewhere, once a month: ten minutes for whoever has not heard of the new key.
/// keys.update(|ring| {
///     ring.prune(now_unix_s);
///     ring.insert(new, MacKey::new([8; 32]));
///     ring.retire(old, now_unix_s + 600);
/// });
/// assert!(reader.at(now_unix_s + 599).key_for(old).is_some());
/// assert!(reader.at(now_unix_s + 600).key_for(old).is_none()); // and the alert is raised
/// assert!(reader.at(now_unix_s + 600).key_for(new).is_some());
/// ```
#[derive(Clone)]
pub struct RotatingKeys {
    shared: Arc<Shared>,
}

struct Shared {
    /// How many rings there were before this one. Changes only together with `ring`, under its lock.
    version: AtomicUsize,
    /// Locked only for as long as it takes to exchange or to count a pointer.
    ring: Mutex<Arc<KeyRing>>,
    /// Held by whoever makes a new ring, so that no change is lost.
    writing: Mutex<()>,
    alert: Option<Box<Alert<'static>>>,
}

impl RotatingKeys {
    /// Begins with this ring.
    #[must_use]
    pub fn new(ring: KeyRing) -> Self {
        Self::from_parts(ring, None)
    }

    /// Begins with this ring. `alert` is called with every name that a token gives and that should be gone: that of a
    /// key whose end has come, or [which was removed and watched](KeyRing::remove_and_watch).
    ///
    /// It is called before the token has been authenticated, since the key for that is gone, and once for each token,
    /// so anybody can have it called: it should count, or log a few. It may run on several threads at once. Where it
    /// panics, the verification does.
    #[must_use]
    pub fn with_alert(ring: KeyRing, alert: impl Fn(KeyName<'_>) + Send + Sync + 'static) -> Self {
        Self::from_parts(ring, Some(Box::new(alert)))
    }

    fn from_parts(ring: KeyRing, alert: Option<Box<Alert<'static>>>) -> Self {
        let (version, ring, writing) = (AtomicUsize::new(0), Mutex::new(Arc::new(ring)), Mutex::new(()));
        Self { shared: Arc::new(Shared { version, ring, writing, alert }) }
    }

    /// Replaces the ring.
    pub fn publish(&self, ring: KeyRing) {
        let _writing = lock(&self.shared.writing);
        self.shared.exchange(ring);
    }

    /// Replaces the ring by a changed copy of it. Changes wait for each other, readers for none of them; `change`
    /// itself must not call this or [`publish`](Self::publish). If it panics, nothing has changed.
    pub fn update<R>(&self, change: impl FnOnce(&mut KeyRing) -> R) -> R {
        let _writing = lock(&self.shared.writing);
        let current = lock(&self.shared.ring).clone();
        let mut ring = KeyRing::clone(&current);
        drop(current);
        let result = change(&mut ring);
        self.shared.exchange(ring);
        result
    }

    /// A reader of the present ring and all later ones: one for each thread that verifies.
    #[must_use]
    pub fn reader(&self) -> KeyReader {
        let (version, ring) = self.shared.current();
        KeyReader { shared: self.shared.clone(), version, ring }
    }
}

impl Shared {
    fn exchange(&self, ring: KeyRing) {
        let new = Arc::new(ring);
        let old = {
            let mut current = lock(&self.ring);
            // Whoever reads the new number finds the new ring, or one later still, behind the lock.
            self.version.fetch_add(1, Ordering::Release);
            std::mem::replace(&mut *current, new)
        };
        // Wiping keys takes a while; nobody waits for it.
        drop(old);
    }

    fn current(&self) -> (usize, Arc<KeyRing>) {
        let ring = lock(&self.ring);
        (self.version.load(Ordering::Relaxed), ring.clone())
    }
}

impl fmt::Debug for RotatingKeys {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RotatingKeys").finish_non_exhaustive()
    }
}

/// One thread's view of [`RotatingKeys`].
#[derive(Clone)]
pub struct KeyReader {
    shared: Arc<Shared>,
    version: usize,
    ring: Arc<KeyRing>,
}

impl KeyReader {
    /// The keys of the newest ring that verify at a time, seconds since the Unix epoch: that of the request. For one
    /// verification, a batch being one; a provider that is kept does not see later rings.
    #[inline]
    pub fn at(&mut self, now_unix_s: u64) -> KeysAt<'_> {
        if self.shared.version.load(Ordering::Acquire) != self.version {
            self.catch_up();
        }
        self.ring.at(now_unix_s).with_alert(self.shared.alert.as_deref())
    }

    #[cold]
    fn catch_up(&mut self) {
        (self.version, self.ring) = self.shared.current();
    }
}

impl fmt::Debug for KeyReader {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("KeyReader").field("version", &self.version).finish_non_exhaustive()
    }
}

/// A panic under a lock leaves nothing half done: see [`RotatingKeys::update`].
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use std::panic::{AssertUnwindSafe, catch_unwind};
    use std::sync::atomic::AtomicBool;

    use super::*;
    use crate::key::{MacKey, MacKeyProvider};

    const NAMES: [KeyName<'_>; 2] = [KeyName { tid: "acme", kid: "a" }, KeyName { tid: "acme", kid: "b" }];

    /// A ring of two keys that belong together.
    fn ring(byte: u8) -> KeyRing {
        let mut ring = KeyRing::new();
        for name in NAMES {
            ring.insert(name, MacKey::new([byte; 32]));
        }
        ring
    }

    fn bytes(keys: &impl MacKeyProvider) -> [Option<u8>; 2] {
        NAMES.map(|name| keys.key_for(name).map(|key| key.as_bytes()[0]))
    }

    #[test]
    fn a_reader_sees_what_was_published_and_takes_no_lock_while_nothing_was() {
        let keys = RotatingKeys::new(ring(1));
        let (mut reader, mut other) = (keys.reader(), keys.clone().reader());
        for byte in 2..10 {
            keys.publish(ring(byte));
            for reader in [&mut reader, &mut other] {
                assert_eq!(bytes(&reader.at(0)), [Some(byte); 2]);
                // A reader that asked for the lock now would wait for ever.
                let _held = (lock(&keys.shared.ring), lock(&keys.shared.writing));
                assert_eq!(bytes(&reader.at(0)), [Some(byte); 2]);
            }
        }
    }

    #[test]
    fn old_rings_are_dropped_when_the_last_reader_has_moved_on() {
        let keys = RotatingKeys::new(ring(1));
        let mut reader = keys.reader();
        let first = Arc::downgrade(&reader.ring);
        keys.publish(ring(2));
        assert!(first.upgrade().is_some());
        reader.at(0);
        assert!(first.upgrade().is_none());
    }

    #[test]
    fn no_change_is_lost_and_a_change_that_panics_is_none() {
        let keys = RotatingKeys::new(KeyRing::new());
        let names: Vec<String> = (0..40).map(|number| number.to_string()).collect();
        std::thread::scope(|scope| {
            for kid in &names {
                let keys = &keys;
                scope.spawn(move || {
                    keys.update(|ring| ring.insert(KeyName { tid: "acme", kid }, MacKey::new([1; 32])));
                });
            }
        });
        let panics = AssertUnwindSafe(|| {
            keys.update(|ring| {
                ring.remove(KeyName { tid: "acme", kid: "7" });
                panic!("halfway");
            });
        });
        assert!(catch_unwind(panics).is_err());
        let mut reader = keys.reader();
        for kid in &names {
            assert!(reader.at(0).key_for(KeyName { tid: "acme", kid }).is_some(), "{kid}");
        }
        assert!(keys.update(|ring| ring.remove(KeyName { tid: "acme", kid: "7" })).is_some());
        assert!(reader.at(0).key_for(KeyName { tid: "acme", kid: "7" }).is_none());
    }

    #[test]
    fn rings_are_whole_and_never_go_back_while_others_publish() {
        let keys = RotatingKeys::new(ring(1));
        let done = AtomicBool::new(false);
        std::thread::scope(|scope| {
            for _ in 0..3 {
                scope.spawn(|| {
                    let mut reader = keys.reader();
                    let mut last = 0;
                    while !done.load(Ordering::Acquire) {
                        let [a, b] = bytes(&reader.at(0));
                        assert!(a == b && a >= Some(last), "{a:?} and {b:?} after {last}");
                        last = a.unwrap_or(0);
                    }
                    assert_eq!(bytes(&reader.at(0)), [Some(250); 2]);
                });
            }
            for byte in 2..=250 {
                keys.publish(ring(byte));
                std::thread::yield_now();
            }
            done.store(true, Ordering::Release);
        });
    }
}
