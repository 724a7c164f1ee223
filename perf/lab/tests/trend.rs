//! `perf-lab trend`, as a user meets it.
#![allow(missing_docs, clippy::unwrap_used, clippy::indexing_slicing, clippy::panic, reason = "a test")]

mod common;

use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use common::{code, err, out};
use serde_json::json;

const HOST: &str = "test-cpu-2c-avx2-01234567";

fn trend(history: &Path, args: &[&str]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_perf-lab"));
    command.args(["trend", "--history", history.to_str().unwrap()]).args(args).output().unwrap()
}

/// A line of the history: half a per cent to and fro from run to run, and `steady` once more with 3 % from run 15 on.
fn line(run: usize, step: f64) -> String {
    let benchmark = |ratio: f64| {
        json!({
            "ratio_to_floor": ratio, "ratio_to_floor_lower95": ratio * 0.997, "ratio_to_floor_upper95": ratio * 1.003,
            "ratio_to_plain": 0.2, "ratio_to_plain_lower95": 0.199, "ratio_to_plain_upper95": 0.201,
            "ns_per_token": 300.0, "blocks": 24
        })
    };
    let steady = 2.0 * (1.0 + 0.005 * ((run * 5 % 11) as f64 / 5.0 - 1.0));
    let stepped = if run < 15 { steady } else { steady * (1.0 + step) };
    let entry = json!({
        "format": 1, "started_utc": format!("2026-10-{:02}T08:00:00Z", run + 1), "revision": format!("{run:07x}fffff"),
        "host": HOST, "cpu": "Test CPU", "plan": "quick",
        "benchmarks": { "plain/light/64": benchmark(steady), "prod/light/64": benchmark(stepped) }
    });
    format!("{entry}\n")
}

fn history(directory: &Path, runs: usize, step: f64) -> PathBuf {
    let text = (0..runs).fold(String::new(), |mut text, run| {
        let _ = write!(text, "{}", line(run, step));
        text
    });
    let path = directory.join("history.jsonl");
    fs::write(&path, text).unwrap();
    path
}

#[test]
fn a_step_is_named_with_its_revisions_drawn_and_fails_only_when_asked_to() {
    let dir = tempfile::tempdir().unwrap();
    let path = history(dir.path(), 30, 0.03);
    let shown = trend(&path, &["--host", HOST]);
    assert_eq!(code(&shown), 0, "{}", err(&shown));
    let text = out(&shown);
    assert!(text.starts_with("got slower: prod/light/64\n"), "{text}");
    let row = |name: &str| text.lines().find(|line| line.contains(name) && line.starts_with('|')).unwrap();
    assert!(row("prod/light/64").contains("+3.0 % from 000000e to 000000f (p "), "{text}");
    assert!(row("plain/light/64").contains("none shown"), "{text}");
    assert!(err(&shown).is_empty(), "{}", err(&shown));
    for name in ["trend.svg", "trend.png"] {
        assert!(dir.path().join("trend").join(name).is_file(), "{name} beside the history");
    }

    let elsewhere = dir.path().join("plots");
    let to = ["--host", HOST, "--fail-on-change", "--out", elsewhere.to_str().unwrap()];
    assert_eq!(code(&trend(&path, &to)), 1);
    assert!(elsewhere.join("trend.svg").is_file());
    // What is not shown does not fail; nor what lies before the last runs.
    assert_eq!(code(&trend(&path, &[&to[..], &["--benchmark", "plain"]].concat())), 0);
    assert_eq!(code(&trend(&path, &[&to[..], &["--last", "14"]].concat())), 0);
}

#[test]
fn getting_faster_fails_nothing_and_few_runs_are_no_pass() {
    let dir = tempfile::tempdir().unwrap();
    let faster = trend(&history(dir.path(), 30, -0.03), &["--host", HOST, "--fail-on-change"]);
    assert_eq!(code(&faster), 0);
    assert!(out(&faster).starts_with("got faster: prod/light/64\n"), "{}", out(&faster));
    let few = trend(&history(dir.path(), 7, 0.0), &["--host", HOST, "--fail-on-change"]);
    assert_eq!(code(&few), 2);
    assert!(out(&few).starts_with("too few runs to judge: 7; it takes 8\n"), "{}", out(&few));
    let steady = trend(&history(dir.path(), 30, 0.0), &["--host", HOST]);
    assert!(out(&steady).starts_with("no change or drift shown: 2 benchmarks over 30 runs\n"), "{}", out(&steady));
}

#[test]
fn lines_that_are_no_entries_are_named_and_cost_only_themselves() {
    let dir = tempfile::tempdir().unwrap();
    let path = history(dir.path(), 30, 0.03);
    let text = fs::read_to_string(&path).unwrap();
    let damaged = text[..text.len() - 40].replacen("\"format\":1", "\"format\":9", 1);
    fs::write(&path, &damaged).unwrap();
    let shown = trend(&path, &["--host", HOST]);
    assert_eq!(code(&shown), 0, "{}", err(&shown));
    let notes: Vec<String> = err(&shown).lines().map(str::to_owned).collect();
    assert_eq!(notes.len(), 2, "{notes:?}");
    assert!(notes[0].contains("history.jsonl:1: an entry of format 9"), "{notes:?}");
    assert!(notes[1].contains("history.jsonl:30: cut short"), "{notes:?}");
    assert!(
        out(&shown).lines().any(|line| line.contains("| prod/light/64 ") && line.contains("| 28 ")),
        "{}",
        out(&shown)
    );
    assert_eq!(fs::read_to_string(&path).unwrap(), damaged, "nothing is rewritten");
}

#[test]
fn bad_input_is_one_clear_line() {
    let dir = tempfile::tempdir().unwrap();
    let path = history(dir.path(), 9, 0.0);
    let none = dir.path().join("none.jsonl");
    let empty = dir.path().join("empty.jsonl");
    fs::write(&empty, "").unwrap();
    let one = dir.path().join("one.jsonl");
    fs::write(&one, line(0, 0.0)).unwrap();
    for (path, args, exit, part) in [
        (&path, &[][..], 3, "it has runs of test-cpu-2c-avx2-01234567 (9 runs) (--host FINGERPRINT)"),
        (
            &path,
            &["--host", HOST, "--benchmark", "prodd"],
            3,
            "is called \"prodd\"; there are plain/light/64, prod/light/64",
        ),
        (&none, &[], 3, "none.jsonl: "),
        (&empty, &[], 3, "empty.jsonl is empty; each sweep adds a line"),
        (&one, &[], 3, "it has runs of test-cpu-2c-avx2-01234567 (1 run) (--host FINGERPRINT)"),
        (&path, &["--host", HOST, "--out", path.to_str().unwrap()], 3, "could not write"),
    ] {
        let output = trend(path, args);
        assert_eq!(code(&output), exit, "{args:?}: {}", err(&output));
        assert!(err(&output).contains(part) && err(&output).lines().count() == 1, "{}", err(&output));
    }
    assert_eq!(code(&trend(&path, &["--last", "1"])), 64);
    fs::write(&empty, "no entry\n").unwrap();
    let output = trend(&empty, &[]);
    assert_eq!(code(&output), 3);
    let said: Vec<String> = err(&output).lines().map(str::to_owned).collect();
    assert!(said[0].contains("empty.jsonl:1: is no entry: "), "{said:?}");
    assert!(said.len() == 2 && said[1].contains("empty.jsonl: none of its lines is an entry"), "{said:?}");
}
