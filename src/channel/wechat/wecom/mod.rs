//! An application of the campus's WeCom (企业微信), by `message/send`.
//!
//! One call carries one text to as many as a thousand members, and answers who of them cannot be reached. There are no
//! receipts; what was sent can be called back for a day.
//!
//! - [`settings`]: what an administrator configures; [`asked`]: how a form asks for it
//! - [`compose`]: from a text to a request
//! - [`api`]: the calls; [`token`]: the access token they need
//! - [`classify`]: what WeCom's error codes mean
//! - [`limits`] and [`pressure`]: how much it takes, by our reckoning and by its word

mod api;
mod asked;
mod classify;
mod compose;
mod limits;
mod pressure;
mod settings;
mod token;

use std::collections::HashMap;
use std::time::Duration;

use async_trait::async_trait;
use serde_json::Value;

use self::api::{Api, Failure, Sent};
pub use self::asked::SETTINGS;
use self::classify::{Meaning, meaning};
use self::limits::Limits;
use self::pressure::Pressure;
use crate::channel::registry::Site;
use crate::channel::{Channel, Identity, Outcome, Parcel, Refusal, Shape};
use crate::clock::Clock;
use crate::domain::channel::AddressKind;
use crate::domain::delivery::OutcomeClass as Class;
use crate::error::Fault;

/// Members in one call.
const MOST_MEMBERS: usize = 1_000;

/// One application.
pub struct Wecom {
    api: Api,
    host: String,
    agent_id: u64,
    timeout: Duration,
    limits: Limits,
    pressure: Pressure,
    clock: Clock,
}

/// What a call came to for those in it.
enum Said {
    Taken(Sent),
    /// None of them can be reached.
    NobodyKnown(Outcome),
    /// One of them cannot; WeCom does not say who.
    SomebodyUnknown(Outcome),
    /// Whoever is in it.
    Refused(Outcome),
}

impl Wecom {
    /// Settings: `corp_id`, `secret`, `agent_id`, `callback_token?` and `callback_aes_key?` (both or none), `endpoint?`
    /// (WeCom's own), `ca_file?`, `timeout_seconds?` (10, for each call), `concurrency?` (1: calls with different texts
    /// at the same time).
    pub fn new(settings: &Value, site: &Site) -> Result<Self, Vec<Fault>> {
        let settings = settings::read(settings)?;
        Ok(Self {
            host: settings.reach.endpoint.host_str().unwrap_or_default().to_owned(),
            agent_id: settings.agent_id,
            timeout: settings.reach.timeout,
            limits: Limits::default(),
            pressure: Pressure::new(settings.concurrency),
            clock: site.clock.clone(),
            api: Api::new(settings, site.clock.clone()),
        })
    }

    /// Calls with these members until each has an outcome. Where WeCom refuses a call for one of them, its halves are
    /// tried until that one is found; nobody else pays for it.
    async fn call_all(&self, parcels: &[&Parcel]) -> Vec<Outcome> {
        let began = self.clock.steady();
        let mut outcomes = vec![Outcome::new(Class::Transient); parcels.len()];
        let mut parts = Vec::from([(0, parcels.len())]);
        while let Some((from, to)) = parts.pop() {
            let these = &parcels[from..to];
            match self.call(these).await {
                Said::Taken(sent) => {
                    for (outcome, parcel) in outcomes[from..to].iter_mut().zip(these) {
                        *outcome = taken(&sent, &parcel.address);
                    }
                }
                Said::SomebodyUnknown(_) if these.len() > 1 => {
                    let middle = from + these.len() / 2;
                    parts.extend([(middle, to), (from, middle)]);
                }
                Said::NobodyKnown(outcome) | Said::SomebodyUnknown(outcome) => {
                    outcomes[from..to].fill(outcome);
                }
                Said::Refused(outcome) => {
                    let rest = for_the_rest(&outcome);
                    outcomes[from..to].fill(outcome);
                    parts.drain(..).for_each(|(from, to)| outcomes[from..to].fill(rest.clone()));
                }
            }
            if self.clock.steady().saturating_sub(began) >= self.timeout {
                let late =
                    Outcome::new(Class::Transient).detail("no time was left to look for who is not known");
                parts.drain(..).for_each(|(from, to)| outcomes[from..to].fill(late.clone()));
            }
        }
        outcomes
    }

    async fn call(&self, parcels: &[&Parcel]) -> Said {
        let Some(first) = parcels.first() else { return Said::Taken(Sent::default()) };
        if let Err(wait) = self.limits.take_call(self.clock.steady()) {
            let outcome = Outcome::new(Class::Throttled)
                .code("belltower.calls")
                .detail("as many calls as WeCom takes in a minute, or an hour, have been made");
            return Said::Refused(Outcome { wait: Some(wait), ..outcome });
        }
        let members: Vec<_> = parcels.iter().map(|parcel| &*parcel.address).collect();
        let sent_before = parcels.iter().filter_map(|parcel| parcel.sent_before).max();
        let body = compose::body(self.agent_id, &members, &first.content, first.message, sent_before);
        match self.api.send(&body).await {
            Ok(sent) => {
                self.pressure.taken();
                Said::Taken(sent)
            }
            Err(failure) => self.failed(failure),
        }
    }

