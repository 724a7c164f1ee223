//! `perf-lab baseline`, as a user meets it.
#![allow(missing_docs, clippy::unwrap_used, clippy::indexing_slicing, clippy::panic, reason = "a test")]

mod common;

use std::fs;
use std::path::Path;
use std::process::{Command, Output};

use common::{code, err, out};

const CRITERION: &str =
    concat!(env!("CARGO_MANIFEST_DIR"), "/../../baselines/criterion/intel-xeon-2c-avx512.auth-simd.json");

fn lab(directory: &Path, args: &[&str]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_perf-lab"));
    command.args(["baseline", "--baselines", directory.to_str().unwrap()]).args(args).env_remove("CARGO");
    command.env("CARGO_TARGET_DIR", directory.join("target")).output().unwrap()
}

/// The file of the only baseline called so.
fn file_of(directory: &Path, name: &str) -> std::path::PathBuf {
    let hosts = fs::read_dir(directory).unwrap().map(|entry| entry.unwrap().path().join(format!("{name}.json")));
    hosts.into_iter().find(|path| path.is_file()).unwrap()
}

#[test]
fn a_baseline_is_saved_with_raw_values_listed_compared_and_exported() {
    let dir = tempfile::tempdir().unwrap();
    let directory = dir.path();
    let saved = lab(directory, &["save", "first", "--side", "prod", "--blocks", "6"]);
    assert_eq!(code(&saved), 0, "{}", err(&saved));
    let stored: serde_json::Value =
        serde_json::from_str(&fs::read_to_string(file_of(directory, "first")).unwrap()).unwrap();
    assert_eq!(stored["benchmarks"].as_array().unwrap().len(), 6);
    for benchmark in stored["benchmarks"].as_array().unwrap() {
        assert_eq!(benchmark["blocks"].as_array().unwrap().len(), 6);
        assert!(benchmark["blocks"][1]["time_ns_per_token"].as_f64().unwrap() > 0.0, "{benchmark}");
        assert!(benchmark["blocks"][1]["floor_ns_per_token"].as_f64().unwrap() > 0.0, "{benchmark}");
    }

    let list = out(&lab(directory, &["list"]));
    let row = list.lines().find(|line| line.contains("| first ")).unwrap();
    assert!(row.contains("| yes ") && row.contains("prod") && row.contains("| 6 "), "{row}");

    // Against itself: nothing changed.
    let same = lab(directory, &["compare", "first", "first"]);
    assert_eq!(code(&same), 0, "{}", err(&same));
    assert!(out(&same).starts_with("no benchmark of 6 is slower"), "{}", out(&same));

    // Slower in the file: exit 1, by name.
    let mut slower = stored.clone();
    slower["name"] = "slower".into();
    for end in ["estimate", "lower", "upper"] {
        let ratio = slower["benchmarks"][0]["ratio_to_floor"][end].as_f64().unwrap();
        slower["benchmarks"][0]["ratio_to_floor"][end] = (ratio * 2.0).into();
    }
    let path = directory.join("slower.json");
    fs::write(&path, slower.to_string()).unwrap();
    let compared = lab(directory, &["compare", "first", path.to_str().unwrap()]);
    assert_eq!(code(&compared), 1, "{}", err(&compared));
    assert!(out(&compared).starts_with("slower, related to the floor: verify_single\n"), "{}", out(&compared));

    // Of another host: refused, unless forced, and then without times.
    let mut elsewhere = stored;
    elsewhere["fingerprint"] = "elsewhere".into();
    fs::write(&path, elsewhere.to_string()).unwrap();
    let refused = lab(directory, &["compare", path.to_str().unwrap(), "first"]);
    assert_eq!(code(&refused), 3);
    assert!(err(&refused).contains("--force") && err(&refused).lines().count() == 1, "{}", err(&refused));
    let refused = lab(directory, &["compare", path.to_str().unwrap()]);
    assert!(err(&refused).contains("--force"), "refused before anything is measured: {}", err(&refused));
    let forced = lab(directory, &["compare", "--force", path.to_str().unwrap(), "first"]);
    assert_eq!(code(&forced), 0, "{}", err(&forced));
    assert!(out(&forced).lines().any(|line| line.contains("verify_many_64 ") && line.contains("n/a")));

    // With another number of threads, which benchmarks on one do not depend on.
    let on_one = |args: &[&str]| {
        let mut command = Command::new(env!("CARGO_BIN_EXE_perf-lab"));
        command.args(["baseline", "--baselines", directory.to_str().unwrap()]).args(args).env_remove("CARGO");
        command.env("RAYON_NUM_THREADS", "1").output().unwrap()
    };
    assert!(out(&on_one(&["list"])).contains("| first ") && out(&on_one(&["list"])).contains("| yes "));
    let compared = on_one(&["compare", "first", "first"]);
    assert_eq!(code(&compared), 0, "{}", err(&compared));

    // A benchmark that one of the two lacks.
    let mut fewer: serde_json::Value =
        serde_json::from_str(&fs::read_to_string(file_of(directory, "first")).unwrap()).unwrap();
    fewer["benchmarks"].as_array_mut().unwrap().remove(0);
    let fewer_path = directory.join("fewer.json");
    fs::write(&fewer_path, fewer.to_string()).unwrap();
    let fewer_path = fewer_path.to_str().unwrap();
    let compared = lab(directory, &["compare", "first", fewer_path]);
    assert_eq!(code(&compared), 3, "{}", out(&compared));
    assert!(out(&compared).contains("\nMissing: only \"first\" has verify_single; "), "{}", out(&compared));
    let compared = lab(directory, &["compare", "first", fewer_path, "--allow-missing", "verify_single"]);
    assert_eq!(code(&compared), 0, "{}", out(&compared));

    let exported = directory.join("export.json");
    assert_eq!(code(&lab(directory, &["export", "first", "--out", exported.to_str().unwrap()])), 0);
    let imported = lab(directory, &["import", exported.to_str().unwrap(), "--name", "again"]);
    assert_eq!(code(&imported), 0, "{}", err(&imported));
    let compared = lab(directory, &["compare", "first", "again"]);
    assert_eq!(code(&compared), 0, "{}", err(&compared));
    assert!(out(&compared).starts_with("not judged: "), "{}", out(&compared));
}

