//! What is remembered, and for how long.

use std::time::Duration;

use serde_json::json;

use crate::common::{AUTHORIZE, json_of, may_read, metric, now_s, reader, unsigned, verdict, with};
use crate::fake::{Fake, Reply, all_good};

#[test]
fn a_good_signature_is_believed_for_a_while_and_then_asked_about() {
    let fake = Fake::slow(0, "caching.verify_positive_ttl_ms = 2000");
    for _ in 0..5 {
        assert_eq!(fake.verdict(1), "Permit");
    }
    assert_eq!((fake.calls(), metric(&fake.client(), "auth_verify_cache_items")), (vec![1], Some(1.0)));
    std::thread::sleep(Duration::from_millis(2_050));
    fake.behave(|_, _| Reply::now(200, "false"));
    assert_eq!(fake.verdict(1), "BadSignature");
    assert_eq!(fake.calls(), [1, 1]);
}

#[test]
fn a_bad_signature_is_believed_for_its_own_time() {
    let fake = Fake::new("caching.verify_negative_ttl_ms = 2000", |_, _| Reply::now(200, "false"));
    assert_eq!(fake.verdict(1), "BadSignature");
    fake.behave(|_, body| Reply::now(200, all_good(body)));
    assert_eq!((fake.verdict(1).as_str(), fake.verdict(2).as_str()), ("BadSignature", "Permit"));
    std::thread::sleep(Duration::from_millis(2_050));
    assert_eq!(fake.verdict(1), "Permit");
}

#[test]
fn what_is_remembered_does_not_outlive_the_message() {
    let fake = Fake::slow(0, "caching.verify_positive_ttl_ms = 60000\nsecurity.clock_skew_s = 0");
    let claims = with(&reader(), "exp", json!(now_s() + 3));
    let asked = may_read(&unsigned(&claims, "s"), "docs/a").to_string();
    let ask = || verdict(&json_of(&fake.client().post(AUTHORIZE, &asked)));
    assert_eq!(ask(), "Permit");
    while now_s() < claims["exp"].as_u64().unwrap() {
        std::thread::sleep(Duration::from_millis(50));
    }
    assert_eq!(ask(), "Expired");
    assert_eq!(fake.calls(), [1]);
}

#[test]
fn what_differs_in_anything_is_something_else() {
    let fake = Fake::slow(0, "caching.verify_positive_ttl_ms = 60000");
    let one = unsigned(&reader(), "s");
    for envelope in [one.clone(), with(&one, "kid", json!("other")), unsigned(&reader(), "t")] {
        fake.client().post(AUTHORIZE, &may_read(&envelope, "docs/a").to_string());
    }
    assert_eq!(fake.calls(), [1, 1, 1]);
    // The audience outside is not signed, and is nothing that an outcome depends on.
    fake.client().post(AUTHORIZE, &may_read(&with(&one, "aud", json!("another")), "docs/a").to_string());
    assert_eq!(fake.calls(), [1, 1, 1]);
}
