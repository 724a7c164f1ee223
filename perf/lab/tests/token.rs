//! `perf-lab token`, as a user meets it.
#![allow(missing_docs, clippy::unwrap_used, clippy::indexing_slicing, clippy::panic, reason = "a test")]

mod common;

use std::fs;
use std::io::Write;
use std::process::{Command, Output, Stdio};

use common::{code, err, out};
use serde_json::Value;

const KEY: &str = "c7c7c7c7c7c7c7c7c7c7c7c7c7c7c7c7c7c7c7c7c7c7c7c7c7c7c7c7c7c7c7c7";
const OTHER_KEY: &str = "d8d8d8d8d8d8d8d8d8d8d8d8d8d8d8d8d8d8d8d8d8d8d8d8d8d8d8d8d8d8d8d8";
const NOW: &str = "1762700000";
const REQUEST: [&str; 8] = ["--now", NOW, "--method", "GET", "--path", "/index/42", "--tenant", "acme"];

fn lab(args: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_perf-lab")).arg("token").args(args).stdin(Stdio::null()).output().unwrap()
}

fn lab_reading(args: &[&str], input: &[u8]) -> Output {
    let mut child = Command::new(env!("CARGO_BIN_EXE_perf-lab"))
        .arg("token")
        .args(args)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    // A process that refuses its arguments reads nothing.
    let _ = child.stdin.take().unwrap().write_all(input);
    child.wait_with_output().unwrap()
}

fn mint(more: &[&str]) -> String {
    let args = ["mint", "--key", KEY, "--tid", "acme", "--kid", "k1", "--prefix", "/index/", "--methods", "GET,HEAD"];
    let output = lab(&[&args[..], &["--now", NOW], more].concat());
    assert_eq!(code(&output), 0, "{}", err(&output));
    out(&output).trim_end().to_owned()
}

fn explain(token: &str, more: &[&str]) -> Output {
    lab(&[&["explain", token, "--key", KEY], &REQUEST[..], more].concat())
}

fn json(output: &Output) -> Value {
    serde_json::from_str(&out(output)).unwrap_or_else(|error| panic!("{error}: {}", out(output)))
}

#[test]
fn what_is_minted_is_inspected_diagnosed_and_explained() {
    let token = mint(&["--caveat", "Exp=+600", "--caveat", "Rate=5/10"]);
    let inspected = lab(&["inspect", &token]);
    assert_eq!((code(&inspected), err(&inspected)), (0, String::new()));
    let text = out(&inspected);
    assert!(text.starts_with("untrusted token of "), "{text}");
    assert!(text.contains("\nscope    prefix \"/index/\"; methods \"GET\", \"HEAD\"; any length\n"), "{text}");
    assert!(text.contains("\n  [0] Exp 1762700600 (2025-11-09T15:03:20Z)\n"), "{text}");

    let diagnosed = lab(&["diagnose", &token]);
    assert_eq!(code(&diagnosed), 0);
    assert!(out(&diagnosed).starts_with("canonical: "), "{}", out(&diagnosed));

    let explained = explain(&token, &[]);
    assert_eq!((code(&explained), err(&explained)), (0, String::new()));
    let text = out(&explained);
    assert!(text.starts_with("genuine: its MAC matches; judged under the strict semantics\n"), "{text}");
    assert!(text.ends_with("\nallowed, with 1 rate(s) for the caller's limiter\n"), "{text}");
}

