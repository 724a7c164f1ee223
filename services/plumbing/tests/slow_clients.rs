//! Clients that are slow, silent or too big cost a slot for seconds only.

#![allow(clippy::expect_used, reason = "a test may stop at the first surprise")]

mod common;

use std::io::{Read, Write};
use std::time::{Duration, Instant};

use axum::body::Bytes;
use axum::routing::{get, post};
use common::{Local, closed_after, connect, get as get_text, metric, read};
use ron_service::{Json, Service};
use serde_json::Value;

const SHORT: &str = "server.header_timeout_ms = 300\nserver.idle_timeout_ms = 900\nserver.body_timeout_ms = 400\n\
                     server.write_timeout_ms = 300\nlimits.max_body_bytes = 1000";

fn routes(service: Service) -> Service {
    service
        .route("/echo", post(|Json(value): Json<Value>| async move { Json(value) }))
        .route("/bytes", post(|bytes: Bytes| async move { bytes.len().to_string() }))
        .route("/big", get(|| async { vec![b'x'; 32 << 20] }))
}

fn between(elapsed: Option<Duration>, least_ms: u64, most_ms: u64) {
    let elapsed = elapsed.expect("the connection is still open");
    assert!((least_ms..=most_ms).contains(&(elapsed.as_millis() as u64)), "closed after {elapsed:?}");
}

#[test]
fn a_client_that_sends_nothing_is_closed_after_the_header_time_out() {
    let service = Local::start(SHORT, routes);
    let mut silent = service.connect();
    between(closed_after(&mut silent, Duration::from_secs(5)), 250, 1_500);
    let text = service.get("/metrics").body;
    assert_eq!(metric(&text, "http_connections_timed_out_total"), 1.0);
    assert_eq!(metric(&text, "http_connections"), 1.0, "that of this request alone");
}

#[test]
fn a_client_that_sends_a_byte_at_a_time_is_closed_after_the_header_time_out() {
    let service = Local::start(SHORT, routes);
    let mut slow = service.connect();
    let start = Instant::now();
    for byte in get_text("/healthz", "").bytes().cycle() {
        if slow.write_all(&[byte]).is_err() || start.elapsed() > Duration::from_secs(5) {
            break;
        }
        std::thread::sleep(Duration::from_millis(50));
        slow.set_read_timeout(Some(Duration::from_millis(1))).unwrap();
        if matches!(slow.read(&mut [0]), Ok(0)) {
            break;
        }
    }
    between(Some(start.elapsed()), 250, 1_500);
}

#[test]
fn a_kept_connection_may_be_silent_for_the_idle_time_out_and_not_longer() {
    let service = Local::start(SHORT, routes);
    let mut stream = service.connect();
    for _ in 0..2 {
        stream.write_all(get_text("/healthz", "").as_bytes()).unwrap();
        assert_eq!(read(&mut stream).unwrap().status, 200);
        std::thread::sleep(Duration::from_millis(500));
    }
    between(closed_after(&mut stream, Duration::from_secs(5)), 250, 1_500);
}

#[test]
fn half_of_a_second_request_has_the_header_time_out_and_not_the_idle_one() {
    let service = Local::start("server.header_timeout_ms = 200\nserver.idle_timeout_ms = 60000", routes);
    let mut stream = service.connect();
    stream.write_all(get_text("/healthz", "").as_bytes()).unwrap();
    assert_eq!(read(&mut stream).unwrap().status, 200);
    stream.write_all(b"GET /healthz HT").unwrap();
    between(closed_after(&mut stream, Duration::from_secs(5)), 150, 1_500);
}

