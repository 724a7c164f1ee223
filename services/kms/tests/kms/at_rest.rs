use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::time::Duration;

use ron_kms::{Kms, KmsConfig, KmsError, MasterKeySource, Rotation, Secret, StoreError};
use rusqlite::Connection;

use crate::child::{Process, proof};
use crate::util::{AT_ONCE, Folder, NOW_MS, TestClock, create_both, eventually, mac, passport, scheme};

fn database(folder: &Folder) -> Connection {
    Connection::open(folder.path("keys.db")).unwrap()
}

fn put_master_key(path: &Path, byte: &str) -> MasterKeySource {
    fs::write(path, byte.repeat(32)).unwrap();
    fs::set_permissions(path, fs::Permissions::from_mode(0o600)).unwrap();
    MasterKeySource::File(path.to_owned())
}

#[tokio::test]
async fn keys_are_the_same_after_a_restart() {
    let (folder, clock) = (Folder::new(), TestClock::new());
    let kms = folder.open(&clock).await;
    create_both(&kms).await;
    kms.rotate(&passport(), Rotation::default()).await.unwrap();
    let (attested, signed) = (kms.attest(), kms.signer(&passport()).unwrap().sign(b"a message").unwrap());
    let proven = proof(&kms, "tokens-v1").unwrap();
    kms.close().await;
    let kms = folder.open(&clock).await;
    assert_eq!(kms.attest(), attested);
    assert_eq!(kms.signer(&passport()).unwrap().sign(b"a message").unwrap(), signed);
    assert_eq!(proof(&kms, "tokens-v1").unwrap(), proven);
}

#[tokio::test]
async fn a_wrong_master_key_is_one_clear_error_and_changes_nothing() {
    let (folder, clock) = (Folder::new(), TestClock::new());
    let kms = folder.open(&clock).await;
    create_both(&kms).await;
    let attested = kms.attest();
    kms.close().await;
    let right = folder.config();
    let wrong = KmsConfig { master_key: put_master_key(&folder.path("other.key"), "5a"), ..right.clone() };
    let error = Kms::open(wrong, clock.clone()).await.unwrap_err();
    assert!(matches!(error, KmsError::WrongMasterKey { .. }) && !error.is_transient(), "{error}");
    let text = error.to_string();
    assert!(text.contains("other.key") && text.contains(&attested.sealed_under) && !text.contains('\n'), "{text}");
    assert_eq!(Kms::open(right, clock).await.unwrap().attest(), attested);
}

#[tokio::test]
async fn a_master_key_from_the_environment_opens_what_the_same_from_a_file_has_sealed() {
    let (folder, clock) = (Folder::new(), TestClock::new());
    let in_file = KmsConfig { master_key: put_master_key(&folder.path("a.key"), "5a"), ..folder.config() };
    create_both(&Kms::open(in_file, clock).await.unwrap()).await;
    let process = Process::start("watch", folder.path("keys.db").to_str().unwrap(), "env");
    let line = || process.lines.recv_timeout(Duration::from_secs(30)).unwrap();
    assert_eq!([line(), line()], ["open", "signs ed25519/default/v1"]);
}

#[tokio::test]
async fn no_secret_lies_in_any_file_and_nobody_else_may_read_them() {
    let (folder, clock) = (Folder::new(), TestClock::new());
    let kms = folder.open(&clock).await;
    let secret = b"thirty-two bytes that are secret";
    kms.create_mac(&mac(), &scheme("tokens-v{N}"), Some(Secret::new(*secret))).await.unwrap();
    kms.create_ed25519(&passport(), &scheme("v{N}"), Some(Secret::new(*secret))).await.unwrap();
    let mut files = 0;
    for file in fs::read_dir(folder.0.path()).unwrap() {
        let path = file.unwrap().path();
        let bytes = fs::read(&path).unwrap();
        assert!(!bytes.windows(16).any(|window| secret.windows(16).any(|part| part == window)), "{}", path.display());
        assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o077, 0, "{}", path.display());
        files += 1;
    }
    assert!(files >= 3, "master key, database, write-ahead log");
}

#[tokio::test]
async fn a_row_that_was_changed_or_put_in_another_place_is_refused() {
    let (folder, clock) = (Folder::new(), TestClock::new());
    let kms = folder.open(&clock).await;
    create_both(&kms).await;
    kms.rotate(&mac(), AT_ONCE).await.unwrap();
    kms.rotate(&passport(), AT_ONCE).await.unwrap();
    kms.close().await;
    let good = fs::read(folder.path("keys.db")).unwrap();
    for damage in [
        "UPDATE kms_version SET sealed = (SELECT sealed FROM kms_version WHERE kid = 'tokens-v1') \
         WHERE kid = 'tokens-v2'",
        "UPDATE kms_version SET version = 5 WHERE kid = 'tokens-v2'",
        "UPDATE kms_version SET kid = 'tokens-v3' WHERE kid = 'tokens-v2'",
        "UPDATE kms_version SET tenant = 'other' WHERE kind = 'mac'; \
         UPDATE kms_key SET tenant = 'other' WHERE kind = 'mac'",
        "UPDATE kms_version SET public_key = (SELECT public_key FROM kms_version WHERE kid = 'ed25519/default/v1') \
         WHERE kid = 'ed25519/default/v2'",
        "UPDATE kms_version SET sealed = substr(sealed, 1, 60) WHERE kid = 'tokens-v1'",
    ] {
        let database = database(&folder);
        database.pragma_update(None, "foreign_keys", false).unwrap();
        database.execute_batch(damage).unwrap();
        drop(database);
        let error = Kms::open(folder.config(), clock.clone()).await.unwrap_err();
        assert!(matches!(error, KmsError::Tampered { .. }), "{damage}: {error}");
        fs::write(folder.path("keys.db"), &good).unwrap();
    }
    folder.open(&clock).await;
}

