//! The kinds of provider an administrator can configure.

use super::channel::ChannelKind;
use super::message::coded;
use serde::{Deserialize, Serialize};
use std::fmt;
use std::time::Duration;

coded! {
    /// What software answers behind a provider, and so which adapter speaks to it.
    ProviderKind {
        Smtp = 1 "smtp",
        Sandbox = 2 "sandbox",
        HttpSms = 3 "http_sms",
        AliyunSms = 4 "aliyun_sms",
        TencentSms = 5 "tencent_sms",
        Wecom = 6 "wecom",
        WechatOfficialAccount = 7 "wechat_official_account",
    }
}

/// What an administrator can do about a provider that refuses.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Advice {
    /// Put our address on its list of those that may call.
    AllowAddress,
    /// Enter the secrets anew.
    Credentials,
    /// Have the sign approved, or enter an approved one.
    Sign,
    /// Have the template approved, or enter an approved one.
    Template,
    /// Pay.
    Balance,
    /// Have a limit of the account's raised, or wait.
    Quota,
    /// Set this machine's clock.
    Clock,
    /// Give the account, or the application, the right to do this.
    Rights,
    /// Have the sender's domain set up: its address, SPF, DKIM, reverse name.
    Sender,
}

impl ProviderKind {
    /// Whether this kind can serve the channel.
    pub const fn serves(self, channel: ChannelKind) -> bool {
        match self {
            Self::Smtp => matches!(channel, ChannelKind::Email),
            Self::HttpSms | Self::AliyunSms | Self::TencentSms => matches!(channel, ChannelKind::Sms),
            Self::Sandbox => true,
            Self::Wecom | Self::WechatOfficialAccount => matches!(channel, ChannelKind::Wechat),
        }
    }

    /// How long after it was sent a provider of this kind can call a message back; `None`: never.
    pub const fn recallable(self) -> Option<Duration> {
        match self {
            Self::Wecom => Some(Duration::from_hours(24)),
            _ => None,
        }
    }

    /// Whether its providers call us with what became of what they took.
    pub const fn calls_back(self) -> bool {
        !matches!(self, Self::Smtp | Self::Sandbox)
    }
}
