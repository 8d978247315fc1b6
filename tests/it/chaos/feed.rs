//! A source that posts message after message, and each of them again with the same key until it has a 202.

use std::collections::HashMap;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering::SeqCst};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use reqwest::Client;
use serde_json::{Value, json};
use tokio::sync::watch;
use tokio::task::JoinSet;

use super::vendors::{mail_address, member, telephone};

/// Messages under way at once.
const SENDERS: usize = 8;
/// A node that stands still takes connections and answers nothing.
const PATIENCE: Duration = Duration::from_secs(2);
/// Between two tries of the same message.
const PAUSE: Duration = Duration::from_millis(25);

/// Clones are the same feed.
#[derive(Clone)]
pub(super) struct Feed {
    shared: Arc<Shared>,
}

struct Shared {
    /// Of the nodes that take messages.
    urls: Vec<String>,
    key: String,
    client: Client,
    messages: usize,
    next: AtomicUsize,
    /// How many may be posted by now.
    released: watch::Sender<usize>,
    /// The id of each that has a 202.
    accepted: Mutex<HashMap<usize, String>>,
    /// Tries that came to nothing: no connection, no answer, or 503.
    turned_away: AtomicU64,
    /// 202s that say that the message had been accepted before.
    replayed: AtomicU64,
    /// Answers that no source should ever get.
    wrong: Mutex<Vec<String>>,
}

/// Whether a message is an emergency, which waits for nobody else: each fourth, so that each kind of address has some.
pub(super) fn is_emergency(number: usize) -> bool {
    number % 4 == 1
}

/// Whom a message is for, as the store writes their addresses: one mailbox, for each third two telephones as well, and for
/// the one after it somebody in WeCom.
pub(super) fn addresses(number: usize) -> Vec<String> {
    let mut addresses = vec![mail_address(number)];
    addresses.extend(telephones(number).map(|telephone| format!("+86{telephone}")));
    addresses.extend(members(number));
    addresses
}

fn telephones(number: usize) -> impl Iterator<Item = String> {
    let how_many = if number.is_multiple_of(3) { 2 } else { 0 };
    (0..how_many).map(move |place| telephone(2 * number + place))
}

fn members(number: usize) -> Option<String> {
    (number % 3 == 1).then(|| member(number))
}

fn body(number: usize) -> Value {
    let mut to = vec![json!({"email": mail_address(number)})];
    to.extend(telephones(number).map(|mobile| json!({"mobile": mobile})));
    to.extend(members(number).map(|member| json!({"wecom_userid": member})));
    json!({
        "topic": "academic.course-change",
        "category": if is_emergency(number) { "emergency" } else { "announcement" },
        "title": format!("第 {number} 号调课通知"),
        "body": "周三下午的《大学物理》改在教三 204。",
        "to": to,
    })
}

impl Feed {
    /// Posts nothing before something is released.
    pub(super) fn new(urls: Vec<String>, key: String, messages: usize) -> Self {
        let client =
            Client::builder().no_proxy().timeout(PATIENCE).pool_max_idle_per_host(2).build().unwrap();
        let shared = Shared {
            urls,
            key,
            client,
            messages,
            next: AtomicUsize::new(0),
            released: watch::Sender::new(0),
            accepted: Mutex::default(),
            turned_away: AtomicU64::new(0),
            replayed: AtomicU64::new(0),
            wrong: Mutex::default(),
        };
        Self { shared: Arc::new(shared) }
    }

    /// Posts in the background until every message was accepted.
    pub(super) fn start(&self) -> JoinSet<()> {
        let mut senders = JoinSet::new();
        for _ in 0..SENDERS {
            let feed = self.clone();
            senders.spawn(async move { feed.send().await });
        }
        senders
    }

    /// So many may be posted.
    pub(super) fn release(&self, messages: usize) {
        self.shared.released.send_replace(messages.min(self.shared.messages));
    }

    /// Everything released was accepted.
    pub(super) fn is_caught_up(&self) -> bool {
        self.accepted() >= *self.shared.released.borrow()
    }

    pub(super) fn accepted(&self) -> usize {
        self.shared.accepted.lock().unwrap().len()
    }

    /// Ids of what was accepted.
    pub(super) fn ids(&self) -> Vec<String> {
        self.shared.accepted.lock().unwrap().values().cloned().collect()
    }

    pub(super) fn turned_away(&self) -> u64 {
        self.shared.turned_away.load(SeqCst)
    }

    pub(super) fn replayed(&self) -> u64 {
        self.shared.replayed.load(SeqCst)
    }

    pub(super) fn wrong(&self) -> Vec<String> {
        self.shared.wrong.lock().unwrap().clone()
    }

    async fn send(&self) {
        let mut released = self.shared.released.subscribe();
        loop {
            let number = self.shared.next.fetch_add(1, SeqCst);
            if number >= self.shared.messages {
                return;
            }
            released.wait_for(|released| number < *released).await.unwrap();
            let mut tries = number;
            let id = loop {
                if let Some(id) = self.post(number, tries % self.shared.urls.len()).await {
                    break id;
                }
                tries += 1;
                self.shared.turned_away.fetch_add(1, SeqCst);
                tokio::time::sleep(PAUSE).await;
            };
            self.shared.accepted.lock().unwrap().insert(number, id);
        }
    }

    /// The message's id, if this node accepts it.
    async fn post(&self, number: usize, node: usize) -> Option<String> {
        let shared = &self.shared;
        let request = shared.client.post(format!("{}/api/v1/messages", shared.urls[node]));
        let request = request.bearer_auth(&shared.key).header("Idempotency-Key", format!("storm-{number}"));
        let answer = request.json(&body(number)).send().await.ok()?;
        let (status, headers) = (answer.status().as_u16(), answer.headers().clone());
        let text = answer.text().await.ok()?;
        match status {
            202 => {
                let is_replayed = headers.contains_key("idempotent-replayed");
                shared.replayed.fetch_add(u64::from(is_replayed), SeqCst);
                let body: Value = serde_json::from_str(&text).unwrap();
                Some(body["id"].as_str().unwrap().to_owned())
            }
            503 => {
                if !headers.contains_key("retry-after") {
                    self.note(format!("503 that does not say when to come back: {text}"));
                }
                None
            }
            status => {
                self.note(format!("message {number}: {status} {text}"));
                None
            }
        }
    }

    fn note(&self, what: String) {
        self.shared.wrong.lock().unwrap().push(what);
    }
}
