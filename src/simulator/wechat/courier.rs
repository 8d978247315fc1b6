//! Pushing events to their owner, signed, and again until they are acknowledged.

use std::io;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use futures_util::StreamExt as _;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use tokio::sync::Notify;
use url::Url;

use super::envelope::Envelope;
use super::event::{Event, data};
use crate::simulator::clock::VendorClock;
use crate::simulator::control::{Disobeyed, read};
use crate::simulator::held::{Counted, Held, lock};
use crate::simulator::http;
use crate::simulator::shell::{Simulator, Vendor};

/// How often somebody who waits for nothing in particular looks whether it is time for another try.
const LOOK: Duration = Duration::from_millis(50);
/// Pushes at the same time.
const AT_ONCE: usize = 8;

/// How an event is written.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum PushFormat {
    #[default]
    Xml,
    Json,
}

/// Where events are pushed, and in which way. WeCom writes XML and encrypts it, whatever this says.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct PushPlan {
    /// An `http://` address; without one nothing is ever told.
    pub url: Option<String>,
    pub format: PushFormat,
    /// Encrypted ("safe mode"), or as it is ("plain mode").
    pub encrypted: bool,
    /// Between what happened and its first push, by the vendor's clock.
    pub delay_ms: u64,
    /// Each push is made so often.
    pub copies: usize,
    /// Events arrive before the call that caused them is answered.
    pub early: bool,
    /// Pushes are dated so long ago.
    pub age_seconds: i64,
    /// Signatures are wrong.
    pub forged: bool,
    /// A vendor gives up after so many tries.
    pub tries: u32,
    /// Between two tries, by the vendor's clock.
    pub retry_ms: u64,
    /// How long an acknowledgement is waited for.
    pub patience_ms: u64,
}

impl Default for PushPlan {
    fn default() -> Self {
        Self {
            url: None,
            format: PushFormat::Xml,
            encrypted: true,
            delay_ms: 0,
            copies: 1,
            early: false,
            age_seconds: 0,
            forged: false,
            tries: 4,
            retry_ms: 5_000,
            patience_ms: 5_000,
        }
    }
}

/// What an owner answered to a push.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct PushAnswer {
    /// None where no answer came in time.
    pub status: Option<u16>,
    pub body: String,
    pub acknowledged: bool,
}

/// Counts of pushes since the start.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct PushStats {
    /// Pushes made, copies and further tries among them.
    pub pushed: u64,
    /// Events whose push was acknowledged.
    pub acknowledged: u64,
    /// Events that were given up.
    pub given_up: u64,
    /// Events that wait for their first push or another one.
    pub waiting: u64,
}

/// An event and how far it is.
#[derive(Clone, Debug)]
struct Waiting {
    event: Event,
    due_at: i64,
    tries: u32,
}

/// Pushes what happened to whom it concerns.
#[derive(Debug)]
pub struct Courier {
    envelope: Envelope,
    /// WeCom's application, which each of its pushes names.
    agent: Option<u64>,
    clock: VendorClock,
    plan: Held<PushPlan>,
    waiting: Mutex<Vec<Waiting>>,
    /// One round at a time, so that whoever has made a round knows that all that was due is told.
    round: tokio::sync::Mutex<()>,
    arrived: Notify,
    counted: Counted<PushStats>,
}

impl Courier {
    pub(in crate::simulator) fn new(
        envelope: Envelope,
        agent: Option<u64>,
        clock: VendorClock,
        plan: PushPlan,
    ) -> Self {
        Self {
            envelope,
            agent,
            clock,
            plan: Held::new(plan),
            waiting: Mutex::default(),
            round: tokio::sync::Mutex::default(),
            arrived: Notify::new(),
            counted: Counted::default(),
        }
    }

    pub(in crate::simulator) fn set_plan(&self, plan: PushPlan) {
        self.plan.set(plan);
    }

    pub(in crate::simulator) fn plan(&self) -> Arc<PushPlan> {
        self.plan.get()
    }

    pub(in crate::simulator) fn stats(&self) -> PushStats {
        PushStats { waiting: lock(&self.waiting).len() as u64, ..self.counted.read() }
    }

