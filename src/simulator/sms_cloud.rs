//! What both clouds' SMS services have around the vendor's own: terms that change while it runs, what is told later, what
//! an account has used up.

use std::sync::Arc;

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use url::Url;

use super::clock::{VendorClock, day};
use super::control::{Disobeyed, read};
use super::held::Held;
use super::http_sms::{Inbox, Moment, Plan, Pushed, SmsAct, SmsFaults};
use super::reports::{Manner, Outbox, Record, ReportPlan};
use super::shelf::Lookup;
use super::shell::{Simulator, Vendor};

const SECOND: i64 = 1_000;

/// A template that was approved; `LONGEST` is what a variable may have unless told.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SmsTemplate<const LONGEST: usize> {
    /// With variables as the vendor writes them.
    pub content: String,
    /// Variables may hold web addresses.
    #[serde(default)]
    pub links: bool,
    /// Characters of a variable.
    #[serde(default = "longest::<LONGEST>")]
    pub longest: usize,
}

fn longest<const LONGEST: usize>() -> usize {
    LONGEST
}

impl<const LONGEST: usize> SmsTemplate<LONGEST> {
    pub(super) fn new(content: &str, links: bool) -> Self {
        Self { content: content.to_owned(), links, longest: LONGEST }
    }
}

/// An account as a fault document has it.
pub trait AccountFaults {
    /// What goes wrong with its calls.
    fn trouble(&self) -> SmsFaults;
}

/// An account with what has gone wrong so far.
#[derive(Debug)]
pub(super) struct Terms<F> {
    pub(super) faults: F,
    pub(super) plan: Plan,
}

impl<F: AccountFaults> Terms<F> {
    fn new(faults: F) -> Self {
        let plan = Plan::new(faults.trouble());
        Self { faults, plan }
    }
}

/// What is around an account.
pub struct Desk<F> {
    terms: Held<Terms<F>>,
    reports: Held<ReportPlan>,
    outbox: Outbox,
    pub(super) inbox: Inbox,
    pub(super) clock: VendorClock,
}

impl<F: AccountFaults + Serialize> Desk<F> {
    pub(super) fn new(
        faults: F,
        reports: ReportPlan,
        manner: Manner,
        inbox: Inbox,
        clock: VendorClock,
    ) -> Self {
        let (terms, reports) = (Held::new(Terms::new(faults)), Held::new(reports));
        Self { terms, reports, outbox: Outbox::new(manner), inbox, clock }
    }

    pub(super) fn terms(&self) -> Arc<Terms<F>> {
        self.terms.get()
    }

    pub(super) fn set_faults(&self, faults: F) {
        self.terms.set(Terms::new(faults));
    }

    pub(super) fn reports(&self) -> Arc<ReportPlan> {
        self.reports.get()
    }

    fn set_reports(&self, plan: ReportPlan) {
        self.reports.set(plan);
        self.outbox.wake();
    }

    pub(super) fn outbox(&self) -> &Outbox {
        &self.outbox
    }

    /// What goes wrong now in place of the usual answer.
    pub(super) async fn moment(&self, at: Moment, numbers: &[String]) -> Option<SmsAct> {
        let terms = self.terms();
        tokio::time::sleep(terms.plan.delay(at)).await;
        terms.plan.pick(at, numbers)
    }

    /// Has this told of texts that were taken now.
    pub(super) async fn report(&self, plan: &ReportPlan, records: Vec<Record>, now: i64) {
        self.outbox.add(records, now + plan.delay_ms as i64);
        if plan.early {
            self.tell().await;
        } else {
            self.outbox.wake();
        }
    }

    /// Tells what is due to whom it is to be told.
    async fn tell(&self) {
        if let Some(url) = self.reports().to() {
            self.push(&url).await;
        }
    }

    async fn push(&self, url: &Url) -> Vec<Pushed> {
        self.outbox.push(&self.reports(), url, self.clock.now(), &self.inbox).await
    }

