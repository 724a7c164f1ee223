use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream, ToSocketAddrs};
use std::time::Duration;

use serde_json::Value;

/// Sends requests to one address.
#[derive(Clone, Debug)]
pub struct Client {
    pub address: SocketAddr,
}

/// A response, as read from the wire.
#[derive(Debug)]
pub struct Answer {
    pub status: u16,
    /// Names in lower case.
    pub headers: Vec<(String, String)>,
    pub body: String,
}

impl Client {
    pub fn of(base: &str) -> Self {
        let host =
            base.trim_end_matches('/').strip_prefix("http://").expect("a base URL such as http://127.0.0.1:5307");
        Self { address: host.to_socket_addrs().unwrap().next().unwrap() }
    }

    pub fn connect(&self) -> TcpStream {
        self.try_connect().unwrap()
    }

    pub fn try_connect(&self) -> std::io::Result<TcpStream> {
        patient(TcpStream::connect(self.address)?)
    }

    pub fn get(&self, path: &str) -> Answer {
        self.send("GET", path, &[], b"")
    }

    /// Posts JSON.
    pub fn post(&self, path: &str, body: &str) -> Answer {
        self.send("POST", path, &[("Content-Type", "application/json")], body.as_bytes())
    }

    pub fn send(&self, method: &str, path: &str, headers: &[(&str, &str)], body: &[u8]) -> Answer {
        self.try_send(method, path, headers, body).unwrap_or_else(|error| panic!("{method} {path}: {error}"))
    }

    pub fn try_send(&self, method: &str, path: &str, headers: &[(&str, &str)], body: &[u8]) -> std::io::Result<Answer> {
        exchange(self.try_connect()?, method, path, headers, body)
    }
}

/// The connection, which waits for an answer for half a minute and delays nothing that is written.
pub fn patient(stream: TcpStream) -> std::io::Result<TcpStream> {
    stream.set_read_timeout(Some(Duration::from_secs(30)))?;
    stream.set_nodelay(true)?;
    Ok(stream)
}

/// The answer to a request that is the last of its connection.
pub fn exchange(
    mut stream: TcpStream,
    method: &str,
    path: &str,
    headers: &[(&str, &str)],
    body: &[u8],
) -> std::io::Result<Answer> {
    let mut head = format!("{method} {path} HTTP/1.1\r\nHost: passport\r\nConnection: close\r\n");
    for (name, value) in headers {
        head.push_str(&format!("{name}: {value}\r\n"));
    }
    head.push_str(&format!("Content-Length: {}\r\n\r\n", body.len()));
    stream.write_all(head.as_bytes())?;
    // Who refuses a body may close before it is sent; the answer is there all the same.
    let _ = stream.write_all(body);
    read(&mut stream)
}

/// Reads one response.
pub fn read(stream: &mut impl Read) -> std::io::Result<Answer> {
    let mut bytes = Vec::new();
    let mut byte = [0];
    while !bytes.ends_with(b"\r\n\r\n") {
        stream.read_exact(&mut byte)?;
        bytes.push(byte[0]);
    }
    let text = String::from_utf8(bytes).unwrap();
    let mut lines = text.lines();
    let status = lines.next().unwrap().split(' ').nth(1).unwrap().parse().unwrap();
    let headers: Vec<_> = lines
        .filter_map(|line| line.split_once(": "))
        .map(|(name, value)| (name.to_ascii_lowercase(), value.to_owned()))
        .collect();
    let mut answer = Answer { status, headers, body: String::new() };
    if status != 304 {
        let length = answer.header("content-length").parse().expect("a length");
        let mut body = vec![0; length];
        stream.read_exact(&mut body)?;
        answer.body = String::from_utf8(body).unwrap();
    }
    Ok(answer)
}

impl Answer {
    /// The value of a header that is there once; else empty.
    pub fn header(&self, name: &str) -> &str {
        let mut values = self.headers.iter().filter(|(known, _)| known == name);
        let value = values.next().map_or("", |(_, value)| value);
        assert!(values.next().is_none(), "{name} is there twice: {self:?}");
        value
    }

    pub fn json(&self) -> Value {
        serde_json::from_str(&self.body).unwrap_or_else(|error| panic!("{error}: {self:?}"))
    }

    pub fn is_json(&self) -> bool {
        self.header("content-type") == "application/json"
    }

    pub fn is_text(&self) -> bool {
        self.header("content-type") == "text/plain; charset=utf-8" && !self.body.is_empty()
    }

    /// Status and code of a problem.
    pub fn problem(&self) -> (u16, String) {
        assert!(self.is_json(), "no problem: {self:?}");
        let json = self.json();
        assert!(json["message"].is_string(), "{self:?}");
        (self.status, json["code"].as_str().unwrap_or_else(|| panic!("no code: {self:?}")).to_owned())
    }
}

/// A connection that is kept.
pub struct Kept {
    stream: std::io::BufReader<TcpStream>,
    answers: usize,
}

impl Kept {
    pub fn new(client: &Client) -> Self {
        Self::try_new(client).unwrap()
    }

    pub fn try_new(client: &Client) -> std::io::Result<Self> {
        Ok(Self { stream: std::io::BufReader::new(client.try_connect()?), answers: 0 })
    }

    /// Whether nothing was ever answered on it.
    pub fn is_unused(&self) -> bool {
        self.answers == 0
    }

    pub fn get(&mut self, path: &str) -> Option<Answer> {
        self.send(&format!("GET {path} HTTP/1.1\r\nHost: passport\r\n\r\n"))
    }

    /// The answer; `None` if the connection was closed before one came.
    pub fn post(&mut self, path: &str, body: &str) -> Option<Answer> {
        let (head, length) = (format!("POST {path} HTTP/1.1\r\nHost: passport\r\n"), body.len());
        self.send(&format!("{head}Content-Type: application/json\r\nContent-Length: {length}\r\n\r\n{body}"))
    }

    fn send(&mut self, request: &str) -> Option<Answer> {
        self.stream.get_mut().write_all(request.as_bytes()).ok()?;
        let answer = read(&mut self.stream).ok()?;
        self.answers += 1;
        Some(answer)
    }
}
