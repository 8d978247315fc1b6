//! The gateway as its owner holds it: start, look, change, stop.

use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use tokio::task::JoinSet;
use url::Url;

use super::answer::{AnswerFormat, BAD_CALL, BAD_NUMBER, BAD_SIGNATURE, Reply, TAKEN};
use super::faults::{Fate, Moment, Plan, SmsAct, SmsFaults};
use super::inbox::Inbox;
use super::receipts::{self, EMPTY_NUMBER, Pushed, ReceiptPlan, Record, Waiting};
use super::request::Call;
use super::signature::SignatureCheck;
use crate::simulator::control::{self, Disobeyed, FAULTS, RESET, Steered};
use crate::simulator::http::{Answer, Request, Server, Service};

/// How a gateway is set up. The default listens on a free loopback port, believes everybody, answers in JSON and keeps
/// its receipts to itself.
#[derive(Clone, Debug)]
pub struct HttpSmsOptions {
    pub listen: SocketAddr,
    /// Without which calls are refused.
    pub signature: Option<SignatureCheck>,
    pub answer: AnswerFormat,
    pub faults: SmsFaults,
    pub receipts: ReceiptPlan,
    /// Where texts go. Give the same one to a gateway started anew, and its counts go on.
    pub inbox: Inbox,
}

impl Default for HttpSmsOptions {
    fn default() -> Self {
        Self {
            listen: SocketAddr::from((Ipv4Addr::LOCALHOST, 0)),
            signature: None,
            answer: AnswerFormat::Json,
            faults: SmsFaults::default(),
            receipts: ReceiptPlan::default(),
            inbox: Inbox::default(),
        }
    }
}

/// Counts since the start, or since they were set back.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct HttpSmsStats {
    /// Whole requests.
    pub calls: u64,
    /// Calls answered with a code of refusal.
    pub refused: u64,
    /// Calls left hanging: wait for it to know that a client is stuck.
    pub hung: u64,
    /// Texts that were taken and let fall.
    pub dropped: u64,
}

/// The gateway behind its socket.
struct Gateway {
    signature: Option<SignatureCheck>,
    answer: AnswerFormat,
    plan: Mutex<Arc<Plan>>,
    receipts: Mutex<Arc<ReceiptPlan>>,
    waiting: Waiting,
    /// Receipts under way.
    pushes: Mutex<JoinSet<()>>,
    inbox: Inbox,
    calls: AtomicU64,
    refused: AtomicU64,
    hung: AtomicU64,
    dropped: AtomicU64,
    /// Of ids, which are never given twice.
    taken: AtomicU64,
}

/// A running gateway. Stops when dropped.
pub struct HttpSmsSimulator {
    gateway: Arc<Gateway>,
    server: Server,
}

impl HttpSmsSimulator {
    /// Listens, and serves each connection on the runtime this is called from. Fails if the address is taken.
    pub async fn start(options: HttpSmsOptions) -> io::Result<Self> {
        let gateway = Arc::new(Gateway {
            signature: options.signature,
            answer: options.answer,
            plan: Mutex::new(Arc::new(Plan::new(options.faults))),
            receipts: Mutex::new(Arc::new(options.receipts)),
            waiting: Waiting::default(),
            pushes: Mutex::default(),
            inbox: options.inbox,
            calls: AtomicU64::new(0),
            refused: AtomicU64::new(0),
            hung: AtomicU64::new(0),
            dropped: AtomicU64::new(0),
            taken: AtomicU64::new(0),
        });
        let server = Server::start(options.listen, Arc::clone(&gateway)).await?;
        Ok(Self { gateway, server })
    }

    /// Where it listens, with the real port.
    pub fn addr(&self) -> SocketAddr {
        self.server.addr()
    }

    /// Where texts are handed to it.
    pub fn url(&self) -> String {
        format!("http://{}/send", self.addr())
    }