#[test]
fn denied_refused_and_not_canonical_are_exit_1_with_the_reason() {
    let token = mint(&["--caveat", "Exp=1762699928", "--caveat", "Method=GET"]);
    let expired = explain(&token, &[]);
    assert_eq!(code(&expired), 1);
    assert!(out(&expired).contains("2025-11-09T14:52:08Z is 12 s past the skew of 60 s (now 2025-11-09T14:53:20Z)"));
    assert!(out(&expired).ends_with("\nrefused: token has expired\n"), "{}", out(&expired));
    assert_eq!(code(&explain(&token, &["--skew", "72"])), 0);

    let token = mint(&["--caveat", "Aud=search", "--caveat", "IpCidr=10.0.0.0/8", "--caveat", "BytesLe=10"]);
    let denied = explain(&token, &["--audience", "other", "--peer", "10.1.2.3", "--content-len", "11"]);
    assert_eq!(code(&denied), 1);
    let text = out(&denied);
    assert!(text.contains("caveats[0] Aud"), "{text}");
    assert!(text.contains("wants \"search\"; this service's audience is \"other\""), "{text}");
    assert!(text.contains("at most 10 bytes; the request has 11 bytes, 1 too many"), "{text}");
    assert!(text.lines().last().unwrap().starts_with("denied: "), "{text}");
    // Compat compares Aud with the policy digest.
    let fits = ["--compat", "--policy-digest", "search", "--peer", "10.1.2.3"];
    assert_eq!(code(&explain(&token, &fits)), 0);
    assert_eq!(code(&explain(&token, &["--strict", "--policy-digest", "search", "--peer", "10.1.2.3"])), 1);

    for (args, what) in [
        (&["--key", OTHER_KEY][..], "refused: the MAC does not match"),
        (&["--key", KEY, "--kid", "k2"], "refused: there is no key for key id \"k1\""),
    ] {
        let output = lab(&[&["explain", token.as_str()], args, &REQUEST[..]].concat());
        assert_eq!(code(&output), 1);
        assert!(out(&output).starts_with(what), "{}", out(&output));
    }

    let padded = format!("{token}=");
    let flawed = lab(&["diagnose", &padded]);
    assert_eq!(code(&flawed), 1);
    let text = out(&flawed);
    let lines: Vec<&str> = text.lines().collect();
    assert!(lines[0].starts_with("not Base64URL at character ") && lines.len() == 3, "{text}");
    assert_eq!(lines[1].chars().count(), lines[2].chars().count(), "{text}");
    let inspected = lab(&["inspect", &padded]);
    assert_eq!(code(&inspected), 3);
    assert!(
        err(&inspected).starts_with("perf-lab: not Base64URL at character ") && err(&inspected).lines().count() == 1
    );
    assert_eq!(code(&explain(&padded, &[])), 1);
    let small = lab(&["diagnose", &token, "--max-caveats", "2"]);
    assert!(code(&small) == 1 && out(&small).contains("an array of 3 caveats; expected at most 2"), "{}", out(&small));
    assert_eq!(code(&lab(&["diagnose", &token, "--max-token-bytes", "20"])), 1);
}

#[test]
fn json_says_the_same_to_programs() {
    let token = mint(&[
        "--caveat",
        "Custom=plan/paid/a16161f5",
        "--caveat",
        "Amnesia=false",
        "--caveat",
        "Rate=1/2",
        "--caveat",
        "Exp=1",
    ]);
    let inspected = json(&lab(&["inspect", "--json", &token]));
    assert_eq!(inspected["untrusted"]["scope"]["methods"], serde_json::json!(["GET", "HEAD"]));
    let custom = serde_json::json!({"t": "Custom", "v": {"ns": "plan", "name": "paid", "cbor": "a16161f5"}});
    assert_eq!(inspected["untrusted"]["caveats"][0], custom);
    assert_eq!(inspected["text_chars"], token.len());
    assert_eq!(inspected["mac_start"].as_str().unwrap().len(), 8);

    let fine = json(&lab(&["diagnose", "--json", &token]));
    assert_eq!(fine, serde_json::json!({"canonical": true, "flaw": null}));
    let flawed = json(&lab(&["diagnose", "--json", &token[..40]]));
    assert_eq!((&flawed["canonical"], &flawed["flaw"]["cbor_byte"]), (&false.into(), &30.into()), "{flawed}");
    assert_eq!(flawed["flaw"]["kind"], "end_of_input");

    let explained = json(&explain(&token, &["--json"]));
    assert_eq!((&explained["outcome"], &explained["stage"]), (&"refuse".into(), &"time".into()), "{explained}");
    let conditions = explained["conditions"].as_array().unwrap();
    assert_eq!(conditions.len(), 8);
    let judged: Vec<_> = conditions.iter().map(|condition| condition["judgement"].as_str().unwrap()).collect();
    assert_eq!(judged, ["holds", "holds", "holds", "holds", "denies", "holds", "obliges", "refuses"]);
    assert_eq!((&conditions[0]["on"], &conditions[0]["caveat"]), (&"tid".into(), &Value::Null));
    assert_eq!(conditions[7]["caveat"], 3);

    // What was inspected is minted again, from a pipe.
    let again =
        lab_reading(&["mint", "--key", KEY, "--from", "-", "--json"], inspected["untrusted"].to_string().as_bytes());
    assert_eq!(code(&again), 0, "{}", err(&again));
    assert_eq!(json(&again)["token"], token.as_str());
    let more = ["mint", "--key", KEY, "--from", "-", "--kid", "k2", "--caveat", "Tenant=acme"];
    let other = lab_reading(&more, inspected["untrusted"].to_string().as_bytes());
    let other = json(&lab(&["inspect", "--json", out(&other).trim_end()]));
    assert_eq!((&other["untrusted"]["kid"], &other["untrusted"]["caveats"][4]["v"]), (&"k2".into(), &"acme".into()));
}

