//! The sections that every service has.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use secrecy::SecretString;
use serde::{Deserialize, Deserializer};

use super::Impossible;

/// The common sections of a service's settings.
#[derive(Debug, Clone, Copy)]
pub struct Common<'a> {
    /// Addresses, time-outs and drain.
    pub server: &'a Server,
    /// What is refused before any work is done.
    pub limits: &'a Limits,
    /// Where log lines go, and which.
    pub log: &'a Log,
    /// Who may use the admin listener.
    pub admin: &'a Admin,
}

/// `[server]`: addresses, time-outs and drain.
#[derive(Debug, Clone, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Server {
    /// TCP address of the service. Port 0 takes a free one, which is told at start. Default: `127.0.0.1:0`.
    pub bind: SocketAddr,
    /// TCP address of the admin listener. Default: none. Beyond loopback it needs a token.
    pub admin_bind: Option<SocketAddr>,
    /// Path of a Unix socket that is served beside the TCP address. Default: none.
    pub unix: Option<PathBuf>,
    /// Lets a second instance listen on the same addresses, to take over. Default: off.
    pub reuse_port: bool,
    /// PEM file of the certificate chain. With it, and `tls_key`, the TCP addresses speak TLS. Default: none.
    pub tls_cert: Option<PathBuf>,
    /// PEM file of the private key. Default: none.
    pub tls_key: Option<PathBuf>,
    /// Threads that serve. 0 is one for each core. Default: 0.
    pub workers: usize,
    /// Connections open at a time; those above are answered 503 and closed. Default: 16,384.
    pub max_connections: usize,
    /// Bytes of a request's line and headers, from 8,192 on; above is 431. Default: 16,384.
    pub max_header_bytes: usize,
    /// Time for a request's headers, for the first byte of a new connection, and for a TLS handshake. Default: 5,000.
    pub header_timeout_ms: u64,
    /// Time for the whole of a request's body. Default: 10,000.
    pub body_timeout_ms: u64,
    /// Time that a kept connection may be silent between requests. Default: 75,000.
    pub idle_timeout_ms: u64,
    /// Time that a client may take no bytes of its response. Default: 10,000.
    pub write_timeout_ms: u64,
    /// Time for a handler, after which the answer is 503. Default: 30,000.
    pub handler_timeout_ms: u64,
    /// Time between `/readyz` falling and the listeners closing. Default: 200.
    pub drain_grace_ms: u64,
    /// Time that requests in flight have after the listeners closed. Default: 10,000.
    pub drain_timeout_ms: u64,
}

impl Default for Server {
    fn default() -> Self {
        Self {
            bind: SocketAddr::from(([127, 0, 0, 1], 0)),
            admin_bind: None,
            unix: None,
            reuse_port: false,
            tls_cert: None,
            tls_key: None,
            workers: 0,
            max_connections: 16_384,
            max_header_bytes: 16_384,
            header_timeout_ms: 5_000,
            body_timeout_ms: 10_000,
            idle_timeout_ms: 75_000,
            write_timeout_ms: 10_000,
            handler_timeout_ms: 30_000,
            drain_grace_ms: 200,
            drain_timeout_ms: 10_000,
        }
    }
}

/// `[limits]`: what is refused before any work is done.
#[derive(Debug, Clone, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Limits {
    /// Bytes of a request's body; above is 413. Default: 1 MiB.
    pub max_body_bytes: u64,
    /// Bytes of one message within a body, for services that take some. Default: 4,096.
    pub max_msg_bytes: usize,
    /// Items of one batch, for services that take some; see [`Limits::batch`]. Default: 512.
    pub max_batch: usize,
    /// Requests in flight at a time; above is 503 with `Retry-After`, nothing queues. Default: 1,024.
    pub max_in_flight: usize,
    /// Requests per second of one client (an IPv4 address or an IPv6 /64); above is 429. 0 is no limit. Default: 0.
    pub client_per_second: u32,
    /// Requests that a client may send at once. 0 is one second's. Default: 0.
    pub client_burst: u32,
    /// Clients whose rates are kept; while there are more, they share 1,024 rates. Default: 65,536.
    pub max_clients: usize,
    /// What a refusal for want of room tells in `Retry-After`. Default: 1,000.
    pub retry_after_ms: u64,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            max_body_bytes: 1 << 20,
            max_msg_bytes: 4_096,
            max_batch: 512,
            max_in_flight: 1_024,
            client_per_second: 0,
            client_burst: 0,
            max_clients: 65_536,
            retry_after_ms: 1_000,
        }
    }
}

/// `[log]`: where log lines go, and which.
#[derive(Debug, Clone, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Log {
    /// Level, or levels by target: `info`, `warn,ron_service=debug`. Default: `info`.
    pub level: String,
    /// `json` or `text`. Default: `json`.
    pub format: LogFormat,
    /// Lines that wait for a slow standard error; those above are dropped and counted. Default: 8,192.
    pub buffered_lines: usize,
}

