//! Alarm buttons: devices on a wall, in a pocket or under a desk, each of which may start what two people agreed to.
//!
//! A device says that it was pressed, and how. What that means, where it is, and who is told were fixed before: a gesture
//! stands for one scenario with a choice for every list of it.

pub mod signature;
mod watch;

use std::collections::BTreeMap;
use std::fmt;

use serde::{Deserialize, Serialize};

use super::message::coded;
use crate::clock::Timestamp;
use crate::domain::emergency::{Chosen, Plan};
use crate::domain::id::OperatorId;

pub use self::watch::{BATTERY_LOW, Health, TEST_EVERY, Watched};

coded! {
    /// What a button may do.
    ButtonState {
        /// Nothing: whatever it sends is refused.
        Disarmed = 1 "disarmed",
        /// It is tried out: presses are counted as tests.
        Test = 2 "test",
        /// A press sends an alert.
        Armed = 3 "armed",
        /// Taken out of use for good.
        Revoked = 4 "revoked",
    }
}

impl ButtonState {
    /// It is expected to give signs of life.
    pub const fn is_in_use(self) -> bool {
        matches!(self, Self::Test | Self::Armed)
    }
}

coded! {
    /// What it runs on, which says how often it is heard of.
    Power {
        Mains = 1 "mains",
        Battery = 2 "battery",
    }
}

coded! {
    /// A way to press that stands for something.
    Gesture {
        Press = 1 "press",
        Double = 2 "double",
        Hold = 3 "hold",
    }
}

coded! {
    /// What a device may say.
    Signal {
        Press = 1 "press",
        Double = 2 "double",
        Hold = 3 "hold",
        /// Calls off a press of its own that has not gone out yet.
        Cancel = 4 "cancel",
        /// The weekly test: nothing is sent.
        Test = 5 "test",
        Heartbeat = 6 "heartbeat",
    }
}

impl Signal {
    pub const fn gesture(self) -> Option<Gesture> {
        match self {
            Self::Press => Some(Gesture::Press),
            Self::Double => Some(Gesture::Double),
            Self::Hold => Some(Gesture::Hold),
            Self::Cancel | Self::Test | Self::Heartbeat => None,
        }
    }
}

coded! {
    /// What a device shows whoever stands in front of it.
    Led {
        /// It is kept, and does not go out at this moment, or not in its own words.
        Accepted = 1 "accepted",
        /// The alert is going out.
        Live = 2 "live",
        /// Nothing follows.
        Refused = 3 "refused",
        /// It would have worked.
        TestOk = 4 "test_ok",
    }
}

coded! {
    /// What ails a button.
    ButtonTrouble {
        /// Three signs of life are missing.
        Offline = 1 "offline",
        Battery = 2 "battery",
        /// Nobody pressed the weekly test.
        TestDue = 3 "test_due",
        /// What it was armed with cannot be filled in any more by the scenario as it is now.
        Outdated = 4 "outdated",
        /// A press of it did not become a broadcast.
        Unsent = 5 "unsent",
        /// It was pressed while it was armed, and that was not taken.
        Refused = 6 "refused",
        /// Its clock is not ours, so that what it says of a press would not be taken.
        Clock = 7 "clock",
        /// A press of it asked for other choices than those of what is being sent, and nobody is told of its own.
        Differs = 8 "differs",
    }
}

/// Seconds a press may wait to be called off.
pub const LONGEST_WINDOW: u32 = 10;

/// What a gesture stands for: a scenario, and one choice for each of its lists.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Mapped {
    /// Its slug.
    pub scenario: String,
    pub chosen: Chosen,
}

/// The form of the column `gestures`.
pub type Gestures = BTreeMap<Gesture, Mapped>;

/// What a press sends.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Prepared {
    /// The scenario's slug.
    pub scenario: String,
    pub plan: Plan,
    /// It was not sent: the same scenario was being sent for the same place, begun with other choices.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub differs: bool,
}

/// What every gesture sends, as it was read by whoever agreed to it.
pub type Plans = BTreeMap<Gesture, Prepared>;

/// Somebody asked that it be armed. The form of the column `asked`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Asked {
    pub by: String,
    pub operator: OperatorId,
    pub at: Timestamp,
    pub plans: Plans,
}

/// It was armed. The form of the column `armed`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Armed {
    pub asked_by: String,
    pub confirmed_by: String,
    pub at: Timestamp,
    pub plans: Plans,
}

/// Why the latest thing that came with its key was not taken. The form of the column `refused`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Refusal {
    pub at: Timestamp,
    pub why: Refused,
    pub from: String,
    /// When somebody pressed it last, it was armed, and that was not taken. Whatever else is refused later leaves this as it is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pressed_at: Option<Timestamp>,
}

impl Refusal {
    /// After what was known `before`. `may_be_press`: it is armed, and this was a press, or could not be read so far.
    #[must_use]
    pub fn after(mut self, before: Option<&Self>, may_be_press: bool) -> Self {
        self.pressed_at =
            if may_be_press { Some(self.at) } else { before.and_then(|before| before.pressed_at) };
        self
    }
}

coded! {
    /// Why something that came with a button's key was not taken.
    Refused {
        Network = 1 "network",
        Signature = 2 "signature",
        Time = 3 "time",
        OldSeq = 4 "old_seq",
        ReusedSeq = 5 "reused_seq",
        Body = 6 "body",
        /// That way to press it stands for nothing.
        Gesture = 7 "gesture",
    }
}
