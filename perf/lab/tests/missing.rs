//! What is not there never counts as good: comparisons of probes of which one lacks something, as a user meets them.
#![allow(missing_docs, clippy::unwrap_used, clippy::indexing_slicing, clippy::panic, reason = "a test")]
#![cfg(unix)]

mod common;

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::process::{Command, Output};

use common::{code, err, out};

const SETTINGS: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../fairbench.toml");
/// Answers everything at once, and says that an iteration takes so many nanoseconds.
const ANSWERS: &str = r#"
while read -r line; do
    name=${line##*\"case\":\"}; name=${name%%\"*}
    number=${line##*\"iterations\":}; number=${number%%\}*}
    case $line in
    *check*) echo "{\"checked\":{\"case\":\"$name\",\"decisions\":64}}" ;;
    *run*) echo "{\"ran\":{\"case\":\"$name\",\"iterations\":$number,\"elapsed_ns\":$((number * NANOSECONDS))}}" ;;
    *) exit ;;
    esac
done
"#;

struct Place(tempfile::TempDir);

impl Place {
    fn new() -> Self {
        Self(tempfile::tempdir().unwrap())
    }

    /// A probe with these cases: name, threads, tokens.
    fn probe(&self, name: &str, cases: &[(&str, usize, usize)], nanoseconds: usize) -> String {
        let case = |(name, threads, tokens): &(&str, usize, usize)| {
            format!(r#"{{"name":"{name}","threads":{threads},"tokens_per_iteration":{tokens},"clock":"wall"}}"#)
        };
        let cases: Vec<String> = cases.iter().map(case).collect();
        let hello = format!(
            r#"echo '{{"hello":{{"protocol":1,"probe":"script","threads":1,"cases":[{}]}}}}'"#,
            cases.join(",")
        );
        let path = self.0.path().join(name);
        let answers = ANSWERS.replace("NANOSECONDS", &nanoseconds.to_string());
        fs::write(&path, format!("#!/bin/sh\n{hello}\n{answers}")).unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).unwrap();
        path.to_str().unwrap().to_owned()
    }

    fn ab(&self, base: &str, candidate: &str, args: &[&str]) -> Output {
        let mut command = Command::new(env!("CARGO_BIN_EXE_perf-lab"));
        command.args(["ab", base, candidate, "--budget", "20s"]).args(args);
        // These tests measure nothing that others could disturb.
        command.env("FAIRBENCH_QUEUE_DIR", self.0.path()).env("CARGO_TARGET_DIR", self.0.path());
        command.env_remove("CARGO").output().unwrap()
    }
}

#[test]
fn a_new_benchmark_is_exit_3_with_a_line_that_can_be_copied_and_0_once_it_is_allowed() {
    let place = Place::new();
    let base = place.probe("base", &[("c", 1, 64)], 20_000);
    let candidate = place.probe("candidate", &[("c", 1, 64), ("new", 1, 64)], 20_000);
    for (one, other, side) in [(&base, &candidate, "candidate"), (&candidate, &base, "base")] {
        let output = place.ab(one, other, &[]);
        assert_eq!(code(&output), 3, "{}{}", out(&output), err(&output));
        let expected = format!(
            "Missing: only the {side} has new; it was not compared. If that is as it should be: --allow-missing new, "
        );
        assert_eq!(out(&output).lines().filter(|line| line.starts_with(&expected)).count(), 1, "{}", out(&output));
    }
    let output = place.ab(&base, &candidate, &["--allow-missing", "new"]);
    assert_eq!(code(&output), 0, "{}", out(&output));
    assert!(out(&output).contains("\nMissing, as expected: only the candidate has new; "), "{}", out(&output));
    let output = place.ab(&base, &candidate, &["--allow-missing", "knew"]);
    assert_eq!(code(&output), 3, "{}", out(&output));
    assert!(out(&output).contains("names knew, which no benchmark, level or tripwire"), "{}", out(&output));

    // What is not asked for is not missing; what is asked for is.
    assert_eq!(code(&place.ab(&base, &candidate, &["--benchmarks", "c"])), 0);
    let output = place.ab(&base, &candidate, &["--benchmarks", "c,new", "--json"]);
    assert_eq!(code(&output), 3, "{}", out(&output));
    let outcome: serde_json::Value = serde_json::from_str(&out(&output)).unwrap();
    assert_eq!(outcome["missing"][0]["name"], "new");
    assert_eq!((&outcome["missing"][0]["allowed"], &outcome["exit_code"]), (&false.into(), &3.into()));
    assert_eq!(
        code(&place.ab(&base, &candidate, &["--benchmarks", "new", "--allow-missing", "new"])),
        3,
        "nothing is left"
    );
    assert_eq!(code(&place.ab(&base, &candidate, &["--benchmarks", "neww"])), 64);
    assert_eq!(code(&place.ab(&base, &candidate, &["--bisect"])), 125);
}

#[test]
fn a_benchmark_of_other_threads_or_tokens_is_missing_and_a_regression_outweighs_that() {
    let place = Place::new();
    let base = place.probe("base", &[("c", 1, 64), ("wide", 2, 64), ("long", 1, 64)], 20_000);
    let other = place.probe("other", &[("c", 1, 64), ("wide", 4, 64), ("long", 1, 128)], 20_000);
    let output = place.ab(&base, &other, &[]);
    assert_eq!(code(&output), 3, "{}", out(&output));
    for part in
        ["Missing: wide is on 2 threads in the base and on 4 in", "Missing: long is of 64 items in the base and of 128"]
    {
        assert!(out(&output).contains(part), "{part}: {}", out(&output));
    }
    assert_eq!(code(&place.ab(&base, &other, &["--allow-missing", "wide,long"])), 0);

    let slower = place.probe("slower", &[("c", 1, 64)], 24_000);
    let output = place.ab(&base, &slower, &[]);
    assert_eq!(code(&output), 1, "{}", out(&output));
    assert!(out(&output).lines().next().unwrap().ends_with("; missing: wide, long"), "{}", out(&output));
}

#[test]
fn levels_of_no_benchmark_are_exit_3_and_settings_can_expect_what_is_missing() {
    let place = Place::new();
    let probe = place.probe("probe", &[("c", 1, 64)], 20_000);
    let candidate = place.probe("candidate", &[("c", 1, 64), ("new", 1, 64)], 20_000);
    let settings = place.0.path().join("gate.toml");
    let text = fs::read_to_string(SETTINGS).unwrap();
    let levels = "benchmarks.verify_singel]\nwarn_percent = 50.0\nfail_percent = 60.0\n";
    fs::write(&settings, format!("{text}\n[gate.{levels}")).unwrap();
    let name = settings.to_str().unwrap();
    let output = place.ab(&probe, &probe, &["--settings", name]);
    assert_eq!(code(&output), 3, "{}", out(&output));
    assert!(out(&output).contains("\nMissing: the settings have levels for verify_singel, "), "{}", out(&output));

    // The settings of the gate alone, as they were kept before there were others.
    fs::write(&settings, format!("allow_missing = [\"verify_singel\", \"new\"]\n[{levels}")).unwrap();
    let output = place.ab(&probe, &candidate, &["--settings", name]);
    assert_eq!(code(&output), 0, "{}", out(&output));
    assert_eq!(out(&output).matches("\nMissing, as expected: ").count(), 2, "{}", out(&output));
}
