//! The statements, which SQLite and Postgres read alike, and how rows are made of what they answer.

use super::{KeyRow, VersionRow};
use crate::key::{KeyKind, KeyRef};
use crate::version::Schedule;

pub(super) const INIT: &str =
    "INSERT INTO kms_meta (id, store_id, canary, change) VALUES (1, $1, $2, 1) ON CONFLICT (id) DO NOTHING";
pub(super) const META: &str = "SELECT store_id, canary, change FROM kms_meta WHERE id = 1";
pub(super) const CHANGE: &str = "SELECT change FROM kms_meta WHERE id = 1";
/// Changes a row if nobody was faster, and holds it until the transaction ends: changes come one after the other, and
/// who sees one sees all before it.
pub(super) const ADVANCE: &str = "UPDATE kms_meta SET change = change + 1 WHERE id = 1 AND change = $1";
pub(super) const CANARY: &str = "UPDATE kms_meta SET canary = $1 WHERE id = 1";
pub(super) const KEYS: &str = "SELECT kind, tenant, name, scheme, created_ms FROM kms_key WHERE change > $1";
pub(super) const VERSIONS: &str = "SELECT kind, tenant, name, version, kid, created_ms, active_from_ms, \
    active_until_ms, retired_from_ms, revoked, public_key, sealed FROM kms_version WHERE change > $1";
pub(super) const PUT_KEY: &str = "INSERT INTO kms_key (kind, tenant, name, scheme, created_ms, change) \
    VALUES ($1, $2, $3, $4, $5, $6) ON CONFLICT (kind, tenant, name) DO UPDATE SET \
    scheme = excluded.scheme, created_ms = excluded.created_ms, change = excluded.change";
pub(super) const PUT_VERSION: &str = "INSERT INTO kms_version (kind, tenant, name, version, kid, created_ms, \
    active_from_ms, active_until_ms, retired_from_ms, revoked, public_key, sealed, change) \
    VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13) \
    ON CONFLICT (kind, tenant, name, version) DO UPDATE SET kid = excluded.kid, created_ms = excluded.created_ms, \
    active_from_ms = excluded.active_from_ms, active_until_ms = excluded.active_until_ms, \
    retired_from_ms = excluded.retired_from_ms, revoked = excluded.revoked, public_key = excluded.public_key, \
    sealed = excluded.sealed, change = excluded.change";

/// The columns of [`KEYS`].
pub(super) struct RawKey {
    pub(super) kind: String,
    pub(super) tenant: String,
    pub(super) name: String,
    pub(super) scheme: String,
    pub(super) created_ms: i64,
}

/// The columns of [`VERSIONS`].
pub(super) struct RawVersion {
    pub(super) kind: String,
    pub(super) tenant: String,
    pub(super) name: String,
    pub(super) version: i64,
    pub(super) kid: String,
    pub(super) created_ms: i64,
    pub(super) times_ms: [Option<i64>; 3],
    pub(super) revoked: i64,
    pub(super) public_key: Option<Vec<u8>>,
    pub(super) sealed: Option<Vec<u8>>,
}

impl RawKey {
    /// The row, or what is wrong with it.
    pub(super) fn read(self) -> Result<KeyRow, String> {
        let key = key(&self.kind, &self.tenant, &self.name)?;
        Ok(KeyRow { key, scheme: self.scheme, created_ms: self.created_ms })
    }
}

impl RawVersion {
    /// The row, or what is wrong with it.
    pub(super) fn read(self) -> Result<VersionRow, String> {
        let key = key(&self.kind, &self.tenant, &self.name)?;
        let version = u32::try_from(self.version).map_err(|_| format!("version {} of the {key}", self.version))?;
        let public_key = match self.public_key.map(<[u8; 32]>::try_from).transpose() {
            Ok(public_key) => public_key,
            Err(bytes) => return Err(format!("a public key of {} bytes for the {key}", bytes.len())),
        };
        let [active_from_ms, active_until_ms, retired_from_ms] = self.times_ms;
        let schedule = Schedule { active_from_ms, active_until_ms, retired_from_ms, revoked: self.revoked != 0 };
        let (kid, created_ms, sealed) = (self.kid, self.created_ms, self.sealed);
        Ok(VersionRow { key, version, kid, created_ms, schedule, public_key, sealed })
    }
}

fn key(kind: &str, tenant: &str, name: &str) -> Result<KeyRef, String> {
    let kind = KeyKind::parse(kind).ok_or_else(|| format!("a key of kind {kind:?}"))?;
    KeyRef::new(kind, tenant, name).map_err(|error| error.to_string())
}
