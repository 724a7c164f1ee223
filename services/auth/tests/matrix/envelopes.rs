//! Envelopes, one at a time.

use serde_json::{Value, json};

use crate::common::{
    AUTHORIZE, INTROSPECT, WHOAMI, World, json_of, may_read, metric, now_s, problem, reader, tampered, verdict, with,
};

#[test]
fn whoami_tells_what_is_signed_and_nothing_else() {
    let world = World::new();
    let claims = json!({
        "sub": "alice", "aud": "ron-auth", "iat": now_s(), "exp": now_s() + 60, "scopes": ["a"], "roles": ["reader"],
        "device": "phone", "ctx": {"tenant": "acme"}, "nonce": "n",
    });
    let who = json_of(&world.auth.post(WHOAMI, &world.envelope(&claims).to_string()));
    let mut expected = with(&with(&claims, "nonce", Value::Null), "ctx", Value::Null);
    expected["tenant"] = json!("acme");
    assert_eq!(who, expected);
    let least = world.envelope(&json!({"aud": ["x", "ron-auth"]}));
    let with_outer = with(&with(&least, "aud", json!("anybody")), "sub", json!("mallory"));
    assert_eq!(json_of(&world.auth.post(WHOAMI, &with_outer.to_string())), json!({"aud": ["x", "ron-auth"]}));
}

#[test]
fn introspect_tells_whether_it_is_active_and_warns() {
    let world = World::new();
    let envelope = world.envelope(&json!({"sub": "alice", "aud": "ron-auth"}));
    let answer = json_of(&world.auth.post(INTROSPECT, &envelope.to_string()));
    assert_eq!(answer["active"], true);
    assert_eq!((&answer["alg"], &answer["kid"]), (&json!("Ed25519"), &envelope["kid"]));
    assert_eq!((&answer["aud"], &answer["sub"]), (&json!("ron-auth"), &json!("alice")));
    assert_eq!(answer["warnings"], json!(["NoExp", "OuterAudienceDiffers"]));
    let quiet = with(&world.envelope(&reader()), "aud", json!("ron-auth"));
    assert_eq!(json_of(&world.auth.post(INTROSPECT, &quiet.to_string())).get("warnings"), None);
}

/// The table of bad input, whichever way signatures are verified.
#[test]
fn what_is_at_fault_is_a_problem_on_every_route_in_the_order_of_the_table() {
    for world in World::both_ways("limits.max_msg_bytes = 512") {
        let good = world.envelope(&reader());
        let changed = |field: &str, value: Value| with(&good, field, value);
        let rows = [
            (json!({"alg": "none", "kid": "", "msg_b64": "*"}), 400, "BadAlg"),
            (changed("alg", json!("RSA256")), 400, "BadAlg"),
            (changed("alg", Value::Null), 400, "BadAlg"),
            (with(&changed("kid", json!(" ")), "aud", Value::Null), 400, "BadKid"),
            (changed("kid", json!("")), 400, "BadKid"),
            (with(&changed("aud", Value::Null), "msg_b64", json!("*")), 400, "BadAudience"),
            (changed("aud", json!("")), 400, "BadAudience"),
            (changed("msg_b64", json!("*")), 400, "Malformed"),
            (changed("sig_b64", json!("AA")), 400, "Malformed"),
            (changed("msg_b64", json!("eA==")), 400, "Malformed"),
            (world.envelope(&json!("text")), 400, "Malformed"),
            (world.envelope(&json!({"aud": 5})), 400, "Malformed"),
            (world.envelope(&json!({"aud": "ron-auth", "pad": "x".repeat(600)})), 413, "MsgTooLarge"),
            (world.envelope(&json!({"sub": "alice"})), 400, "BadAudience"),
            (world.envelope(&json!({"aud": "elsewhere"})), 400, "BadAudience"),
            (json!({}), 400, "Malformed"),
            (with(&good, "token", json!("t")), 400, "Malformed"),
        ];
        for (body, status, code) in rows {
            for path in [WHOAMI, INTROSPECT] {
                let answer = world.auth.post(path, &body.to_string());
                assert_eq!(problem(&answer), (status, code.to_owned()), "{path} {body}");
            }
            if body.as_object().is_some_and(|body| body.contains_key("msg_b64") && !body.contains_key("token")) {
                let answer = world.auth.post(AUTHORIZE, &may_read(&body, "docs/a").to_string());
                assert_eq!(problem(&answer), (status, code.to_owned()), "authorize {body}");
            }
        }
    }
}

