//! The program as a foreign project uses it: settings of its own, probes in any language, and one line about each
//! error.
#![cfg(unix)]
#![allow(missing_docs, clippy::unwrap_used, clippy::indexing_slicing, clippy::panic, reason = "a test")]

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::{Command, Output};

use tempfile::TempDir;

/// A script that is a probe which reports this many nanoseconds per iteration.
fn probe(ns: u32) -> String {
    format!(
        r#"#!/bin/sh
echo '{{"hello":{{"protocol":2,"probe":"script","threads":1,"cases":[{{"name":"c","threads":1,"items_per_iteration":64,"item":"thing","clock":"wall"}}]}}}}'
while read -r line; do case $line in
*check*) echo '{{"checked":{{"case":"c","answers":64}}}}';;
*run*) n=${{line##*iterations\":}}; n=${{n%%\}}*}}; echo '{{"ran":{{"case":"c","iterations":'$n',"elapsed_ns":'$((n * {ns}))'}}}}';;
*) exit 0;;
esac; done
"#
    )
}

struct Place(TempDir);

impl Place {
    /// A project with these settings, or a folder without any.
    fn new(settings: Option<&str>) -> Self {
        let place = Self(tempfile::tempdir().unwrap());
        if let Some(settings) = settings {
            place.write("fairbench.toml", settings);
        }
        fs::create_dir(place.0.path().join("deeper")).unwrap();
        place
    }

    fn write(&self, name: &str, text: &str) {
        let path = self.0.path().join(name);
        fs::write(&path, text).unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).unwrap();
    }

    /// Runs fairbench in a folder within the project, so that the settings have to be found.
    fn fairbench(&self, args: &[&str]) -> Output {
        self.fairbench_in("deeper", args)
    }

    fn fairbench_in(&self, folder: &str, args: &[&str]) -> Output {
        Command::new(env!("CARGO_BIN_EXE_fairbench"))
            .args(args)
            .current_dir(self.0.path().join(folder))
            .env("CARGO_TARGET_DIR", self.0.path().join("target"))
            .env("FAIRBENCH_QUEUE_DIR", self.0.path())
            .output()
            .unwrap()
    }
}

/// Exit code, standard output and standard error.
fn said(output: &Output) -> (i32, String, String) {
    let text = |bytes: &[u8]| String::from_utf8(bytes.to_vec()).unwrap();
    (output.status.code().unwrap(), text(&output.stdout), text(&output.stderr))
}

#[test]
fn two_scripts_are_compared_in_a_project_of_their_own() {
    let place = Place::new(Some("[gate]\nrounds = 3\nbudget_seconds = 20.0\n"));
    place.write("base", &probe(20_000));
    place.write("slower", &probe(24_000));
    let (code, out, err) = said(&place.fairbench(&["ab", "../base", "../base"]));
    assert_eq!(code, 0, "{out}{err}");
    assert!(out.starts_with("pass: ") && out.contains("instructions per thing"), "{out}");
    let (code, out, err) = said(&place.fairbench(&["gate", "--base", "../base", "--candidate", "../slower", "--json"]));
    assert_eq!(code, 1, "{out}{err}");
    let outcome: serde_json::Value = serde_json::from_str(&out).unwrap();
    assert_eq!(outcome["rows"][0]["verdict"], "regression", "{out}");
    assert!(
        (outcome["rows"][0]["base_ns_per_token"].as_f64().unwrap() - 312.5).abs() < 1e-6,
        "the field keeps its name"
    );
    assert_eq!(outcome["tripwires"].as_array().unwrap().len(), 0);
    assert!(place.0.path().join("target/fairbench/last-outcome.json").is_file());
}

