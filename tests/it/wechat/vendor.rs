//! A vendor on a socket that says what a test has it say, and remembers what it was asked.

use std::sync::{Arc, Mutex};

use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinHandle;

/// A request as it came.
#[derive(Clone, Debug)]
pub(super) struct Call {
    pub(super) path: String,
    pub(super) query: String,
    pub(super) body: Value,
}

impl Call {
    pub(super) fn token(&self) -> &str {
        self.query.strip_prefix("access_token=").unwrap_or_default()
    }
}

/// What it is answered with.
#[derive(Clone, Debug)]
pub(super) enum Reply {
    Says(Value),
    Status(u16),
    /// The connection ends without a word.
    Silence,
}

pub(super) fn errcode(code: i64, words: &str) -> Reply {
    Reply::Says(json!({ "errcode": code, "errmsg": words }))
}

/// See the module. Answers all tokens and whatever its script leaves to it with success.
pub(super) struct Vendor {
    pub(super) url: String,
    calls: Arc<Mutex<Vec<Call>>>,
    serving: JoinHandle<()>,
}

impl Drop for Vendor {
    fn drop(&mut self) {
        self.serving.abort();
    }
}

type Script = dyn Fn(&Call, usize) -> Option<Reply> + Send + Sync;

impl Vendor {
    /// `script` sees each call and how many there were before it at its path.
    pub(super) async fn start(
        script: impl Fn(&Call, usize) -> Option<Reply> + Send + Sync + 'static,
    ) -> Self {
        // The client wants to know which TLS to use even where there is none.
        rustls::crypto::ring::default_provider().install_default().unwrap_or_default();
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let calls = Arc::new(Mutex::new(Vec::new()));
        let (kept, script): (_, Arc<Script>) = (calls.clone(), Arc::new(script));
        let serving = tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                tokio::spawn(serve(stream, kept.clone(), script.clone()));
            }
        });
        Self { url, calls, serving }
    }

    /// What came at this path, in its order.
    pub(super) fn calls(&self, path: &str) -> Vec<Call> {
        let calls = self.calls.lock().unwrap();
        calls.iter().filter(|call| call.path == path).cloned().collect()
    }
}

async fn serve(mut stream: TcpStream, kept: Arc<Mutex<Vec<Call>>>, script: Arc<Script>) {
    let Some(call) = read(&mut stream).await else { return };
    let before = {
        let mut kept = kept.lock().unwrap();
        let before = kept.iter().filter(|other| other.path == call.path).count();
        kept.push(call.clone());
        before
    };
    let reply = script(&call, before).unwrap_or_else(|| usual(&call, before));
    let (status, body) = match reply {
        Reply::Says(body) => (200, body.to_string()),
        Reply::Status(status) => (status, "<html></html>".to_owned()),
        Reply::Silence => return,
    };
    let head = format!("HTTP/1.1 {status} X\r\ncontent-length: {}\r\nconnection: close\r\n\r\n", body.len());
    stream.write_all(format!("{head}{body}").as_bytes()).await.unwrap_or_default();
}

fn usual(call: &Call, before: usize) -> Reply {
    Reply::Says(match call.path.as_str() {
        "/cgi-bin/stable_token" => json!({ "access_token": "token-0", "expires_in": 7200 }),
        "/cgi-bin/gettoken" => {
            json!({ "errcode": 0, "errmsg": "ok", "access_token": "token-0", "expires_in": 7200 })
        }
        "/cgi-bin/openapi/quota/get" => json!({
            "errcode": 0, "errmsg": "ok", "quota": { "daily_limit": 100_000, "used": 877, "remain": 99_123 },
        }),
        "/cgi-bin/message/subscribe/bizsend" => json!({ "errcode": 0, "errmsg": "ok" }),
        _ => json!({ "errcode": 0, "errmsg": "ok", "msgid": 200_163_836 + before }),
    })
}

async fn read(stream: &mut TcpStream) -> Option<Call> {
    let mut bytes = Vec::new();
    let (head, mut body) = loop {
        if stream.read_buf(&mut bytes).await.ok()? == 0 {
            return None;
        }
        if let Some(end) = bytes.windows(4).position(|four| four == b"\r\n\r\n") {
            break (String::from_utf8(bytes[..end].to_vec()).ok()?, bytes[end + 4..].to_vec());
        }
    };
    let head = head.to_ascii_lowercase().replacen("post ", "", 1).replacen("get ", "", 1);
    let length = head.split("content-length: ").nth(1).and_then(|rest| rest.lines().next()?.parse().ok());
    while body.len() < length.unwrap_or(0) {
        stream.read_buf(&mut body).await.ok().filter(|count| *count > 0)?;
    }
    let target = head.split(' ').next()?;
    let (path, query) = target.split_once('?').unwrap_or((target, ""));
    Some(Call {
        path: path.to_owned(),
        query: query.to_owned(),
        body: serde_json::from_slice(&body).unwrap_or_default(),
    })
}
