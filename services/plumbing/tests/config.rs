//! Where settings come from, and how wrong ones are refused.

#![allow(clippy::unwrap_used, reason = "a test may stop at the first surprise")]

mod common;

use std::collections::HashMap;
use std::process::Command;

use common::{Config, file};
use ron_service::config::{ConfigError, LogFormat, load_from};
use secrecy::ExposeSecret;

fn load(variables: &[(&str, &str)]) -> Result<Config, ConfigError> {
    let variables: HashMap<_, _> = variables.iter().copied().collect();
    load_from("T", &|variable| variables.get(variable).map(|value| (*value).to_owned()))
}

fn refusal(variables: &[(&str, &str)]) -> String {
    let text = load(variables).unwrap_err().to_string();
    assert_eq!(text.lines().count(), 1, "{text}");
    text
}

#[test]
fn defaults_of_the_service_stand_over_those_of_the_sections() {
    let config = load(&[]).unwrap();
    assert_eq!(config.limits.max_batch, 256);
    assert_eq!(config.limits.max_msg_bytes, 4_096);
    assert_eq!(config.server.admin_bind.unwrap().to_string(), "127.0.0.1:0");
    assert_eq!(config.log.format, LogFormat::Json);
}

#[test]
fn inline_text_wins_over_the_file_and_the_file_over_the_defaults_key_by_key() {
    let folder = tempfile::tempdir().unwrap();
    let path = file(&folder, "t.toml", "[limits]\nmax_batch = 8\n[server]\nworkers = 3\n");
    let path = path.to_str().unwrap();
    let from_file = load(&[("T_CONFIG_FILE", path)]).unwrap();
    assert_eq!((from_file.limits.max_batch, from_file.server.workers), (8, 3));
    assert_eq!(from_file.server.admin_bind.unwrap().to_string(), "127.0.0.1:0", "what is left out keeps its default");

    let inline = load(&[("T_CONFIG", "limits.max_batch = 9"), ("T_CONFIG_FILE", path)]).unwrap();
    assert_eq!((inline.limits.max_batch, inline.server.workers), (9, 0), "the file is not read beside inline text");

    let empty = load(&[("T_CONFIG", " "), ("T_CONFIG_FILE", path)]).unwrap();
    assert_eq!(empty.limits.max_batch, 8, "set to nothing is not set");
}

#[test]
fn variables_of_the_environment_win_over_all() {
    let config =
        load(&[("T_CONFIG", "[limits]\nmax_batch = 9"), ("T_MAX_BATCH", "10"), ("T_TOKEN", "12345678")]).unwrap();
    assert_eq!(config.limits.max_batch, 10);
    assert_eq!(config.admin.token.unwrap().expose_secret(), "12345678", "a text that looks like a number stays a text");
}

#[test]
fn an_unknown_key_is_refused_with_its_line_and_those_that_there_are() {
    let text = refusal(&[("T_CONFIG", "[server]\nworkers = 1\nbnd = '127.0.0.1:1'\n")]);
    assert!(text.starts_with("T_CONFIG:3: unknown field `bnd`, expected one of `bind`"), "{text}");
    let text = refusal(&[("T_CONFIG", "\n[sever]\n")]);
    assert!(text.starts_with("T_CONFIG:2: unknown field `sever`"), "{text}");
}

#[test]
fn a_wrong_type_or_syntax_is_refused_with_file_and_line() {
    let folder = tempfile::tempdir().unwrap();
    let path = file(&folder, "t.toml", "[limits]\n\nmax_batch = 'many'\n");
    let path = path.to_str().unwrap();
    let text = refusal(&[("T_CONFIG_FILE", path)]);
    assert!(text.starts_with(&format!("{path}:3: invalid type: string \"many\", expected usize")), "{text}");
    let text = refusal(&[("T_CONFIG", "[limits]\nmax_batch = \n")]);
    assert!(text.starts_with("T_CONFIG:2: "), "{text}");
    let text = refusal(&[("T_CONFIG", "server.bind = 'localhost'")]);
    assert!(text.starts_with("T_CONFIG:1: ") && text.contains("socket address"), "{text}");
    let text = refusal(&[("T_CONFIG_FILE", "/nonexistent/t.toml")]);
    assert!(text.starts_with("/nonexistent/t.toml: cannot be read") && text.contains("T_CONFIG_FILE"), "{text}");
}

#[test]
fn an_impossible_value_is_refused_where_it_came_from() {
    let text = refusal(&[("T_CONFIG", "[limits]\nmax_body_bytes = 10\nmax_batch = 0")]);
    assert_eq!(text, "T_CONFIG:3: limits.max_batch: 0 is impossible; expected at least 1");
    let text = refusal(&[("T_MAX_BATCH", "0")]);
    assert_eq!(text, "T_MAX_BATCH: limits.max_batch: 0 is impossible; expected at least 1");
    let text = refusal(&[("T_CERT", "/x.pem")]);
    assert_eq!(text, "T_CERT: server.tls_cert: needs server.tls_key beside it");
    for (toml, key) in [
        ("server.header_timeout_ms = 0", "server.header_timeout_ms"),
        ("server.max_header_bytes = 100", "server.max_header_bytes"),
        ("log.level = 'a=b=c'", "log.level"),
    ] {
        assert!(refusal(&[("T_CONFIG", toml)]).starts_with(&format!("T_CONFIG:1: {key}: ")), "{toml}");
    }
}

#[test]
fn a_bad_value_of_a_variable_names_the_variable_and_the_key() {
    let text = refusal(&[("T_MAX_BATCH", "many")]);
    assert!(text.starts_with("T_MAX_BATCH: invalid type: string \"many\", expected usize"), "{text}");
    assert!(text.contains("limits.max_batch"), "{text}");
    assert!(refusal(&[("T_MAX_BATCH", "-1")]).starts_with("T_MAX_BATCH: "));
}

#[test]
fn a_secret_is_in_no_error_and_in_no_debug_text() {
    let text = refusal(&[("T_CONFIG", "[admin]\ntoken = 1234567890123456")]);
    assert!(text.starts_with("T_CONFIG:2: expected a secret in quotes") && !text.contains("12345"), "{text}");
    let text = refusal(&[("T_CONFIG", "[admin]\ntoken = 'hush-hush-hush-hush'\nlimits = 1")]);
    assert!(!text.contains("hush"), "{text}");
    let config = load(&[("T_CONFIG", "[admin]\ntoken = 'hush-hush-hush-hush'")]).unwrap();
    assert!(!format!("{config:?}").contains("hush"));
}

#[test]
fn a_process_with_wrong_settings_says_so_in_one_line_and_exits_with_2() {
    let run = |variables: &[(&str, &str)]| {
        let mut command = Command::new(env!("CARGO_BIN_EXE_echo-service"));
        let output = command.envs(variables.iter().copied()).output().unwrap();
        (output.status.code(), String::from_utf8(output.stderr).unwrap())
    };
    let (code, text) = run(&[("ECHO_CONFIG", "[server]\nbnd = 1")]);
    assert_eq!((code, text.lines().count()), (Some(2), 1), "{text}");
    assert!(text.starts_with("error: ECHO_CONFIG:2: unknown field `bnd`"), "{text}");
    let (code, text) = run(&[("ECHO_MAX_BATCH", "x")]);
    assert_eq!(code, Some(2));
    assert!(text.starts_with("error: ECHO_MAX_BATCH: "), "{text}");
}