    /// The settings of a provider of the kind `http_sms` that sends to a gateway that answers in JSON and wants calls
    /// signed as [`SignatureCheck::usual`], or not at all.
    pub fn settings(&self) -> Value {
        let mut settings = json!({
            "request": {"url": self.url(), "body": {"mobile": "{to}", "content": "{text}", "id": "{id}"}},
            "recipients": {"per_call": 100},
            "answer": {
                "success": {"pointer": "/code", "equals": TAKEN}, "message_id": "/msgid",
                "failed_numbers": "/failed", "code": "/code", "codes": {
                    BAD_SIGNATURE: "config", BAD_CALL: "permanent_message", BAD_NUMBER: "permanent_recipient",
                },
            },
            "receipt": {"bounced": [EMPTY_NUMBER]},
        });
        if let Some(check) = &self.gateway.signature {
            settings["request"]["headers"] = json!({"X-Account": "{secret.account}"});
            settings["request"]["body"]["time"] = "{timestamp}".into();
            settings["request"]["body"]["sign"] = "{signature}".into();
            settings["secrets"] = json!({"account": "belltower", "key": check.key});
            settings["signature"] = json!({
                "algorithm": "hmac-sha256", "over": "{secret.account}{to}{timestamp}", "key": "{secret.key}",
            });
        }
        settings
    }

    pub fn inbox(&self) -> Inbox {
        self.gateway.inbox.clone()
    }

    pub fn stats(&self) -> HttpSmsStats {
        self.gateway.stats()
    }

    /// From the next moment of each call on these faults hold instead of the ones before.
    pub fn set_faults(&self, faults: SmsFaults) {
        self.gateway.set_faults(faults);
    }

    /// For receipts of texts taken from now on.
    pub fn set_receipts(&self, plan: ReceiptPlan) {
        self.gateway.set_receipts(plan);
    }

    /// Tells a customer at `url` all that was not told yet, and gives back the answers.
    pub async fn push(&self, url: &Url) -> Vec<Pushed> {
        self.gateway.push(url).await
    }

    /// Closes the port and every connection. When it returns nothing more is taken or told.
    pub async fn stop(self) {
        self.server.stop().await;
        let mut pushes = std::mem::take(&mut *lock(&self.gateway.pushes));
        pushes.shutdown().await;
    }
}

fn lock<T>(of: &Mutex<T>) -> MutexGuard<'_, T> {
    of.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Service for Gateway {
    async fn answer(&self, request: Request) -> Answer {
        if let Some(answer) = control::answer(self, &request).await {
            return answer;
        }
        self.calls.fetch_add(1, Relaxed);
        let call = Call::read(&request);
        let numbers = call.as_ref().map(|call| call.numbers.clone()).unwrap_or_default();
        if let Some(answer) = self.moment(Moment::Call, &numbers).await {
            return answer;
        }
        let usual = self.take(call, request).await;
        self.moment(Moment::Sent, &numbers).await.unwrap_or(usual)
    }
}

/// Where to push to.
#[derive(Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
struct PushTo {
    url: String,
}

impl Steered for Gateway {
    fn shown(&self) -> Value {
        let (plan, receipts) = (Arc::clone(&lock(&self.plan)), Arc::clone(&lock(&self.receipts)));
        json!({
            "stats": self.stats(), "texts": self.inbox.total(), "faults": plan.faults, "receipts": &*receipts,
        })
    }

    async fn obey(&self, what: &str, document: &[u8]) -> Result<Value, Disobeyed> {
        match what {
            FAULTS => self.set_faults(control::read(document)?),
            "receipts" => self.set_receipts(control::read(document)?),
            "push" => {
                let PushTo { url } = control::read(document)?;
                let url = url.parse().map_err(|_| Disobeyed::Unreadable("push to which url?".to_owned()))?;
                return Ok(json!(self.push(&url).await));
            }
            RESET => self.reset(),
            _ => return Err(Disobeyed::Unknown),
        }
        Ok(self.shown())
    }
}

impl Gateway {
    fn stats(&self) -> HttpSmsStats {
        HttpSmsStats {
            calls: self.calls.load(Relaxed),
            refused: self.refused.load(Relaxed),
            hung: self.hung.load(Relaxed),
            dropped: self.dropped.load(Relaxed),
        }
    }

