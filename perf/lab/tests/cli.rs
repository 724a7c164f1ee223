//! The command line as a user meets it: output, files, exit codes.
#![allow(missing_docs, clippy::unwrap_used, clippy::indexing_slicing, clippy::panic, reason = "a test")]

mod common;

use std::fs;
use std::path::Path;
use std::process::{Command, Output};

use common::{code, err, out};

const VECTORS: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../testdata/v1/decisions.json");
const VARIANTS: [&str; 9] =
    ["plain", "simd-b64", "ciborium", "minicbor-zerocopy", "lanes", "parallel", "tls-scratch", "prod-avx2", "prod"];

fn lab(args: &[&str]) -> Output {
    // Without cargo in the environment the counting program beside the lab is taken as it is.
    Command::new(env!("CARGO_BIN_EXE_perf-lab")).args(args).env_remove("CARGO").output().unwrap()
}

/// The first cases of the recorded vectors: enough to show that something is noticed, quick in a debug build.
fn few_vectors() -> serde_json::Value {
    let mut vectors: serde_json::Value = serde_json::from_str(&fs::read_to_string(VECTORS).unwrap()).unwrap();
    vectors["cases"].as_array_mut().unwrap().truncate(20);
    vectors
}

fn write_json(path: &Path, value: &serde_json::Value) {
    fs::write(path, serde_json::to_string_pretty(value).unwrap()).unwrap();
}

#[test]
fn help_lists_the_exit_codes_and_wrong_usage_is_64() {
    let help = lab(&["--help"]);
    assert_eq!(code(&help), 0);
    for line in ["0    done", "1    a difference", "3    the work could not be done", "64   usage", "130  interrupted"]
    {
        assert!(out(&help).contains(line), "{line}");
    }
    for args in [
        &["sweep", "--no-such-option"][..],
        &["no-such-command"],
        &["vectors"],
        &["sweep", "--smoke", "--full"],
        &["sweep", "--batches", "0"],
        &["flame", "prod", "light", "--batch", "0"],
        &["flame", "prod", "light", "--batch", "65537"],
        &[],
    ] {
        assert_eq!(code(&lab(args)), 64, "{args:?}");
    }
    for seconds in ["0", "-1", "3601", "NaN"] {
        let output = lab(&["flame", "prod", "light", "--seconds", seconds]);
        assert_eq!(code(&output), 64, "{seconds}");
        assert!(err(&output).contains("--seconds: expected a number above 0, up to 3600"), "{}", err(&output));
    }
}

#[test]
fn an_unknown_name_is_answered_with_the_valid_ones_on_one_line() {
    for args in [
        &["sweep", "--variants", "prodd"][..],
        &["floor", "--engine", "prodd"],
        &["flame", "prodd", "light"],
        &["probe", "--variant", "prodd", "--fixture", "light"],
    ] {
        let output = lab(args);
        assert_eq!(code(&output), 64, "{args:?}");
        assert!(VARIANTS.iter().all(|name| err(&output).contains(name)), "{}", err(&output));
        assert_eq!(err(&output).lines().count(), 1);
    }
    for args in [&["sweep", "--fixtures", "lite"][..], &["flame", "prod", "lite"], &["adaptive", "--fixtures", "lite"]]
    {
        let output = lab(args);
        assert_eq!(code(&output), 64, "{args:?}");
        assert!(err(&output).contains("light, heavy, mixed"), "{}", err(&output));
        assert_eq!(err(&output).lines().count(), 1);
    }
}

#[test]
fn list_has_every_variant_as_a_table_and_as_json() {
    let table = out(&lab(&["list"]));
    let json: serde_json::Value = serde_json::from_str(&out(&lab(&["list", "--json"]))).unwrap();
    for name in VARIANTS {
        assert!(table.contains(&format!("| {name} ")), "{table}");
        assert!(json.as_array().unwrap().iter().any(|variant| variant["name"] == name), "{json}");
    }
}

