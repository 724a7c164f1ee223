//! Keys that are there: signing, and the snapshot that follows them.

use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use arc_swap::ArcSwap;
use ron_kms::{
    Clock, KeyRef, KidScheme, Kms, KmsConfig, KmsError, MasterKeySource, MintingKey, NewVersion, Rotation, Signed,
    Signer, StoreConfig,
};
use ron_service::ScratchFolder;

use super::{KeyRing, KeysError};
use crate::Config;
use crate::config::{Capability, Keys};

/// Whose key it is, and its name, in a store that others may keep theirs in too.
const TENANT: &str = crate::NAME;
const KEY_NAME: &str = "default";

/// An open store with the signing key in it.
pub(crate) struct Open {
    pub(crate) kms: Kms,
    signer: Signer,
    key: KeyRef,
    clock: Arc<dyn Clock>,
    ring: ArcSwap<KeyRing>,
    renewing: Mutex<()>,
    /// Removed at the end, after the store has been closed; after a crash, by the next start.
    _folder: Option<ScratchFolder>,
}

/// What a rotation has come to.
pub(crate) struct Rotated {
    /// The key id that signs now.
    pub(crate) current_kid: Arc<str>,
    /// The version that was made or is on its way.
    pub(crate) made: NewVersion,
}

impl Open {
    /// Opens the store, and makes keys where there are none.
    pub(super) async fn new(config: &Config, clock: Arc<dyn Clock>) -> Result<Self, KeysError> {
        let settings = &config.keys;
        let (place, folder) = store(settings)?;
        let kms = Kms::open(place.clone(), clock.clone()).await?;
        if let (Some(_), MasterKeySource::FileOrNew(path)) = (&folder, &place.master_key) {
            // It is in memory now, and nobody needs it again: what a crash leaves behind opens with nothing.
            let _ = std::fs::remove_file(path);
        }
        let key = KeyRef::ed25519(TENANT, KEY_NAME)?;
        if matches!(kms.public_keys(&key), Err(KmsError::NotFound(_))) {
            let scheme = KidScheme::new(&settings.kid_scheme)?;
            let seed = settings.seed.as_ref().map(MasterKeySource::read).transpose()?;
            unless_there(kms.create_ed25519(&key, &scheme, seed).await)?;
        }
        for tenant in config.capability.tenants() {
            let key = KeyRef::mac(tenant, &config.capability.key_name)?;
            if matches!(kms.minting_key(&key), Err(KmsError::NotFound(_))) {
                let scheme = KidScheme::new(&config.capability.kid_scheme)?;
                unless_there(kms.create_mac(&key, &scheme, None).await)?;
            }
        }
        let signer = kms.signer(&key)?;
        let ring = ArcSwap::from_pointee(KeyRing::new(&kms, &key, clock.now_unix_ms(), None)?);
        Ok(Self { kms, signer, key, clock, ring, renewing: Mutex::new(()), _folder: folder })
    }

    /// The keys as they are now. Takes no lock as long as they are what they were.
    pub(crate) fn ring(&self) -> Result<Arc<KeyRing>, KeysError> {
        if let Some(ring) = self.right_ring() {
            return Ok(ring);
        }
        let _renewing = self.renewing.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(ring) = self.right_ring() {
            return Ok(ring);
        }
        let ring = KeyRing::new(&self.kms, &self.key, self.clock.now_unix_ms(), Some(&self.ring.load()))?;
        let ring = Arc::new(ring);
        self.ring.store(ring.clone());
        Ok(ring)
    }

    fn right_ring(&self) -> Option<Arc<KeyRing>> {
        let ring = self.ring.load();
        ring.is_right(self.kms.generation(), self.clock.now_unix_ms()).then(|| ring.clone())
    }

    /// Signs with the version that is active.
    pub(crate) fn sign(&self, message: &[u8]) -> Result<Signed, KeysError> {
        Ok(self.signer.sign(message)?)
    }

    pub(crate) fn current_kid(&self) -> Option<Arc<str>> {
        self.signer.current_kid().ok()
    }

    /// Notes a key id that verifies nothing, in case it is that of a retired key.
    pub(crate) fn note_unknown(&self, kid: &str) {
        let _ = self.kms.public_key(&self.key, kid);
    }

    /// Lets another version take over.
    pub(crate) async fn rotate(&self, settings: &Keys) -> Result<Rotated, KeysError> {
        let made = self.kms.rotate(&self.key, settings.rotation()).await?;
        Ok(Rotated { current_kid: self.signer.current_kid()?, made })
    }

    /// The MAC key that signs a tenant's tokens, and its key id.
    pub(crate) fn minting_key(&self, tenant: &str, settings: &Capability) -> Result<MintingKey, KeysError> {
        Ok(self.kms.minting_key(&KeyRef::mac(tenant, &settings.key_name)?)?)
    }

    /// Lets another version of a tenant's MAC key take over, once all who verify know it. The old one verifies for as
    /// long as a token of it may be good, and a while longer for clocks that differ.
    pub(crate) async fn rotate_minting_key(
        &self,
        tenant: &str,
        settings: &Capability,
    ) -> Result<NewVersion, KeysError> {
        let grace = Some(Duration::from_secs(settings.max_ttl_s.saturating_add(300)));
        let rotation = Rotation { grace, ..Rotation::default() };
        Ok(self.kms.rotate(&KeyRef::mac(tenant, &settings.key_name)?, rotation).await?)
    }
}

