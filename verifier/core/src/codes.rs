//! Holds the codes against `docs/CODES.md`, which is where they are promised.

use std::collections::BTreeSet;

use crate::decision::{DenyReason, DenyReasonRef};
use crate::demands::CaveatKind;
use crate::error::{AuthError, Malformed};

/// A row of the table: code, what has it, HTTP status.
type Row = (String, String, String);

fn documented() -> Vec<Row> {
    let rows = include_str!("../CODES.md").lines().filter(|line| line.starts_with("| `"));
    rows.map(|row| {
        let mut cells = row.trim_matches('|').split('|').map(|cell| cell.trim().trim_matches('`').to_owned());
        (cells.next().unwrap(), cells.next().unwrap(), cells.next().unwrap())
    })
    .collect()
}

/// Each error. A variant that is added does not compile until it is here.
fn errors() -> Vec<AuthError> {
    let all = vec![
        AuthError::Bounds,
        AuthError::Malformed(Malformed::Base64),
        AuthError::Malformed(Malformed::Cbor),
        AuthError::UnknownKid,
        AuthError::MacMismatch,
        AuthError::Expired,
        AuthError::NotYetValid,
    ];
    for error in &all {
        match error {
            AuthError::Bounds
            | AuthError::Malformed(Malformed::Base64 | Malformed::Cbor)
            | AuthError::UnknownKid
            | AuthError::MacMismatch
            | AuthError::Expired
            | AuthError::NotYetValid => {}
        }
    }
    all
}

/// Each reason, and one for each kind of caveat. A variant that is added does not compile until it is here.
fn reasons() -> Vec<DenyReason> {
    let mut all = vec![
        DenyReason::TidMismatch,
        DenyReason::LifetimeExceeded,
        DenyReason::AudienceNotNamed,
        DenyReason::BadAudience,
        DenyReason::MethodNotAllowed,
        DenyReason::PathNotAllowed,
        DenyReason::IpNotAllowed,
        DenyReason::BytesExceed,
        DenyReason::TenantMismatch,
        DenyReason::AmnesiaMismatch,
        DenyReason::GovPolicyDigestMismatch,
        DenyReason::Unhandled { ns: "ns".into(), name: "name".into() },
        DenyReason::Custom("said".into()),
    ];
    all.extend(CaveatKind::ALL.iter().map(|&kind| DenyReason::MissingCaveat(kind)));
    for reason in &all {
        match reason {
            DenyReason::TidMismatch
            | DenyReason::MissingCaveat(_)
            | DenyReason::LifetimeExceeded
            | DenyReason::AudienceNotNamed
            | DenyReason::BadAudience
            | DenyReason::MethodNotAllowed
            | DenyReason::PathNotAllowed
            | DenyReason::IpNotAllowed
            | DenyReason::BytesExceed
            | DenyReason::TenantMismatch
            | DenyReason::AmnesiaMismatch
            | DenyReason::GovPolicyDigestMismatch
            | DenyReason::Unhandled { .. }
            | DenyReason::Custom(_) => {}
        }
    }
    all
}

/// As the table has it: what a variant carries is left out, unless the code depends on it.
fn written(reason: &DenyReason) -> String {
    match reason {
        DenyReason::Unhandled { .. } => "DenyReason::Unhandled".into(),
        DenyReason::Custom(_) => "DenyReason::Custom".into(),
        other => format!("DenyReason::{other:?}"),
    }
}

#[test]
fn the_table_has_each_code_exactly_once_and_no_other() {
    let mut rows: Vec<Row> = Vec::new();
    for error in errors() {
        let what = match error {
            AuthError::Malformed(layer) => format!("AuthError::Malformed(Malformed::{layer:?})"),
            other => format!("AuthError::{other:?}"),
        };
        rows.push((error.code().into(), what, error.http_status().to_string()));
    }
    for reason in reasons() {
        rows.push((reason.code().into(), written(&reason).replace('(', "(CaveatKind::"), "403".into()));
    }
    rows.push(("mint.custom".into(), "MintError".into(), String::new()));
    rows.push(("config.env".into(), "EnvError".into(), String::new()));
    rows.sort();
    let mut documented = documented();
    documented.sort();
    assert_eq!(documented, rows);
    let codes: BTreeSet<&String> = rows.iter().map(|(code, ..)| code).collect();
    assert_eq!(codes.len(), rows.len(), "no two have the same code");
}

#[test]
fn a_reason_is_the_same_owned_and_borrowed() {
    for reason in reasons() {
        let borrowed = DenyReasonRef::from(&reason);
        assert_eq!(borrowed.to_reason(), reason);
        assert_eq!((borrowed.code(), borrowed.name()), (reason.code(), reason.name()));
        assert_eq!(borrowed.to_string(), reason.to_string());
    }
}

#[test]
fn names_and_texts_that_were_recorded_stay() {
    for (reason, name, text) in [
        (DenyReason::BadAudience, "BadAudience", "token is for another audience"),
        (DenyReason::MethodNotAllowed, "MethodNotAllowed", "method is not permitted"),
        (DenyReason::PathNotAllowed, "PathNotAllowed", "path is not permitted"),
        (DenyReason::IpNotAllowed, "IpNotAllowed", "peer address is not permitted"),
        (DenyReason::BytesExceed, "BytesExceed", "request is longer than permitted, or of unknown length"),
        (DenyReason::TenantMismatch, "TenantMismatch", "token is for another tenant"),
        (DenyReason::TidMismatch, "TenantMismatch", "token is for another tenant"),
        (DenyReason::AmnesiaMismatch, "amnesia_mismatch", "amnesia_mismatch"),
        (DenyReason::GovPolicyDigestMismatch, "gov_policy_digest_mismatch", "gov_policy_digest_mismatch"),
        (
            DenyReason::Unhandled { ns: "plan".into(), name: "paid".into() },
            "unhandled:plan/paid",
            "unhandled:plan/paid",
        ),
        (DenyReason::Custom("quota_exhausted".into()), "quota_exhausted", "quota_exhausted"),
    ] {
        assert_eq!((&*reason.name(), &*reason.to_string()), (name, text));
    }
}

#[test]
fn text_of_a_token_or_a_handler_reaches_a_log_escaped() {
    let evil = "x\n\x1b[2J\u{202e}";
    let shown = r"x\n\u{1b}[2J\u{202e}";
    assert_eq!(DenyReason::Custom(evil.into()).to_string(), shown);
    let unhandled = DenyReason::Unhandled { ns: format!("a/{evil}"), name: evil.into() };
    assert_eq!(unhandled.to_string(), format!(r"unhandled:a\/{shown}/{shown}"));
    assert_eq!(unhandled.name(), format!("unhandled:a/{evil}/{evil}"), "raw");
}
