mod rows;

use std::future::Future;
use std::io::{self, ErrorKind};
use std::path::{Path, PathBuf};
use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use rusqlite::{Connection, ErrorCode, OpenFlags, OptionalExtension, TransactionBehavior, params};

use super::migrate::{self, MIGRATIONS, Migration};
use super::{Loaded, Meta, Reply, Store, Write, sql};
use crate::StoreError;
use crate::config::SqliteConfig;
use crate::master::{private_options, sync_folder_of};
use rows::meta;

/// How long to wait for another process that writes.
const BUSY: Duration = Duration::from_secs(5);

/// Rows in a file. `synchronous=FULL`, so that a change is on disk when it was answered; WAL, so that who reads and who
/// writes do not wait for each other.
pub(crate) struct SqliteStore {
    file: Arc<OpenFile>,
    poll: Duration,
}

struct OpenFile {
    path: PathBuf,
    max_bytes: u64,
    open: Mutex<Option<Open>>,
}

struct Open {
    /// Only for changes: `data_version` of a connection does not tell of its own.
    writer: Connection,
    reader: Connection,
    /// Which file it is, as long as it has a name.
    identity: Option<Identity>,
    /// `data_version` and the change that were seen last.
    seen: Option<(i64, i64)>,
}

impl SqliteStore {
    pub(crate) fn new(config: &SqliteConfig, poll: Duration) -> Self {
        let (path, max_bytes) = (config.path.clone(), config.max_bytes);
        Self { file: Arc::new(OpenFile { path, max_bytes, open: Mutex::new(None) }), poll }
    }

    /// Does work on the open file, on a thread that may wait.
    fn with<T: Send + 'static>(
        &self,
        work: impl FnOnce(&mut Open, &OpenFile) -> Result<T, StoreError> + Send + 'static,
    ) -> Reply<'_, T> {
        let file = self.file.clone();
        Box::pin(async move {
            let place = file.place();
            tokio::task::spawn_blocking(move || {
                // A thread that panicked left a transaction that its connection takes back.
                let mut open = file.open.lock().unwrap_or_else(PoisonError::into_inner);
                let done = match &mut *open {
                    Some(open) => file.check(open).and_then(|()| work(open, &file)),
                    none => work(none.insert(file.connect()?), &file),
                };
                // What is restored from a backup is found by the next one who asks.
                if matches!(done, Err(StoreError::Replaced { .. })) {
                    *open = None;
                }
                done
            })
            .await
            .unwrap_or_else(|error| Err(StoreError::Other { place, reason: error.to_string() }))
        })
    }
}

impl Store for SqliteStore {
    fn place(&self) -> String {
        self.file.place()
    }

    fn prepare<'a>(&'a self, fresh: &'a Meta) -> Reply<'a, Meta> {
        let fresh = fresh.clone();
        Box::pin(async move {
            self.file.make()?;
            self.with(move |open, file| {
                migrate(&mut open.writer, MIGRATIONS, file)?;
                prepare(&open.writer, &fresh).map_err(|error| file.error(error))
            })
            .await
        })
    }

    fn load(&self, after: i64) -> Reply<'_, Option<Loaded>> {
        self.with(move |open, file| {
            let raw = rows::load(open, after).map_err(|error| file.error(error))?;
            let corrupt = |reason| StoreError::Corrupt { place: file.place(), reason };
            raw.map(rows::read).transpose().map_err(corrupt)
        })
    }

    fn write<'a>(&'a self, after: i64, write: &'a Write) -> Reply<'a, Option<i64>> {
        let write = write.clone();
        self.with(move |open, file| {
            let done = rows::put(&mut open.writer, after, &write).map_err(|error| file.error(error))?;
            // What was written to a file that was deleted meanwhile is lost with it.
            file.check(open).map(|()| done)
        })
    }

    fn wait(&self) -> Pin<Box<dyn Future<Output = ()> + Send + '_>> {
        Box::pin(tokio::time::sleep(self.poll))
    }
}

impl OpenFile {
    fn place(&self) -> String {
        self.path.display().to_string()
    }

    /// Makes the file if it is not there: SQLite would let everybody read it.
    fn make(&self) -> Result<(), StoreError> {
        let made = match private_options().write(true).create_new(true).open(&self.path) {
            Ok(_) => sync_folder_of(&self.path),
            // Whether it can be opened is for SQLite to say.
            Err(_) if self.path.exists() => Ok(()),
            Err(error) => Err(error),
        };
        made.map_err(|error| self.file_error(&error))
    }

