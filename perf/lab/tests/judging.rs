//! `ab`, `gate`, `selftest` and `noise` as a user meets them: usage, exit codes, what is kept.
#![allow(missing_docs, clippy::unwrap_used, clippy::indexing_slicing, clippy::panic, reason = "a test")]

mod common;

use std::fs;
use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Command, Output, Stdio};

use common::{err, out};

/// The lab, with whatever it keeps below `target`.
fn lab(target: &Path, args: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_perf-lab"));
    // Without cargo in the environment the counting program beside the lab is taken as it is.
    command
        .args(args)
        .env_remove("CARGO")
        .env("CARGO_TARGET_DIR", target)
        .env_remove("FAIRBENCH_PROBE_TIMEOUT_SECONDS");
    command
}

fn run(args: &[&str]) -> Output {
    let target = tempfile::tempdir().unwrap();
    lab(target.path(), args).output().unwrap()
}

#[test]
fn wrong_usage_is_64() {
    for args in [
        &["ab"][..],
        &["ab", "prod"],
        &["ab", "prod", "prod", "--budget", "soon"],
        &["gate"],
        &["gate", "--base"],
        &["selftest", "--trials", "0"],
        &["selftest", "--shard", "1/2"],
        &["selftest", "--source", "--trials", "1"],
        &["selftest", "--source", "--shard", "3/2"],
        &["selftest", "--source", "--ways", "by-post"],
        &["selftest", "--source", "--only", "no-such-patch"],
        &["selftest", "--source", "--report"],
        &["noise", "--seconds", "0"],
        &["noise", "--side", "variant:prodd"],
    ] {
        assert_eq!(run(args).status.code(), Some(64), "{args:?}");
    }
}

#[test]
fn what_is_wrong_with_an_option_is_said_on_one_line() {
    for (args, expected) in [
        (&["ab", "prod", "prod", "--fail", "4"][..], "fail_percent is 4; expected 5 to 1000"),
        (&["gate", "--base", "prod", "--warn", "0"], "warn_percent is 0; expected 0.1 to 100"),
        (&["ab", "prod", "prod", "--budget", "0s"], "budget_seconds is 0; expected 0.1 to 86400"),
        (&["ab", "variant:prodd", "prod"], "the variants are plain"),
        (&["ab", "prod", "features:fastest"], "the features are default"),
    ] {
        let output = run(args);
        assert_eq!(output.status.code(), Some(64), "{args:?}");
        assert!(err(&output).contains(expected), "{}", err(&output));
        assert_eq!(err(&output).lines().count(), 1, "{}", err(&output));
    }
    let output = run(&["ab", "prod", "prod", "--benchmarks", "verify_simple"]);
    assert_eq!(output.status.code(), Some(64));
    let said = err(&output);
    let line = said.lines().last().unwrap();
    assert!(line.contains("\"verify_simple\"; there are verify_single, "), "{said}");
}

#[test]
fn bad_settings_are_exit_3_with_file_and_line() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("gate.toml");
    fs::write(&path, "warn_percent = 5.0\nfail_percent = \"7\"\n").unwrap();
    let output = run(&["ab", "prod", "prod", "--settings", path.to_str().unwrap()]);
    assert_eq!(output.status.code(), Some(3));
    assert!(err(&output).contains("gate.toml:2: "), "{}", err(&output));
    assert_eq!(run(&["gate", "--base", "prod", "--settings", "no/such.toml"]).status.code(), Some(3));
}

#[test]
fn a_side_that_does_not_exist_is_exit_3_and_is_told_in_every_form() {
    let dir = tempfile::tempdir().unwrap();
    let markdown = dir.path().join("gate.md");
    let output = run(&["ab", "no-such-revision", "prod", "--json", "--markdown", markdown.to_str().unwrap()]);
    assert_eq!(output.status.code(), Some(3), "{}", err(&output));
    let outcome: serde_json::Value = serde_json::from_str(&out(&output)).unwrap();
    let line = outcome["verdict_line"].as_str().unwrap();
    assert!(line.starts_with("could not measure: ") && line.contains("no-such-revision"), "{line}");
    assert_eq!(outcome["exit_code"], 3);
    assert!(fs::read_to_string(markdown).unwrap().starts_with(&format!("**{line}**")));
}

