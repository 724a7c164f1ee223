use std::fs;

use serde_json::json;

use super::*;

const HOST: &str = "laptop-8c-avx2";

fn host(revision: &str) -> Host {
    Host {
        cpu: "Laptop".into(),
        cores: 8,
        rayon_threads: 8,
        governor: None,
        os: "linux x86_64".into(),
        kernel: None,
        rustc: "rustc 1.95.0 (0000 2026-04-14)".into(),
        rustflags: String::new(),
        build: "release".into(),
        features: Vec::new(),
        simd_path: "avx2".into(),
        revision: Some(revision.into()),
    }
}

/// A repository with the data of one host: files of its folder.
fn repository(files: &[(&str, String)]) -> tempfile::TempDir {
    let root = tempfile::tempdir().unwrap();
    let folder = data::folder(root.path(), HOST);
    fs::create_dir_all(&folder).unwrap();
    fs::create_dir_all(root.path().join("baselines")).unwrap();
    for (name, text) in files {
        fs::write(folder.join(name), text).unwrap();
    }
    root
}

fn peers() -> PartData {
    let row = json!({
        "peer": "macaroon", "version": "0.3.0", "fixture": "light", "token_bytes": 156, "ns_per_token": 6607.2,
        "ratio": 8.761, "ratio_lower95": 8.701, "ratio_upper95": 8.844, "tokens_per_turn": 1, "rounds": 20,
        "differs": "text",
    });
    let result = json!({ "pinned": true, "rows": [row] });
    PartData::new("cargo lab peers --json".into(), "2026-12-01T10:11:12Z".into(), 0, host("abc"), result)
}

#[test]
fn a_part_without_data_says_which_command_measures_it_and_what_was_printed_earlier_is_a_quotation() {
    let quoted = "2026-11. By hand:\n\n| a |\n|---|\n| 1 |\n".to_owned();
    let root = repository(&[("timing.quoted.md", quoted), ("timing.md", "A remark.\n".into())]);
    let page = page(root.path(), HOST).unwrap();
    assert!(
        page.contains("## Peers\n\n") && page.contains("Not measured here: `cargo lab results --measure peers` does.")
    );
    let timing = page.split("## Does time tell a secret?").nth(1).unwrap();
    assert!(
        timing.contains("copied by hand:\n\n> 2026-11. By hand:\n>\n> | a |\n> |---|\n> | 1 |\n\nA remark.\n\n"),
        "{timing}"
    );
    assert_eq!(hosts(root.path()).unwrap(), [HOST]);
}

#[test]
fn what_was_measured_stands_below_its_command_date_and_revision_and_takes_the_place_of_a_quotation() {
    let root = repository(&[("peers.quoted.md", "Old.".into())]);
    let measured = peers();
    assert_eq!(name_of(&measured.host), HOST);
    assert_eq!(PartData::read(&measured.keep(root.path(), HOST, "peers").unwrap()).unwrap(), measured);
    let page = page(root.path(), HOST).unwrap();
    let line =
        format!("`cargo lab peers --json`: 2026-12-01, revision abc, `{}`.\n\n| fixture ", host("").fingerprint());
    assert!(page.contains(&line) && !page.contains("Old."), "{page}");
    assert!(page.contains("| 8.761 (8.701–8.844) |"), "{page}");
    assert!(page.contains("| rustc ") && page.starts_with("# Results: laptop-8c-avx2\n\n"), "{page}");
}

#[test]
fn data_of_another_shape_are_refused_with_their_file_and_what_is_missing() {
    let root = repository(&[]);
    let mut measured = peers();
    measured.result = json!({ "rows": [{ "peer": "x" }] });
    measured.keep(root.path(), HOST, "peers").unwrap();
    let error = format!("{:#}", page(root.path(), HOST).unwrap_err());
    assert!(error.contains("peers.json") && error.contains("missing field"), "{error}");
    fs::write(data::path_of(root.path(), HOST, "peers"), "{\n\"format\": 1}").unwrap();
    let error = format!("{:#}", page(root.path(), HOST).unwrap_err());
    assert!(error.contains("peers.json:2: ") && error.contains("cargo lab results --measure"), "{error}");
}

