//! Section 1.11: settings.

use serde_json::{Value, json};

use crate::common::{BATCH, ISSUE, KEYS, Process, VERIFY, issued, with};

/// The file as it is deployed, with other ports.
const DEPLOYED: &str = r#"
[server]
bind = "127.0.0.1:0"
admin_bind = "127.0.0.1:0"
[passport]
issuer = "svc-passport"
default_ttl_s = 3600
max_ttl_s = 86400
clock_skew_s = 120
[verify]
target_batch = 64
max_batch = 256
max_wait_us = 500
[cache]
vk_ttl_s = 60
jwks_ttl_s = 60
[limits]
max_msg_bytes = 4096
max_batch = 512
[security]
require_aud = true
"#;

#[test]
fn the_deployed_file_is_taken_inline_and_as_a_file() {
    let folder = tempfile::tempdir().unwrap();
    let process = Process::start(folder, DEPLOYED, &[]);
    assert_eq!(issued(&process.client(), &json!({}))["aud"], "svc-passport");
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("passport.toml");
    std::fs::write(&path, DEPLOYED.replace("issuer = \"svc-passport\"", "issuer = \"elsewhere\"")).unwrap();
    let process = Process::start(folder, "", &[("PASSPORT_CONFIG_FILE", path.to_str().unwrap())]);
    assert_eq!(issued(&process.client(), &json!({}))["aud"], "elsewhere");
}

#[test]
fn without_a_required_audience_none_is_issued_and_none_is_missed() {
    let process = Process::with_example_key("security.require_aud = false\ncache.jwks_ttl_s = 7");
    let passport = process.client();
    let envelope = issued(&passport, &json!({}));
    assert_eq!(envelope.get("aud"), None);
    for aud in [Value::Null, json!(""), json!("anybody")] {
        let answer = passport.post(VERIFY, &with(&envelope, "aud", aud).to_string());
        assert_eq!((answer.status, answer.body.as_str()), (200, "true"));
    }
    assert_eq!(passport.get(KEYS).header("cache-control"), "public, max-age=7");
}

#[test]
fn the_variables_of_the_environment_replace_settings() {
    let folder = tempfile::tempdir().unwrap();
    let process = Process::start(folder, DEPLOYED, &[("PASSPORT_MAX_MSG_BYTES", "200")]);
    let passport = process.client();
    for path in [ISSUE, VERIFY, BATCH] {
        let answer = passport.post(path, &format!("\"{}\"", "x".repeat(300)));
        assert_eq!(answer.status, 413, "{path}");
        assert!(answer.is_text(), "{answer:?}");
    }
    assert_eq!(passport.post(ISSUE, "{}").status, 200);
    // A body that does not say how long it is.
    let chunk = format!("12c\r\n\"{}\"\r\n0\r\n\r\n", "x".repeat(298));
    let mut stream = passport.connect();
    let head = format!("POST {ISSUE} HTTP/1.1\r\nHost: t\r\nContent-Type: application/json\r\n");
    std::io::Write::write_all(&mut stream, format!("{head}Transfer-Encoding: chunked\r\n\r\n{chunk}").as_bytes())
        .unwrap();
    let answer = crate::common::read(&mut stream).unwrap();
    assert_eq!(answer.status, 413);
    assert!(answer.is_text());
}

#[test]
fn what_cannot_be_is_refused_in_one_line_that_says_what_to_set() {
    for (toml, code, says) in [
        ("server.bind = '0.0.0.0:0'", 2, "extensions.admin_listener_only = true"),
        ("server.bnd = '127.0.0.1:0'", 2, "bnd"),
        ("verify.concurrency = 0", 2, "verify.concurrency"),
        ("keys.kid_scheme = 'v'", 2, "{N}"),
        ("keys.store = { sqlite = { path = '/x/keys.db' } }", 2, "keys.master_key"),
        ("server.bind = '127.0.0.1:0'\nkeys.seed = { file = '/nowhere/seed' }", 1, "/nowhere/seed"),
        ("[[capability.accounts]]\nname = 'a'\ntenants = ['t']", 2, "token_file or token_blake3"),
        ("[[capability.accounts]]\nname = 'a'\ntoken_blake3 = '00'", 2, "tenants"),
        ("[[capability.accounts]]\nname = 'a'\ntoken_blake3 = '00'\ntenants = ['t']", 1, "64 hexadecimal digits"),
    ] {
        let (exit, said) = Process::refused(toml);
        assert_eq!(exit, Some(code), "{toml}: {said}");
        let line = said.lines().find(|line| line.starts_with("error: ")).unwrap_or_else(|| panic!("{toml}: {said}"));
        assert!(line.contains(says), "{toml}: {line}");
    }
}
