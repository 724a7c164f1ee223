//! The example does what it says.
#![allow(missing_docs, clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, reason = "a test may fail loudly")]

use std::fs;
use std::path::PathBuf;
use std::process::{Command, Output};

use serde_json::Value;
use tempfile::TempDir;

/// Cargo builds examples with the tests, into the folder beside theirs.
fn example() -> PathBuf {
    let test = std::env::current_exe().unwrap();
    test.parent().unwrap().parent().unwrap().join("examples").join(format!("decide{}", std::env::consts::EXE_SUFFIX))
}

fn run(bundle: &str, request: &str) -> Output {
    let folder = TempDir::new().unwrap();
    let (bundle_path, request_path) = (folder.path().join("bundle.toml"), folder.path().join("request.json"));
    fs::write(&bundle_path, bundle).unwrap();
    fs::write(&request_path, request).unwrap();
    Command::new(example()).args([bundle_path, request_path]).output().unwrap()
}

const BUNDLE: &str = "schema = \"ron-policy/2\"\nversion = 1\n[[rules]]\nid = \"read\"\neffect = \"permit\"\nwhen = { actions = [\"read\"] }\n";

#[test]
fn the_example_prints_decision_and_trace_and_exits_by_the_decision() {
    let permit = run(BUNDLE, r#"{"action":"read"}"#);
    assert_eq!(permit.status.code(), Some(0));
    let answer: Value = serde_json::from_slice(&permit.stdout).unwrap();
    assert_eq!(answer["trace"]["decision"]["effect"], "Permit");
    assert_eq!(answer["trace"]["steps"][0]["step"], "hit");
    assert_eq!(answer["policy_digest"], blake3::hash(BUNDLE.as_bytes()).to_hex().as_str());
    assert_eq!(run(BUNDLE, r#"{"action":"write"}"#).status.code(), Some(1));
    for (bundle, request) in [("version = 0", "{}"), (BUNDLE, r#"{"acton":"read"}"#)] {
        let failed = run(bundle, request);
        assert_eq!((failed.status.code(), failed.stdout.is_empty()), (Some(2), true));
        assert!(String::from_utf8(failed.stderr).unwrap().starts_with("error: "));
    }
}