    fn file_error(&self, error: &io::Error) -> StoreError {
        let place = self.place();
        match error.kind() {
            ErrorKind::ReadOnlyFilesystem | ErrorKind::PermissionDenied => StoreError::ReadOnly { place },
            ErrorKind::StorageFull => StoreError::Full { place },
            _ => StoreError::Unavailable { place, reason: error.to_string() },
        }
    }

    /// Why SQLite, which says no more than that, cannot open the file: it wants to make others beside it.
    fn cannot_open(&self, reason: String) -> StoreError {
        let mut beside = self.path.clone().into_os_string();
        beside.push(format!("-probe-{}", std::process::id()));
        let probed = private_options().write(true).create_new(true).open(&beside);
        let _ = std::fs::remove_file(&beside);
        match probed {
            Err(error) if error.kind() != ErrorKind::AlreadyExists => self.file_error(&error),
            _ => StoreError::Unavailable { place: self.place(), reason },
        }
    }

    /// Whether the file that is open is still the one at its path.
    fn check(&self, open: &Open) -> Result<(), StoreError> {
        if identity_of(&self.path) == open.identity {
            return Ok(());
        }
        Err(StoreError::Replaced { path: self.path.clone() })
    }

    fn connect(&self) -> Result<Open, StoreError> {
        let connect = || -> rusqlite::Result<Connection> {
            let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
            let connection = Connection::open_with_flags(&self.path, flags)?;
            connection.busy_timeout(BUSY)?;
            connection.pragma_update(None, "journal_mode", "WAL")?;
            connection.pragma_update(None, "synchronous", "FULL")?;
            connection.pragma_update(None, "foreign_keys", true)?;
            // What is erased is overwritten.
            connection.pragma_update(None, "secure_delete", true)?;
            let page_bytes: u32 = connection.query_row("PRAGMA page_size", [], |row| row.get(0))?;
            let max_pages = (self.max_bytes / u64::from(page_bytes.max(1))).clamp(1, u64::from(u32::MAX) - 2);
            connection.query_row(&format!("PRAGMA max_page_count = {max_pages}"), [], |_| Ok(()))?;
            Ok(connection)
        };
        let writer = connect().map_err(|error| self.error(error))?;
        let reader = connect().map_err(|error| self.error(error))?;
        Ok(Open { writer, reader, identity: identity_of(&self.path), seen: None })
    }

    fn error(&self, error: rusqlite::Error) -> StoreError {
        let (place, reason) = (self.place(), error.to_string());
        match error.sqlite_error_code() {
            Some(ErrorCode::DiskFull) => StoreError::Full { place },
            Some(ErrorCode::ReadOnly) => StoreError::ReadOnly { place },
            Some(ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked) => StoreError::Locked { place },
            Some(ErrorCode::DatabaseCorrupt | ErrorCode::NotADatabase) => StoreError::Corrupt { place, reason },
            Some(ErrorCode::CannotOpen) => self.cannot_open(reason),
            Some(ErrorCode::SystemIoFailure | ErrorCode::PermissionDenied) => StoreError::Unavailable { place, reason },
            _ => StoreError::Other { place, reason },
        }
    }
}

fn migrate(connection: &mut Connection, migrations: &[Migration], file: &OpenFile) -> Result<(), StoreError> {
    let known = migrate::last(migrations);
    let found = schema_of(connection).map_err(|error| file.error(error))?;
    if found > known {
        return Err(StoreError::TooNew { place: file.place(), found, known });
    }
    // Nothing is written where nothing is missing: the file may be read-only.
    if found == known {
        return Ok(());
    }
    let mut steps = || -> rusqlite::Result<()> {
        let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
        transaction.execute(migrate::TABLE, [])?;
        // Once more: another process may have been faster.
        let done = transaction.query_row(migrate::DONE, [], |row| row.get(0))?;
        for (number, migration) in migrate::after(migrations, done) {
            transaction.execute_batch(migration.sqlite)?;
            transaction.execute(migrate::RECORD, [number])?;
        }
        transaction.commit()
    };
    steps().map_err(|error| file.error(error))
}

