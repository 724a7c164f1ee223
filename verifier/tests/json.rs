//! Decisions, reasons, errors and scopes as JSON: the shapes that docs/CODES.md promises.
#![cfg(feature = "serde")]
#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "a surprise stops a test")]

use ron_auth::{
    AuthError, CapabilityBuilder, Caveat, CaveatKind, Decision, DenyReason, DenyReasonRef, MacKey, Malformed, Rate,
    RequestCtx, Scope, VerifierConfig, Workspace, verify_token, verify_token_in,
};
use serde_json::{Value, from_value, json, to_value};

fn allow() -> Decision {
    let obligations = vec![Rate { per_s: 5, burst: 20 }];
    Decision::Allow { scope: Scope::new("/index/", ["GET", "x-purge"]), obligations }
}

fn allow_json() -> Value {
    let scope = json!({ "prefix": "/index/", "methods": ["GET", "x-purge"], "max_bytes": null });
    json!({ "Allow": { "scope": scope, "obligations": [{ "per_s": 5, "burst": 20 }] } })
}

/// Reasons and their JSON: those of every shape.
fn reasons() -> Vec<(DenyReason, Value)> {
    let plain = |code: &str, reason: &str| json!({ "code": code, "reason": reason });
    let custom = |code: &str, detail: &str| json!({ "code": code, "reason": "Custom", "detail": detail });
    let mut unhandled = custom("caveat.custom.unknown", "unhandled:a/b\n/c");
    unhandled["ns"] = json!("a/b\n");
    unhandled["name"] = json!("c");
    let mut reasons = vec![
        (DenyReason::TidMismatch, plain("tenant.mismatch", "TenantMismatch")),
        (DenyReason::LifetimeExceeded, plain("demand.lifetime", "LifetimeExceeded")),
        (DenyReason::AudienceNotNamed, plain("demand.audience", "AudienceNotNamed")),
        (DenyReason::BadAudience, plain("caveat.aud", "BadAudience")),
        (DenyReason::MethodNotAllowed, plain("caveat.method", "MethodNotAllowed")),
        (DenyReason::PathNotAllowed, plain("caveat.path", "PathNotAllowed")),
        (DenyReason::IpNotAllowed, plain("caveat.ip", "IpNotAllowed")),
        (DenyReason::BytesExceed, plain("caveat.bytes", "BytesExceed")),
        (DenyReason::TenantMismatch, plain("caveat.tenant", "TenantMismatch")),
        (DenyReason::AmnesiaMismatch, custom("caveat.amnesia", "amnesia_mismatch")),
        (DenyReason::GovPolicyDigestMismatch, custom("caveat.policy_digest", "gov_policy_digest_mismatch")),
        (DenyReason::Unhandled { ns: "a/b\n".into(), name: "c".into() }, unhandled),
        (DenyReason::Custom("amnesia_mismatch".into()), custom("caveat.custom.failed", "amnesia_mismatch")),
    ];
    for &kind in CaveatKind::ALL {
        let reason = DenyReason::MissingCaveat(kind);
        let json = plain(reason.code(), "MissingCaveat");
        reasons.push((reason, json));
    }
    reasons
}

#[test]
fn each_reason_is_written_and_read_back_owned_and_borrowed() {
    for (reason, json) in reasons() {
        assert_eq!(to_value(&reason).unwrap(), json);
        assert_eq!(to_value(DenyReasonRef::from(&reason)).unwrap(), json);
        assert_eq!(from_value::<DenyReason>(json).unwrap(), reason);
    }
}

#[test]
fn each_error_is_written_and_read_back() {
    for (error, code, name) in [
        (AuthError::Bounds, "parse.bounds", "Bounds"),
        (AuthError::Malformed(Malformed::Base64), "parse.b64", "Malformed"),
        (AuthError::Malformed(Malformed::Cbor), "parse.cbor", "Malformed"),
        (AuthError::UnknownKid, "kid.unknown", "UnknownKid"),
        (AuthError::MacMismatch, "mac.mismatch", "MacMismatch"),
        (AuthError::Expired, "caveat.exp", "Expired"),
        (AuthError::NotYetValid, "caveat.nbf", "NotYetValid"),
    ] {
        let json = json!({ "code": code, "error": name });
        assert_eq!(to_value(error).unwrap(), json);
        assert_eq!(from_value::<AuthError>(json).unwrap(), error);
    }
}