#[test]
fn bisect_is_told_to_skip_whatever_could_not_be_told() {
    for args in [
        &["ab", "no-such-revision", "prod"][..],
        &["gate", "--base", "no-such-revision"],
        &["ab", "variant:prodd", "prod"],
        &["gate", "--base", "prod", "--settings", "no/such.toml"],
        &["gate", "--base", "prod", "--no-such-option"],
    ] {
        let without = run(args).status.code().unwrap();
        assert!([3, 64].contains(&without), "{args:?}: {without}");
        assert_eq!(run(&[args, &["--bisect"][..]].concat()).status.code(), Some(125), "{args:?}");
    }
    let output = run(&["ab", "no-such-revision", "prod", "--bisect", "--json"]);
    let outcome: serde_json::Value = serde_json::from_str(&out(&output)).unwrap();
    assert_eq!(outcome["exit_code"], 125);
}

#[cfg(unix)]
#[test]
fn an_outcome_is_not_written_over_by_another_form_of_it() {
    let target = tempfile::tempdir().unwrap();
    let file = target.path().join("both");
    let output = fs::File::create(&file).unwrap();
    let mut command = lab(target.path(), &["ab", "no-such-revision", "prod", "--json", "--markdown"]);
    let output = command.arg(&file).stdout(output).output().unwrap();
    assert_eq!(output.status.code(), Some(64), "{}", err(&output));
    assert!(err(&output).contains("standard output goes there"), "{}", err(&output));

    let kept = target.path().join("fairbench/last-outcome.json");
    let output = lab(target.path(), &["ab", "no-such-revision", "prod", "--markdown"]).arg(&kept).output().unwrap();
    assert_eq!(output.status.code(), Some(64), "{}", err(&output));
    assert!(err(&output).contains("the raw values are kept there"), "{}", err(&output));

    // Standard output by its name is no other file: both go there.
    let output = run(&["ab", "no-such-revision", "prod", "--markdown", "/dev/stdout"]);
    assert_eq!(output.status.code(), Some(3), "{}", err(&output));
    assert_eq!(out(&output).matches("could not measure: ").count(), 2, "{}", out(&output));
}

#[test]
fn a_comparison_gives_a_verdict_line_a_table_and_raw_values() {
    let target = tempfile::tempdir().unwrap();
    let args = ["ab", "prod", "prod", "--benchmarks", "verify_many_64", "--budget", "20s"];
    let output = lab(target.path(), &args).output().unwrap();
    // A busy machine may not decide; it must not find a difference.
    assert!([0, 2].contains(&output.status.code().unwrap()), "{}{}", out(&output), err(&output));
    let text = out(&output);
    let first = text.lines().next().unwrap();
    assert!(first.starts_with("pass: at ") || first.starts_with("inconclusive: "), "{text}");
    assert!(text.contains("| verify_many_64 |"), "{text}");
    let kept = fs::read_to_string(target.path().join("fairbench/last-outcome.json")).unwrap();
    let outcome: serde_json::Value = serde_json::from_str(&kept).unwrap();
    let row = &outcome["rows"][0];
    assert!(row["blocks"].as_array().unwrap().len() >= 2, "{kept}");
    assert!(row["counts"]["base"]["allocations"].as_f64().unwrap() > 0.0, "{row}");
    assert_eq!(row["counts"]["base"]["allocations"], row["counts"]["candidate"]["allocations"]);
}

#[cfg(unix)]
#[test]
fn an_interrupted_comparison_ends_with_130_and_keeps_its_blocks() {
    let target = tempfile::tempdir().unwrap();
    // A warn level this low is never decided before the budget is out.
    let args = ["ab", "prod", "prod", "--benchmarks", "verify_single", "--warn", "0.1", "--budget", "10m", "--json"];
    let mut child = lab(target.path(), &args).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    let mut lines = BufReader::new(child.stderr.take().unwrap()).lines();
    lines.find(|line| line.as_ref().is_ok_and(|line| line.starts_with("measuring"))).unwrap().unwrap();
    std::thread::sleep(std::time::Duration::from_secs(3));
    assert!(Command::new("kill").args(["-INT", &child.id().to_string()]).status().unwrap().success());
    let output = child.wait_with_output().unwrap();
    assert_eq!(output.status.code(), Some(130));
    let outcome: serde_json::Value = serde_json::from_str(&out(&output)).unwrap();
    assert_eq!(outcome["verdict_line"], "interrupted: what was measured is kept");
    assert!(!outcome["rows"][0]["blocks"].as_array().unwrap().is_empty(), "{outcome}");
}