#[test]
fn a_token_comes_from_an_argument_a_pipe_or_a_file() {
    let dir = tempfile::tempdir().unwrap();
    let token = mint(&[]);
    let path = dir.path().join("token.txt");
    fs::write(&path, format!("{token}\r\n")).unwrap();
    let path = path.to_str().unwrap();
    for output in [
        lab(&["diagnose", &token]),
        lab(&["diagnose", "--file", path]),
        lab_reading(&["diagnose", "-"], format!("{token}\n").as_bytes()),
    ] {
        assert_eq!(code(&output), 0, "{}{}", out(&output), err(&output));
    }
    // A line end within is a flaw, and is shown as one.
    let two = lab_reading(&["diagnose", "-"], format!("{token}\n{token}\n").as_bytes());
    assert!(code(&two) == 1 && out(&two).contains(r"found '\n', white space"), "{}", out(&two));
    // Nobody reads what is printed.
    let mut child = Command::new(env!("CARGO_BIN_EXE_perf-lab"))
        .args(["token", "inspect", &token])
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    drop(child.stdout.take());
    let output = child.wait_with_output().unwrap();
    assert_eq!((code(&output), err(&output)), (0, String::new()));
}

#[test]
fn keys_come_from_files_and_are_never_echoed() {
    let dir = tempfile::tempdir().unwrap();
    let written = |name: &str, content: &[u8]| {
        let path = dir.path().join(name);
        fs::write(&path, content).unwrap();
        path.to_str().unwrap().to_owned()
    };
    let token = mint(&[]);
    let raw = written("raw", &[0xc7; 32]);
    let digits = written("digits", format!("{KEY}\n").as_bytes());
    let ring = written("keys.toml", format!("[[key]]\ntid='acme'\nkid='k1'\nhex='{KEY}'\n").as_bytes());
    let wrong = written("wrong", &KEY.as_bytes()[..60]);
    for (option, path) in [("--key-file", &raw), ("--key-file", &digits), ("--keys", &ring)] {
        let output = lab(&[&["explain", token.as_str(), option, path], &REQUEST[..]].concat());
        assert_eq!(code(&output), 0, "{option} {path}: {}{}", out(&output), err(&output));
    }
    let minting = ["--tid", "acme", "--kid", "k1"];
    for (args, exit) in [
        (vec!["explain", token.as_str(), "--key", &KEY[..62]], 64),
        (vec!["explain", token.as_str(), "--key", &OTHER_KEY[1..]], 64),
        (vec!["explain", token.as_str(), "--key", KEY, "--key", KEY], 64),
        (vec!["explain", token.as_str(), "--key", KEY, "--key-file", &raw], 64),
        (vec!["explain", token.as_str(), "--key", KEY, "--keys", &ring], 64),
        (vec!["explain", token.as_str(), "--kye", KEY], 64),
        (vec!["explain", token.as_str()], 64),
        (vec!["explain", token.as_str(), "--key-file", &wrong], 3),
        (vec!["explain", token.as_str(), "--key-file", "none"], 3),
        (vec!["explain", token.as_str(), "--key", OTHER_KEY], 1),
        (vec!["explain", token.as_str(), "--key", OTHER_KEY, "--json"], 1),
    ] {
        let output = lab(&[&args[..], &REQUEST[..]].concat());
        assert_eq!(code(&output), exit, "{args:?}: {}", err(&output));
        for said in [out(&output), err(&output)] {
            assert!(!said.contains("c7c7") && !said.contains("d8d8"), "{args:?}: {said}");
        }
    }
    let refused = lab(&[&["mint", "--key", &KEY[..10]], &minting[..]].concat());
    assert_eq!((code(&refused), err(&refused).as_str()), (64, "perf-lab: --key: not 64 hex digits\n"));
}