/// Another process may have been faster to make it.
fn unless_there(made: Result<NewVersion, KmsError>) -> Result<(), KmsError> {
    match made {
        Ok(_) | Err(KmsError::Exists(_)) => Ok(()),
        Err(error) => Err(error),
    }
}

/// When the next version of the key stops verifying because its time has come.
pub(super) fn next_retirement_ms(kms: &Kms, key: &KeyRef, now_ms: u64) -> u64 {
    let keys = kms.attest().keys;
    let versions = keys.iter().filter(|meta| meta.key == *key).flat_map(|meta| &meta.versions);
    let ends = versions.filter_map(|version| version.retired_from_unix_ms);
    ends.filter(|end_ms| *end_ms > now_ms).min().unwrap_or(u64::MAX)
}

/// The store that is configured; else one in a folder of its own, which goes with the process.
fn store(settings: &Keys) -> Result<(KmsConfig, Option<ScratchFolder>), KeysError> {
    if let (Some(store), Some(master_key)) = (settings.store.clone(), settings.master_key.clone()) {
        if let StoreConfig::Sqlite(sqlite) = &store {
            make_folder_of(&sqlite.path)?;
        }
        if let MasterKeySource::FileOrNew(path) = &master_key {
            make_folder_of(path)?;
        }
        let previous_master_keys = settings.previous_master_keys.clone();
        return Ok((KmsConfig { store, master_key, previous_master_keys, poll_ms: settings.poll_ms }, None));
    }
    let folder = ScratchFolder::new("svc-passport-");
    let folder =
        folder.map_err(|error| KeysError::Folder { path: std::env::temp_dir().display().to_string(), error })?;
    let master_key = MasterKeySource::FileOrNew(folder.path().join("master.key"));
    let config = KmsConfig { poll_ms: 1_000, ..KmsConfig::sqlite(folder.path().join("keys.db"), master_key) };
    Ok((config, Some(folder)))
}

/// Makes the folder that a file is to lie in, for its owner alone.
fn make_folder_of(path: &Path) -> Result<(), KeysError> {
    let Some(folder) = path.parent().filter(|folder| !folder.as_os_str().is_empty() && !folder.exists()) else {
        return Ok(());
    };
    let mut builder = std::fs::DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.create(folder).map_err(|error| KeysError::Folder { path: folder.display().to_string(), error })
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicU64, Ordering};

    use super::*;
    use crate::keys::ring::WITH_TABLE;

    /// A store of its own, and what time it is there.
    async fn opened(settings: Keys) -> (Open, Config, Arc<AtomicU64>) {
        let now_ms = Arc::new(AtomicU64::new(1_764_500_000_000));
        let config = Config { keys: settings, ..Config::default() };
        let clock = now_ms.clone();
        let open = Open::new(&config, Arc::new(move || clock.load(Ordering::Relaxed))).await.unwrap();
        (open, config, now_ms)
    }

    fn verifies(open: &Open, signed: &Signed) -> Option<bool> {
        Some(open.ring().unwrap().verifier(&signed.kid)?.verify(b"message", &signed.signature))
    }

    #[tokio::test]
    async fn a_ring_is_kept_until_keys_change_or_the_time_of_one_has_come_whichever_way_the_clock_goes() {
        let (open, config, now_ms) = opened(Keys { rotate_grace_s: 60, ..Keys::default() }).await;
        let (ring, old) = (open.ring().unwrap(), open.sign(b"message").unwrap());
        assert!(Arc::ptr_eq(&ring, &open.ring().unwrap()));
        open.rotate(&config.keys).await.unwrap();
        let new = open.sign(b"message").unwrap();
        assert_eq!((&*old.kid, &*new.kid), ("ed25519/default/v1", "ed25519/default/v2"));
        let both = open.ring().unwrap();
        assert_ne!(both.etag, ring.etag);
        assert_eq!((verifies(&open, &old), verifies(&open, &new)), (Some(true), Some(true)));
        let verifier = |ring: &KeyRing| ring.verifier(&old.kid).unwrap();
        assert!(Arc::ptr_eq(&verifier(&ring), &verifier(&both)), "a table is used again");
        now_ms.fetch_add(59_999, Ordering::Relaxed);
        assert!(Arc::ptr_eq(&both, &open.ring().unwrap()));
        now_ms.fetch_add(1, Ordering::Relaxed);
        assert_eq!((verifies(&open, &old), verifies(&open, &new)), (None, Some(true)));
        assert_eq!(open.ring().unwrap().keys().len(), 1);
        now_ms.fetch_sub(30_000, Ordering::Relaxed);
        assert_eq!((verifies(&open, &old), verifies(&open, &new)), (Some(true), Some(true)));
        assert_eq!(open.ring().unwrap().etag, both.etag);
    }

    #[tokio::test]
    async fn keys_beyond_those_that_have_tables_verify_all_the_same() {
        let (open, config, _) = opened(Keys::default()).await;
        let first = open.sign(b"message").unwrap();
        for _ in 0..WITH_TABLE {
            open.rotate(&config.keys).await.unwrap();
        }
        let last = open.sign(b"message").unwrap();
        assert_eq!(open.ring().unwrap().keys().len(), WITH_TABLE + 1);
        assert_eq!((verifies(&open, &first), verifies(&open, &last)), (Some(true), Some(true)));
        assert!(!open.ring().unwrap().verifier(&last.kid).unwrap().verify(b"message", &first.signature));
    }
}
