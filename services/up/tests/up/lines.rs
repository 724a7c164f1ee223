//! The lines that are printed are run as they stand there.

use std::process::Command;

use serde_json::Value;

use crate::process::{Up, folder, up};

/// What a line answers in a shell of its own.
fn answer(line: &str) -> Value {
    let output = Command::new("sh").args(["-c", line]).output().unwrap();
    let (text, errors) = (String::from_utf8(output.stdout).unwrap(), String::from_utf8(output.stderr).unwrap());
    assert!(output.status.success() && errors.is_empty(), "{line}\n{text}\n{errors}");
    assert!(text.ends_with('\n'), "{line}\n{text}");
    serde_json::from_str(&text).unwrap_or_else(|error| panic!("{error}: {line}\n{text}"))
}

#[test]
fn the_lines_that_are_printed_answer_as_they_say_each_by_itself_and_in_any_folder() {
    if Command::new("curl").arg("--version").output().is_err() {
        eprintln!("skipped: there is no curl");
        return;
    }
    let folder = folder();
    // No line is to be thrown off by what a folder is called.
    let up = Up::start(&folder.path().join("it's \"here\" $(false)"));
    let lines: Vec<&str> = up.printed.lines().filter_map(|line| line.strip_prefix("  ")).collect();
    let [envelope, who, permitted, denied, batch] = lines.as_slice() else { panic!("five lines: {lines:?}") };

    assert_eq!(answer(envelope)["alg"], "Ed25519");
    let who = answer(who);
    assert_eq!((&who["sub"], &who["roles"][0]), (&"alice".into(), &"reader".into()));
    let permitted = answer(permitted);
    assert_eq!((&permitted["decision"], &permitted["reason"]), (&"Permit".into(), &"readers-read".into()));
    let denied = answer(denied);
    assert_eq!((&denied["decision"], &denied["reason"]), (&"Deny".into(), &"sealed".into()));
    let batch = answer(batch);
    let batch: Vec<_> = batch.as_array().unwrap().iter().map(|item| (&item["decision"], &item["reason"])).collect();
    let expected = ["readers-read", "demo-tokens"].map(Value::from);
    assert_eq!(batch, expected.each_ref().map(|rule| (&permitted["decision"], rule)));
    up.end();
}

#[test]
fn where_what_they_need_is_configured_otherwise_no_lines_are_printed() {
    let folder = folder();
    for (variable, settings) in [
        ("RON_AUTH_CONFIG", "security.accepted_audiences = ['elsewhere']"),
        ("PASSPORT_CONFIG", "capability.accounts = [{ name = 'a', token_blake3 = 'DIGEST', tenants = ['acme'] }]"),
    ] {
        let mut command = up(folder.path(), &["--dynamic-ports"]);
        command.env(variable, settings.replace("DIGEST", &"0".repeat(64)));
        let up = Up::started(command);
        assert!(!up.printed.contains("curl"), "{}", up.printed);
        up.end();
    }
}
