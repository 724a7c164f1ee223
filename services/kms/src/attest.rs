use serde::{Serialize, Serializer};

use crate::KeyRef;
use crate::snapshot::{Line, Snapshot, Version};
use crate::version::VersionState;

/// What keys there are, without a byte of any that is secret.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Attestation {
    /// Number of the change of the store that this shows.
    pub change: u64,
    /// Fingerprint of the master key that the store is sealed under.
    pub sealed_under: String,
    /// The keys, in order of kind, tenant and name.
    pub keys: Vec<KeyMeta>,
}

/// A key and its versions.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct KeyMeta {
    /// Its kind, tenant and name.
    #[serde(flatten)]
    pub key: KeyRef,
    /// How its key ids are spelled.
    pub scheme: String,
    /// When it was made, in milliseconds since the Unix epoch.
    pub created_unix_ms: u64,
    /// Number of the version that signs now.
    pub current_version: Option<u32>,
    /// All versions, in order of creation.
    pub versions: Vec<VersionMeta>,
}

/// A version of a key.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct VersionMeta {
    /// Its number, counted from 1.
    pub version: u32,
    /// Its key id.
    pub kid: String,
    /// What it may be used for now.
    pub state: VersionState,
    /// When it was made, in milliseconds since the Unix epoch.
    pub created_unix_ms: u64,
    /// Since when it signs, in the same unit: 0 for the first version, `None` while nobody has decided that.
    pub active_from_unix_ms: Option<u64>,
    /// Since when another one signs.
    pub active_until_unix_ms: Option<u64>,
    /// Since when it does not verify either; nothing is known of when one was retired by hand.
    pub retired_from_unix_ms: Option<u64>,
    /// The public key, in hexadecimal digits.
    #[serde(serialize_with = "as_hex")]
    pub public_key: Option<[u8; 32]>,
}

impl Attestation {
    pub(crate) fn of(snapshot: &Snapshot, now_ms: i64) -> Self {
        let mut keys: Vec<_> = snapshot.lines().map(|(key, line)| KeyMeta::of(key, line, now_ms)).collect();
        keys.sort_by(|a, b| a.key.cmp(&b.key));
        let sealed_under = snapshot.sealed_under.map(|id| id.to_hex()).unwrap_or_default();
        Self { change: unsigned(snapshot.change), sealed_under, keys }
    }
}

impl KeyMeta {
    fn of(key: &KeyRef, line: &Line, now_ms: i64) -> Self {
        Self {
            key: key.clone(),
            scheme: line.scheme.clone(),
            created_unix_ms: unsigned(line.created_ms),
            current_version: line.signing(now_ms).map(|version| version.version),
            versions: line.versions.iter().map(|version| VersionMeta::of(version, now_ms)).collect(),
        }
    }
}

impl VersionMeta {
    fn of(version: &Version, now_ms: i64) -> Self {
        let schedule = &version.schedule;
        Self {
            version: version.version,
            kid: version.kid.to_string(),
            state: version.state_at(now_ms),
            created_unix_ms: unsigned(version.created_ms),
            active_from_unix_ms: schedule.active_from_ms.map(unsigned),
            active_until_unix_ms: schedule.active_until_ms.map(unsigned),
            retired_from_unix_ms: schedule.retired_from_ms.map(unsigned),
            public_key: version.public_key,
        }
    }
}

fn as_hex<S: Serializer>(public_key: &Option<[u8; 32]>, serializer: S) -> Result<S::Ok, S::Error> {
    public_key.map(hex::encode).serialize(serializer)
}

/// Times and numbers of changes are never below zero, unless somebody else wrote them.
pub(crate) fn unsigned(number: i64) -> u64 {
    u64::try_from(number).unwrap_or(0)
}
