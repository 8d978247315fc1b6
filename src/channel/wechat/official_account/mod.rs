//! A service account of WeChat's (服务号), by template messages, or by subscribe messages to those who allowed them.
//!
//! One call reaches one follower, by a template that WeChat has approved. What became of it WeChat tells in a call of
//! its own.
//!
//! - [`settings`]: what an administrator configures, and what of it WeChat would refuse; [`asked`]: how a form asks for it
//! - [`compose`]: from a message to a request; [`field`]: what its values may look like
//! - [`api`]: the calls
//! - [`classify`]: what WeChat's error codes mean
//! - [`receipt`]: what it tells later

mod api;
mod asked;
mod classify;
mod compose;
mod field;
mod receipt;
mod settings;

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use futures_util::future::join_all;
use serde_json::Value;

pub use self::api::Quota;
use self::api::{Api, VENDOR};
pub use self::asked::SETTINGS;
use self::classify::{Meaning, meaning};
pub use self::field::{FieldType, field_type, field_types};
pub use self::settings::FORM;
use self::settings::Mode;
use super::answer::Failure;
use super::door::Door;
use crate::channel::day::until_tomorrow;
use crate::channel::mapping::Mappings;
use crate::channel::registry::Site;
use crate::channel::{
    Acknowledgement, Callback, Card, Channel, Filling, Identity, Outcome, Parcel, Receipts, Refusal,
    SceneCode, Shape, refused,
};
use crate::clock::Clock;
use crate::domain::channel::AddressKind;
use crate::domain::delivery::OutcomeClass as Class;
use crate::domain::provider::Advice;
use crate::error::Fault;

/// Where an administrator enters the addresses that may call WeChat.
const ALLOW_LIST: &str = "IP白名单 of the account: 设置与开发, 开发接口管理";
/// After too many calls in a minute.
const MINUTE: Duration = Duration::from_mins(1);
/// After too much to one person.
const HOUR: Duration = Duration::from_hours(1);

/// One account.
pub struct OfficialAccount {
    api: Api,
    host: String,
    mode: Mode,
    mappings: Mappings,
    campus: Arc<str>,
    /// `None`: WeChat does not call.
    door: Option<Door>,
    concurrency: usize,
    clock: Clock,
}

/// What a try came to.
enum Said {
    Outcome(Outcome),
    /// Worth one more try at once: what was said may not be so, or nothing was said and a repeat does no harm.
    Again(Outcome),
}

impl OfficialAccount {
    /// Settings: `app_id`, `app_secret`, `mode?` (`template`, or `subscribe`), `default_template?` and `templates?` (one of
    /// them at least), `token?` and `encoding_aes_key?` for WeChat's calls, `endpoint?` (WeChat's own), `ca_file?`,
    /// `timeout_seconds?` (10, for each call), `concurrency?` (16).
    pub fn new(settings: &Value, site: &Site) -> Result<Self, Vec<Fault>> {
        let settings = settings::read(settings)?;
        let api = Api::new(&settings, site.clock.clone());
        let settings::Settings { mode, mappings, token, seal, reach, concurrency, .. } = settings;
        Ok(Self {
            api,
            host: reach.endpoint.host_str().unwrap_or_default().to_owned(),
            mode,
            mappings,
            campus: Arc::clone(&site.campus),
            door: token.map(|token| Door::of_account(token, seal, site.clock.clone())),
            concurrency,
            clock: site.clock.clone(),
        })
    }

    /// How many messages WeChat still takes today.
    pub async fn quota(&self) -> Result<Quota, Refusal> {
        self.api.quota(self.mode.path()).await.map_err(refusal)
    }

    async fn deliver(&self, parcel: &Parcel) -> Outcome {
        if parcel.address_kind != AddressKind::WechatOpenid {
            return Outcome::new(Class::PermanentRecipient)
                .code("belltower.no_openid")
                .detail("this person is not known as a follower of the account");
        }
        let Some(mapping) = self.mappings.of(parcel) else { return unmapped() };
        let body = match compose::body(self.mode, mapping, parcel, &self.campus) {
            Ok(body) => body,
            Err(outcome) => return outcome,
        };
        let reference = || receipt::reference(&mapping.id, self.clock.now());
        match self.call(&body, reference()).await {
            Said::Outcome(outcome) => outcome,
            Said::Again(first) => {
                let (Said::Outcome(second) | Said::Again(second)) = self.call(&body, reference()).await;
                settled(first, second)
            }
        }
    }

