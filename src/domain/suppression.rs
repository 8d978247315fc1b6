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
/// closed for now (RFC 3463 §3.3) is tried again with the next message, and so is a follower whose consent to a
/// subscribe message of WeChat's is used up: the next may find another. Codes of our own say how a provider is set up,
/// and so do those for countries that an account does not send to; neither says anything of the address.
pub fn is_lasting(channel: ChannelKind, code: Option<&str>) -> bool {
    let text = code.unwrap_or_default();
    let says_nothing_lasting = match channel {
        ChannelKind::Wechat => text == "43101",
        ChannelKind::Sms => {
            matches!(text, "isv.DOMESTIC_NUMBER_NOT_SUPPORTED" | "UnsupportedOperation.UnsuportedRegion")
        }
        ChannelKind::Email => is_mailbox_state(channel, code, &["5.2.1", "5.2.2"]),
    };
    !(says_nothing_lasting || text.starts_with("belltower."))
}

/// Whether a provider's code speaks of a trouble of the address that may pass: enough of them are a lasting one.
pub fn is_passing(channel: ChannelKind, code: Option<&str>) -> bool {
    is_mailbox_state(channel, code, &["5.2.1", "5.2.2", "4.2.1", "4.2.2"])
}

fn is_mailbox_state(channel: ChannelKind, code: Option<&str>, states: &[&str]) -> bool {
    let words = code.unwrap_or_default().split_whitespace();
    channel == ChannelKind::Email && words.into_iter().any(|word| states.contains(&word))
}

/// Whether somebody who answers a text wants no more of them. Mainland texts ask for one of these words.
pub fn asks_to_stop(reply: &str) -> bool {
    const WORDS: [&str; 8] = ["退订", "退订短信", "TD", "T", "R", "N", "STOP", "UNSUBSCRIBE"];
    let said = reply.trim_matches(|c: char| !c.is_alphanumeric()).to_uppercase();
    WORDS.contains(&said.as_str())
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

    #[test]
    fn a_country_that_an_account_does_not_send_to_is_no_dead_number() {
        for (code, lasting) in [
            ("isv.MOBILE_NUMBER_ILLEGAL", true),
            ("isv.DOMESTIC_NUMBER_NOT_SUPPORTED", false),
            ("UnsupportedOperation.UnsuportedRegion", false),
        ] {
            assert_eq!(is_lasting(ChannelKind::Sms, Some(code)), lasting, "{code}");
        }
    }

    #[test]
    fn a_trouble_of_a_mailbox_may_pass() {
        for (code, passing) in [
            ("452 4.2.2", true),
            ("552 5.2.2", true),
            ("450 4.2.1", true),
            ("550 5.1.1", false),
            ("451", false),
        ] {
            assert_eq!(is_passing(ChannelKind::Email, Some(code)), passing, "{code}");
        }
        assert!(!is_passing(ChannelKind::Sms, Some("5.2.2")) && !is_passing(ChannelKind::Email, None));
    }

    #[test]
    fn only_a_word_alone_asks_to_stop() {
        for reply in ["退订", " td ", "R", "t.", "【退订】", "unsubscribe!", "Stop"] {
            assert!(asks_to_stop(reply), "{reply}");
        }
        for reply in ["收到", "R2 教室在哪", "请问怎么退订", "", "thanks"] {
            assert!(!asks_to_stop(reply), "{reply}");
        }
    }

    #[test]
    fn a_consent_that_is_used_up_is_no_dead_address() {
        for (code, lasting) in
            [("43004", true), ("invaliduser", true), ("43101", false), ("belltower.no_openid", false)]
        {
            assert_eq!(is_lasting(ChannelKind::Wechat, Some(code)), lasting, "{code}");
        }
    }
}
