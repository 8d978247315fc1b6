//! What a vendor tells of texts after it took them: late or at once, once or twice, and again until its customer has
//! understood. The two vendors of the cloud differ in what a record looks like and in their patience.

use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard};
use std::time::Duration;

use serde::{Deserialize, Serialize};
use tokio::sync::Notify;
use url::Url;

use super::held::{Counted, lock};
use super::http;
use super::http_sms::{Inbox, Pushed};
use super::pattern::matches;

/// Pushes that wait; beyond it the oldest are never told.
const WAITING: usize = 200_000;

/// Where reports go, and in which way.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct ReportPlan {
    /// An `http://` address; without one reports wait for somebody to push them.
    pub url: Option<String>,
    /// From the text to its report.
    pub delay_ms: u64,
    /// Each push is made so often.
    pub copies: usize,
    /// The last record comes first.
    pub backwards: bool,
    /// Records in one push, up to the vendor's most.
    pub at_once: usize,
    /// Reports arrive before the call that brought the texts is answered.
    pub early: bool,
    /// Codes by a pattern of the number, where the text does not arrive; with an empty one nothing is ever known of it.
    pub statuses: BTreeMap<String, String>,
    /// Patterns of numbers whose reports get lost on their way. Who asks is told.
    pub lost: Vec<String>,
    /// How long after a push that nobody acknowledged it is made again, one wait for each further try; the vendor's own
    /// if it is not given.
    pub retry_ms: Option<Vec<u64>>,
    /// How long an acknowledgement may take.
    pub patience_ms: u64,
}

impl Default for ReportPlan {
    fn default() -> Self {
        Self {
            url: None,
            delay_ms: 0,
            copies: 1,
            backwards: false,
            at_once: usize::MAX,
            early: false,
            statuses: BTreeMap::new(),
            lost: Vec::new(),
            retry_ms: None,
            patience_ms: 5_000,
        }
    }
}

impl ReportPlan {
    /// What becomes of a text to this number, if anything is ever known of it. `arrived` is the vendor's word for it.
    pub(super) fn status<'p>(&'p self, number: &str, arrived: &'p str) -> Option<&'p str> {
        let other = self.statuses.iter().find(|(pattern, _)| matches(pattern, number));
        Some(other.map_or(arrived, |(_, status)| status)).filter(|status| !status.is_empty())
    }

    /// Whether the report of this number is told at all.
    pub(super) fn tells(&self, number: &str) -> bool {
        !self.lost.iter().any(|pattern| matches(pattern, number))
    }

    pub(super) fn to(&self) -> Option<Url> {
        self.url.as_deref()?.parse().ok()
    }
}

/// What one vendor does its own way.
#[derive(Debug)]
pub(super) struct Manner {
    /// The field of an acknowledgement that is 0.
    pub(super) acknowledged: &'static str,
    pub(super) retry_ms: &'static [u64],
    pub(super) at_once: usize,
}

/// What is to be told of one text.
#[derive(Clone, Debug)]
pub(super) struct Record {
    /// As the inbox has them.
    pub(super) call: String,
    pub(super) number: String,
    pub(super) status: String,
    /// The record itself.
    pub(super) json: String,
}

/// Counts since the start, or since they were set back.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct ReportStats {
    /// Calls to the customer.
    pub pushes: u64,
    pub acknowledged: u64,
    /// Pushes that were never acknowledged, however often they were made.
    pub given_up: u64,
    /// Pushes that wait for their time.
    pub waiting: u64,
}

/// Reports that were not told yet.
#[derive(Debug)]
pub(super) struct Outbox {
    manner: Manner,
    /// By when they are due, then in the order they came.
    queue: Mutex<Queue>,
    changed: Notify,
    counted: Counted<ReportStats>,
}

#[derive(Debug, Default)]
struct Queue {
    by_time: BTreeMap<(i64, u64), Push>,
    last: u64,
}

#[derive(Debug)]
struct Push {
    records: Vec<Record>,
    /// How often it was made already.
    tries: usize,
}

impl Outbox {
    pub(super) fn new(manner: Manner) -> Self {
        Self { manner, queue: Mutex::default(), changed: Notify::new(), counted: Counted::default() }
    }

    /// Whoever waits is not woken: what is told early is told by the call that brought it.
    pub(super) fn add(&self, records: Vec<Record>, due: i64) {
        self.put(Push { records, tries: 0 }, due);
    }

