use std::path::PathBuf;

use crate::KeyRef;

/// Why keys could not be had or changed. Each text is one line, and none holds a secret.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum KmsError {
    /// A name that cannot be one.
    #[error("{what} {text:?}: {why}")]
    BadName {
        /// Which name.
        what: &'static str,
        /// Its first characters.
        text: String,
        /// What is wrong with it.
        why: &'static str,
    },
    /// A value of the configuration that cannot be.
    #[error("kms configuration: {0}")]
    Config(String),
    /// The master key could not be read, or is none.
    #[error("master key from {place}: {reason}")]
    MasterKey {
        /// The file or the variable of the environment.
        place: String,
        /// What was wrong, and what would be right.
        reason: String,
    },
    /// The store is sealed under a master key that was not given.
    #[error(
        "the store is sealed under master key {sealed_under}, and the one from {place} is {given}: give the right one, \
         or the old one as a previous master key"
    )]
    WrongMasterKey {
        /// Fingerprint of the key that the store is sealed under.
        sealed_under: String,
        /// Fingerprint of the key that was given.
        given: String,
        /// Where that came from.
        place: String,
    },
    /// A row does not open under the right master key: it was changed, or put in the place of another one.
    #[error("version {version} of {key} was changed in the store, or put there from elsewhere: restore a backup")]
    Tampered {
        /// Which key.
        key: KeyRef,
        /// Which version of it.
        version: u32,
    },
    /// There is already a key of this name.
    #[error("there is already the {0}")]
    Exists(KeyRef),
    /// There is no key of this name.
    #[error("there is no {0}")]
    NotFound(KeyRef),
    /// There is no such version of the key.
    #[error("there is no version {version} of the {key}")]
    NoVersion {
        /// Which key.
        key: KeyRef,
        /// Which version was asked for.
        version: u32,
    },
    /// The tenant has another version of this key id.
    #[error("key id {kid:?} is taken by another key of tenant {tenant:?}: choose another scheme of key ids")]
    KidTaken {
        /// Whose key id.
        tenant: String,
        /// Which key id.
        kid: String,
    },
    /// The operation is not made for keys of this kind.
    #[error("the {0} is not of the kind that this needs")]
    WrongKind(KeyRef),
    /// No version of the key signs.
    #[error("no version of the {0} signs: rotate it")]
    NothingSigns(KeyRef),
    /// The version signs, or is going to, and nothing would if it were retired.
    #[error("version {version} of the {key} signs, or is going to: rotate the key first, then retire it")]
    StillSigns {
        /// Which key.
        key: KeyRef,
        /// Which version of it.
        version: u32,
    },
    /// A key has as many versions as it can have.
    #[error("the {0} has as many versions as a key can have: create another one")]
    TooManyVersions(KeyRef),
    /// A secret that was brought along is a buffer of zeros.
    #[error("the secret for the {0} is all zeros: it was never filled")]
    WeakSecret(KeyRef),
    /// Others changed the store each time this tried to.
    #[error("the store was changed by others each time this tried to: try again")]
    Busy,
    /// The random source failed.
    #[error("the random source failed: nothing was changed")]
    Random,
    /// Signing failed inside AWS-LC.
    #[error("signing failed")]
    Signing,
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl KmsError {
    /// Whether it may go well later with nothing changed here: the store is out of reach, busy or full.
    #[must_use]
    pub fn is_transient(&self) -> bool {
        match self {
            Self::Busy => true,
            Self::Store(error) => {
                !matches!(error, StoreError::Corrupt { .. } | StoreError::TooNew { .. } | StoreError::Other { .. })
            }
            _ => false,
        }
    }
}

/// Why the store did not do what it was asked. Nothing is half-written; where it says so, the change may be there
/// whole.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum StoreError {
    /// It cannot be reached, or did not answer in time. A change that was under way may be there, whole.
    #[error("key store {place} cannot be reached: {reason}")]
    Unavailable {
        /// Which store.
        place: String,
        /// What the driver said.
        reason: String,
    },
    /// There is no room for the change.
    #[error("key store {place} is full, and nothing was changed: make room, or raise max_bytes")]
    Full {
        /// Which store.
        place: String,
    },
    /// It may be read and not written.
    #[error("key store {place} is read-only, and nothing was changed: make its file and folder writable")]
    ReadOnly {
        /// Which store.
        place: String,
    },
    /// Somebody else holds it.
    #[error("key store {place} is locked by another process, and nothing was changed: try again")]
    Locked {
        /// Which store.
        place: String,
    },
    /// Its file was deleted or replaced while it was open.
    #[error("the file of key store {} was deleted or replaced while it was open: put it back", .path.display())]
    Replaced {
        /// Which file.
        path: PathBuf,
    },
    /// What it holds is not what was written there.
    #[error("key store {place} is damaged: {reason}: restore a backup")]
    Corrupt {
        /// Which store.
        place: String,
        /// What is wrong with it.
        reason: String,
    },
    /// It was written by a later version of this program.
    #[error("key store {place} has schema {found}, and this program knows those up to {known}: use a newer program")]
    TooNew {
        /// Which store.
        place: String,
        /// Number of its last migration.
        found: i64,
        /// Number of the last one that is known here.
        known: i64,
    },
    /// Anything else that the driver says.
    #[error("key store {place}: {reason}")]
    Other {
        /// Which store.
        place: String,
        /// What the driver said.
        reason: String,
    },
}