#[tokio::test]
async fn a_running_process_refuses_what_was_changed_and_goes_on_with_what_it_has() {
    let (folder, clock) = (Folder::new(), TestClock::new());
    let kms = folder.open(&clock).await;
    create_both(&kms).await;
    let before = kms.signer(&passport()).unwrap().sign(b"a message").unwrap();
    database(&folder)
        .execute_batch("UPDATE kms_version SET public_key = zeroblob(32), change = 9; UPDATE kms_meta SET change = 9")
        .unwrap();
    eventually("a status that says so", async || !kms.status().is_ready()).await;
    let missing = kms.status().missing.unwrap();
    assert!(missing.error.contains("was changed in the store"), "{missing:?}");
    assert_eq!(kms.signer(&passport()).unwrap().sign(b"a message").unwrap(), before);
}

#[tokio::test]
async fn all_is_sealed_anew_under_another_master_key_at_once() {
    let (folder, clock) = (Folder::new(), TestClock::new());
    let old = put_master_key(&folder.path("old.key"), "5a");
    let new = put_master_key(&folder.path("new.key"), "c3");
    let under_old = KmsConfig { master_key: old.clone(), ..folder.config() };
    let under_both = KmsConfig { master_key: new.clone(), previous_master_keys: vec![old.clone()], ..folder.config() };
    let under_new = KmsConfig { master_key: new, ..folder.config() };

    let before = Kms::open(under_old.clone(), clock.clone()).await.unwrap();
    create_both(&before).await;
    let kms = Kms::open(under_both.clone(), clock.clone()).await.unwrap();
    assert!(kms.status().is_reseal_due && !before.status().is_reseal_due);
    // Until then what is new is under the old one, so that the others can read it.
    kms.rotate(&passport(), AT_ONCE).await.unwrap();
    eventually("the rotation", async || before.attest() == kms.attest()).await;
    assert!(matches!(Kms::open(under_new.clone(), clock.clone()).await, Err(KmsError::WrongMasterKey { .. })));

    assert_eq!(kms.reseal().await.unwrap(), 3);
    assert!(!kms.status().is_reseal_due);
    assert_eq!(kms.reseal().await.unwrap(), 0);
    let kms = Kms::open(under_new, clock.clone()).await.unwrap();
    kms.rotate(&passport(), AT_ONCE).await.unwrap();
    assert!(matches!(Kms::open(under_old, clock.clone()).await, Err(KmsError::WrongMasterKey { .. })));

    // One that was not told goes on with what it has, says so, and writes nothing that others could not read.
    eventually("a status that says so", async || !before.status().is_ready()).await;
    assert_eq!(before.status().missing.unwrap().what, "master key");
    assert!(before.signer(&passport()).unwrap().sign(b"a message").is_ok());
    assert!(matches!(before.rotate(&mac(), AT_ONCE).await, Err(KmsError::WrongMasterKey { .. })));
}

#[tokio::test]
async fn secrets_of_retired_versions_are_erased_when_that_is_asked_for_and_their_key_ids_stay() {
    let (folder, clock) = (Folder::new(), TestClock::new());
    let kms = folder.open(&clock).await;
    create_both(&kms).await;
    kms.rotate(&mac(), Rotation { lead: Duration::ZERO, grace: Some(Duration::from_secs(10)) }).await.unwrap();
    let day = Duration::from_secs(86_400);
    clock.set(NOW_MS + 10_000);
    assert_eq!(kms.erase_retired(day).await.unwrap(), 0);
    clock.set(NOW_MS + 10_000 + 86_400_000);
    assert_eq!(kms.erase_retired(day).await.unwrap(), 1);
    assert_eq!(kms.erase_retired(day).await.unwrap(), 0);
    kms.close().await;
    let left = "SELECT COUNT(*) FROM kms_version WHERE kid = 'tokens-v1' AND sealed IS NULL";
    assert_eq!(database(&folder).query_row(left, [], |row| row.get::<_, i64>(0)).unwrap(), 1);
    let kms = folder.open(&clock).await;
    assert_eq!(proof(&kms, "tokens-v1"), None);
    assert_eq!(kms.retired_uses().total, 1);
}

#[tokio::test]
async fn a_store_of_a_later_program_is_left_alone() {
    let (folder, clock) = (Folder::new(), TestClock::new());
    folder.open(&clock).await.close().await;
    database(&folder).execute("INSERT INTO kms_schema (number) VALUES (99)", []).unwrap();
    let error = Kms::open(folder.config(), clock).await.unwrap_err();
    assert!(matches!(error, KmsError::Store(StoreError::TooNew { found: 99, .. })), "{error}");
    assert!(!error.is_transient());
}
