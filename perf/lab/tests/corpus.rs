//! `perf-lab corpus`, as a user meets it.
#![allow(missing_docs, clippy::unwrap_used, clippy::indexing_slicing, clippy::panic, reason = "a test")]

mod common;

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use common::{code, err, out};
use ron_auth_fixtures::Fixture;

fn lab(directory: &Path, args: &[&str]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_perf-lab"));
    command.arg("corpus").args(args).current_dir(directory).output().unwrap()
}

/// A directory with 20 light tokens, their key and their context.
fn service() -> (tempfile::TempDir, PathBuf) {
    let dir = tempfile::tempdir().unwrap();
    let tokens = Fixture::Light.corpus(20).tokens.join("\n");
    let key = "07".repeat(32);
    fs::write(dir.path().join("tokens.txt"), format!("# ours\r\n\r\n{tokens}\r\n")).unwrap();
    fs::write(dir.path().join("keys.toml"), format!("[[key]]\ntid = 'test'\nkid = 'k1'\nhex = '{key}'\n")).unwrap();
    fs::write(
        dir.path().join("context.toml"),
        "now = 1762700000\nmethod = 'GET'\npath = '/index/docs/42'\ntenant = 'test'\naudience = 'aud-demo'\n",
    )
    .unwrap();
    let path = dir.path().to_owned();
    (dir, path)
}

const JUDGED: [&str; 6] = ["import", "tokens.txt", "--keys", "keys.toml", "--context", "context.toml"];

fn row<'a>(table: &'a str, name: &str) -> &'a str {
    table.lines().find(|line| line.starts_with(&format!("| {name} "))).unwrap_or_else(|| panic!("{name} in {table}"))
}

#[test]
fn tokens_are_imported_shown_and_made_anew() {
    let (_dir, path) = service();
    let imported = lab(&path, &JUDGED);
    assert_eq!(code(&imported), 0, "{}", err(&imported));
    let report = out(&imported);
    assert!(report.starts_with("20 tokens of 1 shapes; 1 tid/kid pairs of 1 tenants"), "{report}");
    assert!(row(&report, "bytes of CBOR").contains("| 200 "), "{report}");
    assert!(row(&report, "characters of text").contains("| 267 "), "{report}");
    assert!(row(&report, "PathPrefix").contains("100.0 %") && row(&report, "allowed").contains("| 20 "), "{report}");
    assert!(report.ends_with("wrote tokens.corpus.json\n"), "{report}");
    let file = fs::read_to_string(path.join("tokens.corpus.json")).unwrap();
    for secret in ["0707", "index", "aud-demo", "1762700000"] {
        assert!(!file.contains(secret) && !report.contains(secret), "{secret}");
    }

    let shown = lab(&path, &["show", "tokens.corpus.json"]);
    assert!(report.starts_with(out(&shown).trim_end()), "{}", out(&shown));

    let made = lab(&path, &["synth", "tokens.corpus.json", "--count", "30"]);
    assert_eq!(code(&made), 0, "{}", err(&made));
    assert_eq!(out(&made).lines().filter(|token| token.len() == 267).count(), 30);
    let written = lab(&path, &["synth", "tokens.corpus.json", "--out", "made.txt"]);
    assert_eq!(code(&written), 0, "{}", err(&written));
    let lines = fs::read_to_string(path.join("made.txt")).unwrap();
    assert!(lines.lines().eq(out(&made).lines().take(20)), "the same tokens each time");
    // They are tokens: of the same shape again.
    let again = lab(&path, &["import", "made.txt"]);
    assert_eq!(code(&again), 0, "{}", err(&again));
    assert!(out(&again).contains("Shape only: ") && row(&out(&again), "bytes of CBOR").contains("| 200 "));
}

