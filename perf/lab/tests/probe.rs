//! Probes that behave badly, and one that does not: what the client says, and that nothing is left running.
#![cfg(unix)]
#![allow(missing_docs, clippy::unwrap_used, clippy::indexing_slicing, clippy::panic, reason = "a test")]

use std::fs;
use std::path::Path;
use std::process::Command;
use std::time::{Duration, Instant};

use fairbench::compare::layout::Layout;
use fairbench::compare::runner::{CaseInfo, Launcher, MeasureError, Role};
use fairbench::probe::{Client, Pair, ProbeCommand};

const HELLO: &str = r#"echo '{"hello":{"protocol":1,"probe":"script","threads":1,"cases":[{"name":"c","threads":1,"tokens_per_iteration":64,"clock":"wall"}]}}'"#;
const CHECKED: &str = r#"read line; echo '{"checked":{"case":"c","decisions":64}}'"#;

fn script(lines: &[&str]) -> ProbeCommand {
    ProbeCommand::new("script", "/bin/sh").args(["-c", &lines.join("\n")])
}

fn start(lines: &[&str]) -> Result<Client, MeasureError> {
    Client::start(&script(lines), Layout::default(), false)
}

fn started(lines: &[&str]) -> Client {
    start(lines).unwrap()
}

fn perf_lab_probe(args: &[&str]) -> ProbeCommand {
    ProbeCommand::new("prod", env!("CARGO_BIN_EXE_perf-lab")).args(["probe", "--variant", "prod"]).args(args)
}

fn case_of(name: &str) -> CaseInfo {
    CaseInfo { name: name.to_owned(), threads: 1, items_per_iteration: 64 }
}

#[test]
fn a_pair_of_real_probes_is_checked_and_run_wherever_it_is_put() {
    let pair = Pair { base: perf_lab_probe(&[]), candidate: perf_lab_probe(&["--work-factor", "1.05"]) };
    let cases = [case_of("verify_single"), case_of("verify_many_64")];
    for (role, pin) in [(Role::Base, true), (Role::Candidate, true), (Role::Control, false)] {
        let layout = Layout { env_bytes: 1024, heap_bytes: 4096 };
        let mut runner = pair.launch(role, &cases, layout, pin).unwrap();
        for case in &cases {
            assert!(runner.run(&case.name, 1).unwrap().elapsed_ns > 0.0);
        }
        let refused = runner.run("verify_single_heavy", 1).unwrap_err();
        assert!(matches!(&refused, MeasureError::Refused { .. }), "{refused}");
        assert!(refused.to_string().contains("not checked yet"), "{refused}");
    }
}

#[test]
fn a_pinned_probe_has_one_core_and_the_lab_keeps_all() {
    let cores = std::thread::available_parallelism().unwrap();
    let pinned = Client::start(&perf_lab_probe(&[]), Layout::default(), true).unwrap();
    if fairbench::measure::pin::can_pin() {
        assert_eq!(pinned.hello().threads, 1);
    }
    assert_eq!(std::thread::available_parallelism().unwrap(), cores);
}

#[test]
fn a_program_that_is_to_be_copied_runs_from_a_file_of_its_own_that_is_gone_afterwards() {
    let dir = tempfile::tempdir().unwrap();
    let (program, paths) = (dir.path().join("original"), dir.path().join("paths"));
    write_script(&program, &[&format!("echo $0 >> {}", paths.display()), HELLO, "read line"]);
    let original = ProbeCommand::new("original", &program);
    let copied = ProbeCommand { copied: true, ..original.clone() };
    let pair = Pair { base: original, candidate: copied };
    let layout = Layout::default();
    let _running =
        [Role::Base, Role::Candidate, Role::Candidate].map(|role| pair.launch(role, &[], layout, false).unwrap());
    let ran = fs::read_to_string(&paths).unwrap();
    let ran: Vec<&Path> = ran.lines().map(Path::new).collect();
    assert_eq!(ran[0], program);
    assert!(ran[1] != program && ran[2] != program && ran[1] != ran[2], "{ran:?}");
    assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 2, "the copies are gone");
}

