//! The gateway as its owner holds it: start, look, change, stop.

use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::sync::{Arc, Mutex};

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
use crate::simulator::control::{Disobeyed, Steered, read};
use crate::simulator::held::{Counted, Held, lock};
use crate::simulator::http::{Answer, Request};
use crate::simulator::shelf::Lookup;
use crate::simulator::shell::{Simulator, Vendor};

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

/// The gateway behind its port.
pub struct Gateway {
    signature: Option<SignatureCheck>,
    answer: AnswerFormat,
    plan: Held<Plan>,
    receipts: Held<ReceiptPlan>,
    waiting: Waiting,
    /// Receipts under way.
    pushes: Mutex<JoinSet<()>>,
    inbox: Inbox,
    counted: Counted<HttpSmsStats>,
    /// Of ids, which are never given twice.
    taken: AtomicU64,
}

/// A running gateway. Stops when dropped.
pub type HttpSmsSimulator = Simulator<Gateway>;

impl HttpSmsSimulator {
    /// Listens, and serves each connection on the runtime this is called from. Fails if the address is taken.
    pub async fn start(options: HttpSmsOptions) -> io::Result<Self> {
        let gateway = Gateway {
            signature: options.signature,
            answer: options.answer,
            plan: Held::new(Plan::new(options.faults)),
            receipts: Held::new(options.receipts),
            waiting: Waiting::default(),
            pushes: Mutex::default(),
            inbox: options.inbox,
            counted: Counted::default(),
            taken: AtomicU64::new(0),
        };
        Self::open(options.listen, false, gateway).await
    }

    /// Where texts are handed to it.
    pub fn send_url(&self) -> String {
        format!("{}/send", self.url())
    }

    /// The settings of a provider of the kind `http_sms` that sends to a gateway that answers in JSON and wants calls
    /// signed as [`SignatureCheck::usual`], or not at all.
    pub fn settings(&self) -> Value {
        let mut settings = json!({
            "request": {"url": self.send_url(), "body": {"mobile": "{to}", "content": "{text}", "id": "{id}"}},
            "recipients": {"per_call": 100},
            "answer": {
                "success": {"pointer": "/code", "equals": TAKEN}, "message_id": "/msgid",
                "failed_numbers": "/failed", "code": "/code", "codes": {
                    BAD_SIGNATURE: "config", BAD_CALL: "permanent_message", BAD_NUMBER: "permanent_recipient",
                },
            },
            "receipt": {"bounced": [EMPTY_NUMBER]},
        });
        if let Some(check) = &self.vendor.signature {
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
        self.vendor.inbox.clone()
    }

    /// For receipts of texts taken from now on.
    pub fn set_receipts(&self, plan: ReceiptPlan) {
        self.vendor.receipts.set(plan);
    }

    /// Tells a customer at `url` all that was not told yet, and gives back the answers.
    pub async fn push(&self, url: &Url) -> Vec<Pushed> {
        self.vendor.push(url).await
    }
}

impl Vendor for Gateway {
    type Stats = HttpSmsStats;

    fn stats(&self) -> HttpSmsStats {
        self.counted.read()
    }

    async fn called(&self, request: Request) -> Answer {
        self.counted.count(|counts| counts.calls += 1);
        let call = Call::read(&request);
        let numbers = call.as_ref().map(|call| call.numbers.clone()).unwrap_or_default();
        if let Some(answer) = self.moment(Moment::Call, &numbers).await {
            return answer;
        }
        let usual = self.take(call, request).await;
        self.moment(Moment::Sent, &numbers).await.unwrap_or(usual)
    }

    async fn end(&self) {
        let mut pushes = std::mem::take(&mut *lock(&self.pushes));
        pushes.shutdown().await;
    }
}

/// Where to push to; without it to the address of the plan.
#[derive(Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
struct PushTo {
    url: Option<String>,
}

impl Steered for Gateway {
    type Faults = SmsFaults;

    fn shown(&self) -> Value {
        json!({
            "stats": self.stats(), "texts": self.inbox.total(), "faults": self.plan.get().faults,
            "receipts": &*self.receipts.get(),
        })
    }

    fn set_faults(&self, faults: SmsFaults) {
        self.plan.set(Plan::new(faults));
    }

    fn reset(&self) {
        self.counted.reset();
        self.inbox.clear();
    }

    fn received(&self, lookup: &Lookup) -> Value {
        json!(self.inbox.list(lookup))
    }

    fn found(&self, sequence: u64) -> Option<Value> {
        self.inbox.shown(sequence)
    }

    async fn obey(&self, what: &str, document: &[u8]) -> Result<Option<Value>, Disobeyed> {
        match what {
            "receipts" => self.receipts.set(read(document)?),
            "push" => {
                let PushTo { url } = read(document)?;
                let url = url.map_or_else(|| self.receipts.get().to(), |url| url.parse().ok());
                let url = url.ok_or_else(|| Disobeyed::Unreadable("at which url?".to_owned()))?;
                return Ok(Some(json!(self.push(&url).await)));
            }
            _ => return Err(Disobeyed::Unknown),
        }
        Ok(None)
    }
}

impl Gateway {
    async fn push(&self, url: &Url) -> Vec<Pushed> {
        receipts::push(&self.receipts.get(), url, self.waiting.take(), &self.inbox).await
    }

    /// What goes wrong now instead of the usual answer.
    async fn moment(&self, at: Moment, numbers: &[String]) -> Option<Answer> {
        let plan = self.plan.get();
        tokio::time::sleep(plan.delay(at)).await;
        let act = plan.pick(at, numbers)?;
        match &act {
            SmsAct::Code(code) => return Some(self.refuse(code, &[])),
            SmsAct::Hang => self.counted.count(|counts| counts.hung += 1),
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
        let plan = self.plan.get();
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
        self.counted.count(|counts| counts.dropped += dropped);
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
        let plan = self.receipts.get();
        match plan.to() {
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
        self.counted.count(|counts| counts.refused += 1);
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
