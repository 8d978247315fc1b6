//! As much of HTTP/1.1 (RFC 9112) as a gateway and its receipts need.

use std::io;

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

/// A request's head and body are refused beyond this.
const MAX_HEAD: usize = 64 * 1024;
const MAX_BODY: usize = 8 << 20;
const MAX_HEADERS: usize = 64;

/// A request as it came.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct SmsRequest {
    pub method: String,
    /// Path and query.
    pub target: String,
    pub headers: Vec<(String, String)>,
    pub body: Vec<u8>,
}

impl SmsRequest {
    /// The first header of this name, in any case.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(key, _)| key.eq_ignore_ascii_case(name)).map(|(_, value)| value.as_str())
    }

    /// For people to read; bytes that are not UTF-8 are replaced.
    pub fn source(&self) -> String {
        let mut text = format!("{} {} HTTP/1.1\r\n", self.method, self.target);
        for (name, value) in &self.headers {
            text.push_str(&format!("{name}: {value}\r\n"));
        }
        text + "\r\n" + &String::from_utf8_lossy(&self.body)
    }
}

/// One side of a connection, with what was read too far.
pub(super) struct Connection {
    stream: TcpStream,
    buffer: Vec<u8>,
}

impl Connection {
    pub(super) fn new(stream: TcpStream) -> Self {
        Self { stream, buffer: Vec::new() }
    }

    /// The next request; `None` where the client is done.
    pub(super) async fn request(&mut self) -> io::Result<Option<SmsRequest>> {
        let (head, mut request) = loop {
            if let Some(found) = head(&self.buffer)? {
                break found;
            }
            if self.buffer.len() > MAX_HEAD {
                return Err(broken("a head that does not end"));
            }
            if self.more().await? == 0 {
                return if self.buffer.is_empty() { Ok(None) } else { Err(broken("half a request")) };
            }
        };
        self.buffer.drain(..head);
        if request.header("transfer-encoding").is_some() {
            return Err(broken("no gateway takes chunks"));
        }
        let length = match request.header("content-length") {
            None => 0,
            Some(text) => text.parse().ok().filter(|n| *n <= MAX_BODY).ok_or_else(|| broken("a length"))?,
        };
        while self.buffer.len() < length {
            if self.more().await? == 0 {
                return Err(broken("half a body"));
            }
        }
        request.body = self.buffer.drain(..length).collect();
        Ok(Some(request))
    }

    async fn more(&mut self) -> io::Result<usize> {
        self.stream.read_buf(&mut self.buffer).await
    }

    pub(super) async fn write(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.stream.write_all(bytes).await
    }

    /// Answers nothing until the client leaves.
    pub(super) async fn hang(&mut self) {
        while matches!(self.more().await, Ok(n) if n > 0) {
            self.buffer.clear();
        }
    }

    /// When it is dropped, it closes with a reset rather than in good order.
    pub(super) fn reset(&mut self) {
        let _ = self.stream.set_zero_linger();
    }
}

fn head(buffer: &[u8]) -> io::Result<Option<(usize, SmsRequest)>> {
    let mut headers = [httparse::EMPTY_HEADER; MAX_HEADERS];
    let mut parsed = httparse::Request::new(&mut headers);
    let httparse::Status::Complete(length) =
        parsed.parse(buffer).map_err(|error| broken(&error.to_string()))?
    else {
        return Ok(None);
    };
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    let request = SmsRequest {
        method: parsed.method.unwrap_or_default().to_owned(),
        target: parsed.path.unwrap_or_default().to_owned(),
        headers: parsed.headers.iter().map(|h| (h.name.to_owned(), text(h.value))).collect(),
        body: Vec::new(),
    };
    Ok(Some((length, request)))
}

fn broken(what: &str) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, what)
}

/// An answer's bytes.
pub(super) fn answer(status: u16, headers: &[(&str, &str)], body: &[u8]) -> Vec<u8> {
    let mut bytes = format!("HTTP/1.1 {status} -\r\nContent-Length: {}\r\n", body.len()).into_bytes();
    for (name, value) in headers {
        bytes.extend_from_slice(format!("{name}: {value}\r\n").as_bytes());
    }
    bytes.extend_from_slice(b"\r\n");
    bytes.extend_from_slice(body);
    bytes
}

/// Calls an `http://` address and gives back status and body.
pub(super) async fn call(
    method: &str,
    url: &url::Url,
    media_type: &str,
    body: &[u8],
) -> io::Result<(u16, Vec<u8>)> {
    let host = url.host_str().ok_or_else(|| broken("an address without a host"))?;
    let port = url.port_or_known_default().unwrap_or(80);
    let mut stream = TcpStream::connect((host.trim_matches(['[', ']']), port)).await?;
    let target = url.query().map_or_else(|| url.path().to_owned(), |query| format!("{}?{query}", url.path()));
    let head = format!(
        "{method} {target} HTTP/1.1\r\nHost: {host}:{port}\r\nConnection: close\r\nContent-Type: {media_type}\r\n\
         Content-Length: {}\r\n\r\n",
        body.len()
    );
    stream.write_all(&[head.as_bytes(), body].concat()).await?;
    let mut answer = Vec::new();
    stream.take(MAX_BODY as u64).read_to_end(&mut answer).await?;
    let mut headers = [httparse::EMPTY_HEADER; MAX_HEADERS];
    let mut parsed = httparse::Response::new(&mut headers);
    match parsed.parse(&answer).map_err(|error| broken(&error.to_string()))? {
        httparse::Status::Complete(length) => {
            Ok((parsed.code.unwrap_or_default(), answer[length..].to_vec()))
        }
        httparse::Status::Partial => Err(broken("half an answer")),
    }
}