#[test]
fn bad_input_is_one_clear_line() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("t.json");
    fs::write(&path, "{\"tid\": \"a\",\n\"kid\": \"b\", \"caveats\": [{\"t\": \"Exp\", \"v\": -1}]}").unwrap();
    let json_file = path.to_str().unwrap();
    let token = mint(&[]);
    for (args, exit, part) in [
        (&["inspect", "--file", "no-such-file"][..], 3, "no-such-file: "),
        (&["mint", "--key", KEY, "--from", "no-such-file"], 3, "no-such-file: "),
        (&["mint", "--key", KEY, "--from", json_file], 3, "t.json:2: "),
        (
            &["mint", "--key", KEY, "--tid", "a", "--kid", "b", "--caveat", "Exp=soon"],
            64,
            "--caveat \"Exp=soon\": expected seconds",
        ),
        (&["mint", "--key", KEY, "--tid", "a", "--kid", "b", "--caveat", "Custom=n/x/f7"], 3, "Custom n/x"),
        (&["inspect", "no token"], 3, "not Base64URL at character 2: found ' ', white space"),
        (&["explain", &token, "--key", KEY, "--context", "no-such-file"], 3, "no-such-file: "),
    ] {
        let output = lab(args);
        assert_eq!(code(&output), exit, "{args:?}: {}", err(&output));
        assert!(err(&output).contains(part) && err(&output).lines().count() == 1, "{args:?}: {}", err(&output));
        assert!(out(&output).is_empty(), "{args:?}");
    }
    let not_utf8 = lab_reading(&["inspect", "-"], b"AAAA\xff");
    assert_eq!(code(&not_utf8), 3);
    assert!(err(&not_utf8).starts_with("perf-lab: standard input: invalid utf-8"), "{}", err(&not_utf8));
    let huge = lab_reading(&["diagnose", "-"], &vec![b'A'; (16 << 20) + 2]);
    assert_eq!(code(&huge), 3);
    assert!(err(&huge).contains("longer than 16 MiB"), "{}", err(&huge));
    for args in [
        &["inspect"][..],
        &["inspect", "a", "--file", "b"],
        &["explain", &token, "--key", KEY],
        &["explain", &token, "--key", KEY, "--method", "GET", "--path", "/", "--tenant", "a", "--compat", "--strict"],
        &["explain", &token, "--key", KEY, "--context", "f", "--now", "1"],
        &["explain", &token, "--key", KEY, "--method", "GET", "--path", "/", "--tenant", "a", "--peer", "localhost"],
        &["mint", "--key", KEY],
        &[],
    ] {
        assert_eq!(code(&lab(args)), 64, "{args:?}");
    }
}

#[test]
fn a_context_file_gives_request_settings_and_handlers() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("context.toml");
    fs::write(
        &path,
        "now = 1762700000\nmethod = 'GET'\npath = '/index/1'\ntenant = 'acme'\n[[handler]]\nns = 'plan'\nrefuses = ['f4']\n",
    )
    .unwrap();
    for (cbor, exit) in [("f5", 0), ("f4", 1)] {
        let token = mint(&["--caveat", &format!("Custom=plan/paid/{cbor}")]);
        let output = lab(&["explain", &token, "--key", KEY, "--context", path.to_str().unwrap()]);
        assert_eq!(code(&output), exit, "{}{}", out(&output), err(&output));
    }
}
