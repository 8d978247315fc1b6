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

    /// The kinds of address this channel's providers may ask for. Where a person has several, the first is used: the one
    /// that somebody `prefers`, if it is among them.
    pub fn address_kinds(self, prefers: Option<AddressKind>) -> Vec<AddressKind> {
        let mut kinds: Vec<_> = AddressKind::ALL.into_iter().filter(|kind| kind.channel() == self).collect();
        kinds.sort_by_key(|kind| Some(*kind) != prefers);
        kinds
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

/// Where a delivery queues: the live providers that take its kind of address, or the sandbox that takes what test keys send.
/// Apart, so that a dead relay holds up no test and a test no announcement.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Outlet {
    Sandbox,
    Live(AddressKind),
}

impl Outlet {
    pub const ALL: [Self; 5] = [
        Self::Sandbox,
        Self::Live(AddressKind::Email),
        Self::Live(AddressKind::Mobile),
        Self::Live(AddressKind::WecomUserid),
        Self::Live(AddressKind::WechatOpenid),
    ];

    /// What takes deliveries to such an address: the sandbox, for what a test key sends.
    pub const fn of(test: bool, kind: AddressKind) -> Self {
        if test { Self::Sandbox } else { Self::Live(kind) }
    }

    /// `None`: of all channels.
    pub const fn channel(self) -> Option<ChannelKind> {
        match self {
            Self::Sandbox => None,
            Self::Live(kind) => Some(kind.channel()),
        }
    }

    /// The channel's, where it has one outlet.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Sandbox => "sandbox",
            Self::Live(kind @ (AddressKind::Email | AddressKind::Mobile)) => kind.channel().name(),
            Self::Live(kind) => kind.name(),
        }
    }

    pub const fn code(self) -> i64 {
        match self {
            Self::Sandbox => 0,
            Self::Live(kind) => kind.code(),
        }
    }

    pub fn from_code(code: i64) -> Option<Self> {
        Self::ALL.into_iter().find(|o| o.code() == code)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_kind_of_address_has_its_outlet() {
        for (at, outlet) in Outlet::ALL.into_iter().enumerate() {
            // Arrays are indexed by it.
            assert_eq!(outlet.code(), at as i64);
            assert_eq!(Outlet::from_code(outlet.code()), Some(outlet));
        }
        for kind in AddressKind::ALL {
            assert!(Outlet::ALL.contains(&Outlet::of(false, kind)));
            assert_eq!(Outlet::of(true, kind), Outlet::Sandbox);
        }
        let names = Outlet::ALL.map(Outlet::name);
        assert_eq!(names, ["sandbox", "email", "sms", "wecom_userid", "wechat_openid"]);
    }

    #[test]
    fn what_is_preferred_comes_first_and_nothing_is_left_out() {
        let (member, follower) = (AddressKind::WecomUserid, AddressKind::WechatOpenid);
        let kinds = |prefers| ChannelKind::Wechat.address_kinds(prefers);
        assert_eq!(kinds(None), [member, follower]);
        assert_eq!(kinds(Some(member)), [member, follower]);
        assert_eq!(kinds(Some(follower)), [follower, member]);
        assert_eq!(ChannelKind::Sms.address_kinds(Some(follower)), [AddressKind::Mobile]);
    }
}
