//! TCP, Unix sockets, TLS, take-over, and who may use the admin listener.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test may stop at the first surprise")]

mod common;

use std::io::{Read, Write};
use std::os::unix::net::UnixStream;
use std::sync::Arc;
use std::time::Duration;

use axum::routing::{get, post};
use common::{Local, config, connect, exchange, file, get as get_text, read};
use ron_service::config::Settings;
use ron_service::{Service, StartError};
use rustls::pki_types::ServerName;
use rustls::{ClientConfig, ClientConnection, RootCertStore, StreamOwned};

const TOKEN: &str = "0123456789abcdef-token";

fn routes(service: Service) -> Service {
    service.route("/who", get(|| async { "public" })).admin_route("/admin/who", post(|| async { "admin" }))
}

fn refusal(toml: &str) -> String {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let config = config(toml);
    let service = routes(Service::new("test", "0", &config.common()));
    let error: Option<StartError> = runtime.block_on(service.start()).err();
    let text = error.expect("it started").to_string();
    assert_eq!(text.lines().count(), 1, "{text}");
    text
}

#[test]
fn port_0_gives_addresses_that_are_told() {
    let service = Local::start("", routes);
    assert_ne!(service.tcp().port(), 0);
    assert_ne!(service.admin().port(), 0);
    let greeting = service.running().greeting();
    assert_eq!(greeting, format!("test listens on http://{}, admin http://{}", service.tcp(), service.admin()));
}

#[test]
fn a_taken_port_is_refused_in_one_line_that_helps_and_shared_only_if_both_want_it() {
    let first = Local::start("server.reuse_port = true", |service| service.route("/who", get(|| async { "first" })));
    let taken = format!("server.bind = '{}'", first.tcp());
    let text = refusal(&taken);
    assert!(text.starts_with(&format!("cannot listen on {}: ", first.tcp())), "{text}");
    assert!(text.contains("set server.bind to another address, to port 0"), "{text}");

    let second = Local::start(&format!("{taken}\nserver.reuse_port = true"), |service| {
        service.route("/who", get(|| async { "second" }))
    });
    let address = first.tcp();
    let mut first = first;
    let drained = first.drain();
    let drained = first.runtime.block_on(drained).unwrap();
    assert_eq!(drained.cut, 0);
    for _ in 0..50 {
        assert_eq!(exchange(address, &get_text("/who", "")).body, "second");
    }
    drop(second);
}

#[test]
fn a_unix_socket_is_served_taken_over_and_removed_by_its_owner_alone() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("s");
    let toml = format!("server.unix = '{}'", path.display());
    let ask = || {
        let mut stream = UnixStream::connect(&path).unwrap();
        stream.write_all(get_text("/who", "").as_bytes()).unwrap();
        read(&mut stream).unwrap().body
    };
    // A file that nobody listens at any more.
    drop(std::os::unix::net::UnixListener::bind(&path).unwrap());
    let mut first = Local::start(&toml, |service| service.route("/who", get(|| async { "first" })));
    assert_eq!(ask(), "first");
    assert!(refusal(&toml).contains("set server.unix to another address, or stop what listens there"));
    let mut second = Local::start(&format!("{toml}\nserver.reuse_port = true"), |service| {
        service.route("/who", get(|| async { "second" }))
    });
    assert_eq!(ask(), "second");
    let drained = first.drain();
    first.runtime.block_on(drained).unwrap();
    assert_eq!(ask(), "second", "the first one leaves the second one's file");
    let drained = second.drain();
    second.runtime.block_on(drained).unwrap();
    assert!(!path.exists());
    assert_eq!(folder.path().read_dir().unwrap().count(), 0);
}

