//! Logs: structured, without secrets, and never in the way of a request.

mod common;

use std::io::{BufReader, Read, Write};
use std::process::Stdio;
use std::time::Duration;

use common::{Process, connect, exchange, get, metric, post, read};

const SECRET: &str = "hunter2-hunter2-hunter2";

#[test]
fn lines_are_json_with_route_and_id_and_nothing_that_a_client_or_the_settings_keep_secret() {
    let toml = format!("log.level = 'trace'\nadmin.token = '{SECRET}-admin'");
    let mut process = Process::start_with(&toml, Stdio::piped());
    let headers = format!("X-Request-ID: id-1\r\nAuthorization: Bearer {SECRET}\r\nCookie: a={SECRET}\r\n");
    for path in ["/v1/echo".to_owned(), format!("/v1/echo?token={SECRET}"), format!("/{SECRET}")] {
        for body in [format!("\"{SECRET}\""), format!("{{{SECRET}")] {
            exchange(process.tcp, &post(&path, &headers, &body));
        }
    }
    let admin = format!("Authorization: Bearer {SECRET}-admin\r\n");
    exchange(process.admin, &post("/admin/hello", &admin, ""));
    exchange(process.admin, &post("/admin/hello", &format!("Authorization: Bearer {SECRET}-wrong\r\n"), ""));
    let metrics = exchange(process.tcp, &get("/metrics", "")).body;
    process.signal("TERM");
    assert_eq!(process.exit(Duration::from_secs(10)), Some(0));
    let mut text = String::new();
    process.child.stderr.take().unwrap().read_to_string(&mut text).unwrap();

    let lines: Vec<serde_json::Value> = text.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let of_echo =
        |line: &&serde_json::Value| line["route"] == "/v1/echo" && line["id"] == "id-1" && line["status"] == 200;
    assert_eq!(lines.iter().filter(of_echo).count(), 2, "{text}");
    assert!(
        lines.iter().any(|line| line["message"] == "listening")
            && lines.iter().any(|line| line["message"] == "drained")
    );
    assert!(!text.contains("hunter2") && !metrics.contains("hunter2"), "{text}");
}

#[test]
fn a_reader_of_the_logs_that_stops_costs_lines_and_no_request() {
    // Standard error is a pipe that nobody reads.
    let process = Process::start_with("log.level = 'debug'\nlog.buffered_lines = 16", Stdio::piped());
    let mut stream = connect(process.tcp);
    let mut answers = BufReader::new(stream.try_clone().unwrap());
    for _ in 0..20 {
        stream.write_all(get("/v1/constant", "").repeat(100).as_bytes()).unwrap();
        for _ in 0..100 {
            assert_eq!(read(&mut answers).unwrap().status, 200);
        }
    }
    let text = exchange(process.tcp, &get("/metrics", "")).body;
    assert!(metric(&text, "log_lines_dropped_total") > 100.0, "{text}");
}
