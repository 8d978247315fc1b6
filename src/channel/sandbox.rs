//! Sends nothing and answers as asked: by the address for whoever tests with a test key, or always the same way for a
//! provider an administrator set up as a sandbox. Serves every channel.

use std::time::Duration;

use async_trait::async_trait;
use serde_json::Value;

use super::fields::Fields;
use super::setting::{Holds, Setting, concurrency, timeout};
use super::{Channel, Outcome, Parcel, Refusal, Sent, Shape, Verdict};
use crate::domain::channel::ChannelKind;
use crate::domain::delivery::{OutcomeClass, State};
use crate::error::Fault;

/// How long a slow one takes to be delivered.
const SLOW: Duration = Duration::from_secs(5);
/// Attempts that fail before a temporary trouble is over.
const TEMPORARY: u32 = 2;

/// What becomes of a parcel.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Fate {
    Delivered,
    /// Taken, delivered a while later.
    Slow,
    /// Taken, and never heard of again.
    Accepted,
    /// Fails twice, then is delivered.
    Recovers,
    Failed,
    Transient,
    Throttled,
    Config,
    /// Refused with a code that nobody knows.
    Unlisted,
    Unknown,
    /// No answer comes, and whoever asks later hears that it was delivered.
    Unheard,
}

/// The words of the setting `outcome`.
const FATES: [(&str, Fate); 10] = [
    ("delivered", Fate::Delivered),
    ("slow", Fate::Slow),
    ("accepted", Fate::Accepted),
    ("failed", Fate::Failed),
    ("transient", Fate::Transient),
    ("throttled", Fate::Throttled),
    ("config", Fate::Config),
    ("unlisted", Fate::Unlisted),
    ("unknown", Fate::Unknown),
    ("unheard", Fate::Unheard),
];

/// What its form asks for.
pub const SETTINGS: &[Setting] = &[
    Setting::new(
        "/outcome",
        Holds::Choice(&[
            "delivered",
            "slow",
            "accepted",
            "failed",
            "transient",
            "throttled",
            "config",
            "unknown",
        ]),
    ),
    concurrency(64, ""),
    timeout(""),
];

/// See the module.
#[derive(Debug, Default)]
pub struct Sandbox {
    /// The same for every address.
    always: Option<Fate>,
    concurrency: Option<usize>,
}

impl Sandbox {
    /// Settings: `outcome?` (`delivered`, `slow`, `accepted`, `failed`, `transient`, `throttled`, `config`,
    /// `unlisted`, `unknown` or `unheard`; by the address where it is left out), `timeout_seconds?` and `concurrency?` as every kind.
    pub fn new(settings: &Value) -> Result<Self, Vec<Fault>> {
        let mut fields = Fields::of(settings);
        let always = fields.text("outcome").and_then(|word| {
            let found = FATES.iter().find(|(name, _)| *name == word).map(|(_, fate)| *fate);
            if found.is_none() {
                let words = FATES.map(|(name, _)| name).join(", ");
                fields.fault("outcome", "unknown_value", format!("`outcome` is one of {words}"));
            }
            found
        });
        // It answers at once, but takes what every kind takes.
        fields.number("timeout_seconds", 0.1..=600.0);
        let concurrency = fields.integer("concurrency", 1..=64).map(|number| number as usize);
        let faults = fields.finish();
        if faults.is_empty() { Ok(Self { always, concurrency }) } else { Err(faults) }
    }

    fn fate(&self, parcel: &Parcel) -> Fate {
        self.always.unwrap_or_else(|| by_address(parcel.channel, &parcel.address))
    }
}

/// The addresses whose outcomes the API promises for test keys.
fn by_address(channel: ChannelKind, address: &str) -> Fate {
    match channel {
        ChannelKind::Email => match address.to_ascii_lowercase().strip_suffix("@sandbox.invalid") {
            Some("temp-fail") => Fate::Recovers,
            Some("bounce") => Fate::Failed,
            Some("slow") => Fate::Slow,
            Some("silent") => Fate::Accepted,
            Some("unknown") => Fate::Unknown,
            _ => Fate::Delivered,
        },
        ChannelKind::Sms => match address {
            "+8610000000002" => Fate::Recovers,
            "+8610000000003" => Fate::Failed,
            "+8610000000004" => Fate::Slow,
            "+8610000000005" => Fate::Accepted,
            "+8610000000006" => Fate::Unknown,
            _ => Fate::Delivered,
        },
        ChannelKind::Wechat => match address {
            "temp-fail" => Fate::Recovers,
            "blocked" => Fate::Failed,
            _ => Fate::Delivered,
        },
    }
}

