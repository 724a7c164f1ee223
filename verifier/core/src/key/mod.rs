//! MAC keys and where they come from.

mod ring;
mod rotating;

pub use ring::{KeyRing, KeysAt};
pub use rotating::{KeyReader, RotatingKeys};

use std::fmt;
use std::sync::Arc;

use zeroize::optimization_barrier;

/// A 32-byte BLAKE3 key. Wiped from memory when dropped; `Debug` never shows it, and it can't be compared.
///
/// A move leaves a copy where the key was; `SECURITY.md` says what that comes to.
// Aligned so that an `Option` of it is moved in whole registers: an odd offset costs a stalled load per token.
#[derive(Clone)]
#[repr(align(16))]
pub struct MacKey([u8; 32]);

impl MacKey {
    /// Wraps the 32 bytes of a key, which should come from a random source made for keys: what is weak can't be told.
    ///
    /// Only 32 zeros are known for what they are, a buffer that was never filled: no token verifies with that key
    /// ([`UnknownKid`](crate::AuthError::UnknownKid)), wherever it comes from.
    #[must_use]
    pub const fn new(bytes: [u8; 32]) -> Self {
        Self(bytes)
    }

    /// The key's bytes, for a MAC implementation.
    #[must_use]
    pub const fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }

    /// Whether it is all zero. Takes the same time for all keys.
    #[inline]
    pub(crate) fn is_unset(&self) -> bool {
        self.0.iter().fold(0, |any, byte| any | byte) == 0
    }
}

impl From<[u8; 32]> for MacKey {
    fn from(bytes: [u8; 32]) -> Self {
        Self(bytes)
    }
}

impl Drop for MacKey {
    #[inline]
    fn drop(&mut self) {
        // Two stores that the compiler must keep; `Zeroize` would make 32 of them.
        self.0 = [0; 32];
        optimization_barrier(&self.0);
    }
}

impl fmt::Debug for MacKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("MacKey(redacted)")
    }
}

/// What a key is found by. Both parts have names, so that none is taken for the other.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct KeyName<'a> {
    /// Tenant namespace.
    pub tid: &'a str,
    /// Key id within the namespace.
    pub kid: &'a str,
}

/// Finds the MAC key of a token.
///
/// It is asked at most once per well-formed token, with names that nobody has authenticated yet: an implementation must
/// bound what an unknown name can cost it. For tokens of the same names that follow each other in a batch it may be
/// asked once. `None` makes the token [`UnknownKid`](crate::AuthError::UnknownKid).
///
/// Implemented for a [`KeyRing`], for the keys of a ring at a time ([`KeysAt`]), for a single [`MacKey`] (which then
/// serves every tenant and key id), and for references, boxes and `Arc`s of providers.
pub trait MacKeyProvider {
    /// The key of this name, if there is one.
    fn key_for(&self, name: KeyName<'_>) -> Option<MacKey>;
}

impl MacKeyProvider for MacKey {
    fn key_for(&self, _name: KeyName<'_>) -> Option<MacKey> {
        Some(self.clone())
    }
}

impl<P: MacKeyProvider + ?Sized> MacKeyProvider for &P {
    fn key_for(&self, name: KeyName<'_>) -> Option<MacKey> {
        (**self).key_for(name)
    }
}

impl<P: MacKeyProvider + ?Sized> MacKeyProvider for Box<P> {
    fn key_for(&self, name: KeyName<'_>) -> Option<MacKey> {
        (**self).key_for(name)
    }
}

impl<P: MacKeyProvider + ?Sized> MacKeyProvider for Arc<P> {
    fn key_for(&self, name: KeyName<'_>) -> Option<MacKey> {
        (**self).key_for(name)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn debug_output_never_shows_a_key() {
        assert_eq!(format!("{:?}", MacKey::new([7; 32])), "MacKey(redacted)");
        let mut ring = KeyRing::new();
        ring.insert(KeyName { tid: "acme", kid: "k1" }, MacKey::new([7; 32]));
        let shown =
            [format!("{ring:?}"), format!("{:?}", ring.at(1)), format!("{:?}", RotatingKeys::new(ring).reader())];
        for shown in shown {
            assert!(!shown.contains('7'), "{shown}");
        }
    }

    #[test]
    fn only_a_key_without_a_single_bit_is_unset() {
        assert!(MacKey::new([0; 32]).is_unset());
        for bit in 0..256 {
            let mut bytes = [0; 32];
            bytes[bit / 8] = 1 << (bit % 8);
            assert!(!MacKey::new(bytes).is_unset(), "bit {bit}");
        }
    }
}
