//! How a service ends: readiness falls first, nothing that was accepted is lost, nothing hangs it.

#![allow(clippy::unwrap_used, reason = "a test may stop at the first surprise")]

mod common;

use std::io::{BufReader, Write};
use std::net::TcpStream;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use axum::routing::get;
use common::{Local, Process, exchange, get as get_text, post, read};

#[test]
fn readiness_falls_first_and_the_listener_goes_on_for_the_grace() {
    let mut service = Local::start("server.drain_grace_ms = 600", |service| service);
    let (tcp, admin) = (service.tcp(), service.admin());
    let mut kept = service.connect();
    kept.write_all(get_text("/readyz", "").as_bytes()).unwrap();
    assert_eq!(read(&mut kept).unwrap().header("connection"), "");
    let drained = service.drain();
    std::thread::sleep(Duration::from_millis(100));
    for answer in [exchange(tcp, &get_text("/readyz", "")), exchange(admin, &get_text("/readyz", ""))] {
        assert_eq!((answer.status, &answer.json()["draining"]), (503, &true.into()));
    }
    kept.write_all(get_text("/healthz", "").as_bytes()).unwrap();
    let last = read(&mut kept).unwrap();
    assert_eq!((last.status, last.header("connection")), (200, "close"));
    assert!(read(&mut kept).is_none());
    assert_eq!(service.runtime.block_on(drained).unwrap().cut, 0);
    assert!(TcpStream::connect(tcp).is_err());
    assert!(TcpStream::connect(admin).is_err());
}

#[test]
fn requests_in_flight_are_finished_and_silent_connections_closed() {
    let toml = "server.drain_grace_ms = 0";
    let mut service = Local::start(toml, |service| {
        service.route(
            "/slow",
            get(|| async {
                tokio::time::sleep(Duration::from_millis(800)).await;
                "done"
            }),
        )
    });
    let mut slow = service.connect();
    slow.write_all(get_text("/slow", "").as_bytes()).unwrap();
    let idle = service.connect();
    std::thread::sleep(Duration::from_millis(100));
    let start = Instant::now();
    let drained = service.drain();
    let answer = read(&mut slow).unwrap();
    assert_eq!((answer.body.as_str(), answer.header("connection")), ("done", "close"));
    assert_eq!(service.runtime.block_on(drained).unwrap().cut, 0);
    assert!(start.elapsed() < Duration::from_secs(2));
    drop(idle);
}

#[test]
fn a_request_that_is_on_its_way_when_the_listener_closes_is_answered() {
    let mut service = Local::start("server.drain_grace_ms = 0", |service| service);
    // Accepted, and nothing sent so far; half sent; kept since an answer.
    let mut streams = [service.connect(), service.connect(), service.connect()];
    streams[1].write_all(b"GET /healthz HTTP/1.1\r\nHo").unwrap();
    streams[2].write_all(get_text("/healthz", "").as_bytes()).unwrap();
    read(&mut streams[2]).unwrap();
    std::thread::sleep(Duration::from_millis(50));
    let drained = service.drain();
    std::thread::sleep(Duration::from_millis(80));
    for (stream, rest) in
        streams.iter_mut().zip([&get_text("/healthz", ""), "st: t\r\n\r\n", &get_text("/healthz", "")])
    {
        stream.write_all(rest.as_bytes()).unwrap();
        assert_eq!(read(stream).unwrap().status, 200);
    }
    assert_eq!(service.runtime.block_on(drained).unwrap().cut, 0);
}

#[test]
fn half_a_request_and_a_handler_without_end_do_not_hang_the_drain() {
    let toml = "server.drain_grace_ms = 0\nserver.drain_timeout_ms = 600\nserver.header_timeout_ms = 60000";
    let mut service = Local::start(toml, |service| service.route("/never", get(std::future::pending::<()>)));
    let mut half = service.connect();
    half.write_all(b"GET /healthz HTTP/1.1\r\nHo").unwrap();
    let mut body = service.connect();
    body.write_all(b"POST /never HTTP/1.1\r\nHost: t\r\nContent-Length: 10\r\n\r\n123").unwrap();
    let mut never = service.connect();
    never.write_all(get_text("/never", "").as_bytes()).unwrap();
    std::thread::sleep(Duration::from_millis(100));
    let start = Instant::now();
    let drained = service.drain();
    assert_eq!(
        service.runtime.block_on(drained).unwrap().cut,
        2,
        "the half one and the endless one; the body is refused"
    );
    assert!((Duration::from_millis(500)..Duration::from_secs(2)).contains(&start.elapsed()));
    assert!(read(&mut never).is_none(), "it is cut, not left open");
}

#[test]
fn a_process_under_load_ends_on_sigterm_without_a_lost_response() {
    for kept in [true, false] {
        let mut process = Process::start("server.drain_grace_ms = 150");
        let (tcp, started) = (process.tcp, Arc::new(AtomicUsize::new(0)));
        let stop = Arc::new(AtomicBool::new(false));
        let clients: Vec<_> = (0..8)
            .map(|_| {
                let (started, stop) = (Arc::clone(&started), Arc::clone(&stop));
                std::thread::spawn(move || load(tcp, kept, &started, &stop))
            })
            .collect();
        std::thread::sleep(Duration::from_millis(300));
        process.signal("TERM");
        assert_eq!(process.exit(Duration::from_secs(10)), Some(0));
        stop.store(true, Ordering::Relaxed);
        let answered: usize = clients.into_iter().map(|client| client.join().unwrap()).sum();
        assert_eq!(answered, started.load(Ordering::Relaxed), "kept: {kept}");
        assert!(answered > 100, "{answered}");
    }
}

/// Sends requests until nobody listens any more. Each connection that was made and each request that was sent on it
/// has to be answered, unless the answer before said that it was the last.
fn load(tcp: std::net::SocketAddr, kept: bool, started: &AtomicUsize, stop: &AtomicBool) -> usize {
    let request = post("/v1/echo", if kept { "" } else { "Connection: close\r\n" }, r#"{"a":[1,2,3]}"#);
    let mut answered = 0;
    while !stop.load(Ordering::Relaxed) {
        let Ok(mut stream) = TcpStream::connect(tcp) else { break };
        stream.set_read_timeout(Some(Duration::from_secs(5))).unwrap();
        stream.set_nodelay(true).unwrap();
        let mut answers = BufReader::new(stream.try_clone().unwrap());
        loop {
            started.fetch_add(1, Ordering::Relaxed);
            stream.write_all(request.as_bytes()).unwrap();
            let Some(answer) = read(&mut answers) else { break };
            assert_eq!((answer.status, answer.body.as_str()), (200, r#"{"a":[1,2,3]}"#));
            answered += 1;
            if answer.header("connection") == "close" {
                break;
            }
        }
    }
    answered
}

#[test]
fn ctrl_c_drains_too_and_a_second_signal_ends_at_once() {
    let mut process = Process::start("server.drain_grace_ms = 60000");
    process.signal("INT");
    let end = Instant::now() + Duration::from_secs(5);
    while exchange(process.tcp, &get_text("/readyz", "")).status != 503 {
        assert!(Instant::now() < end, "it does not drain");
    }
    process.signal("TERM");
    assert_eq!(process.exit(Duration::from_secs(5)), Some(1));
}
