//! The account as its owner holds it: start, look, change, stop; and each call's answer.

use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use serde::Serialize;
use serde_json::{Value, json};
use tokio::task::JoinHandle;
use url::Url;

use super::account::Account;
use super::faults::{SIGN, TEMPLATE, TencentFaults, Terms};
use super::gate::{Gate, Refusal};
use super::statuses::{Sent, Status, Statuses};
use super::texts::{self, Fault, Number, Order};
use crate::simulator::VendorClock;
use crate::simulator::control;
use crate::simulator::http::{Answer, Request, Server, Service};
use crate::simulator::http_sms::{Fate, Inbox, Moment, Pushed, SmsAct, SmsRequest, segments};
use crate::simulator::reports::{self, Outbox, Record, ReportPlan, ReportStats};
use crate::simulator::tls::Identity;

/// Twice more. The vendor does not say after how long.
const REPORTS: reports::Manner =
    reports::Manner { acknowledged: "result", retry_ms: &[60_000, 300_000], at_once: 100 };

/// How an account is set up. The default listens on a free loopback port in clear, and keeps its receipts to itself.
#[derive(Clone, Debug)]
pub struct TencentOptions {
    pub listen: SocketAddr,
    /// With a certificate by [`ca_pem`](TencentSimulator::ca_pem).
    pub tls: bool,
    pub secret_id: String,
    pub secret_key: String,
    /// The only application of the account.
    pub sdk_app_id: String,
    pub faults: TencentFaults,
    pub reports: ReportPlan,
    /// Where texts go. Give the same one to an account started anew, and its counts go on.
    pub inbox: Inbox,
    pub clock: VendorClock,
}

impl Default for TencentOptions {
    fn default() -> Self {
        Self {
            listen: SocketAddr::from((Ipv4Addr::LOCALHOST, 0)),
            tls: false,
            secret_id: "AKID-simulator".to_owned(),
            secret_key: "simulator-secret".to_owned(),
            sdk_app_id: "1400000001".to_owned(),
            faults: TencentFaults::default(),
            reports: ReportPlan::default(),
            inbox: Inbox::default(),
            clock: VendorClock::default(),
        }
    }
}

/// Counts since the start, or since they were set back.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct TencentStats {
    pub send_sms: u64,
    pub pulls: u64,
    /// Calls answered with an error.
    pub refused: u64,
    /// Numbers that a call was refused for, while the call as such was taken.
    pub refused_numbers: u64,
    /// Calls left hanging: wait for it to know that a client is stuck.
    pub hung: u64,
    /// Texts that were taken and let fall.
    pub dropped: u64,
    pub reports: ReportStats,
}

#[derive(Debug, Default)]
struct Counters {
    send_sms: AtomicU64,
    pulls: AtomicU64,
    refused: AtomicU64,
    refused_numbers: AtomicU64,
    hung: AtomicU64,
    dropped: AtomicU64,
}

pub(super) struct Shared {
    gate: Gate,
    sdk_app_id: String,
    terms: Mutex<Arc<Terms>>,
    reports: Mutex<Arc<ReportPlan>>,
    outbox: Outbox,
    account: Mutex<Account>,
    statuses: Mutex<Statuses>,
    inbox: Inbox,
    clock: VendorClock,
    counters: Counters,
    /// Of serial numbers, which are never given twice.
    texts: AtomicU64,
}

/// A running account. Stops when dropped.
pub struct TencentSimulator {
    server: Server,
    shared: Arc<Shared>,
    telling: JoinHandle<()>,
    ca_pem: Option<String>,
}

