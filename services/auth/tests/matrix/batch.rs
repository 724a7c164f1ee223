//! Batches: each item for itself, in order.

use serde_json::{Value, json};

use crate::common::{
    AUTHORIZE, BATCH, World, json_of, may_read, metric, now_s, problem, reader, tampered, verdict, with,
};

#[test]
fn each_item_has_the_answer_that_it_has_alone_and_a_bad_one_costs_the_others_nothing() {
    for world in World::both_ways("") {
        let good = world.envelope(&reader());
        let token = json!({
            "token": world.own().minter.good(), "action": "GET", "resource": "/index/1", "context": {"tenant": "acme"},
        });
        let expired = world.envelope(&json!({"aud": "ron-auth", "exp": now_s() - 600}));
        let rows = [
            (may_read(&good, "docs/a"), "Permit"),
            (may_read(&tampered(&good), "docs/a"), "BadSignature"),
            (may_read(&with(&good, "kid", json!("no-such-key")), "docs/a"), "UnknownKid"),
            (may_read(&with(&good, "alg", json!("none")), "docs/a"), "BadAlg"),
            (may_read(&with(&good, "kid", json!("")), "docs/a"), "BadKid"),
            (may_read(&with(&good, "aud", Value::Null), "docs/a"), "BadAudience"),
            (may_read(&with(&good, "msg_b64", json!("*")), "docs/a"), "Malformed"),
            (may_read(&expired, "docs/a"), "Expired"),
            (may_read(&good, "docs/sealed/a"), "sealed"),
            (token.clone(), "Permit"),
            (with(&token, "token", json!("no token")), "Malformed"),
            (with(&token, "resource", json!("/other")), "caveat.path"),
            (json!({"token": "t"}), "Malformed"),
            (may_read(&good, "docs/b"), "Permit"),
        ];
        let items: Vec<_> = rows.iter().map(|(item, _)| item.clone()).collect();
        for body in [json!(items), json!({"items": items, "more": 1})] {
            let answers = json_of(&world.auth.post(BATCH, &body.to_string()));
            let verdicts: Vec<_> = answers.as_array().unwrap().iter().map(verdict).collect();
            assert_eq!(verdicts, rows.each_ref().map(|(_, expected)| *expected));
        }
        // An item of no shape at all, too.
        let body = json!([5, may_read(&good, "docs/a"), {"token": 5}, ["t"]]);
        let answers = json_of(&world.auth.post(BATCH, &body.to_string()));
        let verdicts: Vec<_> = answers.as_array().unwrap().iter().map(verdict).collect();
        assert_eq!(verdicts, ["Malformed", "Permit", "Malformed", "Malformed"]);
        for (item, expected) in rows {
            let answer = world.auth.post(AUTHORIZE, &item.to_string());
            let alone = if answer.status == 200 { verdict(&answer.json()) } else { problem(&answer).1 };
            assert_eq!(alone, expected, "{item}");
        }
        assert!(metric(&world.auth, r#"auth_ops_total{op="authorize_batch",result="ok",alg="mixed"}"#) >= Some(2.0));
        assert!(metric(&world.auth, "auth_batch_len_count") >= Some(3.0));
    }
}

#[test]
fn a_batch_that_is_too_large_is_told_so_whatever_is_in_it() {
    let world = World::with("limits.max_batch = 4");
    for items in [json!(vec![5; 5]), json!(vec![may_read(&json!({"kid": "K"}), "docs/a"); 5])] {
        for body in [items.clone(), json!({"items": items})] {
            assert_eq!(problem(&world.auth.post(BATCH, &body.to_string())), (413, "BatchTooLarge".to_owned()));
        }
    }
    assert_eq!(json_of(&world.auth.post(BATCH, "[]")), json!([]));
    assert_eq!(json_of(&world.auth.post(BATCH, "[5,5,5,5]")).as_array().unwrap().len(), 4);
    for body in ["{}", "5", "{\"items\":5}", "[", "{\"items\":[],\"items\":[]}"] {
        assert_eq!(problem(&world.auth.post(BATCH, body)), (400, "Malformed".to_owned()), "{body}");
    }
    let many = format!("[{}]", vec!["0"; 100_000].join(","));
    assert_eq!(problem(&world.auth.post(BATCH, &many)), (413, "BatchTooLarge".to_owned()));
}

#[test]
fn a_batch_of_many_envelopes_is_answered_in_order() {
    for world in World::both_ways("caching = { verify_positive_ttl_ms = 0, verify_negative_ttl_ms = 0 }") {
        let items: Vec<_> = (0..150)
            .map(|number| {
                let envelope = world.envelope(&with(&reader(), "sub", json!(format!("user-{number}"))));
                let envelope = if number % 3 == 0 { tampered(&envelope) } else { envelope };
                may_read(&envelope, if number % 5 == 0 { "docs/sealed/x" } else { "docs/x" })
            })
            .collect();
        let answers = json_of(&world.auth.post(BATCH, &json!(items).to_string()));
        for (number, answer) in answers.as_array().unwrap().iter().enumerate() {
            let expected = match number {
                bad if bad % 3 == 0 => "BadSignature",
                sealed if sealed % 5 == 0 => "sealed",
                _ => "Permit",
            };
            assert_eq!(verdict(answer), expected, "{number}");
        }
        assert_eq!(answers.as_array().unwrap().len(), 150);
    }
}
