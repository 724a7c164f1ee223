mod change;
mod follow;

pub use change::{MAX_VERSIONS, NewVersion};

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use arc_swap::{ArcSwap, Guard};
use tokio::sync::Mutex;
use tokio::task::AbortHandle;

use crate::attest::{Attestation, unsigned};
use crate::clock::Clock;
use crate::key::{KeyKind, LABEL_SEPARATOR, MAX_LABEL_BYTES};
use crate::material::Material;
use crate::mirror::Mirror;
use crate::seal::Sealer;
use crate::snapshot::{Snapshot, Version};
use crate::status::{Health, Missing, Status};
use crate::store::{self, Meta, Store};
use crate::use_keys::{MacSnapshot, MintingKey, PublicKey, Signer, SigningPair};
use crate::{KeyRef, KmsConfig, KmsError, RetiredUses, Secret};

/// Keys in custody. A clone is the same one; when the last is dropped it stops following the store.
///
/// What looks keys up takes no lock and waits for nothing; what changes keys is `async`, and has happened, on disk,
/// when it returns. If it is dropped before, or fails with [`StoreError::Unavailable`](crate::StoreError::Unavailable),
/// the change is either there whole or not at all.
#[derive(Clone)]
pub struct Kms {
    inner: Arc<Inner>,
}

struct Inner {
    shared: Arc<Shared>,
    follower: AbortHandle,
}

impl Drop for Inner {
    fn drop(&mut self) {
        self.follower.abort();
    }
}

struct Shared {
    store: Box<dyn Store>,
    sealer: Sealer,
    clock: Arc<dyn Clock>,
    /// Held by whoever changes keys or reads the store, so that snapshots follow each other as changes do.
    mirror: Mutex<Mirror>,
    snapshot: ArcSwap<Snapshot>,
    reading: Health,
    writing: Health,
}

impl Kms {
    /// Opens the store, makes it if there is none, and reads all keys. To be called in a runtime of Tokio with time,
    /// and I/O for Postgres, in which it follows the store from then on.
    ///
    /// # Errors
    /// [`KmsError`], of which [`is_transient`](KmsError::is_transient) tells whether to try again.
    pub async fn open(config: KmsConfig, clock: Arc<dyn Clock>) -> Result<Self, KmsError> {
        let poll = config.poll()?;
        let master = config.master_key.read()?;
        let previous = config.previous_master_keys.iter().map(|it| it.read()).collect::<Result<Vec<_>, _>>()?;
        let sealer = Sealer::new(&master, config.master_key.place(), &previous)?;
        let store = store::open(&config.store, poll)?;
        let store_id = Secret::random()?.as_bytes().first_chunk::<16>().map_or_else(Vec::new, |id| id.to_vec());
        let canary = sealer.seal_canary(&store_id)?;
        let meta = store.prepare(&Meta { store_id, canary, change: 1 }).await?;
        let mirror = Mirror::new(store.place(), &meta, &sealer)?;
        let (mirror, snapshot) = (Mutex::new(mirror), ArcSwap::default());
        let (reading, writing) = (Health::default(), Health::default());
        let shared = Arc::new(Shared { store, sealer, clock, mirror, snapshot, reading, writing });
        shared.refresh(&mut *shared.mirror.lock().await).await?;
        let follower = tokio::spawn(follow::follow(shared.clone())).abort_handle();
        Ok(Self { inner: Arc::new(Inner { shared, follower }) })
    }

    /// Opens the store as [`open`](Self::open) does, and tries again, ever less often up to every two seconds, as long
    /// as it fails with what may pass. `told` gets each of these errors: for `/readyz`.
    ///
    /// # Errors
    /// [`KmsError`] that does not pass by waiting, such as a wrong master key.
    pub async fn open_patiently(
        config: KmsConfig,
        clock: Arc<dyn Clock>,
        mut told: impl FnMut(&KmsError),
    ) -> Result<Self, KmsError> {
        for failures in 1.. {
            match Self::open(config.clone(), clock.clone()).await {
                Err(error) if error.is_transient() => told(&error),
                done => return done,
            }
            tokio::time::sleep(follow::backoff(failures)).await;
        }
        Err(KmsError::Busy)
    }

