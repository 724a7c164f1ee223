//! Sweeps as a user meets them: plans, files, interruption and going on, bad plans.
#![allow(missing_docs, clippy::unwrap_used, clippy::indexing_slicing, clippy::panic, reason = "a test")]

mod common;

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use common::{code, err, out};

/// A tiny plan: one variant, two batches.
const PLAN: &str = "about = \"a test\"\nblocks = [6, 6]\nturn_us = 20\nrounds = 1\n\n[allocations]\n\n[[section]]\n\
                    name = \"variants\"\nvariants = [\"prod\"]\ncorpora = [\"light\"]\nbatches = [1, 64]\n";

fn sweep(directory: &Path, args: &[&str]) -> Output {
    let plan = directory.join("tiny.toml");
    if !plan.exists() {
        fs::write(&plan, PLAN).unwrap();
    }
    let (baselines, history) = (directory.join("baselines"), directory.join("history.jsonl"));
    let mut command = Command::new(env!("CARGO_BIN_EXE_perf-lab"));
    // Without cargo in the environment the counting program beside the lab is taken as it is.
    command.env_remove("CARGO").arg("sweep").arg("--plan").arg(plan).arg("--baselines").arg(baselines);
    command.arg("--history").arg(history).args(args).output().unwrap()
}

fn path(directory: &Path, name: &str) -> (PathBuf, String) {
    let path = directory.join(name);
    let text = path.to_str().unwrap().to_owned();
    (path, text)
}

/// The first line answers, all of it fits a screen, nothing is said twice; how far it is went to standard error.
fn assert_is_an_answer(output: &Output) {
    let (said, told) = (out(output), err(output));
    let lines: Vec<&str> = said.lines().collect();
    assert!(lines[0].starts_with("No answer: the numbers of a debug build mean nothing"), "{said}");
    assert!(lines.len() <= 25, "{said}");
    let (_, answer) = lines.split_last().unwrap();
    for line in answer.iter().filter(|line| !line.starts_with("Stored as the baseline")) {
        assert!(line.chars().count() <= 120, "{line}");
        assert!(line.is_empty() || lines.iter().filter(|other| other == &line).count() == 1, "{line}");
    }
    for stage in ["checking", "counting allocations", "timing", "drawing the report"] {
        assert!(told.contains(stage), "{stage}: {told}");
    }
}

#[test]
fn a_small_sweep_writes_its_files_and_a_baseline_that_the_next_one_is_held_against() {
    let dir = tempfile::tempdir().unwrap();
    let (first, first_name) = path(dir.path(), "first");
    let output = sweep(dir.path(), &["--out", &first_name, "--save-baseline"]);
    assert_eq!(code(&output), 0, "{}", err(&output));
    assert_eq!(out(&output).lines().last().unwrap(), first.join("report.html").to_str().unwrap());
    assert_is_an_answer(&output);
    let summary = fs::read_to_string(first.join("summary.md")).unwrap();
    assert_eq!(summary.lines().next().unwrap(), format!("**{}**", out(&output).lines().next().unwrap()));
    assert!(summary.contains("None is stored for this host"), "{summary}");
    for file in ["report.html", "run.jsonl", "time-light.svg", "time-light.png", "speedup-light.png"] {
        assert!(fs::metadata(first.join(file)).unwrap().len() > 0, "{file}");
    }
    let mut csv = csv::Reader::from_path(first.join("sweep.csv")).unwrap();
    let columns = csv.headers().unwrap().clone();
    let column = |name: &str| columns.iter().position(|column| column == name).unwrap();
    let rows: Vec<csv::StringRecord> = csv.records().collect::<Result<_, _>>().unwrap();
    for batch in ["1", "64"] {
        for (kind, variant) in [("variant", "plain"), ("control", "plain"), ("variant", "prod"), ("floor", "floor")] {
            let row = rows.iter().find(|row| {
                (&row[column("kind")], &row[column("variant")], &row[column("batch_tokens")]) == (kind, variant, batch)
            });
            let row = row.unwrap_or_else(|| panic!("no row for {kind} {variant} {batch}"));
            assert!(row[column("time_median_ns_per_token")].parse::<f64>().unwrap() > 0.0);
            assert_eq!(&row[column("blocks")], "6");
            if kind == "variant" {
                assert!(row[column("allocations_per_token")].parse::<f64>().unwrap() > 0.0, "{row:?}");
            }
        }
    }

    let (second, second_name) = path(dir.path(), "second");
    assert_eq!(code(&sweep(dir.path(), &["--out", &second_name])), 0);
    let summary = fs::read_to_string(second.join("summary.md")).unwrap();
    assert!(summary.contains("; against the baseline "), "{summary}");
    let history = fs::read_to_string(dir.path().join("history.jsonl")).unwrap();
    assert_eq!(history.lines().count(), 2, "{history}");

    let again = sweep(dir.path(), &["--out", &first_name]);
    assert_eq!(code(&again), 64);
    assert!(err(&again).contains("holds a run already; --resume"), "{}", err(&again));
}

