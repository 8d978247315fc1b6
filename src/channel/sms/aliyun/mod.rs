//! Alibaba Cloud's SMS service (阿里云短信).
//!
//! It sends approved templates only. People who get the same share a `SendSms`, up to a thousand; those whose variables
//! differ share a `SendBatchSms`, up to a hundred. Either way one answer stands for all of them.
//!
//! - [`settings`]: what an administrator configures
//! - [`batch`]: who shares a call
//! - [`api`]: the calls; [`sign`]: their signature
//! - [`classify`]: what the vendor's codes mean
//! - [`receipt`]: what it tells later

mod api;
mod asked;
mod batch;
mod classify;
mod receipt;
mod settings;
mod sign;

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use futures_util::{StreamExt as _, stream};
use serde_json::Value;

use self::api::{Api, Detail};
pub use self::asked::SETTINGS;
use self::batch::{Batch, Form, Letter};
use self::classify::{Meaning, meaning};
pub use self::settings::FORM;
use crate::channel::limits::Logs;
use crate::channel::mapping::Mappings;
use crate::channel::narrow::{Narrowing, Said};
use crate::channel::registry::Site;
use crate::channel::sms::number;
use crate::channel::sms::vendor::{self, Failure, Filled, NARROWING, call_id, expired};
use crate::channel::{
    Acknowledgement, Arriving, Callback, Channel, Filling, Outcome, Parcel, Receipts, Refusal, Sent, Shape,
    Verdict, day,
};
use crate::clock::{Clock, Timestamp};
use crate::domain::delivery::{OutcomeClass as Class, State};
use crate::domain::provider::Advice;
use crate::error::Fault;

/// Numbers in a call.
const MOST_NUMBERS: usize = 1_000;
/// Characters of a variable.
const MOST_VARIABLE: usize = 35;
/// The vendor's limit of a number counts 24 hours back; a second more, for calls that take their time to arrive.
const DAY: Duration = Duration::from_secs(24 * 60 * 60 + 1);
/// Texts on a page of a search.
const PAGE: &str = "50";
const MOST_PAGES: i64 = 4;
/// Whom a check asks about; nothing is ever sent there.
const NOBODY: &str = "13000000000";

/// One account.
pub struct AliyunSms {
    api: Api,
    host: String,
    sign: String,
    extend_code: Option<String>,
    mappings: Mappings,
    campus: Arc<str>,
    /// By template and number: a number that had its share would have the whole call refused.
    limits: Logs,
    timeout: Duration,
    concurrency: usize,
    clock: Clock,
}

impl AliyunSms {
    /// Settings: `access_key_id`, `access_key_secret`, `security_token?`, `sign_name`, `default_template?` and
    /// `templates?` (`{code, variables, text?}`), `extend_code?`, `daily_limit?` (50, for one template to one number),
    /// `endpoint?` (the vendor's own), `ca_file?`, `timeout_seconds?` (10, for each call), `concurrency?` (8).
    pub fn new(settings: &Value, site: &Site) -> Result<Self, Vec<Fault>> {
        let settings = settings::read(settings, &site.campus)?;
        Ok(Self {
            api: Api::new(&settings, site.clock.clone()),
            host: settings.reach.endpoint.host_str().unwrap_or_default().to_owned(),
            sign: settings.sign,
            extend_code: settings.extend_code,
            mappings: settings.mappings,
            campus: settings.campus,
            limits: Logs::new([(settings.daily_limit, DAY)]),
            timeout: settings.reach.timeout,
            concurrency: settings.concurrency,
            clock: site.clock.clone(),
        })
    }

