//! The scripts as shells of all kinds start them: whatever is exported, wherever the repository lies.
#![allow(missing_docs, clippy::unwrap_used, clippy::indexing_slicing, clippy::panic, reason = "a test")]
#![cfg(unix)]

mod common;

use std::fs;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use common::{err, out};

const SCRIPTS: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../scripts");

/// A repository that has scripts and a Cargo that only says how it was called.
struct Repository {
    place: tempfile::TempDir,
}

impl Repository {
    fn new() -> Self {
        let place = tempfile::tempdir().unwrap();
        let repository = Self { place };
        fs::create_dir_all(repository.root().join("scripts")).unwrap();
        fs::write(repository.root().join("Cargo.toml"), "gungraun = \"=0.20.0\"\n").unwrap();
        let scripts = fs::read_dir(SCRIPTS).unwrap().map(|entry| entry.unwrap().path());
        for script in scripts.filter(|path| path.is_file()) {
            fs::copy(&script, repository.root().join("scripts").join(script.file_name().unwrap())).unwrap();
        }
        repository.program("cargo", "printf '%s\\n' \"$*\"; exit \"${FAKE_EXIT:-0}\"");
        for tool in ["cc", "make", "valgrind"] {
            repository.program(tool, "");
        }
        repository
    }

    fn root(&self) -> PathBuf {
        self.place.path().join("a place, with spaces")
    }

    fn program(&self, name: &str, text: &str) {
        let path = self.place.path().join("bin").join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(&path, format!("#!/bin/sh\n{text}\n")).unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).unwrap();
    }

    fn bash(&self, directory: &Path, environment: &[(&str, &str)], arguments: &[&str]) -> Output {
        let path = format!("{}:{}", self.place.path().join("bin").display(), std::env::var("PATH").unwrap());
        let mut command = Command::new("bash");
        command.args(arguments).current_dir(directory).env("PATH", path).envs(environment.iter().copied());
        command.env_remove("GITHUB_STEP_SUMMARY");
        if environment.iter().all(|(name, _)| *name != "CARGO_TARGET_DIR") {
            command.env_remove("CARGO_TARGET_DIR");
        }
        command.output().unwrap()
    }
}

#[test]
fn what_a_shell_exports_changes_neither_where_scripts_work_nor_where_they_build() {
    let repository = Repository::new();
    let root = repository.root();
    // Looked for in CDPATH, `scripts/..` would be this one.
    let elsewhere = repository.place.path().join("elsewhere");
    fs::create_dir_all(elsewhere.join("scripts")).unwrap();
    let elsewhere = elsewhere.to_str().unwrap();
    let script = ". scripts/lib.sh; printf '%s|%s' \"$PWD\" \"$target_dir\"";
    let root_name = root.to_str().unwrap();
    for (environment, target) in [
        (&[][..], format!("{root_name}/target")),
        (&[("CDPATH", elsewhere)], format!("{root_name}/target")),
        (&[("CDPATH", elsewhere), ("POSIXLY_CORRECT", "1")], format!("{root_name}/target")),
        (&[("GREP_OPTIONS", "-v"), ("LC_ALL", "C"), ("TZ", "nowhere")], format!("{root_name}/target")),
        (&[("BASH_FUNC_cd%%", "() {  builtin cd /; echo gone; }")], format!("{root_name}/target")),
        (&[("CARGO_TARGET_DIR", "")], format!("{root_name}/target")),
        (&[("CARGO_TARGET_DIR", "my target")], format!("{root_name}/my target")),
        (&[("CARGO_TARGET_DIR", "/tmp/my target")], "/tmp/my target".to_owned()),
    ] {
        let output = repository.bash(&root, environment, &["-c", script]);
        assert_eq!(out(&output), format!("{root_name}|{target}"), "{environment:?}: {}", err(&output));
    }
}

#[test]
fn paths_are_those_of_the_caller_and_may_have_spaces() {
    let repository = Repository::new();
    let here = repository.place.path().join("my work");
    fs::create_dir_all(&here).unwrap();
    let script = repository.root().join("scripts/perf_gate.sh");
    let arguments = [script.to_str().unwrap(), "--base", "HEAD", "--markdown", "my gate.md"];
    let output = repository.bash(&here, &[("CDPATH", "/tmp:.")], &arguments);
    let expected = format!("lab gate --base HEAD --markdown {}/my gate.md\n", here.display());
    assert_eq!(out(&output), expected, "{}", err(&output));
}

#[test]
fn bisect_skips_what_could_not_be_told_also_where_the_lab_does_not_build() {
    let repository = Repository::new();
    let root = repository.root();
    for (lab, alone, bisecting) in
        [(0, 0, 0), (1, 1, 1), (2, 2, 125), (3, 3, 125), (64, 64, 125), (101, 101, 125), (130, 130, 130)]
    {
        let environment = [("FAKE_EXIT", &*lab.to_string())];
        let arguments = ["scripts/perf_gate.sh", "--base", "HEAD", "--bisect"];
        assert_eq!(repository.bash(&root, &environment, &arguments[..3]).status.code(), Some(alone));
        assert_eq!(repository.bash(&root, &environment, &arguments).status.code(), Some(bisecting), "{lab}");
    }
}

#[test]
fn a_link_or_a_device_that_the_outcome_goes_to_is_not_removed() {
    let repository = Repository::new();
    let root = repository.root();
    let (link, file) = (root.join("link"), root.join("file"));
    symlink("/dev/null", &link).unwrap();
    fs::write(&file, "of an earlier run").unwrap();
    for name in ["link", "file"] {
        repository.bash(&root, &[], &["scripts/perf_gate.sh", "--base", "HEAD", "--markdown", name]);
    }
    assert!(fs::symlink_metadata(&link).unwrap().is_symlink());
    assert_eq!(fs::read_to_string(&file).unwrap(), "", "must not be taken for this run's");
}
