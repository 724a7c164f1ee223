//! Keys in custody: MAC keys of capability tokens, by tenant and key id, and Ed25519 keys. A library without HTTP.
//!
//! Each key is a line of versions that replace each other. A version is announced, so that all who verify know it;
//! active, the one that signs; verify-only, for a time of grace; then retired. Which of these it is follows from its
//! times and the [`Clock`] that is passed in, in every process alike, and nothing has to be written when a time comes.
//!
//! Secrets are sealed at rest with AES-256-GCM-SIV under a [master key](MasterKeySource), in a file of SQLite or in
//! Postgres. What look-ups read is an unchangeable snapshot in memory, which follows the store: a rotation is seen by
//! all processes within a second, and a store that is away is waited for with the keys that were read last.
//!
//! ```
//! use std::sync::Arc;
//! use ron_auth_core::{KeyName, MacKeyProvider};
//! use ron_kms::{KeyRef, KidScheme, Kms, KmsConfig, MasterKeySource, Rotation, SystemClock};
//!
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! # let folder = tempfile::tempdir()?;
//! # let data = folder.path();
//! # tokio::runtime::Builder::new_current_thread().enable_time().build()?.block_on(async {
//! let master_key = MasterKeySource::FileOrNew(data.join("master.key"));
//! let kms = Kms::open(KmsConfig::sqlite(data.join("keys.db"), master_key), Arc::new(SystemClock)).await?;
//!
//! let tokens = KeyRef::mac("acme", "tokens")?;
//! kms.create_mac(&tokens, &KidScheme::new("tokens-v{N}")?, None).await?;
//! let minting = kms.minting_key(&tokens)?; // the key, and the key id that goes into the token
//! kms.rotate(&tokens, Rotation::default()).await?;
//!
//! // For each verification: ron_auth::verify_token(.., &kms.mac_snapshot().at(now_unix_s))
//! let now_unix_s = 1_764_500_000;
//! let keys = kms.mac_snapshot();
//! assert!(keys.at(now_unix_s).key_for(KeyName { tid: "acme", kid: &minting.kid }).is_some());
//!
//! let passport = KeyRef::ed25519("svc-passport", "default")?;
//! kms.create_ed25519(&passport, &KidScheme::new("ed25519/default/v{N}")?, None).await?;
//! let signed = kms.signer(&passport)?.sign(b"a message")?;
//! assert_eq!(&*signed.kid, "ed25519/default/v1");
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! # })
//! # }
//! ```
//!
//! | module | holds |
//! |---|---|
//! | `key`, `version` | names, key ids, and the states of versions as a function of time |
//! | `master`, `secret`, `seal` | the master key, secrets in memory and at rest |
//! | `store` | rows in SQLite and Postgres; the schema is in `migrations/` |
//! | `mirror`, `snapshot` | rows with their secrets opened, and what look-ups read |
//! | `kms` | opening, following the store, changes |
//! | `use_keys`, `material` | the verifier's key provider, the signer, derived keys |
//! | `attest`, `late`, `status` | what there is, who uses what is retired, what is missing |
//!
//! What it does not do: whoever may write to the store can delete versions or change their times, though neither read a
//! secret nor put one in another's place. And a process that holds keys holds them in its memory.
#![forbid(unsafe_code)]

mod attest;
mod clock;
mod config;
mod error;
mod key;
mod kms;
mod late;
mod master;
mod material;
mod mirror;
mod seal;
mod secret;
mod snapshot;
mod status;
mod store;
mod use_keys;
mod version;

pub use attest::{Attestation, KeyMeta, VersionMeta};
pub use clock::{Clock, SystemClock};
pub use config::{KmsConfig, PostgresConfig, SqliteConfig, StoreConfig};
pub use error::{KmsError, StoreError};
pub use key::{KeyKind, KeyRef, KidScheme, LABEL_SEPARATOR, MAX_LABEL_BYTES, MAX_NAME_BYTES};
pub use kms::{Kms, MAX_VERSIONS, NewVersion};
pub use late::{MAX_REPORTED, RetiredUse, RetiredUses};
pub use master::MasterKeySource;
pub use material::ROOT_CONTEXT;
pub use secret::Secret;
pub use status::{Missing, Status};
pub use use_keys::{MacKeysAt, MacSnapshot, MintingKey, PublicKey, Signed, Signer};
pub use version::{Rotation, VersionState};
