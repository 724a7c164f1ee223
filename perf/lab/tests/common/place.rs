//! A place with its own build directory, scripts that are probes, and small repositories that the lab takes for its
//! own.
#![allow(
    dead_code,
    missing_docs,
    unreachable_pub,
    clippy::unwrap_used,
    clippy::panic,
    reason = "each test takes what it needs"
)]

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::time::{Duration, Instant};

use tempfile::TempDir;

pub const ROOT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../..");
pub const HELLO: &str = r#"echo '{"hello":{"protocol":1,"probe":"script","threads":1,"cases":[{"name":"c","threads":1,"tokens_per_iteration":64,"clock":"wall"}]}}'"#;
/// A probe that is as good as one in shell can be: 1 µs per iteration, always.
pub const GOOD: &str = r#"while read -r line; do case $line in
*check*) echo '{"checked":{"case":"c","decisions":64}}';;
*run*) n=${line##*iterations\":}; n=${n%%\}*}; echo '{"ran":{"case":"c","iterations":'$n',"elapsed_ns":'$n'000}}';;
*) exit 0;;
esac; done"#;

/// A place with its own build directory.
pub struct Place(pub TempDir);

impl Place {
    pub fn new() -> Self {
        Self(tempfile::tempdir().unwrap())
    }

    pub fn path(&self) -> &Path {
        self.0.path()
    }

    pub fn script(&self, name: &str, lines: &[&str]) -> String {
        let path = self.path().join(name);
        fs::write(&path, format!("#!/bin/sh\n{}\n", lines.join("\n"))).unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).unwrap();
        path.to_str().unwrap().to_owned()
    }

    pub fn lab(&self, args: &[&str]) -> Command {
        self.lab_in(Path::new(ROOT), args)
    }

    pub fn lab_in(&self, directory: &Path, args: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_perf-lab"));
        command
            .args(args)
            .current_dir(directory)
            .env("CARGO_TARGET_DIR", self.path().join("target"))
            .env("FAIRBENCH_PROBE_TIMEOUT_SECONDS", "3")
            // These times are made up: nobody has to wait for anybody.
            .env("FAIRBENCH_QUEUE_DIR", self.path())
            .env_remove("CARGO")
            .env_remove("RUSTFLAGS");
        command
    }
}

/// Exit code, and all that was said.
pub fn said(output: &Output) -> (i32, String) {
    let text = [&output.stdout, &output.stderr].map(|text| String::from_utf8_lossy(text).into_owned()).concat();
    (output.status.code().unwrap(), text)
}

/// The one line that says what was wrong.
pub fn line_with<'t>(text: &'t str, part: &str) -> &'t str {
    text.lines().find(|line| line.contains(part)).unwrap_or_else(|| panic!("no line has {part:?}: {text}"))
}

/// What the probe of such a repository measures: 1 µs per iteration, always.
pub const WORK: &str = "pub fn elapsed_ns(iterations: u64) -> u64 {\n    iterations * 1000\n}\n";

/// A repository that the lab takes for its own, with a small probe, and the revisions that `changes` make of it.
pub fn repository(changes: &[&dyn Fn(&Path)]) -> (Place, PathBuf) {
    let place = Place::new();
    let root = place.path().join("repository");
    fs::create_dir_all(root.join("baselines")).unwrap();
    fs::create_dir_all(root.join("perf/probe/src/bin")).unwrap();
    fs::create_dir_all(root.join("work/src")).unwrap();
    fs::write(root.join("Cargo.toml"), "[workspace]\nresolver = \"3\"\nmembers = [\"perf/probe\", \"work\"]\n")
        .unwrap();
    fs::write(root.join(".gitignore"), "/target/\n").unwrap();
    let package = |name: &str| format!("[package]\nname = \"{name}\"\nversion = \"0.1.0\"\nedition = \"2024\"\n");
    let depends = format!("{}[dependencies]\nwork = {{ path = \"../../work\" }}\n", package("perf-probe"));
    fs::write(root.join("perf/probe/Cargo.toml"), depends).unwrap();
    fs::write(root.join("work/Cargo.toml"), package("work")).unwrap();
    fs::write(root.join("work/src/lib.rs"), WORK).unwrap();
    fs::write(root.join("baselines/tripwires.toml"), "").unwrap();
    fs::copy(Path::new(ROOT).join("fairbench.toml"), root.join("fairbench.toml")).unwrap();
    let hello = HELLO
        .trim_start_matches("echo '")
        .trim_end_matches('\'')
        .replace(r#""threads":1,"cases""#, r#""revision":"{}","threads":1,"cases""#);
    let (before, after) = hello.split_once("{}").unwrap();
    let code = format!(
        "fn main() {{\n let revision = std::env::var(\"PERF_PROBE_REVISION\").unwrap_or_default();\n \
         println!(\"{{}}{{revision}}{{}}\", {before:?}, {after:?});\n \
         for line in std::io::stdin().lines() {{ let line = line.unwrap(); if line.contains(\"quit\") {{ break; }}\n  \
         let number = line.rsplit(':').next().unwrap().trim_end_matches('}}');\n  \
         let elapsed_ns = work::elapsed_ns(number.parse().unwrap_or(1));\n  \
         if line.contains(\"check\") {{ println!(r#\"{{{{\"checked\":{{{{\"case\":\"c\",\"decisions\":64}}}}}}}}\"#); }}\n  \
         else {{ println!(r#\"{{{{\"ran\":{{{{\"case\":\"c\",\"iterations\":{{number}},\"elapsed_ns\":{{elapsed_ns}}}}}}}}}}\"#); }} }}\n}}\n"
    );
    for file in ["perf/probe/src/main.rs", "perf/probe/src/bin/perf-probe-allocs.rs"] {
        fs::write(root.join(file), &code).unwrap();
    }
    git(&root, &["init", "--quiet"]);
    commit(&root);
    for change in changes {
        change(&root);
        commit(&root);
    }
    (place, root)
}

pub fn git(root: &Path, args: &[&str]) -> String {
    let identity = ["-c", "user.name=test", "-c", "user.email=test@example.org", "-c", "commit.gpgsign=false"];
    let output = Command::new("git").arg("-C").arg(root).args(identity).args(args).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap()
}

pub fn commit(root: &Path) {
    git(root, &["add", "--all"]);
    git(root, &["commit", "--quiet", "--allow-empty", "--message", "change"]);
}

pub fn wait_until(what: &str, happened: impl Fn() -> bool) {
    let deadline = Instant::now() + Duration::from_secs(60);
    while !happened() {
        assert!(Instant::now() < deadline, "{what}: not within a minute");
        std::thread::sleep(Duration::from_millis(20));
    }
}
