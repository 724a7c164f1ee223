//! What every service answers: problems, request ids, health and metrics.

#![allow(clippy::panic, reason = "a handler that panics is what is tested")]

mod common;

use std::io::Write;

use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use common::{Local, connect, exchange, get as get_text, metric, post as post_text, read};
use ron_service::metrics::{Evaluator, VerifierMetrics, VerifyMode};
use ron_service::{Json, Problem, RequestInfo, Service};

fn routes(service: Service) -> Service {
    service
        .route("/echo", post(|Json(number): Json<u64>| async move { Json(number) }))
        .route("/named/{name}", get(|info: RequestInfo| async move { info.id.to_string() }))
        .route("/slow", get(std::future::pending::<()>))
        .route(
            "/panics",
            get(|| async {
                if true {
                    panic!("a secret: hunter2")
                }
            }),
        )
}

#[test]
fn every_failure_of_the_plane_is_a_problem_with_a_stable_code() {
    let service = Local::start("server.handler_timeout_ms = 100\nlimits.max_body_bytes = 100", routes);
    let json = "Content-Type: application/json\r\n";
    let text = "POST /echo HTTP/1.1\r\nHost: t\r\nContent-Type: text/plain\r\nContent-Length: 1\r\n\r\n1".to_owned();
    for (request, status, code, retryable) in [
        (get_text("/nowhere", ""), 404, "NotFound", false),
        (get_text("/echo", ""), 405, "MethodNotAllowed", false),
        (post_text("/echo", "", &"1".repeat(200)), 413, "BodyTooLarge", false),
        (text, 415, "UnsupportedMediaType", false),
        (format!("POST /echo HTTP/1.1\r\nHost: t\r\n{json}Content-Length: 0\r\n\r\n"), 400, "Malformed", false),
        (post_text("/echo", "", "tru"), 400, "Malformed", false),
        (post_text("/echo", "", "\"hunter2\""), 422, "Unprocessable", false),
        (get_text("/slow", ""), 503, "Timeout", true),
        (get_text("/panics", ""), 500, "Internal", true),
    ] {
        let answer = exchange(service.tcp(), &request);
        assert_eq!((answer.status, answer.code().as_str()), (status, code), "{request}");
        assert_eq!(answer.json()["retryable"], retryable, "{request}");
        assert!(!answer.body.contains("hunter2"), "{request}");
        assert!(!answer.header("x-request-id").is_empty(), "{request}");
    }
    assert_eq!(exchange(service.tcp(), &get_text("/echo", "")).header("allow"), "POST");
}

#[test]
fn a_service_with_an_older_contract_answers_its_own_bodies() {
    fn empty(problem: &Problem) -> Response {
        if problem.status == StatusCode::PAYLOAD_TOO_LARGE { "too large" } else { "" }.into_response()
    }
    fn own(problem: &Problem) -> Response {
        (problem.status, empty(problem)).into_response()
    }
    let service =
        Local::start("limits.max_body_bytes = 100\nlimits.max_in_flight = 1", |service| routes(service).errors(own));
    assert_eq!(service.get("/nowhere").body, "");
    assert_eq!((service.get("/echo").status, service.get("/echo").body.as_str()), (405, ""));
    let large = exchange(service.tcp(), &post_text("/echo", "", &"1".repeat(200)));
    assert_eq!((large.status, large.body.as_str()), (413, "too large"));
    let mut holds = service.connect();
    holds.write_all(get_text("/slow", "").as_bytes()).unwrap();
    std::thread::sleep(std::time::Duration::from_millis(200));
    let shed = service.get("/named/x");
    assert_eq!((shed.status, shed.header("retry-after"), shed.body.as_str()), (503, "1", ""));
}

#[test]
fn a_sane_request_id_is_taken_and_handed_on_and_any_other_replaced() {
    let service = Local::start("", routes);
    let with = |id: &str| exchange(service.tcp(), &get_text("/named/x", &format!("X-Request-ID: {id}\r\n")));
    let taken = with("abc-123.4:5");
    assert_eq!((taken.header("x-request-id"), taken.body.as_str()), ("abc-123.4:5", "abc-123.4:5"));
    for insane in ["", "a b", "a\"b", &"x".repeat(65), "\u{e9}"] {
        let made = with(insane);
        assert_ne!(made.header("x-request-id"), insane);
        assert_eq!(made.header("x-request-id").len(), 32);
        assert_eq!(made.header("x-request-id"), made.body);
    }
    assert_ne!(service.get("/named/x").body, service.get("/named/x").body);
}