#[test]
fn what_critcmp_exported_of_criterion_can_be_imported_and_listed() {
    let dir = tempfile::tempdir().unwrap();
    let imported = lab(dir.path(), &["import", CRITERION]);
    assert_eq!(code(&imported), 0, "{}", err(&imported));
    let list = out(&lab(dir.path(), &["list"]));
    assert!(list.lines().any(|line| line.contains("| auth-simd ") && line.contains("no: imported")), "{list}");
}

#[test]
fn bad_input_is_one_clear_line() {
    let dir = tempfile::tempdir().unwrap();
    let text = dir.path().join("export.json");
    fs::write(&text, "{\n\"name\": 3}").unwrap();
    for (args, exit, part) in [
        (&["compare", "none", "none"][..], 3, "no baseline is called \"none\""),
        (&["export", "none"], 3, "none is stored"),
        (&["import", text.to_str().unwrap()], 3, "export.json:2: "),
        (&["import", "/no/such/file"], 3, "critcmp --export"),
        (&["save", "../up", "--side", "prod"], 64, "cannot name a baseline"),
        (&["save", "x", "--side", "variant:prodd"], 64, "the variants are plain"),
        (&["save", "x", "--side", "no-such-revision"], 3, "no-such-revision"),
    ] {
        let output = lab(dir.path(), args);
        assert_eq!(code(&output), exit, "{args:?}: {}", err(&output));
        assert!(err(&output).contains(part) && err(&output).lines().count() == 1, "{}", err(&output));
    }
    assert!(out(&lab(dir.path(), &["list"])).starts_with("nothing is stored yet"));
}
