//! Bodies that nobody sends by mistake: the right status and code, and the service goes on.

use std::io::Write;
use std::time::{Duration, Instant};

use serde_json::json;

use crate::common::{AUTHORIZE, BATCH, INTROSPECT, WHOAMI, World, json_of, may_read, problem, read, reader, verdict};

const ROUTES: [&str; 4] = [WHOAMI, INTROSPECT, AUTHORIZE, BATCH];

#[test]
fn what_is_no_json_of_its_route_is_malformed() {
    let world = World::new();
    let deep = "[".repeat(400_000);
    let deep_object = format!("{}1{}", "{\"envelope\":".repeat(50_000), "}".repeat(50_000));
    let deep_in_place = format!("{{\"token\":\"t\",\"x\":{}{}}}", "[".repeat(400_000), "]".repeat(400_000));
    let twice = r#"{"token":"a","token":"b","action":"x","resource":"y"}"#;
    let twice_in_batch = r#"{"items":[],"items":[]}"#;
    let invalid_utf8: &[u8] = b"{\"token\":\"\xff\xfe\",\"action\":\"a\",\"resource\":\"r\"}";
    let lone_surrogate = r#"{"token":"\ud800","action":"a","resource":"r"}"#;
    let large_number = format!("{{\"alg\":{}}}", "9".repeat(100_000));
    for path in ROUTES {
        for body in
            [&b""[..], b"null", b"{", b"[1,", b"\"x\"", b"NaN", b"{}{}", deep.as_bytes(), large_number.as_bytes()]
        {
            let answer = world.auth.send("POST", path, &[("Content-Type", "application/json")], body);
            let shown = String::from_utf8_lossy(&body[..body.len().min(40)]).into_owned();
            assert_eq!(problem(&answer), (400, "Malformed".to_owned()), "{path} {shown}");
        }
        let answer = world.auth.post(path, &deep_object);
        assert_eq!(problem(&answer), (400, "Malformed".to_owned()), "{path}");
    }
    for path in [WHOAMI, INTROSPECT, AUTHORIZE] {
        for body in [twice.as_bytes(), invalid_utf8, lone_surrogate.as_bytes(), b"[]", b"[\"Ed25519\",\"k\"]"] {
            let answer = world.auth.send("POST", path, &[("Content-Type", "application/json")], body);
            assert_eq!(problem(&answer), (400, "Malformed".to_owned()), "{path} {}", String::from_utf8_lossy(body));
        }
        // What is not looked at may be as deep as it likes.
        let answer = world.auth.post(path, &deep_in_place);
        assert_eq!(problem(&answer), (400, "Malformed".to_owned()), "{path}: no such token");
    }
    assert_eq!(problem(&world.auth.post(BATCH, twice_in_batch)), (400, "Malformed".to_owned()));
    // An item's own faults are its own.
    let good = may_read(&world.envelope(&reader()), "docs/a").to_string();
    if world.own.is_some() {
        let answers = json_of(&world.auth.post(BATCH, &format!("[{twice},{good},{lone_surrogate}]")));
        let verdicts: Vec<_> = answers.as_array().unwrap().iter().map(verdict).collect();
        assert_eq!(verdicts, ["Malformed", "Permit", "Malformed"]);
    }
    let batch = [b"[".as_slice(), invalid_utf8, b",", good.as_bytes(), b"]"].concat();
    let answer = world.auth.send("POST", BATCH, &[("Content-Type", "application/json")], &batch);
    assert_eq!(problem(&answer), (400, "Malformed".to_owned()), "it is not JSON as a whole");
    assert_eq!(world.auth.get("/healthz").status, 200);
}

#[test]
fn another_content_type_is_told_so() {
    let world = World::new();
    let body = json!({"token": "t", "action": "a", "resource": "r"}).to_string();
    for path in ROUTES {
        for content_type in ["text/plain", "application/x-www-form-urlencoded", "application/cbor", ""] {
            let answer = world.auth.send("POST", path, &[("Content-Type", content_type)], body.as_bytes());
            assert_eq!(problem(&answer), (415, "UnsupportedMediaType".to_owned()), "{path} {content_type}");
        }
        assert_eq!(problem(&world.auth.send("POST", path, &[], body.as_bytes())).0, 415);
        assert_eq!(problem(&world.auth.get(path)), (405, "MethodNotAllowed".to_owned()));
    }
}

#[test]
fn a_batch_of_a_hundred_thousand_is_too_large_and_costs_little() {
    let world = World::new();
    let started = Instant::now();
    for item in ["{}", "5", "null", "[]"] {
        let items = vec![item; 100_000].join(",");
        for body in [format!("[{items}]"), format!("{{\"items\":[{items}]}}")] {
            assert_eq!(problem(&world.auth.post(BATCH, &body)), (413, "BatchTooLarge".to_owned()), "{item}");
        }
    }
    // Of whole questions so many are larger than any body may be.
    let question = json!({"token": "t", "action": "a", "resource": "r"}).to_string();
    let body = format!("[{}]", vec![question; 100_000].join(","));
    assert_eq!(problem(&world.auth.post(BATCH, &body)), (413, "BodyTooLarge".to_owned()));
    assert!(started.elapsed() < Duration::from_secs(20), "{:?}", started.elapsed());
}

#[test]
fn a_gibibyte_that_is_announced_is_refused_before_it_comes() {
    let world = World::new();
    for path in ROUTES {
        let mut stream = world.auth.connect();
        let head = format!("POST {path} HTTP/1.1\r\nHost: auth\r\nContent-Type: application/json\r\n");
        stream.write_all(format!("{head}Content-Length: {}\r\n\r\n{{", 1_u64 << 30).as_bytes()).unwrap();
        assert_eq!(problem(&read(&mut stream).unwrap()), (413, "BodyTooLarge".to_owned()), "{path}");
    }
    assert_eq!(world.auth.get("/healthz").status, 200);
}
