use std::fs::{self, File};
use std::io::Write;
use std::path::Path;
use std::process::Command;

use ron_kms::{Kms, KmsConfig, KmsError, MasterKeySource, SqliteConfig, StoreConfig, StoreError};

use crate::child::proof;
use crate::server::skipped;
use crate::util::{AT_ONCE, Folder, TestClock, create_both, eventually, mac, passport};

/// Rotates until the store is full, and checks that nothing is lost by that. Gives the key ids that were acknowledged.
async fn fill(kms: &Kms) -> Vec<String> {
    let mut acknowledged = Vec::new();
    let error = loop {
        match kms.rotate(&mac(), AT_ONCE).await {
            Ok(made) => acknowledged.push(made.kid),
            Err(error) => break error,
        }
        assert!(acknowledged.len() < 9000, "it never became full");
    };
    assert!(matches!(error, KmsError::Store(StoreError::Full { .. })) && error.is_transient(), "{error}");
    let unwritable = kms.status().unwritable.expect("a status that says so");
    assert!(unwritable.error.contains("is full") && unwritable.error.contains("nothing was changed"), "{unwritable:?}");
    assert!(kms.status().is_ready(), "look-ups do not mind");
    check(kms, &acknowledged);
    acknowledged
}

/// What was acknowledged is there, and nothing else.
fn check(kms: &Kms, acknowledged: &[String]) {
    let last = acknowledged.last().map_or("tokens-v1", String::as_str);
    assert_eq!(&*kms.minting_key(&mac()).unwrap().kid, last, "the old state keeps working");
    assert_eq!(kms.attest().keys[0].versions.len(), acknowledged.len() + 1, "nothing is half-written");
    assert!(acknowledged.iter().all(|kid| proof(kms, kid).is_some()));
    assert!(kms.signer(&passport()).unwrap().sign(b"a message").is_ok());
}

#[tokio::test]
async fn a_store_that_reaches_its_largest_size_refuses_changes_and_goes_on() {
    let (folder, clock) = (Folder::new(), TestClock::new());
    let sqlite = |max_bytes| StoreConfig::Sqlite(SqliteConfig { path: folder.path("keys.db"), max_bytes });
    let small = KmsConfig { store: sqlite(100_000), ..folder.config() };
    let kms = Kms::open(small.clone(), clock.clone()).await.unwrap();
    create_both(&kms).await;
    let acknowledged = fill(&kms).await;
    kms.close().await;
    let kms = Kms::open(small, clock.clone()).await.unwrap();
    check(&kms, &acknowledged);
    kms.close().await;
    let kms = Kms::open(KmsConfig { store: sqlite(200_000), ..folder.config() }, clock).await.unwrap();
    kms.rotate(&mac(), AT_ONCE).await.unwrap();
}

/// A file system of a megabyte, taken away again.
struct SmallDisk<'a>(&'a Path);

impl<'a> SmallDisk<'a> {
    fn mount(path: &'a Path) -> Option<Self> {
        fs::create_dir(path).unwrap();
        let mounted = Command::new("mount").args(["-t", "tmpfs", "-o", "size=1m", "none"]).arg(path).output();
        mounted.is_ok_and(|output| output.status.success()).then(|| Self(path))
    }
}

impl Drop for SmallDisk<'_> {
    fn drop(&mut self) {
        let _ = Command::new("umount").arg("-l").arg(self.0).status();
    }
}

#[tokio::test]
async fn a_full_disk_refuses_changes_and_goes_on_until_there_is_room() {
    let (folder, clock) = (Folder::new(), TestClock::new());
    let path = folder.path("disk");
    let Some(_disk) = SmallDisk::mount(&path) else {
        return skipped("a full disk", "a tmpfs cannot be mounted here; the limit of a store's size is tried instead");
    };
    let config = KmsConfig { poll_ms: 20, ..KmsConfig::sqlite(path.join("keys.db"), folder.master_key()) };
    let kms = Kms::open(config.clone(), clock.clone()).await.unwrap();
    create_both(&kms).await;
    let ballast = path.join("ballast");
    let mut file = File::create(&ballast).unwrap();
    while file.write_all(&[0; 4096]).is_ok() {}
    let mut acknowledged = fill(&kms).await;
    fs::remove_file(&ballast).unwrap();
    drop(file);
    acknowledged.push(kms.rotate(&mac(), AT_ONCE).await.unwrap().kid);
    assert_eq!(kms.status().unwritable, None);
    check(&kms, &acknowledged);
    kms.close().await;
    check(&Kms::open(config, clock).await.unwrap(), &acknowledged);
}

#[tokio::test]
async fn a_read_only_disk_at_the_start_is_a_typed_error_and_the_store_is_as_it_was() {
    let (folder, clock) = (Folder::new(), TestClock::new());
    let path = folder.path("disk");
    let Some(_disk) = SmallDisk::mount(&path) else {
        return skipped("a read-only disk", "a tmpfs cannot be mounted here");
    };
    let config = KmsConfig::sqlite(path.join("keys.db"), folder.master_key());
    let kms = Kms::open(config.clone(), clock.clone()).await.unwrap();
    create_both(&kms).await;
    kms.close().await;
    let remount = |how| assert!(Command::new("mount").args(["-o", how]).arg(&path).status().unwrap().success());
    remount("remount,ro");
    let error = Kms::open(config.clone(), clock.clone()).await.unwrap_err();
    assert!(matches!(error, KmsError::Store(StoreError::ReadOnly { .. })) && error.is_transient(), "{error}");
    let new = Kms::open(KmsConfig::sqlite(path.join("new.db"), folder.master_key()), clock.clone()).await.unwrap_err();
    assert!(matches!(new, KmsError::Store(StoreError::ReadOnly { .. })) && new.is_transient(), "{new}");
    remount("remount,rw");
    check(&Kms::open(config, clock).await.unwrap(), &[]);
}

