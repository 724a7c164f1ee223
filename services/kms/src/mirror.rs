//! The rows of the store as they were read last, with their secrets opened: what snapshots are made of and changes are
//! planned on.

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::key::{KeyRef, KidScheme};
use crate::late::Late;
use crate::material::Material;
use crate::seal::{MasterId, Place, Sealer};
use crate::snapshot::{Line, Snapshot, Version};
use crate::store::{KeyRow, Loaded, Meta, VersionRow};
use crate::{KmsError, StoreError};

pub(crate) struct Mirror {
    pub(crate) store_id: Vec<u8>,
    pub(crate) canary: Vec<u8>,
    /// The master key that the canary is under.
    pub(crate) sealed_under: MasterId,
    pub(crate) change: i64,
    /// Whether the store was out of sight since, and may have become another one: all of it is read again then.
    pub(crate) is_doubtful: bool,
    /// Which store it is, for messages.
    place: String,
    generation: u64,
    keys: BTreeMap<KeyRef, MirrorKey>,
}

pub(crate) struct MirrorKey {
    pub(crate) row: KeyRow,
    pub(crate) scheme: KidScheme,
    versions: BTreeMap<u32, MirrorVersion>,
}

struct MirrorVersion {
    row: VersionRow,
    kid: Arc<str>,
    material: Option<Material>,
    late: Arc<Late>,
}

impl Mirror {
    /// Of a store in which nothing was read yet.
    pub(crate) fn new(place: String, meta: &Meta, sealer: &Sealer) -> Result<Self, KmsError> {
        let sealed_under = check(&place, meta, sealer)?;
        let (store_id, canary, keys) = (meta.store_id.clone(), meta.canary.clone(), BTreeMap::new());
        Ok(Self { store_id, canary, sealed_under, change: 0, is_doubtful: true, place, generation: 0, keys })
    }

    pub(crate) fn key(&self, key: &KeyRef) -> Result<&MirrorKey, KmsError> {
        self.keys.get(key).ok_or_else(|| KmsError::NotFound(key.clone()))
    }

    pub(crate) fn versions(&self) -> impl Iterator<Item = &VersionRow> {
        self.keys.values().flat_map(MirrorKey::versions)
    }

    pub(crate) fn has_kid(&self, tenant: &str, kid: &str) -> bool {
        self.versions().any(|row| row.key.tenant() == tenant && row.kid == kid)
    }

    /// Takes over what was read, all or nothing.
    pub(crate) fn take(&mut self, loaded: Loaded, sealer: &Sealer, now_ms: i64) -> Result<(), KmsError> {
        if loaded.meta.store_id != self.store_id {
            return Err(corrupt(&self.place, "it is another store than before"));
        }
        let sealed_under = check(&self.place, &loaded.meta, sealer)?;
        let mut keys = BTreeMap::new();
        for row in loaded.keys {
            let scheme = KidScheme::new(&row.scheme).map_err(|error| corrupt(&self.place, error.to_string()))?;
            keys.insert(row.key.clone(), MirrorKey { row, scheme, versions: BTreeMap::new() });
        }
        let mut versions = Vec::with_capacity(loaded.versions.len());
        for row in loaded.versions {
            let is_known = keys.contains_key(&row.key) || (!loaded.is_whole && self.keys.contains_key(&row.key));
            if !is_known {
                return Err(corrupt(&self.place, format!("there are versions and no row of the {}", row.key)));
            }
            versions.push(self.ready(row, sealer, now_ms)?);
        }
        // From here on nothing fails.
        let mut old = std::mem::take(&mut self.keys);
        if loaded.is_whole {
            self.keys = keys;
        } else {
            for (name, mut key) in keys {
                key.versions = old.remove(&name).map(|key| key.versions).unwrap_or_default();
                old.insert(name, key);
            }
            self.keys = old;
        }
        for version in versions {
            if let Some(key) = self.keys.get_mut(&version.row.key) {
                key.versions.insert(version.row.version, version);
            }
        }
        (self.change, self.canary, self.is_doubtful) = (loaded.meta.change, loaded.meta.canary, false);
        self.sealed_under = sealed_under;
        Ok(())
    }

