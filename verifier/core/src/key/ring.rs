use std::collections::{BTreeSet, HashMap};
use std::fmt;

use foldhash::fast::RandomState;

use super::{KeyName, MacKey, MacKeyProvider};

/// Keys in memory, by tenant namespace and key id.
///
/// A key verifies until it is removed or [retired](Self::retire). Retired keys may have a time of grace; the ring knows
/// no clock, so to ask for them takes the time: [`at`](Self::at). The ring itself, as a provider, answers for keys that
/// are not retired. To change the keys of a verifier that runs, see [`RotatingKeys`](super::RotatingKeys).
#[derive(Clone, Debug, Default)]
pub struct KeyRing {
    // Two levels, so that a look-up by two borrowed strings allocates nothing. The hasher is a fast one: names to
    // look up come from strangers, but only the operator's own names are ever stored, so nobody can make them collide.
    tenants: HashMap<String, Kids, RandomState>,
    /// Key ids by tenant that should be gone, and have no key any more.
    gone: HashMap<String, BTreeSet<String>, RandomState>,
}

impl KeyRing {
    /// An empty ring: every token is `UnknownKid`.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds a key, or replaces the one of the same name. It is not retired, whatever that name was before.
    pub fn insert(&mut self, name: KeyName<'_>, key: MacKey) {
        self.forget_gone(name);
        self.tenants.entry(name.tid.to_owned()).or_default().insert(name.kid, key);
    }

    /// Takes a key out, so that its tokens become `UnknownKid`, and forgets its name.
    pub fn remove(&mut self, name: KeyName<'_>) -> Option<MacKey> {
        self.forget_gone(name);
        let kids = self.tenants.get_mut(name.tid)?;
        let key = kids.remove(name.kid);
        if kids.0.is_empty() {
            self.tenants.remove(name.tid);
        }
        key
    }

    /// Gives a key an end: it verifies as long as the time [that is asked for](Self::at) is before `until_unix_s`,
    /// seconds since the Unix epoch. Afterwards its tokens are `UnknownKid`, and those who send them are behind:
    /// [`RotatingKeys::with_alert`](super::RotatingKeys::with_alert). Says whether there is such a key.
    pub fn retire(&mut self, name: KeyName<'_>, until_unix_s: u64) -> bool {
        let kid = self.tenants.get_mut(name.tid).and_then(|kids| kids.get_mut(name.kid));
        let Some(kid) = kid else { return false };
        kid.until_unix_s = Some(until_unix_s);
        true
    }

    /// Takes a key out, if there is one, and remembers its name as one that should be gone.
    pub fn remove_and_watch(&mut self, name: KeyName<'_>) -> Option<MacKey> {
        let key = self.remove(name);
        self.gone.entry(name.tid.to_owned()).or_default().insert(name.kid.to_owned());
        key
    }

    /// [Removes and watches](Self::remove_and_watch) every key whose end has come at `now_unix_s`, seconds since the
    /// Unix epoch: it has no use any more, and should not stay in memory. Gives their number.
    pub fn prune(&mut self, now_unix_s: u64) -> usize {
        let ended = |kid: &&Kid| !kid.verifies_at(now_unix_s);
        let ended: Vec<(String, Box<str>)> = self
            .tenants
            .iter()
            .flat_map(|(tid, kids)| kids.0.iter().filter(ended).map(move |kid| (tid.clone(), kid.name.clone())))
            .collect();
        for (tid, kid) in &ended {
            self.remove_and_watch(KeyName { tid, kid });
        }
        ended.len()
    }

    /// The keys that verify at a time, seconds since the Unix epoch: that of the request.
    #[must_use]
    pub const fn at(&self, now_unix_s: u64) -> KeysAt<'_> {
        KeysAt { ring: self, now_unix_s, alert: None }
    }

    #[inline]
    fn get(&self, name: KeyName<'_>) -> Option<&Kid> {
        self.tenants.get(name.tid)?.get(name.kid)
    }

    fn is_gone(&self, name: KeyName<'_>) -> bool {
        self.gone.get(name.tid).is_some_and(|kids| kids.contains(name.kid))
    }

    fn forget_gone(&mut self, name: KeyName<'_>) {
        if let Some(kids) = self.gone.get_mut(name.tid) {
            kids.remove(name.kid);
            if kids.is_empty() {
                self.gone.remove(name.tid);
            }
        }
    }
}

impl MacKeyProvider for KeyRing {
    #[inline]
    fn key_for(&self, name: KeyName<'_>) -> Option<MacKey> {
        self.get(name).filter(|kid| kid.until_unix_s.is_none()).map(|kid| kid.key.clone())
    }
}

