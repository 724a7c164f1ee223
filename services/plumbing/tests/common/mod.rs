//! A service in this process or as a child, and a client that speaks raw bytes.
#![allow(dead_code, missing_docs, unreachable_pub, reason = "each test file uses a part")]
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test may stop at the first surprise"
)]

use std::collections::HashMap;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use ron_service::config::{Admin, Common, Limits, Log, Server, Settings, load_from};
use ron_service::{Running, Service};
use tokio::runtime::Runtime;

#[derive(Debug, Default, serde::Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Config {
    pub server: Server,
    pub limits: Limits,
    pub log: Log,
    pub admin: Admin,
}

impl Settings for Config {
    const DEFAULTS: &'static str = "[server]\nadmin_bind = '127.0.0.1:0'\n[limits]\nmax_batch = 256";
    const OVERRIDES: &'static [(&'static str, &'static str)] =
        &[("T_MAX_BATCH", "limits.max_batch"), ("T_TOKEN", "admin.token"), ("T_CERT", "server.tls_cert")];

    fn common(&self) -> Common<'_> {
        Common { server: &self.server, limits: &self.limits, log: &self.log, admin: &self.admin }
    }
}

pub fn config(toml: &str) -> Config {
    load_from("T", &|variable| (variable == "T_CONFIG").then(|| toml.to_owned())).unwrap()
}

/// A service in this process, on a runtime of its own.
pub struct Local {
    pub runtime: Runtime,
    running: Option<Running>,
}

impl Local {
    pub fn start(toml: &str, routes: impl FnOnce(Service) -> Service) -> Self {
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
        let config = config(toml);
        let service = routes(Service::new("test", "0.0.0", &config.common()));
        let running = runtime.block_on(service.start()).unwrap();
        Self { runtime, running: Some(running) }
    }

    pub fn running(&self) -> &Running {
        self.running.as_ref().unwrap()
    }

    pub fn tcp(&self) -> SocketAddr {
        self.running().addresses().tcp.unwrap()
    }

    pub fn admin(&self) -> SocketAddr {
        self.running().addresses().admin.unwrap()
    }

    pub fn connect(&self) -> TcpStream {
        connect(self.tcp())
    }

    pub fn get(&self, path: &str) -> Answer {
        exchange(self.tcp(), &get(path, ""))
    }

    /// Begins to drain, and gives what waits for its end.
    pub fn drain(&mut self) -> tokio::task::JoinHandle<ron_service::Drained> {
        self.runtime.spawn(self.running.take().unwrap().drain())
    }
}

/// The echo service as a child process.
pub struct Process {
    pub child: Child,
    pub tcp: SocketAddr,
    pub admin: SocketAddr,
}

impl Process {
    pub fn start(toml: &str) -> Self {
        Self::start_with(toml, Stdio::null())
    }

    pub fn start_with(toml: &str, stderr: Stdio) -> Self {
        let mut child = Command::new(env!("CARGO_BIN_EXE_echo-service"))
            .env("ECHO_CONFIG", toml)
            .stdout(Stdio::piped())
            .stderr(stderr)
            .spawn()
            .unwrap();
        let mut line = String::new();
        BufReader::new(child.stdout.take().unwrap()).read_line(&mut line).unwrap();
        let addresses: Vec<_> = line
            .split("http://")
            .skip(1)
            .filter_map(|rest| rest.trim_end_matches(", admin ").trim().parse().ok())
            .collect();
        let [tcp, admin] = addresses[..] else { panic!("no addresses in {line:?}") };
        Self { child, tcp, admin }
    }

    pub fn signal(&self, name: &str) {
        let status = Command::new("kill").arg(format!("-{name}")).arg(self.child.id().to_string()).status().unwrap();
        assert!(status.success());
    }

