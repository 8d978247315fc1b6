//! What a recipient says back to a message that asks for an answer.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use super::channel::ChannelKind;
use super::message::coded;

coded! {
    /// How an answer came.
    Via {
        /// By a button of the card that the message was.
        Card = 1 "card",
        /// By the link that a mail, an SMS or a WeChat message had.
        Email = 2 "email",
        Sms = 3 "sms",
        Wechat = 4 "wechat",
        /// An operator put it down, who had spoken with them.
        Operator = 5 "operator",
    }
}

impl Via {
    /// By the link of a delivery.
    pub const fn link_of(channel: ChannelKind) -> Self {
        match channel {
            ChannelKind::Email => Self::Email,
            ChannelKind::Sms => Self::Sms,
            ChannelKind::Wechat => Self::Wechat,
        }
    }
}

/// What no answer's key is: it stands for those who have not answered.
pub const UNANSWERED: &str = "none";

/// Which of those who were asked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Answered {
    /// Nobody who has.
    NotYet,
    /// Who chose what has this key.
    With(String),
}

impl FromStr for Answered {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match text {
            "" => Err(format!("give the key of an answer, or `{UNANSWERED}`")),
            UNANSWERED => Ok(Self::NotYet),
            key => Ok(Self::With(key.to_owned())),
        }
    }
}