#[test]
fn vectors_pass_on_every_variant() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("few.json");
    write_json(&path, &few_vectors());
    let output = lab(&["vectors", path.to_str().unwrap()]);
    assert_eq!(code(&output), 0, "{}", err(&output));
    let text = out(&output);
    for name in VARIANTS {
        let row = text.lines().find(|line| line.split_whitespace().next() == Some(name)).unwrap();
        assert!(row.ends_with("20 passed, 0 failed"), "{row}");
    }
    let total: usize = text.lines().last().unwrap().strip_suffix(" passed, 0 failed").unwrap().parse().unwrap();
    assert_eq!(total % 20, 0);
    assert!(total >= 20 * VARIANTS.len());
}

#[test]
fn a_vector_that_expects_something_else_is_exit_1_with_its_name() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("other.json");
    let mut vectors = few_vectors();
    vectors["cases"][3]["expect"] = serde_json::json!({"error": "Expired"});
    let name = vectors["cases"][3]["name"].as_str().unwrap().to_owned();
    write_json(&path, &vectors);
    let output = lab(&["vectors", path.to_str().unwrap()]);
    assert_eq!(code(&output), 1);
    let text = out(&output);
    assert!(text.contains(&format!("plain: {name}: verify_token: expected error Expired, got ")), "{text}");
    assert!(text.lines().last().unwrap().ends_with(&format!(" passed, {} failed", text.matches(" 1 failed").count())));
}

#[test]
fn a_file_that_is_missing_or_corrupt_is_exit_3_with_file_and_line() {
    let dir = tempfile::tempdir().unwrap();
    let missing = lab(&["vectors", "no/such/file.json"]);
    assert_eq!(code(&missing), 3);
    assert!(err(&missing).contains("no/such/file.json: ") && err(&missing).contains("; expected vectors"));
    assert_eq!(err(&missing).lines().count(), 1);

    let path = dir.path().join("corrupt.json");
    let text = fs::read_to_string(VECTORS).unwrap();
    let line = text.lines().position(|line| line.contains("\"now_unix_s\"")).unwrap() + 1;
    fs::write(&path, text.replacen("\"now_unix_s\": ", "\"now_unix_s\": soon", 1)).unwrap();
    let corrupt = lab(&["vectors", path.to_str().unwrap()]);
    assert_eq!(code(&corrupt), 3);
    assert!(err(&corrupt).contains(&format!("corrupt.json:{line}: ")), "{}", err(&corrupt));
    assert_eq!(err(&corrupt).lines().count(), 1);

    let tripwires = dir.path().join("tripwires.toml");
    fs::write(&tripwires, "[[ratio]]\nname = 1\n").unwrap();
    let sweep = lab(&["sweep", "--smoke", "--tripwires", tripwires.to_str().unwrap()]);
    assert_eq!(code(&sweep), 3);
    assert!(err(&sweep).contains("tripwires.toml:2: "), "{}", err(&sweep));

    assert_eq!(code(&lab(&["tripwires", "--criterion", "no/such/directory"])), 3);
}