#[test]
fn readyz_names_what_is_missing_and_healthz_does_not_care() {
    let mut conditions = Vec::new();
    let service = Local::start("", |mut service| {
        conditions = vec![service.condition("policy"), service.condition("delegate")];
        service
    });
    let answer = service.get("/readyz");
    assert_eq!((answer.status, answer.header("cache-control")), (503, "no-store"));
    let missing = |answer: &common::Answer| {
        let json = answer.json();
        assert_eq!(
            (&json["ready"], &json["draining"]),
            (&(json["missing"] == serde_json::json!([])).into(), &false.into())
        );
        json["missing"]
            .as_array()
            .unwrap()
            .iter()
            .map(|lack| format!("{}: {}", lack["name"], lack["reason"]))
            .collect::<Vec<_>>()
    };
    assert_eq!(missing(&answer), ["\"policy\": \"not yet there\"", "\"delegate\": \"not yet there\""]);
    assert_eq!(service.get("/healthz").body, r#"{"ok":true}"#);
    conditions[0].met();
    conditions[1].missing("bundle.toml:3 is not TOML");
    assert_eq!(missing(&service.get("/readyz")), ["\"delegate\": \"bundle.toml:3 is not TOML\""]);
    assert_eq!(metric(&service.get("/metrics").body, "ready"), 0.0);
    conditions[1].met();
    let answer = service.get("/readyz");
    assert_eq!((answer.status, missing(&answer).len()), (200, 0));
    assert_eq!(exchange(service.admin(), &get_text("/readyz", "")).status, 200);
    assert_eq!(answer.json().get("warnings"), None);
    conditions[0].met_with_warning("bundle.toml:3 is not TOML");
    let answer = service.get("/readyz");
    assert_eq!((answer.status, missing(&answer).len()), (200, 0));
    let warning = serde_json::json!([{"name": "policy", "reason": "bundle.toml:3 is not TOML"}]);
    assert_eq!(answer.json()["warnings"], warning);
    conditions[0].met();
    assert_eq!(service.get("/readyz").json().get("warnings"), None);
    assert_eq!(metric(&service.get("/metrics").body, "ready"), 1.0);
}

#[test]
fn metrics_count_by_template_and_status_and_never_by_path() {
    let service = Local::start("", routes);
    for path in ["/named/alice", "/named/bob", "/nowhere/1", "/nowhere/2", "/nowhere/3"] {
        service.get(path);
    }
    exchange(service.tcp(), &post_text("/echo", "", "1"));
    let answer = service.get("/metrics");
    assert_eq!(answer.header("content-type"), "text/plain; version=0.0.4; charset=utf-8");
    let text = &answer.body;
    assert_eq!(metric(text, r#"http_requests_total{route="/named/{name}",status="200"}"#), 2.0);
    assert_eq!(metric(text, r#"http_requests_total{route="none",status="404"}"#), 3.0);
    assert_eq!(metric(text, r#"http_requests_total{route="/echo",status="200"}"#), 1.0);
    assert_eq!(metric(text, r#"http_request_seconds_count{route="/named/{name}"}"#), 2.0);
    assert_eq!(metric(text, r#"http_request_seconds_bucket{le="5.0",route="/named/{name}"}"#), 2.0);
    assert!(
        text.contains(r#"le="0.12""#) && text.contains(r#"build_info{service="test",version="0.0.0"} 1"#),
        "{text}"
    );
    for path in ["alice", "nowhere"] {
        assert!(!text.contains(path), "{text}");
    }
    let open = exchange(service.tcp(), &get_text("/metrics", "Accept: application/openmetrics-text\r\n"));
    assert!(open.header("content-type").starts_with("application/openmetrics-text") && open.body.ends_with("# EOF\n"));
}

#[test]
fn the_verifiers_counters_and_histograms_are_there_by_their_own_names() {
    use ron_auth_core::{MetricsRecorder, metrics as names};
    let mut verifier = None;
    let service = Local::start("", |mut service| {
        verifier = Some(VerifierMetrics::new(service.metrics()));
        service
    });
    let verifier = verifier.unwrap();
    verifier.counter(names::ALLOW_TOTAL, 2);
    verifier.counter("ron_auth_err_malformed_total", 3);
    verifier.histogram(names::BATCH_SIZE, 64);
    verifier.verified(VerifyMode::Batch, Evaluator::Streaming, std::time::Duration::from_micros(60));
    verifier.token(300);
    let text = service.get("/metrics").body;
    assert_eq!(metric(&text, "ron_auth_verify_allow_total"), 2.0);
    assert_eq!(metric(&text, "ron_auth_err_malformed_total"), 3.0);
    assert_eq!(metric(&text, "ron_auth_verify_deny_total"), 0.0);
    assert_eq!(metric(&text, r#"ron_auth_verify_batch_size_bucket{le="64.0"}"#), 1.0);
    assert_eq!(metric(&text, r#"ron_auth_verify_batch_size_bucket{le="32.0"}"#), 0.0);
    assert_eq!(metric(&text, r#"auth_verify_latency_seconds_bucket{le="0.0001",mode="batch",eval="streaming"}"#), 1.0);
    assert_eq!(metric(&text, r#"auth_verify_latency_seconds_bucket{le="0.00005",mode="batch",eval="streaming"}"#), 0.0);
    assert_eq!(metric(&text, "auth_token_bytes_sum"), 300.0);
}

#[test]
fn what_is_not_http_is_refused_and_the_service_goes_on() {
    let service = Local::start("", routes);
    for bytes in [b"\x16\x03\x01\x02\x00\x01\xff\r\n\r\n".as_slice(), b"GET\r\n\r\n", b"GET /\xff HTTP/9.9\r\n\r\n"] {
        let mut stream = connect(service.tcp());
        stream.write_all(bytes).unwrap();
        assert!(read(&mut stream).is_none_or(|answer| answer.status == 400));
    }
    assert_eq!(service.get("/healthz").status, 200);
}
