//! Where it does not start, it says why in one line, and what to do.

use std::fs;
use std::net::TcpListener;
use std::os::unix::fs::PermissionsExt;

use crate::process::{Up, folder, program, refused, up};

/// The only line.
fn line(text: &str) -> &str {
    assert_eq!(text.lines().count(), 1, "{text}");
    text.trim_end()
}

#[test]
fn a_port_that_is_taken_is_named_with_its_service_and_the_option_that_chooses_another() {
    let folder = folder();
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = taken.local_addr().unwrap().port().to_string();
    for (service, option) in [
        ("svc-passport", "--passport-port"),
        ("svc-passport", "--passport-admin-port"),
        ("svc-auth", "--auth-port"),
        ("svc-auth", "--auth-admin-port"),
    ] {
        let (code, text) = refused(up(folder.path(), &["--dynamic-ports", option, &port]));
        let expected = format!("error: {service} cannot listen on 127.0.0.1:{port}: Address already in use");
        assert!(line(&text).starts_with(&expected), "{text}");
        assert!(text.contains(&format!("{option} PORT")) && text.contains("--dynamic-ports"), "{text}");
        assert_eq!(code, Some(1));
    }
}

#[test]
fn wrong_settings_are_told_by_key_or_file_and_nothing_is_made() {
    let folder = folder();
    let state = folder.path().join("state");
    for (variable, settings, expected) in [
        ("RON_AUTH_CONFIG", "limits.max_batch = 0", "limits.max_batch"),
        ("PASSPORT_CONFIG", "[passport]\nisuer = 'me'", "isuer"),
        ("PASSPORT_CONFIG_FILE", "/nowhere/passport.toml", "/nowhere/passport.toml"),
        ("RON_AUTH_CONFIG", "server.tls_cert = 'a'\nserver.tls_key = 'b'", "svc-auth: server.tls_cert"),
    ] {
        let mut command = up(&state, &["--dynamic-ports"]);
        command.env(variable, settings);
        let (code, text) = refused(command);
        assert!(line(&text).starts_with("error: ") && text.contains(expected), "{text}");
        assert_eq!(code, Some(2), "{text}");
    }
    assert!(!state.exists());
}

#[test]
fn a_broken_policy_is_told_by_file_line_and_reason() {
    let folder = folder();
    let policy = folder.path().join("policy.toml");
    fs::write(&policy, "schema = \"ron-policy/2\"\nversion = 1\nruls = []\n").unwrap();
    let (code, text) = refused(up(folder.path(), &["--dynamic-ports"]));
    assert!(line(&text).contains("policy.toml: line 3, column 1: ") && text.contains("remove it"), "{text}");
    assert_eq!(code, Some(2));

    let mut command = up(folder.path(), &["--dynamic-ports"]);
    command.env("RON_AUTH_CONFIG", "policy.path = '/nowhere/policy.toml'");
    let (code, text) = refused(command);
    assert!(line(&text).contains("/nowhere/policy.toml: ") && !text.contains("remove it"), "{text}");
    assert_eq!(code, Some(2));
}

#[test]
fn a_folder_that_others_can_look_into_or_that_is_none_is_refused() {
    let folder = folder();
    fs::set_permissions(folder.path(), fs::Permissions::from_mode(0o750)).unwrap();
    let (code, text) = refused(up(folder.path(), &["--dynamic-ports"]));
    assert!(line(&text).contains("mode 750") && text.contains("chmod 700"), "{text}");
    assert_eq!((code, fs::read_dir(folder.path()).unwrap().count()), (Some(2), 0));

    let file = folder.path().join("file");
    fs::write(&file, "").unwrap();
    let (code, text) = refused(up(&file, &["--dynamic-ports"]));
    assert!(line(&text).contains(&file.display().to_string()) && text.contains("--state"), "{text}");
    assert_eq!(code, Some(2));
}

#[test]
fn another_master_key_than_the_stores_is_told() {
    let folder = folder();
    Up::start(folder.path()).end();
    fs::remove_file(folder.path().join("master.key")).unwrap();
    let (code, text) = refused(up(folder.path(), &["--dynamic-ports"]));
    assert!(line(&text).starts_with("error: svc-passport: ") && text.contains("master key"), "{text}");
    assert_eq!(code, Some(1));
}

#[test]
fn usage_is_told_and_help_names_every_option() {
    let mut command = program();
    command.args(["up", "--prots"]);
    assert_eq!(refused(command).0, Some(64));
    let help = program().args(["up", "--help"]).output().unwrap();
    let text = String::from_utf8(help.stdout).unwrap();
    assert_eq!(help.status.code(), Some(0));
    for option in ["--state", "--dynamic-ports", "--passport-port", "--auth-admin-port", "--log", "Exit codes"] {
        assert!(text.contains(option), "{option}: {text}");
    }
}
