//! What changes keys. A change is planned on the rows as they were read last and written if the store is still as it
//! was then; otherwise what is new is read, and it is planned again.

use std::time::Duration;

use super::{Kms, Shared};
use crate::attest::unsigned;
use crate::key::{KeyKind, KidScheme};
use crate::material::Material;
use crate::mirror::{Mirror, place_of};
use crate::store::{KeyRow, Loaded, Meta, VersionRow, Write};
use crate::version::{self, Rotation, Schedule, VersionState};
use crate::{KeyRef, KmsError, Secret};

/// Most versions of a key.
pub const MAX_VERSIONS: usize = 10_000;
/// How often to plan again where others are faster.
const ATTEMPTS: u32 = 32;

/// A version that was made, or given its time to sign.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewVersion {
    /// Its number, counted from 1.
    pub version: u32,
    /// Its key id.
    pub kid: String,
    /// Since when it signs, in milliseconds since the Unix epoch: 0 for the first version, `None` if that is not
    /// decided.
    pub active_from_unix_ms: Option<u64>,
}

impl Kms {
    /// Makes a MAC key with its first version, which signs at once. `secret` brings one along; otherwise it is drawn.
    ///
    /// # Errors
    /// [`KmsError::Exists`], [`KmsError::KidTaken`], [`KmsError::WeakSecret`], [`KmsError::WrongKind`] if the name is
    /// not one of a MAC key, [`KmsError::Busy`], [`KmsError::Store`].
    pub async fn create_mac(
        &self,
        key: &KeyRef,
        scheme: &KidScheme,
        secret: Option<Secret>,
    ) -> Result<NewVersion, KmsError> {
        self.create(KeyKind::Mac, key, scheme, secret).await
    }

    /// Makes a tenant's root, from which MAC keys are derived when they are asked for:
    /// [`derived_minting_key`](Self::derived_minting_key). Its scheme has no colon in it.
    ///
    /// # Errors
    /// As [`create_mac`](Self::create_mac), and [`KmsError::BadName`] for a scheme with a colon.
    pub async fn create_mac_root(
        &self,
        key: &KeyRef,
        scheme: &KidScheme,
        secret: Option<Secret>,
    ) -> Result<NewVersion, KmsError> {
        self.create(KeyKind::MacRoot, key, scheme, secret).await
    }

    /// Makes an Ed25519 key; its secret is the seed of RFC 8032.
    ///
    /// # Errors
    /// As [`create_mac`](Self::create_mac).
    pub async fn create_ed25519(
        &self,
        key: &KeyRef,
        scheme: &KidScheme,
        secret: Option<Secret>,
    ) -> Result<NewVersion, KmsError> {
        self.create(KeyKind::Ed25519, key, scheme, secret).await
    }

    /// Makes a version that verifies from now on, and signs once the key is [rotated](Self::rotate). If there is such a
    /// version already, gives that one.
    ///
    /// # Errors
    /// [`KmsError::NotFound`], [`KmsError::KidTaken`], [`KmsError::TooManyVersions`], [`KmsError::Busy`],
    /// [`KmsError::Store`].
    pub async fn announce(&self, key: &KeyRef) -> Result<NewVersion, KmsError> {
        self.change(|shared, mirror| {
            let is_waiting = |row: &&VersionRow| row.schedule == Schedule::default();
            if let Some(row) = mirror.key(key)?.versions().find(is_waiting) {
                return Ok((Write::default(), NewVersion::of(row)));
            }
            let row = shared.next_version(mirror, key, Schedule::default())?;
            let made = NewVersion::of(&row);
            Ok((Write { versions: vec![row], ..Write::default() }, made))
        })
        .await
    }

