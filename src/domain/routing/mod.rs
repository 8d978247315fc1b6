//! Routing rules: which messages they are about, and what becomes of those. `docs/ROUTING.md` says how to write them.
//!
//! [`read`] takes a list of rules from JSON with everything that is wrong with it, [`Condition`] is put to a message,
//! [`decide`] combines what the matching rules say, and `because` tells it in a sentence.

mod action;
mod because;
mod condition;
mod decision;
mod reading;

#[cfg(test)]
mod tests;

use serde::{Deserialize, Serialize};

use super::audience::Audience;
use super::channel::ChannelKind;
use super::id::{MessageId, RuleId};
use super::message::Category;

pub use self::action::{Action, AudienceMode, ChannelPlan, QuietHours, RuleAudience, Step};
pub use self::condition::{Asked, Clause, Condition, Subject};
pub use self::decision::{Checked, Chosen, Decision, Outcome, decide};
pub use self::reading::{MOST_RULES, RuleList, read};

/// One rule of the ordered list.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Rule {
    pub id: RuleId,
    /// Unique in the list.
    pub name: String,
    #[serde(default = "yes", skip_serializing_if = "is_true")]
    pub enabled: bool,
    /// Where it matches, no later rule is looked at.
    #[serde(default, skip_serializing_if = "is_false")]
    pub stop: bool,
    #[serde(default, skip_serializing_if = "Condition::is_empty")]
    pub when: Condition,
    /// Messages it is not about after all.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub unless: Option<Condition>,
    #[serde(default, skip_serializing_if = "Action::is_empty")]
    pub then: Action,
}

fn yes() -> bool {
    true
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde hands over a reference")]
fn is_true(it: &bool) -> bool {
    *it
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde hands over a reference")]
fn is_false(it: &bool) -> bool {
    !*it
}

/// How a message was routed, as it is kept with it: whoever goes on planning it does as was decided at first, whatever
/// has become of the rules. The form of the column `routing`.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Routed {
    /// The version of the rules.
    pub version: i64,
    pub matched: Vec<MatchedRule>,
    /// Whom the rules add.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub audiences: Vec<Audience>,
    /// The sender's own audience does not count.
    #[serde(default, skip_serializing_if = "is_false")]
    pub replaced: bool,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub channels: Option<ChannelPlan>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub quiet_hours: Option<QuietHours>,
    /// Messages that said the same a short time before.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub repeats: Vec<MessageId>,
    /// A reviewer has let it go, and nobody has looked yet at what was sent while it was held.
    #[serde(default, skip_serializing_if = "is_false")]
    pub released: bool,
    /// A reviewer has let it go before its time came: no rule holds it again.
    #[serde(default, skip_serializing_if = "is_false")]
    pub approved: bool,
    /// The installation's own word to those who run it, which no rule, cap or preference keeps back.
    #[serde(default, skip_serializing_if = "is_false")]
    pub own_word: bool,
}

/// A rule that matched a message.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct MatchedRule {
    pub id: RuleId,
    pub name: String,
    /// Which of its conditions held, in a sentence.
    pub because: String,
}

impl Routed {
    /// How long each step of a fallback plan comes after the first, in milliseconds; empty where there is no fallback.
    pub fn waits(&self) -> Vec<i64> {
        let Some(ChannelPlan::Fallback(steps)) = &self.channels else { return Vec::new() };
        let mut wait = 0;
        let mut waits = Vec::with_capacity(steps.len());
        for step in steps {
            waits.push(wait);
            wait += step.wait_ms();
        }
        waits
    }

    /// Whether the message waits until the campus is awake.
    pub fn heeds_quiet_hours(&self, category: Category) -> bool {
        category != Category::Emergency && self.quiet_hours != Some(QuietHours::Ignore)
    }

    /// Forgets which of the message's own words made rules match.
    pub fn forget_why(&mut self) {
        for rule in &mut self.matched {
            "–".clone_into(&mut rule.because);
        }
    }

    /// The channels a message goes by: as the rules say, or together by those it came with.
    pub fn plan(&self, own: &[ChannelKind]) -> ChannelPlan {
        self.channels.clone().unwrap_or_else(|| ChannelPlan::Together(own.to_vec()))
    }
}
