//! Section 1.10: metrics.

use serde_json::json;

use crate::common::{BATCH, ISSUE, KEYS, Process, VERIFY, issued, metric, tampered, with};

#[test]
fn operations_are_counted_by_the_names_of_the_contract_and_not_before_there_are_any() {
    let process = Process::with_example_key("");
    let passport = process.client();
    let text = || passport.get("/metrics").body;
    for name in ["passport_ops", "passport_op_latency", "passport_failures", "passport_batch_len"] {
        assert_eq!(text().lines().find(|line| line.starts_with(name)), None, "{name}");
    }
    let ops = |op: &str, result: &str, alg: &str| {
        let labels = format!("service=\"svc-passport\",op=\"{op}\",result=\"{result}\",alg=\"{alg}\"");
        metric(&text(), &format!("passport_ops_total{{{labels}}}"))
    };
    let good = issued(&passport, &json!({}));
    passport.post(VERIFY, &good.to_string());
    passport.post(VERIFY, &tampered(&good).to_string());
    passport.post(BATCH, &json!([tampered(&good), good]).to_string());
    passport.post(BATCH, &json!([tampered(&good)]).to_string());
    passport.post(BATCH, "[]");
    let keys = passport.get(KEYS);
    passport.send("GET", KEYS, &[("If-None-Match", keys.header("etag"))], b"");
    assert_eq!(ops("issue", "ok", "Ed25519"), Some(1.0));
    assert_eq!(ops("verify", "ok", "Ed25519"), Some(1.0));
    assert_eq!(ops("verify", "fail", "Ed25519"), Some(1.0));
    assert_eq!(ops("verify_batch", "ok", "Ed25519"), Some(1.0));
    assert_eq!(ops("verify_batch", "fail", "Ed25519"), Some(2.0), "an empty batch counts as failed");
    assert_eq!(ops("keys", "ok", "n/a"), Some(1.0));
    assert_eq!(ops("keys", "not_modified", "n/a"), Some(1.0));
    let latency = |series: &str| metric(&text(), &format!("passport_op_latency_seconds{series}"));
    assert_eq!(latency("_count{service=\"svc-passport\"}"), Some(6.0), "issue, verify and verify_batch");
    for bound in ["0.0002", "0.0005", "0.001", "0.002", "0.005", "0.01", "0.02", "0.05", "0.1"] {
        assert!(latency(&format!("_bucket{{service=\"svc-passport\",le=\"{bound}\"}}")).is_some(), "{bound}");
    }
    let length = |series: &str| metric(&text(), &format!("passport_batch_len{series}"));
    assert_eq!(length("_count{service=\"svc-passport\"}"), Some(3.0));
    assert_eq!(length("_sum{service=\"svc-passport\"}"), Some(3.0));
    for bound in ["1.0", "8.0", "16.0", "32.0", "64.0", "128.0", "256.0"] {
        assert!(length(&format!("_bucket{{service=\"svc-passport\",le=\"{bound}\"}}")).is_some(), "{bound}");
    }
}

#[test]
fn what_is_refused_is_no_operation_but_is_counted_by_its_reason() {
    let process = Process::with_example_key("");
    let passport = process.client();
    let good = issued(&passport, &json!({}));
    let before = passport.get("/metrics").body;
    passport.post(VERIFY, &with(&good, "alg", json!("none")).to_string());
    passport.post(BATCH, &json!([with(&good, "kid", json!("K"))]).to_string());
    passport.post(ISSUE, &format!("\"{}\"", "x".repeat(5_000)));
    passport.post(ISSUE, "{");
    passport.post(VERIFY, "{}");
    passport.send("POST", VERIFY, &[], b"{}");
    let text = passport.get("/metrics").body;
    let series = |text: &str| {
        text.lines().filter(|line| line.starts_with("passport_ops_total")).map(str::to_owned).collect::<Vec<_>>()
    };
    assert_eq!(series(&before), series(&text));
    for reason in ["BadAlg", "Malformed", "MsgTooLarge", "NotJson", "Unprocessable", "UnsupportedMediaType"] {
        let series = format!("passport_failures_total{{service=\"svc-passport\",reason=\"{reason}\"}}");
        assert_eq!(metric(&text, &series), Some(1.0), "{reason} in\n{text}");
    }
}