#[test]
fn tokens_that_fail_are_members_like_others() {
    let (_dir, path) = service();
    let context = fs::read_to_string(path.join("context.toml")).unwrap();
    // The first ten or so have expired, and the path is not theirs.
    let context = context.replace("1762700000", "1762700670").replace("/index/", "/other/");
    fs::write(path.join("context.toml"), context).unwrap();
    let imported = lab(&path, &JUDGED);
    assert_eq!(code(&imported), 0, "{}", err(&imported));
    let report = out(&imported);
    assert!(row(&report, "error Expired").contains("| 10 ") && row(&report, "denied").contains("| 10 "), "{report}");
    assert!(report.contains("among others for PathNotAllowed"), "{report}");

    fs::write(path.join("keys.toml"), format!("[[key]]\ntid='test'\nkid='k1'\nhex='{}'", "08".repeat(32))).unwrap();
    assert!(row(&out(&lab(&path, &JUDGED)), "error MacMismatch").contains("100.0 %"));
}

#[test]
fn bad_lines_are_named_and_nothing_is_written_unless_they_are_skipped() {
    let (_dir, path) = service();
    let good = fs::read_to_string(path.join("tokens.txt")).unwrap();
    fs::write(path.join("tokens.txt"), format!("{good}not a token\n{}", "QUJD\n".repeat(30))).unwrap();
    let refused = lab(&path, &["import", "tokens.txt"]);
    assert_eq!(code(&refused), 3);
    assert!(err(&refused).starts_with("tokens.txt:23: token is not unpadded Base64URL text\n"), "{}", err(&refused));
    assert!(err(&refused).contains("\ntokens.txt:24: token is not the canonical CBOR"), "{}", err(&refused));
    assert!(err(&refused).contains("\ntokens.txt: and 11 more\n"), "{}", err(&refused));
    assert!(
        err(&refused).ends_with("31 of 51 lines are not tokens; nothing was written; --skip-bad leaves them out\n")
    );
    assert!(!path.join("tokens.corpus.json").exists());

    let skipped = lab(&path, &["import", "tokens.txt", "--skip-bad"]);
    assert_eq!(code(&skipped), 0, "{}", err(&skipped));
    assert!(
        out(&skipped).starts_with("20 tokens") && out(&skipped).contains("31 lines that are not tokens were left out")
    );
    assert!(path.join("tokens.corpus.json").exists());
}

#[test]
fn bad_input_is_one_clear_line() {
    let (_dir, path) = service();
    fs::write(path.join("empty.txt"), "# nothing\n").unwrap();
    fs::write(path.join("key.toml"), "[[key]]\ntid = 'a'\nkid = 'b'\nhex = '0707'\n").unwrap();
    fs::write(path.join("request.toml"), "now = 'soon'\n").unwrap();
    fs::write(path.join("bad.json"), "{\n\"format\": }").unwrap();
    for (args, exit, part) in [
        (&["import", "empty.txt"][..], 3, "empty.txt: no token; expected one Base64URL token a line"),
        (&["import", "none.txt"], 3, "none.txt: "),
        (&["import", "-"], 64, "standard input has no name; name the file to write by --out"),
        (&["import", "tokens.txt", "--out", "tokens.txt"], 64, "would be overwritten"),
        (&["import", "tokens.txt", "--keys", "key.toml", "--context", "context.toml"], 3, "key.toml:4: "),
        (&["import", "tokens.txt", "--keys", "keys.toml", "--context", "request.toml"], 3, "request.toml:1: "),
        (&["import", "tokens.txt", "--keys", "keys.toml", "--context", "none.toml"], 3, "none.toml: "),
        (&["show", "bad.json"], 3, "bad.json:2: "),
        (&["synth", "none.json"], 3, "none.json: "),
    ] {
        let output = lab(&path, args);
        assert_eq!(code(&output), exit, "{args:?}: {}", err(&output));
        assert!(err(&output).contains(part) && err(&output).lines().count() == 1, "{args:?}: {}", err(&output));
        assert!(!err(&output).contains("0707"), "{}", err(&output));
    }
    assert_eq!(code(&lab(&path, &["import", "tokens.txt", "--keys", "keys.toml"])), 64, "keys without a context");
    for count in ["0", "16777217", "18446744073709551615"] {
        let output = lab(&path, &["synth", "tokens.corpus.json", "--count", count]);
        assert!(code(&output) == 64 && err(&output).contains("1..=16777216"), "{}", err(&output));
    }
    assert!(fs::read_dir(&path).unwrap().all(|entry| !entry.unwrap().path().ends_with("tokens.corpus.json")));
}