#[test]
fn what_does_not_verify_is_nobody_inactive_and_denied_with_the_reason() {
    for world in World::both_ways("security.clock_skew_s = 5") {
        let good = world.envelope(&reader());
        let of = |claims: Value| world.envelope(&with(&claims, "aud", json!("ron-auth")));
        for (envelope, reason) in [
            (tampered(&good), "BadSignature"),
            (with(&good, "sig_b64", json!("AAAA")), "BadSignature"),
            (with(&good, "msg_b64", of(json!({"sub": "root"}))["msg_b64"].clone()), "BadSignature"),
            (with(&good, "kid", json!("no-such-key")), "UnknownKid"),
            (of(json!({"exp": now_s() - 60})), "Expired"),
            (of(json!({"nbf": now_s() + 60})), "NotYetValid"),
        ] {
            let answer = world.auth.post(WHOAMI, &envelope.to_string());
            assert_eq!(problem(&answer), (401, "Denied".to_owned()), "{reason}");
            let answer = json_of(&world.auth.post(INTROSPECT, &envelope.to_string()));
            assert_eq!(answer, json!({"active": false, "alg": "Ed25519", "kid": envelope["kid"]}), "{reason}");
            let answer = json_of(&world.auth.post(AUTHORIZE, &may_read(&envelope, "docs/a").to_string()));
            assert_eq!(answer, json!({"decision": "Deny", "reason": reason}));
        }
    }
}

#[test]
fn the_policy_decides_by_what_is_signed() {
    for world in World::both_ways("") {
        let ask = |claims: &Value, question: &Value| {
            let mut question = question.clone();
            question["envelope"] = world.envelope(&with(claims, "aud", json!("ron-auth")));
            json_of(&world.auth.post(AUTHORIZE, &question.to_string()))
        };
        let read = |resource: &str| json!({"action": "read", "resource": resource});
        let permit = json!({
            "decision": "Permit",
            "reason": "readers-read",
            "obligations": [{"kind": "log-audit", "params": {"level": "info"}}],
        });
        assert_eq!(ask(&reader(), &read("docs/a/b")), permit);
        assert_eq!(verdict(&ask(&reader(), &read("docs/sealed/1"))), "sealed");
        assert_eq!(verdict(&ask(&reader(), &read("elsewhere"))), "default");
        assert_eq!(verdict(&ask(&json!({"sub": "alice"}), &read("docs/a"))), "default");
        // Who asks is signed; nothing beside it makes it so.
        let claimed = json!({
            "action": "read", "resource": "docs/a", "roles": ["reader"], "subject": "root",
            "context": {"roles": ["reader"], "tenant": "acme"},
        });
        assert_eq!(verdict(&ask(&json!({"sub": "alice", "tenant": "acme"}), &claimed)), "default");
        let of_acme = with(&read("docs/a"), "context", json!({"tenant": "acme"}));
        assert_eq!(verdict(&ask(&reader(), &of_acme)), "tenant.mismatch");
        assert_eq!(verdict(&ask(&with(&reader(), "tenant", json!("acme")), &of_acme)), "Permit");
        assert!(metric(&world.auth, r#"auth_ops_total{op="authorize",result="ok",alg="Ed25519"}"#) >= Some(2.0));
        assert!(metric(&world.auth, r#"auth_ops_total{op="authorize",result="deny",alg="Ed25519"}"#) >= Some(5.0));
        assert!(metric(&world.auth, "auth_policy_eval_seconds_count") >= Some(6.0));
    }
}

#[test]
fn without_a_required_audience_none_is_missed_and_a_wrong_one_is_refused_all_the_same() {
    for world in World::both_ways("security.require_aud = false") {
        let envelope = with(&world.envelope(&json!({"sub": "alice"})), "aud", Value::Null);
        assert_eq!(json_of(&world.auth.post(WHOAMI, &envelope.to_string())), json!({"sub": "alice"}));
        let elsewhere = world.envelope(&json!({"aud": "elsewhere"}));
        assert_eq!(problem(&world.auth.post(WHOAMI, &elsewhere.to_string())), (400, "BadAudience".to_owned()));
    }
}

#[test]
fn a_question_in_which_something_is_missing_is_malformed() {
    let world = World::new();
    let good = may_read(&world.envelope(&reader()), "docs/a");
    for question in [
        with(&good, "action", Value::Null),
        with(&good, "resource", json!(5)),
        with(&good, "envelope", Value::Null),
        with(&good, "envelope", json!(["Ed25519", "k"])),
        with(&good, "token", json!("t")),
        with(&good, "context", json!({"peer_ip": "nowhere"})),
        with(&good, "context", json!("text")),
        json!([]),
        json!(null),
        json!("text"),
    ] {
        assert_eq!(
            problem(&world.auth.post(AUTHORIZE, &question.to_string())),
            (400, "Malformed".to_owned()),
            "{question}"
        );
    }
    for body in ["", "{", "{\"a\":1}}", "\u{1}", &"[".repeat(100_000)] {
        assert_eq!(problem(&world.auth.post(AUTHORIZE, body)), (400, "Malformed".to_owned()), "{body:.20}");
    }
    let answer = world.auth.send("POST", AUTHORIZE, &[("Content-Type", "application/json")], b"{\"action\":\"\xff\"}");
    assert_eq!(problem(&answer), (400, "Malformed".to_owned()));
    let answer = world.auth.send("POST", AUTHORIZE, &[("Content-Type", "text/plain")], b"{}");
    assert_eq!(problem(&answer), (415, "UnsupportedMediaType".to_owned()));
    assert_eq!(world.auth.get(AUTHORIZE).status, 405);
}
