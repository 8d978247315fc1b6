//! The account as its owner holds it: start, look, change, stop; and each call's answer.

use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use serde::Serialize;
use serde_json::{Value, json};
use url::Url;

use super::account::Account;
use super::answer::{Manner, Refusal};
use super::details::{Detail, Details};
use super::faults::{AliyunFaults, SIGN, TEMPLATE};
use super::gate::{Call, Gate};
use super::texts::{self, Text};
use crate::simulator::VendorClock;
use crate::simulator::held::{Counted, lock};
use crate::simulator::http::{self, Answer, Request};
use crate::simulator::http_sms::{Fate, Inbox, Moment, SmsAct, SmsRequest};
use crate::simulator::reports::{self, ReportPlan, ReportStats};
use crate::simulator::shell::{Simulator, Vendor};
use crate::simulator::sms_cloud::{CloudSms, Desk};

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

/// The account behind its port.
pub struct Shared {
    gate: Gate,
    pub(super) desk: Desk<AliyunFaults>,
    account: Mutex<Account>,
    details: Mutex<Details>,
    counted: Counted<AliyunStats>,
    /// Of ids, which are never given twice.
    calls: AtomicU64,
}

/// A running account. Stops when dropped.
pub type AliyunSimulator = Simulator<Shared>;

impl AliyunSimulator {
    /// Listens, and serves on the runtime this is called from. Fails if the address is taken.
    pub async fn start(options: AliyunOptions) -> io::Result<Self> {
        let AliyunOptions { faults, reports, inbox, clock, .. } = options;
        let shared = Shared {
            gate: Gate::new(options.access_key_id, options.access_key_secret),
            desk: Desk::new(faults, reports, REPORTS, inbox, clock),
            account: Mutex::default(),
            details: Mutex::default(),
            counted: Counted::default(),
            calls: AtomicU64::new(0),
        };
        Self::open(options.listen, options.tls, shared).await
    }

    /// The settings of a provider of the kind `aliyun_sms` that sends to it by one of the templates an account usually has.
    pub fn settings(&self) -> Value {
        let Gate { key_id, secret, .. } = &self.vendor.gate;
        json!({
            "access_key_id": key_id, "access_key_secret": secret, "sign_name": SIGN, "endpoint": self.url(),
            "default_template": {"code": TEMPLATE, "variables": {"title": "title", "body": "body"}},
        })
    }

    /// Tries an address for reports as the console does before it takes it. The error says what is wrong with it.
    pub async fn check(&self, url: &Url) -> Result<(), String> {
        check(url).await
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

impl CloudSms for Shared {
    fn desk(&self) -> &Desk<AliyunFaults> {
        &self.desk
    }
}

impl Vendor for Shared {
    type Stats = AliyunStats;

    fn stats(&self) -> AliyunStats {
        AliyunStats { reports: self.desk.outbox().stats(), ..self.counted.read() }
    }

    async fn by_itself(self: Arc<Self>) {
        self.desk.keep_telling().await;
    }

    async fn called(&self, request: Request) -> Answer {
        let call = Call::read(&request);
        let is_query = call.manner.action == "QuerySendDetails";
        self.counted.count(|counts| match call.manner.action.as_str() {
            "QuerySendDetails" => counts.query_send_details += 1,
            "SendBatchSms" => counts.send_batch_sms += 1,
            _ => counts.send_sms += 1,
        });
        let now = self.desk.clock.now();
        if let Err(refusal) = self.gate.admit(&request, &call, now) {
            return self.say(&call.manner, Err(refusal));
        }
        let numbers = texts::named(&call);
        let at = if is_query { Moment::Query } else { Moment::Call };
        if let Some(answer) = self.moment(at, &call.manner, &numbers).await {
            return answer;
        }
        if is_query {
            return self.say(&call.manner, lock(&self.details).query(&call, self.desk.clock.now()));
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
        let act = self.desk.moment(at, numbers).await?;
        match &act {
            SmsAct::Code(code) => return Some(self.say(manner, Err(Refusal::new(code)))),
            SmsAct::Hang => self.counted.count(|counts| counts.hung += 1),
            _ => {}
        }
        act.seen(r#"{"Message":"OK","Code":"OK","BizId":"0^0"}"#)
    }

    /// Sends a call's texts, all or none.
    async fn send(&self, call: &Call, request: &Arc<SmsRequest>) -> Result<Value, Refusal> {
        let (terms, plan, now) = (self.desk.terms(), self.desk.reports(), self.desk.clock.now());
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
        self.desk.report(&plan, records, now).await;
        Ok(json!({ "BizId": id }))
    }

    fn take(&self, text: &Text, id: &str, is_lost: bool, detail: Detail, request: &Arc<SmsRequest>) {
        if is_lost {
            self.counted.count(|counts| counts.dropped += 1);
        } else {
            self.desk.inbox.take(&text.number.known, &text.words, id, request);
        }
        lock(&self.details).keep(&text.number.told, detail);
    }

    fn say(&self, manner: &Manner, said: Result<Value, Refusal>) -> Answer {
        if said.is_err() {
            self.counted.count(|counts| counts.refused += 1);
        }
        manner.say(said)
    }

    /// A balance counts from when it was set.
    pub(super) fn settle(&self) {
        lock(&self.account).settle();
    }

    pub(super) fn forget(&self) {
        self.counted.reset();
        lock(&self.account).reset();
        lock(&self.details).clear();
        self.desk.reset();
    }
}
