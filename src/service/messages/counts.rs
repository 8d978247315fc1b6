//! How many deliveries of a message stand where.

use serde::Serialize;
use utoipa::ToSchema;

use crate::domain::channel::ChannelKind;
use crate::domain::delivery::{State, by_state};
use crate::store::history::CountRow;

/// Deliveries by state. `planned` is the sum of the rest.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, ToSchema)]
pub struct Counts {
    pub planned: i64,
    pub pending: i64,
    pub sending: i64,
    pub sent: i64,
    pub delivered: i64,
    pub failed: i64,
    pub expired: i64,
    pub cancelled: i64,
    pub suppressed: i64,
    pub unknown: i64,
}

impl Counts {
    /// Counts of which `of` says how many stand in a state.
    pub fn new(of: impl Fn(State) -> i64) -> Self {
        let mut counts = Self {
            planned: 0,
            pending: of(State::Pending),
            sending: of(State::Sending),
            sent: of(State::Sent),
            delivered: of(State::Delivered),
            failed: of(State::Failed),
            expired: of(State::Expired),
            cancelled: of(State::Cancelled),
            suppressed: of(State::Suppressed),
            unknown: of(State::Unknown),
        };
        counts.planned = State::ALL.iter().map(|state| counts.of(*state)).sum();
        counts
    }

    /// How many are in a terminal state.
    pub const fn ended(&self) -> i64 {
        self.planned - self.pending - self.sending
    }

    fn add(&mut self, other: &Self) {
        self.planned += other.planned;
        self.pending += other.pending;
        self.sending += other.sending;
        self.sent += other.sent;
        self.delivered += other.delivered;
        self.failed += other.failed;
        self.expired += other.expired;
        self.cancelled += other.cancelled;
        self.suppressed += other.suppressed;
        self.unknown += other.unknown;
    }
}

by_state!(Counts);

/// A message's counts: all together, and by each channel that was planned.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, ToSchema)]
pub struct MessageCounts {
    pub all: Counts,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub email: Option<Counts>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub sms: Option<Counts>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub wechat: Option<Counts>,
}

impl MessageCounts {
    pub const fn channel(&self, channel: ChannelKind) -> Option<&Counts> {
        match channel {
            ChannelKind::Email => self.email.as_ref(),
            ChannelKind::Sms => self.sms.as_ref(),
            ChannelKind::Wechat => self.wechat.as_ref(),
        }
    }

    pub(in crate::service) fn add(&mut self, row: &CountRow) {
        let counts = Counts::new(|state| row.of(state));
        self.all.add(&counts);
        let channel = match row.channel {
            ChannelKind::Email => &mut self.email,
            ChannelKind::Sms => &mut self.sms,
            ChannelKind::Wechat => &mut self.wechat,
        };
        *channel = Some(counts);
    }
}
