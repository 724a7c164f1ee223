//! Section 1.9: profiles.

use serde_json::{Value, json};

use crate::common::{Client, Target};

const CLAIM: &str = "/v1/passport/profile/claim";

/// A name that no earlier run against the same deployment has taken.
fn fresh(stem: &str) -> String {
    let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap();
    format!("{stem}-{}", now.as_micros())
}

fn claim(client: &Client, subject: &str, username: &str) -> crate::common::Answer {
    client.post(CLAIM, &json!({"passport_subject": subject, "requested_username": username}).to_string())
}

#[test]
fn a_username_is_claimed_once_and_read_with_every_field() {
    let passport = Target::new();
    let (name, subject) = (fresh("alice"), format!("passport:main:{}", fresh("a")));
    let body = json!({
        "passport_subject": format!("  {subject} "), "requested_username": format!(" @{} ", name.to_uppercase()),
        "display_name": " Alice ", "bio": null, "avatar_image": "crab://image",
    });
    let answer = passport.post(CLAIM, &body.to_string());
    assert_eq!(answer.status, 201, "{answer:?}");
    assert!(answer.is_json());
    let expected = json!({
        "schema": "svc-passport.public-profile.v1", "passport_subject": subject, "passport_kind": "main",
        "username": name, "handle": format!("@{name}"), "username_status": "confirmed", "display_name": "Alice",
        "bio": null, "avatar_image": "crab://image", "profile_crab_url": format!("crab://@{name}"),
        "public_profile_cid": null, "reputation_score": null, "moderator_score": null, "warnings": [],
    });
    assert_eq!(answer.json(), expected);
    let again = passport.post(CLAIM, &body.to_string());
    assert_eq!((again.status, again.json()), (201, expected.clone()));
    for path in [name.clone(), format!("@{name}"), name.to_uppercase()] {
        let read = passport.get(&format!("/v1/passport/profile/{path}"));
        assert_eq!((read.status, read.json()), (200, expected.clone()), "{path}");
    }
    let conflict = |answer: crate::common::Answer, code: &str| {
        assert_eq!((answer.status, &answer.json()["code"]), (409, &json!(code)));
        assert_eq!(answer.json()["retryable"], json!(false));
    };
    conflict(claim(&passport, "passport:main:somebody", &name), "username_unavailable");
    conflict(claim(&passport, &subject, &fresh("bob")), "passport_already_has_username");
}

#[test]
fn what_cannot_be_claimed_is_told_with_its_code() {
    let passport = Target::new();
    let good = json!({"passport_subject": "passport:main:x", "requested_username": "somebody"});
    let long = |bytes: usize| json!("x".repeat(bytes));
    for (field, value, code) in [
        ("passport_subject", json!("  "), "empty_field"),
        ("passport_subject", long(257), "field_too_long"),
        ("requested_username", json!(" @ "), "empty_field"),
        ("requested_username", json!("ab"), "username_too_short"),
        ("requested_username", long(33), "username_too_long"),
        ("requested_username", json!("-abc"), "invalid_username_start"),
        ("requested_username", json!("a b"), "invalid_username_character"),
        ("requested_username", json!("aé!"), "invalid_username_character"),
        ("requested_username", json!("a..b"), "consecutive_dots"),
        ("requested_username", json!("abc."), "invalid_username_trailing_punctuation"),
        ("requested_username", json!("@Admin"), "reserved_username"),
        ("requested_username", json!("wallet"), "reserved_username"),
        ("display_name", long(97), "field_too_long"),
        ("bio", long(1_025), "field_too_long"),
        ("avatar_image", json!(format!("crab://{}", "x".repeat(506))), "field_too_long"),
        ("avatar_image", json!("https://elsewhere"), "invalid_crab_url"),
    ] {
        let mut body = good.clone();
        body[field] = value;
        let answer = passport.post(CLAIM, &body.to_string());
        assert_eq!((answer.status, &answer.json()["code"]), (400, &json!(code)), "{field}: {answer:?}");
        assert!(answer.json()["message"].is_string() && answer.json()["retryable"].is_boolean());
    }
    for body in [r#"{"passport_subject":"a","requested_username":"abc","more":1}"#, "{}", "[]", "5"] {
        let answer = passport.post(CLAIM, body);
        assert_eq!((answer.status, answer.is_text()), (422, true), "{body}");
    }
    let nobody = passport.get(&format!("/v1/passport/profile/{}", fresh("nobody")));
    assert_eq!((nobody.status, &nobody.json()["code"]), (404, &json!("profile_not_found")));
}

#[test]
fn the_debug_route_is_a_constant_and_no_username() {
    let passport = Target::new();
    let answer = passport.get("/v1/passport/profile/_debug");
    let body = answer.json();
    assert_eq!((answer.status, &body["schema"]), (200, &json!("svc-passport.profile-debug.v1")));
    assert_eq!(body["profile_routes"].as_array().map(Vec::len), Some(2));
    for never in ["wallet_mutation", "ledger_mutation", "private_keys", "alt_linkage"] {
        assert_eq!(body[never], Value::Bool(false), "{never}");
    }
}
