//! What a build's flags, or this processor, keep from being measured is named n/a with its reason, everywhere. Without
//! such flags on such a processor these tests hold the other branch: everything is there.
#![allow(missing_docs, clippy::unwrap_used, clippy::indexing_slicing, clippy::panic, reason = "a test")]

mod common;

use std::process::{Command, Output};
use std::time::{Duration, Instant};

use common::{code, err, out};
use ron_auth_catalogue::find;
use ron_auth_variants::mac::lanes::SimdLevel;

const HELD: &str = "prod-avx2";

fn lab(args: &[&str]) -> Output {
    // Without cargo in the environment the counting program beside the lab is taken as it is.
    Command::new(env!("CARGO_BIN_EXE_perf-lab")).args(args).env_remove("CARGO").output().unwrap()
}

fn hindrance() -> Option<&'static str> {
    find(HELD).unwrap().hindrance()
}

#[test]
fn list_names_what_cannot_be_measured_with_its_reason() {
    let (table, json) = (out(&lab(&["list"])), out(&lab(&["list", "--json"])));
    let json: Vec<serde_json::Value> = serde_json::from_str(&json).unwrap();
    for variant in json {
        let expected = if variant["name"] == HELD { hindrance() } else { None };
        assert_eq!(variant["unavailable"].as_str(), expected, "{variant}");
    }
    let row = table.lines().find(|line| line.contains(&format!("| {HELD} "))).unwrap();
    assert_eq!(row.contains("n/a"), hindrance().is_some(), "{table}");
    assert_eq!(
        table.contains(&format!("{HELD}: n/a: {}", hindrance().unwrap_or("-"))),
        hindrance().is_some(),
        "{table}"
    );
}

#[test]
fn whatever_would_measure_it_says_why_it_cannot_in_one_line_and_ends_with_3() {
    let Some(reason) = hindrance() else { return };
    for args in [
        &["floor", "--engine", HELD][..],
        &["adaptive", "--engine", HELD],
        &["flame", HELD, "light"],
        &["flame", "prod", "light", "--against", HELD],
        &["probe", "--variant", HELD],
        &["probe", "--ask", HELD],
        &["sweep", "--smoke", "--variants", HELD],
        &["noise", "--side", HELD],
    ] {
        let output = lab(args);
        assert_eq!(code(&output), 3, "{args:?}: {}", err(&output));
        assert!(err(&output).contains(&format!("{HELD}: n/a: {reason}")), "{args:?}: {}", err(&output));
        assert_eq!(err(&output).lines().count(), 1, "{args:?}: {}", err(&output));
        assert_eq!(out(&output), "", "{args:?}");
    }
    for args in [["ab", HELD, "prod"], ["ab", "prod", HELD], ["ab", "variant:plain", "variant:prod-avx2"]] {
        let output = lab(&args);
        assert_eq!(code(&output), 3, "{args:?}: {}", err(&output));
        assert!(out(&output).contains(&format!("{HELD}: n/a: {reason}")), "{args:?}: {}", out(&output));
    }
}

#[test]
fn a_sweep_has_rows_for_what_it_cannot_measure() {
    let dir = tempfile::tempdir().unwrap();
    let plan = dir.path().join("own.toml");
    std::fs::write(
        &plan,
        "blocks = [6, 6]\nturn_us = 100\nrounds = 1\n[[section]]\nname = \"variants\"\nvariants = [\"prod\", \"prod-avx2\"]\n\
         corpora = [\"light\"]\nbatches = [8]\n",
    )
    .unwrap();
    let run = dir.path().join("run");
    let args = ["sweep", "--plan", plan.to_str().unwrap(), "--out", run.to_str().unwrap(), "--no-profile"];
    let output = lab(&args);
    assert_eq!(code(&output), 0, "{}{}", out(&output), err(&output));
    let [csv, summary, page, raw] = ["sweep.csv", "summary.md", "report.html", "run.jsonl"]
        .map(|file| std::fs::read_to_string(run.join(file)).unwrap());
    let row = csv.lines().find(|line| line.contains(",prod-avx2,")).unwrap();
    let Some(reason) = hindrance() else {
        assert!(!summary.contains("prod-avx2 | n/a") && row.ends_with(','), "{summary}");
        return;
    };
    assert!(row.contains(reason), "{row}");
    assert!(summary.contains("| light | 8 | prod-avx2 | n/a |"), "{summary}");
    let named = format!("{HELD}: n/a: {reason}");
    assert!(out(&output).contains(&named) && summary.contains(&named), "{}", out(&output));
    assert!(page.contains("AVX-512 everywhere") && raw.contains("\"unavailable\":[{"), "{raw}");
}

#[test]
fn decisions_are_replayed_on_every_variant_whatever_the_flags() {
    const VECTORS: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../testdata/v1/decisions.json");
    let mut vectors: serde_json::Value = serde_json::from_str(&std::fs::read_to_string(VECTORS).unwrap()).unwrap();
    vectors["cases"].as_array_mut().unwrap().truncate(20);
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("few.json");
    std::fs::write(&path, vectors.to_string()).unwrap();
    let output = out(&lab(&["vectors", path.to_str().unwrap()]));
    let line = output.lines().find(|line| line.starts_with(HELD)).unwrap();
    assert!(line.contains("20 passed, 0 failed"), "{output}");
    let times = format!("{HELD}: decisions alone; its times are n/a: ");
    assert_eq!(output.contains(&times), hindrance().is_some(), "{output}");
}

#[test]
fn instructions_are_not_available_at_once_where_valgrind_does_not_know_them() {
    if SimdLevel::compiled_in() != SimdLevel::Avx512 || Command::new("valgrind").arg("--version").output().is_err() {
        return;
    }
    let begun = Instant::now();
    let output = lab(&["ab", "prod", "prod", "--budget", "1s", "--benchmarks", "verify_single"]);
    let said = out(&output);
    assert!(said.contains("instructions n/a: ") && said.contains("it has no AVX-512"), "{said}{}", err(&output));
    assert!(begun.elapsed() < Duration::from_secs(60), "{:?}", begun.elapsed());
    assert_ne!(code(&output), 3, "{said}");
}

#[test]
fn flags_are_recorded_wherever_they_came_from() {
    // `RUSTFLAGS`, `CARGO_ENCODED_RUSTFLAGS`, `CARGO_BUILD_RUSTFLAGS` or Cargo's configuration.
    if cfg!(target_arch = "x86_64") && SimdLevel::compiled_in() > SimdLevel::Sse2 {
        let recorded = ron_auth_fixtures::environment::RUSTFLAGS;
        assert!(recorded.contains("target-cpu") || recorded.contains("target-feature"), "{recorded:?}");
    }
}