    /// Counts begin at nothing, and what waits is forgotten.
    pub(in crate::simulator) fn reset(&self) {
        lock(&self.waiting).clear();
        self.counted.reset();
    }

    /// To be told when its time comes; nobody is told where there is no address.
    pub(in crate::simulator) fn post(&self, event: Event) {
        let plan = self.plan();
        if plan.url.is_none() {
            return;
        }
        let due_at = self.clock.now() + plan.delay_ms as i64;
        lock(&self.waiting).push(Waiting { event, due_at, tries: 0 });
        self.arrived.notify_one();
    }

    /// Pushes what is due, for ever.
    pub(in crate::simulator) async fn run(&self) {
        loop {
            // Time may be turned by hand, which nobody hears of.
            tokio::time::timeout(LOOK, self.arrived.notified()).await.unwrap_or_default();
            self.deliver().await;
        }
    }

    /// Pushes all that is due and gives back the answers, in the order in which it happened.
    pub(in crate::simulator) async fn deliver(&self) -> Vec<PushAnswer> {
        let _round = self.round.lock().await;
        let plan = self.plan();
        let Some(url) = plan.url.as_deref().and_then(|url| Url::parse(url).ok()) else {
            lock(&self.waiting).clear();
            return Vec::new();
        };
        let mut answers = Vec::new();
        loop {
            let due = self.due();
            if due.is_empty() {
                return answers;
            }
            let pushes = due.into_iter().map(|waiting| self.push(&plan, &url, waiting));
            let told: Vec<_> = futures_util::stream::iter(pushes).buffered(AT_ONCE).collect().await;
            answers.extend(told.into_iter().flatten());
        }
    }

    fn due(&self) -> Vec<Waiting> {
        let now = self.clock.now();
        lock(&self.waiting).extract_if(.., |waiting| waiting.due_at <= now).collect()
    }

    async fn push(&self, plan: &PushPlan, url: &Url, waiting: Waiting) -> Vec<PushAnswer> {
        let mut answers = Vec::new();
        for _ in 0..plan.copies {
            answers.push(self.tell(plan, url, &waiting.event).await);
        }
        let tries = waiting.tries + 1;
        if answers.iter().any(|answer| answer.acknowledged) {
            self.counted.count(|counts| counts.acknowledged += 1);
        } else if tries < plan.tries {
            let due_at = self.clock.now() + plan.retry_ms as i64;
            lock(&self.waiting).push(Waiting { due_at, tries, ..waiting });
        } else {
            self.counted.count(|counts| counts.given_up += 1);
        }
        answers
    }

    async fn tell(&self, plan: &PushPlan, url: &Url, event: &Event) -> PushAnswer {
        self.counted.count(|counts| counts.pushed += 1);
        let (url, media_type, body) = self.write(plan, url, event);
        let answer = answered(plan, http::call("POST", &url, media_type, body.as_bytes())).await;
        let Ok((status, body)) = answer else {
            return PushAnswer { status: None, body: String::new(), acknowledged: false };
        };
        let body = String::from_utf8_lossy(&body).into_owned();
        // An account's owner says so, a corp's has but to answer.
        let acknowledged = status == 200 && (self.agent.is_some() || matches!(body.trim(), "" | "success"));
        PushAnswer { status: Some(status), body, acknowledged }
    }

    fn write(&self, plan: &PushPlan, url: &Url, event: &Event) -> (Url, &'static str, String) {
        let (time, nonce) = self.stamp(plan);
        let mut url = url.clone();
        let is_json = self.agent.is_none() && plan.format == PushFormat::Json;
        let message = if is_json { event.json().to_string() } else { event.xml() };
        let media_type = if is_json { "application/json" } else { "text/xml" };
        if self.agent.is_none() {
            let signature = self.sign(plan, &[&time, &nonce]);
            url.query_pairs_mut().append_pair("signature", &signature).append_pair("openid", &event.from);
        }
        url.query_pairs_mut().append_pair("timestamp", &time).append_pair("nonce", &nonce);
        if self.agent.is_none() && !plan.encrypted {
            return (url, media_type, message);
        }
        let sealed = self.envelope.seal(rand::random(), message.as_bytes());
        let signature = self.sign(plan, &[&time, &nonce, &sealed]);
        url.query_pairs_mut().append_pair("msg_signature", &signature);
        if self.agent.is_none() {
            url.query_pairs_mut().append_pair("encrypt_type", "aes");
        }
        let (to, encrypted) = (data(&event.to), data(&sealed));
        let agent =
            self.agent.map(|id| format!("<AgentID>{}</AgentID>", data(&id.to_string()))).unwrap_or_default();
        let body = if is_json {
            json!({ "ToUserName": event.to, "Encrypt": sealed }).to_string()
        } else {
            format!("<xml><ToUserName>{to}</ToUserName>{agent}<Encrypt>{encrypted}</Encrypt></xml>")
        };
        (url, media_type, body)
    }