impl TencentSimulator {
    /// Listens, and serves on the runtime this is called from. Fails if the address is taken.
    pub async fn start(options: TencentOptions) -> io::Result<Self> {
        let (listen, tls) = (options.listen, options.tls);
        let shared = Arc::new(Shared {
            gate: Gate { secret_id: options.secret_id, secret_key: options.secret_key },
            sdk_app_id: options.sdk_app_id,
            terms: Mutex::new(Arc::new(Terms::new(options.faults))),
            reports: Mutex::new(Arc::new(options.reports)),
            outbox: Outbox::new(REPORTS),
            account: Mutex::default(),
            statuses: Mutex::default(),
            inbox: options.inbox,
            clock: options.clock,
            counters: Counters::default(),
            texts: AtomicU64::new(0),
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

    /// The settings of a provider of the kind `tencent_sms` that sends to it by one of the templates an account usually
    /// has.
    pub fn settings(&self) -> Value {
        let Shared { gate: Gate { secret_id, secret_key }, sdk_app_id, .. } = &*self.shared;
        json!({
            "secret_id": secret_id, "secret_key": secret_key, "sdk_app_id": sdk_app_id, "sign_name": SIGN,
            "endpoint": self.url(), "default_template": {"id": TEMPLATE, "variables": ["title", "body"]},
        })
    }

    pub fn inbox(&self) -> Inbox {
        self.shared.inbox.clone()
    }

    pub fn stats(&self) -> TencentStats {
        self.shared.stats()
    }

    /// From the next moment of each call on this account holds instead of the one before.
    pub fn set_faults(&self, faults: TencentFaults) {
        self.shared.set_faults(faults);
    }

    /// For receipts of texts taken from now on, and for all pushes.
    pub fn set_reports(&self, plan: ReportPlan) {
        self.shared.set_reports(plan);
    }

    /// Tells a customer at `url` all that is due and was not told yet, and gives back the answers.
    pub async fn push(&self, url: &Url) -> Vec<Pushed> {
        self.shared.push(url).await
    }

    /// Somebody with this number (E.164) replies, and a customer at `url` is told at once. What it answered, if it did.
    pub async fn reply(&self, url: &Url, number: &str, text: &str) -> Option<Pushed> {
        self.shared.reply(url, number, text).await
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

fn lock<T>(of: &Mutex<T>) -> MutexGuard<'_, T> {
    of.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Service for Shared {
    async fn answer(&self, request: Request) -> Answer {
        if let Some(answer) = control::answer(self, &request).await {
            return answer;
        }
        let is_pull = request.header("X-TC-Action").is_some_and(|action| action.starts_with("Pull"));
        let counter = if is_pull { &self.counters.pulls } else { &self.counters.send_sms };
        counter.fetch_add(1, Relaxed);
        let (action, body) = match self.gate.admit(&request, self.clock.now()) {
            Ok(admitted) => admitted,
            Err(refusal) => return self.say(Err(refusal)),
        };
        let numbers = texts::named(&body);
        let at = if is_pull { Moment::Query } else { Moment::Call };
        if let Some(answer) = self.moment(at, &numbers).await {
            return answer;
        }
        let now = self.clock.now();
        if is_pull {
            return self.say(self.pull(&action, &body, now));
        }
        let said = self.send(&body, &Arc::new(request), now).await;
        if said.is_err() {
            return self.say(said);
        }
        self.moment(Moment::Sent, &numbers).await.unwrap_or_else(|| self.say(said))
    }
}

impl Shared {
    /// What goes wrong now instead of the usual answer.
    async fn moment(&self, at: Moment, numbers: &[String]) -> Option<Answer> {
        let terms = self.terms();
        tokio::time::sleep(terms.plan.delay(at)).await;
        let act = terms.plan.pick(at, numbers)?;
        match &act {
            SmsAct::Code(code) => return Some(self.say(Err(Refusal::new(code, "simulated")))),
            SmsAct::Hang => drop(self.counters.hung.fetch_add(1, Relaxed)),
            _ => {}
        }
        act.seen(r#"{"Response":{"SendStatusSet":[],"RequestId":"0"}}"#)
    }

    fn pull(&self, action: &str, body: &Value, now: i64) -> Result<Value, Refusal> {
        let terms = self.terms();
        lock(&self.account).check_rate(now, &terms.faults)?;
        if !terms.faults.may_pull {
            let words = "pulling is not enabled for this application";
            return Err(Refusal::new("UnauthorizedOperation.RequestPermissionDeny", words));
        }
        let mut statuses = lock(&self.statuses);
        if action == "PullSmsSendStatus" {
            statuses.pull(body, &self.sdk_app_id, now)
        } else {
            statuses.of_number(body, &self.sdk_app_id, now)
        }
    }

    /// Sends to those of a call's numbers that can be sent to.
    async fn send(&self, body: &Value, request: &Arc<SmsRequest>, now: i64) -> Result<Value, Refusal> {
        let (terms, plan) = (self.terms(), self.reports());
        lock(&self.account).check_rate(now, &terms.faults)?;
        if terms.faults.untrusted_address {
            let words = "the request ip is not in the whitelist";
            return Err(Refusal::new("UnauthorizedOperation.RequestIpNotInWhitelist", words));
        }
        let order = texts::read(body, &self.sdk_app_id, &terms.faults)?;
        let mut records = Vec::with_capacity(order.numbers.len());
        let mut rows = Vec::with_capacity(order.numbers.len());
        for number in &order.numbers {
            let read = Number::read(number);
            let iso = read.as_ref().map_or("", |read| read.iso);
            let said = self.send_one(&order, number, read, &terms, &plan, request, now);
            let (code, message, serial, fee) = match said {
                Ok(Taken { serial, fee, record }) => {
                    records.extend(record);
                    ("Ok".to_owned(), "send success", serial, fee)
                }
                Err(Fault { code, message }) => {
                    self.counters.refused_numbers.fetch_add(1, Relaxed);
                    (code, message, String::new(), 0)
                }
            };
            rows.push(json!({
                "SerialNo": serial, "PhoneNumber": number, "Fee": fee, "SessionContext": order.context,
                "Code": code, "Message": message, "IsoCode": iso,
            }));
        }
        self.outbox.add(records, now + plan.delay_ms as i64);
        if plan.early {
            self.tell().await;
        } else {
            self.outbox.wake();
        }
        Ok(json!({ "SendStatusSet": rows }))
    }

    #[expect(clippy::too_many_arguments, reason = "one step of a loop that owns all of them")]
    fn send_one(
        &self,
        order: &Order,
        number: &str,
        read: Option<Number<'_>>,
        terms: &Terms,
        plan: &ReportPlan,
        request: &Arc<SmsRequest>,
        now: i64,
    ) -> Result<Taken, Fault> {
        let bad_number =
            || Fault::new("InvalidParameterValue.IncorrectPhoneNumber", "incorrect phone number");
        let read = read.ok_or_else(bad_number)?;
        let words = order.words.as_ref().map_err(Clone::clone)?;
        let known = read.known();
        let is_lost = match terms.plan.fate(&known) {
            Fate::Taken => false,
            Fate::Dropped => true,
            Fate::Failed(None) => return Err(bad_number()),
            Fate::Failed(Some(code)) => return Err(Fault::new(&code, "simulated")),
        };
        let fee = segments(words) as u64;
        lock(&self.account).take(&known, words, fee, now, &terms.faults)?;
        // Never given twice, not even by an account started anew.
        let serial = format!("2640:{now}{:012}", self.texts.fetch_add(1, Relaxed));
        if is_lost {
            self.counters.dropped.fetch_add(1, Relaxed);
            return Ok(Taken { serial, fee, record: None });
        }
        self.inbox.take(&known, words, &serial, request);
        let sent = Sent { number, read: &read, serial: &serial, context: &order.context };
        let mut record = None;
        if let Some(status) = Status::of(&sent, now, plan) {
            if plan.tells(&known) {
                record = Some(status.record(known, terms.faults.tells_context));
            }
            lock(&self.statuses).keep(status);
        }
        Ok(Taken { serial, fee, record })
    }

    fn say(&self, said: Result<Value, Refusal>) -> Answer {
        let mut response = said.unwrap_or_else(|refusal| {
            self.counters.refused.fetch_add(1, Relaxed);
            refusal.write()
        });
        let id = format!("{:032x}", rand::random::<u128>());
        response["RequestId"] =
            format!("{}-{}-{}-{}-{}", &id[..8], &id[8..12], &id[12..16], &id[16..20], &id[20..]).into();
        Answer::Json { status: 200, body: json!({ "Response": response }).to_string() }
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

    pub(super) async fn reply(&self, url: &Url, number: &str, text: &str) -> Option<Pushed> {
        let number = Number::read(number)?;
        let sign = self.terms().faults.signs.first().cloned().unwrap_or_default();
        let body = json!({
            "extend": "", "mobile": number.subscriber, "nationcode": number.country, "sign": sign, "text": text,
            "time": self.clock.now() / 1_000,
        });
        self.outbox.say(&self.reports(), url, &body.to_string()).await
    }

    pub(super) fn terms(&self) -> Arc<Terms> {
        Arc::clone(&lock(&self.terms))
    }

    pub(super) fn reports(&self) -> Arc<ReportPlan> {
        Arc::clone(&lock(&self.reports))
    }

    pub(super) fn set_faults(&self, faults: TencentFaults) {
        *lock(&self.terms) = Arc::new(Terms::new(faults));
        lock(&self.account).settle();
    }

    pub(super) fn set_reports(&self, plan: ReportPlan) {
        *lock(&self.reports) = Arc::new(plan);
        self.outbox.wake();
    }

    pub(super) fn received(&self) -> u64 {
        self.inbox.total()
    }

    pub(super) fn stats(&self) -> TencentStats {
        let c = &self.counters;
        TencentStats {
            send_sms: c.send_sms.load(Relaxed),
            pulls: c.pulls.load(Relaxed),
            refused: c.refused.load(Relaxed),
            refused_numbers: c.refused_numbers.load(Relaxed),
            hung: c.hung.load(Relaxed),
            dropped: c.dropped.load(Relaxed),
            reports: self.outbox.stats(),
        }
    }

    pub(super) fn reset(&self) {
        let c = &self.counters;
        for counter in [&c.send_sms, &c.pulls, &c.refused, &c.refused_numbers, &c.hung, &c.dropped] {
            counter.store(0, Relaxed);
        }
        lock(&self.account).reset();
        lock(&self.statuses).clear();
        self.outbox.reset();
        self.inbox.clear();
    }
}

/// A text on its way.
struct Taken {
    serial: String,
    fee: u64,
    /// What is to be told of it.
    record: Option<Record>,
}