#[tokio::test]
async fn a_store_that_was_closed_says_that_it_is_not_followed() {
    let (folder, clock) = (Folder::new(), TestClock::new());
    let kms = folder.open(&clock).await;
    create_both(&kms).await;
    let clone = kms.clone();
    kms.close().await;
    assert!(clone.status().missing.unwrap().error.contains("not followed"));
    check(&clone, &[]);
    clone.close().await;
}

#[tokio::test]
async fn a_file_that_is_deleted_or_replaced_is_noticed_before_a_change_is_acknowledged() {
    let (folder, clock) = (Folder::new(), TestClock::new());
    let kms = folder.open(&clock).await;
    create_both(&kms).await;
    let path = folder.path("keys.db");
    let aside = folder.path("aside.db");
    fs::rename(&path, &aside).unwrap();
    let error = kms.rotate(&mac(), AT_ONCE).await.unwrap_err();
    assert!(matches!(error, KmsError::Store(StoreError::Replaced { .. } | StoreError::Unavailable { .. })), "{error}");
    eventually("a status that says so", async || !kms.status().is_ready()).await;
    check(&kms, &[]);
    assert!(!path.exists(), "no empty store is made in its place");
    fs::rename(&aside, &path).unwrap();
    eventually("the store again", async || kms.status().is_ready()).await;
    let made = kms.rotate(&mac(), AT_ONCE).await.unwrap();
    check(&kms, &[made.kid]);

    // Another store in its place is not taken for it.
    let other = Folder::new();
    let config = KmsConfig { master_key: folder.master_key(), ..other.config() };
    create_both(&Kms::open(config, clock).await.unwrap()).await;
    for name in ["keys.db", "keys.db-wal", "keys.db-shm"] {
        let _ = fs::rename(other.path(name), folder.path(name));
    }
    eventually("a status that says so", async || !kms.status().is_ready()).await;
    eventually("why", async || kms.status().missing.unwrap().error.contains("another store")).await;
    assert_eq!(kms.attest().keys[0].versions.len(), 2);
}

#[tokio::test]
async fn a_store_that_cannot_be_had_at_the_start_is_a_typed_error() {
    let (folder, clock) = (Folder::new(), TestClock::new());
    let nowhere = KmsConfig::sqlite(folder.path("no/such/folder/keys.db"), folder.master_key());
    let error = Kms::open(nowhere.clone(), clock.clone()).await.unwrap_err();
    assert!(matches!(error, KmsError::Store(StoreError::Unavailable { .. })), "{error}");
    assert!(error.to_string().contains("no/such/folder") && error.is_transient(), "{error}");

    fs::write(folder.path("text.db"), "this is not a database, but a text of some length").unwrap();
    let text = KmsConfig::sqlite(folder.path("text.db"), folder.master_key());
    let error = Kms::open(text, clock.clone()).await.unwrap_err();
    assert!(matches!(error, KmsError::Store(StoreError::Corrupt { .. })) && !error.is_transient(), "{error}");

    let no_master = KmsConfig::sqlite(folder.path("new.db"), MasterKeySource::File(folder.path("none")));
    assert!(matches!(Kms::open(no_master, clock.clone()).await, Err(KmsError::MasterKey { .. })));
    assert!(!folder.path("new.db").exists(), "nothing is made without a master key");

    // Patience: the folder appears.
    let opening = tokio::spawn(async move {
        let mut told = Vec::new();
        let kms = Kms::open_patiently(nowhere, clock, |error| told.push(error.to_string())).await;
        (kms.map(drop), told)
    });
    tokio::time::sleep(std::time::Duration::from_millis(150)).await;
    fs::create_dir_all(folder.path("no/such/folder")).unwrap();
    let (opened, told) = opening.await.unwrap();
    opened.unwrap();
    assert!(told.iter().all(|error| error.contains("no/such/folder")) && !told.is_empty());
}

#[tokio::test]
async fn a_writer_that_holds_the_store_delays_changes_and_no_look_up() {
    let (folder, clock) = (Folder::new(), TestClock::new());
    let kms = folder.open(&clock).await;
    create_both(&kms).await;
    let other = rusqlite::Connection::open(folder.path("keys.db")).unwrap();
    other.execute_batch("BEGIN IMMEDIATE").unwrap();
    let rotating = tokio::spawn({
        let kms = kms.clone();
        async move { kms.rotate(&mac(), AT_ONCE).await }
    });
    tokio::time::sleep(std::time::Duration::from_millis(100)).await;
    assert!(!rotating.is_finished());
    check(&kms, &[]);
    other.execute_batch("ROLLBACK").unwrap();
    let made = rotating.await.unwrap().unwrap();
    check(&kms, &[made.kid]);
}