#[test]
fn tls_is_spoken_by_configuration_and_a_silent_handshake_is_cut() {
    let folder = tempfile::tempdir().unwrap();
    let made = rcgen::generate_simple_self_signed(["localhost".to_owned()]).unwrap();
    let cert = file(&folder, "cert.pem", &made.cert.pem());
    let key = file(&folder, "key.pem", &made.signing_key.serialize_pem());
    let toml = format!("server.tls_cert = '{}'\nserver.tls_key = '{}'", cert.display(), key.display());
    let service = Local::start(&format!("{toml}\nserver.header_timeout_ms = 300"), routes);
    assert!(service.running().greeting().contains("https://"));

    let mut roots = RootCertStore::empty();
    roots.add(made.cert.der().clone()).unwrap();
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let client = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_root_certificates(roots)
        .with_no_client_auth();
    let name = ServerName::try_from("localhost").unwrap();
    let session = ClientConnection::new(Arc::new(client), name).unwrap();
    let mut stream = StreamOwned::new(session, service.connect());
    for _ in 0..2 {
        stream.write_all(get_text("/who", "").as_bytes()).unwrap();
        assert_eq!(read(&mut stream).unwrap().body, "public");
    }
    let mut silent = service.connect();
    assert!(common::closed_after(&mut silent, Duration::from_secs(5)).is_some());
    let mut plain = service.connect();
    plain.write_all(get_text("/who", "").as_bytes()).unwrap();
    let mut text = Vec::new();
    let _ = plain.read_to_end(&mut text);
    assert!(!text.starts_with(b"HTTP"));

    let text = refusal(&toml.replace("key.pem", "cert.pem"));
    assert!(text.contains("cert.pem: expected a PEM private key"), "{text}");
    assert!(refusal(&toml.replace("cert.pem", "key.pem")).contains("expected a chain of PEM certificates"));
}

#[test]
fn the_admin_listener_wants_its_token_and_only_health_goes_without() {
    let service = Local::start(&format!("admin.token = '{TOKEN}'"), routes);
    let ask = |method: &str, path: &str, header: &str| {
        let request = format!("{method} {path} HTTP/1.1\r\nHost: t\r\n{header}Content-Length: 0\r\n\r\n");
        exchange(service.admin(), &request)
    };
    let right = format!("Authorization: Bearer {TOKEN}\r\n");
    assert_eq!(ask("POST", "/admin/who", &right).body, "admin");
    for wrong in [
        String::new(),
        "Authorization: Bearer \r\n".to_owned(),
        format!("Authorization: Bearer {TOKEN}x\r\n"),
        format!("Authorization: Bearer {}\r\n", &TOKEN[1..]),
        format!("Authorization: Basic {TOKEN}\r\n"),
        format!("Authorization: {TOKEN}\r\n"),
    ] {
        let answer = ask("POST", "/admin/who", &wrong);
        assert_eq!((answer.status, answer.code().as_str()), (401, "Unauthorized"), "{wrong}");
        assert_eq!(answer.header("www-authenticate"), "Bearer");
        assert_eq!(ask("GET", "/nowhere", &wrong).status, 401, "what there is is not told");
    }
    assert_eq!(ask("GET", "/healthz", "").status, 200);
    assert_eq!(exchange(service.tcp(), &get_text("/admin/who", &right)).status, 404, "not on the public listener");
    assert_eq!(ask("GET", "/who", &right).status, 404);
}

#[test]
fn an_admin_listener_that_others_can_reach_does_not_start_without_a_token() {
    let text = refusal("server.admin_bind = '0.0.0.0:0'");
    assert!(text.starts_with("server.admin_bind is 0.0.0.0:0, which others can reach; set admin.token"), "{text}");
    assert!(refusal("admin.token = 'short'").starts_with("admin.token: the token is too short"));
    let folder = tempfile::tempdir().unwrap();
    let path = file(&folder, "token", &format!("{TOKEN}\n"));
    let toml = format!("server.admin_bind = '0.0.0.0:0'\nadmin.token_file = '{}'", path.display());
    let service = Local::start(&toml, routes);
    let at = format!("127.0.0.1:{}", service.admin().port()).parse().unwrap();
    assert_eq!(exchange(at, &get_text("/metrics", &format!("Authorization: Bearer {TOKEN}\r\n"))).status, 200);
}

#[test]
fn a_web_page_can_not_use_an_admin_listener_without_a_token() {
    let service = Local::start("", routes);
    let request = "POST /admin/who HTTP/1.1\r\nHost: t\r\nOrigin: http://evil.example\r\nContent-Length: 0\r\n\r\n";
    assert_eq!(exchange(service.admin(), request).status, 403);
    let mut plain = connect(service.admin());
    plain.write_all(request.replace("Origin: http://evil.example\r\n", "").as_bytes()).unwrap();
    assert_eq!(read(&mut plain).unwrap().body, "admin");
}

#[test]
fn a_route_that_is_there_twice_is_refused() {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let config = config("");
    let service =
        Service::new("test", "0", &config.common()).route("/a/{b}", get(|| async {})).route("/a/{c}", get(|| async {}));
    let text = runtime.block_on(service.start()).err().unwrap().to_string();
    assert!(text.starts_with("route /a/{c}: "), "{text}");
}
