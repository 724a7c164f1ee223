//! Section 1.8: batches.

use serde_json::{Value, json};

use crate::common::{BATCH, Target, issued, tampered, with};

#[test]
fn a_batch_is_an_array_or_an_object_with_items_and_answers_in_the_same_order() {
    let passport = Target::new();
    let good = issued(&passport, &json!({"n": 1}));
    let bad = tampered(&good);
    let items = json!([good, bad, good]);
    let with_more = json!({"x": [1], "items": items, "y": null});
    for body in [items.to_string(), json!({"items": items}).to_string(), with_more.to_string()] {
        let answer = passport.post(BATCH, &body);
        assert_eq!((answer.status, answer.body.as_str()), (200, "[true,false,true]"), "{body}");
        assert!(answer.is_json());
    }
    for body in ["[]", r#"{"items":[]}"#] {
        let answer = passport.post(BATCH, body);
        assert_eq!((answer.status, answer.body.as_str()), (200, "[]"), "{body}");
    }
}

#[test]
fn one_item_with_a_fault_turns_the_whole_batch_away() {
    let passport = Target::new();
    let good = issued(&passport, &json!({"n": 1}));
    for (field, value, code) in [
        ("alg", json!("none"), "BadAlg"),
        ("kid", json!(" "), "BadKid"),
        ("kid", json!("K"), "Malformed"),
        ("aud", Value::Null, "BadAudience"),
        ("msg_b64", json!("?"), "Malformed"),
        ("sig_b64", json!("?"), "Malformed"),
    ] {
        let fault = with(&good, field, value);
        for items in [json!([good, fault]), json!([fault, good]), json!([tampered(&good), fault])] {
            let answer = passport.post(BATCH, &items.to_string());
            assert_eq!(answer.problem(), (400, code.to_owned()), "{field}");
        }
    }
    // The first item with a fault decides.
    let items = json!([with(&good, "kid", json!("K")), with(&good, "alg", json!("none"))]);
    assert_eq!(passport.post(BATCH, &items.to_string()).problem(), (400, "Malformed".to_owned()));
}

#[test]
fn a_batch_of_512_is_answered_and_one_more_is_too_many_whatever_is_in_it() {
    let passport = Target::new();
    let good = issued(&passport, &json!({"n": 1}));
    let answer = passport.post(BATCH, &json!(vec![&good; 512]).to_string());
    assert_eq!(answer.status, 200);
    assert_eq!(answer.json(), json!(vec![true; 512]));
    let unknown = json!({"alg": "none", "kid": "K", "msg_b64": "*", "sig_b64": "*"});
    for item in [&good, &unknown] {
        let answer = passport.post(BATCH, &json!({"items": vec![item; 513]}).to_string());
        assert_eq!(answer.problem(), (413, "BatchTooLarge".to_owned()));
    }
    // The shape comes first: it is of the body as a whole.
    let mut items = vec![unknown; 513];
    items.push(json!(5));
    assert_eq!(passport.post(BATCH, &json!(items).to_string()).status, 422);
}

#[test]
fn what_each_item_is_told_is_what_it_is_told_alone() {
    let passport = Target::new();
    let mut items = Vec::new();
    for n in 0..40 {
        let envelope = issued(&passport, &json!({"n": n}));
        items.push(match n % 3 {
            0 => tampered(&envelope),
            1 => with(&envelope, "sig_b64", json!("AAAA")),
            _ => envelope,
        });
    }
    let together = passport.post(BATCH, &json!(items).to_string()).json();
    let alone: Vec<Value> =
        items.iter().map(|item| passport.post(crate::common::VERIFY, &item.to_string()).json()).collect();
    assert_eq!(together, json!(alone));
}
