//! What tests of the clouds' simulators share: requests written by hand, a customer who is told things, a clock that is
//! turned.

use std::sync::atomic::{AtomicI64, Ordering::SeqCst};
use std::sync::{Arc, Mutex};

use hmac::{KeyInit as _, Mac as _};
use serde_json::Value;
use sha2::Digest as _;
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _};
use tokio::sync::Notify;
use url::Url;

use super::VendorClock;
use super::http::{Answer, Request, Server, Service};

/// The hand that turns a clock. It begins at 2026-09-21T15:33:20+08:00.
#[derive(Clone)]
pub(super) struct Hand(Arc<AtomicI64>);

impl Hand {
    pub(super) fn new() -> Self {
        Self(Arc::new(AtomicI64::new(1_789_976_000_000)))
    }

    pub(super) fn clock(&self) -> VendorClock {
        let now = Arc::clone(&self.0);
        VendorClock(Arc::new(move || now.load(SeqCst)))
    }

    pub(super) fn seconds(&self) -> i64 {
        self.0.load(SeqCst) / 1_000
    }

    pub(super) fn turn(&self, seconds: i64) {
        self.0.fetch_add(seconds * 1_000, SeqCst);
    }
}

/// One request over a connection of its own; status and body of what comes back.
pub(super) async fn ask(
    mut stream: impl AsyncRead + AsyncWrite + Unpin,
    method: &str,
    target: &str,
    headers: &[(&str, String)],
    body: &str,
) -> std::io::Result<(u16, String)> {
    let headers: String = headers.iter().map(|(name, value)| format!("{name}: {value}\r\n")).collect();
    let length = body.len();
    let request = format!(
        "{method} {target} HTTP/1.1\r\n{headers}Content-Length: {length}\r\nConnection: close\r\n\r\n{body}"
    );
    stream.write_all(request.as_bytes()).await?;
    stream.flush().await?;
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer).await?;
    let answer = String::from_utf8_lossy(&answer).into_owned();
    let whole = || {
        let (head, body) = answer.split_once("\r\n\r\n")?;
        Some((head.split(' ').nth(1)?.parse().ok()?, body.to_owned()))
    };
    whole().ok_or_else(|| std::io::ErrorKind::UnexpectedEof.into())
}

/// Steers a simulator over its own port.
pub(super) async fn steer(
    addr: std::net::SocketAddr,
    method: &str,
    what: &str,
    document: &str,
) -> (u16, Value) {
    let stream = tokio::net::TcpStream::connect(addr).await.unwrap();
    let (status, body) = ask(stream, method, &format!("/control{what}"), &[], document).await.unwrap();
    (status, serde_json::from_str(&body).unwrap())
}

/// Answers what it is told with each of these in turn, and keeps it.
pub(super) struct Customer {
    answers: &'static [&'static str],
    told: Mutex<Vec<Request>>,
    came: Notify,
}

impl Service for Customer {
    async fn answer(&self, request: Request) -> Answer {
        let answer = {
            let mut told = self.told.lock().unwrap();
            told.push(request);
            self.answers[(told.len() - 1) % self.answers.len()]
        };
        self.came.notify_one();
        Answer::Json { status: 200, body: answer.to_owned() }
    }
}

impl Customer {
    /// With the server it listens by, which it lives as long as, and its address.
    pub(super) async fn start(answers: &'static [&'static str]) -> (Server, Url, Arc<Self>) {
        let customer = Arc::new(Self { answers, told: Mutex::default(), came: Notify::new() });
        let server = Server::start("127.0.0.1:0".parse().unwrap(), Arc::clone(&customer)).await.unwrap();
        let url = format!("http://{}/callbacks/x", server.addr()).parse().unwrap();
        (server, url, customer)
    }

    /// What it was told since it was asked last.
    pub(super) fn told(&self) -> Vec<Value> {
        let told = std::mem::take(&mut *self.told.lock().unwrap());
        told.iter().map(|push| serde_json::from_slice(&push.body).unwrap()).collect()
    }

    /// The same, as soon as there is something.
    pub(super) async fn next(&self) -> Vec<Value> {
        self.came.notified().await;
        self.told()
    }
}

pub(super) fn hmac_sha256(key: &[u8], text: &str) -> Vec<u8> {
    hmac::Hmac::<sha2::Sha256>::new_from_slice(key)
        .unwrap()
        .chain_update(text)
        .finalize()
        .into_bytes()
        .to_vec()
}

pub(super) fn hmac_sha1(key: &[u8], text: &str) -> Vec<u8> {
    hmac::Hmac::<sha1::Sha1>::new_from_slice(key).unwrap().chain_update(text).finalize().into_bytes().to_vec()
}

pub(super) fn sha256(text: &str) -> String {
    hex(&sha2::Sha256::digest(text))
}

pub(super) fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}
