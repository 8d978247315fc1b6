//! An application that receives: it keeps what it was sent and answers as it is told.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

use serde_json::Value;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};

/// What it was sent.
#[derive(Clone, Debug)]
pub(super) struct Got {
    pub(super) headers: BTreeMap<String, String>,
    pub(super) body: String,
}

impl Got {
    pub(super) fn json(&self) -> Value {
        serde_json::from_str(&self.body).unwrap()
    }

    pub(super) fn kind(&self) -> String {
        self.json()["type"].as_str().unwrap().to_owned()
    }

    pub(super) fn id(&self) -> &str {
        &self.headers["webhook-id"]
    }

    /// The message it is about.
    pub(super) fn message(&self) -> String {
        self.json()["data"]["message"]["id"].as_str().unwrap().to_owned()
    }

    pub(super) fn signatures(&self) -> Vec<&str> {
        self.headers["webhook-signature"].split(' ').collect()
    }
}

/// What it answers.
#[derive(Clone, Debug)]
pub(super) enum Says {
    Status(u16),
    /// With a header, as a line.
    With(u16, String),
    /// It takes everything but what holds this text.
    But(String),
    /// It takes the call and says nothing.
    Nothing,
}

#[derive(Clone)]
pub(super) struct Endpoint {
    pub(super) url: String,
    got: Arc<Mutex<Vec<Got>>>,
    says: Arc<Mutex<Says>>,
}

impl Endpoint {
    /// One that takes everything.
    pub(super) async fn new() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let endpoint = Self {
            url: format!("http://{}/hooks", listener.local_addr().unwrap()),
            got: Arc::default(),
            says: Arc::new(Mutex::new(Says::Status(204))),
        };
        let here = endpoint.clone();
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                tokio::spawn(here.clone().answer(stream));
            }
        });
        endpoint
    }

    /// It answers so from now on.
    pub(super) fn says(&self, says: Says) {
        *self.says.lock().unwrap() = says;
    }

    /// What it was sent since the last time somebody looked.
    pub(super) fn got(&self) -> Vec<Got> {
        std::mem::take(&mut *self.got.lock().unwrap())
    }

    /// How much that is, which stays to be looked at.
    pub(super) fn count(&self) -> u64 {
        self.got.lock().unwrap().len() as u64
    }

    /// The types of what it was sent since the last time somebody looked.
    pub(super) fn kinds(&self) -> Vec<String> {
        self.got().iter().map(Got::kind).collect()
    }

    async fn answer(self, mut stream: TcpStream) {
        let Some(got) = read(&mut stream).await else { return };
        let says = self.says.lock().unwrap().clone();
        let refuses = matches!(&says, Says::But(text) if got.body.contains(text));
        self.got.lock().unwrap().push(got);
        let (status, line) = match says {
            Says::Status(status) => (status, String::new()),
            Says::With(status, line) => (status, format!("{line}\r\n")),
            Says::But(_) => (if refuses { 400 } else { 204 }, String::new()),
            Says::Nothing => {
                // Until the other side gives up.
                let _ = stream.read_u8().await;
                return;
            }
        };
        let words = if status < 300 { "" } else { "no, thank you" };
        let length = words.len();
        let head =
            format!("HTTP/1.1 {status} So\r\n{line}Connection: close\r\nContent-Length: {length}\r\n\r\n");
        stream.write_all(format!("{head}{words}").as_bytes()).await.unwrap();
    }
}

/// A whole request; nothing where the other side hangs up.
async fn read(stream: &mut TcpStream) -> Option<Got> {
    let mut bytes = Vec::new();
    let head = loop {
        if let Some(end) = bytes.windows(4).position(|window| window == b"\r\n\r\n") {
            break end;
        }
        if stream.read_buf(&mut bytes).await.ok()? == 0 {
            return None;
        }
    };
    let text = String::from_utf8(bytes[..head].to_vec()).unwrap();
    let headers: BTreeMap<_, _> = text
        .split("\r\n")
        .skip(1)
        .filter_map(|line| line.split_once(": "))
        .map(|(name, value)| (name.to_ascii_lowercase(), value.to_owned()))
        .collect();
    let length: usize = headers.get("content-length").map_or(0, |length| length.parse().unwrap());
    while bytes.len() < head + 4 + length {
        if stream.read_buf(&mut bytes).await.ok()? == 0 {
            return None;
        }
    }
    let body = String::from_utf8(bytes[head + 4..].to_vec()).unwrap();
    Some(Got { headers, body })
}