    async fn call(&self, body: &Value, reference: String) -> Said {
        match self.api.send(self.mode.path(), body).await {
            Ok(msgid) => {
                let reference = msgid.or_else(|| (self.mode == Mode::Subscribe).then_some(reference));
                Said::Outcome(Outcome::accepted(reference).code("0"))
            }
            Err(failure) => self.failed(failure, reference),
        }
    }

    /// Subscribe messages have no id that would make a repeat harmless.
    fn silent(&self, outcome: Outcome, reference: String) -> Said {
        match self.mode {
            Mode::Template => Said::Again(outcome),
            Mode::Subscribe => Said::Outcome(Outcome { reference: Some(reference), ..outcome }),
        }
    }

    fn failed(&self, failure: Failure, reference: String) -> Said {
        let (code, words) = match failure {
            Failure::NotSent(words) => return Said::Outcome(Outcome::new(Class::Transient).detail(words)),
            Failure::Untrusted(words) => return Said::Outcome(Outcome::new(Class::Config).detail(words)),
            Failure::NoAnswer(words) => {
                return self.silent(Outcome::new(Class::Unknown).detail(words), reference);
            }
            Failure::Status(status) => {
                let outcome = refused::by_status(status, VENDOR);
                let may_be_taken = outcome.class == Class::Unknown
                    // A second message would be a second one to whoever got the first.
                    || (self.mode == Mode::Subscribe && status >= 500);
                return if may_be_taken {
                    self.silent(Outcome { class: Class::Unknown, ..outcome }, reference)
                } else {
                    Said::Outcome(outcome)
                };
            }
            Failure::Refused { code, words } => (code, words),
        };
        let outcome = |class| Outcome::new(class).code(code.to_string()).detail(words.clone());
        let throttled = |wait| Outcome { wait: Some(wait), ..outcome(Class::Throttled) };
        Said::Outcome(match meaning(code) {
            // A new token did not help, or there is none.
            Meaning::StaleToken => outcome(Class::Config),
            Meaning::DayIsOver => throttled(until_tomorrow(self.clock.now())),
            Meaning::TooMany => throttled(MINUTE),
            Meaning::TooMuchForOne => Outcome { this_address: true, ..throttled(HOUR) },
            Meaning::NoTemplate => return Said::Again(outcome(Class::Config)),
            // Only we know this id: it has the message from an earlier attempt.
            Meaning::Repeat if self.mode == Mode::Template => outcome(Class::Accepted),
            Meaning::Repeat => outcome(Class::PermanentMessage),
            Meaning::Outcome(class) => outcome(class),
            Meaning::Unlisted => outcome(Class::Config).unlisted(),
        })
    }
}

fn unmapped() -> Outcome {
    Outcome::new(Class::PermanentMessage)
        .code("belltower.template")
        .detail("no template of the account's stands for it, and there is none for all messages")
}

/// What two tries came to. Where the first had no answer WeChat may have taken it, so that only what is final of the
/// second says more: the rest would have it tried again when WeChat has forgotten its id.
fn settled(first: Outcome, second: Outcome) -> Outcome {
    let is_final =
        matches!(second.class, Class::Accepted | Class::PermanentRecipient | Class::PermanentMessage);
    if first.class == Class::Unknown && !is_final { first } else { second }
}

#[async_trait]
impl Channel for OfficialAccount {
    fn shape(&self) -> Shape {
        Shape::Single { concurrency: self.concurrency }
    }

    async fn send(&self, parcels: &[Parcel]) -> Vec<Outcome> {
        join_all(parcels.iter().map(|parcel| self.deliver(parcel))).await
    }

    fn acknowledge(&self, callback: &Callback) -> Option<Acknowledgement> {
        self.door.as_ref()?.acknowledge(callback, "success")
    }

    fn receipts(&self, callback: &Callback) -> Receipts {
        let Some(door) = &self.door else { return Receipts::unread("the settings have no token for it") };
        match door.read(callback) {
            Ok(message) => receipt::read(&message),
            Err(trouble) => Receipts::unread(trouble),
        }
    }