#[test]
fn the_first_line_that_differs_is_named() {
    assert_eq!(first_difference("a\nb\n", "a\nb\n"), None);
    assert_eq!(first_difference("a\nb\n", "a\nc\n"), Some((2, "b".into(), "c".into())));
    assert_eq!(first_difference("a", "a\n"), Some((2, "the end of the file".into(), String::new())));
    assert_eq!(first_difference("", "a"), Some((1, String::new(), "a".into())));
}

#[test]
fn every_part_has_a_name_of_its_own_and_says_how_it_is_measured() {
    for (index, part) in PARTS.iter().enumerate() {
        assert!(PARTS[..index].iter().all(|other| other.name != part.name), "{}", part.name);
        let by_itself = matches!(part.origin, Origin::Command { .. });
        assert_eq!(by_itself, part.how.is_empty(), "{}", part.name);
    }
    assert!(PARTS[0].heading.is_some());
    assert!(PagePart::measurable("floor").is_some() && PagePart::measurable("recommend").is_none());
}

#[test]
fn each_command_has_its_table() {
    let ratio = json!({ "estimate": 1.004, "lower": 1.003, "upper": 1.005 });
    let interval = |median: f64| json!({ "median": median, "lower": median - 0.1, "upper": median + 0.1 });
    let compared = |secret: serde_json::Value, median: f64| {
        json!({ "engine": "prod", "batch_tokens": 1, "secret": secret, "token_ns": 675.4,
            "difference_ns": interval(median), "detectable_ns": 0.36 })
    };
    let dearest = |bytes: usize, estimate: f64| {
        json!({ "cbor_bytes": bytes, "batch_tokens": 64, "recipe": "nets", "dearest_ns": 9.0, "ordinary_ns": 3.0,
            "ratio": { "estimate": estimate, "lower": 1.0, "upper": 3.0 }, "tried": 9 })
    };
    let adaptive = json!([{ "choice": "threads", "fixture": "light", "batch": 64,
        "fixed": ["one thread", "all threads"], "ratios": [ratio, ratio], "loses": true }]);
    let noise = json!({ "budgets_s": [1.0, 10.0, 60.0], "culprits": ["load 3"], "benchmarks": [{
        "benchmark": "verify_single", "threads": 1, "blocks": 9, "block_sd": 0.011,
        "detectable": [null, 0.005, 0.001] }] });
    let timing = json!([
        compared(json!("nothing"), 0.001),
        compared(json!({ "right-mac-bytes": 1 }), -0.05),
        compared(json!("leak"), 22.0),
        compared(json!("key-of-one-bit"), 0.5),
    ]);
    let hostile = json!([{ "engine": "prod", "dearest": [dearest(512, 2.0), dearest(1024, 2.5)],
        "memory": { "token": "t", "chars": 1, "bytes": 1 }, "memory_bytes_per_char": 0.5 }]);
    let sweep = serde_json::to_value(crate::test_data::rows()).unwrap();
    for (table, expected) in [
        (tables::adaptive(&adaptive), "| one thread: 1.004 (1.003–1.005) | all threads: 1.004 (1.003–1.005) | YES "),
        (tables::noise(&noise), "| 1.10 %            | n/a: too few blocks | 0.50 %"),
        (tables::noise(&noise), "\n\nIn the way: load 3."),
        (tables::timing(&timing), "| control: no difference "),
        (tables::timing(&timing), "| +0.00 (-0.10 to +0.10)    | 0.36            | none seen |"),
        (tables::timing(&timing), "| 1 byte of the MAC right, or none "),
        (tables::timing(&timing), "| +22.00 (+21.90 to +22.10) | 0.36            | caught    |"),
        (tables::timing(&timing), "| DIFFERS   |"),
        (tables::hostile(&hostile), "| prod   | 1024  | 64    | 3           | 9          | 2.500 (1.000–3.000) | 0.50"),
        (tables::sweep(&sweep), "| variant "),
    ] {
        let table = table.unwrap();
        assert!(table.contains(expected), "{expected}\n{table}");
    }
    assert_eq!(tables::hostile(&hostile).unwrap().lines().count(), 3, "the worst of a batch size only");
    assert!(tables::timing(&json!([compared(json!("luck"), 0.0)])).is_err());
    assert!(tables::adaptive(&json!([])).is_err());
}