/// Told of each name that a token gives and that should be gone.
pub(super) type Alert<'r> = dyn Fn(KeyName<'_>) + Send + Sync + 'r;

/// The keys of a [`KeyRing`] that verify at a time.
#[derive(Clone, Copy)]
pub struct KeysAt<'r> {
    ring: &'r KeyRing,
    now_unix_s: u64,
    alert: Option<&'r Alert<'r>>,
}

impl<'r> KeysAt<'r> {
    pub(super) const fn with_alert(mut self, alert: Option<&'r Alert<'r>>) -> Self {
        self.alert = alert;
        self
    }
}

impl MacKeyProvider for KeysAt<'_> {
    #[inline]
    fn key_for(&self, name: KeyName<'_>) -> Option<MacKey> {
        let kid = self.ring.get(name);
        if let Some(kid) = kid
            && kid.verifies_at(self.now_unix_s)
        {
            return Some(kid.key.clone());
        }
        if let Some(alert) = self.alert
            && (kid.is_some() || self.ring.is_gone(name))
        {
            alert(name);
        }
        None
    }
}

impl fmt::Debug for KeysAt<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("KeysAt").field("now_unix_s", &self.now_unix_s).finish_non_exhaustive()
    }
}

/// The keys of one tenant, sorted by key id: there are few, and to find one among few takes no hash.
///
/// A vector that moves its elements leaves bytes of them in memory that it frees or keeps spare. So keys are moved by
/// making copies, dropped where they lie, which wipes them, or moved among places that stay in use.
#[derive(Clone, Debug, Default)]
struct Kids(Vec<Kid>);

#[derive(Clone, Debug)]
struct Kid {
    name: Box<str>,
    /// Since when it does not verify any more; `None` while it is not retired.
    until_unix_s: Option<u64>,
    key: MacKey,
}

impl Kid {
    #[inline]
    fn verifies_at(&self, now_unix_s: u64) -> bool {
        self.until_unix_s.is_none_or(|until_unix_s| now_unix_s < until_unix_s)
    }
}

impl Kids {
    #[inline]
    fn place(&self, name: &str) -> Result<usize, usize> {
        self.0.binary_search_by(|kid| (*kid.name).cmp(name))
    }

    #[inline]
    fn get(&self, name: &str) -> Option<&Kid> {
        self.0.get(self.place(name).ok()?)
    }

    fn get_mut(&mut self, name: &str) -> Option<&mut Kid> {
        let place = self.place(name).ok()?;
        self.0.get_mut(place)
    }

    fn insert(&mut self, name: &str, key: MacKey) {
        if let Some(kid) = self.get_mut(name) {
            (kid.until_unix_s, kid.key) = (None, key);
            return;
        }
        let place = self.place(name).unwrap_or_else(|place| place);
        if self.0.len() == self.0.capacity() {
            let mut larger = Vec::with_capacity((2 * self.0.len()).max(1));
            larger.extend(self.0.iter().cloned());
            self.0 = larger;
        }
        self.0.push(Kid { name: name.into(), until_unix_s: None, key });
        if let Some(behind) = self.0.get_mut(place..) {
            behind.rotate_right(1);
        }
    }

    fn remove(&mut self, name: &str) -> Option<MacKey> {
        let place = self.place(name).ok()?;
        self.0.get_mut(place..)?.rotate_left(1);
        let key = self.0.last()?.key.clone();
        // Not `pop`, which would leave the key's bytes behind the end.
        self.0.truncate(self.0.len() - 1);
        Some(key)
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};

    use super::*;

    const K1: KeyName<'_> = KeyName { tid: "acme", kid: "k1" };
    const SWAPPED: KeyName<'_> = KeyName { tid: "k1", kid: "acme" };

    fn ring_of(kids: &[&str]) -> KeyRing {
        let mut ring = KeyRing::new();
        for (kid, byte) in kids.iter().zip(1..) {
            ring.insert(KeyName { tid: "acme", kid }, MacKey::new([byte; 32]));
        }
        ring
    }

    fn byte_of(keys: &impl MacKeyProvider, kid: &str) -> Option<u8> {
        keys.key_for(KeyName { tid: "acme", kid }).map(|key| key.as_bytes()[0])
    }

