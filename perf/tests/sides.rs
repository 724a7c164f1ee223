//! Sides of a comparison that are no good, as a user meets them: one clear line, exit 3 (130 for Ctrl-C), nothing left.
#![cfg(unix)]
#![allow(missing_docs, clippy::unwrap_used, clippy::indexing_slicing, clippy::panic, reason = "a test")]

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::time::{Duration, Instant};

use tempfile::TempDir;

const ROOT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/..");
const HELLO: &str = r#"echo '{"hello":{"protocol":1,"probe":"script","threads":1,"cases":[{"name":"c","threads":1,"tokens_per_iteration":64,"clock":"wall"}]}}'"#;
/// A probe that is as good as one in shell can be: 1 µs per iteration, always.
const GOOD: &str = r#"while read -r line; do case $line in
*check*) echo '{"checked":{"case":"c","decisions":64}}';;
*run*) n=${line##*iterations\":}; n=${n%%\}*}; echo '{"ran":{"case":"c","iterations":'$n',"elapsed_ns":'$n'000}}';;
*) exit 0;;
esac; done"#;

/// A place with its own build directory.
struct Place(TempDir);

impl Place {
    fn new() -> Self {
        Self(tempfile::tempdir().unwrap())
    }

    fn path(&self) -> &Path {
        self.0.path()
    }

    fn script(&self, name: &str, lines: &[&str]) -> String {
        let path = self.path().join(name);
        fs::write(&path, format!("#!/bin/sh\n{}\n", lines.join("\n"))).unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).unwrap();
        path.to_str().unwrap().to_owned()
    }

    fn lab(&self, args: &[&str]) -> Command {
        self.lab_in(Path::new(ROOT), args)
    }

    fn lab_in(&self, directory: &Path, args: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_perf-lab"));
        command
            .args(args)
            .current_dir(directory)
            .env("CARGO_TARGET_DIR", self.path().join("target"))
            .env("PERF_LAB_PROBE_TIMEOUT_SECONDS", "1")
            .env_remove("CARGO")
            .env_remove("RUSTFLAGS");
        command
    }
}

/// Exit code, and all that was said.
fn said(output: &Output) -> (i32, String) {
    let text = [&output.stdout, &output.stderr].map(|text| String::from_utf8_lossy(text).into_owned()).concat();
    (output.status.code().unwrap(), text)
}

/// The one line that says what was wrong.
fn line_with<'t>(text: &'t str, part: &str) -> &'t str {
    text.lines().find(|line| line.contains(part)).unwrap_or_else(|| panic!("no line has {part:?}: {text}"))
}

#[test]
fn two_good_probes_are_compared() {
    let place = Place::new();
    let good = place.script("good", &[HELLO, GOOD]);
    let output = place.lab(&["ab", &good, &good, "--budget", "20s"]).output().unwrap();
    let (code, text) = said(&output);
    assert_eq!(code, 0, "{text}");
    assert!(text.contains("pass"), "{text}");
}

