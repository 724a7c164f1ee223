//! What is there after the first start, the next ones, beside one another, and the end.

use std::fs;
use std::io::Write;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::time::Duration;

use serde_json::json;

use crate::http::read;
use crate::process::{Up, eventually, folder, up};

fn mode(path: &Path) -> u32 {
    fs::metadata(path).unwrap().permissions().mode() & 0o777
}

#[test]
fn a_second_start_finds_the_same_keys_and_the_edited_policy() {
    let folder = folder();
    let state = folder.path().join("deep/state");
    let first = Up::start(&state);
    let envelope = first.envelope();
    let secrets = ["master.key", "minter.secret"].map(|name| fs::read(state.join(name)).unwrap());
    let policy = state.join("policy.toml");
    assert_eq!(mode(&state), 0o700);
    for file in fs::read_dir(&state).unwrap() {
        let path = file.unwrap().path();
        assert_eq!(mode(&path), 0o600, "{}", path.display());
    }

    assert_eq!(first.decision("docs/plan"), "Permit");
    let edited = fs::read_to_string(&policy).unwrap().replace("docs/sealed/**", "docs/plan");
    fs::write(&policy, &edited).unwrap();
    let reload = first.auth_admin().post("/admin/policy/reload", "");
    assert_eq!((reload.status, &reload.json()["reloaded"]), (200, &"swapped".into()));
    assert_eq!(first.decision("docs/plan"), "Deny");
    first.end();

    let second = Up::start(&state);
    let who = second.whoami(&envelope);
    assert_eq!((who.status, &who.json()["sub"]), (200, &"alice".into()));
    assert_eq!(second.envelope()["kid"], envelope["kid"]);
    assert_eq!(["master.key", "minter.secret"].map(|name| fs::read(state.join(name)).unwrap()), secrets);
    assert_eq!((second.decision("docs/plan"), fs::read_to_string(&policy).unwrap()), ("Deny".to_owned(), edited));
    second.end();
}

#[test]
fn two_at_a_time_on_one_folder_verify_what_the_other_signs() {
    let folder = folder();
    // Both are the first.
    let (one, other) = std::thread::scope(|scope| {
        let other = scope.spawn(|| Up::start(folder.path()));
        (Up::start(folder.path()), other.join().unwrap())
    });
    for (signs, verifies) in [(&one, &other), (&other, &one)] {
        assert_eq!(verifies.whoami(&signs.envelope()).status, 200);
    }
    one.end();
    assert_eq!(other.whoami(&other.envelope()).status, 200);
    other.end();
}

#[test]
fn at_the_end_readiness_falls_first_and_what_was_accepted_is_answered_by_both() {
    for signal in ["INT", "TERM"] {
        let folder = folder();
        let mut command = up(folder.path(), &["--dynamic-ports"]);
        command
            .env("RON_AUTH_CONFIG", "server.drain_grace_ms = 1000")
            .env("PASSPORT_CONFIG", "server.drain_grace_ms = 0");
        let up = Up::started(command);
        let envelope = up.envelope();
        // Half a question, whose other half comes when svc-auth has no listener any more.
        let question = json!({"envelope": envelope, "action": "read", "resource": "docs/plan"}).to_string();
        let (begin, rest) = question.split_at(question.len() / 2);
        let mut slow = up.auth().connect();
        let head =
            "POST /v1/auth/authorize HTTP/1.1\r\nHost: auth\r\nContent-Type: application/json\r\nContent-Length:";
        write!(slow, "{head} {}\r\n\r\n{begin}", question.len()).unwrap();

        up.signal(signal);
        let clients = [up.passport(), up.auth()];
        eventually("readiness falls", || clients.iter().all(|client| client.get("/readyz").status == 503));
        assert_eq!(up.whoami(&envelope).status, 200, "within the grace new requests are answered");
        eventually("svc-auth closes its listener", || up.auth().try_send("GET", "/healthz", &[], b"").is_err());
        std::thread::sleep(Duration::from_millis(100));
        slow.write_all(rest.as_bytes()).unwrap();
        let answer = read(&mut slow).unwrap();
        assert_eq!((answer.status, &answer.json()["decision"]), (200, &"Permit".into()), "{answer:?}");
        assert_eq!(up.exit(), Some(0), "{signal}");
    }
}
