//! What is refused before any work is done, and how it is told.

mod common;

use std::io::Write;
use std::sync::Arc;
use std::time::{Duration, Instant};

use axum::routing::{get, post};
use common::{Local, connect, exchange, get as get_text, metric, post as post_text, read};
use ron_service::Route;
use ron_service::limits::{AdmissionLayer, BodyCap};
use tokio::sync::Notify;

fn holding(release: &Arc<Notify>) -> axum::routing::MethodRouter {
    let release = Arc::clone(release);
    get(move || async move { release.notified().await })
}

fn wait_for(what: impl Fn() -> bool) {
    let end = Instant::now() + Duration::from_secs(5);
    while !what() {
        assert!(Instant::now() < end, "it did not come to this");
        std::thread::sleep(Duration::from_millis(5));
    }
}

#[test]
fn who_finds_no_slot_is_turned_away_at_once_and_health_is_still_answered() {
    let release = Arc::new(Notify::new());
    let service = Local::start("limits.max_in_flight = 2\nlimits.retry_after_ms = 2500", |service| {
        service.route("/hold", holding(&release)).route("/quick", get(|| async {}))
    });
    let mut held = [service.connect(), service.connect()];
    for stream in &mut held {
        stream.write_all(get_text("/hold", "").as_bytes()).unwrap();
    }
    wait_for(|| metric(&service.get("/metrics").body, "http_requests_in_flight") == 2.0);

    let start = Instant::now();
    let shed = service.get("/quick");
    assert!(start.elapsed() < Duration::from_secs(1));
    assert_eq!((shed.status, shed.code().as_str(), shed.header("retry-after")), (503, "Overloaded", "3"));
    assert_eq!(shed.json()["retry_after_ms"], 2_500);
    assert_eq!(service.get("/readyz").status, 200);
    assert_eq!(metric(&service.get("/metrics").body, r#"http_refused_total{reason="shed"}"#), 1.0);

    release.notify_waiters();
    for stream in &mut held {
        assert_eq!(read(stream).unwrap().status, 200);
    }
    wait_for(|| service.get("/quick").status == 200);
}

#[test]
fn a_slot_comes_back_when_its_client_goes() {
    let service = Local::start("limits.max_in_flight = 1", |service| {
        service.route("/hold", get(std::future::pending::<()>)).route("/quick", get(|| async {}))
    });
    let mut gone = service.connect();
    gone.write_all(get_text("/hold", "").as_bytes()).unwrap();
    wait_for(|| service.get("/quick").status == 503);
    drop(gone);
    wait_for(|| service.get("/quick").status == 200);
}

#[test]
fn a_route_has_slots_and_a_body_limit_of_its_own() {
    let release = Arc::new(Notify::new());
    let service = Local::start("limits.max_body_bytes = 100", |service| {
        let gate = service.slots(1);
        service
            .with_route(Route::new("/hold", holding(&release)).gate(&gate))
            .with_route(Route::new("/small", post(|_: String| async {})).max_body_bytes(10))
            .with_route(Route::new("/large", post(|_: String| async {})).max_body_bytes(1_000))
            .route("/layered", post(|| async {}).layer(AdmissionLayer(BodyCap(20))))
            .route("/quick", get(|| async {}))
    });
    let mut held = service.connect();
    held.write_all(get_text("/hold", "").as_bytes()).unwrap();
    wait_for(|| metric(&service.get("/metrics").body, "http_requests_in_flight") == 1.0);
    assert_eq!((service.get("/hold").status, service.get("/quick").status), (503, 200));
    release.notify_waiters();
    assert_eq!(read(&mut held).unwrap().status, 200);
    for (path, bytes, status) in
        [("/small", 10, 200), ("/small", 11, 413), ("/large", 900, 200), ("/layered", 20, 200), ("/layered", 21, 413)]
    {
        let answer = exchange(service.tcp(), &post_text(path, "", &"1".repeat(bytes)));
        assert_eq!(answer.status, status, "{path} {bytes}");
    }
}

#[test]
fn a_client_above_its_rate_is_told_when_to_come_again_and_health_is_not_counted() {
    let service = Local::start("limits.client_per_second = 1\nlimits.client_burst = 3", |service| {
        service.route("/quick", get(|| async {}))
    });
    let statuses: Vec<_> = (0..5).map(|_| service.get("/quick").status).collect();
    assert_eq!(statuses, [200, 200, 200, 429, 429]);
    let limited = service.get("/quick");
    assert_eq!((limited.code().as_str(), limited.header("retry-after")), ("RateLimited", "1"));
    assert!((1..=1_000).contains(&limited.json()["retry_after_ms"].as_u64().unwrap()));
    assert!((0..10).all(|_| service.get("/healthz").status == 200));
    std::thread::sleep(Duration::from_millis(1_050));
    assert_eq!(service.get("/quick").status, 200);
}

#[test]
fn connections_above_the_most_are_told_so_and_closed_while_the_others_go_on() {
    let service = Local::start("server.max_connections = 3", |service| service);
    let mut kept: Vec<_> = (0..3).map(|_| service.connect()).collect();
    for stream in &mut kept {
        stream.write_all(get_text("/healthz", "").as_bytes()).unwrap();
        assert_eq!(read(stream).unwrap().status, 200);
    }
    let mut above = service.connect();
    above.write_all(get_text("/healthz", "").as_bytes()).unwrap();
    let answer = read(&mut above).unwrap();
    assert_eq!((answer.status, answer.code().as_str(), answer.header("retry-after")), (503, "Overloaded", "1"));
    assert_eq!(answer.header("connection"), "close");
    assert!(read(&mut above).is_none());
    // The admin listener has connections of its own.
    let text = exchange(service.admin(), &get_text("/metrics", "")).body;
    assert_eq!(metric(&text, "http_connections"), 3.0);
    assert_eq!(metric(&text, "http_connections_refused_total"), 1.0);
    for stream in &mut kept {
        stream.write_all(get_text("/healthz", "").as_bytes()).unwrap();
        assert_eq!(read(stream).unwrap().status, 200);
    }
    drop(kept);
    wait_for(|| {
        let mut stream = connect(service.tcp());
        stream.write_all(get_text("/healthz", "").as_bytes()).unwrap();
        read(&mut stream).is_some_and(|answer| answer.status == 200)
    });
}