    /// What a person gets, or why they cannot.
    fn letter<'p>(&self, place: usize, parcel: &'p Parcel) -> Result<Letter<'p>, Outcome> {
        if number::is_mistaken(&parcel.address) {
            return Err(Outcome::new(Class::PermanentRecipient)
                .code("belltower.mistaken_number")
                .detail("without its `+` the vendor would take this number for one of the mainland"));
        }
        let Filled { template, variables, .. } = self.filled(parcel)?;
        let variables = variables.into_iter().map(|(name, value)| (name, Value::from(value)));
        Ok(Letter {
            place,
            parcel,
            number: number::Format::Bare.write(&parcel.address),
            template: template.to_owned(),
            variables: Value::Object(variables.collect()).to_string(),
        })
    }

    fn filled(&self, parcel: &Parcel) -> Result<Filled<'_>, Outcome> {
        vendor::fill(&self.mappings, parcel, &self.campus, MOST_VARIABLE, &self.sign)
    }

    /// What the vendor will not have, it says itself; an emergency is not held back by our reckoning.
    fn count(&self, letter: &Letter<'_>) -> Result<(), Outcome> {
        if letter.parcel.emergency {
            return Ok(());
        }
        self.limits.take(&letter.counted_as(), self.clock.steady()).map_err(had_its_share)
    }

    /// Calls until everybody in a batch has an outcome.
    async fn deliver(&self, batch: Batch<'_>) -> Vec<(usize, Outcome)> {
        let Batch { form, letters } = batch;
        let give_up_at = self.clock.steady() + self.timeout * NARROWING;
        let same_content = letters.windows(2).all(|pair| pair[0].variables == pair[1].variables);
        let mut narrowing = Narrowing::new(letters.len(), give_up_at, same_content);
        while let Some(places) = narrowing.next(self.clock.steady()) {
            let these: Vec<_> = places.iter().map(|place| &letters[*place]).collect();
            let said = self.call(form, &these).await;
            narrowing.heard(&places, said);
        }
        let outcomes = narrowing.outcomes();
        for (letter, outcome) in letters.iter().zip(&outcomes) {
            // What may have reached them counts.
            if !letter.parcel.emergency && !matches!(outcome.class, Class::Accepted | Class::Unknown) {
                self.limits.give_back(&letter.counted_as());
            }
        }
        letters.iter().map(|letter| letter.place).zip(outcomes).collect()
    }

    async fn call(&self, form: Form, letters: &[&Letter<'_>]) -> Said {
        let parcels: Vec<_> = letters.iter().map(|letter| letter.parcel).collect();
        if let Some(said) = expired(&parcels, self.clock.now()) {
            return said;
        }
        let id = call_id(&parcels);
        let fields = batch::fields(form, letters, &self.sign, self.extend_code.as_deref(), &id);
        let fields: Vec<_> = fields.iter().map(|(name, value)| (*name, value.as_str())).collect();
        match self.api.call(form.action(), &fields).await {
            Ok(said) => {
                let reference = said.biz_id.filter(|id| !id.is_empty()).unwrap_or(id);
                let mut taken = Outcome::accepted(Some(reference)).code("OK");
                taken.detail = said.request_id.map(|id| format!("RequestId {}", vendor::clean(&id, [])));
                Said::Each(vec![Some(taken); letters.len()])
            }
            Err(failure) => self.refused(&failure, form, &id),
        }
    }

    fn refused(&self, failure: &Failure, form: Form, id: &str) -> Said {
        let Failure::Refused { code, words, status } = failure else {
            return Said::Refused(failure.without_code(id).unwrap_or_else(|| Outcome::new(Class::Unknown)));
        };
        let now = self.clock.now();
        let outcome = |class| Outcome::new(class).code(code).detail(words);
        let throttled = |wait| Outcome { wait, ..outcome(Class::Throttled) };
        match meaning(code) {
            Meaning::NumberLimit => {
                Said::ForOne(Outcome { this_address: true, ..throttled(classify::wait(words, now)) })
            }
            Meaning::DayLimit => Said::Refused(throttled(Some(day::until_tomorrow(now)))),
            Meaning::MonthLimit => Said::Refused(throttled(Some(day::until_next_month(now)))),
            Meaning::Again => Said::Refused(
                outcome(Class::Config).detail(format!("{words} (this machine's clock may be wrong)")),
            ),
            Meaning::Outcome(Class::PermanentRecipient) => Said::ForOne(outcome(Class::PermanentRecipient)),
            // It may be one person's variables.
            Meaning::Outcome(Class::PermanentMessage) if form == Form::Each => {
                Said::ForOne(outcome(Class::PermanentMessage))
            }
            Meaning::Outcome(class) => Said::Refused(outcome(class)),
            Meaning::Unlisted => Said::Refused(vendor::unlisted(code, words, *status)),
        }
    }

    /// What became of the text to a number under this reference.
    async fn look(&self, sent: &Sent) -> Option<Verdict> {
        let reference = sent.reference.as_deref()?;
        let number = number::Format::Bare.write(&sent.address);
        let at = if sent.sent_at == Timestamp::default() { self.clock.now() } else { sent.sent_at };
        // It is listed by the day the vendor took it, which is the next one for what left us at midnight.
        let mut days = vec![day::compact(at), day::compact(at.plus(self.timeout))];
        days.dedup();
        for day in days {
            for page in 1..=MOST_PAGES {
                let current = page.to_string();
                let fields = [
                    ("PhoneNumber", number.as_str()),
                    ("SendDate", &day),
                    ("PageSize", PAGE),
                    ("CurrentPage", &current),
                ];
                let said = self.api.call("QuerySendDetails", &fields).await.ok()?;
                let is_it = |detail: &&Detail| {
                    [&detail.out_id, &detail.biz_id].into_iter().any(|id| id.as_deref() == Some(reference))
                };
                if let Some(detail) = said.details().iter().find(is_it) {
                    return verdict(detail);
                }
                let found = said.total_count.as_ref().map_or(0, api::Count::value);
                if said.details().is_empty() || page * said.details().len() as i64 >= found {
                    break;
                }
            }
        }
        None
    }
}