#[cfg(target_os = "linux")]
#[test]
fn a_directory_whose_name_is_no_utf_8_is_written_to_and_its_command_can_be_copied() {
    use std::ffi::OsStr;
    use std::os::unix::ffi::OsStrExt;
    let dir = tempfile::tempdir().unwrap();
    let out_directory = dir.path().join(OsStr::from_bytes(b"run \xff"));
    fs::write(dir.path().join("tiny.toml"), PLAN.replace("[1, 64]", "[1]")).unwrap();
    let mut command = Command::new(env!("CARGO_BIN_EXE_perf-lab"));
    command.env_remove("CARGO").arg("sweep").arg("--plan").arg(dir.path().join("tiny.toml"));
    command.arg("--baselines").arg(dir.path()).arg("--history").arg(dir.path().join("history.jsonl"));
    let output = command.arg("--out").arg(&out_directory).output().unwrap();
    assert_eq!(output.status.code(), Some(0), "{}", String::from_utf8_lossy(&output.stderr));
    assert!(out_directory.join("report.html").is_file());
    let run = fs::read_to_string(out_directory.join("run.jsonl")).unwrap();
    let header: serde_json::Value = serde_json::from_str(run.lines().next().unwrap()).unwrap();
    assert!(header.to_string().contains("run \\\\377'"), "{header}");
}

#[test]
fn what_is_asked_for_by_name_and_is_not_in_the_plan_is_said() {
    let dir = tempfile::tempdir().unwrap();
    for (option, name) in [("--variants", "prod,lanes"), ("--fixtures", "light,heavy")] {
        let output = sweep(dir.path(), &[option, name, "--out", dir.path().join("out").to_str().unwrap()]);
        assert_eq!(code(&output), 64, "{option}: {}", err(&output));
        assert!(err(&output).contains(&format!("{option}: no section of the plan \"tiny\" has ")), "{}", err(&output));
    }
}

#[cfg(target_os = "linux")]
#[test]
fn an_interrupted_sweep_keeps_what_was_measured_and_can_be_gone_on_with() {
    let dir = tempfile::tempdir().unwrap();
    let (cut, cut_name) = path(dir.path(), "cut");
    let plan = dir.path().join("tiny.toml");
    fs::write(&plan, PLAN.replace("[6, 6]", "[12, 12]").replace("[1, 64]", "[1, 8, 64]")).unwrap();
    let mut child = Command::new(env!("CARGO_BIN_EXE_perf-lab"))
        .args(["sweep", "--plan", plan.to_str().unwrap(), "--out", &cut_name])
        .env_remove("CARGO")
        .spawn()
        .unwrap();
    let blocks = || {
        let run = fs::read_to_string(cut.join("run.jsonl")).unwrap_or_default();
        run.lines().filter(|line| line.starts_with("{\"block\"")).count()
    };
    let deadline = std::time::Instant::now() + std::time::Duration::from_secs(60);
    while blocks() < 6 {
        assert!(std::time::Instant::now() < deadline, "nothing was measured in a minute");
        std::thread::sleep(std::time::Duration::from_millis(10));
    }
    assert!(Command::new("kill").args(["-INT", &child.id().to_string()]).status().unwrap().success());
    assert_eq!(child.wait().unwrap().code(), Some(130));
    assert!(fs::read_to_string(cut.join("summary.md")).unwrap().contains("PARTIAL"));
    let measured = blocks();
    assert!((6..12).contains(&measured), "{measured}");

    // What was being written when the power went is cut off.
    let run = fs::read_to_string(cut.join("run.jsonl")).unwrap();
    fs::write(cut.join("run.jsonl"), format!("{run}{{\"block\":{{\"pan")).unwrap();
    let resumed = sweep(dir.path(), &["--resume", &cut_name]);
    assert_eq!(code(&resumed), 0, "{}", err(&resumed));
    assert_eq!(blocks(), 12);
    let summary = fs::read_to_string(cut.join("summary.md")).unwrap();
    assert!(!summary.contains("PARTIAL") && summary.contains("Gone on with at "), "{summary}");

    let other = sweep(dir.path(), &["--resume", &cut_name, "--batches", "1"]);
    assert_eq!(code(&other), 64);
    assert!(err(&other).contains("was measured by another plan"), "{}", err(&other));
}

#[test]
fn what_a_budget_leaves_out_is_said() {
    let dir = tempfile::tempdir().unwrap();
    let (run, name) = path(dir.path(), "short");
    let output = sweep(dir.path(), &["--out", &name, "--budget", "1ms"]);
    // Nothing was measured: that is no success.
    assert_eq!(code(&output), 2, "{}", err(&output));
    assert!(out(&output).contains("PARTIAL: 0 of 1 panels measured, there was no time for more"), "{}", out(&output));
    let summary = fs::read_to_string(run.join("summary.md")).unwrap();
    assert!(summary.contains("Left out for lack of time: variants on light, 1 thread"), "{summary}");
}

#[test]
fn a_plan_with_an_unknown_name_or_an_empty_product_is_named_with_file_and_line() {
    let dir = tempfile::tempdir().unwrap();
    let plan = dir.path().join("tiny.toml");
    for (good, bad, complaint) in [
        ("\"prod\"", "\"prodd\"", "tiny.toml:10: no variant is called \"prodd\""),
        ("\"light\"", "\"lite\"", "tiny.toml:11: "),
        ("[1, 64]", "[]", "tiny.toml:8: section \"variants\" measures nothing: batches is empty"),
    ] {
        fs::write(&plan, PLAN.replace(good, bad)).unwrap();
        let (run, name) = path(dir.path(), "bad");
        let output = sweep(dir.path(), &["--out", &name]);
        assert_eq!(code(&output), 3, "{}", err(&output));
        assert!(err(&output).contains(complaint), "{}", err(&output));
        assert_eq!(err(&output).lines().count(), 1, "{}", err(&output));
        assert!(!run.exists());
    }
    fs::write(&plan, PLAN).unwrap();
    let nothing = sweep(dir.path(), &["--variants", "lanes"]);
    assert_eq!(code(&nothing), 64);
    assert!(err(&nothing).contains("nothing is left of the plan \"tiny\""), "{}", err(&nothing));
}