fn outcome(fate: Fate, parcel: &Parcel) -> Outcome {
    let refused = |class, code: &str, detail: &str| Outcome::new(class).code(code).detail(detail);
    let taken = |poll_after| Outcome {
        poll_after,
        ..Outcome::accepted(Some(format!("sandbox-{}", parcel.delivery)))
            .code("sandbox.accepted")
            .detail("taken by the sandbox; nothing left the house")
    };
    let transient = || refused(OutcomeClass::Transient, "sandbox.transient", "a trouble that passes");
    match fate {
        Fate::Recovers if parcel.attempt <= TEMPORARY => transient(),
        Fate::Delivered | Fate::Recovers => taken(Some(Duration::ZERO)),
        Fate::Slow => taken(Some(SLOW)),
        Fate::Accepted => taken(None),
        Fate::Failed => {
            refused(OutcomeClass::PermanentRecipient, "sandbox.failed", "there is no such recipient")
        }
        Fate::Transient => transient(),
        Fate::Throttled => refused(OutcomeClass::Throttled, "sandbox.throttled", "too many for now"),
        Fate::Config => refused(OutcomeClass::Config, "sandbox.config", "the account is not in order"),
        Fate::Unlisted => {
            refused(OutcomeClass::Config, "sandbox.unlisted", "a code of the vendor's own making").unlisted()
        }
        Fate::Unknown => refused(OutcomeClass::Unknown, "sandbox.unknown", "handed over, and no answer came"),
        Fate::Unheard => Outcome {
            reference: Some(format!("sandbox-{}", parcel.delivery)),
            poll_after: Some(SLOW),
            ..Outcome::new(OutcomeClass::Unknown).code("sandbox.unknown")
        },
    }
}

#[async_trait]
impl Channel for Sandbox {
    fn shape(&self) -> Shape {
        Shape::Single { concurrency: self.concurrency.unwrap_or(64) }
    }

    async fn send(&self, parcels: &[Parcel]) -> Vec<Outcome> {
        parcels.iter().map(|parcel| outcome(self.fate(parcel), parcel)).collect()
    }

    /// Only asked about what is to be delivered.
    async fn poll(&self, sent: &[Sent]) -> Vec<Option<Verdict>> {
        let verdict = Verdict {
            state: State::Delivered,
            code: Some("sandbox.delivered".to_owned()),
            detail: Some("delivered in the sandbox".to_owned()),
        };
        vec![Some(verdict); sent.len()]
    }

    async fn check(&self) -> Result<String, Refusal> {
        Ok("the sandbox is always there".to_owned())
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::channel::sample;
    use crate::domain::id::DeliveryId;

    fn parcel(channel: ChannelKind, address: &str, attempt: u32) -> Parcel {
        Parcel {
            delivery: DeliveryId(7),
            attempt,
            channel,
            address_kind: channel.address_kinds(None)[0],
            address: address.to_owned(),
            ..sample::parcel()
        }
    }

    async fn one(sandbox: &Sandbox, channel: ChannelKind, address: &str, attempt: u32) -> Outcome {
        sandbox.send(&[parcel(channel, address, attempt)]).await.remove(0)
    }

    #[tokio::test]
    async fn each_address_has_its_outcome() {
        use OutcomeClass::{Accepted, PermanentRecipient, Transient, Unknown};
        const AT_ONCE: Option<Duration> = Some(Duration::ZERO);
        let sandbox = Sandbox::default();
        let rows = [
            (["any@sandbox.invalid", "+8613800000000", "lina"], 1, Accepted, AT_ONCE),
            (["temp-fail@sandbox.invalid", "+8610000000002", "temp-fail"], 2, Transient, None),
            (["temp-fail@sandbox.invalid", "+8610000000002", "temp-fail"], 3, Accepted, AT_ONCE),
            (["bounce@sandbox.invalid", "+8610000000003", "blocked"], 1, PermanentRecipient, None),
            (["slow@sandbox.invalid", "+8610000000004", ""], 1, Accepted, Some(SLOW)),
            (["Silent@Sandbox.invalid", "+8610000000005", ""], 1, Accepted, None),
            (["unknown@sandbox.invalid", "+8610000000006", ""], 1, Unknown, None),
        ];
        for (addresses, attempt, class, poll_after) in rows {
            for (channel, address) in ChannelKind::ALL.into_iter().zip(addresses) {
                if address.is_empty() {
                    continue;
                }
                let outcome = one(&sandbox, channel, address, attempt).await;
                assert_eq!((outcome.class, outcome.poll_after), (class, poll_after), "{address} {attempt}");
                assert!(outcome.code.is_some() && outcome.detail.is_some());
            }
        }
    }

    #[tokio::test]
    async fn a_provider_may_always_answer_the_same() {
        let sandbox = Sandbox::new(&json!({"outcome": "failed", "concurrency": 3})).unwrap();
        assert_eq!(sandbox.shape(), Shape::Single { concurrency: 3 });
        let outcome = one(&sandbox, ChannelKind::Email, "any@bell.example", 9).await;
        assert_eq!(outcome.class, OutcomeClass::PermanentRecipient);
    }

    #[test]
    fn other_settings_are_refused() {
        let faults = Sandbox::new(&json!({"outcome": "lost", "outcomes": 1})).unwrap_err();
        let codes: Vec<_> = faults.iter().map(|f| (f.pointer.as_str(), f.code.as_ref())).collect();
        assert_eq!(codes, [("/outcome", "unknown_value"), ("/outcomes", "unknown_field")]);
    }
}
