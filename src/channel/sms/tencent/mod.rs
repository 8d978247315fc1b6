//! Tencent Cloud's SMS service (腾讯云短信).
//!
//! It sends approved templates only. People who get the same share a `SendSms`, up to two hundred, which answers for each
//! number by itself.
//!
//! - [`settings`]: what an administrator configures
//! - [`api`]: the calls; [`sign`]: their signature
//! - [`classify`]: what the vendor's codes mean
//! - [`receipt`]: what it tells later

mod api;
mod asked;
mod classify;
mod receipt;
mod settings;
mod sign;

use std::collections::HashMap;
use std::time::Duration;

use async_trait::async_trait;
use futures_util::{StreamExt as _, stream};
use serde_json::{Value, json};

use self::api::{Api, Status};
pub use self::asked::SETTINGS;
use self::classify::{Meaning, meaning};
pub use self::settings::FORM;
use self::settings::Settings;
use crate::channel::limits::{Daily, Logs};
use crate::channel::narrow::{Narrowing, Said};
use crate::channel::registry::Site;
use crate::channel::sms::encode::sha256_hex;
use crate::channel::sms::number;
use crate::channel::sms::vendor::{self, Failure, Filled, NARROWING, call_id, expired};
use crate::channel::{
    Acknowledgement, Arriving, Callback, Channel, Filling, Outcome, Parcel, Receipts, Refusal, Sent, Shape,
    Verdict, day,
};
use crate::clock::{Clock, Timestamp};
use crate::domain::delivery::OutcomeClass as Class;
use crate::domain::provider::Advice;
use crate::domain::sms_text::is_mainland;
use crate::error::Fault;

/// Numbers in a call.
const MOST_NUMBERS: usize = 200;
/// The same text to the same number; a second more than the vendor's, for calls that take their time to arrive.
const SAME_TEXT: Duration = Duration::from_secs(31);
/// How far back receipts can be asked for.
const LOOK_BACK: Duration = Duration::from_hours(7 * 24);
/// Clocks differ.
const MARGIN: Duration = Duration::from_mins(5);
/// Whom a check asks about; nothing is ever sent there.
const NOBODY: &str = "+8613000000000";

/// One account.
pub struct TencentSms {
    api: Api,
    settings: Settings,
    host: String,
    /// By number and what it gets.
    same_text: Logs,
    /// By number. Accounts differ, so that it is reckoned only where an administrator says how many.
    daily: Option<Daily>,
    clock: Clock,
}

/// What a person gets.
struct Letter<'p> {
    /// Among the parcels that were handed over.
    place: usize,
    parcel: &'p Parcel,
    template: String,
    variables: Vec<String>,
}

impl Letter<'_> {
    fn same_text(&self) -> String {
        let text = format!("{}\n{}", self.template, self.variables.join("\n"));
        format!("{} {}", self.parcel.address, &sha256_hex(text.as_bytes())[..16])
    }
}

impl TencentSms {
    /// Settings: `secret_id`, `secret_key`, `security_token?`, `sdk_app_id`, `sign_name`, `region?` (`ap-guangzhou`),
    /// `default_template?` and `templates?` (`{id, variables, text?}`), `extend_code?`, `sender_id?`, `variable_limit?` (500),
    /// `daily_limit?` (to one number; none), `bounced?` (codes of receipts), `endpoint?` (the vendor's own), `ca_file?`,
    /// `timeout_seconds?` (10, for each call), `concurrency?` (8).
    pub fn new(settings: &Value, site: &Site) -> Result<Self, Vec<Fault>> {
        let settings = settings::read(settings, &site.campus)?;
        Ok(Self {
            api: Api::new(&settings, site.clock.clone()),
            host: settings.reach.endpoint.host_str().unwrap_or_default().to_owned(),
            same_text: Logs::new([(1, SAME_TEXT)]),
            daily: settings.daily_limit.map(Daily::new),
            clock: site.clock.clone(),
            settings,
        })
    }

