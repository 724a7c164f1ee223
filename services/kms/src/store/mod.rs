//! Rows at rest. A store knows nothing of states, rotation or secrets: it hands out what is newer than a change, and
//! writes a change whole or not at all, if the store is still as it was when the change was planned.

mod migrate;
mod postgres;
mod sql;
mod sqlite;

pub(crate) use postgres::is_in_the_clear;

use std::future::Future;
use std::pin::Pin;
use std::time::Duration;

use crate::config::StoreConfig;
use crate::key::KeyRef;
use crate::version::Schedule;
use crate::{KmsError, StoreError};

/// What a store answers, later.
pub(crate) type Reply<'a, T> = Pin<Box<dyn Future<Output = Result<T, StoreError>> + Send + 'a>>;

/// A place that keeps keys.
pub(crate) trait Store: Send + Sync {
    /// Which one it is, for messages.
    fn place(&self) -> String;

    /// Makes the tables where they are not there, and the one row of [`Meta`] out of `fresh` if there is none. Gives
    /// the one that is there now.
    fn prepare<'a>(&'a self, fresh: &'a Meta) -> Reply<'a, Meta>;

    /// What has changed after this change; `None`: nothing. A store that has fewer changes than that was set back, and
    /// gives all it has, as it does for `after` 0.
    fn load(&self, after: i64) -> Reply<'_, Option<Loaded>>;

    /// Writes a change in one transaction, if no change came after `after`. Gives its number, and `None` if one did.
    /// When it returns the change is on disk.
    fn write<'a>(&'a self, after: i64, write: &'a Write) -> Reply<'a, Option<i64>>;

    /// Returns when it is time to look for changes of others.
    fn wait(&self) -> Pin<Box<dyn Future<Output = ()> + Send + '_>>;
}

/// What a store knows of itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Meta {
    /// Drawn when the store was made.
    pub(crate) store_id: Vec<u8>,
    /// What only the right master key opens.
    pub(crate) canary: Vec<u8>,
    /// Number of changes so far.
    pub(crate) change: i64,
}

/// What has changed in a store.
#[derive(Debug)]
pub(crate) struct Loaded {
    pub(crate) meta: Meta,
    /// Whether these are all rows there are.
    pub(crate) is_whole: bool,
    pub(crate) keys: Vec<KeyRow>,
    pub(crate) versions: Vec<VersionRow>,
}

/// A change: rows to be written, in place of those of the same names.
#[derive(Clone, Debug, Default)]
pub(crate) struct Write {
    pub(crate) canary: Option<Vec<u8>>,
    pub(crate) keys: Vec<KeyRow>,
    pub(crate) versions: Vec<VersionRow>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct KeyRow {
    pub(crate) key: KeyRef,
    pub(crate) scheme: String,
    pub(crate) created_ms: i64,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct VersionRow {
    pub(crate) key: KeyRef,
    pub(crate) version: u32,
    pub(crate) kid: String,
    pub(crate) created_ms: i64,
    pub(crate) schedule: Schedule,
    pub(crate) public_key: Option<[u8; 32]>,
    /// `None`: erased.
    pub(crate) sealed: Option<Vec<u8>>,
}

/// Opens the store that is configured.
pub(crate) fn open(config: &StoreConfig, poll: Duration) -> Result<Box<dyn Store>, KmsError> {
    Ok(match config {
        StoreConfig::Sqlite(config) => Box::new(sqlite::SqliteStore::new(config, poll)),
        StoreConfig::Postgres(config) => Box::new(postgres::PostgresStore::new(config, poll)?),
    })
}
