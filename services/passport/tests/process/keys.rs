//! Keys over the life of a process and beyond it.

use serde_json::json;

use crate::common::{KEYS, PORTS, Process, VERIFY, eventually, issued, metric, store};

#[test]
fn keys_in_a_store_live_through_restarts_orderly_and_not() {
    let mut process = Process::with_store(tempfile::tempdir().unwrap(), "");
    let first = issued(&process.client(), &json!({"n": 1}));
    process.client().send("POST", "/admin/rotate", &[], b"");
    let second = issued(&process.client(), &json!({"n": 2}));
    let keys = process.client().get(KEYS);
    process.signal("TERM");
    assert_eq!(process.exit().code(), Some(0));
    for _ in 0..2 {
        process = Process::with_store(process.kill(), "");
        let client = process.client();
        assert_eq!(client.get(KEYS).body, keys.body);
        assert_eq!(client.get(KEYS).header("etag"), keys.header("etag"));
        assert_eq!(issued(&client, &json!({"n": 2})), second, "the same version signs");
        for envelope in [&first, &second] {
            assert_eq!(client.post(VERIFY, &envelope.to_string()).body, "true");
        }
    }
}

#[test]
fn without_a_store_the_same_key_id_is_another_key_after_a_restart_and_nothing_is_left_behind() {
    let temporary = tempfile::tempdir().unwrap();
    let environment = [("TMPDIR", temporary.path().to_str().unwrap())];
    let toml = "server = { bind = '127.0.0.1:0', admin_bind = '127.0.0.1:0', drain_grace_ms = 0 }";
    let mut process = Process::start(tempfile::tempdir().unwrap(), toml, &environment);
    let before = issued(&process.client(), &json!({}));
    let files = |folder: &std::path::Path| {
        let folders = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
        folders.flat_map(|path| std::fs::read_dir(path).unwrap()).map(|entry| entry.unwrap().file_name()).collect()
    };
    let there: Vec<std::ffi::OsString> = files(temporary.path());
    let expected = |name: &std::ffi::OsString| name == "lock" || name.to_string_lossy().starts_with("keys.db");
    assert!(there.iter().all(expected), "no master key: {there:?}");
    process.signal("TERM");
    assert_eq!(process.exit().code(), Some(0));
    assert_eq!(std::fs::read_dir(temporary.path()).unwrap().count(), 0);
    let process = Process::start(tempfile::tempdir().unwrap(), toml, &environment);
    let after = issued(&process.client(), &json!({}));
    assert_eq!((&after["kid"], &after["msg_b64"]), (&before["kid"], &before["msg_b64"]));
    assert_ne!(after["sig_b64"], before["sig_b64"]);
    assert_eq!(process.client().post(VERIFY, &before.to_string()).body, "false");
}

#[test]
fn what_a_crash_without_a_store_leaves_behind_the_next_start_removes() {
    let temporary = tempfile::tempdir().unwrap();
    let environment = [("TMPDIR", temporary.path().to_str().unwrap())];
    let toml = "server = { bind = '127.0.0.1:0', admin_bind = '127.0.0.1:0', drain_grace_ms = 0 }";
    let start = || Process::start(tempfile::tempdir().unwrap(), toml, &environment);
    let folders = || std::fs::read_dir(temporary.path()).unwrap().count();
    let other = start();
    for _ in 0..3 {
        let mut process = start();
        process.signal("KILL");
        process.exit();
        assert_eq!(folders(), 2, "the other's, which is in use, and what was left");
    }
    let mut last = start();
    assert_eq!(folders(), 2);
    issued(&other.client(), &json!({}));
    last.signal("TERM");
    last.exit();
    assert_eq!(folders(), 1);
}

#[test]
fn a_retired_key_verifies_no_more_and_who_uses_it_is_counted() {
    let process = Process::with_example_key("keys.rotate_grace_s = 1");
    let client = process.client();
    let old = issued(&client, &json!({}));
    client.send("POST", "/admin/rotate", &[], b"");
    assert_eq!(client.post(VERIFY, &old.to_string()).body, "true", "during its grace");
    let with_both = client.get(KEYS);
    eventually("the old key is retired", || client.post(VERIFY, &old.to_string()).status == 400);
    assert_eq!(client.post(VERIFY, &old.to_string()).problem(), (400, "Malformed".to_owned()));
    let keys = client.send("GET", KEYS, &[("If-None-Match", with_both.header("etag"))], b"");
    assert_eq!((keys.status, keys.json()["keys"].as_array().unwrap().len()), (200, 1));
    assert_eq!(client.get("/admin/attest").json()["kids"], json!(["ed25519/default/v2"]));
    assert!(metric(&client.get("/metrics").body, "passport_retired_kid_total").unwrap() >= 2.0);
}

#[test]
fn with_a_lead_a_version_is_announced_before_it_signs() {
    let process = Process::with_example_key("keys.rotate_lead_ms = 600");
    let client = process.client();
    let rotated = client.send("POST", "/admin/rotate", &[], b"").json();
    assert_eq!(
        (&rotated["current_kid"], &rotated["next_kid"]),
        (&json!("ed25519/default/v1"), &json!("ed25519/default/v2"),)
    );
    assert!(rotated["next_from_unix_ms"].is_u64());
    assert_eq!(client.get(KEYS).json()["keys"].as_array().unwrap().len(), 2);
    eventually("the new version signs", || issued(&client, &json!({}))["kid"] == "ed25519/default/v2");
}

#[test]
fn two_processes_on_one_store_know_each_others_keys() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().to_owned();
    let one = Process::with_store(folder, "");
    let toml = format!("{PORTS}\n{}", store(&path, ""));
    let two = Process::start(tempfile::tempdir().unwrap(), &toml, &[]);
    one.client().send("POST", "/admin/rotate", &[], b"");
    let envelope = issued(&one.client(), &json!({}));
    assert_eq!(envelope["kid"], "ed25519/default/v2");
    eventually("the other one knows the key", || two.client().post(VERIFY, &envelope.to_string()).body == "true");
    assert_eq!(one.client().get(KEYS).body, two.client().get(KEYS).body);
}

#[test]
fn a_new_master_key_replaces_the_old_one_without_a_key_lost() {
    let mut process = Process::with_store(tempfile::tempdir().unwrap(), "");
    let envelope = issued(&process.client(), &json!({}));
    let path = process.folder.path().to_owned();
    let old = path.join("old.key");
    std::fs::rename(path.join("master.key"), &old).unwrap();
    let previous = format!("keys.previous_master_keys = [{{ file = '{}' }}]", old.display());
    process = Process::with_store(process.kill(), &previous);
    assert_eq!(process.client().send("POST", "/admin/reseal", &[], b"").status, 404, "on the admin listener alone");
    assert_eq!(process.admin().send("POST", "/admin/reseal", &[], b"").body, r#"{"resealed":1}"#);
    std::fs::remove_file(old).unwrap();
    process = Process::with_store(process.kill(), "");
    assert_eq!(issued(&process.client(), &json!({})), envelope);
}
