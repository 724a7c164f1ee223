//! What keys are used through: the verifier's provider, and the signer.

use std::fmt;
use std::sync::Arc;

use arc_swap::Guard;
use aws_lc_rs::signature::Ed25519KeyPair;
use ron_auth_core::{KeyName, MacKey, MacKeyProvider};

use crate::kms::Kms;
use crate::snapshot::Snapshot;
use crate::{KeyRef, KmsError, VersionState};

/// All MAC keys at one moment. To be taken for one verification, a batch being one; what is kept sees no later keys.
pub struct MacSnapshot(pub(crate) Guard<Arc<Snapshot>>);

impl MacSnapshot {
    /// The keys that verify at a time, in seconds since the Unix epoch: that of the request. What is announced, active
    /// or verify-only does. A name of a retired one is counted ([`Kms::retired_uses`]).
    #[must_use]
    pub fn at(&self, now_unix_s: u64) -> MacKeysAt<'_> {
        MacKeysAt { snapshot: &self.0, now_unix_s }
    }
}

impl fmt::Debug for MacSnapshot {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("MacSnapshot").field("generation", &self.0.generation).finish_non_exhaustive()
    }
}

/// The MAC keys that verify at a time: the verifier's key provider. Look-ups take no lock and allocate nothing.
#[derive(Clone, Copy)]
pub struct MacKeysAt<'s> {
    snapshot: &'s Snapshot,
    now_unix_s: u64,
}

impl MacKeyProvider for MacKeysAt<'_> {
    fn key_for(&self, name: KeyName<'_>) -> Option<MacKey> {
        self.snapshot.mac_key(name, self.now_unix_s)
    }
}

impl fmt::Debug for MacKeysAt<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("MacKeysAt").field("now_unix_s", &self.now_unix_s).finish_non_exhaustive()
    }
}

/// The MAC key to mint a token with, and the key id that goes into the token.
#[derive(Clone, Debug)]
pub struct MintingKey {
    /// The key id.
    pub kid: Arc<str>,
    /// The key.
    pub key: MacKey,
}

/// Signs with whichever version of an Ed25519 key is active.
#[derive(Clone)]
pub struct Signer {
    pub(crate) kms: Kms,
    pub(crate) key: KeyRef,
}

/// A signature, and the key id of the version that made it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Signed {
    /// The key id.
    pub kid: Arc<str>,
    /// The signature, as RFC 8032 has it: pure Ed25519, the same for the same message at all times.
    pub signature: [u8; 64],
}

impl Signer {
    /// Signs a message. Key and key id come from one snapshot, which the public key of that id was in before.
    ///
    /// # Errors
    /// [`KmsError::NothingSigns`], or [`KmsError::Signing`] if AWS-LC fails.
    pub fn sign(&self, message: &[u8]) -> Result<Signed, KmsError> {
        let (kid, pair) = self.kms.signing_pair(&self.key)?;
        let signature = pair.try_sign(message).map_err(|_| KmsError::Signing)?;
        Ok(Signed { kid, signature: signature.as_ref().try_into().map_err(|_| KmsError::Signing)? })
    }

    /// The key id of the version that signs now. For a signature, take the one that comes with it.
    ///
    /// # Errors
    /// [`KmsError::NothingSigns`].
    pub fn current_kid(&self) -> Result<Arc<str>, KmsError> {
        Ok(self.kms.signing_pair(&self.key)?.0)
    }
}

impl fmt::Debug for Signer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Signer").field("key", &self.key).finish_non_exhaustive()
    }
}

/// A key id and the pair that goes with it.
pub(crate) type SigningPair = (Arc<str>, Arc<Ed25519KeyPair>);

/// A public key that verifies.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PublicKey {
    /// Its key id.
    pub kid: Arc<str>,
    /// Number of the version, counted from 1.
    pub version: u32,
    /// Announced, active or verify-only.
    pub state: VersionState,
    /// The 32 bytes of RFC 8032.
    pub bytes: [u8; 32],
}
