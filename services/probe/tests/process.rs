//! The probe as fairbench meets it: a process that says what it can, proves its answers right, and runs its cases.
#![allow(missing_docs, clippy::unwrap_used, clippy::indexing_slicing, clippy::panic, reason = "a test")]

use std::io::Write;
use std::process::{Command, Stdio};

use fairbench_probe::clock::Clock;
use fairbench_probe::protocol::{Hello, Response, VERSION};
use ron_services_probe::{CASES, PARTS, Spec};

/// Iterations of the runs of each case.
const RUNS: [u64; 4] = [1, 3, 3, 3];

/// Sends these lines to a probe and returns its hello and its answers; asserts that it ends well.
fn conversation(program: &str, asked: &[String]) -> (Hello, Vec<Response>) {
    let mut probe = Command::new(program).stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
    probe.stdin.take().unwrap().write_all((asked.join("\n") + "\n").as_bytes()).unwrap();
    let output = probe.wait_with_output().unwrap();
    assert!(output.status.success(), "{}", output.status);
    let said = String::from_utf8(output.stdout).unwrap();
    let mut said = said.lines().map(|line| serde_json::from_str(line).unwrap());
    let Some(Response::Hello(hello)) = said.next() else { panic!("no hello") };
    (hello, said.collect())
}

fn request(what: &str, case: &str, iterations: u64) -> String {
    format!(r#"{{"{what}":{{"case":"{case}","iterations":{iterations}}}}}"#)
}

#[test]
fn every_case_is_right_and_runs_on_one_thread_without_waiting() {
    is_right(env!("CARGO_BIN_EXE_ron-services-probe"), &CASES);
}

#[test]
fn the_parts_of_a_case_are_right_too_by_its_name_and_of_as_many_items() {
    is_right(env!("CARGO_BIN_EXE_ron-services-parts"), &PARTS);
    for parts in PARTS {
        assert!(CASES.iter().any(|case| (case.name, case.items, case.item) == (parts.name, parts.items, parts.item)));
    }
}

fn is_right(probe: &str, cases: &[Spec]) {
    let (hello, _) = conversation(probe, &[]);
    assert_eq!((hello.protocol, hello.cases.len()), (VERSION, cases.len()));
    let mut asked = vec![request("run", "authorize_single", 1)];
    for case in &hello.cases {
        assert_eq!((case.threads, case.clock, case.item.is_some()), (1, Clock::ThreadCpu, true), "{case:?}");
        asked.push(request("check", &case.name, 0));
        asked.extend(RUNS.map(|iterations| request("run", &case.name, iterations)));
    }
    let (_, said) = conversation(probe, &asked);
    assert!(matches!(&said[0], Response::Error { message } if message.contains("check first")), "{:?}", said[0]);
    for (case, said) in hello.cases.iter().zip(said[1..].chunks(1 + RUNS.len())) {
        let [Response::Checked { answers, .. }, runs @ ..] = said else { panic!("{}: {said:?}", case.name) };
        assert!(*answers >= case.items_per_iteration, "{}: {answers}", case.name);
        let mut waits = Vec::new();
        for (run, expected) in runs.iter().zip(RUNS) {
            let Response::Ran { iterations, elapsed_ns, spent, .. } = run else { panic!("{}: {run:?}", case.name) };
            assert!(*iterations == expected && *elapsed_ns > 0, "{run:?}");
            waits.push(spent.voluntary_switches.unwrap_or_default());
        }
        // Once in a while the kernel is late with what it delivers; that is no wait of the case.
        assert!(waits.contains(&0), "{}: {waits:?}", case.name);
    }
}

#[test]
fn the_twin_counts_what_a_decision_allocates_and_always_alike() {
    let counted = |case: &str| -> Vec<u64> {
        let mut asked = vec![request("check", case, 0)];
        asked.extend((0..8).map(|_| request("count", case, 4)));
        let (_, said) = conversation(env!("CARGO_BIN_EXE_ron-services-probe-allocs"), &asked);
        let counted = said.into_iter().filter_map(|answer| match answer {
            Response::Counted { allocations, .. } => Some(allocations),
            _ => None,
        });
        counted.collect()
    };
    assert_eq!(counted("policy_evaluate_100"), [0; 8], "a policy decides without memory of its own");
    for case in ["authorize_batch_64", "passport_verify"] {
        // What a timer does in between comes on top; fairbench takes the least of three, too.
        let counted = counted(case);
        let least = counted.iter().min().copied().unwrap_or_default();
        assert!(least > 0 && counted.iter().filter(|count| **count == least).count() > 1, "{case}: {counted:?}");
    }
}