#[test]
fn criterion_results_are_held_against_the_established_limits() {
    let dir = tempfile::tempdir().unwrap();
    let estimates = dir.path().join("verify_single/auth-simd");
    fs::create_dir_all(&estimates).unwrap();
    fs::write(estimates.join("estimates.json"), r#"{"mean":{"point_estimate":9000.0}}"#).unwrap();
    let output = lab(&["tripwires", "--criterion", dir.path().to_str().unwrap()]);
    let text = out(&output);
    let row = text.lines().find(|line| line.contains("auth-simd")).unwrap();
    assert!(row.contains("9.00") && row.contains("3.7"), "{row}");
    assert!(text.contains("verify_many_64_heavy") && text.contains("none found"), "{text}");
}

#[test]
fn a_tripwire_that_binds_here_and_was_not_measured_is_exit_3_unless_it_is_allowed() {
    let dir = tempfile::tempdir().unwrap();
    let estimates = dir.path().join("criterion/verify_many_64/auth-simd");
    fs::create_dir_all(&estimates).unwrap();
    let took = |ns: f64| {
        fs::write(estimates.join("estimates.json"), format!("{{\"mean\":{{\"point_estimate\":{ns}}}}}")).unwrap();
    };
    let tripwires = dir.path().join("tripwires.toml");
    let one = |name: &str, batch: usize| {
        format!(
            "[[absolute]]\nname = \"{name}\"\nlimit_us = 10\nhost = {{ cpu = \"\", rayon_threads = 3 }}\n\
             cell = {{ variant = \"prod\", fixture = \"light\", batch = {batch} }}\n"
        )
    };
    fs::write(&tripwires, one("verify_many_64", 64) + &one("verify_singel", 1)).unwrap();
    let run = |args: &[&str], threads: &str, criterion: &Path| {
        let mut command = Command::new(env!("CARGO_BIN_EXE_perf-lab"));
        command.arg("tripwires").arg("--tripwires").arg(&tripwires).arg("--criterion").arg(criterion).args(args);
        command.env("RAYON_NUM_THREADS", threads).output().unwrap()
    };
    let criterion = dir.path().join("criterion");
    took(9000.0);
    let missing = run(&[], "3", &criterion);
    assert_eq!(code(&missing), 3, "{}", out(&missing));
    let line = out(&missing).lines().find(|line| line.starts_with("Missing: verify_singel")).map(str::to_owned);
    assert!(line.unwrap().contains("--allow-missing verify_singel, or "), "{}", out(&missing));
    for allowed in ["verify_singel", "tripwires", "verify_many_64,verify_singel"] {
        assert_eq!(code(&run(&["--allow-missing", allowed], "3", &criterion)), 0, "{allowed}");
    }
    let typing_mistake = run(&["--allow-missing", "verify_sinlge"], "3", &criterion);
    assert_eq!(code(&typing_mistake), 3);
    assert!(out(&typing_mistake).contains("names verify_sinlge, which no "), "{}", out(&typing_mistake));
    assert_eq!(code(&run(&[], "2", &criterion)), 0, "does not bind here");
    took(11_000.0);
    assert_eq!(code(&run(&[], "3", &criterion)), 1, "what is shown to be bad outweighs");

    // A directory of something else.
    let wrong = run(&[], "2", dir.path());
    assert_eq!(code(&wrong), 3);
    assert!(err(&wrong).contains("has results of none of verify_many_64, verify_singel"), "{}", err(&wrong));
    assert_eq!(err(&wrong).lines().count(), 1);
}

#[test]
fn vectors_without_a_case_have_not_passed() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("none.json");
    let mut vectors = few_vectors();
    vectors["cases"] = serde_json::json!([]);
    write_json(&path, &vectors);
    let output = lab(&["vectors", path.to_str().unwrap()]);
    assert_eq!(code(&output), 3);
    assert!(err(&output).contains("none.json: has no cases"), "{}", err(&output));
}

#[test]
fn a_core_that_is_not_there_is_wrong_usage_of_every_command_that_measures() {
    for args in [
        &["ab", "prod", "prod"][..],
        &["gate", "--base", "prod"],
        &["noise", "--side", "variant:prod"],
        &["selftest", "--trials", "1"],
        &["sweep", "--smoke"],
        &["recommend"],
        &["floor"],
        &["adaptive"],
        &["baseline", "save", "x", "--side", "prod"],
    ] {
        let output = lab(&[args, &["--core", "9999"][..]].concat());
        assert_eq!(code(&output), 64, "{args:?}: {}", err(&output));
        assert!(err(&output).contains("--core 9999: ") && err(&output).lines().count() == 1, "{}", err(&output));
    }
    let output =
        Command::new(env!("CARGO_BIN_EXE_perf-lab")).arg("floor").env("PERF_LAB_CORE", "last").output().unwrap();
    assert_eq!(code(&output), 64);
    assert!(err(&output).contains("PERF_LAB_CORE is \"last\""), "{}", err(&output));
}

