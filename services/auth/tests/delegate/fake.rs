//! A svc-passport that answers as a test says, and keeps account of what it was asked.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use serde_json::{Value, json};
use tempfile::TempDir;

use crate::common::{AUTHORIZE, Answer, Client, Process, eventually, may_read, reader, unsigned, verdict, with};

/// What it does with a call: how long it takes, and its status and body; `None` closes the connection.
pub(crate) struct Reply {
    pub(crate) after: Duration,
    pub(crate) answer: Option<(u16, String)>,
}

/// Answers a path and a body.
pub(crate) type Behaviour = Box<dyn Fn(&str, &Value) -> Reply + Send>;

/// It, and svc-auth in front of it.
pub(crate) struct Fake {
    pub(crate) auth: Process,
    shared: Arc<Shared>,
    _folder: TempDir,
}

struct Shared {
    behaviour: Mutex<Arc<Mutex<Behaviour>>>,
    /// Of each call, how many envelopes it was about.
    calls: Mutex<Vec<usize>>,
    /// How often it was asked for its keys.
    keys: AtomicUsize,
}

impl Reply {
    pub(crate) fn now(status: u16, body: impl Into<String>) -> Self {
        Self::after(Duration::ZERO, status, body)
    }

    pub(crate) fn after(after: Duration, status: u16, body: impl Into<String>) -> Self {
        Self { after, answer: Some((status, body.into())) }
    }

    pub(crate) fn none() -> Self {
        Self { after: Duration::ZERO, answer: None }
    }
}

/// Finds every signature good.
pub(crate) fn all_good(body: &Value) -> String {
    match body.as_array() {
        Some(items) => json!(vec![true; items.len()]).to_string(),
        None => "true".to_owned(),
    }
}

impl Fake {
    /// One that finds every signature good, after a while; svc-auth with these lines of TOML.
    pub(crate) fn slow(milliseconds: u64, toml: &str) -> Self {
        let after = Duration::from_millis(milliseconds);
        Self::new(toml, move |_, body| Reply::after(after, 200, all_good(body)))
    }

    pub(crate) fn new(toml: &str, behaviour: impl Fn(&str, &Value) -> Reply + Send + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let behaviour: Behaviour = Box::new(behaviour);
        let behaviour = Mutex::new(Arc::new(Mutex::new(behaviour)));
        let shared = Arc::new(Shared { behaviour, calls: Mutex::default(), keys: AtomicUsize::new(0) });
        let serving = shared.clone();
        std::thread::spawn(move || {
            for stream in listener.incoming().map_while(Result::ok) {
                let serving = serving.clone();
                std::thread::spawn(move || drop(serve(&serving, stream)));
            }
        });
        let folder = tempfile::tempdir().unwrap();
        let auth = start(&folder, address, toml);
        Self { auth, shared, _folder: folder }
    }

    /// From now on it does something else.
    pub(crate) fn behave(&self, behaviour: impl Fn(&str, &Value) -> Reply + Send + 'static) {
        let behaviour: Behaviour = Box::new(behaviour);
        *self.shared.behaviour.lock().unwrap() = Arc::new(Mutex::new(behaviour));
    }

    /// Of each call so far, how many envelopes it was about.
    pub(crate) fn calls(&self) -> Vec<usize> {
        self.shared.calls.lock().unwrap().clone()
    }

    /// How often it was asked for its keys so far.
    pub(crate) fn keys(&self) -> usize {
        self.shared.keys.load(Ordering::Relaxed)
    }

    pub(crate) fn client(&self) -> Client {
        self.auth.public.clone()
    }

    /// Asks whether the bearer of the envelope of this number may read.
    pub(crate) fn ask(&self, number: usize) -> Answer {
        self.client().post(AUTHORIZE, &question(number).to_string())
    }

    /// The verdict of that.
    pub(crate) fn verdict(&self, number: usize) -> String {
        let answer = self.ask(number);
        assert_eq!(answer.status, 200, "{answer:?}");
        verdict(&answer.json())
    }
}

/// Each number is another envelope.
pub(crate) fn question(number: usize) -> Value {
    may_read(&unsigned(&reader_for(number), "signature"), "docs/a")
}

fn reader_for(number: usize) -> Value {
    // Without times, so that the same number is the same envelope.
    let claims = with(&with(&reader(), "exp", Value::Null), "iat", Value::Null);
    with(&claims, "sub", json!(format!("user-{number}")))
}

fn start(folder: &TempDir, passport: SocketAddr, toml: &str) -> Process {
    let bundle = folder.path().join("policy.toml");
    std::fs::write(&bundle, crate::common::BUNDLE).unwrap();
    let base = format!("policy.path = '{}'\nverify.passport_base = 'http://{passport}'\n", bundle.display());
    let auth = Process::auth(folder.path(), &format!("{base}{toml}"));
    eventually("it is ready", || auth.public.get("/readyz").status == 200);
    auth
}

/// Serves one connection until it ends.
fn serve(shared: &Shared, stream: TcpStream) -> std::io::Result<()> {
    let mut reader = BufReader::new(stream.try_clone()?);
    let mut stream = stream;
    loop {
        let mut line = String::new();
        if reader.read_line(&mut line)? == 0 {
            return Ok(());
        }
        let path = line.split(' ').nth(1).unwrap_or_default().to_owned();
        let mut length = 0;
        loop {
            let mut header = String::new();
            reader.read_line(&mut header)?;
            let Some((name, value)) = header.split_once(':') else { break };
            if name.eq_ignore_ascii_case("content-length") {
                length = value.trim().parse().unwrap();
            }
        }
        let mut body = vec![0; length];
        reader.read_exact(&mut body)?;
        let reply = if path == "/v1/keys" {
            shared.keys.fetch_add(1, Ordering::Relaxed);
            Reply::now(200, "{\"keys\":[]}")
        } else {
            let body: Value = serde_json::from_slice(&body).unwrap();
            shared.calls.lock().unwrap().push(body.as_array().map_or(1, Vec::len));
            let behaviour = shared.behaviour.lock().unwrap().clone();
            behaviour.lock().unwrap()(&path, &body)
        };
        std::thread::sleep(reply.after);
        let Some((status, body)) = reply.answer else { return Ok(()) };
        let head = format!("HTTP/1.1 {status} X\r\nContent-Type: application/json\r\nContent-Length: {}", body.len());
        stream.write_all(format!("{head}\r\n\r\n{body}").as_bytes())?;
    }
}
