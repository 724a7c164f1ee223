//! Sides of a comparison that are no good, as a user meets them: one clear line, exit 3 (130 for Ctrl-C), nothing left.
#![cfg(unix)]
#![allow(missing_docs, clippy::unwrap_used, clippy::indexing_slicing, clippy::panic, reason = "a test")]

#[path = "common/place.rs"]
mod place;

use std::fs;
use std::path::Path;
use std::process::{Child, Command, Output, Stdio};

use place::{GOOD, HELLO, Place, git, line_with, repository, said, wait_until};

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
        ("silent-sleeper", 120, 0, "", "since the probes do not report voluntary switches"),
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
    line_with(&text, "The clock of c ticks only every 10.0 ms");

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
        ("newer", vec![r#"echo '{"hello":{"protocol":7}}'"#], "speaks protocol version 7; expected 1 to 2"),
        ("hanging", vec![HELLO, "read -r line", "sleep 1000"], "no answer within 3 s"),
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

fn assert_no_worktrees(place: &Place, root: &Path) {
    assert_eq!(git(root, &["worktree", "list"]).lines().count(), 1);
    let left = fs::read_dir(place.path().join("target/fairbench/worktrees")).map_or(0, Iterator::count);
    assert_eq!(left, 0, "worktrees are left");
}

#[test]
fn a_revision_is_built_once_in_a_place_that_is_gone_afterwards() {
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
fn an_interrupted_build_is_130_and_leaves_neither_files_nor_compiler() {
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
