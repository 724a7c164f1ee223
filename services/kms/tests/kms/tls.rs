use std::path::Path;
use std::time::Duration;

use ron_kms::{Kms, KmsConfig, KmsError, PostgresConfig, StoreConfig, StoreError};

use crate::authority::Authority;
use crate::server::Server;
use crate::util::{AT_ONCE, Folder, TestClock, create_both, eventually, mac, passport};

/// Over the network TLS only, with a password bound to the connection or with a certificate.
const LET_IN: &str = "local all all trust\n\
    hostssl all kms 127.0.0.1/32 scram-sha-256\n\
    hostssl all machine 127.0.0.1/32 cert\n";
const ROLES: &str = "CREATE ROLE kms LOGIN PASSWORD 'hunter2'; CREATE ROLE machine LOGIN; GRANT kms TO machine; \
    GRANT CREATE ON SCHEMA public TO kms";

/// The name in the server's certificate, which `hostaddr` spares from being looked up.
const NAME: &str = "db.example";

fn url(server: &Server, name: &str) -> String {
    let port = server.port;
    format!("host={name} hostaddr=127.0.0.1 port={port} user=kms password=hunter2 dbname=postgres")
}

fn config(folder: &Folder, url: String, tls_ca: &Path) -> KmsConfig {
    let postgres = PostgresConfig { url, tls_ca: Some(tls_ca.to_owned()), tls_cert: None, tls_key: None };
    with(folder, postgres)
}

fn with(folder: &Folder, postgres: PostgresConfig) -> KmsConfig {
    KmsConfig { store: StoreConfig::Postgres(postgres), ..KmsConfig::postgres("", folder.master_key()) }
}

async fn refused(config: KmsConfig) -> KmsError {
    let error = Kms::open(config, TestClock::new()).await.unwrap_err();
    let text = error.to_string();
    assert!(!text.contains("hunter2") && !text.contains('\n'), "{text}");
    error
}