    /// What a person gets, or why they cannot.
    fn letter<'p>(&self, place: usize, parcel: &'p Parcel) -> Result<Letter<'p>, Outcome> {
        let Filled { template, variables, .. } = self.filled(parcel)?;
        let variables = variables.into_iter().map(|(_, value)| value).collect();
        Ok(Letter { place, parcel, template: template.to_owned(), variables })
    }

    fn filled(&self, parcel: &Parcel) -> Result<Filled<'_>, Outcome> {
        let Settings { mappings, campus, variable_limit, sign, .. } = &self.settings;
        vendor::fill(mappings, parcel, campus, *variable_limit, sign)
    }

    /// What the vendor will not have, it says itself; an emergency is not held back by our reckoning.
    fn count(&self, letter: &Letter<'_>) -> Result<(), Outcome> {
        if letter.parcel.emergency {
            return Ok(());
        }
        let text = letter.same_text();
        self.same_text.take(&text, self.clock.steady()).map_err(|wait| {
            held_back(
                wait,
                "belltower.same_text",
                "the vendor takes the same text to a number once in 30 seconds",
            )
        })?;
        let Some(daily) = &self.daily else { return Ok(()) };
        daily.take(&letter.parcel.address, self.clock.now()).map_err(|wait| {
            self.same_text.give_back(&text);
            let detail =
                "this number has had as many texts today as `daily_limit` says that the vendor takes";
            held_back(wait, "belltower.daily_limit", detail)
        })
    }

    fn give_back(&self, letter: &Letter<'_>) {
        if letter.parcel.emergency {
            return;
        }
        self.same_text.give_back(&letter.same_text());
        if let Some(daily) = &self.daily {
            daily.give_back(&letter.parcel.address);
        }
    }

    /// Calls until each of these, who get the same, has an outcome.
    async fn deliver(&self, letters: Vec<Letter<'_>>) -> Vec<(usize, Outcome)> {
        let give_up_at = self.clock.steady() + self.settings.reach.timeout * NARROWING;
        let mut narrowing = Narrowing::new(letters.len(), give_up_at, true);
        while let Some(places) = narrowing.next(self.clock.steady()) {
            let these: Vec<_> = places.iter().map(|place| &letters[*place]).collect();
            let said = self.call(&these).await;
            narrowing.heard(&places, said);
        }
        let outcomes = narrowing.outcomes();
        for (letter, outcome) in letters.iter().zip(&outcomes) {
            // What may have reached them counts.
            if !matches!(outcome.class, Class::Accepted | Class::Unknown) {
                self.give_back(letter);
            }
        }
        letters.iter().map(|letter| letter.place).zip(outcomes).collect()
    }

    async fn call(&self, letters: &[&Letter<'_>]) -> Said {
        let parcels: Vec<_> = letters.iter().map(|letter| letter.parcel).collect();
        if let Some(said) = expired(&parcels, self.clock.now()) {
            return said;
        }
        let id = call_id(&parcels);
        match self.api.call("SendSms", &self.body(letters, &id)).await {
            Ok(said) => {
                let of_number: HashMap<_, _> = said
                    .statuses()
                    .iter()
                    .filter_map(|status| Some((number::read(status.phone_number.as_deref()?), status)))
                    .collect();
                let outcome = |parcel: &&Parcel| match of_number.get(&parcel.address) {
                    Some(status) => self.of_number(status, &id),
                    None => Outcome {
                        reference: Some(id.clone()),
                        ..Outcome::new(Class::Unknown).detail("the answer does not have this number")
                    },
                };
                Said::Each(parcels.iter().map(|parcel| Some(outcome(parcel))).collect())
            }
            Err(Failure::Refused { code, words, status }) => self.refused(&code, &words, status),
            Err(failure) => {
                Said::Refused(failure.without_code(&id).unwrap_or_else(|| Outcome::new(Class::Unknown)))
            }
        }
    }

    fn body(&self, letters: &[&Letter<'_>], id: &str) -> Value {
        let numbers: Vec<_> = letters.iter().map(|letter| letter.parcel.address.as_str()).collect();
        let mut body = json!({
            "PhoneNumberSet": numbers, "SmsSdkAppId": self.settings.sdk_app_id, "SessionContext": id,
        });
        if let Some(first) = letters.first() {
            body["TemplateId"] = first.template.clone().into();
            body["TemplateParamSet"] = first.variables.clone().into();
            // Numbers abroad have no sign, but may have a sender's name.
            let sender = if is_mainland(&first.parcel.address) {
                Some(("SignName", &self.settings.sign))
            } else {
                self.settings.sender_id.as_ref().map(|sender| ("SenderId", sender))
            };
            if let Some((name, value)) = sender {
                body[name] = value.clone().into();
            }
        }
        if let Some(code) = &self.settings.extend_code {
            body["ExtendCode"] = code.clone().into();
        }
        body
    }

    /// What was said of one number among others.
    fn of_number(&self, status: &Status, id: &str) -> Outcome {
        let code = vendor::clean(status.code.as_deref().unwrap_or_default(), []);
        let words = self.api.clean(status.message.as_deref().unwrap_or_default());
        if code.eq_ignore_ascii_case("Ok") {
            let serial = status.serial_no.clone().filter(|serial| !serial.is_empty());
            return Outcome::accepted(serial.or_else(|| Some(id.to_owned()))).code(code).detail(words);
        }
        let outcome = self.by_code(&code, &words, 200);
        // What an account had too much of is no number's alone.
        let is_accounts = matches!(meaning(&code), Meaning::DayLimit | Meaning::Outcome(_));
        Outcome { this_address: outcome.class == Class::Throttled && !is_accounts, ..outcome }
    }

    fn refused(&self, code: &str, words: &str, status: u16) -> Said {
        let outcome = self.by_code(code, words, status);
        match meaning(code) {
            Meaning::Outcome(Class::PermanentRecipient) => Said::ForOne(outcome),
            Meaning::NumberLimit(_) => Said::ForOne(Outcome { this_address: true, ..outcome }),
            // Of this text, not of all that goes this way.
            Meaning::Night => Said::Refused(Outcome { this_address: true, ..outcome }),
            _ => Said::Refused(outcome),
        }
    }

    fn by_code(&self, code: &str, words: &str, status: u16) -> Outcome {
        let now = self.clock.now();
        let outcome = |class| Outcome::new(class).code(code).detail(words);
        let throttled = |wait| Outcome { wait, ..outcome(Class::Throttled) };
        match meaning(code) {
            Meaning::NumberLimit(lasts) => throttled(classify::wait(lasts, now)),
            Meaning::DayLimit => throttled(Some(day::until_tomorrow(now))),
            Meaning::Night => throttled(Some(classify::until_morning(now))),
            Meaning::Again => {
                outcome(Class::Config).detail(format!("{words} (this machine's clock may be wrong)"))
            }
            Meaning::Outcome(class) => outcome(class),
            Meaning::Unlisted => vendor::unlisted(code, words, status),
        }
    }

    /// What became of the text to a number under this reference.
    async fn look(&self, sent: &Sent) -> Option<Verdict> {
        let reference = sent.reference.as_deref()?;
        let (now, earliest) = (self.clock.now(), self.clock.now().minus(LOOK_BACK).plus(MARGIN));
        let known = sent.sent_at != Timestamp::default();
        let from = if known { sent.sent_at.minus(MARGIN).max(earliest) } else { earliest };
        let body = self.search(&sent.address, from, 100, now);
        let said = self.api.call("PullSmsSendStatusByPhoneNumber", &body).await.ok()?;
        let found = said.found().iter().find(|found| {
            [&found.serial_no, &found.session_context].into_iter().any(|id| id.as_deref() == Some(reference))
        })?;
        let words = found.description.as_deref().map(|words| self.api.clean(words));
        let state = receipt::state(found.report_status.as_deref()?, words.as_deref())?;
        Some(Verdict { state, code: words, detail: None })
    }

    fn search(&self, number: &str, from: Timestamp, most: u32, to: Timestamp) -> Value {
        let seconds = |at: Timestamp| at.millis().div_euclid(1_000);
        json!({
            "SmsSdkAppId": self.settings.sdk_app_id, "PhoneNumber": number, "Offset": 0, "Limit": most,
            "BeginTime": seconds(from), "EndTime": seconds(to),
        })
    }
}

fn held_back(wait: Duration, code: &str, detail: &str) -> Outcome {
    let outcome = Outcome::new(Class::Throttled).code(code).detail(detail);
    Outcome { wait: Some(wait), this_address: true, ..outcome }
}

#[async_trait]
impl Channel for TencentSms {
    fn shape(&self) -> Shape {
        Shape::Batch { size: MOST_NUMBERS, concurrency: self.settings.concurrency }
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
        // The mainland and other countries are never mixed.
        let alike = |letter: &Letter<'_>| {
            (letter.template.clone(), letter.variables.clone(), is_mainland(&letter.parcel.address))
        };
        let calls: Vec<_> = vendor::grouped(letters, alike)
            .into_iter()
            .flat_map(|letters| vendor::lists(letters, MOST_NUMBERS, |letter| &letter.parcel.address))
            .map(|letters| self.deliver(letters))
            .collect();
        vendor::gather(calls, self.settings.concurrency, outcomes).await
    }

    async fn poll(&self, sent: &[Sent]) -> Vec<Option<Verdict>> {
        let looks: Vec<_> = sent.iter().map(|sent| self.look(sent)).collect();
        stream::iter(looks).buffered(self.settings.concurrency).collect().await
    }

    fn acknowledge(&self, callback: &Callback) -> Option<Acknowledgement> {
        Some(receipt::acknowledge(callback))
    }

    fn receipts(&self, callback: &Callback) -> Receipts {
        receipt::read(callback)
    }

    fn is_bounce(&self, code: &str) -> bool {
        self.settings.bounced.iter().any(|bounced| bounced == code)
    }

    fn render(&self, parcel: &Parcel) -> Option<Result<String, Outcome>> {
        let shown = |letter: &Letter<'_>| {
            format!("SendSms {}\n\n{:#}\n", self.host, self.body(&[letter], &call_id(&[parcel])))
        };
        Some(self.letter(0, parcel).map(|letter| shown(&letter)))
    }

    fn filling(&self, parcel: &Parcel) -> Option<Filling> {
        Some(self.settings.mappings.of(parcel)?.shown(
            parcel,
            &self.settings.campus,
            self.settings.variable_limit,
        ))
    }

    fn arriving(&self, parcel: &Parcel) -> Option<Result<Arriving, Outcome>> {
        // Numbers abroad have no sign.
        let sign = if is_mainland(&parcel.address) { self.settings.sign.as_str() } else { "" };
        Some(self.filled(parcel).map(|filled| filled.arriving(sign, parcel)))
    }

    /// Asks for receipts of a number that nothing is sent to, which takes the same key, rights and application.
    async fn check(&self) -> Result<String, Refusal> {
        let now = self.clock.now();
        let body = self.search(NOBODY, now.minus(MARGIN), 1, now);
        match self.api.call("PullSmsSendStatusByPhoneNumber", &body).await {
            Ok(_) => Ok(format!(
                "{} takes the key for application {}; nothing was sent",
                self.host, self.settings.sdk_app_id
            )),
            Err(Failure::Refused { code, .. }) if classify::is_signed_in(&code) => Ok(format!(
                "{}: signed in; what became of texts it does not say when asked ({code})",
                self.host
            )),
            Err(failure) => Err(failure.refusal()),
        }
    }

    fn advice(&self, code: &str) -> Option<Advice> {
        classify::advice(code)
    }
}