    pub(super) async fn keep_telling(&self) {
        loop {
            let is_told = self.reports().to().is_some();
            self.outbox.wait(self.clock.now(), is_told).await;
            self.tell().await;
        }
    }

    pub(super) fn reset(&self) {
        self.outbox.reset();
        self.inbox.clear();
    }

    pub(super) fn shown(&self, stats: &impl Serialize) -> Value {
        json!({
            "stats": stats, "texts": self.inbox.total(), "faults": self.terms().faults,
            "receipts": &*self.reports(),
        })
    }

    pub(super) fn received(&self, lookup: &Lookup) -> Value {
        json!(self.inbox.list(lookup))
    }

    pub(super) fn found(&self, sequence: u64) -> Option<Value> {
        self.inbox.shown(sequence)
    }

    /// What both clouds can be told to do.
    pub(super) async fn obey(&self, what: &str, document: &[u8]) -> Result<Option<Value>, Disobeyed> {
        match what {
            "receipts" => self.set_reports(read(document)?),
            "push" => {
                let Whom { url } = read(document)?;
                return Ok(Some(json!(self.push(&self.whom(url)?).await)));
            }
            _ => return Err(Disobeyed::Unknown),
        }
        Ok(None)
    }

    /// A customer's address; without one that of the plan.
    pub(super) fn whom(&self, url: Option<String>) -> Result<Url, Disobeyed> {
        let url = url.map_or_else(|| self.reports().to(), |url| url.parse().ok());
        url.ok_or_else(|| Disobeyed::Unreadable("at which url?".to_owned()))
    }
}

/// Whom to tell.
#[derive(Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(super) struct Whom {
    pub(super) url: Option<String>,
}

/// An account that has a desk.
pub trait CloudSms: Vendor<Faults: AccountFaults + Serialize> {
    fn desk(&self) -> &Desk<Self::Faults>;
}

impl<V: CloudSms> Simulator<V> {
    pub fn inbox(&self) -> Inbox {
        self.vendor.desk().inbox.clone()
    }

    /// For receipts of texts taken from now on, and for all pushes.
    pub fn set_reports(&self, plan: ReportPlan) {
        self.vendor.desk().set_reports(plan);
    }

    /// Tells a customer at `url` all that is due and was not told yet, and gives back the answers.
    pub async fn push(&self, url: &Url) -> Vec<Pushed> {
        self.vendor.desk().push(url).await
    }
}

/// What an account has used up. Moments are in milliseconds since 1970.
#[derive(Debug, Default)]
pub(super) struct Usage {
    /// Texts on the bill since the balance was set.
    spent: u64,
    day: i64,
    sent_today: u64,
    second: i64,
    calls_in_second: u64,
}

impl Usage {
    /// Counts a call, and says how many that makes in this second.
    pub(super) fn call(&mut self, now: i64) -> u64 {
        let second = now.div_euclid(SECOND);
        if second != self.second {
            (self.second, self.calls_in_second) = (second, 0);
        }
        self.calls_in_second += 1;
        self.calls_in_second
    }

    /// Texts that were sent on this day.
    pub(super) fn today(&mut self, now: i64) -> u64 {
        let today = day(now);
        if today != self.day {
            (self.day, self.sent_today) = (today, 0);
        }
        self.sent_today
    }

    /// Whether so many more on the bill are paid for.
    pub(super) fn affords(&self, cost: u64, balance: Option<u64>) -> bool {
        balance.is_none_or(|balance| self.spent + cost <= balance)
    }

    pub(super) fn spend(&mut self, texts: u64, cost: u64) {
        self.spent += cost;
        self.sent_today += texts;
    }

    /// A balance counts from when it was set.
    pub(super) fn settle(&mut self) {
        self.spent = 0;
    }

    pub(super) fn reset(&mut self) {
        (self.spent, self.sent_today) = (0, 0);
    }
}