#[test]
fn a_body_that_comes_a_byte_at_a_time_is_answered_408_whatever_reads_it() {
    let service = Local::start(SHORT, routes);
    for path in ["/echo", "/bytes"] {
        let mut stream = service.connect();
        let start = Instant::now();
        let head =
            format!("POST {path} HTTP/1.1\r\nHost: t\r\nContent-Type: application/json\r\nContent-Length: 500\r\n\r\n");
        stream.write_all(head.as_bytes()).unwrap();
        let mut writer = stream.try_clone().unwrap();
        let dripping = std::thread::spawn(move || {
            while writer.write_all(b"1").is_ok() {
                std::thread::sleep(Duration::from_millis(20));
            }
        });
        let answer = read(&mut stream).unwrap();
        between(Some(start.elapsed()), 350, 2_000);
        assert_eq!((answer.status, answer.code().as_str()), (408, "RequestTimeout"));
        assert_eq!(answer.header("connection"), "close");
        drop(stream);
        dripping.join().unwrap();
    }
}

#[test]
fn a_body_that_announces_a_gibibyte_is_refused_before_it_is_read() {
    let service = Local::start(SHORT, routes);
    let mut stream = service.connect();
    stream.write_all(b"POST /echo HTTP/1.1\r\nHost: t\r\nContent-Length: 1073741824\r\n\r\n").unwrap();
    // A client that goes on sending for a while is not reset, and sees the answer.
    let chunk = vec![b'x'; 1 << 16];
    for _ in 0..16 {
        stream.write_all(&chunk).unwrap();
        std::thread::sleep(Duration::from_millis(10));
    }
    let answer = read(&mut stream).unwrap();
    assert_eq!((answer.status, answer.code().as_str()), (413, "BodyTooLarge"));
}

#[test]
fn a_body_that_announces_nothing_is_cut_at_the_limit() {
    let service = Local::start(SHORT, routes);
    for path in ["/echo", "/bytes"] {
        let mut stream = service.connect();
        let head = format!(
            "POST {path} HTTP/1.1\r\nHost: t\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n"
        );
        stream.write_all(head.as_bytes()).unwrap();
        stream.write_all(format!("7d0\r\n{}\r\n", "1".repeat(2_000)).as_bytes()).unwrap();
        let answer = read(&mut stream).unwrap();
        assert_eq!((answer.status, answer.code().as_str()), (413, "BodyTooLarge"));
    }
}

#[test]
fn ten_megabytes_of_headers_are_refused_and_the_service_goes_on() {
    let service = Local::start(SHORT, routes);
    let mut stream = service.connect();
    let header = format!("x-filler: {}\r\n", "y".repeat(1_000));
    stream.write_all(b"GET /healthz HTTP/1.1\r\nHost: t\r\n").unwrap();
    let sent = (0..10_000).take_while(|_| stream.write_all(header.as_bytes()).is_ok()).count();
    let mut text = String::new();
    let _ = stream.read_to_string(&mut text);
    assert!(text.starts_with("HTTP/1.1 431 ") || (text.is_empty() && sent < 10_000), "{sent} {text}");
    assert_eq!(service.get("/healthz").status, 200);

    let mut stream = connect(service.tcp());
    stream.write_all(get_text("/healthz", &format!("x-filler: {}\r\n", "y".repeat(20_000))).as_bytes()).unwrap();
    assert_eq!(read(&mut stream).unwrap().status, 431);
}

#[test]
fn a_client_that_does_not_take_its_response_is_closed() {
    let service = Local::start(SHORT, routes);
    let mut stream = service.connect();
    stream.write_all(get_text("/big", "").as_bytes()).unwrap();
    let end = Instant::now() + Duration::from_secs(10);
    while metric(&service.get("/metrics").body, "http_connections_timed_out_total") != 1.0 {
        assert!(Instant::now() < end, "it is still open");
        std::thread::sleep(Duration::from_millis(50));
    }
    let mut got = 0;
    let mut buffer = vec![0; 1 << 20];
    while let Ok(bytes @ 1..) = stream.read(&mut buffer) {
        got += bytes;
    }
    assert!(got < 32 << 20, "all of it came");
}
