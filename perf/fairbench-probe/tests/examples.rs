//! The example probes speak the protocol: hello, check, run, an error where one is due, and the end.
#![allow(missing_docs, clippy::unwrap_used, clippy::indexing_slicing, clippy::panic, reason = "a test")]

use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use fairbench_probe::protocol::{Response, VERSION};

/// Sends these lines to a probe and returns its answers; asserts that it ends well.
fn conversation(probe: &mut Command, asked: &[&str]) -> Vec<Response> {
    let mut probe = probe.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
    probe.stdin.take().unwrap().write_all((asked.join("\n") + "\n").as_bytes()).unwrap();
    let output = probe.wait_with_output().unwrap();
    assert!(output.status.success(), "{}", output.status);
    String::from_utf8(output.stdout).unwrap().lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

fn speaks(mut probe: Command) {
    let said = conversation(
        &mut probe,
        &[
            r#"{"run":{"case":"sort_1000","iterations":1}}"#,
            r#"{"check":{"case":"sort_1000"}}"#,
            r#"{"run":{"case":"sort_1000","iterations":20}}"#,
            r#"{"check":{"case":"sort_none"}}"#,
            r#"{"quit":{}}"#,
        ],
    );
    let [Response::Hello(hello), first, checked, ran, unknown] = said.as_slice() else { panic!("{said:?}") };
    assert_eq!((hello.protocol, hello.cases.len()), (VERSION, 1));
    assert_eq!((hello.cases[0].items_per_iteration, hello.cases[0].item.as_deref()), (1000, Some("number")));
    assert!(matches!(first, Response::Error { message } if message.contains("check")), "{first:?}");
    assert!(matches!(checked, Response::Checked { answers: 1, .. }), "{checked:?}");
    assert!(matches!(ran, Response::Ran { iterations: 20, elapsed_ns, .. } if *elapsed_ns > 0), "{ran:?}");
    assert!(matches!(unknown, Response::Error { .. }), "{unknown:?}");
}

#[test]
fn the_one_in_rust_speaks_the_protocol() {
    speaks(Command::new(example()));
}

/// Path of the example, which Cargo builds with the tests of its package.
fn example() -> PathBuf {
    let own = std::env::current_exe().unwrap();
    own.ancestors().nth(2).unwrap().join("examples/sorting").with_extension(std::env::consts::EXE_EXTENSION)
}

#[cfg(target_os = "linux")]
#[test]
fn callgrind_finds_the_function_that_it_is_told_to_look_for() {
    // `fairbench_probe::timed_work`, as every mangling writes it.
    let program = std::fs::read(example()).unwrap();
    let name = b"15fairbench_probe10timed_work";
    assert!(program.windows(name.len()).any(|window| window == name));
}

#[test]
fn the_one_in_python_speaks_the_protocol() {
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("examples/sorting.py");
    let mut python = Command::new("python3");
    if !python.arg("--version").output().is_ok_and(|output| output.status.success()) {
        eprintln!("skipped: there is no python3 here");
        return;
    }
    let mut probe = Command::new("python3");
    probe.arg(script);
    speaks(probe);
}
