//! How many calls there are, and about how much.

use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::common::{AUTHORIZE, BATCH, Kept, eventually, is_unavailable, json_of, metric, verdict};
use crate::fake::{Fake, Reply, all_good, question};

/// No caches, so that what is counted is calls.
const NO_CACHES: &str = "caching = { verify_positive_ttl_ms = 0, verify_negative_ttl_ms = 0 }";

#[test]
fn equal_envelopes_at_a_time_are_asked_about_once() {
    let fake = Fake::slow(300, NO_CACHES);
    std::thread::scope(|scope| {
        for _ in 0..12 {
            scope.spawn(|| assert_eq!(fake.verdict(1), "Permit"));
        }
    });
    assert_eq!(fake.calls(), [1]);
    assert_eq!(fake.verdict(1), "Permit");
    assert_eq!(fake.calls(), [1, 1], "nothing was remembered");
    let batch = json!(vec![question(2); 20]).to_string();
    assert_eq!(json_of(&fake.client().post(BATCH, &batch)).as_array().unwrap().len(), 20);
    assert_eq!(fake.calls(), [1, 1, 1], "and in one batch likewise");
}

#[test]
fn while_a_call_is_under_way_arrivals_form_the_next() {
    let fake = Fake::slow(400, NO_CACHES);
    std::thread::scope(|scope| {
        scope.spawn(|| assert_eq!(fake.verdict(0), "Permit"));
        eventually("the first call is under way", || fake.calls() == [1]);
        for number in 1..=20 {
            let fake = &fake;
            scope.spawn(move || assert_eq!(fake.verdict(number), "Permit"));
        }
    });
    assert_eq!(fake.calls(), [1, 20]);
    assert_eq!(metric(&fake.client(), "auth_verify_delegate_seconds_count"), Some(2.0));
}

#[test]
fn nobody_waits_for_a_batch_to_form() {
    let fake = Fake::slow(0, NO_CACHES);
    let mut kept = Kept::new(&fake.client());
    let started = Instant::now();
    for number in 0..50 {
        let answer = kept.post(AUTHORIZE, &question(number).to_string()).unwrap();
        assert_eq!(verdict(&answer.json()), "Permit");
    }
    assert_eq!(fake.calls(), vec![1; 50]);
    assert!(started.elapsed() < Duration::from_secs(5), "{:?}", started.elapsed());
}

#[test]
fn a_call_is_about_no_more_than_it_may_be() {
    let fake = Fake::slow(0, &format!("{NO_CACHES}\nverify.max_batch = 16"));
    let batch = json!((0..40).map(question).collect::<Vec<_>>()).to_string();
    let answers = json_of(&fake.client().post(BATCH, &batch));
    assert!(answers.as_array().unwrap().iter().all(|answer| verdict(answer) == "Permit"));
    assert_eq!(fake.calls(), [16, 16, 8]);
}

/// Answers a batch with 400 if a key id in it is unknown, as svc-passport does.
fn as_passport(path: &str, body: &Value) -> Reply {
    let unknown = Reply::now(400, r#"{"code":"Malformed","message":"kid"}"#);
    let is_unknown = |envelope: &Value| envelope["kid"] == "unknown";
    match body.as_array() {
        Some(items) if items.iter().any(is_unknown) => unknown,
        None if is_unknown(body) => unknown,
        _ => {
            assert_eq!(path.ends_with("batch"), body.is_array());
            Reply::now(200, all_good(body))
        }
    }
}

#[test]
fn a_batch_that_is_refused_falls_back_to_single_calls() {
    let fake = Fake::new(NO_CACHES, as_passport);
    let mut items: Vec<_> = (0..6).map(question).collect();
    items[2]["envelope"]["kid"] = json!("unknown");
    let answers = json_of(&fake.client().post(BATCH, &json!(items).to_string()));
    let verdicts: Vec<_> = answers.as_array().unwrap().iter().map(verdict).collect();
    assert_eq!(verdicts, ["Permit", "Permit", "UnknownKid", "Permit", "Permit", "Permit"]);
    assert_eq!(fake.calls(), [6, 1, 1, 1, 1, 1, 1]);
}

#[test]
fn who_comes_with_a_bad_envelope_costs_others_in_the_same_call_nothing() {
    let fake = Fake::new(NO_CACHES, |_, body| Reply::after(Duration::from_millis(300), 200, all_good(body)));
    std::thread::scope(|scope| {
        scope.spawn(|| fake.verdict(0));
        eventually("the first call is under way", || fake.calls() == [1]);
        fake.behave(as_passport);
        for number in 1..=8 {
            let fake = &fake;
            scope.spawn(move || {
                let mut question = question(number);
                if number == 4 {
                    question["envelope"]["kid"] = json!("unknown");
                }
                let answer = json_of(&fake.client().post(AUTHORIZE, &question.to_string()));
                assert_eq!(verdict(&answer), if number == 4 { "UnknownKid" } else { "Permit" });
            });
        }
    });
    assert_eq!(fake.calls()[..2], [1, 8]);
    // What is at fault is never sent.
    let before = fake.calls().len();
    let mut faulty = question(9);
    faulty["envelope"]["sig_b64"] = json!("*");
    assert_eq!(fake.client().post(AUTHORIZE, &faulty.to_string()).status, 400);
    assert_eq!(fake.calls().len(), before);
}

#[test]
fn who_finds_no_room_to_wait_is_told_to_come_again() {
    let fake = Fake::slow(600, &format!("{NO_CACHES}\nverify.max_waiting = 2\nverify.max_batch = 1"));
    std::thread::scope(|scope| {
        scope.spawn(|| fake.verdict(0));
        eventually("the first call is under way", || fake.calls() == [1]);
        let answers: Vec<_> = (1..=6)
            .map(|number| {
                scope.spawn({
                    let fake = &fake;
                    move || fake.ask(number)
                })
            })
            .collect();
        let answers: Vec<_> = answers.into_iter().map(|answer| answer.join().unwrap()).collect();
        let shed: Vec<_> = answers.iter().filter(|answer| answer.status == 503).collect();
        assert!(shed.len() >= 3, "{answers:?}");
        assert!(shed.iter().all(|answer| answer.json()["code"] == "Overloaded" && !is_unavailable(answer)));
        assert!(answers.iter().any(|answer| answer.status == 200));
    });
}

#[test]
fn sigterm_loses_no_decision_that_waits_for_svc_passport() {
    let mut fake = Fake::slow(500, NO_CACHES);
    let client = fake.client();
    std::thread::scope(|scope| {
        let waiting = scope.spawn(|| client.post(AUTHORIZE, &question(1).to_string()));
        eventually("the call is under way", || fake.calls() == [1]);
        fake.auth.signal("TERM");
        assert_eq!(verdict(&json_of(&waiting.join().unwrap())), "Permit");
    });
    assert_eq!(fake.auth.exit().code(), Some(0));
}
