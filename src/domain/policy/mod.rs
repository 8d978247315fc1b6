//! What protects people from too many messages: quiet hours, a cap on how many, no text twice, no writing to addresses
//! that do not work. Emergencies heed none of it. `docs/POLICIES.md` says how to write it down.

mod changes;
mod reading;

use std::collections::BTreeMap;
use std::fmt;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::calendar::Calendar;
use super::channel::ChannelKind;
use super::message::{Lane, coded};

pub use self::changes::{Difference, PARTS, differences};
pub use self::reading::{Written, read};

/// The campus's policy. Its default asks nothing of anybody but to leave addresses alone that do not work.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Policy {
    #[serde(flatten)]
    pub calendar: Calendar,
    /// How many messages one person is handed by a channel on one campus day, whoever sends them.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub frequency_cap: BTreeMap<ChannelKind, i64>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub repeats: Option<Repeats>,
    #[serde(default, skip_serializing_if = "Suppression::is_default")]
    pub suppression: Suppression,
    #[serde(default, skip_serializing_if = "Unanswered::is_default")]
    pub unknown: Unanswered,
}

/// What becomes of a text that was sent a short time ago.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Repeats {
    /// How long a text is remembered. Nobody gets the same one twice in that time.
    pub within_hours: u32,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub similar: Option<Similar>,
}

/// What becomes of a text that is almost one of those.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Similar {
    /// How much of them is the same.
    pub percent: u32,
    pub then: ThenFor,
}

coded! {
    /// What is done about a similar text. It is never kept from people without somebody having looked: it may be the
    /// correction of the other.
    ThenFor {
        Tell = 1 "tell",
        Hold = 2 "hold",
    }
}

/// How many days an address is left alone after a provider said that it does not work; 0: it is tried again each time.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Suppression {
    pub email_days: u32,
    pub sms_days: u32,
    pub wechat_days: u32,
    /// As many passing troubles are a lasting one.
    pub soft_bounces: SoftBounces,
}

/// How many passing troubles of an address within some time say that it does not work.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct SoftBounces {
    /// 0: however many.
    pub after: u32,
    pub within_days: u32,
}

impl Default for SoftBounces {
    fn default() -> Self {
        Self { after: 3, within_days: 30 }
    }
}

impl Default for Suppression {
    fn default() -> Self {
        // Somebody who is missing from a WeCom application is soon added to it, a mailbox that is gone rarely comes back.
        Self { email_days: 90, sms_days: 30, wechat_days: 1, soft_bounces: SoftBounces::default() }
    }
}

impl Suppression {
    fn is_default(&self) -> bool {
        *self == Self::default()
    }

    pub const fn days(&self, channel: ChannelKind) -> u32 {
        match channel {
            ChannelKind::Email => self.email_days,
            ChannelKind::Sms => self.sms_days,
            ChannelKind::Wechat => self.wechat_days,
        }
    }
}

coded! {
    /// Which deliveries are handed over once more where no answer came and nothing was heard of them since.
    RepeatFor {
        Never = 0 "never",
        Emergencies = 1 "emergencies",
        Always = 2 "always",
    }
}

/// What is done about deliveries whose outcome is unknown: they may have arrived, and sending them again may double them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Unanswered {
    pub repeat: RepeatFor,
    /// A receipt gets so long to come first.
    pub after_minutes: u32,
}

impl Default for Unanswered {
    fn default() -> Self {
        // Twice is better than not at all where it burns, and worse everywhere else.
        Self { repeat: RepeatFor::Emergencies, after_minutes: 1 }
    }
}

impl Unanswered {
    #[expect(clippy::trivially_copy_pass_by_ref, reason = "serde hands over a reference")]
    fn is_default(&self) -> bool {
        *self == Self::default()
    }

    /// How long after the call that was not answered, if at all.
    pub fn repeat_after(self, lane: Lane) -> Option<Duration> {
        let repeats = match self.repeat {
            RepeatFor::Never => false,
            RepeatFor::Emergencies => lane == Lane::Emergency,
            RepeatFor::Always => true,
        };
        repeats.then(|| Duration::from_mins(u64::from(self.after_minutes)))
    }
}