#[test]
fn settings_in_a_folder_of_a_workspace_build_its_probe_also_in_a_revision_from_before_there_was_one() {
    const CODE: &str = r##"
fn main() {
    println!("{}", r#"{"hello":{"protocol":2,"probe":"part","threads":1,"cases":[{"name":"c","threads":1,"items_per_iteration":1,"clock":"wall"}]}}"#);
    for line in std::io::stdin().lines().map_while(Result::ok) {
        if line.contains("quit") { break; }
        let number: u64 = line.rsplit(':').next().unwrap().trim_end_matches('}').parse().unwrap_or(1);
        if line.contains("check") { println!(r#"{{"checked":{{"case":"c","answers":1}}}}"#); }
        else { println!(r#"{{"ran":{{"case":"c","iterations":{number},"elapsed_ns":{}}}}}"#, number * 20_000); }
    }
}
"##;
    let place = Place::new(None);
    let git = |args: &[&str]| {
        let identity = ["-c", "user.name=test", "-c", "user.email=test@example.org", "-c", "commit.gpgsign=false"];
        let git = Command::new("git").arg("-C").arg(place.0.path()).args(identity).args(args).output().unwrap();
        assert!(git.status.success(), "{}", String::from_utf8_lossy(&git.stderr));
    };
    let commit = || {
        git(&["add", "--all"]);
        git(&["commit", "--quiet", "--message", "change"]);
    };
    place.write(".gitignore", "/target/\n");
    place.write("Cargo.toml", "[workspace]\nresolver = \"3\"\nmembers = []\n");
    git(&["init", "--quiet"]);
    commit();
    fs::create_dir_all(place.0.path().join("part/probe/src")).unwrap();
    place.write("Cargo.toml", "[workspace]\nresolver = \"3\"\nmembers = [\"part/probe\"]\n");
    place.write("part/fairbench.toml", "[probe]\npackage = \"part-probe\"\nharness = [\"part/probe\"]\n");
    place.write("part/probe/Cargo.toml", "[package]\nname = \"part-probe\"\nedition = \"2024\"\n");
    place.write("part/probe/src/main.rs", CODE);
    commit();
    let (code, out, err) = said(&place.fairbench_in("part/probe", &["ab", "HEAD~1", "."]));
    assert_eq!(code, 0, "{out}{err}");
    assert!(out.contains("HEAD~1 (") && out.contains("working tree ("), "{out}");
    assert!(place.0.path().join("target/fairbench/last-outcome.json").is_file());
    assert!(!place.0.path().join("part/target").exists());
}

#[test]
fn the_probe_in_python_can_be_tried_out_and_compared_with_itself() {
    let python = Command::new("python3").arg("--version").output();
    if !python.is_ok_and(|output| output.status.success()) {
        eprintln!("skipped: there is no python3 here");
        return;
    }
    let place = Place::new(Some("[gate]\nbudget_seconds = 5.0\n"));
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data/sorting.py");
    fs::copy(script, place.0.path().join("sorting.py")).unwrap();
    let (code, out, err) = said(&place.fairbench(&["probe", "--ask", "../sorting.py"]));
    assert_eq!(code, 0, "{out}{err}");
    assert!(out.contains("| sort_1000 ") && out.contains("It speaks the protocol."), "{out}");
    // How long it takes is the machine's affair: what counts is that there is an outcome.
    let (_, out, err) = said(&place.fairbench(&["ab", "../sorting.py", "../sorting.py", "--json"]));
    let outcome: serde_json::Value = serde_json::from_str(&out).unwrap_or_else(|error| panic!("{error}: {out}{err}"));
    assert!(outcome["stopped"].is_null() && !outcome["rows"][0]["blocks"].as_array().unwrap().is_empty(), "{out}{err}");
}

#[test]
fn what_is_wrong_is_one_line_with_its_place_and_exit_3() {
    let one_line = |place: &Place, args: &[&str], part: &str| {
        let (code, out, err) = said(&place.fairbench(args));
        assert_eq!(code, 3, "{out}{err}");
        let line = format!("{out}{err}").lines().find(|line| line.contains(part)).map(str::to_owned);
        assert!(line.is_some(), "{part}: {out}{err}");
    };
    let nowhere = Place::new(None);
    one_line(&nowhere, &["ab", "HEAD", "."], "no fairbench.toml here or above; expected the settings of a project");
    let unknown = Place::new(Some("[probe]\npackage = \"p\"\n\n[gate]\nrounds = 3\nroundss = 4\n"));
    one_line(&unknown, &["noise"], "fairbench.toml:6: unknown field `roundss`");
    let impossible = Place::new(Some("[gate]\nrounds = 0\n"));
    one_line(&impossible, &["noise"], "fairbench.toml:2: rounds is 0; expected 1 to 1000");
    let without_recipe = Place::new(Some(""));
    one_line(&without_recipe, &["ab", ".", "."], "fairbench.toml: does not say what to build");
    one_line(&without_recipe, &["selftest", "--source"], "fairbench.toml: names no patches");
    let without_git = Place::new(Some("[probe]\npackage = \"p\"\n"));
    one_line(&without_git, &["ab", "HEAD~1", "HEAD"], "not a git repository");
    without_recipe.write("next", "#!/bin/sh\necho '{\"hello\":{\"protocol\":3}}'\nread -r line\n");
    one_line(&without_recipe, &["probe", "--ask", "../next"], "speaks protocol version 3; expected 1 to 2");
}

#[test]
fn usage_is_exit_64_and_help_is_none_of_it() {
    let place = Place::new(Some(""));
    assert_eq!(said(&place.fairbench(&["ab", "."])).0, 64);
    assert_eq!(said(&place.fairbench(&["ab", "", "."])).0, 64);
    assert_eq!(said(&place.fairbench(&["gate", "--base", ".", "--bisect", "--nonsense"])).0, 125);
    let (code, out, _) = said(&place.fairbench(&["--help"]));
    assert_eq!(code, 0);
    for command in ["ab", "gate", "selftest", "noise", "baseline", "trend", "probe", "clean"] {
        assert!(out.contains(&format!("\n  {command} ")), "{out}");
    }
    assert!(out.contains("Exit codes:"), "{out}");
}
