//! Subjects that ask svc-passport and svc-auth all that can be asked, and traces of them that may be left behind.

#![allow(dead_code, unused_imports, missing_docs, unreachable_pub, reason = "each test program uses a part")]
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test may stop at the first surprise"
)]

mod asked_of_auth;
mod asked_of_passport;
mod marks;
mod room;

use std::io::{Read, Write};
use std::net::SocketAddr;
use std::time::SystemTime;

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use serde_json::{Value, json};
use socket2::{Domain, Socket, Type};

use crate::envelopes::with;
use crate::http::{Answer, Client, exchange, patient};

pub use marks::{ADDRESS, Marks, PEER, hex, mark};
pub use room::{Look, Room};

/// Secret of the account that may ask about others.
const ASKER_SECRET: &str = "the-secret-of-the-gateway";
/// Secret of the account that may mint.
const MINTER_SECRET: &str = "the-secret-of-the-minter";

/// What asks: a subject of many marks, and whoever asks about it.
pub struct Subjects {
    pub passport: Client,
    pub passport_admin: Client,
    pub auth: Client,
    pub auth_admin: Client,
    pub marks: Marks,
    /// Answers that it has had.
    pub answers: usize,
}

/// Settings of svc-auth with all its doors open. What they need is written to the room.
pub fn auth_settings(room: &Room) -> String {
    let (key, secret) = (room.path("cookie.key"), room.path("asker.secret"));
    std::fs::write(&key, "5a".repeat(32)).unwrap();
    std::fs::write(&secret, ASKER_SECRET).unwrap();
    format!(
        "security.amnesia = true\nlimits.client_per_second = 100000\n\
         check = {{ request_from = 'original', cookie_key_file = '{}' }}\n\
         authzen.base_url = 'https://pdp.example.com'\n\
         authzen.accounts = [{{ name = 'gateway', token_file = '{}' }}]\n",
        key.display(),
        secret.display()
    )
}

/// Settings of svc-passport, in which an account may mint for the tenant `demo`.
pub fn passport_settings(room: &Room) -> String {
    let secret = room.path("minter.secret");
    std::fs::write(&secret, MINTER_SECRET).unwrap();
    let account = format!("{{ name = 'minter', token_file = '{}', tenants = ['demo'] }}", secret.display());
    format!("limits.client_per_second = 100000\ncapability.accounts = [{account}]\n")
}

pub fn now_s() -> u64 {
    SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap().as_secs()
}

impl Subjects {
    /// Of svc-passport and svc-auth, each with its admin listener.
    pub fn new([[passport, passport_admin], [auth, auth_admin]]: [[Client; 2]; 2]) -> Self {
        Self { passport, passport_admin, auth, auth_admin, marks: Marks::new(), answers: 0 }
    }

    /// Asks both services all that there is, well and badly.
    pub fn ask_everything(&mut self) {
        let (envelope, token) = self.ask_passport();
        self.ask_auth(&envelope, &token);
        for client in [self.passport.clone(), self.passport_admin.clone(), self.auth.clone(), self.auth_admin.clone()] {
            self.ask_badly(&client);
            let metrics = self.ask(&client, "GET", "/metrics", &[], "", 200).body;
            assert_eq!(self.marks.found_in(metrics.as_bytes()), [""; 0], "metrics");
        }
    }

    /// The claims of the subject, who may read what is below `docs/`.
    fn claims(&self) -> Value {
        json!({
            "sub": mark("subject"), "aud": "ron-auth", "exp": now_s() + 600, "iat": now_s(), "tenant": "demo",
            "roles": ["reader", mark("role")], "scopes": [mark("scope")], "device": mark("device"),
            "ctx": {"device": mark("device-of-context")}, mark("claim"): {"deep": [mark("value")]},
        })
    }

