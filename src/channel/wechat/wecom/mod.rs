//! An application of the campus's WeCom (企业微信), by `message/send`.
//!
//! One call carries one text to as many as a thousand members, and answers who of them cannot be reached. There are no
//! receipts; what was sent can be called back for a day.
//!
//! - [`settings`]: what an administrator configures; [`asked`]: how a form asks for it
//! - [`compose`]: from a text to a request; [`card`]: what it looks like; [`button`]: what it asks; [`seen`]: what is seen of it
//! - [`api`]: the calls
//! - [`event`]: what WeCom tells by itself
//! - [`classify`]: what WeCom's error codes mean
//! - [`limits`] and [`pressure`]: how much it takes, by our reckoning and by its word

mod api;
mod asked;
mod button;
mod card;
mod classify;
mod compose;
mod event;
mod limits;
mod pressure;
mod seen;
mod settings;

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use serde_json::Value;

use self::api::{Api, Sent, VENDOR};
pub use self::asked::SETTINGS;
use self::button::{Buttons, Mark};
use self::card::Look;
use self::classify::{Meaning, meaning, names_task};
use self::compose::Letter;
use self::limits::Limits;
use self::pressure::Pressure;
use super::answer::Failure;
use super::door::Door;
use crate::channel::registry::Site;
use crate::channel::{
    Acknowledgement, Callback, Card, Channel, Identity, Outcome, Parcel, Receipts, Refusal, Shape, refused,
};
use crate::clock::Clock;
use crate::domain::channel::AddressKind;
use crate::domain::delivery::OutcomeClass as Class;
use crate::domain::provider::Advice;
use crate::error::Fault;

/// Members in one call.
const MOST_MEMBERS: usize = 1_000;

/// Where an administrator enters the addresses that may call WeCom.
const ALLOW_LIST: &str = "企业可信IP of the application: 应用管理, the application, 开发者接口";

/// One application.
pub struct Wecom {
    api: Api,
    host: String,
    agent_id: u64,
    look: Look,
    buttons: Buttons,
    mark: Mark,
    campus: Arc<str>,
    /// `None`: WeCom does not call.
    door: Option<Door>,
    timeout: Duration,
    limits: Limits,
    pressure: Pressure,
    clock: Clock,
}

/// Whether those in a call are asked for an answer.
type Asked = bool;

/// What a call came to for those in it.
enum Said {
    Taken(Sent, Asked),
    /// It is a repeat, and all of them have its card already.
    TakenBefore(Outcome),
    /// None of them can be reached.
    NobodyKnown(Outcome),
    /// One of them cannot; WeCom does not say who.
    SomebodyUnknown(Outcome),
    /// Whoever is in it.
    Refused(Outcome),
}

impl Wecom {
    /// Settings: `corp_id`, `secret`, `agent_id`, `message?` (`text`, `textcard`, `markdown`, `template_card`; as it fits),
    /// `buttons?` and `templates?` (of template cards; `templates` by slug, each with its `buttons`),
    /// `callback_token?` and `callback_aes_key?` (both or none), `endpoint?` (WeCom's own), `ca_file?`,
    /// `timeout_seconds?` (10, for each call), `concurrency?` (1: calls with different texts at the same time).
    pub fn new(settings: &Value, site: &Site) -> Result<Self, Vec<Fault>> {
        let mut settings = settings::read(settings)?;
        let door = settings.callback.take();
        let door = door.map(|(token, seal)| Door::of_application(token, seal, site.clock.clone()));
        Ok(Self {
            look: settings.look,
            buttons: std::mem::take(&mut settings.buttons),
            mark: Mark::of(&settings.corp_id, settings.agent_id),
            campus: Arc::clone(&site.campus),
            door,
            host: settings.reach.endpoint.host_str().unwrap_or_default().to_owned(),
            agent_id: settings.agent_id,
            timeout: settings.reach.timeout,
            limits: Limits::new(site.peers.clone()),
            pressure: Pressure::new(settings.concurrency),
            clock: site.clock.clone(),
            api: Api::new(settings, site.clock.clone()),
        })
    }

