//! What a rule does with a message.

use serde::{Deserialize, Serialize};

use crate::domain::audience::Audience;
use crate::domain::channel::ChannelKind;
use crate::domain::message::coded;
use std::fmt;

/// What becomes of a message that a rule matches. What is left out is another rule's or the sender's to say.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Action {
    /// The slug of a template that replaces the message's texts.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub template: Option<String>,
    /// Why a reviewer is to look at it before it is sent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub hold: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub expires_in_minutes: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub quiet_hours: Option<QuietHours>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub audience: Option<RuleAudience>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub channels: Option<ChannelPlan>,
}

impl Action {
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }
}

coded! {
    /// Whether a message waits until the campus is awake.
    QuietHours {
        Respect = 1 "respect",
        Ignore = 2 "ignore",
    }
}

coded! {
    /// What a rule's audience is to what was there before.
    AudienceMode {
        /// These people as well.
        Add = 1 "add",
        /// These people instead of the sender's and of earlier rules'.
        Replace = 2 "replace",
    }
}

/// Whom a rule sends a message to.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct RuleAudience {
    pub mode: AudienceMode,
    #[serde(flatten)]
    pub people: Audience,
}

/// The channels a message goes by.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ChannelPlan {
    /// By all of them at once.
    Together(Vec<ChannelKind>),
    /// By the first; by the next where that did not reach a person.
    Fallback(Vec<Step>),
}

/// One channel of a fallback plan.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Step {
    pub channel: ChannelKind,
    /// How long it may take before the next channel is used as well. The last step has nobody to wait for it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub wait_minutes: Option<u32>,
}

impl Step {
    pub fn wait_ms(&self) -> i64 {
        i64::from(self.wait_minutes.unwrap_or(0)) * 60_000
    }
}

impl ChannelPlan {
    pub fn channels(&self) -> Vec<ChannelKind> {
        match self {
            Self::Together(channels) => channels.clone(),
            Self::Fallback(steps) => steps.iter().map(|step| step.channel).collect(),
        }
    }

    /// The channels that are used whatever comes of others.
    pub fn first(&self) -> Vec<ChannelKind> {
        match self {
            Self::Together(channels) => channels.clone(),
            Self::Fallback(steps) => steps.first().map(|step| step.channel).into_iter().collect(),
        }
    }

    /// The plan as far as these channels go. A person waits for no channel that is not used.
    #[must_use]
    pub fn within(&self, allowed: &[ChannelKind]) -> Self {
        match self {
            Self::Together(channels) => {
                Self::Together(channels.iter().copied().filter(|c| allowed.contains(c)).collect())
            }
            Self::Fallback(steps) => {
                Self::Fallback(steps.iter().copied().filter(|s| allowed.contains(&s.channel)).collect())
            }
        }
    }

    pub fn is_empty(&self) -> bool {
        self.channels().is_empty()
    }
}
