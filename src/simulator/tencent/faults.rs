//! What an account has at Tencent Cloud, and what goes wrong there, written as data.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::simulator::http_sms::{Moment, SmsFault, SmsFaults};
use crate::simulator::sms_cloud::{AccountFaults, SmsTemplate};

/// What an account has unless told.
pub(super) const SIGN: &str = "钟楼大学";
pub(super) const TEMPLATE: &str = "100001";

/// With variables as `{1}`, `{2}` and so on.
pub type TencentTemplate = SmsTemplate<{ usize::MAX }>;

/// The account and all that goes wrong with it; the default is an account in good order with the vendor's own limits.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct TencentFaults {
    /// A `code` is an error of the whole call, `refuse` one of the numbers that match.
    pub faults: Vec<SmsFault>,
    /// How long each moment takes before anything else happens, in milliseconds.
    pub delay_ms: BTreeMap<Moment, u64>,
    pub signs: Vec<String>,
    /// By id.
    pub templates: BTreeMap<String, TencentTemplate>,
    /// The caller's address is none of the allowed ones.
    pub untrusted_address: bool,
    /// Texts left in the package, from now on.
    pub balance: Option<u64>,
    /// The same text does not go to the same number twice within 30 seconds.
    pub same_in_thirty_seconds: bool,
    /// To one number, within an hour and in one day of UTC+8.
    pub per_number_hour: u64,
    pub per_number_day: u64,
    /// Texts of the application in one day of UTC+8.
    pub app_per_day: u64,
    pub calls_per_second: u64,
    /// Receipts repeat the call's `SessionContext`.
    pub tells_context: bool,
    /// Receipts may be pulled.
    pub may_pull: bool,
}

impl Default for TencentFaults {
    fn default() -> Self {
        Self {
            faults: Vec::new(),
            delay_ms: BTreeMap::new(),
            signs: vec![SIGN.to_owned()],
            templates: [
                (TEMPLATE.to_owned(), TencentTemplate::new("{1}：{2}", false)),
                ("100002".to_owned(), TencentTemplate::new("{1}，您好：{2}，详见 {3}", true)),
            ]
            .into(),
            untrusted_address: false,
            balance: None,
            same_in_thirty_seconds: true,
            per_number_hour: u64::MAX,
            per_number_day: 2,
            app_per_day: u64::MAX,
            calls_per_second: 3_000,
            tells_context: false,
            may_pull: true,
        }
    }
}

impl From<SmsFaults> for TencentFaults {
    /// The usual account, where these things go wrong.
    fn from(faults: SmsFaults) -> Self {
        Self { faults: faults.faults, delay_ms: faults.delay_ms, ..Self::default() }
    }
}

impl AccountFaults for TencentFaults {
    fn trouble(&self) -> SmsFaults {
        SmsFaults { faults: self.faults.clone(), delay_ms: self.delay_ms.clone() }
    }
}