    /// Calls with these members until each has an outcome. Where WeCom refuses a call for one of them, its halves are
    /// tried until that one is found; nobody else pays for it.
    async fn call_all(&self, parcels: &[&Parcel]) -> Vec<Outcome> {
        let began = self.clock.steady();
        // A page is one person's own, and a thousand people shall not need a thousand calls for it.
        let page = if let [only] = parcels { only.page.as_deref() } else { None };
        let mut outcomes = vec![Outcome::new(Class::Transient); parcels.len()];
        let mut parts = Vec::from([(0, parcels.len())]);
        while let Some((from, to)) = parts.pop() {
            let these = &parcels[from..to];
            match self.call(these, page).await {
                Said::Taken(sent, asked) => {
                    for (outcome, parcel) in outcomes[from..to].iter_mut().zip(these) {
                        *outcome = taken(&sent, &parcel.address, asked);
                    }
                }
                Said::SomebodyUnknown(_) if these.len() > 1 => {
                    let middle = from + these.len() / 2;
                    parts.extend([(middle, to), (from, middle)]);
                }
                Said::TakenBefore(outcome) | Said::NobodyKnown(outcome) | Said::SomebodyUnknown(outcome) => {
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

    /// What one call says. `page`: of whom it is for, where that is one person.
    fn letter<'a>(&'a self, parcel: &'a Parcel, page: Option<&'a str>) -> Letter<'a> {
        let roll_call = parcel.roll_call.as_deref();
        let buttons = match roll_call {
            // Without a door nobody hears what is pressed.
            Some(_) if self.door.is_some() => button::roll_call(),
            Some(_) => &[],
            None => self.buttons.of(parcel.template.as_deref()),
        };
        Letter {
            agent_id: self.agent_id,
            campus: &self.campus,
            look: self.look,
            buttons,
            mark: &self.mark,
            content: &parcel.content,
            message: parcel.message,
            page,
            emergency: parcel.emergency,
            roll_call,
            sent_before: parcel.sent_before,
        }
    }

    /// `page`: of whom it is for, where that is one person.
    async fn call(&self, parcels: &[&Parcel], page: Option<&str>) -> Said {
        let Some(first) = parcels.first() else { return Said::Taken(Sent::default(), false) };
        if let Err(wait) = self.limits.take_call(self.clock.steady()) {
            let outcome = Outcome::new(Class::Throttled)
                .code("belltower.calls")
                .detail("as many calls as WeCom takes in a minute, or an hour, have been made");
            return Said::Refused(Outcome { wait: Some(wait), ..outcome });
        }
        let members: Vec<_> = parcels.iter().map(|parcel| &*parcel.address).collect();
        let sent_before = parcels.iter().filter_map(|parcel| parcel.sent_before).max();
        let letter = Letter { sent_before, ..self.letter(first, page) };
        let body = compose::body(&letter, &members);
        let asked = compose::asks(&body);
        match self.api.send(&body).await {
            Ok(sent) => {
                self.pressure.taken();
                Said::Taken(sent, asked)
            }
            Err(Failure::Refused { code, words }) if asked && names_task(code, &words) => {
                self.pressure.taken();
                let outcome = Outcome::accepted(None).code(code.to_string()).detail(words);
                Said::TakenBefore(outcome.asked(asked))
            }
            Err(failure) => match self.failed(failure) {
                // It may have arrived.
                Said::Refused(outcome) => Said::Refused(outcome.asked(asked)),
                said => said,
            },
        }
    }

    fn failed(&self, failure: Failure) -> Said {
        let (code, words) = match failure {
            Failure::NotSent(words) => return Said::Refused(Outcome::new(Class::Transient).detail(words)),
            Failure::Untrusted(words) => return Said::Refused(Outcome::new(Class::Config).detail(words)),
            Failure::NoAnswer(words) => return Said::Refused(Outcome::new(Class::Unknown).detail(words)),
            Failure::Status(status) => return Said::Refused(refused::by_status(status, VENDOR)),
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
            Meaning::Unlisted => Said::Refused(outcome(Class::Config).unlisted()),
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

/// For one member of a call that WeCom took.
fn taken(sent: &Sent, member: &str, asked: Asked) -> Outcome {
    let member = member.to_ascii_lowercase();
    let refused = |code: &str, words: &str| Outcome::new(Class::PermanentRecipient).code(code).detail(words);
    if sent.invalid.contains(&member) {
        refused("invaliduser", "WeCom does not know this member, or the application may not reach them")
    } else if sent.unlicensed.contains(&member) {
        refused("unlicenseduser", "this member has no licence for WeCom's interfaces, or it has expired")
    } else {
        Outcome::accepted(sent.msgid.clone()).code("0").asked(asked)
    }
}

/// What a card says in place of its buttons, in the language of the one that was pressed.
fn answered(text: &str) -> String {
    if text.is_ascii() { format!("Answered: {text}") } else { format!("已回复：{text}") }
}

/// Of a card that was not changed. Which code WeCom has for one that cannot be any more is not published.
fn unchanged(failure: Failure) -> Outcome {
    let class = match &failure {
        Failure::NotSent(_) => Class::Transient,
        Failure::Untrusted(_) => Class::Config,
        Failure::NoAnswer(_) => Class::Unknown,
        Failure::Status(status) => return refused::by_status(*status, VENDOR),
        Failure::Refused { code, .. } => match meaning(*code) {
            Meaning::StaleToken => Class::Config,
            Meaning::TooMany | Meaning::TooManyAtOnce => Class::Throttled,
            Meaning::NobodyReached => Class::PermanentRecipient,
            Meaning::Outcome(class) => class,
            Meaning::Unlisted => Class::PermanentMessage,
        },
    };
    Outcome::new(class).detail(failure.in_words(VENDOR))
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
        self.api.recall(reference).await.map_err(|failure| failure.in_words(VENDOR))
    }

    fn acknowledge(&self, callback: &Callback) -> Option<Acknowledgement> {
        self.door.as_ref()?.acknowledge(callback, "")
    }

    fn receipts(&self, callback: &Callback) -> Receipts {
        let Some(door) = &self.door else {
            return Receipts::unread("the settings have no token and key for it");
        };
        match door.read(callback) {
            Ok(message) => event::read(&message, &self.mark),
            Err(trouble) => Receipts::unread(trouble),
        }
    }

    async fn show_answer(&self, response_code: &str, member: &str, text: &str) -> Outcome {
        match self.api.update_card(response_code, member, &answered(text)).await {
            Ok(()) => Outcome::new(Class::Accepted),
            Err(failure) => unchanged(failure),
        }
    }

    fn sign_in_address(&self, back: &str, state: &str) -> Option<String> {
        Some(self.api.sign_in_address(back, state))
    }

    async fn identify(&self, code: &str) -> Result<Identity, Refusal> {
        match self.api.member(code).await {
            Ok(Some(address)) => Ok(Identity { kind: AddressKind::WecomUserid, address }),
            Ok(None) => Err("whoever signed in is no member of this corp".to_owned().into()),
            Err(failure) => Err(refusal(failure)),
        }
    }

    fn card(&self, parcel: &Parcel) -> Option<Result<Card, Outcome>> {
        let letter = self.letter(parcel, parcel.page.as_deref());
        Some(Ok(seen::card(&compose::body(&letter, &[&parcel.address]), &parcel.content)))
    }

    async fn check(&self) -> Result<String, Refusal> {
        let name = self.api.application().await.map_err(refusal)?;
        Ok(format!("{}: {name} ({})", self.host, self.agent_id))
    }

    fn advice(&self, code: &str) -> Option<Advice> {
        classify::advice(code)
    }
}

fn too_many_for_member(wait: Duration) -> Outcome {
    let outcome = Outcome::new(Class::Throttled).code("belltower.member").detail(
        "WeCom drops what one application sends a member beyond 30 messages a minute or 1,000 an hour",
    );
    Outcome { wait: Some(wait), this_address: true, ..outcome }
}

fn refusal(failure: Failure) -> Refusal {
    let is_address = matches!(&failure, Failure::Refused { code, .. }
        if classify::advice(&code.to_string()) == Some(Advice::AllowAddress));
    failure.refusal(VENDOR, is_address.then_some(ALLOW_LIST))
}
