//! The kinds of provider an administrator can configure.

use super::channel::{AddressKind, ChannelKind};
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

    /// Whether this kind can be given deliveries to such an address.
    pub const fn takes(self, kind: AddressKind) -> bool {
        match self {
            Self::Wecom => matches!(kind, AddressKind::WecomUserid),
            Self::WechatOfficialAccount => matches!(kind, AddressKind::WechatOpenid),
            _ => self.serves(kind.channel()),
        }
    }

    /// The addresses of a channel that a provider of this kind writes to.
    pub fn writes_to(self, channel: ChannelKind) -> AddressKind {
        let kinds = channel.address_kinds(None);
        kinds.iter().copied().find(|kind| self.takes(*kind)).unwrap_or(kinds[0])
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whoever_serves_a_channel_takes_some_of_its_addresses_and_no_others() {
        for provider in ProviderKind::ALL {
            for channel in ChannelKind::ALL {
                let kinds = channel.address_kinds(None);
                assert_eq!(
                    kinds.iter().any(|kind| provider.takes(*kind)),
                    provider.serves(channel),
                    "{provider}"
                );
            }
        }
        let taken = |provider: ProviderKind| -> Vec<_> {
            AddressKind::ALL.into_iter().filter(|kind| provider.takes(*kind)).collect()
        };
        assert_eq!(taken(ProviderKind::Wecom), [AddressKind::WecomUserid]);
        assert_eq!(taken(ProviderKind::WechatOfficialAccount), [AddressKind::WechatOpenid]);
        assert_eq!(taken(ProviderKind::Sandbox), AddressKind::ALL);
    }
}
