//! All keys at one moment, unchangeable: what look-ups read while the next one is made.

use std::collections::HashMap;
use std::sync::Arc;

use foldhash::fast::RandomState;
use ron_auth_core::{KeyName, MacKey};

use crate::key::{KeyKind, KeyRef, LABEL_SEPARATOR, MAX_LABEL_BYTES};
use crate::late::{Late, RetiredUse, RetiredUses};
use crate::material::Material;
use crate::seal::MasterId;
use crate::version::{Schedule, VersionState, signing};

#[derive(Default)]
pub(crate) struct Snapshot {
    /// How many snapshots there were before this one.
    pub(crate) generation: u64,
    /// The change of the store that it shows.
    pub(crate) change: i64,
    pub(crate) sealed_under: Option<MasterId>,
    lines: HashMap<KeyRef, Line, RandomState>,
    // The hasher is a fast one: names to look up come from strangers, but only the operator's own are ever stored, so
    // nobody can make them collide.
    mac_keys: HashMap<Box<str>, Vec<MacEntry>, RandomState>,
}

/// The versions of a key, in order of creation.
pub(crate) struct Line {
    pub(crate) scheme: String,
    pub(crate) created_ms: i64,
    pub(crate) versions: Vec<Version>,
}

#[derive(Clone)]
pub(crate) struct Version {
    pub(crate) version: u32,
    pub(crate) kid: Arc<str>,
    pub(crate) created_ms: i64,
    pub(crate) schedule: Schedule,
    pub(crate) public_key: Option<[u8; 32]>,
    /// `None`: it was retired when the snapshot was made.
    pub(crate) material: Option<Material>,
    pub(crate) late: Arc<Late>,
}

/// A key id of a tenant. They are sorted: there are few, and to find one among few takes no hash.
struct MacEntry {
    kid: Arc<str>,
    schedule: Schedule,
    material: Option<Material>,
    late: Arc<Late>,
}

impl Snapshot {
    pub(crate) fn new(generation: u64, change: i64, sealed_under: MasterId) -> Self {
        Self { generation, change, sealed_under: Some(sealed_under), ..Self::default() }
    }

    /// Adds a key.
    pub(crate) fn insert(&mut self, key: KeyRef, line: Line) {
        if key.kind() != KeyKind::Ed25519 {
            let entries = self.mac_keys.entry(key.tenant().into()).or_default();
            entries.extend(line.versions.iter().map(|version| MacEntry {
                kid: version.kid.clone(),
                schedule: version.schedule,
                material: version.material.clone(),
                late: version.late.clone(),
            }));
        }
        self.lines.insert(key, line);
    }

    /// To be called once all keys are in.
    pub(crate) fn finish(mut self) -> Self {
        for entries in self.mac_keys.values_mut() {
            entries.sort_by(|a, b| a.kid.cmp(&b.kid));
        }
        self
    }

    pub(crate) fn line(&self, key: &KeyRef) -> Option<&Line> {
        self.lines.get(key)
    }

    pub(crate) fn lines(&self) -> impl Iterator<Item = (&KeyRef, &Line)> {
        self.lines.iter()
    }

    /// The MAC key of a name that nobody has authenticated yet. Takes no lock and allocates nothing.
    pub(crate) fn mac_key(&self, name: KeyName<'_>, now_unix_s: u64) -> Option<MacKey> {
        let entries = self.mac_keys.get(name.tid)?;
        if let Some(entry) = find(entries, name.kid) {
            return match entry.material_at(now_unix_s)? {
                Material::Mac(key) => Some(MacKey::clone(key)),
                // The root itself makes no MAC.
                Material::Root(_) | Material::Ed25519(_) => None,
            };
        }
        let (root, label) = name.kid.split_once(LABEL_SEPARATOR)?;
        if label.is_empty() || label.len() > MAX_LABEL_BYTES {
            return None;
        }
        match find(entries, root)?.material_at(now_unix_s)? {
            Material::Root(root) => Some(root.derive(name.tid, name.kid)),
            Material::Mac(_) | Material::Ed25519(_) => None,
        }
    }

    pub(crate) fn retired_uses(&self) -> RetiredUses {
        let versions = self.lines.iter().flat_map(|(key, line)| line.versions.iter().map(move |it| (key, it)));
        RetiredUses::collect(versions.filter_map(|(key, version)| {
            let (count, last_seen_unix_s) = version.late.seen()?;
            let (tenant, kid) = (key.tenant().to_owned(), version.kid.to_string());
            Some(RetiredUse { tenant, kid, count, last_seen_unix_s })
        }))
    }
}

fn find<'e>(entries: &'e [MacEntry], kid: &str) -> Option<&'e MacEntry> {
    let place = entries.binary_search_by(|entry| (*entry.kid).cmp(kid)).ok()?;
    entries.get(place)
}

impl MacEntry {
    fn material_at(&self, now_unix_s: u64) -> Option<&Material> {
        let now_ms = i64::try_from(now_unix_s).unwrap_or(i64::MAX).saturating_mul(1000);
        if !self.schedule.state_at(now_ms).verifies() {
            self.late.note(now_unix_s);
            return None;
        }
        self.material.as_ref()
    }
}

impl Line {
    /// The version that signs.
    pub(crate) fn signing(&self, now_ms: i64) -> Option<&Version> {
        self.versions.get(signing(self.versions.iter().map(|version| version.schedule), now_ms)?)
    }
}

impl Version {
    pub(crate) fn state_at(&self, now_ms: i64) -> VersionState {
        self.schedule.state_at(now_ms)
    }
}