    /// Lets the version that was announced, or a new one, take over, and gives the one that signed until then its time
    /// of grace.
    ///
    /// # Errors
    /// As [`announce`](Self::announce).
    pub async fn rotate(&self, key: &KeyRef, rotation: Rotation) -> Result<NewVersion, KmsError> {
        self.change(|shared, mirror| {
            let mut rows: Vec<VersionRow> = mirror.key(key)?.versions().cloned().collect();
            let before: Vec<Schedule> = rows.iter().map(|row| row.schedule).collect();
            let mut schedules = before.clone();
            let place = version::rotate(&mut schedules, shared.now_ms(), rotation);
            if place == rows.len() {
                rows.push(shared.next_version(mirror, key, Schedule::default())?);
            }
            rows.iter_mut().zip(&schedules).for_each(|(row, schedule)| row.schedule = *schedule);
            let taking_over = rows.get(place).map(NewVersion::of);
            let taking_over = taking_over.ok_or_else(|| KmsError::NothingSigns(key.clone()))?;
            let was = before.iter().map(Some).chain(std::iter::repeat(None));
            let changed = rows.into_iter().zip(was).filter(|(row, was)| Some(&row.schedule) != *was);
            Ok((Write { versions: changed.map(|(row, _)| row).collect(), ..Write::default() }, taking_over))
        })
        .await
    }

    /// Retires a version at once and for good, without grace: its secret has leaked, say.
    ///
    /// # Errors
    /// [`KmsError::StillSigns`] if it signs or is going to: rotate the key before. [`KmsError::NotFound`],
    /// [`KmsError::NoVersion`], [`KmsError::Busy`], [`KmsError::Store`].
    pub async fn retire(&self, key: &KeyRef, version: u32) -> Result<(), KmsError> {
        self.change(|shared, mirror| {
            let row = mirror.key(key)?.versions().find(|row| row.version == version);
            let mut row = row.cloned().ok_or_else(|| KmsError::NoVersion { key: key.clone(), version })?;
            if row.schedule.signs_from(shared.now_ms()) {
                return Err(KmsError::StillSigns { key: key.clone(), version });
            }
            let was_revoked = std::mem::replace(&mut row.schedule.revoked, true);
            let versions = if was_revoked { Vec::new() } else { vec![row] };
            Ok((Write { versions, ..Write::default() }, ()))
        })
        .await
    }

    /// Erases the secrets of versions that have been retired for so long, or were retired by hand, from the store;
    /// their key ids stay. Gives their number. Never happens by itself: a clock that jumps ahead would destroy keys for
    /// good.
    ///
    /// # Errors
    /// [`KmsError::Busy`], [`KmsError::Store`].
    pub async fn erase_retired(&self, for_at_least: Duration) -> Result<usize, KmsError> {
        let for_at_least_ms = i64::try_from(for_at_least.as_millis()).unwrap_or(i64::MAX);
        self.change(|shared, mirror| {
            let long_ago_ms = shared.now_ms().saturating_sub(for_at_least_ms);
            let is_over =
                |row: &&VersionRow| row.sealed.is_some() && row.schedule.state_at(long_ago_ms) == VersionState::Retired;
            let versions = mirror.versions().filter(is_over).cloned();
            let versions: Vec<_> = versions.map(|row| VersionRow { sealed: None, ..row }).collect();
            let erased = versions.len();
            Ok((Write { versions, ..Write::default() }, erased))
        })
        .await
    }

    /// Seals everything anew under the present master key, all at once. Afterwards no process needs the previous one.
    /// Gives the number of versions. Processes that do not know the present one go on with the keys that they have, and
    /// say so in their [`status`](Self::status).
    ///
    /// # Errors
    /// [`KmsError::Tampered`], [`KmsError::Busy`], [`KmsError::Store`].
    pub async fn reseal(&self) -> Result<usize, KmsError> {
        self.change(|shared, mirror| {
            let (sealer, under) = (&shared.sealer, shared.sealer.current());
            if mirror.sealed_under == under {
                return Ok((Write::default(), 0));
            }
            let mut versions = Vec::new();
            for row in mirror.versions() {
                let Some(sealed) = &row.sealed else { continue };
                let secret = sealer.open(&mirror.store_id, place_of(row), sealed)?;
                let sealed = Some(sealer.seal(under, &mirror.store_id, place_of(row), &secret)?);
                versions.push(VersionRow { sealed, ..row.clone() });
            }
            let (canary, sealed) = (Some(sealer.seal_canary(&mirror.store_id)?), versions.len());
            Ok((Write { canary, versions, keys: Vec::new() }, sealed))
        })
        .await
    }

