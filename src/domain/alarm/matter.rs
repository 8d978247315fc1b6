//! What an alarm knows of its object.

use std::fmt;

use serde::{Deserialize, Serialize};

use super::AlarmKind;
use crate::clock::Timestamp;
use crate::domain::button::ButtonTrouble;
use crate::domain::channel::{AddressKind, ChannelKind};
use crate::domain::emergency::Spoken;
use crate::domain::id::{BroadcastId, ButtonId, ProviderId, SourceId, SubscriptionId};
use crate::domain::message::{Lane, coded};

coded! {
    /// What ails a provider.
    ProviderTrouble {
        Failed = 1 "failed",
        Unusable = 2 "unusable",
        UnknownCodes = 3 "unknown_codes",
    }
}

coded! {
    /// What messages wait for, or registrations of sources.
    Waits {
        Review = 1 "review",
        Audience = 2 "audience",
        /// An administrator who looks at registrations.
        Registration = 3 "registration",
    }
}

/// The figures and names of an alarm. The form of the column `matter`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "what", rename_all = "snake_case")]
pub enum Matter {
    Provider {
        id: ProviderId,
        name: String,
        channel: ChannelKind,
        trouble: ProviderTrouble,
    },
    /// Sources may use a channel that no provider serves.
    Unserved {
        channel: ChannelKind,
    },
    /// Deliveries wait by a kind of address that no provider takes.
    Stranded {
        address: AddressKind,
    },
    Silent {
        id: SourceId,
        name: String,
        last: Option<Timestamp>,
    },
    /// An endpoint of a source's that is called no more.
    Endpoint {
        id: SourceId,
        name: String,
        subscription: SubscriptionId,
        host: String,
        since: Timestamp,
    },
    /// What waits for an endpoint that is called waits for so long that some of it will be dropped.
    EndpointBehind {
        id: SourceId,
        name: String,
        subscription: SubscriptionId,
        host: String,
        since: Timestamp,
    },
    Backlog {
        lane: Lane,
        channel: ChannelKind,
        waiting_ms: i64,
    },
    ProviderQuota {
        id: ProviderId,
        name: String,
        used: i64,
        daily: i64,
    },
    SourceQuota {
        id: SourceId,
        name: String,
        used: i64,
        daily: i64,
    },
    /// Of the last hour.
    Failures {
        channel: ChannelKind,
        failed: i64,
        ended: i64,
    },
    /// A node's clock against the database's; ahead where it is positive.
    ClockOff {
        node: String,
        off_ms: i64,
    },
    /// A node's clock was set while it ran.
    ClockSet {
        node: String,
        by_ms: i64,
    },
    Disk {
        node: String,
        free: u64,
        total: u64,
    },
    /// A node's wake-ups reach no other, in its own words why.
    QueueAway {
        node: String,
        why: String,
    },
    /// The audit log is not what a node noted down of it, or does not hold together: from this place on.
    AuditBroken {
        node: String,
        place: i64,
    },
    Waiting {
        waits: Waits,
        n: i64,
        minutes: u32,
    },
    Button {
        id: ButtonId,
        name: String,
        trouble: ButtonTrouble,
        /// When it was heard of or tried out last, or the press came that went nowhere, was refused or asked for
        /// something else than what is being sent.
        since: Option<Timestamp>,
        /// Percent.
        battery: Option<u32>,
    },
    /// People of a roll call need help.
    Help {
        id: BroadcastId,
        /// The broadcast's.
        name: Spoken,
        n: i64,
        /// Since when the latest of them has needed it.
        newest: Timestamp,
        /// When it was first seen that there were these: whoever was told before then knows of fewer.
        grew_at: Timestamp,
    },
}

impl Matter {
    pub const fn kind(&self) -> AlarmKind {
        match self {
            Self::Provider { .. } | Self::Unserved { .. } | Self::Stranded { .. } => AlarmKind::Provider,
            Self::Silent { .. } | Self::Endpoint { .. } | Self::EndpointBehind { .. } => AlarmKind::Source,
            Self::Backlog { .. } => AlarmKind::Backlog,
            Self::ProviderQuota { .. } | Self::SourceQuota { .. } => AlarmKind::Quota,
            Self::Failures { .. } => AlarmKind::Failures,
            Self::ClockOff { .. } | Self::ClockSet { .. } => AlarmKind::Clock,
            Self::Disk { .. } => AlarmKind::Disk,
            Self::QueueAway { .. } => AlarmKind::Queue,
            Self::AuditBroken { .. } => AlarmKind::Audit,
            Self::Waiting { .. } => AlarmKind::Waiting,
            Self::Button { .. } => AlarmKind::Button,
            Self::Help { .. } => AlarmKind::Help,
        }
    }

    /// The source it is about, where it is about one.
    pub const fn source(&self) -> Option<SourceId> {
        match self {
            Self::Silent { id, .. }
            | Self::SourceQuota { id, .. }
            | Self::Endpoint { id, .. }
            | Self::EndpointBehind { id, .. } => Some(*id),
            _ => None,
        }
    }

    /// The roll call whose board says more.
    pub const fn board(&self) -> Option<BroadcastId> {
        match self {
            Self::Help { id, .. } => Some(*id),
            _ => None,
        }
    }

    /// There is more of it than anybody knows who heard of it at `at`.
    pub fn grew_after(&self, at: Timestamp) -> bool {
        matches!(self, Self::Help { grew_at, .. } if *grew_at > at)
    }

    /// Which of its kind: there is one open alarm for each.
    pub fn object(&self) -> String {
        match self {
            Self::Provider { id, .. } => id.to_string(),
            Self::Unserved { channel } => format!("unserved {channel}"),
            Self::Stranded { address } => format!("stranded {}", address.name()),
            Self::Silent { id, .. } | Self::SourceQuota { id, .. } => id.to_string(),
            Self::Endpoint { subscription, .. } => subscription.to_string(),
            Self::EndpointBehind { subscription, .. } => format!("behind {subscription}"),
            Self::ProviderQuota { id, .. } => id.to_string(),
            Self::Backlog { lane, .. } => lane.to_string(),
            Self::Failures { channel, .. } => channel.to_string(),
            Self::ClockOff { node, .. } => format!("off {node}"),
            Self::ClockSet { node, .. } => format!("set {node}"),
            Self::Disk { node, .. } | Self::QueueAway { node, .. } | Self::AuditBroken { node, .. } => {
                node.clone()
            }
            Self::Waiting { waits, .. } => waits.to_string(),
            Self::Button { id, trouble, .. } => format!("{id} {trouble}"),
            Self::Help { id, .. } => id.to_string(),
        }
    }

    /// The channel that may not carry word of it.
    pub const fn ailing(&self) -> Option<ChannelKind> {
        match self {
            Self::Provider { channel, .. }
            | Self::Unserved { channel }
            | Self::Backlog { channel, .. }
            | Self::Failures { channel, .. } => Some(*channel),
            Self::Stranded { address } => Some(address.channel()),
            _ => None,
        }
    }
}