#[test]
fn decisions_are_written_and_read_back() {
    let (reasons, reasons_json): (Vec<_>, Vec<_>) = reasons().into_iter().unzip();
    let (deny, deny_json) = (Decision::Deny { reasons }, json!({ "Deny": { "reasons": reasons_json } }));
    for (decision, json) in [(allow(), allow_json()), (deny, deny_json)] {
        assert_eq!(to_value(&decision).unwrap(), json);
        assert_eq!(from_value::<Decision>(json).unwrap(), decision);
    }
}

#[test]
fn a_verdict_is_written_as_its_decision() {
    let key = MacKey::new([7; 32]);
    let ctx = RequestCtx::new(1_762_700_000, "GET", "/index/1", "acme");
    let caveats = [
        Caveat::Rate(Rate { per_s: 0, burst: 0 }),
        Caveat::Custom { ns: "plan".into(), name: "paid".into(), cbor: vec![0xf5] },
    ];
    let scopes = [Scope::new("/index/", ["GET", "x-purge"]), Scope { methods: vec!["GET".into()], ..Scope::default() }];
    for scope in scopes {
        for caveats in [&caveats[..1], &caveats] {
            let token = CapabilityBuilder::new("acme", "k", scope.clone()).caveats(caveats.iter().cloned());
            let token = token.sign(&key).unwrap().to_base64url();
            let config = VerifierConfig::default();
            let decision = verify_token(&config, &token, &ctx, &key).unwrap();
            let mut workspace = Workspace::default();
            let verdict = verify_token_in(&config, &token, &ctx, &key, &mut workspace).unwrap();
            assert_eq!(to_value(&verdict).unwrap(), to_value(&decision).unwrap());
        }
    }
}

#[test]
fn what_would_permit_more_by_being_left_out_must_be_there() {
    for place in ["/Allow/scope/prefix", "/Allow/scope/methods", "/Allow/scope/max_bytes", "/Allow/obligations"] {
        let (parent, field) = place.rsplit_once('/').unwrap();
        let mut json = allow_json();
        json.pointer_mut(parent).unwrap().as_object_mut().unwrap().remove(field).unwrap();
        assert!(from_value::<Decision>(json).is_err(), "without {place}");
    }
    for parent in ["/Allow", "/Allow/scope", "/Allow/obligations/0"] {
        let mut json = allow_json();
        json.pointer_mut(parent).unwrap()["unless"] = json!(true);
        assert!(from_value::<Decision>(json).is_err(), "with an unknown field in {parent}");
    }
    assert_eq!(from_value::<Decision>(allow_json()).unwrap(), allow());
}

#[test]
fn what_is_no_decision_is_not_read_as_one() {
    for json in [
        json!({ "Deny": { "reasons": [] } }),
        json!({ "Deny": {} }),
        json!({ "Deny": { "reasons": [{ "reason": "BadAudience" }] } }),
        json!({ "Deny": { "reasons": [{ "code": "caveat.rate" }] } }),
        json!({ "Deny": { "reasons": [{ "code": "mac.mismatch" }] } }),
        json!({ "Deny": { "reasons": [{ "code": "caveat.custom.failed" }] } }),
        json!({ "Deny": { "reasons": [{ "code": "caveat.custom.unknown", "ns": "a" }] } }),
        json!({ "Deny": { "reasons": [{ "code": "caveat.custom.unknown", "detail": "unhandled:a/b" }] } }),
        json!({ "Maybe": {} }),
        json!("Allow"),
        json!(null),
    ] {
        assert!(from_value::<Decision>(json.clone()).is_err(), "{json}");
    }
    assert!(from_value::<AuthError>(json!({ "code": "caveat.aud" })).is_err());
    assert!(from_value::<AuthError>(json!({ "error": "Malformed" })).is_err());
}

#[test]
fn the_examples_in_the_document_are_what_is_read() {
    let document = include_str!("../CODES.md");
    let examples = document.split("```json\n").nth(1).unwrap().split("```").next().unwrap();
    assert_eq!(examples.lines().count(), 6);
    for line in examples.lines() {
        let json: Value = serde_json::from_str(line).unwrap();
        let again = if json.get("error").is_some() {
            to_value(from_value::<AuthError>(json.clone()).unwrap())
        } else if json.get("code").is_some() {
            to_value(from_value::<DenyReason>(json.clone()).unwrap())
        } else {
            to_value(from_value::<Decision>(json.clone()).unwrap())
        };
        assert_eq!(again.unwrap(), json);
    }
}