    fn set_faults(&self, faults: SmsFaults) {
        *lock(&self.plan) = Arc::new(Plan::new(faults));
    }

    fn set_receipts(&self, plan: ReceiptPlan) {
        *lock(&self.receipts) = Arc::new(plan);
    }

    async fn push(&self, url: &Url) -> Vec<Pushed> {
        let plan = Arc::clone(&lock(&self.receipts));
        receipts::push(&plan, url, self.waiting.take(), &self.inbox).await
    }

    fn reset(&self) {
        for counter in [&self.calls, &self.refused, &self.hung, &self.dropped] {
            counter.store(0, Relaxed);
        }
        self.inbox.clear();
    }

    /// What goes wrong now instead of the usual answer.
    async fn moment(&self, at: Moment, numbers: &[String]) -> Option<Answer> {
        let plan = Arc::clone(&lock(&self.plan));
        tokio::time::sleep(plan.delay(at)).await;
        let act = plan.pick(at, numbers)?;
        match &act {
            SmsAct::Code(code) => return Some(self.refuse(code, &[])),
            SmsAct::Hang => drop(self.hung.fetch_add(1, Relaxed)),
            _ => {}
        }
        act.seen(&self.written(TAKEN, "88", &[]).1)
    }

    /// Sends a call's texts and says so.
    async fn take(&self, call: Option<Call>, request: Request) -> Answer {
        let Some(call) = call else { return self.refuse(BAD_CALL, &[]) };
        if self.signature.as_ref().is_some_and(|check| !check.is_right(&call)) {
            return self.refuse(BAD_SIGNATURE, &[]);
        }
        let plan = Arc::clone(&lock(&self.plan));
        let (mut taken, mut failed, mut dropped, mut code) = (Vec::new(), Vec::new(), 0, None);
        for number in &call.numbers {
            match plan.fate(number) {
                Fate::Taken => taken.push(number.clone()),
                Fate::Failed(named) => {
                    failed.push(number.clone());
                    code = code.or(named);
                }
                Fate::Dropped => dropped += 1,
            }
        }
        if taken.is_empty() && dropped == 0 {
            return self.refuse(code.as_deref().unwrap_or(BAD_NUMBER), &failed);
        }
        self.dropped.fetch_add(dropped, Relaxed);
        let id = format!("88{:012}", self.taken.fetch_add(1, Relaxed) + 1);
        let request = Arc::new(request);
        for number in &taken {
            self.inbox.take(number, &call.text, &id, &request);
        }
        let record = |number| Record { call: id.clone(), number, client_id: call.client_id() };
        self.tell(taken.into_iter().map(record).collect()).await;
        self.say(TAKEN, &id, &failed)
    }

    async fn tell(&self, records: Vec<Record>) {
        let plan = Arc::clone(&lock(&self.receipts));
        match plan.url.as_deref().and_then(|url| Url::parse(url).ok()) {
            None => self.waiting.add(records),
            Some(url) if plan.early => drop(receipts::push(&plan, &url, records, &self.inbox).await),
            Some(url) => {
                let mut pushes = lock(&self.pushes);
                while pushes.try_join_next().is_some() {}
                pushes.spawn(receipts::push_later(plan, url, records, self.inbox.clone()));
            }
        }
    }

    fn refuse(&self, code: &str, failed: &[String]) -> Answer {
        self.refused.fetch_add(1, Relaxed);
        self.say(code, "", failed)
    }

    fn say(&self, code: &str, id: &str, failed: &[String]) -> Answer {
        let (media_type, body) = self.written(code, id, failed);
        let headers = vec![("Content-Type", media_type.to_owned())];
        Answer::Other { status: 200, headers, body: body.into_bytes() }
    }

    fn written(&self, code: &str, id: &str, failed: &[String]) -> (&'static str, String) {
        Reply { code, id, failed }.write(self.answer)
    }
}
