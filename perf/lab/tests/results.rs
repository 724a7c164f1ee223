//! `perf-lab results`, as a user meets it; and the pages of this repository, which are what their data give.
#![allow(missing_docs, clippy::unwrap_used, clippy::panic, reason = "a test")]

mod common;

use std::fs;
use std::path::Path;
use std::process::{Command, Output};

use common::{code, err, out};

const ROOT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../..");

fn results(root: &Path, args: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_perf-lab")).arg("results").args(args).current_dir(root).output().unwrap()
}

#[test]
fn the_pages_of_this_repository_are_what_their_data_give() {
    let checked = results(Path::new(ROOT), &["--check"]);
    assert_eq!(code(&checked), 0, "{}", err(&checked));
}

/// A project without any data.
fn project() -> tempfile::TempDir {
    let root = tempfile::tempdir().unwrap();
    fs::write(root.path().join("fairbench.toml"), "").unwrap();
    fs::create_dir(root.path().join("baselines")).unwrap();
    root
}

#[test]
fn what_a_command_of_the_lab_prints_is_taken_into_a_page_that_is_held_to_it() {
    let root = project();
    let floor = root.path().join("floor.json");
    let lab = |args: &[&str]| Command::new(env!("CARGO_BIN_EXE_perf-lab")).args(args).output().unwrap();
    let printed = lab(&["floor", "--seconds", "0.001", "--json"]);
    assert_eq!(code(&printed), 0, "{}", err(&printed));
    fs::write(&floor, out(&printed)).unwrap();

    let made = results(root.path(), &["--take", "floor=floor.json"]);
    assert_eq!(code(&made), 0, "{}", err(&made));
    let files = out(&made);
    let files: Vec<&str> = files.lines().collect();
    let [data, page] = files[..] else { panic!("{files:?}") };
    assert!(data.starts_with("docs/results/data/") && data.ends_with("/floor.json"), "{data}");
    let page = root.path().join(page);
    let text = fs::read_to_string(&page).unwrap();
    assert!(text.contains("`cargo lab floor --large --json`: ") && text.contains("| single-light "), "{text}");
    assert!(text.contains("Not measured here: `cargo lab results --measure timing` does."), "{text}");

    assert_eq!(code(&results(root.path(), &["--check"])), 0);
    fs::write(&page, text.replace("| single-light ", "| single-right ")).unwrap();
    let checked = results(root.path(), &["--check"]);
    assert_eq!((code(&checked), err(&checked).lines().count()), (1, 1), "{}", err(&checked));
    assert!(err(&checked).contains("| single-right ") && err(&checked).contains("cargo lab results writes it anew"));
    assert_eq!(code(&results(root.path(), &[])), 0);
    assert_eq!(fs::read_to_string(&page).unwrap(), text);
}

#[test]
fn what_is_wrong_is_said_in_one_line() {
    let root = project();
    for (args, exit, says) in [
        (&["--check"][..], 3, "has no data of any host"),
        (&["--take", "floor"], 64, "expected PART=FILE"),
        (&["--take", "recommend=x.json"], 64, "unknown part \"recommend\": expected one of floor, "),
        (&["--take", "floor=nowhere.json"], 3, "nowhere.json: "),
    ] {
        let output = results(root.path(), args);
        assert_eq!((code(&output), err(&output).lines().count()), (exit, 1), "{args:?}: {}", err(&output));
        assert!(err(&output).contains(says), "{args:?}: {}", err(&output));
    }
    assert_eq!(code(&results(root.path(), &["--measure", "luck"])), 64);
}
