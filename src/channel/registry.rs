//! From a provider's kind and settings to the adapter that speaks to it.

use std::sync::Arc;

use serde_json::Value;
use url::Url;

use super::common;
use super::email::{self, Email};
pub use super::mapping::{By, Form, Mapped, SOURCES, mapped};
use super::overrides::overridden;
use super::sandbox::{self, Sandbox};
use super::setting::{Setting, origin};
use super::sms::{self, AliyunSms, HttpSms, TencentSms};
use super::wechat::official_account::{self, OfficialAccount};
pub use super::wechat::official_account::{FieldType, field_type, field_types};
use super::wechat::wecom::{self, Wecom};
use super::{Channel, Peers};
use crate::clock::Clock;
use crate::domain::provider::ProviderKind;
use crate::domain::quota::Quota;
use crate::error::Fault;

/// What adapters know of the installation they work for.
#[derive(Clone, Debug)]
pub struct Site {
    pub campus: Arc<str>,
    pub public_url: Url,
    pub clock: Clock,
    /// Marks addresses that bounces come back to as our own.
    pub bounce_key: [u8; 32],
    /// Who else hands over to the same vendors.
    pub peers: Peers,
}

/// Makes the adapter, or says everything that is wrong with the settings. Calls nobody.
pub fn build(kind: ProviderKind, settings: &Value, site: &Site) -> Result<Arc<dyn Channel>, Vec<Fault>> {
    let (common, own) = common::split(settings);
    match (adapter(kind, &own, site), common::read(&common)) {
        (Ok(adapter), Ok(common)) => Ok(overridden(adapter, common.overrides)),
        (made, common) => Err([made.err(), common.err()].into_iter().flatten().flatten().collect()),
    }
}

/// What the provider takes in a day, by settings that are in order.
pub fn quota(settings: &Value) -> Option<Quota> {
    common::read(&common::split(settings).0).ok()?.quota
}

fn adapter(kind: ProviderKind, settings: &Value, site: &Site) -> Result<Arc<dyn Channel>, Vec<Fault>> {
    match kind {
        ProviderKind::Smtp => Ok(Arc::new(Email::new(settings, site)?)),
        ProviderKind::HttpSms => Ok(Arc::new(HttpSms::new(settings, site)?)),
        ProviderKind::AliyunSms => Ok(Arc::new(AliyunSms::new(settings, site)?)),
        ProviderKind::TencentSms => Ok(Arc::new(TencentSms::new(settings, site)?)),
        ProviderKind::Sandbox => Ok(Arc::new(Sandbox::new(settings)?)),
        ProviderKind::Wecom => Ok(Arc::new(Wecom::new(settings, site)?)),
        ProviderKind::WechatOfficialAccount => Ok(Arc::new(OfficialAccount::new(settings, site)?)),
    }
}

/// What every kind takes besides its own.
pub const COMMON: &[Setting] = common::SETTINGS;

/// What a form asks for, in its order.
pub fn settings(kind: ProviderKind) -> impl Iterator<Item = &'static Setting> {
    let own = match kind {
        ProviderKind::Smtp => email::SETTINGS,
        ProviderKind::HttpSms => sms::http::SETTINGS,
        ProviderKind::AliyunSms => sms::aliyun::SETTINGS,
        ProviderKind::TencentSms => sms::tencent::SETTINGS,
        ProviderKind::Sandbox => sandbox::SETTINGS,
        ProviderKind::Wecom => wecom::SETTINGS,
        ProviderKind::WechatOfficialAccount => official_account::SETTINGS,
    };
    own.iter().chain(COMMON)
}

/// How its settings map templates of ours to the vendor's approved ones; `None`: it fills none.
pub const fn form(kind: ProviderKind) -> Option<Form> {
    match kind {
        ProviderKind::AliyunSms => Some(sms::aliyun::FORM),
        ProviderKind::TencentSms => Some(sms::tencent::FORM),
        ProviderKind::WechatOfficialAccount => Some(official_account::FORM),
        ProviderKind::Smtp | ProviderKind::HttpSms | ProviderKind::Sandbox | ProviderKind::Wecom => None,
    }
}

/// Where secrets are sent to by these settings: scheme, host and port of each address, and what else a kind says of it. For
/// comparison alone.
pub fn places(kind: ProviderKind, settings: &Value) -> Vec<String> {
    match kind {
        ProviderKind::Smtp => email::places(settings),
        ProviderKind::HttpSms => sms::http::places(settings),
        ProviderKind::AliyunSms
        | ProviderKind::TencentSms
        | ProviderKind::Wecom
        | ProviderKind::WechatOfficialAccount => vec![endpoint(kind, settings)],
        ProviderKind::Sandbox => Vec::new(),
    }
}

fn endpoint(kind: ProviderKind, settings: &Value) -> String {
    const ENDPOINT: &str = "/endpoint";
    let written = settings.pointer(ENDPOINT).and_then(Value::as_str).filter(|text| !text.trim().is_empty());
    let usual =
        || self::settings(kind).find(|setting| setting.pointer == ENDPOINT).map_or("", |known| known.usual);
    origin(written.unwrap_or_else(usual))
}

/// Those of [`secrets`] that go to [`places`]. The others are for what is signed or opened here.
pub const fn sent(kind: ProviderKind) -> &'static [&'static str] {
    match kind {
        ProviderKind::Smtp => &["/password"],
        ProviderKind::Wecom => &["/secret"],
        ProviderKind::WechatOfficialAccount => &["/app_secret"],
        ProviderKind::HttpSms
        | ProviderKind::AliyunSms
        | ProviderKind::TencentSms
        | ProviderKind::Sandbox => secrets(kind),
    }
}

/// Pointers of the settings that are never shown again; an object's members are hidden one by one.
pub const fn secrets(kind: ProviderKind) -> &'static [&'static str] {
    match kind {
        ProviderKind::Smtp => &["/password", "/dkim/private_key"],
        ProviderKind::HttpSms => &["/secrets"],
        ProviderKind::AliyunSms => &["/access_key_secret", "/security_token"],
        ProviderKind::TencentSms => &["/secret_key", "/security_token"],
        ProviderKind::Sandbox => &[],
        ProviderKind::Wecom => &["/secret", "/callback_token", "/callback_aes_key"],
        ProviderKind::WechatOfficialAccount => &["/app_secret", "/token", "/encoding_aes_key"],
    }
}
