//! Custody of the signing key, and the snapshot that requests are answered from.

mod custody;
mod jwks;
mod open;
mod ring;

pub(crate) use custody::Custody;
pub(crate) use open::Open;
pub(crate) use ring::KeyRing;

use ron_kms::KmsError;

/// Why there are no keys to begin with. One line.
#[derive(Debug, thiserror::Error)]
pub enum KeysError {
    /// The store, or a name in it.
    #[error("keys: {0}")]
    Kms(#[from] KmsError),
    /// A public key of the store is none.
    #[error("keys: the store holds {kid}, which is no Ed25519 public key: restore a backup")]
    PublicKey {
        /// Its key id.
        kid: String,
    },
    /// The folder of the store.
    #[error("keys: cannot make the folder {path}: {error}; make it, or set keys.store elsewhere")]
    Folder {
        /// The folder.
        path: String,
        /// What the system said.
        error: std::io::Error,
    },
}

impl KeysError {
    /// Whether it may pass by waiting.
    fn is_transient(&self) -> bool {
        matches!(self, Self::Kms(error) if error.is_transient())
    }
}
