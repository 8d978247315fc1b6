//! The account as its owner holds it: start, look, change, stop; and each call's answer.

use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use serde::Serialize;
use serde_json::{Value, json};
use tokio::task::JoinHandle;
use url::Url;

use super::account::Account;
use super::answer::{Manner, Refusal};
use super::details::{Detail, Details};
use super::faults::{AliyunFaults, SIGN, TEMPLATE, Terms};
use super::gate::{Call, Gate};
use super::texts::{self, Text};
use crate::simulator::VendorClock;
use crate::simulator::control;
use crate::simulator::http::{self, Answer, Request, Server, Service};
use crate::simulator::http_sms::{Fate, Inbox, Moment, Pushed, SmsAct, SmsRequest};
use crate::simulator::reports::{self, Outbox, ReportPlan, ReportStats};
use crate::simulator::tls::Identity;

/// The vendor's own: again after one minute, five and ten.
const REPORTS: reports::Manner =
    reports::Manner { acknowledged: "code", retry_ms: &[60_000, 300_000, 600_000], at_once: 100 };
/// How long the console waits when it tries an address for reports.
const PATIENCE: Duration = Duration::from_millis(700);

/// How an account is set up. The default listens on a free loopback port in clear, and keeps its reports to itself.
#[derive(Clone, Debug)]
pub struct AliyunOptions {
    pub listen: SocketAddr,
    /// With a certificate by [`ca_pem`](AliyunSimulator::ca_pem).
    pub tls: bool,
    pub access_key_id: String,
    pub access_key_secret: String,
    pub faults: AliyunFaults,
    pub reports: ReportPlan,
    /// Where texts go. Give the same one to an account started anew, and its counts go on.
    pub inbox: Inbox,
    pub clock: VendorClock,
}

impl Default for AliyunOptions {
    fn default() -> Self {
        Self {
            listen: SocketAddr::from((Ipv4Addr::LOCALHOST, 0)),
            tls: false,
            access_key_id: "LTAI-simulator".to_owned(),
            access_key_secret: "simulator-secret".to_owned(),
            faults: AliyunFaults::default(),
            reports: ReportPlan::default(),
            inbox: Inbox::default(),
            clock: VendorClock::default(),
        }
    }
}

/// Counts since the start, or since they were set back.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct AliyunStats {
    pub send_sms: u64,
    pub send_batch_sms: u64,
    pub query_send_details: u64,
    /// Answers with a code that is not `OK`, whatever was asked.
    pub refused: u64,
    /// Calls left hanging: wait for it to know that a client is stuck.
    pub hung: u64,
    /// Texts that were taken and let fall.
    pub dropped: u64,
    pub reports: ReportStats,
}

#[derive(Debug, Default)]
struct Counters {
    send_sms: AtomicU64,
    send_batch_sms: AtomicU64,
    query_send_details: AtomicU64,
    refused: AtomicU64,
    hung: AtomicU64,
    dropped: AtomicU64,
}

pub(super) struct Shared {
    gate: Gate,
    terms: Mutex<Arc<Terms>>,
    reports: Mutex<Arc<ReportPlan>>,
    outbox: Outbox,
    account: Mutex<Account>,
    details: Mutex<Details>,
    inbox: Inbox,
    clock: VendorClock,
    counters: Counters,
    /// Of ids, which are never given twice.
    calls: AtomicU64,
}

/// A running account. Stops when dropped.
pub struct AliyunSimulator {
    server: Server,
    shared: Arc<Shared>,
    telling: JoinHandle<()>,
    ca_pem: Option<String>,
}

impl AliyunSimulator {
    /// Listens, and serves on the runtime this is called from. Fails if the address is taken.
    pub async fn start(options: AliyunOptions) -> io::Result<Self> {
        let (listen, tls) = (options.listen, options.tls);
        let shared = Arc::new(Shared {
            gate: Gate::new(options.access_key_id, options.access_key_secret),
            terms: Mutex::new(Arc::new(Terms::new(options.faults))),
            reports: Mutex::new(Arc::new(options.reports)),
            outbox: Outbox::new(REPORTS),
            account: Mutex::default(),
            details: Mutex::default(),
            inbox: options.inbox,
            clock: options.clock,
            counters: Counters::default(),
            calls: AtomicU64::new(0),
        });
        let identity = if tls { Some(Identity::issue(listen)?) } else { None };
        let acceptor = identity.as_ref().map(|identity| identity.acceptor.clone());
        let server = Server::begin(listen, Arc::clone(&shared), acceptor).await?;
        let telling = tokio::spawn(keep_telling(Arc::clone(&shared)));
        Ok(Self { server, shared, telling, ca_pem: identity.map(|identity| identity.ca_pem) })
    }

