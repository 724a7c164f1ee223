//! Stores that go away and come back.

use std::path::Path;

use serde_json::json;

use crate::common::{Client, ISSUE, KEYS, PORTS, Process, VERIFY, eventually, issued, metric, store};
use crate::server::Server;

fn missing(client: &Client) -> Vec<String> {
    let answer = client.get("/readyz");
    let missing = answer.json()["missing"].as_array().unwrap().clone();
    assert_eq!(answer.status == 200, missing.is_empty(), "{answer:?}");
    missing.iter().map(|lack| lack["name"].as_str().unwrap().to_owned()).collect()
}

#[test]
fn a_store_that_disappears_is_named_and_keys_that_were_read_go_on() {
    let process = Process::with_store(tempfile::tempdir().unwrap(), "");
    let client = process.client();
    let envelope = issued(&client, &json!({}));
    assert_eq!(missing(&client), [""; 0]);
    let files: Vec<_> = ["keys.db", "keys.db-wal", "keys.db-shm"].map(|name| process.folder.path().join(name)).into();
    let away = |path: &Path| path.with_file_name(format!("away-{}", path.file_name().unwrap().display()));
    for path in files.iter().filter(|path| path.exists()) {
        std::fs::rename(path, away(path)).unwrap();
    }
    eventually("readyz names the store", || missing(&client) == ["key store"]);
    assert_eq!(client.get("/healthz").status, 200);
    assert_eq!(client.post(VERIFY, &envelope.to_string()).body, "true");
    assert_eq!(issued(&client, &json!({})), envelope);
    assert_eq!(client.get(KEYS).status, 200);
    let rotated = client.send("POST", "/admin/rotate", &[], b"");
    assert_eq!(rotated.problem(), (500, "Internal".to_owned()));
    assert_eq!((rotated.header("retry-after"), &rotated.json()["retry_after_ms"]), ("1", &json!(1_000)));
    assert_eq!(metric(&client.get("/metrics").body, "passport_key_store_missing"), Some(1.0));
    for path in files.iter().filter(|path| away(path).exists()) {
        std::fs::rename(away(path), path).unwrap();
    }
    eventually("it is back by itself", || missing(&client).is_empty());
    let rotated = client.send("POST", "/admin/rotate", &[], b"");
    assert_eq!((rotated.status, &rotated.json()["current_kid"]), (200, &json!("ed25519/default/v2")));
    assert!(!client.get("/readyz").body.contains("keys.db"), "no path is told");
}

#[test]
fn a_full_store_refuses_a_rotation_and_loses_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let toml = format!("{PORTS}\n{}", store(folder.path(), ", max_bytes = 65536"));
    let process = Process::start(folder, &toml, &[]);
    let client = process.client();
    let mut last = issued(&client, &json!({}))["kid"].clone();
    let refused = (0..2_000).find_map(|_| {
        let answer = client.send("POST", "/admin/rotate", &[], b"");
        if answer.status == 200 {
            last = answer.json()["current_kid"].clone();
            return None;
        }
        Some(answer)
    });
    assert_eq!(refused.expect("it is full at some time").problem(), (500, "Internal".to_owned()));
    let envelope = issued(&client, &json!({}));
    assert_eq!(envelope["kid"], last);
    assert_eq!(client.post(VERIFY, &envelope.to_string()).body, "true");
    assert_eq!(metric(&client.get("/metrics").body, "passport_key_store_unwritable"), Some(1.0));
    assert_eq!(client.get("/healthz").status, 200);
}

#[test]
fn a_wrong_master_key_is_refused_at_start_in_one_line() {
    let mut process = Process::with_store(tempfile::tempdir().unwrap(), "");
    process.signal("TERM");
    process.exit();
    let settings = store(process.folder.path(), "").replace("master.key", "other.key");
    let toml = format!("{PORTS}\n{settings}");
    let (code, said) = Process::refused(&toml);
    assert_eq!(code, Some(1), "{said}");
    assert!(said.lines().any(|line| line.starts_with("error: ") && line.contains("master key")), "{said}");
}

#[test]
fn a_postgres_that_is_down_at_start_is_waited_for() {
    let Some(server) = Server::start("a Postgres that is down") else { return };
    server.stop("fast");
    let keys = tempfile::tempdir().unwrap();
    let store = format!("keys.store = {{ postgres = {{ url = \"{}\" }} }}", server.url);
    let master_key = format!("keys.master_key = {{ file_or_new = '{}/master.key' }}", keys.path().display());
    let toml = format!("{PORTS}\n{store}\n{master_key}");
    let process = Process::start(keys, &toml, &[]);
    let client = process.client();
    assert_eq!(client.get("/healthz").status, 200);
    assert_eq!(missing(&client), ["key store"]);
    for answer in [client.post(ISSUE, "{}"), client.get(KEYS), client.get("/admin/attest")] {
        assert_eq!(answer.problem(), (503, "Internal".to_owned()));
        assert_eq!(answer.header("retry-after"), "1");
    }
    server.start_again();
    eventually("it is there by itself", || missing(&client).is_empty());
    let envelope = issued(&client, &json!({}));
    server.stop("immediate");
    eventually("readyz names the store", || missing(&client) == ["key store"]);
    assert_eq!(client.post(VERIFY, &envelope.to_string()).body, "true");
    assert_eq!(client.send("POST", "/admin/rotate", &[], b"").problem(), (500, "Internal".to_owned()));
    server.start_again();
    eventually("it is back by itself", || missing(&client).is_empty());
    assert_eq!(client.send("POST", "/admin/rotate", &[], b"").status, 200);
    assert!(!process.log().contains("TLS"), "a socket wants none");
}

#[test]
fn a_postgres_across_a_network_is_warned_of_once_if_there_is_no_tls() {
    let keys = tempfile::tempdir().unwrap();
    let path = keys.path().display().to_string();
    let toml = |more: &str| {
        let store = format!("keys.store = {{ postgres = {{ url = 'host=0.0.0.0 port=9 user=kms'{more} }} }}");
        format!("{PORTS}\n{store}\nkeys.master_key = {{ file_or_new = '{path}/master.key' }}")
    };
    let (code, said) = Process::refused(&toml(&format!(", tls_ca = '{path}/ca.pem'")));
    assert_eq!(code, Some(1), "{said}");
    assert!(said.lines().any(|line| line.starts_with("error: ") && line.contains("ca.pem: No such file")), "{said}");
    let process = Process::start(keys, &toml(""), &[]);
    eventually("the log warns", || process.log().contains("reached without TLS"));
    assert_eq!(process.log().matches("reached without TLS").count(), 1);
}