#[cfg(target_os = "linux")]
#[test]
fn a_lab_waits_visibly_for_another_one_that_measures() {
    use std::io::{BufRead, BufReader};
    let Some(core) = fairbench::measure::pin::measuring_core() else { return };
    let queue = tempfile::tempdir().unwrap();
    let held = fs::File::create(queue.path().join("perf-lab.lock")).unwrap();
    held.lock().unwrap();
    let mut command = Command::new(env!("CARGO_BIN_EXE_perf-lab"));
    command.args(["floor", "--fixtures", "scattered-light", "--json", "--seconds", "0.05"]);
    command.args(["--core", &core.to_string()]);
    command.env("FAIRBENCH_QUEUE_DIR", queue.path()).stdout(std::process::Stdio::piped());
    let mut waiting = command.stderr(std::process::Stdio::piped()).spawn().unwrap();
    let mut said = BufReader::new(waiting.stderr.take().unwrap()).lines();
    assert_eq!(said.next().unwrap().unwrap(), "another program is measuring on this machine; waiting for it …");
    assert!(waiting.try_wait().unwrap().is_none());
    drop(held);
    assert_eq!(code(&waiting.wait_with_output().unwrap()), 0);
}

#[cfg(target_os = "linux")]
#[test]
fn what_cannot_be_printed_is_exit_3() {
    let Ok(full) = fs::OpenOptions::new().write(true).open("/dev/full") else { return };
    let output = Command::new(env!("CARGO_BIN_EXE_perf-lab")).args(["list", "--json"]).stdout(full).output().unwrap();
    assert_eq!(code(&output), 3);
    assert!(err(&output).contains("could not write to standard output"), "{}", err(&output));
}

#[test]
fn floor_prints_its_cases_as_json() {
    let fixtures = ["--fixtures", "scattered-heavy,light"];
    let output = lab(&[&["floor", "--json", "--seconds", "0.05"], &fixtures[..]].concat());
    assert_eq!(code(&output), 0, "{}", err(&output));
    let cases: serde_json::Value = serde_json::from_str(&out(&output)).unwrap();
    let names: Vec<&str> = cases.as_array().unwrap().iter().map(|case| case["case"].as_str().unwrap()).collect();
    // In the order of the cases, whichever panel they were measured in.
    let expected =
        ["single-light", "single-scattered-heavy", "batch64-light", "batch64-scattered-heavy", "batch1024-light"];
    assert_eq!(names, expected);
    for case in cases.as_array().unwrap() {
        assert_eq!(case["engine"], "prod");
        for quantity in ["verify_ns", "floor_ns", "plain_ns", "classic_ns"] {
            assert!(case[quantity].as_f64().unwrap() > 0.0, "{quantity} of {case}");
        }
        for ratio in ["ratio", "speedup", "speedup_over_classic", "classic_to_plain"] {
            let [lower, estimate, upper] =
                ["_lower95", "", "_upper95"].map(|end| case[&format!("{ratio}{end}")].as_f64().unwrap());
            assert!(0.0 < lower && lower <= estimate && estimate <= upper, "{ratio} of {case}");
        }
        // Medians over the same blocks: the ratio of the medians is near the median of the ratios.
        let of_medians = case["classic_ns"].as_f64().unwrap() / case["plain_ns"].as_f64().unwrap();
        assert!((case["classic_to_plain"].as_f64().unwrap() / of_medians).ln().abs() < 0.5, "{case}");
        assert!(case["blocks"].as_u64().unwrap() >= 6 && case["rounds"].as_u64().unwrap() >= 6, "{case}");
    }
    let without_a_case = lab(&["floor", "--fixtures", "light,mixed"]);
    assert_eq!((code(&without_a_case), err(&without_a_case).lines().count()), (64, 1), "{}", err(&without_a_case));
    assert!(err(&without_a_case).contains("\"mixed\": expected some of light, heavy, scattered"));
}

