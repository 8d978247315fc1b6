//! What the Official Account's API does wrong, written as data so that tests, the demo and the command line share it.

use std::collections::BTreeMap;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::simulator::wechat::faults::{WechatAct, WechatFault, any_fits, written_as};

/// A call of the API.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum OfficialAccountCall {
    StableToken,
    /// The old one, which every call replaces.
    Token,
    /// `message/template/send`
    Template,
    /// `message/subscribe/bizsend`
    Bizsend,
    /// `template/get_all_private_template`
    Templates,
    QuotaGet,
    ClearQuota,
    UserInfo,
    Qrcode,
    /// `message/custom/send`
    Custom,
    /// `/sns/oauth2/access_token`
    SignIn,
}

pub type OfficialAccountFault = WechatFault<OfficialAccountCall>;

/// All that goes wrong; the default is nothing beyond the vendor's own limits. Of the faults of a call the first one that
/// applies happens.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct OfficialAccountFaults {
    pub faults: Vec<OfficialAccountFault>,
    /// How long each call takes before anything else happens, in milliseconds.
    pub delay_ms: BTreeMap<OfficialAccountCall, u64>,
    /// The caller is seen under this address, which is not on the account's list: no tokens.
    pub unlisted_address: Option<String>,
    /// How long a token is good.
    pub token_seconds: u64,
    /// Patterns of openids that do not follow the account, unless they are told to.
    pub not_following: Vec<String>,
    /// Patterns of openids that the account has blacklisted.
    pub blacklisted: Vec<String>,
    /// Patterns of openids that refuse the account's messages, which only an event tells.
    pub blocking: Vec<String>,
    /// Patterns of openids whose messages fail later, for a reason of the vendor's.
    pub failing: Vec<String>,
    /// Patterns of openids that consent to every subscription message without being asked.
    pub consenting: Vec<String>,
    /// Calls of one kind, until midnight in UTC+8.
    pub calls_per_day: u64,
    /// Calls of one kind.
    pub calls_per_minute: u64,
}

impl Default for OfficialAccountFaults {
    fn default() -> Self {
        Self {
            faults: Vec::new(),
            delay_ms: BTreeMap::new(),
            unlisted_address: None,
            token_seconds: 7_200,
            not_following: Vec::new(),
            blacklisted: Vec::new(),
            blocking: Vec::new(),
            failing: Vec::new(),
            consenting: Vec::new(),
            calls_per_day: 100_000,
            calls_per_minute: u64::MAX,
        }
    }
}

impl OfficialAccountFaults {
    /// A believable account for the demo: a few have left it, fewer refuse what it sends, and each message takes `latency`.
    pub fn believable(latency: Duration) -> Self {
        let patterns = |pattern: &str| vec![pattern.to_owned()];
        Self {
            not_following: patterns("*37"),
            blocking: patterns("*97"),
            consenting: patterns("*"),
            ..Self::default()
        }
        .slow(OfficialAccountCall::Template, latency)
        .slow(OfficialAccountCall::Bizsend, latency)
    }
}

written_as!(OfficialAccountFaults, OfficialAccountCall);

/// Whether an openid is one of these.
pub(super) fn fits(patterns: &[String], openid: &str) -> bool {
    any_fits(patterns, &[openid.to_owned()])
}
