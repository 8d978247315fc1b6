//! Any SMS gateway that is called over HTTP: the request, how its answer is read and what it calls back with are all
//! settings.
//!
//! - [`settings`]: what an administrator writes, and what is wrong with it; [`asked`]: how a form asks for it
//! - [`template`], [`body`], [`signature`], [`charset`]: the request
//! - [`call`]: one call, and what became of it
//! - [`text`]: what a call says, and what arrives of it
//! - [`answer`], [`document`]: the gateway's answer
//! - [`receipt`]: what it tells later

mod answer;
mod asked;
mod body;
mod call;
mod charset;
mod document;
mod receipt;
mod settings;
mod signature;
mod template;
mod text;

use std::time::Duration;

use async_trait::async_trait;
use futures_util::{StreamExt as _, stream};
use serde_json::Value;

use self::answer::{Failed, Verdict};
pub use self::asked::{SETTINGS, places};
use self::call::{Caller, Letter};
use super::vendor::{ask_later, call_id, expired};
use crate::channel::narrow::{Narrowing, Said};
use crate::channel::registry::Site;
use crate::channel::{
    self, Acknowledgement, Arriving, Callback, Channel, Outcome, Parcel, Receipts, Refusal, Sent, Shape,
};
use crate::clock::Clock;
use crate::domain::delivery::OutcomeClass;
use crate::error::Fault;

/// Looking for the number that a call was refused for takes no longer than this many time-outs.
const NARROWING: u32 = 3;

/// One gateway account.
pub struct HttpSms {
    caller: Caller,
    clock: Clock,
}

/// What goes out in one call: a text, and whom it is for.
struct Batch<'p> {
    text: String,
    /// With their place among the parcels.
    parcels: Vec<(usize, &'p Parcel)>,
}

impl HttpSms {
    /// Settings: `request` (`method?`, `url`, `headers?`, `basic?`, `format?`, `charset?`,
    /// `body?`), `secrets?`, `signature?`,
    /// `recipients?`, `sign_placement?`, `sign_name?`, `template_text?`, `answer?`, `receipt?`, `poll?`, `ca_file?`, `timeout_seconds?` (10, for a
    /// call), `concurrency?` (8). `docs/PROVIDERS.md` explains them.
    pub fn new(settings: &Value, site: &Site) -> Result<Self, Vec<Fault>> {
        let settings = settings::read(settings, &site.campus)?;
        Ok(Self { caller: Caller::new(settings, site.clock.clone())?, clock: site.clock.clone() })
    }

    /// Parcels that can share a call, in their order: the same text, the same variables where the request has some,
    /// and no number twice, as a receipt tells them apart by number alone.
    fn batches<'p>(&self, parcels: &'p [Parcel]) -> Vec<Batch<'p>> {
        let settings = &self.caller.settings;
        let uses_params = settings.uses_params();
        let mut batches: Vec<Batch<'p>> = Vec::new();
        for (place, parcel) in parcels.iter().enumerate() {
            let text = settings.text(parcel);
            let fits = |batch: &&mut Batch<'p>| {
                batch.text == text
                    && batch.parcels.len() < settings.recipients.per_call
                    && batch.parcels.iter().all(|(_, other)| other.address != parcel.address)
                    && (!uses_params || batch.parcels[0].1.params == parcel.params)
            };
            match batches.iter_mut().find(fits) {
                Some(batch) => batch.parcels.push((place, parcel)),
                None => {
                    batches.push(Batch { text, parcels: vec![(place, parcel)] });
                }
            }
        }
        batches
    }

    /// Calls until every number of a batch has an outcome.
    async fn deliver(&self, batch: Batch<'_>) -> Vec<(usize, Outcome)> {
        let give_up_at = self.clock.steady() + self.caller.settings.timeout * NARROWING;
        let mut narrowing = Narrowing::new(batch.parcels.len(), give_up_at, true);
        while let Some(places) = narrowing.next(self.clock.steady()) {
            let parcels: Vec<_> = places.iter().map(|place| batch.parcels[*place].1).collect();
            let said = match expired(&parcels, self.clock.now()) {
                Some(said) => said,
                None => match self.call(&batch.text, &parcels).await {
                    Ok(verdict) => said(&verdict, &parcels),
                    Err(outcome) => Said::Refused(outcome),
                },
            };
            narrowing.heard(&places, said);
        }
        batch.parcels.iter().map(|(place, _)| *place).zip(narrowing.outcomes()).collect()
    }

    async fn call(&self, text: &str, parcels: &[&Parcel]) -> Result<Verdict, Outcome> {
        let Some(first) = parcels.first() else {
            return Err(Outcome::new(OutcomeClass::Transient));
        };
        let letter = Letter {
            id: call_id(parcels),
            text,
            numbers: parcels.iter().map(|parcel| parcel.address.as_str()).collect(),
            params: &first.params,
        };
        self.caller.call(&letter).await
    }
}