#[test]
fn adaptive_prints_both_ratios_of_every_row_as_json() {
    let mut command = Command::new(env!("CARGO_BIN_EXE_perf-lab"));
    command.args(["adaptive", "--fixtures", "light", "--json", "--seconds", "0.01"]).env("RAYON_NUM_THREADS", "2");
    let output = command.output().unwrap();
    // So short, and perhaps without optimisation, a choice may well lose.
    assert!([0, 1].contains(&code(&output)), "{}", err(&output));
    let rows: serde_json::Value = serde_json::from_str(&out(&output)).unwrap();
    let rows = rows.as_array().unwrap();
    let of = |choice| rows.iter().filter(|row| row["choice"] == choice).count();
    assert_eq!((of("evaluator"), of("threads")), (5, 4));
    for row in rows {
        assert!(row["blocks"].as_u64().unwrap() >= 6, "{row}");
        assert!(!row["loses"].as_bool().unwrap() || code(&output) == 1, "{row}");
        for ratio in row["ratios"].as_array().unwrap() {
            let [lower, estimate, upper] = ["lower", "estimate", "upper"].map(|part| ratio[part].as_f64().unwrap());
            assert!(0.0 < lower && lower <= estimate && estimate <= upper, "{row}");
        }
    }
}

#[test]
fn hostile_measures_what_it_found_beside_an_ordinary_token() {
    let output = lab(&["hostile", "--engine", "prod", "--bytes", "128", "--seconds", "0.01", "--json"]);
    // Without optimisation, or in so little time, anything may come of it.
    assert!([0, 1, 2].contains(&code(&output)), "{}", err(&output));
    let rows: serde_json::Value = serde_json::from_str(&out(&output)).unwrap();
    let dearest = rows[0]["dearest"].as_array().unwrap();
    assert_eq!(dearest.iter().map(|found| found["batch_tokens"].as_u64().unwrap()).collect::<Vec<_>>(), [1, 64]);
    for found in dearest {
        assert_eq!(found["cbor_bytes"], 128);
        let of_medians = found["dearest_ns"].as_f64().unwrap() / found["ordinary_ns"].as_f64().unwrap();
        assert!((found["ratio"]["estimate"].as_f64().unwrap() / of_medians).ln().abs() < 0.5, "{found}");
        assert!(found["blocks"].as_u64().unwrap() >= 6 && !found["recipe"].as_str().unwrap().is_empty(), "{found}");
    }
}

#[cfg(target_os = "linux")]
#[test]
fn flame_draws_an_svg() {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("flame.svg");
    let output = lab(&["flame", "prod", "light", "--seconds", "0.5", "--out", file.to_str().unwrap()]);
    assert_eq!(code(&output), 0, "{}", err(&output));
    assert!(fs::read_to_string(&file).unwrap().contains("prod on light, batch 1"));
}

#[cfg(target_os = "linux")]
#[test]
fn flame_against_another_variant_draws_the_difference_and_splits_the_time_of_both() {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("flame.svg");
    let out_file = ["--out", file.to_str().unwrap()];
    let output =
        lab(&[&["flame", "+simd-b64", "mixed", "--against", "plain", "--seconds", "0.5"], &out_file[..]].concat());
    assert_eq!(code(&output), 0, "{}", err(&output));
    for row in ["| base64 ", "| decode ", "| mac ", "| key and mac ", "+simd-b64 ", "| plain "] {
        assert!(out(&output).contains(row), "{row}: {}", out(&output));
    }
    let difference = fs::read_to_string(dir.path().join("flame-against-plain.svg")).unwrap();
    assert!(difference.contains("+simd-b64 against plain on mixed, batch 1"), "{difference}");
    assert!(difference.contains("ns/token") && !difference.contains("<script"), "{difference}");

    let unknown = lab(&["flame", "prod", "light", "--against", "prodd"]);
    assert_eq!((code(&unknown), err(&unknown).lines().count()), (64, 1), "{}", err(&unknown));
}