    /// Stops following the store, once what is under way has ended. With the last clone and the last [`Signer`] the
    /// store is closed, in order. (Without this it is too, a little later.)
    pub async fn close(self) {
        let _idle = self.shared().mirror.lock().await;
        self.inner.follower.abort();
        while !self.inner.follower.is_finished() {
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
    }

    /// The MAC keys as they are now, for a verification.
    #[must_use]
    pub fn mac_snapshot(&self) -> MacSnapshot {
        MacSnapshot(self.snapshot())
    }

    /// The key to mint tokens with: the active version of a MAC key.
    ///
    /// # Errors
    /// [`KmsError::NotFound`], [`KmsError::NothingSigns`], [`KmsError::WrongKind`].
    pub fn minting_key(&self, key: &KeyRef) -> Result<MintingKey, KmsError> {
        self.with_signing(key, |version, material| match material {
            Material::Mac(mac) => Ok(MintingKey { kid: version.kid.clone(), key: (**mac).clone() }),
            Material::Root(_) | Material::Ed25519(_) => Err(KmsError::WrongKind(key.clone())),
        })
    }

    /// The key to mint tokens with for a label, such as the name of a device: derived from the active version of a
    /// root. Its key id is that of the root's version, a colon and the label.
    ///
    /// # Errors
    /// As [`minting_key`](Self::minting_key), and [`KmsError::BadName`] if the label is empty, longer than
    /// [`MAX_LABEL_BYTES`], or has control characters in it.
    pub fn derived_minting_key(&self, root: &KeyRef, label: &str) -> Result<MintingKey, KmsError> {
        if label.is_empty() || label.len() > MAX_LABEL_BYTES || label.chars().any(char::is_control) {
            let (text, why) = (label.chars().take(40).collect(), "expected 1 to 128 bytes without control characters");
            return Err(KmsError::BadName { what: "label", text, why });
        }
        self.with_signing(root, |version, material| match material {
            Material::Root(secret) => {
                let kid = format!("{}{LABEL_SEPARATOR}{label}", version.kid);
                Ok(MintingKey { key: secret.derive(root.tenant(), &kid), kid: kid.into() })
            }
            Material::Mac(_) | Material::Ed25519(_) => Err(KmsError::WrongKind(root.clone())),
        })
    }

    /// What signs with an Ed25519 key, now and after each rotation.
    ///
    /// # Errors
    /// [`KmsError::NotFound`], [`KmsError::WrongKind`].
    pub fn signer(&self, key: &KeyRef) -> Result<Signer, KmsError> {
        self.expect_ed25519(key)?;
        Ok(Signer { kms: self.clone(), key: key.clone() })
    }

    /// The public keys of all versions that verify now, in order of creation. Announced ones are among them: others are
    /// to know them before they are used.
    ///
    /// # Errors
    /// [`KmsError::NotFound`], [`KmsError::WrongKind`].
    pub fn public_keys(&self, key: &KeyRef) -> Result<Vec<PublicKey>, KmsError> {
        self.expect_ed25519(key)?;
        let (snapshot, now_ms) = (self.snapshot(), self.now_ms());
        let versions = snapshot.line(key).into_iter().flat_map(|line| &line.versions);
        let public = |version: &Version| {
            let state = version.state_at(now_ms);
            let bytes = version.public_key.filter(|_| state.verifies())?;
            Some(PublicKey { kid: version.kid.clone(), version: version.version, state, bytes })
        };
        Ok(versions.filter_map(public).collect())
    }

    /// The public key of a key id, if it verifies now. That of a retired one is counted
    /// ([`retired_uses`](Self::retired_uses)).
    #[must_use]
    pub fn public_key(&self, key: &KeyRef, kid: &str) -> Option<[u8; 32]> {
        let (snapshot, now_ms) = (self.snapshot(), self.now_ms());
        let version = snapshot.line(key)?.versions.iter().rev().find(|version| &*version.kid == kid)?;
        if !version.state_at(now_ms).verifies() {
            version.late.note(unsigned(now_ms) / 1000);
            return None;
        }
        version.public_key
    }

    /// Number of the present snapshot: as long as it is the same, so are the keys. For whoever keeps something that was
    /// made of them.
    #[must_use]
    pub fn generation(&self) -> u64 {
        self.snapshot().generation
    }

    /// What keys there are, without a byte of any that is secret.
    #[must_use]
    pub fn attest(&self) -> Attestation {
        Attestation::of(&self.snapshot(), self.now_ms())
    }

    /// Tokens and signatures that named retired key ids.
    #[must_use]
    pub fn retired_uses(&self) -> RetiredUses {
        self.snapshot().retired_uses()
    }

    /// How the keys in memory stand to those in the store.
    #[must_use]
    pub fn status(&self) -> Status {
        let (snapshot, shared) = (self.snapshot(), self.shared());
        // Closed, or its runtime is gone: nobody would tell.
        let is_followed = !self.inner.follower.is_finished();
        let unfollowed = || Missing {
            what: "key store",
            since_unix_ms: shared.clock.now_unix_ms(),
            error: "it is not followed any more, as it was closed".to_owned(),
        };
        Status {
            missing: if is_followed { shared.reading.missing() } else { Some(unfollowed()) },
            unwritable: shared.writing.missing(),
            change: unsigned(snapshot.change),
            is_reseal_due: snapshot.sealed_under.is_some_and(|under| under != shared.sealer.current()),
        }
    }

    pub(crate) fn signing_pair(&self, key: &KeyRef) -> Result<SigningPair, KmsError> {
        self.with_signing(key, |version, material| match material {
            Material::Ed25519(pair) => Ok((version.kid.clone(), pair.clone())),
            Material::Mac(_) | Material::Root(_) => Err(KmsError::WrongKind(key.clone())),
        })
    }

    /// Does something with the version that signs and its secret, both of one snapshot.
    fn with_signing<T>(
        &self,
        key: &KeyRef,
        work: impl FnOnce(&Version, &Material) -> Result<T, KmsError>,
    ) -> Result<T, KmsError> {
        let snapshot = self.snapshot();
        let line = snapshot.line(key).ok_or_else(|| KmsError::NotFound(key.clone()))?;
        let version = line.signing(self.now_ms());
        let signing = version.and_then(|version| Some((version, version.material.as_ref()?)));
        let (version, material) = signing.ok_or_else(|| KmsError::NothingSigns(key.clone()))?;
        work(version, material)
    }

    fn expect_ed25519(&self, key: &KeyRef) -> Result<(), KmsError> {
        if key.kind() != KeyKind::Ed25519 {
            return Err(KmsError::WrongKind(key.clone()));
        }
        self.snapshot().line(key).map(|_| ()).ok_or_else(|| KmsError::NotFound(key.clone()))
    }

    fn shared(&self) -> &Shared {
        &self.inner.shared
    }

    fn snapshot(&self) -> Guard<Arc<Snapshot>> {
        self.shared().snapshot.load()
    }

    fn now_ms(&self) -> i64 {
        self.shared().now_ms()
    }
}

impl Shared {
    fn now_ms(&self) -> i64 {
        i64::try_from(self.clock.now_unix_ms()).unwrap_or(i64::MAX)
    }
}

impl fmt::Debug for Kms {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Kms").field("status", &self.status()).finish_non_exhaustive()
    }
}
