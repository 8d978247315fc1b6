//! What WeCom does wrong, written as data so that tests, the demo and the command line share it.

use std::collections::BTreeMap;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::simulator::wechat::faults::{Plan, WechatAct, WechatFault, any_fits, written_as};

/// A call of the API.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum WecomCall {
    Gettoken,
    Send,
    Recall,
    Agent,
    /// `message/update_template_card`
    Update,
    /// `auth/getuserinfo`
    SignIn,
}

pub type WecomFault = WechatFault<WecomCall>;
pub type WecomAct = WechatAct;

/// All that goes wrong; the default is nothing beyond WeCom's own limits. Of the faults of a call the first one that
/// applies happens.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct WecomFaults {
    pub faults: Vec<WecomFault>,
    /// How long each call takes before anything else happens, in milliseconds.
    pub delay_ms: BTreeMap<WecomCall, u64>,
    /// Patterns of members that are not there, or that the application may not reach.
    pub unknown: Vec<String>,
    /// Patterns of members without a licence.
    pub unlicensed: Vec<String>,
    /// How long a token is good.
    pub token_seconds: u64,
    /// The caller's address is none of the trusted ones.
    pub untrusted_address: bool,
    /// `message/send` at once beyond so many are answered 45033.
    pub concurrency: u64,
    pub calls_per_minute: u64,
    /// To all members together.
    pub messages_per_day: u64,
    pub member_per_minute: usize,
    pub member_per_hour: usize,
}

impl Default for WecomFaults {
    fn default() -> Self {
        Self {
            faults: Vec::new(),
            delay_ms: BTreeMap::new(),
            unknown: Vec::new(),
            unlicensed: Vec::new(),
            token_seconds: 7_200,
            untrusted_address: false,
            concurrency: u64::MAX,
            calls_per_minute: 10_000,
            messages_per_day: u64::MAX,
            member_per_minute: 30,
            member_per_hour: 1_000,
        }
    }
}

impl WecomFaults {
    /// A believable corp for the demo: one member in a hundred has left it, and each message takes `latency`.
    pub fn believable(latency: Duration) -> Self {
        Self { unknown: vec!["*37".to_owned()], ..Self::default() }.slow(WecomCall::Send, latency)
    }
}

written_as!(WecomFaults, WecomCall);

impl Plan<WecomFaults> {
    pub(super) fn is_unknown(&self, member: &str) -> bool {
        any_fits(&self.faults.unknown, &[member.to_owned()])
    }

    pub(super) fn is_unlicensed(&self, member: &str) -> bool {
        any_fits(&self.faults.unlicensed, &[member.to_owned()])
    }
}
