//! The client: prepared requests are written to a kept connection, and answers are read by their length. It does no
//! more than that, so that what is measured is the service.

use std::io::{self, ErrorKind};
use std::net::SocketAddr;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

/// Bytes of an answer that need no second allocation: those of every case.
const USUAL_BYTES: usize = 64 << 10;

/// A connection that is kept.
pub(crate) struct Connection {
    stream: TcpStream,
    received: Vec<u8>,
}

/// An answer of a service.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Answer<'c> {
    pub(crate) status: u16,
    pub(crate) body: &'c [u8],
}

/// A request for this route, with lines of its head beside what every request has.
pub(crate) fn post(path: &str, more: &str, body: &str) -> Vec<u8> {
    let length = body.len();
    let head = format!("POST {path} HTTP/1.1\r\nHost: probe\r\n{more}Content-Type: application/json\r\n");
    format!("{head}Content-Length: {length}\r\n\r\n{body}").into_bytes()
}

/// A request without a body.
pub(crate) fn get(path: &str) -> Vec<u8> {
    format!("GET {path} HTTP/1.1\r\nHost: probe\r\n\r\n").into_bytes()
}

impl Connection {
    pub(crate) async fn open(address: SocketAddr) -> io::Result<Self> {
        let stream = TcpStream::connect(address).await?;
        stream.set_nodelay(true)?;
        Ok(Self { stream, received: Vec::with_capacity(USUAL_BYTES) })
    }

    /// Sends a request and waits for the whole of its answer.
    pub(crate) async fn ask(&mut self, request: &[u8]) -> io::Result<Answer<'_>> {
        self.stream.write_all(request).await?;
        self.received.clear();
        let (status, body_at) = loop {
            if self.stream.read_buf(&mut self.received).await? == 0 {
                return Err(ErrorKind::UnexpectedEof.into());
            }
            match head(&self.received)? {
                Some(head) if self.received.len() >= head.end + head.length => break (head.status, head.end),
                _ => {}
            }
        };
        Ok(Answer { status, body: self.received.get(body_at..).unwrap_or_default() })
    }
}

/// What is needed of an answer's head.
struct Head {
    status: u16,
    /// Bytes of the head.
    end: usize,
    /// Bytes of the body.
    length: usize,
}

/// Reads the head; `None` if it is not whole yet.
fn head(bytes: &[u8]) -> io::Result<Option<Head>> {
    const END: &[u8] = b"\r\n\r\n";
    const LENGTH: &[u8] = b"content-length: ";
    let Some(blank) = bytes.windows(END.len()).position(|window| window == END) else { return Ok(None) };
    let mut lines = bytes.get(..blank).unwrap_or_default().split(|byte| *byte == b'\n');
    let status = lines.next().and_then(|line| number(line.get("HTTP/1.1 ".len()..)?.get(..3)?));
    let length = lines.find_map(|line| number(line.strip_prefix(LENGTH)?.trim_ascii_end()));
    match (status.and_then(|status| u16::try_from(status).ok()), length) {
        (Some(status), Some(length)) => Ok(Some(Head { status, end: blank + END.len(), length })),
        _ => Err(io::Error::new(ErrorKind::InvalidData, "an answer without a status or a length")),
    }
}

fn number(digits: &[u8]) -> Option<usize> {
    std::str::from_utf8(digits).ok()?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(flavor = "current_thread")]
    async fn an_answer_is_read_to_its_end_however_it_comes_and_the_connection_is_used_again() {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let server = tokio::spawn(async move {
            let (mut stream, _) = listener.accept().await.unwrap();
            let mut asked = [0; 512];
            for parts in [
                &["HTTP/1.1 200 OK\r\ncontent-length: 4\r\n\r\ntrue"][..],
                &["HTTP/1.1 40", "0 Bad Request\r\nx: y\r\ncontent-le", "ngth: 3\r\n", "\r\nn", "o", "!"],
                &["HTTP/1.1 200 OK\r\nx: y\r\n\r\n"],
            ] {
                assert!(stream.read(&mut asked).await.unwrap() > 0);
                for part in parts {
                    stream.write_all(part.as_bytes()).await.unwrap();
                    tokio::task::yield_now().await;
                }
            }
        });
        let mut connection = Connection::open(address).await.unwrap();
        let request = post("/", "", "{}");
        assert_eq!(connection.ask(&request).await.unwrap(), Answer { status: 200, body: b"true" });
        assert_eq!(connection.ask(&request).await.unwrap(), Answer { status: 400, body: b"no!" });
        assert_eq!(connection.ask(&request).await.unwrap_err().kind(), ErrorKind::InvalidData);
        server.await.unwrap();
        assert!(connection.ask(&request).await.is_err(), "it is closed");
    }
}