fn schema_of(connection: &Connection) -> rusqlite::Result<i64> {
    let tables = "SELECT COUNT(*) FROM sqlite_master WHERE type = 'table' AND name = 'kms_schema'";
    match connection.query_row(tables, [], |row| row.get::<_, i64>(0))? {
        0 => Ok(0),
        _ => connection.query_row(migrate::DONE, [], |row| row.get(0)),
    }
}

fn prepare(writer: &Connection, fresh: &Meta) -> rusqlite::Result<Meta> {
    // Nothing is written where it is there: the file may be read-only.
    if let Some(known) = writer.query_row(sql::META, [], meta).optional()? {
        return Ok(known);
    }
    writer.execute(sql::INIT, params![fresh.store_id, fresh.canary])?;
    writer.query_row(sql::META, [], meta)
}

/// Which file lies at a path.
type Identity = (u64, u64);

#[cfg(unix)]
fn identity_of(path: &Path) -> Option<Identity> {
    use std::os::unix::fs::MetadataExt;

    std::fs::metadata(path).ok().map(|metadata| (metadata.dev(), metadata.ino()))
}

#[cfg(not(unix))]
fn identity_of(path: &Path) -> Option<Identity> {
    path.exists().then_some((0, 0))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::key::KeyRef;
    use crate::store::KeyRow;

    fn store(path: &Path) -> SqliteStore {
        let config = SqliteConfig { path: path.to_owned(), max_bytes: 1 << 30 };
        SqliteStore::new(&config, Duration::from_millis(10))
    }

    fn fresh() -> Meta {
        Meta { store_id: vec![1; 16], canary: vec![2; 16], change: 1 }
    }

    #[tokio::test]
    async fn a_store_that_has_become_read_only_refuses_changes_and_is_read_on() {
        let folder = tempfile::tempdir().unwrap();
        let store = store(&folder.path().join("keys.db"));
        assert_eq!(store.prepare(&fresh()).await.unwrap(), fresh());
        let row = KeyRow { key: KeyRef::mac("acme", "k").unwrap(), scheme: "v{N}".into(), created_ms: 1 };
        let write = Write { keys: vec![row.clone()], ..Write::default() };
        let set = |is_read_only: bool| {
            let open = store.file.open.lock().unwrap();
            open.as_ref().unwrap().writer.pragma_update(None, "query_only", is_read_only).unwrap();
        };
        set(true);
        let error = store.write(1, &write).await.unwrap_err();
        assert!(matches!(error, StoreError::ReadOnly { .. }), "{error}");
        assert_eq!(store.load(0).await.unwrap().unwrap().keys, []);
        assert_eq!(store.prepare(&fresh()).await.unwrap(), fresh(), "what is there needs no writing");
        set(false);
        assert_eq!(store.write(1, &write).await.unwrap(), Some(2));
        assert_eq!(store.write(1, &write).await.unwrap(), None, "somebody was faster");
        assert_eq!(store.load(1).await.unwrap().unwrap().keys, [row]);
        assert!(store.load(2).await.unwrap().is_none());
        assert!(store.load(7).await.unwrap().unwrap().is_whole, "a store that was set back gives all it has");
    }

    #[test]
    fn steps_are_taken_once_in_order_and_all_or_none() {
        let folder = tempfile::tempdir().unwrap();
        let file = store(&folder.path().join("keys.db")).file;
        file.make().unwrap();
        let mut writer = file.connect().unwrap().writer;
        let step = |sqlite| Migration { sqlite, postgres: "" };
        let steps = [
            step("CREATE TABLE first (a)"),
            step("ALTER TABLE first ADD COLUMN b; INSERT INTO first VALUES (1, 2)"),
            step("INSERT INTO first VALUES (3, 4); INSERT INTO nowhere VALUES (5)"),
        ];
        migrate(&mut writer, &steps[..1], &file).unwrap();
        migrate(&mut writer, &steps[..2], &file).unwrap();
        migrate(&mut writer, &steps[..2], &file).unwrap();
        assert!(migrate(&mut writer, &steps, &file).is_err());
        let count = |sql: &str| writer.query_row(sql, [], |row| row.get::<_, i64>(0)).unwrap();
        assert_eq!(count("SELECT COUNT(*) FROM first"), 1);
        assert_eq!(count("SELECT MAX(number) FROM kms_schema"), 2);
    }
}
