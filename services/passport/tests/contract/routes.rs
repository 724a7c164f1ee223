//! Sections 1.1 and 1.7: routes, and what the framework refuses.

use std::io::Write;

use serde_json::json;

use crate::common::{BATCH, ISSUE, KEYS, Target, VERIFY, issued, read};

#[test]
fn every_route_answers_with_its_status_and_content_type() {
    let passport = Target::new();
    let healthz = passport.get("/healthz");
    assert_eq!((healthz.status, healthz.body.as_str()), (200, r#"{"ok":true}"#));
    assert!(healthz.is_json());
    let metrics = passport.get("/metrics");
    assert_eq!(metrics.status, 200);
    assert!(metrics.header("content-type").starts_with("text/plain; version=0.0.4"), "{metrics:?}");
    let envelope = issued(&passport, &json!({"a": 1}));
    for (path, body) in [(ISSUE, json!({})), (VERIFY, envelope.clone()), (BATCH, json!([envelope]))] {
        let answer = passport.post(path, &body.to_string());
        assert_eq!(answer.status, 200, "{path}: {answer:?}");
        assert!(answer.is_json(), "{path}: {answer:?}");
    }
    let keys = passport.get(KEYS);
    assert_eq!((keys.status, keys.header("content-type")), (200, "application/jwk-set+json"));
}

#[test]
fn unknown_paths_and_wrong_methods_have_empty_bodies() {
    let passport = Target::new();
    for path in ["/", "/v1", "/v1/passport", "/v1/passport/revoke", "/v1/passport/issue/", "/nowhere"] {
        let answer = passport.get(path);
        assert_eq!((answer.status, answer.body.as_str()), (404, ""), "{path}");
    }
    for (method, path) in [
        ("GET", ISSUE),
        ("GET", VERIFY),
        ("PUT", BATCH),
        ("POST", KEYS),
        ("POST", "/healthz"),
        ("POST", "/metrics"),
        ("GET", "/admin/rotate"),
        ("POST", "/admin/attest"),
    ] {
        let answer = passport.send(method, path, &[], b"");
        assert_eq!((answer.status, answer.body.as_str()), (405, ""), "{method} {path}");
    }
}

#[test]
fn what_is_no_json_content_is_refused_with_text_in_the_order_of_the_contract() {
    let passport = Target::new();
    let large = vec![b'x'; (1 << 20) + 1];
    let json = [("Content-Type", "application/json")];
    for path in [ISSUE, VERIFY, BATCH] {
        for headers in [&[][..], &[("Content-Type", "text/plain")], &[("Content-Type", "application/x-ndjson")]] {
            for body in [b"{}".as_slice(), b"not json", &large] {
                let answer = passport.send("POST", path, headers, body);
                assert_eq!(answer.status, 415, "{path} {headers:?}");
                assert!(answer.is_text(), "{path} {headers:?}: {answer:?}");
            }
        }
        let answer = passport.send("POST", path, &json, &large);
        assert_eq!(answer.status, 413, "{path}");
        assert!(answer.is_text(), "{path}: {answer:?}");
        for body in [b"".as_slice(), b"not json", b"{", b"[", b"\"\xff\""] {
            let answer = passport.send("POST", path, &json, body);
            assert_eq!(answer.status, 400, "{path} {}", String::from_utf8_lossy(body));
            assert!(answer.is_text(), "{path}: {answer:?}");
        }
    }
    for content_type in ["application/json; charset=utf-8", "APPLICATION/JSON", "application/vnd.api+json"] {
        let answer = passport.send("POST", ISSUE, &[("Content-Type", content_type)], b"{}");
        assert_eq!(answer.status, 200, "{content_type}");
    }
}

#[test]
fn a_gibibyte_that_is_announced_is_refused_before_a_byte_of_it_is_there() {
    let passport = Target::new();
    for path in [ISSUE, VERIFY, BATCH] {
        let mut stream = passport.connect();
        let head = format!("POST {path} HTTP/1.1\r\nHost: t\r\nContent-Type: application/json\r\n");
        stream.write_all(format!("{head}Content-Length: 1073741824\r\n\r\n").as_bytes()).unwrap();
        let answer = read(&mut stream).unwrap();
        assert_eq!((answer.status, answer.is_text()), (413, true), "{path}: {answer:?}");
    }
}

#[test]
fn json_of_another_shape_is_422_with_text() {
    let passport = Target::new();
    let verify = [
        "{}",
        "null",
        "5",
        r#"{"alg":"Ed25519","kid":"k","msg_b64":""}"#,
        r#"{"alg":5,"kid":"k","msg_b64":"","sig_b64":""}"#,
        r#"{"alg":"Ed25519","kid":"k","msg_b64":"","sig_b64":"","aud":["a"]}"#,
        r#"{"alg":"Ed25519","alg":"Ed25519","kid":"k","msg_b64":"","sig_b64":""}"#,
    ];
    let batch = ["{}", "null", "true", r#"{"envelopes":[]}"#, r#"{"items":{}}"#, "[{}]", "[null]", r#"{"items":[5]}"#];
    let cases = verify.map(|body| (VERIFY, body)).into_iter().chain(batch.map(|body| (BATCH, body)));
    for (path, body) in cases {
        let answer = passport.post(path, body);
        assert_eq!(answer.status, 422, "{path} {body}: {answer:?}");
        assert!(answer.is_text(), "{path} {body}: {answer:?}");
    }
}
