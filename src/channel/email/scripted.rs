//! A relay that follows a script, so that a test decides what it says when.

use std::sync::{Arc, Mutex};

use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{mpsc, oneshot};

use super::pool::Pool;
use super::settings;
use crate::clock::{Clock, Timestamp};

pub(super) const START: Timestamp = Timestamp(1_790_000_000_000);

#[derive(Clone, Copy, Debug)]
pub(super) enum Turn {
    /// Listens until it has heard this, then says that.
    On(&'static str, &'static str),
    /// Tells the test, and goes on when it says so.
    Meet,
    /// Closes the connection; at a script's end it stays open.
    Close,
}

pub(super) struct Relay {
    pub(super) pool: Arc<Pool>,
    pub(super) clock: Clock,
    /// What each connection has heard.
    heard: Arc<Mutex<Vec<String>>>,
    meetings: mpsc::UnboundedReceiver<oneshot::Sender<()>>,
}

impl Relay {
    /// A script for each connection that is opened, from EHLO on.
    pub(super) async fn following(scripts: &[&[Turn]]) -> Self {
        Self::with(scripts, json!({})).await
    }

    /// One that is given up soon.
    pub(super) async fn impatiently(scripts: &[&[Turn]]) -> Self {
        Self::with(scripts, json!({"timeout_seconds": 0.2})).await
    }

    /// `more` is laid over the usual settings.
    pub(super) async fn with(scripts: &[&[Turn]], more: Value) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let mut all = json!({
            "host": "127.0.0.1", "port": listener.local_addr().unwrap().port(), "tls": "none", "connections": 1,
            "from_address": "a@b.example", "from_name": "a",
        });
        all.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        let (relay, _) = settings::read(&all).unwrap();
        let scripts: Vec<Vec<Turn>> = scripts.iter().map(|script| script.to_vec()).collect();
        let heard = Arc::new(Mutex::new(Vec::new()));
        let (meet, meetings) = mpsc::unbounded_channel();
        tokio::spawn({
            let heard = Arc::clone(&heard);
            async move {
                for (number, script) in scripts.into_iter().enumerate() {
                    let (stream, _) = listener.accept().await.unwrap();
                    heard.lock().unwrap().push(String::new());
                    tokio::spawn(follow(stream, script, number, Arc::clone(&heard), meet.clone()));
                }
            }
        });
        let clock = Clock::manual(START);
        Self { pool: Pool::new(relay, None, clock.clone()), clock, heard, meetings }
    }

    /// Waits until the script meets the test; it goes on when what this returns is used.
    pub(super) async fn met(&mut self) -> oneshot::Sender<()> {
        self.meetings.recv().await.unwrap()
    }

    /// What a connection has heard.
    pub(super) fn heard(&self, connection: usize) -> String {
        self.heard.lock().unwrap()[connection].clone()
    }

    pub(super) fn connections(&self) -> usize {
        self.heard.lock().unwrap().len()
    }
}

async fn follow(
    mut stream: TcpStream,
    script: Vec<Turn>,
    number: usize,
    heard: Arc<Mutex<Vec<String>>>,
    meet: mpsc::UnboundedSender<oneshot::Sender<()>>,
) {
    stream.write_all(b"220 here\r\n").await.unwrap();
    let mut waiting = String::new();
    for step in script {
        match step {
            Turn::On(cue, line) => {
                while !waiting.contains(cue) {
                    let mut bytes = [0; 1_024];
                    let Ok(count @ 1..) = stream.read(&mut bytes).await else { return };
                    let text = str::from_utf8(&bytes[..count]).unwrap();
                    heard.lock().unwrap()[number].push_str(text);
                    waiting.push_str(text);
                }
                let end = waiting.find(cue).unwrap() + cue.len();
                waiting.drain(..end);
                if stream.write_all(line.as_bytes()).await.is_err() {
                    return;
                }
            }
            Turn::Meet => {
                let (go, gone) = oneshot::channel();
                meet.send(go).unwrap();
                let _ = gone.await;
            }
            Turn::Close => return,
        }
    }
    let mut rest = Vec::new();
    let _ = stream.read_to_end(&mut rest).await;
    heard.lock().unwrap()[number].push_str(&String::from_utf8_lossy(&rest));
}