/// What the gateway's verdict is for those in the call. Where it blames some and does not name them, they are looked for.
fn said(verdict: &Verdict, parcels: &[&Parcel]) -> Said {
    let of = |parcel: &&Parcel| outcome(verdict, parcel);
    let is_named = |parcel: &&Parcel| failed(verdict, parcel).is_some();
    let Some(first) = parcels.first() else { return Said::Each(Vec::new()) };
    match verdict.class {
        OutcomeClass::Accepted => Said::Each(parcels.iter().map(|parcel| Some(of(parcel))).collect()),
        OutcomeClass::PermanentRecipient if parcels.iter().any(is_named) => {
            Said::Each(parcels.iter().map(|parcel| is_named(parcel).then(|| of(parcel))).collect())
        }
        OutcomeClass::PermanentRecipient => Said::ForOne(of(first)),
        _ => Said::Refused(of(first)),
    }
}

fn failed<'v>(verdict: &'v Verdict, parcel: &Parcel) -> Option<&'v Failed> {
    verdict.failed.iter().find(|failed| failed.number == parcel.address)
}

/// The call's outcome, or the number's own where the gateway singled it out.
fn outcome(verdict: &Verdict, parcel: &Parcel) -> Outcome {
    let failed = failed(verdict, parcel)
        .filter(|_| matches!(verdict.class, OutcomeClass::Accepted | OutcomeClass::PermanentRecipient));
    let class = failed.map_or(verdict.class, |failed| failed.class);
    let code = failed.and_then(|failed| failed.code.clone()).or_else(|| verdict.code.clone());
    let was_taken = matches!(class, OutcomeClass::Accepted | OutcomeClass::Unknown);
    Outcome {
        code,
        detail: verdict.detail.clone(),
        reference: verdict.reference.clone().filter(|_| was_taken),
        wait: verdict.wait,
        this_address: failed.is_some(),
        ..Outcome::new(class)
    }
}

#[async_trait]
impl Channel for HttpSms {
    fn shape(&self) -> Shape {
        let settings = &self.caller.settings;
        match settings.recipients.per_call {
            1 => Shape::Single { concurrency: settings.concurrency },
            size => Shape::Batch { size, concurrency: settings.concurrency },
        }
    }

    async fn send(&self, parcels: &[Parcel]) -> Vec<Outcome> {
        let width = self.caller.settings.concurrency;
        let calls: Vec<_> = self.batches(parcels).into_iter().map(|batch| self.deliver(batch)).collect();
        let mut sent: Vec<_> =
            stream::iter(calls).buffer_unordered(width).flat_map(stream::iter).collect().await;
        sent.sort_unstable_by_key(|(place, _)| *place);
        let may_ask = self.caller.settings.poll.is_some();
        let told = |outcome| if may_ask { ask_later(outcome) } else { outcome };
        sent.into_iter().map(|(_, outcome)| told(outcome)).collect()
    }

    async fn poll(&self, sent: &[Sent]) -> Vec<Option<channel::Verdict>> {
        let asked: Vec<_> = sent.iter().map(|sent| self.caller.poll(sent)).collect();
        stream::iter(asked).buffered(self.caller.settings.concurrency).collect().await
    }

    fn acknowledge(&self, callback: &Callback) -> Option<Acknowledgement> {
        let settings = &self.caller.settings;
        Some(settings.receipt.acknowledge(callback, settings.request.charset))
    }

    fn receipts(&self, callback: &Callback) -> Receipts {
        let settings = &self.caller.settings;
        settings.receipt.read(callback, settings.request.charset)
    }

    fn is_bounce(&self, code: &str) -> bool {
        self.caller.settings.receipt.bounced.iter().any(|word| word == code)
    }

    fn render(&self, parcel: &Parcel) -> Option<Result<String, Outcome>> {
        let batch = self.batches(std::slice::from_ref(parcel)).pop()?;
        Some(self.caller.render(&Letter {
            id: call_id(&[parcel]),
            text: &batch.text,
            numbers: vec![&parcel.address],
            params: &parcel.params,
        }))
    }

    fn arriving(&self, parcel: &Parcel) -> Option<Result<Arriving, Outcome>> {
        // Nothing arrives of a call that cannot be made.
        let made = self.render(parcel)?;
        Some(made.and_then(|_| self.caller.settings.arriving(parcel)))
    }

    async fn check(&self) -> Result<String, Refusal> {
        Ok(self.caller.reach().await?)
    }
}

/// Longer waits would outlast most messages, and are more likely a mistake.
const LONGEST_WAIT: Duration = Duration::from_hours(24);
