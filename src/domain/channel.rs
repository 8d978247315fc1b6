//! The ways a message leaves, and the addresses they need.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// A channel as the API names it.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, utoipa::ToSchema,
)]
#[serde(rename_all = "lowercase")]
pub enum ChannelKind {
    Email = 1,
    Sms = 2,
    Wechat = 3,
}

impl ChannelKind {
    pub const ALL: [Self; 3] = [Self::Email, Self::Sms, Self::Wechat];

    pub const fn name(self) -> &'static str {
        match self {
            Self::Email => "email",
            Self::Sms => "sms",
            Self::Wechat => "wechat",
        }
    }

    /// The number kept in the store.
    pub const fn code(self) -> i64 {
        self as i64
    }

    pub fn from_code(code: i64) -> Option<Self> {
        Self::ALL.into_iter().find(|c| c.code() == code)
    }

    /// Whether its providers say that a message arrived. Where they do, having handed it over proves nothing yet; a mail
    /// relay or WeCom says no more than that it took it.
    pub const fn confirms(self) -> bool {
        matches!(self, Self::Sms)
    }

    /// The kinds of address this channel's providers may ask for, the preferred first.
    pub const fn address_kinds(self) -> &'static [AddressKind] {
        match self {
            Self::Email => &[AddressKind::Email],
            Self::Sms => &[AddressKind::Mobile],
            Self::Wechat => &[AddressKind::WecomUserid, AddressKind::WechatOpenid],
        }
    }
}

impl fmt::Display for ChannelKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl FromStr for ChannelKind {
    type Err = String;
    fn from_str(text: &str) -> Result<Self, String> {
        Self::ALL
            .into_iter()
            .find(|c| c.name() == text)
            .ok_or_else(|| format!("`{text}` is not a channel; use email, sms or wechat"))
    }
}

/// What kind of address a person is reached at.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum AddressKind {
    Email = 1,
    Mobile = 2,
    WecomUserid = 3,
    WechatOpenid = 4,
}

impl AddressKind {
    pub const ALL: [Self; 4] = [Self::Email, Self::Mobile, Self::WecomUserid, Self::WechatOpenid];

    pub const fn code(self) -> i64 {
        self as i64
    }

    pub fn from_code(code: i64) -> Option<Self> {
        Self::ALL.into_iter().find(|k| k.code() == code)
    }

    /// The column of `recipient`, the key of `to` in the API.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Email => "email",
            Self::Mobile => "mobile",
            Self::WecomUserid => "wecom_userid",
            Self::WechatOpenid => "wechat_openid",
        }
    }

    pub const fn channel(self) -> ChannelKind {
        match self {
            Self::Email => ChannelKind::Email,
            Self::Mobile => ChannelKind::Sms,
            Self::WecomUserid | Self::WechatOpenid => ChannelKind::Wechat,
        }
    }
}

impl FromStr for AddressKind {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        Self::ALL.into_iter().find(|kind| kind.name() == text).ok_or_else(|| {
            format!("`{text}` is not a kind of address; use {}", Self::ALL.map(Self::name).join(", "))
        })
    }
}

/// Where a delivery queues: the live providers of a channel, or the sandbox that takes what test keys send.
/// Apart, so that a dead relay holds up no test and a test no announcement.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Outlet {
    Sandbox,
    Live(ChannelKind),
}

impl Outlet {
    pub const ALL: [Self; 4] = [
        Self::Sandbox,
        Self::Live(ChannelKind::Email),
        Self::Live(ChannelKind::Sms),
        Self::Live(ChannelKind::Wechat),
    ];

    /// What takes deliveries by `channel`: the sandbox, for what a test key sends.
    pub const fn of(test: bool, channel: ChannelKind) -> Self {
        if test { Self::Sandbox } else { Self::Live(channel) }
    }

    pub const fn name(self) -> &'static str {
        match self {
            Self::Sandbox => "sandbox",
            Self::Live(channel) => channel.name(),
        }
    }

    pub const fn code(self) -> i64 {
        match self {
            Self::Sandbox => 0,
            Self::Live(channel) => channel.code(),
        }
    }

    pub fn from_code(code: i64) -> Option<Self> {
        Self::ALL.into_iter().find(|o| o.code() == code)
    }
}