/// As [`GOOD`], timed in CPU time, and says where the time goes: with so much waiting and work of other threads, in
/// thousandths of what its own thread works.
fn telling(waiting: u32, others: u32, switches: &str) -> [String; 2] {
    let hello = HELLO.replace(r#""clock":"wall""#, r#""clock":"thread-cpu""#);
    let ran = format!(
        r#""elapsed_ns":'$n'000,"wall_ns":'$((n*(1000+{waiting})))',"thread_cpu_ns":'$n'000,"process_cpu_ns":'$((n*(1000+{others})))'{switches}}}}}'"#
    );
    [hello, GOOD.replace(r#""elapsed_ns":'$n'000}}'"#, &ran)]
}

#[test]
fn a_candidate_that_waits_or_lets_others_work_fails_although_its_clock_does_not_see_it() {
    let place = Place::new();
    let probe = |name: &str, waiting, others, switches: &str| {
        let [hello, answers] = telling(waiting, others, switches);
        place.script(name, &[&hello, &answers])
    };
    let ab = |base: &str, candidate: &str, strict: &[&str]| {
        said(&place.lab(&[&["ab", base, candidate, "--budget", "20s"], strict].concat()).output().unwrap())
    };
    let (none, some) = (r#","voluntary_switches":0"#, r#","voluntary_switches":3"#);
    let base = probe("base", 0, 0, none);
    for (name, waiting, others, switches, part) in [
        ("sleeper", 120, 0, some, "10.7 % of its time off the processor (10.7–10.7), base 0.0 %"),
        ("silent-sleeper", 120, 0, "", "since the probes do not tell switches"),
        ("delegator", 0, 90, none, "other threads busy for 9.0 % of its CPU time (9.0–9.0), base 0.0 %"),
    ] {
        let candidate = probe(name, waiting, others, switches);
        let (code, text) = ab(&base, &candidate, &[]);
        assert_eq!(code, 1, "{name}: {text}");
        assert!(text.starts_with("waits: c is ") && text.contains(part), "{name}: {text}");
        assert_eq!(ab(&candidate, &candidate, &[]).0, 0, "{name} against itself");
    }
    // Preempted for long, and never by its own will.
    let (code, text) = ab(&base, &probe("preempted", 900, 0, none), &[]);
    assert_eq!(code, 0, "{text}");
    assert!(text.starts_with("pass: "), "{text}");
    // Between the levels: a warning.
    let some_time = probe("some-time", 60, 0, some);
    let (code, text) = ab(&base, &some_time, &[]);
    assert_eq!(code, 0, "{text}");
    assert!(text.starts_with("waits: c is 6.0 % slower"), "{text}");
    assert_eq!(ab(&base, &some_time, &["--strict"]).0, 1);
}

#[test]
fn a_probe_that_does_not_say_where_its_time_goes_is_measured_and_that_is_said() {
    let place = Place::new();
    let hello = HELLO.replace(r#""clock":"wall""#, r#""clock":"thread-cpu""#);
    let probe = place.script("silent", &[&hello, GOOD]);
    let (code, text) = said(&place.lab(&["ab", &probe, &probe, "--budget", "20s"]).output().unwrap());
    assert_eq!(code, 0, "{text}");
    line_with(&text, "Waiting cannot be seen on c: a probe does not say where its time goes");
}

#[test]
fn a_clock_of_ten_milliseconds_is_coped_with_and_one_that_stands_still_is_one_clear_line() {
    let place = Place::new();
    // An iteration takes 1.3 ms, and now and then some more; the clock rounds down.
    let coarse = GOOD
        .replace("'$n'000", "'$(((n*1300000+j)/10000000*10000000))'")
        .replace("*run*)", "*run*) j=$(((j+3700001)%10000000));");
    let coarse = place.script("coarse", &[HELLO, "j=0", &coarse]);
    let (code, text) = said(&place.lab(&["ab", &coarse, &coarse, "--budget", "20s"]).output().unwrap());
    assert_eq!(code, 0, "{text}");
    line_with(&text, "The clock of c ticks every 10.0 ms only");

    let still = place.script("still", &[HELLO, &GOOD.replace("'$n'000", "0")]);
    let (code, text) = said(&place.lab(&["ab", &still, &still]).output().unwrap());
    assert_eq!(code, 3, "{text}");
    line_with(&text, "its clock is too coarse: 0 ns for");
}

#[test]
fn a_bad_probe_is_exit_3_and_one_clear_line() {
    let place = Place::new();
    let good = place.script("good", &[HELLO, GOOD]);
    let wrong = r#"echo '{"wrong":{"case":"c","detail":"token 3: expected allow, got deny"}}'"#;
    for (name, lines, part) in [
        ("silent", vec!["exit 0"], "ended with exit code 0 while asked to say hello"),
        ("crashing", vec![HELLO, "read -r line", "echo 'bad luck' >&2", "exit 9"], "exit code 9"),
        ("nonsense", vec!["echo hello world"], "said \"hello world\"; expected a hello"),
        ("newer", vec![r#"echo '{"hello":{"protocol":7}}'"#], "speaks protocol version 7, this lab speaks 1"),
        ("hanging", vec![HELLO, "read -r line", "sleep 1000"], "no answer within 1 s"),
        (
            "wrong",
            vec![HELLO, "read -r line", wrong, "sleep 1000"],
            "wrong answer on c: token 3: expected allow, got deny",
        ),
    ] {
        let bad = place.script(name, &lines);
        for (base, candidate) in [(&good, &bad), (&bad, &good)] {
            let (code, text) = said(&place.lab(&["ab", base, candidate]).output().unwrap());
            assert_eq!(code, 3, "{name}: {text}");
            assert!(line_with(&text, part).contains(name), "{text}");
        }
    }
}

#[test]
fn probes_without_a_common_case_and_programs_that_are_none_are_named() {
    let place = Place::new();
    let good = place.script("good", &[HELLO, GOOD]);
    let other = place.script("other", &[&HELLO.replace(r#""c""#, r#""d""#), GOOD]);
    let (code, text) = said(&place.lab(&["ab", &good, &other]).output().unwrap());
    assert_eq!(code, 3, "{text}");
    assert!(text.contains("no benchmark in common"), "{text}");

    let (code, text) = said(&place.lab(&["ab", &good, "./no/such/probe"]).output().unwrap());
    assert_eq!(code, 3, "{text}");
    line_with(&text, "./no/such/probe: No such file");

    let none = place.path().join("text");
    fs::write(&none, "only text").unwrap();
    let (code, text) = said(&place.lab(&["ab", &good, none.to_str().unwrap()]).output().unwrap());
    assert_eq!(code, 3, "{text}");
    line_with(&text, "could not be started");

    let (code, text) = said(&place.lab(&["ab", "variant:prodd", &good]).output().unwrap());
    assert_eq!(code, 64, "{text}");
    let (code, text) = said(&place.lab(&["ab", &good, "no-such-revision"]).output().unwrap());
    assert_eq!(code, 3, "{text}");
    line_with(&text, "no revision, variant, feature set or probe is called \"no-such-revision\"");
}

#[test]
fn an_interrupted_comparison_is_130_and_leaves_no_process() {
    let place = Place::new();
    let pids = place.path().join("pids");
    let slow = GOOD.replace("*run*)", "*run*) sleep 0.05;");
    let probe = place.script("slow", &[&format!("echo $$ >> {}", pids.display()), HELLO, &slow]);
    let child = place.lab(&["ab", &probe, &probe, "--budget", "10m"]).stdout(Stdio::piped()).spawn().unwrap();
    wait_until("three probes of a block run", || fs::read_to_string(&pids).is_ok_and(|pids| pids.lines().count() > 5));
    let output = interrupt(child);
    assert_eq!(said(&output).0, 130, "{}", said(&output).1);
    for pid in fs::read_to_string(&pids).unwrap().lines() {
        wait_until("the probes are gone", || !is_running(pid));
    }
}

/// A repository that the lab takes for its own, with a small probe, and the revisions that `changes` make of it.
fn repository(changes: &[&dyn Fn(&Path)]) -> (Place, PathBuf) {
    let place = Place::new();
    let root = place.path().join("repository");
    fs::create_dir_all(root.join("baselines")).unwrap();
    fs::create_dir_all(root.join("perf/probe/src/bin")).unwrap();
    fs::write(root.join("Cargo.toml"), "[workspace]\nresolver = \"3\"\nmembers = [\"perf/probe\"]\n").unwrap();
    let manifest = "[package]\nname = \"perf-probe\"\nversion = \"0.1.0\"\nedition = \"2024\"\n";
    fs::write(root.join("perf/probe/Cargo.toml"), manifest).unwrap();
    fs::write(root.join("baselines/tripwires.toml"), "").unwrap();
    fs::copy(Path::new(ROOT).join("baselines/gate.toml"), root.join("baselines/gate.toml")).unwrap();
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
         if line.contains(\"check\") {{ println!(r#\"{{{{\"checked\":{{{{\"case\":\"c\",\"decisions\":64}}}}}}}}\"#); }}\n  \
         else {{ println!(r#\"{{{{\"ran\":{{{{\"case\":\"c\",\"iterations\":{{number}},\"elapsed_ns\":1{{number}}}}}}}}}}\"#); }} }}\n}}\n"
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

fn git(root: &Path, args: &[&str]) -> String {
    let identity = ["-c", "user.name=test", "-c", "user.email=test@example.org", "-c", "commit.gpgsign=false"];
    let output = Command::new("git").arg("-C").arg(root).args(identity).args(args).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap()
}

fn commit(root: &Path) {
    git(root, &["add", "--all"]);
    git(root, &["commit", "--quiet", "--allow-empty", "--message", "change"]);
}

fn assert_no_worktrees(place: &Place, root: &Path) {
    assert_eq!(git(root, &["worktree", "list"]).lines().count(), 1);
    let left = fs::read_dir(place.path().join("target/lab/worktrees")).map_or(0, Iterator::count);
    assert_eq!(left, 0, "worktrees are left");
}

#[test]
fn a_revision_is_built_once_in_a_worktree_that_is_gone_afterwards() {
    let (place, root) = repository(&[]);
    let first = place.lab_in(&root, &["probe", "--ask", "HEAD"]).output().unwrap();
    let (code, text) = said(&first);
    assert_eq!(code, 0, "{text}");
    let sha = git(&root, &["rev-parse", "HEAD"]);
    assert!(text.contains(&format!("revision   {}", &sha[..12])), "{text}");
    assert!(text.contains("building the probe of HEAD"), "{text}");
    assert_no_worktrees(&place, &root);

    let (code, text) = said(&place.lab_in(&root, &["probe", "--ask", &sha[..8]]).output().unwrap());
    assert_eq!(code, 0, "{text}");
    assert!(!text.contains("building"), "built before: {text}");
}

#[test]
fn a_revision_that_does_not_build_is_exit_3_with_the_error_and_its_place() {
    let break_it = |root: &Path| fs::write(root.join("perf/probe/src/main.rs"), "fn main() { oops }\n").unwrap();
    let (place, root) = repository(&[&break_it]);
    let (code, text) = said(&place.lab_in(&root, &["ab", "HEAD", "HEAD"]).output().unwrap());
    assert_eq!(code, 3, "{text}");
    let line = line_with(&text, "does not build");
    assert!(line.contains("HEAD (") && line.contains("oops") && line.contains("main.rs:1:13"), "{line}");
    assert_no_worktrees(&place, &root);
}

#[test]
fn an_interrupted_build_is_130_and_leaves_neither_worktree_nor_compiler() {
    let wait = |root: &Path| {
        let code = "fn main() { std::thread::sleep(std::time::Duration::from_secs(600)); }\n";
        fs::write(root.join("perf/probe/build.rs"), code).unwrap();
    };
    let (place, root) = repository(&[&wait]);
    let child = place.lab_in(&root, &["probe", "--ask", "HEAD"]).stderr(Stdio::piped()).spawn().unwrap();
    let is_built = || {
        let processes = Command::new("ps").args(["-eo", "args"]).output().unwrap();
        let running = String::from_utf8_lossy(&processes.stdout).into_owned();
        running.lines().any(|line| line.contains("build-script-build") && line.contains(place.path().to_str().unwrap()))
    };
    wait_until("the build script runs", is_built);
    let output = interrupt(child);
    assert_eq!(said(&output).0, 130, "{}", said(&output).1);
    wait_until("the build is gone", || !is_built());
    assert_no_worktrees(&place, &root);
}

fn interrupt(child: Child) -> Output {
    assert!(Command::new("kill").args(["-INT", &child.id().to_string()]).status().unwrap().success());
    child.wait_with_output().unwrap()
}

fn is_running(pid: &str) -> bool {
    let state = Command::new("ps").args(["-o", "stat=", "-p", pid]).output().unwrap();
    let state = String::from_utf8(state.stdout).unwrap();
    // A zombie runs no longer; init reaps it in its own time.
    !state.trim().is_empty() && !state.trim().starts_with('Z')
}

fn wait_until(what: &str, happened: impl Fn() -> bool) {
    let deadline = Instant::now() + Duration::from_secs(60);
    while !happened() {
        assert!(Instant::now() < deadline, "{what}: not within a minute");
        std::thread::sleep(Duration::from_millis(20));
    }
}
