//! What applications are told of.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// Sent to try an endpoint out; nobody subscribes to it.
pub const TEST: &str = "subscription.test";

/// Something that happened to a message, or to one of its deliveries.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, utoipa::ToSchema,
)]
pub enum EventKind {
    /// It is kept, and will be sent or visibly not.
    #[serde(rename = "message.accepted")]
    Accepted = 1,
    /// It waits for a reviewer.
    #[serde(rename = "message.held")]
    Held = 2,
    /// It is for nobody.
    #[serde(rename = "message.unrouted")]
    Unrouted = 3,
    /// Nothing of it waits any more.
    #[serde(rename = "message.completed")]
    Completed = 4,
    /// It was stopped, or a reviewer rejected it.
    #[serde(rename = "message.cancelled")]
    Cancelled = 5,
    /// Its time was over before it was sent.
    #[serde(rename = "message.expired")]
    Expired = 6,
    /// A delivery will not arrive.
    #[serde(rename = "delivery.failed")]
    Failed = 7,
    /// A provider says that it arrived.
    #[serde(rename = "delivery.delivered")]
    Delivered = 8,
}

impl EventKind {
    pub const ALL: [Self; 8] = [
        Self::Accepted,
        Self::Held,
        Self::Unrouted,
        Self::Completed,
        Self::Cancelled,
        Self::Expired,
        Self::Failed,
        Self::Delivered,
    ];

    /// The word on the wire.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Accepted => "message.accepted",
            Self::Held => "message.held",
            Self::Unrouted => "message.unrouted",
            Self::Completed => "message.completed",
            Self::Cancelled => "message.cancelled",
            Self::Expired => "message.expired",
            Self::Failed => "delivery.failed",
            Self::Delivered => "delivery.delivered",
        }
    }

    /// The number kept in the store. 0 stands for [`TEST`].
    pub const fn code(self) -> i64 {
        self as i64
    }

    pub fn from_code(code: i64) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.code() == code)
    }

    /// Of one delivery, not of the message as a whole. An emergency has none of these.
    pub const fn is_of_delivery(self) -> bool {
        matches!(self, Self::Failed | Self::Delivered)
    }
}

impl FromStr for EventKind {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        Self::ALL.into_iter().find(|kind| kind.name() == text).ok_or_else(|| {
            let known: Vec<_> = Self::ALL.into_iter().map(Self::name).collect();
            format!("`{text}` is not one of {}", known.join(", "))
        })
    }
}

impl fmt::Display for EventKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// Some of the kinds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Kinds(u32);

impl Kinds {
    pub const fn has(self, kind: EventKind) -> bool {
        self.0 & (1 << kind.code()) != 0
    }

    #[must_use]
    pub const fn and(self, others: Self) -> Self {
        Self(self.0 | others.0)
    }
}

impl FromIterator<EventKind> for Kinds {
    fn from_iter<I: IntoIterator<Item = EventKind>>(kinds: I) -> Self {
        Self(kinds.into_iter().fold(0, |bits, kind| bits | (1 << kind.code())))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_numbers_and_json_agree() {
        for kind in EventKind::ALL {
            assert_eq!(kind.name().parse(), Ok(kind));
            assert_eq!(EventKind::from_code(kind.code()), Some(kind));
            assert_eq!(serde_json::to_value(kind).unwrap(), kind.name());
            assert_eq!(kind.is_of_delivery(), kind.name().starts_with("delivery."));
            // Standard Webhooks 1.0.0: words of letters, digits and underscores joined by dots.
            assert!(kind.name().bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_' || b == b'.'));
        }
        assert!(TEST.parse::<EventKind>().is_err(), "nobody subscribes to it");
    }

    #[test]
    fn some_kinds_are_not_the_others() {
        let some: Kinds = [EventKind::Accepted, EventKind::Delivered].into_iter().collect();
        let had: Vec<_> = EventKind::ALL.into_iter().filter(|kind| some.has(*kind)).collect();
        assert_eq!(had, [EventKind::Accepted, EventKind::Delivered]);
        assert!(some.and([EventKind::Held].into_iter().collect()).has(EventKind::Held));
        assert!(!Kinds::default().has(EventKind::Accepted));
    }
}