    /// Where it listens, with the real port.
    pub fn addr(&self) -> SocketAddr {
        self.server.addr()
    }

    /// Where its API is.
    pub fn url(&self) -> String {
        let scheme = if self.ca_pem.is_some() { "https" } else { "http" };
        format!("{scheme}://{}", self.addr())
    }

    /// What a client must trust, where it speaks TLS.
    pub fn ca_pem(&self) -> Option<&str> {
        self.ca_pem.as_deref()
    }

    /// The settings of a provider of the kind `aliyun_sms` that sends to it by one of the templates an account usually has.
    pub fn settings(&self) -> Value {
        let Gate { key_id, secret, .. } = &self.shared.gate;
        json!({
            "access_key_id": key_id, "access_key_secret": secret, "sign_name": SIGN, "endpoint": self.url(),
            "default_template": {"code": TEMPLATE, "variables": {"title": "title", "body": "body"}},
        })
    }

    pub fn inbox(&self) -> Inbox {
        self.shared.inbox.clone()
    }

    pub fn stats(&self) -> AliyunStats {
        self.shared.stats()
    }

    /// From the next moment of each call on this account holds instead of the one before.
    pub fn set_faults(&self, faults: AliyunFaults) {
        self.shared.set_faults(faults);
    }

    /// For reports of texts taken from now on, and for all pushes.
    pub fn set_reports(&self, plan: ReportPlan) {
        self.shared.set_reports(plan);
    }

    /// Tells a customer at `url` all that is due and was not told yet, and gives back the answers.
    pub async fn push(&self, url: &Url) -> Vec<Pushed> {
        self.shared.push(url).await
    }

    /// Tries an address for reports as the console does before it takes it. The error says what is wrong with it.
    pub async fn check(&self, url: &Url) -> Result<(), String> {
        check(url).await
    }

    /// Closes the port and every connection. When it returns nothing more is taken or told.
    pub async fn stop(mut self) {
        self.telling.abort();
        // It was cancelled, which is no news.
        let _ = (&mut self.telling).await;
        self.server.stop().await;
    }
}

async fn keep_telling(shared: Arc<Shared>) {
    loop {
        let is_told = shared.reports().to().is_some();
        shared.outbox.wait(shared.clock.now(), is_told).await;
        shared.tell().await;
    }
}

pub(super) async fn check(url: &Url) -> Result<(), String> {
    let call = http::call("GET", url, "application/json", b"");
    let (status, body) = tokio::time::timeout(PATIENCE, call)
        .await
        .map_err(|_| format!("no answer within {} ms", PATIENCE.as_millis()))?
        .map_err(|error| error.to_string())?;
    let said: Value = serde_json::from_slice(&body).unwrap_or_default();
    if status == 200 && said["code"] == 0 && said["msg"] == "成功" {
        return Ok(());
    }
    Err(format!(
        "{status} {}, where 200 {{\"code\":0,\"msg\":\"成功\"}} is wanted",
        String::from_utf8_lossy(&body)
    ))
}

fn lock<T>(of: &Mutex<T>) -> MutexGuard<'_, T> {
    of.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Service for Shared {
    async fn answer(&self, request: Request) -> Answer {
        if let Some(answer) = control::answer(self, &request).await {
            return answer;
        }
        let call = Call::read(&request);
        let (counter, is_query) = match call.manner.action.as_str() {
            "QuerySendDetails" => (&self.counters.query_send_details, true),
            "SendBatchSms" => (&self.counters.send_batch_sms, false),
            _ => (&self.counters.send_sms, false),
        };
        counter.fetch_add(1, Relaxed);
        if let Err(refusal) = self.gate.admit(&request, &call, self.clock.now()) {
            return self.say(&call.manner, Err(refusal));
        }
        let numbers = texts::named(&call);
        let at = if is_query { Moment::Query } else { Moment::Call };
        if let Some(answer) = self.moment(at, &call.manner, &numbers).await {
            return answer;
        }
        if is_query {
            return self.say(&call.manner, lock(&self.details).query(&call, self.clock.now()));
        }
        match self.send(&call, &Arc::new(request)).await {
            Err(refusal) => self.say(&call.manner, Err(refusal)),
            Ok(body) => {
                let other = self.moment(Moment::Sent, &call.manner, &numbers).await;
                other.unwrap_or_else(|| self.say(&call.manner, Ok(body)))
            }
        }
    }
}