    /// A row with its secret, if it is of any use: that of a retired version does not stay in memory.
    fn ready(&self, row: VersionRow, sealer: &Sealer, now_ms: i64) -> Result<MirrorVersion, KmsError> {
        let known = self.keys.get(&row.key).and_then(|key| key.versions.get(&row.version));
        // What was opened once is not opened again for new times or a new master key.
        let known = known.filter(|known| known.row.kid == row.kid && known.row.public_key == row.public_key);
        let late = known.map_or_else(Arc::default, |known| known.late.clone());
        let material = match known.and_then(|known| known.material.clone()) {
            _ if !row.schedule.state_at(now_ms).verifies() => None,
            Some(material) => Some(material),
            None => open(&self.store_id, &row, sealer)?,
        };
        let kid = Arc::from(row.kid.as_str());
        Ok(MirrorVersion { row, kid, material, late })
    }

    /// Drops the secrets of what is retired by now, and opens those of what is not any more, since the clock went back.
    /// Says whether there were any.
    pub(crate) fn settle(&mut self, sealer: &Sealer, now_ms: i64) -> Result<bool, KmsError> {
        let mut has_changed = false;
        for version in self.keys.values_mut().flat_map(|key| key.versions.values_mut()) {
            let verifies = version.row.schedule.state_at(now_ms).verifies();
            if !verifies && version.material.is_some() {
                (version.material, has_changed) = (None, true);
            } else if verifies && version.material.is_none() && version.row.sealed.is_some() {
                (version.material, has_changed) = (open(&self.store_id, &version.row, sealer)?, true);
            }
        }
        Ok(has_changed)
    }

    /// What look-ups are to see from now on.
    pub(crate) fn snapshot(&mut self) -> Snapshot {
        self.generation += 1;
        let mut snapshot = Snapshot::new(self.generation, self.change, self.sealed_under);
        for (name, key) in &self.keys {
            let versions = key.versions.values().map(MirrorVersion::shown).collect();
            let line = Line { scheme: key.row.scheme.clone(), created_ms: key.row.created_ms, versions };
            snapshot.insert(name.clone(), line);
        }
        snapshot.finish()
    }
}

impl MirrorKey {
    /// Its versions, in order of creation.
    pub(crate) fn versions(&self) -> impl Iterator<Item = &VersionRow> {
        self.versions.values().map(|version| &version.row)
    }
}

impl MirrorVersion {
    fn shown(&self) -> Version {
        Version {
            version: self.row.version,
            kid: self.kid.clone(),
            created_ms: self.row.created_ms,
            schedule: self.row.schedule,
            public_key: self.row.public_key,
            material: self.material.clone(),
            late: self.late.clone(),
        }
    }
}

fn open(store_id: &[u8], row: &VersionRow, sealer: &Sealer) -> Result<Option<Material>, KmsError> {
    let Some(sealed) = &row.sealed else { return Ok(None) };
    let secret = sealer.open(store_id, place_of(row), sealed)?;
    let material = Material::new(row.key.kind(), &secret)?;
    if material.public_key() != row.public_key {
        return Err(KmsError::Tampered { key: row.key.clone(), version: row.version });
    }
    Ok(Some(material))
}

/// What a row's secret is sealed for.
pub(crate) fn place_of(row: &VersionRow) -> Place<'_> {
    Place { key: &row.key, version: row.version, kid: &row.kid, public_key: row.public_key.as_ref() }
}

fn check(place: &str, meta: &Meta, sealer: &Sealer) -> Result<MasterId, KmsError> {
    let under = sealer.check_canary(&meta.store_id, &meta.canary)?;
    under.ok_or_else(|| corrupt(place, "the row that tells its master key does not open"))
}

fn corrupt(place: &str, reason: impl Into<String>) -> KmsError {
    StoreError::Corrupt { place: place.to_owned(), reason: reason.into() }.into()
}