#[test]
fn a_program_that_is_none_could_not_be_started() {
    let missing = ProbeCommand::new("mine", "/no/such/program");
    let error = Client::start(&missing, Layout::default(), false).unwrap_err();
    assert!(matches!(error, MeasureError::CouldNotStart { .. }), "{error}");
    assert!(error.to_string().starts_with("mine: could not be started: "), "{error}");
}

#[test]
fn a_probe_that_crashes_is_quoted_with_its_last_words() {
    let error = start(&["echo first >&2", "echo 'out of luck' >&2", "exit 7"]).unwrap_err();
    assert_eq!(error.to_string(), "script: ended with exit code 7 while asked to say hello: out of luck");

    let mut client = started(&[HELLO, CHECKED, "read line", "kill -SEGV $$"]);
    client.check("c").unwrap();
    let error = client.run("c", 5).unwrap_err();
    assert_eq!(
        error.to_string(),
        "script: ended with signal 11 while asked to run c for 5 iterations: nothing on standard error"
    );
    // And from then on it stays so.
    assert!(matches!(client.run("c", 5).unwrap_err(), MeasureError::Crashed { .. }));
}

#[test]
fn an_answer_that_is_none_is_quoted_with_what_was_expected() {
    let quoted = |error: MeasureError| {
        let text = error.to_string();
        assert!(matches!(error, MeasureError::Nonsense { .. }) && text.lines().count() == 1, "{text}");
        text
    };
    assert!(quoted(start(&["echo good morning"]).unwrap_err()).contains("said \"good morning\"; expected a hello"));
    for (answer, part) in [
        ("bla", "bla"),
        (r#"{"ran":{"case":"other","iterations":5,"elapsed_ns":9}}"#, "other"),
        (r#"{"ran":{"case":"c","iterations":4,"elapsed_ns":9}}"#, "iterations\\\":4"),
        (r#"{"ran":{"case":"c","iterations":5,"elapsed_ns":-3}}"#, "-3"),
        (r#"{"checked":{"case":"c","decisions":64}}"#, "checked"),
    ] {
        let mut client = started(&[HELLO, CHECKED, "read line", &format!("echo '{answer}'"), "read line"]);
        client.check("c").unwrap();
        let said = quoted(client.run("c", 5).unwrap_err());
        assert!(said.contains(part) && said.contains("expected \"ran\" for c, 5 iterations"), "{said}");
    }
}

#[test]
fn a_probe_that_has_jemalloc_tells_its_memory_and_one_that_was_never_told_about_it_has_none() {
    let memory = Client::start(&perf_lab_probe(&[]), Layout::default(), false).unwrap().memory().unwrap().unwrap();
    assert_eq!(memory.peak_resident_bytes.is_some(), cfg!(target_os = "linux"));
    let [allocated, active, resident] =
        [memory.jemalloc_allocated_bytes, memory.jemalloc_active_bytes, memory.jemalloc_resident_bytes]
            .map(Option::unwrap);
    assert!(0 < allocated && allocated <= active && active <= resident, "{memory:?}");

    let refusal = r#"echo '{"error":{"message":"check, run or quit"}}'"#;
    assert_eq!(started(&[HELLO, "read line", refusal, "read line"]).memory().unwrap(), None);
    let error = started(&[HELLO, "read line", "echo lots", "read line"]).memory().unwrap_err().to_string();
    assert!(error.contains("expected \"memory\""), "{error}");
}

#[test]
fn an_endless_line_is_cut_off() {
    let error = start(&["yes nonsense | tr -d '\\n'"]).unwrap_err().to_string();
    assert!(error.contains("nonsensenonsense") && error.len() < 400, "{error}");
}

#[test]
fn another_version_is_named_whatever_shape_its_hello_has() {
    let error = start(&[r#"echo '{"hello":{"protocol":3,"cases":"many"}}'"#, "read line"]).unwrap_err();
    assert_eq!(error, MeasureError::OtherVersion { probe: "script".to_owned(), theirs: 3, oldest: 1, ours: 2 });
}

#[test]
fn a_wrong_answer_is_passed_on_in_its_words() {
    let mut client = started(&[HELLO, "read line", r#"echo '{"wrong":{"case":"c","detail":"token 3: no"}}'"#]);
    let error = client.check("c").unwrap_err().to_string();
    assert_eq!(error, "script: wrong answer on c: token 3: no; nothing was timed");
}

#[test]
fn a_case_of_another_size_is_not_the_same_case() {
    let mut client = started(&[HELLO, CHECKED]);
    let error = client.check_as(&CaseInfo { items_per_iteration: 32, ..case_of("c") }).unwrap_err().to_string();
    assert!(error.contains("c of 64 items") && error.contains("32 items, as on the other side"), "{error}");
}

/// In a process of its own, because the environment decides how long is waited.
#[test]
fn a_probe_that_hangs_is_given_up_and_killed_with_its_children() {
    let dir = tempfile::tempdir().unwrap();
    let pids = dir.path().join("pids");
    let probe = dir.path().join("hang");
    write_script(&probe, &["sleep 1000 &", &format!("echo $$ $! > {}", pids.display()), "wait"]);
    let before = Instant::now();
    let output = Command::new(env!("CARGO_BIN_EXE_perf-lab"))
        .args(["probe", "--ask", probe.to_str().unwrap()])
        .env("FAIRBENCH_PROBE_TIMEOUT_SECONDS", "0.5")
        .output()
        .unwrap();
    let error = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(3), "{error}");
    assert!(error.contains("no answer within 0.5 s when asked to say hello; it was killed"), "{error}");
    assert!(before.elapsed() < Duration::from_secs(20));
    for pid in fs::read_to_string(&pids).unwrap().split_whitespace() {
        assert!(ends_soon(pid), "{pid} still runs");
    }
}

#[test]
fn a_client_that_is_dropped_leaves_nothing_running() {
    let dir = tempfile::tempdir().unwrap();
    let pids = dir.path().join("pids");
    let client = started(&["sleep 1000 &", &format!("echo $$ $! > {}", pids.display()), HELLO, "wait"]);
    drop(client);
    for pid in fs::read_to_string(&pids).unwrap().split_whitespace() {
        assert!(ends_soon(pid), "{pid} still runs");
    }
}

fn write_script(path: &Path, lines: &[&str]) {
    use std::os::unix::fs::PermissionsExt;
    fs::write(path, format!("#!/bin/sh\n{}\n", lines.join("\n"))).unwrap();
    fs::set_permissions(path, fs::Permissions::from_mode(0o755)).unwrap();
}

/// An orphan is reaped by init in its own time; a zombie is no longer running.
fn ends_soon(pid: &str) -> bool {
    let deadline = Instant::now() + Duration::from_secs(5);
    loop {
        let state = Command::new("ps").args(["-o", "stat=", "-p", pid]).output().unwrap();
        let state = String::from_utf8(state.stdout).unwrap();
        if state.trim().is_empty() || state.trim().starts_with('Z') {
            return true;
        }
        if Instant::now() > deadline {
            return false;
        }
        std::thread::sleep(Duration::from_millis(20));
    }
}

#[test]
fn a_time_that_is_none_is_not_taken_for_another_one() {
    for (name, value) in [
        ("FAIRBENCH_PROBE_TIMEOUT_SECONDS", "soon"),
        ("FAIRBENCH_PROBE_TIMEOUT_SECONDS", "0"),
        ("FAIRBENCH_PROBE_TIMEOUT_SECONDS", "-1"),
        ("PERF_LAB_PROBE_TIMEOUT_SECONDS", "1e300"),
    ] {
        let output = Command::new(env!("CARGO_BIN_EXE_perf-lab"))
            .args(["probe", "--ask", env!("CARGO_BIN_EXE_perf-lab")])
            .env_remove("FAIRBENCH_PROBE_TIMEOUT_SECONDS")
            .env(name, value)
            .output()
            .unwrap();
        let error = String::from_utf8(output.stderr).unwrap();
        assert_eq!(output.status.code(), Some(3), "{error}");
        assert!(error.contains(&format!("{name} is {value:?}; expected a number of seconds above 0")), "{error}");
        assert_eq!(error.lines().count(), 1, "{error}");
    }
}
