//! A svc-passport that is slow, wrong or away: nobody is let in, it is told clearly, and it passes by itself.

use std::time::{Duration, Instant};

use serde_json::json;

use crate::common::{BATCH, INTROSPECT, WHOAMI, eventually, is_unavailable, unsigned};
use crate::fake::{Fake, Reply, all_good, question};

const TOML: &str = "caching = { verify_positive_ttl_ms = 0, verify_negative_ttl_ms = 0 }\nverify.timeout_ms = 200\n\
                    verify.breaker_failures = 1000";

#[test]
fn an_answer_that_is_none_is_no_permit() {
    let fake = Fake::new(TOML, |_, _| Reply::now(200, "true"));
    assert_eq!(fake.verdict(0), "Permit");
    for (status, body) in [
        (200, "\"true\""),
        (200, "1"),
        (200, "[true]"),
        (200, ""),
        (200, "true true"),
        (200, "{\"ok\":true}"),
        (204, ""),
        (302, "true"),
        (400, "true"),
        (400, "{\"code\":\"Other\"}"),
        (404, "true"),
        (500, "true"),
        (503, "true"),
    ] {
        fake.behave(move |_, _| Reply::now(status, body));
        let answer = fake.ask(0);
        assert!(is_unavailable(&answer), "{status} {body}: {answer:?}");
        for path in [WHOAMI, INTROSPECT] {
            let envelope = unsigned(&json!({"aud": "ron-auth"}), "s").to_string();
            assert!(is_unavailable(&fake.client().post(path, &envelope)), "{status} {body}");
        }
    }
    let batch = json!([question(1), question(2)]).to_string();
    for body in ["[true]", "[true,true,true]", "[true,1]", "true", "[]", "[true,null]"] {
        fake.behave(move |_, _| Reply::now(200, body));
        assert!(is_unavailable(&fake.client().post(BATCH, &batch)), "{body}");
    }
    fake.behave(|_, body| Reply::now(200, all_good(body)));
    assert_eq!(fake.verdict(0), "Permit", "it is back by itself");
}

#[test]
fn who_is_slow_is_not_asked_again_and_nobody_waits_for_long() {
    let fake = Fake::slow(5_000, TOML);
    let started = Instant::now();
    assert!(is_unavailable(&fake.ask(0)));
    assert!(started.elapsed() < Duration::from_secs(2), "{:?}", started.elapsed());
    assert_eq!(fake.calls(), [1]);
}

#[test]
fn a_connection_that_breaks_is_tried_again_twice_at_most() {
    let fake = Fake::new(TOML, |_, _| Reply::none());
    assert!(is_unavailable(&fake.ask(0)));
    let calls = fake.calls().len();
    assert!((1..=3).contains(&calls), "{calls}");
    let left = std::sync::atomic::AtomicUsize::new(1);
    fake.behave(move |_, body| match left.fetch_sub(1, std::sync::atomic::Ordering::Relaxed) {
        1 => Reply::now(503, "{}"),
        _ => Reply::now(200, all_good(body)),
    });
    assert_eq!(fake.verdict(1), "Permit", "the second try");
}

/// However long the calls take: what is counted is calls, and the pause is either over for sure or not at all.
#[test]
fn after_failures_in_a_row_it_is_left_alone_for_a_while_and_then_tried() {
    let toml = |open_ms: u32| {
        format!(
            "caching = {{ verify_positive_ttl_ms = 0, verify_negative_ttl_ms = 0 }}\nverify.breaker_failures = 3\n\
             verify.breaker_open_ms = {open_ms}\nverify.retries = 0"
        )
    };
    let fake = Fake::new(&toml(60_000), |_, _| Reply::now(500, "{}"));
    let answers: Vec<_> = (0..10).map(|number| fake.ask(number)).collect();
    assert!(answers.iter().all(is_unavailable));
    assert_eq!(fake.calls(), [1, 1, 1]);
    let fake = Fake::new(&toml(300), |_, _| Reply::now(500, "{}"));
    assert!((0..3).map(|number| fake.ask(number)).all(|answer| is_unavailable(&answer)));
    fake.behave(|_, body| Reply::now(200, all_good(body)));
    eventually("it is tried again", || fake.ask(0).status == 200);
    assert_eq!(fake.calls(), [1, 1, 1, 1]);
}