    #[test]
    fn a_ring_tells_tenants_and_key_ids_apart() {
        let ring = ring_of(&["k1"]);
        assert!(ring.key_for(K1).is_some());
        assert!(ring.clone().remove(K1).is_some());
        assert!(ring.clone().remove(SWAPPED).is_none());
        assert!(ring.key_for(SWAPPED).is_none());
        assert!(Arc::new(ring).key_for(KeyName { kid: "k2", ..K1 }).is_none());
    }

    #[test]
    fn keys_are_found_after_any_order_of_insertions_and_removals() {
        let names: Vec<String> = (0..20).map(|number| format!("k{:02}", number * 7 % 20)).collect();
        let kids: Vec<&str> = names.iter().map(String::as_str).collect();
        let mut ring = ring_of(&kids);
        for (gone, kid) in kids.iter().enumerate() {
            for (index, kid) in kids.iter().enumerate() {
                assert_eq!(byte_of(&ring, kid), (index >= gone).then_some(index as u8 + 1), "{kid} after {gone}");
            }
            let key = ring.remove(KeyName { tid: "acme", kid });
            assert_eq!(key.map(|key| key.as_bytes()[0]), Some(gone as u8 + 1));
        }
        assert!(ring.tenants.is_empty(), "a tenant without keys takes no memory");
    }

    #[test]
    fn a_retired_key_verifies_until_its_end_and_only_where_the_time_is_told() {
        let mut ring = ring_of(&["old", "new"]);
        assert!(ring.retire(KeyName { tid: "acme", kid: "old" }, 1000));
        assert!(!ring.retire(KeyName { tid: "acme", kid: "other" }, 1000));
        for (now_unix_s, verifies) in [(0, true), (999, true), (1000, false), (1001, false), (u64::MAX, false)] {
            assert_eq!(byte_of(&ring.at(now_unix_s), "old"), verifies.then_some(1), "at {now_unix_s}");
            assert_eq!(byte_of(&ring.at(now_unix_s), "new"), Some(2), "at {now_unix_s}");
        }
        assert_eq!((byte_of(&ring, "old"), byte_of(&ring, "new")), (None, Some(2)));
        ring.insert(KeyName { tid: "acme", kid: "old" }, MacKey::new([3; 32]));
        assert_eq!((byte_of(&ring, "old"), byte_of(&ring.at(u64::MAX), "old")), (Some(3), Some(3)));
    }

    #[test]
    fn pruning_takes_out_what_has_ended_and_nothing_else() {
        let mut ring = ring_of(&["ended", "in grace", "active"]);
        ring.retire(KeyName { tid: "acme", kid: "ended" }, 1000);
        ring.retire(KeyName { tid: "acme", kid: "in grace" }, 1001);
        assert_eq!((ring.prune(999), ring.prune(1000), ring.prune(1000)), (0, 1, 0));
        // As if time went back: the key is gone, not only ended.
        let found = ["ended", "in grace", "active"].map(|kid| byte_of(&ring.at(0), kid));
        assert_eq!(found, [None, Some(2), Some(3)]);
    }

    #[test]
    fn names_that_should_be_gone_are_reported_and_unknown_ones_are_not() {
        let mut ring = ring_of(&["ended", "in grace", "watched", "removed", "active", "back"]);
        ring.retire(KeyName { tid: "acme", kid: "ended" }, 1000);
        ring.retire(KeyName { tid: "acme", kid: "in grace" }, 2000);
        for kid in ["watched", "back"] {
            ring.remove_and_watch(KeyName { tid: "acme", kid });
        }
        ring.insert(KeyName { tid: "acme", kid: "back" }, MacKey::new([9; 32]));
        ring.remove(KeyName { tid: "acme", kid: "removed" });
        for pruned in [false, true] {
            if pruned {
                ring.prune(1000);
            }
            for (tid, kid, known, reported) in [
                ("acme", "ended", false, true),
                ("acme", "in grace", true, false),
                ("acme", "watched", false, true),
                ("acme", "removed", false, false),
                ("acme", "active", true, false),
                ("acme", "back", true, false),
                ("acme", "stranger", false, false),
                ("other", "ended", false, false),
                ("ended", "acme", false, false),
            ] {
                let reports = AtomicUsize::new(0);
                let alert = |name: KeyName<'_>| {
                    assert_eq!(name, KeyName { tid, kid });
                    reports.fetch_add(1, Relaxed);
                };
                let keys = ring.at(1000).with_alert(Some(&alert));
                assert_eq!(keys.key_for(KeyName { tid, kid }).is_some(), known, "{tid}/{kid}");
                assert_eq!(reports.into_inner(), usize::from(reported), "{tid}/{kid}, pruned: {pruned}");
            }
        }
    }
}