async fn unavailable(config: KmsConfig) -> String {
    let error = refused(config).await;
    assert!(matches!(error, KmsError::Store(StoreError::Unavailable { .. })) && error.is_transient(), "{error}");
    error.to_string()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn over_tls_keys_work_and_a_rotation_is_seen_at_once() {
    let (authority, folder, clock) = (Authority::new(), Folder::new(), TestClock::new());
    let files = authority.server(NAME, 2100);
    let Some(server) = Server::start_tls("keys over TLS", files.path()) else { return };
    server.let_in(LET_IN).await;
    server.execute(ROLES).await;
    let ca = authority.path("ca.pem");
    let bound = config(&folder, format!("{} channel_binding=require", url(&server, NAME)), &ca);
    let kms = Kms::open(KmsConfig { poll_ms: 1000, ..bound.clone() }, clock.clone()).await.unwrap();
    create_both(&kms).await;

    // The server asks this one for a certificate in place of a password.
    let machine = url(&server, NAME).replace("user=kms password=hunter2", "user=machine");
    let text = unavailable(config(&folder, machine.clone(), &ca)).await;
    assert!(text.contains("requires a valid client certificate"), "{text}");
    let shown = |by: &Authority| {
        let (cert, key) = by.client("machine");
        let (tls_ca, tls_cert, tls_key) = (Some(ca.clone()), Some(cert), Some(key));
        with(&folder, PostgresConfig { url: machine.clone(), tls_ca, tls_cert, tls_key })
    };
    unavailable(shown(&Authority::new())).await;
    let other = Kms::open(shown(&authority), clock).await.unwrap();

    // Looked at once a second, it would miss this mark half of the time.
    for _ in 0..8 {
        let made = other.rotate(&mac(), AT_ONCE).await.unwrap();
        let seen = eventually("the rotation", async || *kms.minting_key(&mac()).unwrap().kid == *made.kid).await;
        assert!(seen < Duration::from_millis(500), "{seen:?}");
    }
    assert_eq!(kms.attest(), other.attest());
    let sessions = "SELECT count(*) FROM pg_stat_ssl JOIN pg_stat_activity USING (pid) \
        WHERE application_name = 'ron-kms'";
    assert_eq!(server.number(sessions).await, 2);
    assert_eq!(server.number(&format!("{sessions} AND ssl AND version IN ('TLSv1.2', 'TLSv1.3')")).await, 2);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_server_that_does_not_show_who_it_is_learns_nothing_until_it_does() {
    let (authority, folder, clock) = (Authority::new(), Folder::new(), TestClock::new());
    let right = authority.server(NAME, 2100);
    let Some(server) = Server::start_tls("refusing servers", right.path()) else { return };
    // Without TLS as well, for whoever tried.
    server.let_in("local all all trust\nhost all kms 127.0.0.1/32 scram-sha-256\n").await;
    server.execute(ROLES).await;
    let ca = authority.path("ca.pem");
    let trusting = config(&folder, url(&server, NAME), &ca);
    let kms = Kms::open(trusting.clone(), clock).await.unwrap();
    create_both(&kms).await;
    let signed = kms.signer(&passport()).unwrap().sign(b"a message").unwrap();
    let (came, went_in) = (|| server.logged("connection received: host=127.0.0.1"), || server.logged("user=kms"));
    let before = went_in();
    assert_eq!(before, 1, "one connection: {}", came());

    // Who else is there: another authority of the same name, and another name.
    let other = Authority::new();
    let text = unavailable(config(&folder, url(&server, NAME), &other.path("ca.pem"))).await;
    assert!(text.contains("from none of the authorities in") && text.contains("ca.pem"), "{text}");
    let text = unavailable(config(&folder, url(&server, "other.example"), &ca)).await;
    assert!(text.contains("other.example") && text.contains(NAME), "{text}");
    assert_eq!((came(), went_in()), (3, before));

    let expired = authority.server(NAME, 2020);
    for (files, why) in [(Some(expired.path()), "expired"), (None, "does not support TLS")] {
        server.restart(files);
        let text = unavailable(trusting.clone()).await;
        assert!(text.contains(why), "{text}");
        eventually("a status that says so", async || {
            kms.status().missing.is_some_and(|missing| missing.error.contains(why))
        })
        .await;
        assert_eq!(kms.signer(&passport()).unwrap().sign(b"a message").unwrap(), signed);
    }
    assert_eq!(went_in(), before);

    server.restart(Some(right.path()));
    eventually("the store again", async || kms.status().is_ready()).await;
    assert_eq!(kms.rotate(&passport(), AT_ONCE).await.unwrap().version, 2);
}

#[tokio::test]
async fn what_cannot_go_with_tls_is_refused_with_what_to_do() {
    let (authority, folder) = (Authority::new(), Folder::new());
    let (cert, key) = authority.client("kms");
    let (ca, cert, key) = (Some(authority.path("ca.pem")), Some(cert), Some(key));
    let far = "host=db.example password=hunter2";
    let cases = [
        (format!("{far} sslmode=require"), [None, None, None], "set store.postgres.tls_ca"),
        (format!("{far} sslnegotiation=direct"), [None, None, None], "set store.postgres.tls_ca"),
        (format!("{far} sslmode=verify-full"), [None, None, None], "sslmode is one of"),
        ("postgres://u:hunter2@h/d?sslmode=verify-ca".to_owned(), [ca.clone(), None, None], "sslmode is one of"),
        (format!("{far} sslrootcert=ca.pem"), [None, None, None], "store.postgres.tls_ca"),
        (format!("{far} sslmode=disable"), [ca.clone(), None, None], "leave out one of them"),
        ("host=/tmp password=hunter2".to_owned(), [ca.clone(), None, None], "socket in /tmp"),
        ("host=db.example,/tmp password=hunter2".to_owned(), [ca.clone(), None, None], "socket in /tmp"),
        ("host='no name' password=hunter2".to_owned(), [ca.clone(), None, None], "no name"),
        ("hostaddr=127.0.0.1 password=hunter2".to_owned(), [ca.clone(), None, None], "names no host"),
        (far.to_owned(), [None, cert.clone(), key.clone()], "without tls_ca"),
        (far.to_owned(), [ca.clone(), cert, None], "need each other"),
        (far.to_owned(), [ca, None, key], "need each other"),
    ];
    for (url, [tls_ca, tls_cert, tls_key], what) in cases {
        let error = refused(with(&folder, PostgresConfig { url: url.clone(), tls_ca, tls_cert, tls_key })).await;
        assert!(matches!(error, KmsError::Config(_)) && !error.is_transient(), "{url}: {error}");
        assert!(error.to_string().contains(what), "{url}: {error}");
    }
}

#[tokio::test]
async fn a_file_for_tls_that_cannot_be_used_is_named_and_nothing_of_it_is_shown() {
    let (authority, folder) = (Authority::new(), Folder::new());
    let (cert, key) = authority.client("kms");
    let pem = std::fs::read_to_string(&key).unwrap();
    let on_one_line = authority.file("one-line", &pem.replace('\n', "\\n"));
    let secret = pem.lines().nth(1).unwrap();
    let stranger = Authority::new();
    let other = stranger.client("kms").1;
    let readable = authority.file("readable", &pem);
    std::fs::set_permissions(&readable, std::os::unix::fs::PermissionsExt::from_mode(0o644)).unwrap();
    let odd = "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n";
    let (ca, url) = (authority.path("ca.pem"), "host=db.example password=hunter2");
    let cases = [
        ("tls_ca", [&authority.path("none"), &cert, &key], "No such file"),
        ("tls_ca", [&folder.path(""), &cert, &key], "directory"),
        ("tls_ca", [&authority.file("empty", ""), &cert, &key], "no PEM certificate"),
        ("tls_ca", [&key, &cert, &key], "no PEM certificate"),
        ("tls_ca", [&authority.file("cut", &authority.pem()[..100]), &cert, &key], "damaged"),
        ("tls_ca", [&authority.file("odd", odd), &cert, &key], "can be read"),
        ("tls_ca", [&on_one_line, &cert, &key], "damaged"),
        ("tls_cert", [&ca, &authority.path("none"), &key], "No such file"),
        ("tls_cert", [&ca, &key, &key], "no PEM certificate"),
        ("tls_key", [&ca, &cert, &authority.path("none")], "No such file"),
        ("tls_key", [&ca, &cert, &cert], "no PEM private key"),
        ("tls_key", [&ca, &cert, &on_one_line], "damaged"),
        ("tls_key", [&ca, &cert, &readable], "chmod 600"),
        ("tls_cert", [&ca, &cert, &other], "the key in tls_key"),
    ];
    for (setting, files, why) in cases {
        let [tls_ca, tls_cert, tls_key] = files.map(|file| Some(file.clone()));
        let blamed = match setting {
            "tls_ca" => tls_ca.clone(),
            "tls_cert" => tls_cert.clone(),
            _ => tls_key.clone(),
        };
        let config = with(&folder, PostgresConfig { url: url.to_owned(), tls_ca, tls_cert, tls_key });
        assert!(!format!("{config:?}").contains("hunter2"));
        let error = refused(config).await;
        assert!(matches!(error, KmsError::Config(_)), "{error}");
        let (text, path) = (error.to_string(), blamed.unwrap());
        assert!(text.contains(&format!("store.postgres.{setting}: {}", path.display())), "{text}");
        assert!(text.contains(why) && !text.contains(secret), "{text}");
    }
}
