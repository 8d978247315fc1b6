//! What an account has at Aliyun, and what goes wrong there, written as data.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::simulator::http_sms::{Moment, SmsFault, SmsFaults};
use crate::simulator::sms_cloud::{AccountFaults, SmsTemplate};

/// What an account has unless told.
pub(super) const SIGN: &str = "钟楼大学";
pub(super) const TEMPLATE: &str = "SMS_100001";

/// With variables as `${name}`.
pub type AliyunTemplate = SmsTemplate<35>;

/// The account and all that goes wrong with it; the default is an account in good order with the vendor's own limits.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct AliyunFaults {
    /// A `code` is one of the vendor's. As a call has one answer for all its numbers, `fail` (a number that cannot be)
    /// and `refuse` refuse the whole call, too.
    pub faults: Vec<SmsFault>,
    /// How long each moment takes before anything else happens, in milliseconds.
    pub delay_ms: BTreeMap<Moment, u64>,
    pub signs: Vec<String>,
    pub templates: BTreeMap<String, AliyunTemplate>,
    /// The caller's address is none of the allowed ones.
    pub untrusted_address: bool,
    /// Texts that are paid for, from now on.
    pub balance: Option<u64>,
    /// Of one sign and template to one number: in a minute and an hour of the clock, and within 24 hours.
    pub per_minute: u64,
    pub per_hour: u64,
    pub per_day: u64,
    /// Texts of the account in one day of UTC+8.
    pub account_per_day: u64,
    pub calls_per_second: u64,
}

impl Default for AliyunFaults {
    fn default() -> Self {
        Self {
            faults: Vec::new(),
            delay_ms: BTreeMap::new(),
            signs: vec![SIGN.to_owned()],
            templates: [
                (TEMPLATE.to_owned(), AliyunTemplate::new("${title}：${body}", false)),
                ("SMS_100002".to_owned(), AliyunTemplate::new("${name}，您好：${title}，详见 ${page}", true)),
            ]
            .into(),
            untrusted_address: false,
            balance: None,
            per_minute: u64::MAX,
            per_hour: u64::MAX,
            per_day: 50,
            account_per_day: u64::MAX,
            calls_per_second: 5_000,
        }
    }
}

impl From<SmsFaults> for AliyunFaults {
    /// The usual account, where these things go wrong.
    fn from(faults: SmsFaults) -> Self {
        Self { faults: faults.faults, delay_ms: faults.delay_ms, ..Self::default() }
    }
}

impl AccountFaults for AliyunFaults {
    fn trouble(&self) -> SmsFaults {
        SmsFaults { faults: self.faults.clone(), delay_ms: self.delay_ms.clone() }
    }
}