    fn is_bounce(&self, code: &str) -> bool {
        receipt::is_bounce(code)
    }

    /// Gets a token and asks how much is left of the day, for which WeChat takes no message.
    async fn check(&self) -> Result<String, Refusal> {
        self.api.sign_in().await.map_err(refusal)?;
        match self.quota().await {
            Ok(Quota { daily, remaining, .. }) => {
                Ok(format!("{}: {remaining} of {daily} messages are left today", self.host))
            }
            // The account may not ask; it may send all the same.
            Err(Refusal { code: Some(code), .. }) if matches!(&*code, "48001" | "76021" | "76022") => {
                Ok(format!("{}: signed in; how much is left today it does not say ({code})", self.host))
            }
            Err(refusal) => Err(refusal),
        }
    }

    fn filling(&self, parcel: &Parcel) -> Option<Filling> {
        Some(compose::card(self.mappings.of(parcel)?, parcel, &self.campus).fields)
    }

    fn card(&self, parcel: &Parcel) -> Option<Result<Card, Outcome>> {
        let mapping = self.mappings.of(parcel).ok_or_else(unmapped);
        Some(mapping.map(|mapping| compose::card(mapping, parcel, &self.campus)))
    }

    fn sign_in_address(&self, back: &str, state: &str) -> Option<String> {
        Some(self.api.sign_in_address(back, state))
    }

    async fn identify(&self, code: &str) -> Result<Identity, Refusal> {
        match self.api.openid(code).await {
            Ok(Some(address)) => Ok(Identity { kind: AddressKind::WechatOpenid, address }),
            Ok(None) => Err("WeChat named nobody".to_owned().into()),
            Err(failure) => Err(refusal(failure)),
        }
    }

    /// Only where WeChat calls us: nobody would learn of a scan otherwise.
    fn has_scenes(&self) -> bool {
        self.door.is_some()
    }

    async fn scene_code(&self, scene: &str, life: Duration) -> Result<SceneCode, Refusal> {
        self.api.scene_code(scene, life).await.map_err(refusal)
    }

    async fn say(&self, address: &str, text: &str) -> Result<(), Refusal> {
        self.api.say(address, text).await.map_err(refusal)
    }

    fn advice(&self, code: &str) -> Option<Advice> {
        classify::advice(code)
    }
}

fn refusal(failure: Failure) -> Refusal {
    let is_address = matches!(&failure, Failure::Refused { code, .. }
        if classify::advice(&code.to_string()) == Some(Advice::AllowAddress));
    failure.refusal(VENDOR, is_address.then_some(ALLOW_LIST))
}

#[cfg(test)]
pub(super) mod tests {
    use serde_json::json;

    use super::*;
    use crate::channel::sample;
    use crate::domain::channel::ChannelKind;
    use crate::domain::content::Rendered;
    use crate::domain::id::DeliveryId;

    pub(super) fn parcel(number: i64, openid: &str) -> Parcel {
        let params = json!({ "when": "2026-09-01T08:30:00+08:00" });
        Parcel {
            delivery: DeliveryId(number),
            channel: ChannelKind::Wechat,
            address_kind: AddressKind::WechatOpenid,
            address: openid.to_owned(),
            name: Some("李娜".to_owned()),
            content: Arc::new(Rendered::new(
                "期末考试安排",
                "地点：**教三 204**。",
                Some("https://jw.example/exams"),
            )),
            params: Arc::new(params.as_object().unwrap().clone().into_iter().collect()),
            ..sample::parcel()
        }
    }

    #[test]
    fn after_silence_only_what_is_final_counts() {
        let unknown = || Outcome::new(Class::Unknown);
        for (class, expected) in [
            (Class::Accepted, Class::Accepted),
            (Class::PermanentRecipient, Class::PermanentRecipient),
            (Class::PermanentMessage, Class::PermanentMessage),
            (Class::Transient, Class::Unknown),
            (Class::Throttled, Class::Unknown),
            (Class::Config, Class::Unknown),
            (Class::Unknown, Class::Unknown),
        ] {
            assert_eq!(settled(unknown(), Outcome::new(class)).class, expected, "{class}");
        }
        // A template that is not there after all.
        let (first, second) = (Outcome::new(Class::Config), Outcome::new(Class::Transient));
        assert_eq!(settled(first, second).class, Class::Transient);
    }
}