    fn put(&self, push: Push, due: i64) {
        if push.records.is_empty() {
            return;
        }
        let mut queue = self.queue();
        queue.last += 1;
        let place = (due, queue.last);
        queue.by_time.insert(place, push);
        if queue.by_time.len() > WAITING {
            queue.by_time.pop_first();
        }
    }

    /// For whoever waits to look again.
    pub(super) fn wake(&self) {
        self.changed.notify_one();
    }

    /// Waits until a push is due by a clock that goes as fast as ours, or until something has changed: where nobody is
    /// told anything, only for that.
    pub(super) async fn wait(&self, now: i64, is_told: bool) {
        let due = self.queue().by_time.first_key_value().map(|((due, _), _)| *due).filter(|_| is_told);
        let until = due.map_or(i64::MAX, |due| due.saturating_sub(now).max(0));
        tokio::select! {
            () = self.changed.notified() => {}
            () = tokio::time::sleep(Duration::from_millis(until as u64)) => {}
        }
    }

    pub(super) fn stats(&self) -> ReportStats {
        ReportStats { waiting: self.queue().by_time.len() as u64, ..self.counted.read() }
    }

    pub(super) fn reset(&self) {
        self.queue().by_time.clear();
        self.counted.reset();
    }

    /// Tells what is due at `now`, in the way and as often as planned. Gives back what was answered; a push that nobody
    /// answered is left out.
    pub(super) async fn push(&self, plan: &ReportPlan, url: &Url, now: i64, inbox: &Inbox) -> Vec<Pushed> {
        let mut answers = Vec::new();
        for push in self.due(plan, now) {
            for record in &push.records {
                inbox.note(&record.call, &record.number, &record.status);
            }
            let answer = self.tell(plan, url, &push.records).await;
            if answer.as_ref().is_some_and(|answer| self.is_acknowledged(answer)) {
                self.counted.count(|counts| counts.acknowledged += 1);
            } else {
                self.again_later(plan, push, now);
            }
            answers.extend(answer);
        }
        answers
    }

    /// Takes what is due out of the queue. What was never told is told together; what was told before is repeated as it
    /// was.
    fn due(&self, plan: &ReportPlan, now: i64) -> Vec<Push> {
        let mut queue = self.queue();
        let later = queue.by_time.split_off(&(now.saturating_add(1), 0));
        let due = std::mem::replace(&mut queue.by_time, later);
        drop(queue);
        let (fresh, mut pushes): (Vec<_>, Vec<_>) = due.into_values().partition(|push| push.tries == 0);
        let mut fresh: Vec<_> = fresh.into_iter().flat_map(|push| push.records).collect();
        if plan.backwards {
            fresh.reverse();
        }
        for records in fresh.chunks(plan.at_once.clamp(1, self.manner.at_once)) {
            for _ in 0..plan.copies {
                pushes.push(Push { records: records.to_vec(), tries: 0 });
            }
        }
        pushes
    }

    async fn tell(&self, plan: &ReportPlan, url: &Url, records: &[Record]) -> Option<Pushed> {
        let records: Vec<_> = records.iter().map(|record| record.json.as_str()).collect();
        self.say(plan, url, &format!("[{}]", records.join(","))).await
    }

    /// One call to the customer.
    pub(super) async fn say(&self, plan: &ReportPlan, url: &Url, body: &str) -> Option<Pushed> {
        self.counted.count(|counts| counts.pushes += 1);
        let call = http::call("POST", url, "application/json; charset=utf-8", body.as_bytes());
        let answer = tokio::time::timeout(Duration::from_millis(plan.patience_ms), call).await;
        let (status, body) = answer.ok()?.ok()?;
        Some(Pushed { status, body: String::from_utf8_lossy(&body).into_owned() })
    }

    fn is_acknowledged(&self, answer: &Pushed) -> bool {
        let body: serde_json::Value = serde_json::from_str(&answer.body).unwrap_or_default();
        answer.status == 200 && body[self.manner.acknowledged] == 0
    }

    fn again_later(&self, plan: &ReportPlan, push: Push, now: i64) {
        let waits = plan.retry_ms.as_deref().unwrap_or(self.manner.retry_ms);
        match waits.get(push.tries) {
            Some(wait) => {
                self.put(Push { tries: push.tries + 1, ..push }, now + *wait as i64);
                self.wake();
            }
            None => self.counted.count(|counts| counts.given_up += 1),
        }
    }

    fn queue(&self) -> MutexGuard<'_, Queue> {
        lock(&self.queue)
    }
}
