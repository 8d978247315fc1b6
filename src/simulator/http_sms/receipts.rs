//! What a gateway tells later of the texts it took, in calls to its customer.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use serde::{Deserialize, Serialize};
use serde_json::json;
use url::Url;

use super::inbox::Inbox;
use crate::simulator::http;
use crate::simulator::pattern::matches;

/// A vendor gives up after so many tries.
const TRIES: usize = 4;

/// What carriers say of a number that nobody has.
pub(super) const EMPTY_NUMBER: &str = "MK:0001";

/// How a push looks.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ReceiptFormat {
    /// A list of `{"msgid", "mobile", "status", "id"}`.
    #[default]
    Json,
    /// The same list as JSON in a form's field `reports`.
    Form,
    /// `<reports><report>…</report></reports>`
    Xml,
    /// One record in the address of a GET.
    Query,
}

/// Where receipts go, and in which way.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct ReceiptPlan {
    /// An `http://` address; without one receipts wait for [`push`](super::HttpSmsSimulator::push).
    pub url: Option<String>,
    pub format: ReceiptFormat,
    pub delay_ms: u64,
    /// Each push is made so often.
    pub copies: usize,
    /// The last record comes first.
    pub backwards: bool,
    /// Records in one push.
    pub at_once: usize,
    /// Receipts arrive before the call that brought the texts is answered.
    pub early: bool,
    /// Statuses by a pattern of the number, where it is not `DELIVRD`; with an empty one nothing is told.
    pub statuses: BTreeMap<String, String>,
    /// What a customer answers who has understood.
    pub acknowledged: String,
    /// Between two tries.
    pub retry_ms: u64,
}

impl Default for ReceiptPlan {
    fn default() -> Self {
        Self {
            url: None,
            format: ReceiptFormat::Json,
            delay_ms: 0,
            copies: 1,
            backwards: false,
            at_once: 100,
            early: false,
            statuses: BTreeMap::new(),
            acknowledged: "OK".to_owned(),
            retry_ms: 200,
        }
    }
}

impl ReceiptPlan {
    /// Believable receipts for the demo: they come a moment later, some telephones are switched off, and of some nothing
    /// is ever heard.
    pub fn believable(delay: Duration) -> Self {
        let statuses = [("*97".to_owned(), "EXPIRED".to_owned()), ("*13".to_owned(), String::new())];
        Self { delay_ms: delay.as_millis() as u64, statuses: statuses.into(), ..Self::default() }
    }

    pub(super) fn to(&self) -> Option<Url> {
        self.url.as_deref()?.parse().ok()
    }

    fn status(&self, number: &str) -> Option<&str> {
        let other = self.statuses.iter().find(|(pattern, _)| matches(pattern, number));
        Some(other.map_or("DELIVRD", |(_, status)| status)).filter(|status| !status.is_empty())
    }
}

/// What is to be told of one text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Record {
    /// The gateway's id of the call.
    pub(super) call: String,
    pub(super) number: String,
    /// The customer's.
    pub(super) client_id: Option<String>,
}

/// What a customer answered to a push.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Pushed {
    pub status: u16,
    pub body: String,
}

/// Receipts that were not told yet.
#[derive(Debug, Default)]
pub(super) struct Waiting(Mutex<Vec<Record>>);

impl Waiting {
    pub(super) fn add(&self, records: Vec<Record>) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).extend(records);
    }

    pub(super) fn take(&self) -> Vec<Record> {
        std::mem::take(&mut *self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

/// Tells what there is to tell, as often and in the order that the plan says. Returns what the customer answered to each
/// push, the last of its tries; one that nobody answered is left out.
pub(super) async fn push(
    plan: &ReceiptPlan,
    url: &Url,
    mut records: Vec<Record>,
    inbox: &Inbox,
) -> Vec<Pushed> {
    records.retain(|record| plan.status(&record.number).is_some());
    if plan.backwards {
        records.reverse();
    }
    let at_once = if plan.format == ReceiptFormat::Query { 1 } else { plan.at_once.max(1) };
    let mut answers = Vec::new();
    for some in records.chunks(at_once) {
        for record in some {
            inbox.note(&record.call, &record.number, plan.status(&record.number).unwrap_or_default());
        }
        for _ in 0..plan.copies {
            answers.extend(insist(plan, url, some).await);
        }
    }
    answers
}

async fn insist(plan: &ReceiptPlan, url: &Url, records: &[Record]) -> Option<Pushed> {
    let mut last = None;
    for attempt in 0..TRIES {
        if attempt > 0 {
            tokio::time::sleep(Duration::from_millis(plan.retry_ms)).await;
        }
        let (method, url, media_type, body) = write(plan, url, records);
        if let Ok((status, body)) = http::call(method, &url, media_type, body.as_bytes()).await {
            let body = String::from_utf8_lossy(&body).into_owned();
            let is_understood = status == 200 && body.contains(&plan.acknowledged);
            last = Some(Pushed { status, body });
            if is_understood {
                break;
            }
        }
    }
    last
}

fn write(plan: &ReceiptPlan, url: &Url, records: &[Record]) -> (&'static str, Url, &'static str, String) {
    let told: Vec<[(&str, &str); 4]> = records
        .iter()
        .map(|record| {
            [
                ("msgid", record.call.as_str()),
                ("mobile", record.number.as_str()),
                ("status", plan.status(&record.number).unwrap_or_default()),
                ("id", record.client_id.as_deref().unwrap_or_default()),
            ]
        })
        .collect();
    let as_json = || {
        let objects = told.iter().map(|record| {
            record
                .iter()
                .map(|(name, value)| ((*name).to_owned(), json!(value)))
                .collect::<serde_json::Map<_, _>>()
        });
        json!(objects.collect::<Vec<_>>()).to_string()
    };
    let mut url = url.clone();
    match plan.format {
        ReceiptFormat::Json => ("POST", url, "application/json; charset=utf-8", as_json()),
        ReceiptFormat::Form => {
            let body = url::form_urlencoded::Serializer::new(String::new())
                .append_pair("reports", &as_json())
                .finish();
            ("POST", url, "application/x-www-form-urlencoded", body)
        }
        ReceiptFormat::Xml => {
            let element = |(name, value): &(&str, &str)| format!("<{name}>{value}</{name}>");
            let reports = told
                .iter()
                .map(|record| format!("<report>{}</report>", record.iter().map(element).collect::<String>()));
            let body = format!("<?xml version=\"1.0\"?><reports>{}</reports>", reports.collect::<String>());
            ("POST", url, "text/xml", body)
        }
        ReceiptFormat::Query => {
            url.query_pairs_mut().extend_pairs(told.iter().flatten());
            ("GET", url, "text/plain", String::new())
        }
    }
}

/// Waits as the plan says, then tells.
pub(super) async fn push_later(plan: Arc<ReceiptPlan>, url: Url, records: Vec<Record>, inbox: Inbox) {
    tokio::time::sleep(Duration::from_millis(plan.delay_ms)).await;
    push(&plan, &url, records, &inbox).await;
}
