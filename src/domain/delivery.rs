//! A delivery's states, the outcomes of its attempts, and what follows from them.

use std::fmt;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::channel::ChannelKind;
use super::message::coded;

coded! {
    /// What became of one message to one recipient by one channel so far.
    State {
        Pending = 0 "pending",
        Sending = 1 "sending",
        Sent = 2 "sent",
        Delivered = 3 "delivered",
        Failed = 4 "failed",
        Expired = 5 "expired",
        Cancelled = 6 "cancelled",
        Suppressed = 7 "suppressed",
        Unknown = 8 "unknown",
    }
}

impl State {
    /// Counts as done for its message: `sent` too, later receipts change it without reopening the message.
    pub const fn is_terminal(self) -> bool {
        !matches!(self, Self::Pending | Self::Sending)
    }

    /// The person has the message as far as this channel ever tells, so that no other channel is needed.
    pub const fn has_reached(self, channel: ChannelKind) -> bool {
        match self {
            Self::Delivered => true,
            Self::Sent => !channel.confirms(),
            _ => false,
        }
    }

    /// The channel did not do it and will not by itself. One whose outcome is unknown may yet have.
    pub const fn has_missed(self) -> bool {
        matches!(self, Self::Failed | Self::Expired | Self::Cancelled | Self::Suppressed)
    }
}

/// Lets a type with a field for each state be asked for a state's.
macro_rules! by_state {
    ($type:ty) => {
        impl $type {
            /// How many stand in this state.
            pub const fn of(&self, state: $crate::domain::delivery::State) -> i64 {
                use $crate::domain::delivery::State;
                match state {
                    State::Pending => self.pending,
                    State::Sending => self.sending,
                    State::Sent => self.sent,
                    State::Delivered => self.delivered,
                    State::Failed => self.failed,
                    State::Expired => self.expired,
                    State::Cancelled => self.cancelled,
                    State::Suppressed => self.suppressed,
                    State::Unknown => self.unknown,
                }
            }
        }
    };
}
pub(crate) use by_state;

/// Why a delivery was planned but not sent; the word stored as its reason.
pub mod suppressed {
    pub const NO_ADDRESS: &str = "no_address";
    pub const OPTED_OUT: &str = "opted_out";
    /// A provider said before that the address does not work.
    pub const BOUNCED_BEFORE: &str = "bounced_before";
    /// The address is on the suppression list for another cause.
    pub const LEFT_ALONE: &str = "left_alone";
    /// The person was sent the same text a short time ago.
    pub const DUPLICATE: &str = "duplicate";
    /// The person has had as many messages by this channel today as one may have.
    pub const FREQUENCY_CAP: &str = "frequency_cap";
    /// It would have been too late when the quiet hours end.
    pub const QUIET_EXPIRED: &str = "quiet_expired";
    /// Another channel of its fallback plan did it.
    pub const NOT_NEEDED: &str = "not_needed";

    /// Those that are known before anything is planned.
    pub const FORESEEN: [&str; 7] =
        [NO_ADDRESS, OPTED_OUT, LEFT_ALONE, BOUNCED_BEFORE, DUPLICATE, FREQUENCY_CAP, QUIET_EXPIRED];
}

/// Why a delivery waits that could be sent otherwise.
pub const QUIET_HOURS: &str = "quiet_hours";
/// Why a delivery waits that was handed over before: no answer came, nor any word of it since.
pub const UNANSWERED: &str = "unanswered";

/// Why a delivery is cancelled that was handed over: its provider took it back.
pub const RECALLED: &str = "recalled";

/// Why nobody knows of a delivery that was under way in a backup that was restored: what was done since the backup is lost.
/// Messages that were to be planned then are held for it.
pub const RESTORED: &str = "restored";

/// How one attempt ended, as the adapter classified the provider's answer. Every adapter maps its vendor's codes to
/// these, so that retrying is decided in one place.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum OutcomeClass {
    /// The provider took it.
    Accepted,
    /// This address will not work.
    PermanentRecipient,
    /// This text will not be taken, for anyone.
    PermanentMessage,
    /// Try again soon.
    Transient,
    /// A rate or quota is used up.
    Throttled,
    /// Credentials, signature, allow-list, balance: an administrator must act.
    Config,
    /// It was handed over and no usable answer came; sending again may double it.
    Unknown,
}

impl OutcomeClass {
    pub const ALL: [Self; 7] = [
        Self::Accepted,
        Self::PermanentRecipient,
        Self::PermanentMessage,
        Self::Transient,
        Self::Throttled,
        Self::Config,
        Self::Unknown,
    ];

    pub const fn name(self) -> &'static str {
        match self {
            Self::Accepted => "accepted",
            Self::PermanentRecipient => "permanent_recipient",
            Self::PermanentMessage => "permanent_message",
            Self::Transient => "transient",
            Self::Throttled => "throttled",
            Self::Config => "config",
            Self::Unknown => "unknown",
        }
    }

    /// The provider took it, or may have.
    pub const fn may_be_taken(self) -> bool {
        matches!(self, Self::Accepted | Self::Unknown)
    }
}

impl fmt::Display for OutcomeClass {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// How often and how long a delivery is tried.
#[derive(Clone, Copy, Debug)]
pub struct Budget {
    /// Attempts that end `transient`, the first included, before it is `failed`.
    pub attempts: u32,
    /// Longest wait between two of them.
    pub longest_wait: Duration,
}

impl Budget {
    /// Announcements may wait hours for a greylisting relay; an emergency is soon better off on another channel.
    pub const fn of(lane: super::message::Lane) -> Self {
        match lane {
            super::message::Lane::Emergency => Self { attempts: 5, longest_wait: Duration::from_secs(30) },
            _ => Self { attempts: 12, longest_wait: Duration::from_hours(2) },
        }
    }

    /// The wait before the next attempt after `failures` transient ones, or `None` when the budget is spent.
    ///
    /// Doubles from one second (so the first repeat starts within two), with up to half of itself added by `jitter`
    /// (0..1) so that a recovering relay is not hit by all at once.
    pub fn wait(self, failures: u32, jitter: f64) -> Option<Duration> {
        if failures >= self.attempts {
            return None;
        }
        let doubled = Duration::from_secs(1_u64 << failures.saturating_sub(1).min(20));
        let base = doubled.min(self.longest_wait);
        Some(base + base.mul_f64(jitter.clamp(0.0, 1.0) / 2.0))
    }
}

#[cfg(test)]
mod tests {
    use super::super::message::Lane;
    use super::*;

    #[test]
    fn the_first_repeat_starts_within_two_seconds() {
        for jitter in [0.0, 0.5, 1.0] {
            let wait = Budget::of(Lane::Normal).wait(1, jitter).expect("budget left");
            assert!(wait < Duration::from_secs(2), "{wait:?}");
        }
    }

    #[test]
    fn waits_grow_to_a_ceiling_and_end() {
        let budget = Budget::of(Lane::Normal);
        let waits: Vec<_> = (1..budget.attempts).filter_map(|n| budget.wait(n, 0.0)).collect();
        assert!(waits.is_sorted());
        assert!(waits.iter().all(|w| *w <= budget.longest_wait));
        assert_eq!(budget.wait(budget.attempts, 0.0), None);
    }

    #[test]
    fn an_emergency_gives_up_within_minutes() {
        let budget = Budget::of(Lane::Emergency);
        let total: Duration = (1..budget.attempts).filter_map(|n| budget.wait(n, 1.0)).sum();
        assert!(total < Duration::from_mins(2), "{total:?}");
    }
}