    /// Exit code, waited for.
    pub fn exit(&mut self, within: Duration) -> Option<i32> {
        let end = Instant::now() + within;
        while Instant::now() < end {
            if let Some(status) = self.child.try_wait().unwrap() {
                return status.code();
            }
            std::thread::sleep(Duration::from_millis(5));
        }
        panic!("the service did not end within {within:?}");
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// A response, as read from the wire.
#[derive(Debug)]
pub struct Answer {
    pub status: u16,
    pub headers: HashMap<String, String>,
    pub body: String,
}

impl Answer {
    pub fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", String::as_str)
    }

    pub fn json(&self) -> serde_json::Value {
        serde_json::from_str(&self.body).unwrap_or_else(|error| panic!("{error}: {self:?}"))
    }

    /// Asserts that this is a problem, and gives its code.
    pub fn code(&self) -> String {
        assert_eq!(self.header("content-type"), "application/problem+json", "{self:?}");
        let json = self.json();
        assert_eq!(json["status"], self.status);
        assert!(json["retryable"].is_boolean() && json["message"] == json["detail"] && json["title"].is_string());
        json["code"].as_str().unwrap().to_owned()
    }
}

pub fn connect(address: SocketAddr) -> TcpStream {
    let stream = TcpStream::connect(address).unwrap();
    stream.set_read_timeout(Some(Duration::from_secs(20))).unwrap();
    stream.set_nodelay(true).unwrap();
    stream
}

pub fn get(path: &str, headers: &str) -> String {
    format!("GET {path} HTTP/1.1\r\nHost: t\r\n{headers}\r\n")
}

pub fn post(path: &str, headers: &str, body: &str) -> String {
    let length = body.len();
    let head = format!("POST {path} HTTP/1.1\r\nHost: t\r\nContent-Type: application/json\r\n");
    format!("{head}Content-Length: {length}\r\n{headers}\r\n{body}")
}

pub fn exchange(address: SocketAddr, request: &str) -> Answer {
    let mut stream = connect(address);
    stream.write_all(request.as_bytes()).unwrap();
    read(&mut stream).unwrap()
}

/// Reads one response; `None` where the connection was closed before one came.
pub fn read(stream: &mut impl Read) -> Option<Answer> {
    let mut bytes = Vec::new();
    let mut byte = [0];
    while !bytes.ends_with(b"\r\n\r\n") {
        match stream.read(&mut byte) {
            Ok(1) => bytes.push(byte[0]),
            _ => {
                assert!(bytes.is_empty(), "half a response: {:?}", String::from_utf8_lossy(&bytes));
                return None;
            }
        }
    }
    let text = String::from_utf8(bytes).unwrap();
    let mut lines = text.lines();
    let status = lines.next().unwrap().split(' ').nth(1).unwrap().parse().unwrap();
    let headers: HashMap<_, _> = lines
        .filter_map(|line| line.split_once(": "))
        .map(|(name, value)| (name.to_ascii_lowercase(), value.to_owned()))
        .collect();
    let length = headers.get("content-length").map_or(0, |length| length.parse().unwrap());
    let mut body = vec![0; length];
    stream.read_exact(&mut body).unwrap();
    Some(Answer { status, headers, body: String::from_utf8(body).unwrap() })
}

/// Whether the other side closes within `within`, with nothing said; and after how long.
pub fn closed_after(stream: &mut TcpStream, within: Duration) -> Option<Duration> {
    let start = Instant::now();
    stream.set_read_timeout(Some(within)).unwrap();
    match stream.read(&mut [0; 64]) {
        Ok(0) => Some(start.elapsed()),
        Err(error) if error.kind() == std::io::ErrorKind::ConnectionReset => Some(start.elapsed()),
        _ => None,
    }
}

pub fn metric(text: &str, series: &str) -> f64 {
    let value = text.lines().find_map(|line| line.strip_prefix(series)?.strip_prefix(' '));
    value.unwrap_or_else(|| panic!("no {series} in\n{text}")).parse().unwrap()
}

pub fn file(folder: &tempfile::TempDir, name: &str, text: &str) -> PathBuf {
    let path = folder.path().join(name);
    std::fs::write(&path, text).unwrap();
    path
}