fn verdict(detail: &Detail) -> Option<Verdict> {
    let state = match detail.send_status.value() {
        // The carrier has not said yet, but the vendor has it.
        1 => State::Sent,
        2 => State::Failed,
        3 => State::Delivered,
        _ => return None,
    };
    let code = detail.err_code.as_deref().filter(|code| !code.is_empty());
    Some(Verdict { state, code: code.map(|code| vendor::clean(code, [])), detail: None })
}

fn had_its_share(wait: Duration) -> Outcome {
    let outcome = Outcome::new(Class::Throttled)
        .code("belltower.daily_limit")
        .detail("this number has had as many texts by this template as the vendor allows in 24 hours");
    Outcome { wait: Some(wait), this_address: true, ..outcome }
}

#[async_trait]
impl Channel for AliyunSms {
    fn shape(&self) -> Shape {
        Shape::Mixed { size: MOST_NUMBERS }
    }

    async fn send(&self, parcels: &[Parcel]) -> Vec<Outcome> {
        let mut outcomes: Vec<Option<Outcome>> = vec![None; parcels.len()];
        let mut letters = Vec::with_capacity(parcels.len());
        for (place, parcel) in parcels.iter().enumerate() {
            match self.letter(place, parcel).and_then(|letter| self.count(&letter).map(|()| letter)) {
                Ok(letter) => letters.push(letter),
                Err(outcome) => outcomes[place] = Some(outcome),
            }
        }
        let calls: Vec<_> =
            batch::divide(letters, &self.sign).into_iter().map(|batch| self.deliver(batch)).collect();
        vendor::gather(calls, self.concurrency, outcomes).await
    }

    async fn poll(&self, sent: &[Sent]) -> Vec<Option<Verdict>> {
        let looks: Vec<_> = sent.iter().map(|sent| self.look(sent)).collect();
        stream::iter(looks).buffered(self.concurrency).collect().await
    }

    fn acknowledge(&self, callback: &Callback) -> Option<Acknowledgement> {
        Some(receipt::acknowledge(callback))
    }

    fn receipts(&self, callback: &Callback) -> Receipts {
        receipt::read(callback)
    }

    fn is_bounce(&self, code: &str) -> bool {
        classify::is_bounce(code)
    }

    fn render(&self, parcel: &Parcel) -> Option<Result<String, Outcome>> {
        let shown = |letter: &Letter<'_>| {
            let id = call_id(&[parcel]);
            let fields = batch::fields(Form::Same, &[letter], &self.sign, self.extend_code.as_deref(), &id);
            let lines = fields.into_iter().map(|(name, value)| format!("{name}={value}\n"));
            format!("{} {}\n\n{}", Form::Same.action(), self.host, lines.collect::<String>())
        };
        Some(self.letter(0, parcel).map(|letter| shown(&letter)))
    }

    fn filling(&self, parcel: &Parcel) -> Option<Filling> {
        Some(self.mappings.of(parcel)?.shown(parcel, &self.campus, MOST_VARIABLE))
    }

    fn arriving(&self, parcel: &Parcel) -> Option<Result<Arriving, Outcome>> {
        Some(self.filled(parcel).map(|filled| filled.arriving(&self.sign, parcel)))
    }

    /// Asks what was sent today to a number that nothing is sent to, which takes the same key and the same rights.
    async fn check(&self) -> Result<String, Refusal> {
        let today = day::compact(self.clock.now());
        let fields = [("PhoneNumber", NOBODY), ("SendDate", &today), ("PageSize", "1"), ("CurrentPage", "1")];
        match self.api.call("QuerySendDetails", &fields).await {
            Ok(_) => Ok(format!("{} takes the key; nothing was sent", self.host)),
            Err(failure) => Err(failure.refusal()),
        }
    }

    fn advice(&self, code: &str) -> Option<Advice> {
        classify::advice(code)
    }
}