    /// Asks the address whether it is the owner's: it has to give back what only the owner can have read.
    pub(in crate::simulator) async fn verify(&self) -> Result<(), String> {
        let plan = self.plan();
        let url = plan.url.as_deref().and_then(|url| Url::parse(url).ok());
        let Some(mut url) = url else { return Err("no http:// address is set".to_owned()) };
        let (time, nonce) = self.stamp(&plan);
        let expected = rand::random::<u64>().to_string();
        let (name, echo, signature) = match self.agent {
            None => ("signature", expected.clone(), self.sign(&plan, &[&time, &nonce])),
            Some(_) => {
                let sealed = self.envelope.seal(rand::random(), expected.as_bytes());
                let signature = self.sign(&plan, &[&time, &nonce, &sealed]);
                ("msg_signature", sealed, signature)
            }
        };
        url.query_pairs_mut()
            .append_pair(name, &signature)
            .append_pair("timestamp", &time)
            .append_pair("nonce", &nonce)
            .append_pair("echostr", &echo);
        match answered(&plan, http::call("GET", &url, "text/plain", b"")).await {
            // To the byte: no quotes, no newline.
            Ok((200, body)) if body == expected.as_bytes() => Ok(()),
            Ok((status, body)) => Err(format!("{status} {}", String::from_utf8_lossy(&body))),
            Err(error) => Err(error.to_string()),
        }
    }

    fn stamp(&self, plan: &PushPlan) -> (String, String) {
        let time = self.clock.now() / 1_000 - plan.age_seconds;
        (time.to_string(), rand::random::<u32>().to_string())
    }

    fn sign(&self, plan: &PushPlan, parts: &[&str]) -> String {
        if plan.forged { "0".repeat(40) } else { self.envelope.sign(parts) }
    }
}

async fn answered(
    plan: &PushPlan,
    call: impl Future<Output = io::Result<(u16, Vec<u8>)>>,
) -> io::Result<(u16, Vec<u8>)> {
    tokio::time::timeout(Duration::from_millis(plan.patience_ms), call)
        .await
        .unwrap_or_else(|_| Err(io::ErrorKind::TimedOut.into()))
}

/// A vendor that has a courier.
pub trait Tells: Vendor {
    fn courier(&self) -> &Courier;
}

impl<V: Tells> Simulator<V> {
    /// Where and how events are pushed from now on.
    pub fn set_push(&self, plan: PushPlan) {
        self.vendor.courier().set_plan(plan);
    }

    /// Pushes all that is due, and gives back the answers. Events are pushed without this, too, a moment later.
    pub async fn push_due(&self) -> Vec<PushAnswer> {
        self.vendor.courier().deliver().await
    }

    /// Asks the address that events are pushed to whether it is the owner's.
    pub async fn verify(&self) -> Result<(), String> {
        self.vendor.courier().verify().await
    }
}

impl Courier {
    /// What whoever steers a vendor can have it do: `events` (where and how they are told), `verify` (whether that address
    /// is the owner's), `push` (at once what is due).
    pub(in crate::simulator) async fn obey(
        &self,
        what: &str,
        document: &[u8],
    ) -> Result<Option<Value>, Disobeyed> {
        match what {
            "events" => self.set_plan(read(document)?),
            "push" => return Ok(Some(json!({ "answers": self.deliver().await }))),
            "verify" => {
                let said = self.verify().await;
                return Ok(Some(json!({ "verified": said.is_ok(), "error": said.err() })));
            }
            _ => return Err(Disobeyed::Unknown),
        }
        Ok(None)
    }
}
