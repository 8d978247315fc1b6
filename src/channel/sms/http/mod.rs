//! Any SMS gateway that is called over HTTP: the request, how its answer is read and what it calls back with are all
//! settings.
//!
//! - [`settings`]: what an administrator writes, and what is wrong with it; [`asked`]: how a form asks for it
//! - [`template`], [`body`], [`signature`], [`charset`]: the request
//! - [`call`]: one call, and what became of it
//! - [`answer`], [`document`], [`xml`]: the gateway's answer
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
mod xml;

use std::time::Duration;

use async_trait::async_trait;
use futures_util::{StreamExt as _, stream};
use serde_json::Value;
use sha2::{Digest as _, Sha256};

use self::answer::{Failed, Verdict};
pub use self::asked::SETTINGS;
use self::call::{Caller, Letter};
use crate::channel::registry::Site;
use crate::channel::{Acknowledgement, Callback, Channel, Outcome, Parcel, Receipts, Refusal, Shape};
use crate::clock::Clock;
use crate::domain::delivery::OutcomeClass;
use crate::domain::sms_text::{is_mainland, signed, words};
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
    /// Settings: `request` (`method?`, `url`, `headers?`, `format?`, `charset?`, `body?`), `secrets?`, `signature?`,
    /// `recipients?`, `sign_placement?`, `sign_name?`, `answer?`, `receipt?`, `ca_file?`, `timeout_seconds?` (10, for a
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
            let text = words(&parcel.content);
            let text = signed(&text, &settings.sign, settings.placement, is_mainland(&parcel.address));
            let fits = |batch: &&mut Batch<'p>| {
                batch.text == text
                    && batch.parcels.len() < settings.recipients.per_call
                    && batch.parcels.iter().all(|(_, other)| other.address != parcel.address)
                    && (!uses_params || batch.parcels[0].1.params == parcel.params)
            };
            match batches.iter_mut().find(fits) {
                Some(batch) => batch.parcels.push((place, parcel)),
                None => {
                    batches.push(Batch { text: text.into_owned(), parcels: vec![(place, parcel)] });
                }
            }
        }
        batches
    }

    /// Where one answer stands for many and blames a number without naming it, the call is cut in two until the number
    /// is found, so that nobody else pays for it.
    async fn deliver(&self, batch: Batch<'_>) -> Vec<(usize, Outcome)> {
        let deadline = self.clock.steady() + self.caller.settings.timeout * NARROWING;
        let mut outcomes = Vec::with_capacity(batch.parcels.len());
        let mut waiting = vec![batch.parcels];
        while let Some(parcels) = waiting.pop() {
            if !outcomes.is_empty() && self.clock.steady() >= deadline {
                let outcome = Outcome::new(OutcomeClass::Transient)
                    .code("belltower.narrowing")
                    .detail("its call was refused for another number, and is sent again without it");
                outcomes.extend(parcels.iter().map(|(place, _)| (*place, outcome.clone())));
                continue;
            }
            let verdict = match self.call(&batch.text, &parcels).await {
                Ok(verdict) => verdict,
                Err(outcome) => {
                    outcomes.extend(parcels.iter().map(|(place, _)| (*place, outcome.clone())));
                    continue;
                }
            };
            let blames_one = verdict.class == OutcomeClass::PermanentRecipient && parcels.len() > 1;
            if !blames_one {
                outcomes.extend(parcels.iter().map(|(place, parcel)| (*place, outcome(&verdict, parcel))));
                continue;
            }
            let (named, others): (Vec<_>, Vec<_>) =
                parcels.into_iter().partition(|(_, parcel)| failed(&verdict, parcel).is_some());
            if named.is_empty() {
                let (first, second) = others.split_at(others.len() / 2);
                waiting.extend([second.to_vec(), first.to_vec()]);
            } else {
                outcomes.extend(named.iter().map(|(place, parcel)| (*place, outcome(&verdict, parcel))));
                waiting.extend((!others.is_empty()).then_some(others));
            }
        }
        outcomes
    }

    async fn call(&self, text: &str, parcels: &[(usize, &Parcel)]) -> Result<Verdict, Outcome> {
        let Some((_, first)) = parcels.first() else {
            return Err(Outcome::new(OutcomeClass::Transient));
        };
        // Calls before this one take time.
        if parcels.iter().any(|(_, parcel)| self.clock.now() >= parcel.expires_at) {
            return Err(Outcome::new(OutcomeClass::Transient)
                .code("belltower.expired")
                .detail("it expired while it waited for its call"));
        }
        let letter = Letter {
            id: call_id(parcels),
            text,
            numbers: parcels.iter().map(|(_, parcel)| parcel.address.as_str()).collect(),
            params: &first.params,
        };
        self.caller.call(&letter).await
    }
}

/// The same however often the same people are tried, so that a gateway that remembers it sends it once; another where
/// some of them are tried again without the rest, so that it takes those for what they are.
fn call_id(parcels: &[(usize, &Parcel)]) -> String {
    let mut ids: Vec<_> = parcels.iter().map(|(_, parcel)| parcel.delivery).collect();
    ids.sort_unstable();
    match ids.as_slice() {
        [] => String::new(),
        [only] => only.to_string(),
        [first, ..] => {
            let mut all = Sha256::new();
            for id in &ids {
                all.update(id.0.to_be_bytes());
            }
            let [a, b, c, d, ..] = <[u8; 32]>::from(all.finalize());
            format!("{first}-{:08x}", u32::from_be_bytes([a, b, c, d]))
        }
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
        sent.into_iter().map(|(_, outcome)| outcome).collect()
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

    async fn check(&self) -> Result<String, Refusal> {
        Ok(self.caller.reach().await?)
    }
}

/// Longer waits would outlast most messages, and are more likely a mistake.
const LONGEST_WAIT: Duration = Duration::from_hours(24);
