//! A source's rights: what it may send beyond announcements on its own topics.

use super::message::coded;
use serde::{Deserialize, Serialize};
use std::fmt;

coded! {
    /// Granted by an administrator, one by one.
    Right {
        SendDirect = 1 "send_direct",
        Emergency = 2 "emergency",
        Broadcast = 3 "broadcast",
        ReadAll = 4 "read_all",
        ReadInbox = 5 "read_inbox",
        Directory = 6 "directory",
        /// Announced exercises, which reach real people.
        Exercise = 7 "exercise",
        /// To be told of messages and deliveries: webhooks and the stream of events.
        Subscribe = 8 "subscribe",
    }
}

impl Right {
    /// Whoever has it acts on more than their own messages and the people these are for.
    pub const fn goes_beyond(self) -> bool {
        matches!(
            self,
            Self::Emergency
                | Self::Broadcast
                | Self::Exercise
                | Self::ReadAll
                | Self::ReadInbox
                | Self::Directory
        )
    }

    /// Whoever has it reaches people whatever groups it is limited to: at any address, or by changing who is in them.
    pub const fn reaches_past_groups(self) -> bool {
        matches!(self, Self::SendDirect | Self::Directory)
    }
}