    fn failed(&self, failure: Failure) -> Said {
        let (code, words) = match failure {
            Failure::NotSent(words) => return Said::Refused(Outcome::new(Class::Transient).detail(words)),
            Failure::NoAnswer(words) => return Said::Refused(Outcome::new(Class::Unknown).detail(words)),
            Failure::Status(status) => return Said::Refused(by_status(status)),
            Failure::Refused { code, words } => (code, words),
        };
        let outcome = |class| Outcome::new(class).code(code.to_string()).detail(words.clone());
        let throttled = |wait| Said::Refused(Outcome { wait: Some(wait), ..outcome(Class::Throttled) });
        match meaning(code) {
            // A new token did not help.
            Meaning::StaleToken => Said::Refused(outcome(Class::Config)),
            Meaning::TooMany => throttled(self.pressure.too_many(self.clock.now())),
            Meaning::TooManyAtOnce => throttled(self.pressure.too_many_at_once()),
            Meaning::NobodyReached => Said::NobodyKnown(outcome(Class::PermanentRecipient)),
            Meaning::Outcome(Class::PermanentRecipient) => {
                Said::SomebodyUnknown(outcome(Class::PermanentRecipient))
            }
            Meaning::Outcome(class) => Said::Refused(outcome(class)),
        }
    }
}

/// For those of a divided call that were not handed over because of what became of one part.
fn for_the_rest(outcome: &Outcome) -> Outcome {
    match outcome.class {
        Class::Unknown => {
            Outcome::new(Class::Transient).detail("not handed over, as no answer came for others")
        }
        _ => outcome.clone(),
    }
}

/// An answer in HTTP alone is of a gateway or of somebody else altogether.
fn by_status(status: u16) -> Outcome {
    let class = match status {
        429 => Class::Throttled,
        500.. => Class::Transient,
        _ => Class::Config,
    };
    Outcome::new(class).code(format!("HTTP {status}")).detail("the answer is none of WeCom's")
}

/// For one member of a call that WeCom took.
fn taken(sent: &Sent, member: &str) -> Outcome {
    let member = member.to_ascii_lowercase();
    let refused = |code: &str, words: &str| Outcome::new(Class::PermanentRecipient).code(code).detail(words);
    if sent.invalid.contains(&member) {
        refused("invaliduser", "WeCom does not know this member, or the application may not reach them")
    } else if sent.unlicensed.contains(&member) {
        refused("unlicenseduser", "this member has no licence for WeCom's interfaces, or it has expired")
    } else {
        Outcome::accepted(sent.msgid.clone()).code("0")
    }
}

#[async_trait]
impl Channel for Wecom {
    fn shape(&self) -> Shape {
        Shape::Batch { size: MOST_MEMBERS, concurrency: self.pressure.allowed() }
    }

    async fn send(&self, parcels: &[Parcel]) -> Vec<Outcome> {
        let now = self.clock.steady();
        let mut outcomes: Vec<Option<Outcome>> = Vec::with_capacity(parcels.len());
        // Two people with one id are one member, who gets one message.
        let mut allowed: HashMap<String, Result<(), Duration>> = HashMap::new();
        let mut these = Vec::with_capacity(parcels.len());
        for parcel in parcels {
            if parcel.address_kind != AddressKind::WecomUserid {
                let outcome = Outcome::new(Class::PermanentRecipient).code("belltower.not_a_member");
                outcomes.push(Some(outcome.detail("this person has no WeCom user id")));
                continue;
            }
            let member = parcel.address.to_ascii_lowercase();
            let may =
                *allowed.entry(member).or_insert_with_key(|member| self.limits.take_member(member, now));
            outcomes.push(may.err().map(too_many_for_member));
            if may.is_ok() {
                these.push(parcel);
            }
        }
        let called = if these.is_empty() { Vec::new() } else { self.call_all(&these).await };
        for (parcel, outcome) in these.iter().zip(&called) {
            // What may have reached them counts.
            if !matches!(outcome.class, Class::Accepted | Class::Unknown)
                && allowed.remove(&parcel.address.to_ascii_lowercase()).is_some()
            {
                self.limits.give_back_member(&parcel.address);
            }
        }
        let mut called = called.into_iter();
        outcomes.into_iter().filter_map(|outcome| outcome.or_else(|| called.next())).collect()
    }

    async fn recall(&self, reference: &str) -> Result<(), String> {
        self.api.recall(reference).await.map_err(|failure| in_words(&failure))
    }

    fn sign_in_address(&self, back: &str, state: &str) -> Option<String> {
        Some(self.api.sign_in_address(back, state))
    }

    async fn identify(&self, code: &str) -> Result<Identity, Refusal> {
        match self.api.member(code).await {
            Ok(Some(address)) => Ok(Identity { kind: AddressKind::WecomUserid, address }),
            Ok(None) => Err("whoever signed in is no member of this corp".to_owned().into()),
            Err(failure) => Err(refusal(&failure)),
        }
    }

    async fn check(&self) -> Result<String, Refusal> {
        let name = self.api.application().await.map_err(|failure| refusal(&failure))?;
        Ok(format!("{}: {name} ({})", self.host, self.agent_id))
    }
}

fn too_many_for_member(wait: Duration) -> Outcome {
    let outcome = Outcome::new(Class::Throttled).code("belltower.member").detail(
        "WeCom drops what one application sends a member beyond 30 messages a minute or 1,000 an hour",
    );
    Outcome { wait: Some(wait), this_address: true, ..outcome }
}

fn refusal(failure: &Failure) -> Refusal {
    let code = match failure {
        Failure::Refused { code, .. } => Some(code.to_string()),
        _ => None,
    };
    Refusal { code, ..Refusal::from(in_words(failure)) }
}

fn in_words(failure: &Failure) -> String {
    match failure {
        Failure::NotSent(words) | Failure::NoAnswer(words) => words.clone(),
        Failure::Refused { code, words } => format!("{code} {words}"),
        Failure::Status(status) => format!("HTTP {status}, and no answer of WeCom's"),
    }
}
