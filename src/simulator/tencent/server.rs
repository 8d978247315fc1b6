//! The account as its owner holds it: start, look, change, stop; and each call's answer.

use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::sync::{Arc, Mutex};

use serde::Serialize;
use serde_json::{Value, json};
use url::Url;

use super::account::Account;
use super::faults::{SIGN, TEMPLATE, TencentFaults};
use super::gate::{Gate, Refusal};
use super::statuses::{Sent, Status, Statuses};
use super::texts::{self, Fault, Number, Order};
use crate::simulator::VendorClock;
use crate::simulator::held::{Counted, lock};
use crate::simulator::http::{Answer, Request};
use crate::simulator::http_sms::{Fate, Inbox, Moment, Pushed, SmsAct, SmsRequest, segments};
use crate::simulator::reports::{self, Record, ReportPlan, ReportStats};
use crate::simulator::shell::{Simulator, Vendor};
use crate::simulator::sms_cloud::{CloudSms, Desk, Terms};

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

/// The account behind its port.
pub struct Shared {
    gate: Gate,
    sdk_app_id: String,
    pub(super) desk: Desk<TencentFaults>,
    account: Mutex<Account>,
    statuses: Mutex<Statuses>,
    counted: Counted<TencentStats>,
    /// Of serial numbers, which are never given twice.
    texts: AtomicU64,
}

/// A running account. Stops when dropped.
pub type TencentSimulator = Simulator<Shared>;

impl TencentSimulator {
    /// Listens, and serves on the runtime this is called from. Fails if the address is taken.
    pub async fn start(options: TencentOptions) -> io::Result<Self> {
        let TencentOptions { faults, reports, inbox, clock, .. } = options;
        let shared = Shared {
            gate: Gate { secret_id: options.secret_id, secret_key: options.secret_key },
            sdk_app_id: options.sdk_app_id,
            desk: Desk::new(faults, reports, REPORTS, inbox, clock),
            account: Mutex::default(),
            statuses: Mutex::default(),
            counted: Counted::default(),
            texts: AtomicU64::new(0),
        };
        Self::open(options.listen, options.tls, shared).await
    }

    /// The settings of a provider of the kind `tencent_sms` that sends to it by one of the templates an account usually
    /// has.
    pub fn settings(&self) -> Value {
        let Shared { gate: Gate { secret_id, secret_key }, sdk_app_id, .. } = &*self.vendor;
        json!({
            "secret_id": secret_id, "secret_key": secret_key, "sdk_app_id": sdk_app_id, "sign_name": SIGN,
            "endpoint": self.url(), "default_template": {"id": TEMPLATE, "variables": ["title", "body"]},
        })
    }

    /// Somebody with this number (E.164) replies, and a customer at `url` is told at once. What it answered, if it did.
    pub async fn reply(&self, url: &Url, number: &str, text: &str) -> Option<Pushed> {
        self.vendor.reply(url, number, text).await
    }
}

impl CloudSms for Shared {
    fn desk(&self) -> &Desk<TencentFaults> {
        &self.desk
    }
}

impl Vendor for Shared {
    type Stats = TencentStats;

    fn stats(&self) -> TencentStats {
        TencentStats { reports: self.desk.outbox().stats(), ..self.counted.read() }
    }

    async fn by_itself(self: Arc<Self>) {
        self.desk.keep_telling().await;
    }

    async fn called(&self, request: Request) -> Answer {
        let is_pull = request.header("X-TC-Action").is_some_and(|action| action.starts_with("Pull"));
        self.counted.count(|counts| *(if is_pull { &mut counts.pulls } else { &mut counts.send_sms }) += 1);
        let (action, body) = match self.gate.admit(&request, self.desk.clock.now()) {
            Ok(admitted) => admitted,
            Err(refusal) => return self.say(Err(refusal)),
        };
        let numbers = texts::named(&body);
        let at = if is_pull { Moment::Query } else { Moment::Call };
        if let Some(answer) = self.moment(at, &numbers).await {
            return answer;
        }
        let now = self.desk.clock.now();
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
        let act = self.desk.moment(at, numbers).await?;
        match &act {
            SmsAct::Code(code) => return Some(self.say(Err(Refusal::new(code, "simulated")))),
            SmsAct::Hang => self.counted.count(|counts| counts.hung += 1),
            _ => {}
        }
        act.seen(r#"{"Response":{"SendStatusSet":[],"RequestId":"0"}}"#)
    }

    fn pull(&self, action: &str, body: &Value, now: i64) -> Result<Value, Refusal> {
        let terms = self.desk.terms();
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
        let (terms, plan) = (self.desk.terms(), self.desk.reports());
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
                    self.counted.count(|counts| counts.refused_numbers += 1);
                    (code, message, String::new(), 0)
                }
            };
            rows.push(json!({
                "SerialNo": serial, "PhoneNumber": number, "Fee": fee, "SessionContext": order.context,
                "Code": code, "Message": message, "IsoCode": iso,
            }));
        }
        self.desk.report(&plan, records, now).await;
        Ok(json!({ "SendStatusSet": rows }))
    }

    #[expect(clippy::too_many_arguments, reason = "one step of a loop that owns all of them")]
    fn send_one(
        &self,
        order: &Order,
        number: &str,
        read: Option<Number<'_>>,
        terms: &Terms<TencentFaults>,
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
            self.counted.count(|counts| counts.dropped += 1);
            return Ok(Taken { serial, fee, record: None });
        }
        self.desk.inbox.take(&known, words, &serial, request);
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
            self.counted.count(|counts| counts.refused += 1);
            refusal.write()
        });
        let id = format!("{:032x}", rand::random::<u128>());
        response["RequestId"] =
            format!("{}-{}-{}-{}-{}", &id[..8], &id[8..12], &id[12..16], &id[16..20], &id[20..]).into();
        Answer::Json { status: 200, body: json!({ "Response": response }).to_string() }
    }

    pub(super) async fn reply(&self, url: &Url, number: &str, text: &str) -> Option<Pushed> {
        let number = Number::read(number)?;
        let sign = self.desk.terms().faults.signs.first().cloned().unwrap_or_default();
        let body = json!({
            "extend": "", "mobile": number.subscriber, "nationcode": number.country, "sign": sign, "text": text,
            "time": self.desk.clock.now() / 1_000,
        });
        self.desk.outbox().say(&self.desk.reports(), url, &body.to_string()).await
    }

    /// A balance counts from when it was set.
    pub(super) fn settle(&self) {
        lock(&self.account).settle();
    }

    pub(super) fn forget(&self) {
        self.counted.reset();
        lock(&self.account).reset();
        lock(&self.statuses).clear();
        self.desk.reset();
    }
}

/// A text on its way.
struct Taken {
    serial: String,
    fee: u64,
    /// What is to be told of it.
    record: Option<Record>,
}