    async fn create(
        &self,
        kind: KeyKind,
        key: &KeyRef,
        scheme: &KidScheme,
        secret: Option<Secret>,
    ) -> Result<NewVersion, KmsError> {
        if key.kind() != kind {
            return Err(KmsError::WrongKind(key.clone()));
        }
        scheme.check_for(kind)?;
        if secret.as_ref().is_some_and(Secret::is_unset) {
            return Err(KmsError::WeakSecret(key.clone()));
        }
        self.change(|shared, mirror| {
            if mirror.key(key).is_ok() {
                return Err(KmsError::Exists(key.clone()));
            }
            let row = shared.version(mirror, key, (1, scheme), Schedule::FIRST, secret.clone())?;
            let made = NewVersion::of(&row);
            let (scheme, created_ms) = (scheme.as_str().to_owned(), row.created_ms);
            let keys = vec![KeyRow { key: key.clone(), scheme, created_ms }];
            Ok((Write { keys, versions: vec![row], canary: None }, made))
        })
        .await
    }

    /// Plans a change and writes it. A plan without rows is one that has nothing to do.
    async fn change<T>(&self, plan: impl Fn(&Shared, &Mirror) -> Result<(Write, T), KmsError>) -> Result<T, KmsError> {
        let shared = self.shared();
        let mut mirror = shared.mirror.lock().await;
        for _ in 0..ATTEMPTS {
            // Whoever was away may have missed anything.
            if mirror.is_doubtful {
                shared.refresh(&mut mirror).await?;
            }
            let (write, result) = plan(shared, &mirror)?;
            if write.keys.is_empty() && write.versions.is_empty() && write.canary.is_none() {
                return Ok(result);
            }
            match shared.store.write(mirror.change, &write).await {
                Ok(Some(change)) => {
                    shared.writing.well();
                    shared.take(&mut mirror, write, change)?;
                    return Ok(result);
                }
                Ok(None) => shared.refresh(&mut mirror).await?,
                Err(error) => {
                    let error = error.into();
                    // It may be there all the same, and the store be another one by now.
                    mirror.is_doubtful = true;
                    shared.writing.failed(&error, shared.clock.now_unix_ms());
                    return Err(error);
                }
            }
        }
        Err(KmsError::Busy)
    }
}

impl Shared {
    /// The version of a key that follows its last.
    fn next_version(&self, mirror: &Mirror, key: &KeyRef, schedule: Schedule) -> Result<VersionRow, KmsError> {
        let known = mirror.key(key)?;
        let last = known.versions().map(|row| row.version).max().unwrap_or(0);
        if last as usize >= MAX_VERSIONS {
            return Err(KmsError::TooManyVersions(key.clone()));
        }
        self.version(mirror, key, (last + 1, &known.scheme), schedule, None)
    }

    fn version(
        &self,
        mirror: &Mirror,
        key: &KeyRef,
        (version, scheme): (u32, &KidScheme),
        schedule: Schedule,
        secret: Option<Secret>,
    ) -> Result<VersionRow, KmsError> {
        let kid = scheme.kid(version);
        if mirror.has_kid(key.tenant(), &kid) {
            return Err(KmsError::KidTaken { tenant: key.tenant().to_owned(), kid });
        }
        let secret = secret.map_or_else(Secret::random, Ok)?;
        let public_key = Material::new(key.kind(), &secret)?.public_key();
        let (key, created_ms) = (key.clone(), self.now_ms());
        let mut row = VersionRow { key, version, kid, created_ms, schedule, public_key, sealed: None };
        row.sealed = Some(self.sealer.seal(mirror.sealed_under, &mirror.store_id, place_of(&row), &secret)?);
        Ok(row)
    }

    /// Takes over what was written, as if it had been read: nothing came between.
    fn take(&self, mirror: &mut Mirror, write: Write, change: i64) -> Result<(), KmsError> {
        let canary = write.canary.unwrap_or_else(|| mirror.canary.clone());
        let meta = Meta { store_id: mirror.store_id.clone(), canary, change };
        let loaded = Loaded { meta, is_whole: false, keys: write.keys, versions: write.versions };
        mirror.take(loaded, &self.sealer, self.now_ms())?;
        self.publish(mirror);
        Ok(())
    }
}

impl NewVersion {
    fn of(row: &VersionRow) -> Self {
        let active_from_unix_ms = row.schedule.active_from_ms.map(unsigned);
        Self { version: row.version, kid: row.kid.clone(), active_from_unix_ms }
    }
}
