//! MAC keys and where they come from.

use std::collections::HashMap;
use std::fmt;
use std::sync::Arc;

use foldhash::fast::RandomState;
use zeroize::Zeroize;

/// A 32-byte BLAKE3 key. Wiped from memory when dropped; `Debug` never shows it.
// Aligned so that an `Option` of it is moved in whole registers: an odd offset costs a stalled load per token.
#[derive(Clone)]
#[repr(align(16))]
pub struct MacKey([u8; 32]);

impl MacKey {
    /// Wraps the 32 bytes of a key.
    #[must_use]
    pub const fn new(bytes: [u8; 32]) -> Self {
        Self(bytes)
    }

    /// The key's bytes, for a MAC implementation.
    #[must_use]
    pub const fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }
}

impl From<[u8; 32]> for MacKey {
    fn from(bytes: [u8; 32]) -> Self {
        Self(bytes)
    }
}

impl Drop for MacKey {
    fn drop(&mut self) {
        self.0.zeroize();
    }
}

impl fmt::Debug for MacKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("MacKey(redacted)")
    }
}

/// Finds the MAC key of a token.
///
/// It is asked at most once per well-formed token, with names that nobody has authenticated yet: an implementation must
/// bound what an unknown name can cost it. For tokens of the same names that follow each other in a batch it may be asked
/// once. `None` makes the token [`UnknownKid`](crate::AuthError::UnknownKid).
///
/// Implemented for a [`KeyRing`], for a single [`MacKey`] (which then serves every tenant and key id), and for
/// references, boxes and `Arc`s of providers.
pub trait MacKeyProvider {
    /// The key of key id `kid` in tenant namespace `tid`, if there is one.
    fn key_for(&self, kid: &str, tid: &str) -> Option<MacKey>;
}

impl MacKeyProvider for MacKey {
    fn key_for(&self, _kid: &str, _tid: &str) -> Option<MacKey> {
        Some(self.clone())
    }
}

impl<P: MacKeyProvider + ?Sized> MacKeyProvider for &P {
    fn key_for(&self, kid: &str, tid: &str) -> Option<MacKey> {
        (**self).key_for(kid, tid)
    }
}

impl<P: MacKeyProvider + ?Sized> MacKeyProvider for Box<P> {
    fn key_for(&self, kid: &str, tid: &str) -> Option<MacKey> {
        (**self).key_for(kid, tid)
    }
}

impl<P: MacKeyProvider + ?Sized> MacKeyProvider for Arc<P> {
    fn key_for(&self, kid: &str, tid: &str) -> Option<MacKey> {
        (**self).key_for(kid, tid)
    }
}

/// The keys of one tenant, sorted by key id: there are few, and to find one among few takes no hash.
#[derive(Clone, Debug, Default)]
struct Kids(Vec<(String, MacKey)>);

impl Kids {
    #[inline]
    fn place(&self, kid: &str) -> Result<usize, usize> {
        self.0.binary_search_by(|(other, _)| other.as_str().cmp(kid))
    }

    #[inline]
    fn get(&self, kid: &str) -> Option<&MacKey> {
        self.0.get(self.place(kid).ok()?).map(|(_, key)| key)
    }

    fn insert(&mut self, kid: String, key: MacKey) {
        match self.place(&kid) {
            Ok(place) => {
                if let Some(slot) = self.0.get_mut(place) {
                    *slot = (kid, key);
                }
            }
            Err(place) => self.0.insert(place, (kid, key)),
        }
    }

    fn remove(&mut self, kid: &str) -> Option<MacKey> {
        let place = self.place(kid).ok()?;
        Some(self.0.remove(place).1)
    }
}

/// Keys in memory, by tenant namespace and key id.
#[derive(Clone, Debug, Default)]
pub struct KeyRing {
    // Two levels, so that a look-up by two borrowed strings allocates nothing. The hasher is a fast one: names to
    // look up come from strangers, but only the operator's own names are ever stored, so nobody can make them collide.
    tenants: HashMap<String, Kids, RandomState>,
}

impl KeyRing {
    /// An empty ring: every token is `UnknownKid`.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Takes a key out, so that its tokens become `UnknownKid`.
    pub fn remove(&mut self, tid: &str, kid: &str) -> Option<MacKey> {
        self.tenants.get_mut(tid)?.remove(kid)
    }

    /// Adds a key, or replaces the one of the same names.
    pub fn insert(&mut self, tid: impl Into<String>, kid: impl Into<String>, key: MacKey) {
        self.tenants.entry(tid.into()).or_default().insert(kid.into(), key);
    }
}

impl MacKeyProvider for KeyRing {
    fn key_for(&self, kid: &str, tid: &str) -> Option<MacKey> {
        self.tenants.get(tid)?.get(kid).cloned()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn debug_output_never_shows_a_key() {
        assert_eq!(format!("{:?}", MacKey::new([7; 32])), "MacKey(redacted)");
        let mut ring = KeyRing::new();
        ring.insert("acme", "k1", MacKey::new([7; 32]));
        assert!(!format!("{ring:?}").contains('7'));
    }

    #[test]
    fn a_ring_tells_tenants_and_key_ids_apart() {
        let mut ring = KeyRing::new();
        ring.insert("acme", "k1", MacKey::new([1; 32]));
        assert!(ring.key_for("k1", "acme").is_some());
        assert!(ring.clone().remove("acme", "k1").is_some());
        assert!(ring.clone().remove("k1", "acme").is_none());
        assert!(ring.key_for("acme", "k1").is_none());
        assert!(Arc::new(ring).key_for("k2", "acme").is_none());
    }
}