impl Default for Log {
    fn default() -> Self {
        Self { level: "info".to_owned(), format: LogFormat::Json, buffered_lines: 8_192 }
    }
}

/// Shape of a log line.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum LogFormat {
    /// One JSON object a line.
    Json,
    /// Words for people.
    Text,
}

/// `[admin]`: who may use the admin listener.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Admin {
    /// Token that is presented as `Authorization: Bearer TOKEN`, of at least 16 bytes. Default: none.
    #[serde(deserialize_with = "secret")]
    pub token: Option<SecretString>,
    /// File whose first line is the token. Default: none.
    pub token_file: Option<PathBuf>,
}

/// A secret's text. The derived one would repeat a number that was meant as a secret in its error.
fn secret<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<SecretString>, D::Error> {
    struct Text;
    impl<'de> serde::de::Visitor<'de> for Text {
        type Value = Option<SecretString>;

        fn expecting(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
            formatter.write_str("a secret in quotes")
        }

        fn visit_str<E: serde::de::Error>(self, text: &str) -> Result<Self::Value, E> {
            Ok(Some(SecretString::from(text)))
        }

        fn visit_i64<E: serde::de::Error>(self, _: i64) -> Result<Self::Value, E> {
            Err(E::custom("expected a secret in quotes"))
        }

        fn visit_f64<E: serde::de::Error>(self, _: f64) -> Result<Self::Value, E> {
            Err(E::custom("expected a secret in quotes"))
        }
    }
    deserializer.deserialize_any(Text)
}

impl Common<'_> {
    pub(super) fn check(&self) -> Result<(), Impossible> {
        self.server.check()?;
        self.limits.check()?;
        self.log.check()
    }
}

impl Server {
    fn check(&self) -> Result<(), Impossible> {
        const DAY_MS: u64 = 86_400_000;
        for (key, milliseconds, least) in [
            ("server.header_timeout_ms", self.header_timeout_ms, 1),
            ("server.body_timeout_ms", self.body_timeout_ms, 1),
            ("server.idle_timeout_ms", self.idle_timeout_ms, 1),
            ("server.write_timeout_ms", self.write_timeout_ms, 1),
            ("server.handler_timeout_ms", self.handler_timeout_ms, 1),
            ("server.drain_grace_ms", self.drain_grace_ms, 0),
            ("server.drain_timeout_ms", self.drain_timeout_ms, 0),
        ] {
            if !(least..=DAY_MS).contains(&milliseconds) {
                let reason = format!("{milliseconds} is impossible; expected milliseconds from {least} to {DAY_MS}");
                return Err(Impossible::new(key, reason));
            }
        }
        at_least("server.max_connections", self.max_connections, 1)?;
        if !(8_192..=1 << 20).contains(&self.max_header_bytes) {
            let reason = format!("{} is impossible; expected bytes from 8192 to 1048576", self.max_header_bytes);
            return Err(Impossible::new("server.max_header_bytes", reason));
        }
        if self.workers > 1_024 {
            return Err(Impossible::new("server.workers", "expected at most 1024 threads, or 0 for one a core"));
        }
        match (&self.tls_cert, &self.tls_key) {
            (Some(_), None) => Err(Impossible::new("server.tls_cert", "needs server.tls_key beside it")),
            (None, Some(_)) => Err(Impossible::new("server.tls_key", "needs server.tls_cert beside it")),
            _ => Ok(()),
        }
    }
}

impl Limits {
    fn check(&self) -> Result<(), Impossible> {
        at_least("limits.max_msg_bytes", self.max_msg_bytes, 1)?;
        at_least("limits.max_batch", self.max_batch, 1)?;
        at_least("limits.max_in_flight", self.max_in_flight, 1)?;
        at_least("limits.max_clients", self.max_clients, 1)?;
        if !(1..=3_600_000).contains(&self.retry_after_ms) {
            return Err(Impossible::new("limits.retry_after_ms", "expected milliseconds from 1 to 3600000"));
        }
        if !(1..=1 << 32).contains(&self.max_body_bytes) {
            return Err(Impossible::new("limits.max_body_bytes", "expected bytes from 1 to 4294967296"));
        }
        Ok(())
    }
}

impl Log {
    fn check(&self) -> Result<(), Impossible> {
        at_least("log.buffered_lines", self.buffered_lines, 1)?;
        crate::logs::filter(&self.level)
            .map(|_| ())
            .map_err(|_| Impossible::new("log.level", "expected a level such as \"info\", or levels by target"))
    }
}

fn at_least(key: &'static str, value: usize, least: usize) -> Result<(), Impossible> {
    if value < least {
        return Err(Impossible::new(key, format!("{value} is impossible; expected at least {least}")));
    }
    Ok(())
}

/// The duration of a setting in milliseconds.
pub(crate) const fn ms(milliseconds: u64) -> Duration {
    Duration::from_millis(milliseconds)
}
