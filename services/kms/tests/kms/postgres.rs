use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use ron_kms::{Kms, KmsConfig, KmsError, StoreError, SystemClock};

use crate::child::{Process, proof};
use crate::processes::{rotate_in_sight, watchers};
use crate::server::Server;
use crate::util::{AT_ONCE, Folder, TestClock, chance, create_both, eventually, mac, passport};

impl Server {
    pub(crate) fn config(&self, folder: &Folder) -> KmsConfig {
        KmsConfig::postgres(&self.url, folder.master_key())
    }

    /// Something else that talks to the server.
    pub(crate) async fn execute(&self, sql: &str) {
        let (client, connection) = tokio_postgres::connect(&self.url, tokio_postgres::NoTls).await.unwrap();
        let connection = tokio::spawn(connection);
        client.batch_execute(sql).await.unwrap();
        connection.abort();
    }

    /// Asks for a number, on the socket.
    pub(crate) async fn number(&self, sql: &str) -> i64 {
        let (client, connection) = tokio_postgres::connect(&self.url, tokio_postgres::NoTls).await.unwrap();
        let connection = tokio::spawn(connection);
        let number = client.query_one(sql, &[]).await.unwrap().get(0);
        connection.abort();
        number
    }

    /// Whom the server lets in from now on, by the lines of its `pg_hba.conf`; and it logs who comes.
    pub(crate) async fn let_in(&self, lines: &str) {
        // Written in place, it stays the server's own where the test is root.
        std::fs::write(self.path("data/pg_hba.conf"), lines).unwrap();
        let loaded = "SELECT (1e6 * extract(epoch FROM pg_conf_load_time()))::bigint";
        let before = self.number(loaded).await;
        self.execute("ALTER SYSTEM SET log_connections = on").await;
        self.execute("SELECT pg_reload_conf()").await;
        eventually("other settings of the server", async || self.number(loaded).await != before).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_rotation_is_seen_by_all_processes_at_once_and_within_a_second_where_a_notice_is_lost() {
    let Some(server) = Server::start("a rotation in Postgres") else { return };
    let (folder, clock) = (Folder::new(), TestClock::new());
    let slow = KmsConfig { poll_ms: 1000, ..server.config(&folder) };
    let kms = Kms::open(slow, clock.clone()).await.unwrap();
    create_both(&kms).await;
    let master = folder.path("master.key");
    let watchers = watchers(2, &server.url, master.to_str().unwrap());
    for _ in 0..5 {
        let elapsed = rotate_in_sight(&kms, &watchers).await;
        assert!(elapsed < Duration::from_secs(1), "{elapsed:?}");
    }
    // Looked at once a second, it would miss this mark half of the time.
    let other = Kms::open(server.config(&folder), clock).await.unwrap();
    for _ in 0..8 {
        let made = other.rotate(&mac(), AT_ONCE).await.unwrap();
        let seen = eventually("the rotation", async || *kms.minting_key(&mac()).unwrap().kid == *made.kid).await;
        assert!(seen < Duration::from_millis(500), "{seen:?}");
    }
    assert_eq!(kms.attest(), other.attest());
    // A change of which nobody was told.
    let before = other.status().change;
    server.execute("UPDATE kms_meta SET change = change + 1").await;
    let seen = eventually("the change", async || other.status().change == before + 1).await;
    assert!(seen < Duration::from_secs(1), "{seen:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_server_that_goes_away_is_waited_for_with_the_keys_that_were_read_last() {
    let Some(server) = Server::start("Postgres that goes away") else { return };
    let (folder, clock) = (Folder::new(), TestClock::new());
    let kms = Kms::open(server.config(&folder), clock.clone()).await.unwrap();
    create_both(&kms).await;
    let signer = kms.signer(&passport()).unwrap();
    let signed = signer.sign(b"a message").unwrap();
    for how in ["fast", "immediate"] {
        server.stop(how);
        eventually("a status that says so", async || !kms.status().is_ready()).await;
        let missing = kms.status().missing.unwrap();
        assert_eq!((missing.what, missing.since_unix_ms), ("key store", crate::util::NOW_MS));
        assert!(missing.error.contains("cannot be reached"), "{missing:?}");
        let error = kms.rotate(&passport(), AT_ONCE).await.unwrap_err();
        assert!(matches!(error, KmsError::Store(StoreError::Unavailable { .. })) && error.is_transient(), "{error}");
        assert_eq!(signer.sign(b"a message").unwrap(), signed, "the old keys go on");
        let error = Kms::open(server.config(&folder), clock.clone()).await.unwrap_err();
        assert!(matches!(error, KmsError::Store(StoreError::Unavailable { .. })) && error.is_transient(), "{error}");

        let (config, clock) = (server.config(&folder), clock.clone());
        let opening = tokio::spawn(Kms::open_patiently(config, clock, |error| assert!(error.is_transient())));
        server.start_again();
        let back = eventually("the store again", async || kms.status().is_ready()).await;
        assert!(back < Duration::from_secs(5), "{back:?}");
        assert_eq!(opening.await.unwrap().unwrap().attest(), kms.attest());
    }
    assert_eq!(kms.rotate(&passport(), AT_ONCE).await.unwrap().version, 2);
    assert_eq!(kms.status().unwritable, None);
    // It may have several lines to say, and a log has one for it.
    let detailed = "CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN \
        RAISE EXCEPTION 'not yet' USING ERRCODE = '57P03', DETAIL = 'it recovers', HINT = 'wait'; END $$; \
        CREATE TRIGGER refuse BEFORE UPDATE ON kms_meta EXECUTE FUNCTION refuse()";
    server.execute(detailed).await;
    let text = kms.rotate(&passport(), AT_ONCE).await.unwrap_err().to_string();
    assert!(text.ends_with("cannot be reached: ERROR: not yet; DETAIL: it recovers; HINT: wait"), "{text}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_was_acknowledged_is_there_after_a_crash_of_the_server_or_of_the_process() {
    let Some(server) = Server::start("crashes with Postgres") else { return };
    let (folder, mut acknowledged) = (Folder::new(), BTreeMap::new());
    for crash in 0..24 {
        let process = Process::start("rotate", &server.url, folder.path("master.key").to_str().unwrap());
        let mut lines = vec![process.lines.recv_timeout(Duration::from_secs(30)).unwrap()];
        std::thread::sleep(Duration::from_micros(20_000 + chance(30_000)));
        if crash % 4 == 0 {
            server.stop("immediate");
        }
        lines.extend(process.kill());
        if crash % 4 == 0 {
            server.start_again();
        }
        for line in &lines {
            if let Some((kid, proof)) = line.strip_prefix("ack ").and_then(|line| line.split_once(' ')) {
                acknowledged.insert(kid.to_owned(), proof.to_owned());
            }
        }
        let kms = Kms::open(server.config(&folder), Arc::new(SystemClock)).await.unwrap();
        for (kid, expected) in &acknowledged {
            assert_eq!(proof(&kms, kid).as_ref(), Some(expected), "{kid} after crash {crash}");
        }
    }
    assert!(acknowledged.len() > 48, "{} changes in all: the crashes came too early", acknowledged.len());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn processes_that_start_at_the_same_time_make_one_store() {
    let Some(server) = Server::start("starting at the same time") else { return };
    let (folder, clock) = (Folder::new(), TestClock::new());
    let open = |_| tokio::spawn(Kms::open(server.config(&folder), clock.clone()));
    let opening: Vec<_> = (0..8).map(open).collect();
    let mut all = Vec::new();
    for opening in opening {
        all.push(opening.await.unwrap().unwrap());
    }
    create_both(&all[0]).await;
    for kms in &all {
        eventually("the same in all", async || kms.attest() == all[0].attest()).await;
    }
    // One that may read and not write says so, and reads.
    server
        .execute(
            "CREATE ROLE reader LOGIN; GRANT SELECT ON ALL TABLES IN SCHEMA public TO reader; \
             ALTER ROLE reader SET default_transaction_read_only = on",
        )
        .await;
    let url = server.url.replace("user=postgres", "user=reader");
    let reader = Kms::open(KmsConfig::postgres(url, folder.master_key()), clock.clone()).await.unwrap();
    assert_eq!(reader.attest(), all[0].attest());
    let error = reader.rotate(&mac(), AT_ONCE).await.unwrap_err();
    assert!(matches!(error, KmsError::Store(StoreError::ReadOnly { .. })), "{error}");
    assert_eq!(reader.attest(), all[0].attest());
}

#[tokio::test]
async fn an_address_that_is_none_is_refused_without_showing_it() {
    let folder = Folder::new();
    for url in
        ["host=/tmp password='hunter2", "postgres://u:hunter2@[", "postgres://u:with@hunter2@h/keys", "user=hunter2"]
    {
        let error = Kms::open(KmsConfig::postgres(url, folder.master_key()), TestClock::new()).await.unwrap_err();
        assert!(matches!(error, KmsError::Config(_)), "{error}");
        assert!(!error.to_string().contains("hunter2"), "{error}");
    }
}