    /// An envelope of these claims. Its signature is looked for, too.
    fn issued(&mut self, message: &Value) -> Value {
        let passport = self.passport.clone();
        let envelope = self.ask(&passport, "POST", "/v1/passport/issue", &[], &message.to_string(), 200).json();
        let signature = BASE64_STANDARD.decode(envelope["sig_b64"].as_str().unwrap()).unwrap();
        self.marks.learn("a signature", &signature);
        envelope
    }

    /// One request, with marks in all headers that clients and proxies send. `headers` replace those of their names.
    fn ask(
        &mut self,
        client: &Client,
        method: &str,
        path: &str,
        headers: &[(&str, &str)],
        body: &str,
        status: u16,
    ) -> Answer {
        let [forwarded, via] = [format!("{ADDRESS}, {}", mark("forwarded-for")), format!("for=\"[{ADDRESS}]\"")];
        let [address, referer] = [ADDRESS.to_string(), format!("https://{}/", mark("referer"))];
        let (cookie, tag) = (format!("session={}", mark("cookie")), format!("\"{}\"", mark("tag")));
        let kinds = ["request", "agent", "subject-header", "language", "state"].map(mark);
        let [request, agent, subject, language, state] = kinds.each_ref().map(String::as_str);
        let usual = [
            ("Content-Type", "application/json"),
            ("X-Request-ID", request),
            ("User-Agent", agent),
            ("X-Forwarded-For", &forwarded),
            ("Forwarded", &via),
            ("X-Real-IP", &address),
            ("Referer", &referer),
            ("Cookie", &cookie),
            ("If-None-Match", &tag),
            ("X-Auth-Subject", subject),
            ("Accept-Language", language),
            ("Tracestate", state),
        ];
        let replaced = |name: &str| headers.iter().any(|(own, _)| own.eq_ignore_ascii_case(name));
        let all: Vec<_> =
            usual.into_iter().filter(|(name, _)| !replaced(name)).chain(headers.iter().copied()).collect();
        let answer = exchange(connected(client), method, path, &all, body.as_bytes()).unwrap();
        assert_eq!(answer.status, status, "{method} {path} {headers:?} {body}: {answer:?}");
        self.answers += 1;
        answer
    }

    /// What is no request, no route, or not for it; and what breaks off.
    fn ask_badly(&mut self, client: &Client) {
        let (query, path) = (format!("/healthz?{}={}", mark("key"), mark("query")), format!("/{}", mark("path")));
        self.ask(client, "GET", &query, &[], "", 200);
        self.ask(client, "GET", &path, &[], "", 404);
        self.ask(client, "POST", &path, &[], &json!(mark("body")).to_string(), 404);
        self.ask(client, "DELETE", "/healthz", &[], "", 405);
        for text in [
            format!("GET /{0} HTTP/7.{0}\r\n\r\n", mark("version")),
            format!("{} / HTTP/1.1\r\nHost {}\r\n\r\n", mark("method"), mark("host")),
            format!("GET / HTTP/1.1\r\nA: {}\r\n\r\n", mark("long").repeat(2_000)),
        ] {
            let mut stream = connected(client);
            // Who finds it too long may close before all of it is there.
            let _ = stream.write_all(text.as_bytes());
            let _ = stream.read_to_end(&mut Vec::new());
        }
        let head = "POST /v1/auth/whoami HTTP/1.1\r\nHost: a\r\nContent-Type: application/json\r\nContent-Length: 999";
        for text in [format!("{head}\r\n\r\n\"{}", mark("half")), format!("GET /{} HT", mark("half"))] {
            connected(client).write_all(text.as_bytes()).unwrap();
        }
    }
}

/// A connection that comes from an address which only a subject has.
fn connected(client: &Client) -> std::net::TcpStream {
    let socket = Socket::new(Domain::IPV4, Type::STREAM, None).unwrap();
    // Elsewhere than on Linux this machine may have one such address alone.
    let _ = socket.bind(&SocketAddr::from((PEER, 0)).into());
    socket.connect(&client.address.into()).unwrap();
    patient(socket.into()).unwrap()
}