impl Shared {
    /// What goes wrong now instead of the usual answer.
    async fn moment(&self, at: Moment, manner: &Manner, numbers: &[String]) -> Option<Answer> {
        let terms = self.terms();
        tokio::time::sleep(terms.plan.delay(at)).await;
        let act = terms.plan.pick(at, numbers)?;
        match &act {
            SmsAct::Code(code) => return Some(self.say(manner, Err(Refusal::new(code)))),
            SmsAct::Hang => drop(self.counters.hung.fetch_add(1, Relaxed)),
            _ => {}
        }
        act.seen(r#"{"Message":"OK","Code":"OK","BizId":"0^0"}"#)
    }

    /// Sends a call's texts, all or none.
    async fn send(&self, call: &Call, request: &Arc<SmsRequest>) -> Result<Value, Refusal> {
        let (terms, plan, now) = (self.terms(), self.reports(), self.clock.now());
        lock(&self.account).check_rate(now, &terms.faults)?;
        if terms.faults.untrusted_address {
            return Err(Refusal::new("isv.DENY_IP_RANGE"));
        }
        let texts = texts::read(call, &terms.faults)?;
        let mut lost = Vec::with_capacity(texts.len());
        for text in &texts {
            lost.push(match terms.plan.fate(&text.number.known) {
                Fate::Taken => false,
                Fate::Dropped => true,
                Fate::Failed(code) => {
                    return Err(Refusal::new(code.as_deref().unwrap_or("isv.MOBILE_NUMBER_ILLEGAL")));
                }
            });
        }
        lock(&self.account).take(&texts, now, &terms.faults)?;
        // Never given twice, not even by an account started anew.
        let id = format!("{now}{:05}^0", self.calls.fetch_add(1, Relaxed) % 100_000);
        let out_id = call.get("OutId");
        let mut records = Vec::with_capacity(texts.len());
        for (text, is_lost) in texts.iter().zip(lost) {
            let detail = Detail::new(text, &id, out_id, is_lost, now, &plan);
            records.extend(detail.record(text).filter(|_| plan.tells(&text.number.known)));
            self.take(text, &id, is_lost, detail, request);
        }
        self.outbox.add(records, now + plan.delay_ms as i64);
        if plan.early {
            self.tell().await;
        } else {
            self.outbox.wake();
        }
        Ok(json!({ "BizId": id }))
    }

    fn take(&self, text: &Text, id: &str, is_lost: bool, detail: Detail, request: &Arc<SmsRequest>) {
        if is_lost {
            self.counters.dropped.fetch_add(1, Relaxed);
        } else {
            self.inbox.take(&text.number.known, &text.words, id, request);
        }
        lock(&self.details).keep(&text.number.told, detail);
    }

    fn say(&self, manner: &Manner, said: Result<Value, Refusal>) -> Answer {
        if said.is_err() {
            self.counters.refused.fetch_add(1, Relaxed);
        }
        manner.say(said)
    }

    /// Tells what is due to whom it is to be told.
    async fn tell(&self) {
        let plan = self.reports();
        if let Some(url) = plan.to() {
            self.outbox.push(&plan, &url, self.clock.now(), &self.inbox).await;
        }
    }

    pub(super) async fn push(&self, url: &Url) -> Vec<Pushed> {
        self.outbox.push(&self.reports(), url, self.clock.now(), &self.inbox).await
    }

    pub(super) fn terms(&self) -> Arc<Terms> {
        Arc::clone(&lock(&self.terms))
    }

    pub(super) fn reports(&self) -> Arc<ReportPlan> {
        Arc::clone(&lock(&self.reports))
    }

    pub(super) fn set_faults(&self, faults: AliyunFaults) {
        *lock(&self.terms) = Arc::new(Terms::new(faults));
        lock(&self.account).settle();
    }

    pub(super) fn set_reports(&self, plan: ReportPlan) {
        *lock(&self.reports) = Arc::new(plan);
        self.outbox.wake();
    }

    pub(super) fn texts(&self) -> u64 {
        self.inbox.total()
    }

    pub(super) fn stats(&self) -> AliyunStats {
        let c = &self.counters;
        AliyunStats {
            send_sms: c.send_sms.load(Relaxed),
            send_batch_sms: c.send_batch_sms.load(Relaxed),
            query_send_details: c.query_send_details.load(Relaxed),
            refused: c.refused.load(Relaxed),
            hung: c.hung.load(Relaxed),
            dropped: c.dropped.load(Relaxed),
            reports: self.outbox.stats(),
        }
    }

    pub(super) fn reset(&self) {
        let c = &self.counters;
        for counter in
            [&c.send_sms, &c.send_batch_sms, &c.query_send_details, &c.refused, &c.hung, &c.dropped]
        {
            counter.store(0, Relaxed);
        }
        lock(&self.account).reset();
        lock(&self.details).clear();
        self.outbox.reset();
        self.inbox.clear();
    }
}
