//! Why an address is left alone.

use std::fmt;

use serde::{Deserialize, Serialize};

use super::channel::ChannelKind;
use super::message::coded;

coded! {
    /// Why nothing is sent to an address, emergencies excepted.
    Cause {
        /// A provider said that it does not work.
        Bounced = 1 "bounced",
        /// Whoever reads it asked for that.
        Asked = 2 "asked",
        /// It is somebody else's.
        Wrong = 3 "wrong",
    }
}

/// Whether a provider's code for "this address does not work" speaks of more than today. A mailbox that is full or
/// closed for now (RFC 3463 §3.3) is tried again with the next message.
pub fn is_lasting(channel: ChannelKind, code: Option<&str>) -> bool {
    let is_mailbox_state = |word: &str| matches!(word, "5.2.1" | "5.2.2");
    channel != ChannelKind::Email || !code.unwrap_or_default().split_whitespace().any(is_mailbox_state)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_full_mailbox_is_no_dead_one() {
        for (code, lasting) in
            [("550 5.1.1", true), ("550", true), ("552 5.2.2", false), ("550 5.2.1", false)]
        {
            assert_eq!(is_lasting(ChannelKind::Email, Some(code)), lasting, "{code}");
        }
        assert!(is_lasting(ChannelKind::Sms, Some("5.2.1")) && is_lasting(ChannelKind::Email, None));
    }
}
