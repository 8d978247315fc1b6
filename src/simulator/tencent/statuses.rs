//! What became of texts, for whoever asks and for whoever is told.

use std::collections::{HashMap, VecDeque};
use std::sync::Arc;

use serde_json::{Value, json};

use super::gate::Refusal;
use super::texts::{self, Number};
use crate::simulator::reports::{Record, ReportPlan};

/// What carriers say of a text that arrived.
pub(super) const ARRIVED: &str = "DELIVRD";
/// Texts that can be asked for; beyond it all of them are forgotten.
const REMEMBERED: usize = 200_000;
/// Of those that wait to be pulled, the oldest go.
const WAITING: usize = 10_000;
const MOST: i64 = 100;
const DAYS: i64 = 7 * 86_400;

/// What is known of one text, from a moment on.
#[derive(Clone, Debug)]
pub(super) struct Status {
    known_at: i64,
    code: String,
    number: String,
    country: String,
    subscriber: String,
    serial: String,
    context: String,
}

/// Who has which text.
pub(super) struct Sent<'s> {
    pub(super) number: &'s str,
    pub(super) read: &'s Number<'s>,
    pub(super) serial: &'s str,
    pub(super) context: &'s str,
}

#[derive(Debug, Default)]
pub(super) struct Statuses {
    by_number: HashMap<String, Vec<Arc<Status>>>,
    count: usize,
    queue: VecDeque<Arc<Status>>,
}

impl Status {
    /// `None`: nothing will ever be known of it.
    pub(super) fn of(sent: &Sent<'_>, now: i64, plan: &ReportPlan) -> Option<Self> {
        Some(Self {
            known_at: now + plan.delay_ms as i64,
            code: plan.status(&sent.read.known(), ARRIVED)?.to_owned(),
            number: sent.number.to_owned(),
            country: sent.read.country.to_owned(),
            subscriber: sent.read.subscriber.to_owned(),
            serial: sent.serial.to_owned(),
            context: sent.context.to_owned(),
        })
    }

    fn words(&self) -> (&'static str, &'static str) {
        if self.code == ARRIVED {
            ("SUCCESS", "用户短信接收成功")
        } else {
            ("FAIL", "用户短信接收失败")
        }
    }

    /// As it is pushed.
    pub(super) fn record(&self, known: String, tells_context: bool) -> Record {
        let (status, description) = self.words();
        let at = jiff::Timestamp::from_millisecond(self.known_at).unwrap_or_default();
        let at = jiff::tz::Offset::constant(8).to_datetime(at).strftime("%Y-%m-%d %H:%M:%S").to_string();
        let mut json = json!({
            "user_receive_time": at, "nationcode": self.country, "mobile": self.subscriber,
            "report_status": status, "errmsg": self.code, "description": description, "sid": self.serial,
        });
        if tells_context {
            json["ext"] = self.context.as_str().into();
        }
        Record { call: self.serial.clone(), number: known, status: self.code.clone(), json: json.to_string() }
    }

    /// As it is pulled.
    fn shown(&self) -> Value {
        let (status, _) = self.words();
        json!({
            "UserReceiveTime": self.known_at / 1_000, "CountryCode": self.country,
            "SubscriberNumber": self.subscriber, "PhoneNumber": self.number, "SerialNo": self.serial,
            "ReportStatus": status, "Description": self.code, "SessionContext": self.context,
        })
    }
}

impl Statuses {
    pub(super) fn keep(&mut self, status: Status) {
        if self.count >= REMEMBERED {
            self.clear();
        }
        let status = Arc::new(status);
        self.count += 1;
        self.by_number.entry(status.number.clone()).or_default().push(Arc::clone(&status));
        self.queue.push_back(status);
        if self.queue.len() > WAITING {
            self.queue.pop_front();
        }
    }

    pub(super) fn clear(&mut self) {
        *self = Self::default();
    }

    /// `PullSmsSendStatus`: each status comes once.
    pub(super) fn pull(&mut self, body: &Value, app: &str, now: i64) -> Result<Value, Refusal> {
        texts::no_others(body, &["SmsSdkAppId", "Limit"])?;
        texts::check_app(body, app)?;
        let limit = limit(body)?;
        let mut pulled = Vec::new();
        self.queue.retain(|status| {
            let is_due = status.known_at <= now && pulled.len() < limit;
            if is_due {
                pulled.push(status.shown());
            }
            !is_due
        });
        Ok(json!({"PullSmsSendStatusSet": pulled}))
    }

    /// `PullSmsSendStatusByPhoneNumber`: as often as it is asked for.
    pub(super) fn of_number(&self, body: &Value, app: &str, now: i64) -> Result<Value, Refusal> {
        texts::no_others(body, &["BeginTime", "EndTime", "Offset", "Limit", "PhoneNumber", "SmsSdkAppId"])?;
        texts::check_app(body, app)?;
        let number = texts::needed(body, "PhoneNumber")?;
        let limit = limit(body)?;
        let seconds = now / 1_000;
        let begins = body["BeginTime"].as_i64().filter(|at| *at >= seconds - DAYS);
        let begins = begins.ok_or_else(|| {
            Refusal::new("InvalidParameterValue.BeginTimeVerifyFail", "begin time is missing or too old")
        })?;
        let ends = body["EndTime"].as_i64().unwrap_or(i64::MAX);
        if body["Offset"].as_i64() != Some(0) {
            return Err(Refusal::new("InvalidParameterValue", "`Offset` is 0."));
        }
        let found: Vec<_> = self
            .by_number
            .get(number)
            .into_iter()
            .flatten()
            .filter(|status| status.known_at <= now && (begins..=ends).contains(&(status.known_at / 1_000)))
            .take(limit)
            .map(|status| status.shown())
            .collect();
        Ok(json!({"PullSmsSendStatusSet": found}))
    }
}

fn limit(body: &Value) -> Result<usize, Refusal> {
    let limit = body["Limit"].as_i64().filter(|limit| (1..=MOST).contains(limit));
    let limit = limit.ok_or_else(|| Refusal::new("InvalidParameterValue", "`Limit` is from 1 to 100."))?;
    Ok(limit as usize)
}
