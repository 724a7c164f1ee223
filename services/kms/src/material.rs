//! Secrets that are ready for use.

use std::sync::Arc;

use aws_lc_rs::signature::{Ed25519KeyPair, KeyPair};
use ron_auth_core::MacKey;
use zeroize::{Zeroize, Zeroizing};

use crate::key::KeyKind;
use crate::{KmsError, Secret};

/// What roots are derived with: BLAKE3's `derive_key` of this context and the root's secret gives the key that MAC keys
/// are made with. Part of the format: another context makes other keys.
pub const ROOT_CONTEXT: &str = "ron-kms 2026-11-28 tenant root to MAC keys";

/// A secret in the form that its use wants. Shared, so that its bytes lie in one place.
#[derive(Clone)]
pub(crate) enum Material {
    Mac(Arc<MacKey>),
    Root(Arc<Root>),
    Ed25519(Arc<Ed25519KeyPair>),
}

impl Material {
    pub(crate) fn new(kind: KeyKind, secret: &Secret) -> Result<Self, KmsError> {
        Ok(match kind {
            KeyKind::Mac => Self::Mac(Arc::new(MacKey::new(*secret.as_bytes()))),
            KeyKind::MacRoot => Self::Root(Arc::new(Root::new(secret))),
            KeyKind::Ed25519 => {
                let pair = Ed25519KeyPair::from_seed_unchecked(secret.as_bytes());
                Self::Ed25519(Arc::new(pair.map_err(|_| KmsError::Signing)?))
            }
        })
    }

    /// The public key, where there is one.
    pub(crate) fn public_key(&self) -> Option<[u8; 32]> {
        match self {
            Self::Ed25519(pair) => pair.public_key().as_ref().try_into().ok(),
            Self::Mac(_) | Self::Root(_) => None,
        }
    }
}

/// A tenant's root, ready to derive.
pub(crate) struct Root(Zeroizing<[u8; 32]>);

impl Root {
    fn new(secret: &Secret) -> Self {
        Self(Zeroizing::new(blake3::derive_key(ROOT_CONTEXT, secret.as_bytes())))
    }

    /// The MAC key of a key id: BLAKE3, keyed, of the tenant id with its length (8 bytes, little endian) before it,
    /// then the key id. Costs one compression for short names.
    pub(crate) fn derive(&self, tenant: &str, kid: &str) -> MacKey {
        let mut hasher = blake3::Hasher::new_keyed(&self.0);
        hasher.update(&(tenant.len() as u64).to_le_bytes()).update(tenant.as_bytes()).update(kid.as_bytes());
        let mut hash = hasher.finalize();
        hasher.zeroize();
        let key = MacKey::new(*hash.as_bytes());
        hash.zeroize();
        key
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_derived_key_is_what_the_documentation_says() {
        let root = Root::new(&Secret::new([7; 32]));
        let key = blake3::derive_key("ron-kms 2026-11-28 tenant root to MAC keys", &[7; 32]);
        let expected = blake3::keyed_hash(&key, b"\x04\0\0\0\0\0\0\0acmeroot-v1:device-42");
        assert_eq!(root.derive("acme", "root-v1:device-42").as_bytes(), expected.as_bytes());
        // Fixed for good: tokens are out there.
        let hex = hex::encode(root.derive("acme", "root-v1:device-42").as_bytes());
        assert_eq!(hex, "a9353d8abae1e8044c6c8878bbe7d95169b0f223fc29b485d378c9b421279467");
        assert_ne!(root.derive("acmer", "oot-v1:device-42").as_bytes(), expected.as_bytes());
    }
}
