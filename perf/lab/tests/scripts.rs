//! What a person sees first of the scripts: they say what they do before Cargo, which may take minutes, is asked.
#![cfg(unix)]
#![allow(missing_docs, clippy::unwrap_used, clippy::panic, reason = "a test")]

mod common;

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use common::{code, err, out};

const ROOT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../..");

/// A directory with a program in place of Cargo that says when it is called, on standard error, and does nothing.
fn without_cargo(directory: &Path) -> PathBuf {
    let stub = directory.join("cargo");
    fs::write(&stub, "#!/bin/sh\necho \"cargo is called: $*\" >&2\n").unwrap();
    fs::set_permissions(&stub, fs::Permissions::from_mode(0o755)).unwrap();
    directory.to_path_buf()
}

fn script(name: &str, args: &[&str]) -> Output {
    let directory = tempfile::tempdir().unwrap();
    let stub = without_cargo(directory.path());
    let path = std::env::var("PATH").unwrap();
    Command::new(Path::new(ROOT).join("scripts").join(name))
        .args(args)
        .env("PATH", format!("{}:{path}", stub.display()))
        // Where nothing is installed that would come first.
        .env("CARGO_TARGET_DIR", directory.path().join("target"))
        .env_remove("GITHUB_STEP_SUMMARY")
        .output()
        .unwrap()
}

#[test]
fn every_script_that_builds_says_so_on_standard_error_before_cargo_is_called() {
    for (name, args) in [
        ("perf_sweep.sh", &["--smoke"][..]),
        ("perf_gate.sh", &["--base", "HEAD"]),
        ("flamegraph.sh", &["prod", "light"]),
        ("bench_auth.sh", &["--quick"]),
    ] {
        let said = err(&script(name, args));
        let lines: Vec<&str> = said.lines().collect();
        let called = lines.iter().position(|line| line.starts_with("cargo is called")).unwrap_or(lines.len());
        let told = lines.iter().position(|line| line.starts_with(&format!("{name}: ")));
        assert!(told.is_some_and(|told| told < called), "{name}: {said}");
    }
}

#[test]
fn a_sweep_has_numbered_steps_and_keeps_standard_output_for_its_answer() {
    let output = script("perf_sweep.sh", &["--smoke"]);
    assert_eq!(code(&output), 0, "{}", err(&output));
    let said = err(&output);
    for step in ["1 of 3: starting the lab", "2 of 3: recorded decisions", "3 of 3: sweep", "lab sweep --smoke"] {
        assert!(said.contains(step), "{step}: {said}");
    }
    assert_eq!(out(&output), "");
}

#[test]
fn nothing_that_takes_minutes_is_built_in_silence() {
    let config = fs::read_to_string(Path::new(ROOT).join(".cargo/config.toml")).unwrap();
    assert!(config.contains("lab = \"run --quiet --package lab-start --\""), "{config}");
    let scripts = fs::read_dir(Path::new(ROOT).join("scripts")).unwrap().map(|entry| entry.unwrap().path());
    for path in scripts.filter(|path| path.is_file()) {
        let text = fs::read_to_string(&path).unwrap();
        for line in text.lines().filter(|line| line.contains("cargo ") && line.contains("--quiet")) {
            // Each is built, in sight, by the line before it, or named by the script.
            let is_announced = ["cargo test --workspace", "--lib --tests", "--example verify"];
            assert!(is_announced.iter().any(|known| line.contains(known)), "{}: {line}", path.display());
        }
    }
}

#[test]
fn every_action_of_the_workflows_is_pinned_by_its_digest_and_says_its_version() {
    let mut pinned = 0;
    for file in fs::read_dir(Path::new(ROOT).join(".github/workflows")).unwrap() {
        let path = file.unwrap().path();
        let text = fs::read_to_string(&path).unwrap();
        for used in text.lines().filter_map(|line| line.split("uses: ").nth(1)) {
            let (action, version) = used.split_once(" # v").unwrap_or((used, ""));
            let digest = action.split_once('@').map_or("", |(_, digest)| digest);
            let is_digest = digest.len() == 40 && digest.chars().all(|c| c.is_ascii_hexdigit());
            assert!(is_digest && version.contains('.'), "{}: {used}", path.display());
            pinned += 1;
        }
    }
    assert!(pinned > 5);
}

#[test]
fn every_criterion_benchmark_states_its_tokens_per_iteration() {
    let source = fs::read_to_string(Path::new(ROOT).join("benches/verify_bench.rs")).unwrap();
    // One place starts groups, and states the throughput there; nothing goes round it.
    assert_eq!(source.matches(".benchmark_group(").count(), 1);
    assert!(source.contains("group.throughput(Throughput::Elements(tokens as u64));"));
    assert!(!source.contains("criterion.bench_function(") && !source.contains("criterion.bench_with_input("));
}
