//! Calls from WeChat and WeCom: who may knock, and what they say.
//!
//! Such a call is signed in its address, and encrypted where the account has a key for it. It is looked at twice: at
//! once, to answer it, and again when what was stored of it is read.

use std::borrow::Cow;
use std::collections::HashMap;
use std::time::Duration;

use secrecy::{ExposeSecret as _, SecretString};
use serde_json::Value;
use url::form_urlencoded;

use super::crypto::{Forged, Seal, verify};
use crate::channel::{Acknowledgement, Callback, xml};
use crate::clock::{Clock, Timestamp};

/// How far a call's time may be from ours. Vendors sign each repeat anew; a call that is older was kept by somebody.
const STALE: Duration = Duration::from_mins(10);

/// What an account's calls to us are recognised by.
pub(super) struct Door {
    token: SecretString,
    /// `None`: calls come in clear.
    seal: Option<Seal>,
    /// The check of the address is encrypted as well: WeCom's is, an Official Account's never.
    sealed_check: bool,
    clock: Clock,
}

/// What a call's address says.
struct Query<'q>(HashMap<Cow<'q, str>, Cow<'q, str>>);

impl<'q> Query<'q> {
    fn of(callback: &'q Callback) -> Self {
        Self(form_urlencoded::parse(callback.query.as_bytes()).collect())
    }

    fn get(&self, name: &str) -> &str {
        self.0.get(name).map_or("", |value| value)
    }

    /// Base64, whose plus sign some write as it is.
    fn base64(&self, name: &str) -> String {
        self.get(name).replace(' ', "+")
    }

    fn is_recent(&self, now: Timestamp) -> bool {
        let at = self.get("timestamp").parse::<i64>().ok().and_then(|at| at.checked_mul(1_000));
        at.is_some_and(|at| at.abs_diff(now.millis()) <= STALE.as_millis() as u64)
    }
}

impl Door {
    /// An Official Account's; `seal` where it encrypts ("safe mode").
    pub(super) fn of_account(token: SecretString, seal: Option<Seal>, clock: Clock) -> Self {
        Self { token, seal, sealed_check: false, clock }
    }

    /// A WeCom application's.
    pub(super) fn of_application(token: SecretString, seal: Seal, clock: Clock) -> Self {
        Self { token, seal: Some(seal), sealed_check: true, clock }
    }

    /// What a call is answered with; `None` for whoever cannot sign, or repeats what was signed long ago.
    /// `taken`: what the vendor wants to hear once it is kept.
    pub(super) fn acknowledge(&self, callback: &Callback, taken: &str) -> Option<Acknowledgement> {
        let query = Query::of(callback);
        let answer = |body| Acknowledgement {
            content_type: "text/plain; charset=utf-8".to_owned(),
            body,
            keep: callback.is_post,
        };
        if !query.is_recent(self.clock.now()) {
            return None;
        }
        let said = if callback.is_post { self.open(callback) } else { self.greet(&query) };
        said.ok().map(|said| answer(if callback.is_post { taken.as_bytes().to_vec() } else { said }))
    }

    /// What the check of the address wants to hear.
    fn greet(&self, query: &Query<'_>) -> Result<Vec<u8>, Forged> {
        let parts = [self.token.expose_secret(), query.get("timestamp"), query.get("nonce")];
        match &self.seal {
            Some(seal) if self.sealed_check => {
                seal.open(&query.base64("echostr"), parts, query.get("msg_signature"))
            }
            _ => {
                verify(&parts, query.get("signature"))?;
                Ok(query.get("echostr").as_bytes().to_vec())
            }
        }
    }

    /// What a call says, if it is the vendor's. Where the account encrypts, one in clear is not: its signature says
    /// nothing of its content.
    fn open(&self, callback: &Callback) -> Result<Vec<u8>, Forged> {
        let query = Query::of(callback);
        let parts = [self.token.expose_secret(), query.get("timestamp"), query.get("nonce")];
        let Some(seal) = &self.seal else {
            verify(&parts, query.get("signature"))?;
            return Ok(callback.body.clone());
        };
        let body = document(&callback.body).map_err(|_| Forged)?;
        let encrypted = text(&body, "Encrypt").ok_or(Forged)?;
        seal.open(encrypted.trim(), parts, query.get("msg_signature"))
    }

    /// What a stored call says, or what is wrong with it.
    pub(super) fn read(&self, callback: &Callback) -> Result<Value, String> {
        let message = self.open(callback).map_err(|Forged| {
            "its signature or its encryption is not that of the token and the key in the settings".to_owned()
        })?;
        let message = document(&message)?;
        if self.seal.is_none() && message.get("Encrypt").is_some() && message.get("MsgType").is_none() {
            return Err("it is encrypted, and the settings have no key for it".to_owned());
        }
        Ok(message)
    }
}

/// The members of a call in XML or JSON: vendors let accounts choose.
fn document(body: &[u8]) -> Result<Value, String> {
    let text = str::from_utf8(body).map_err(|_| "it is not in UTF-8".to_owned())?.trim();
    if text.starts_with('{') {
        return serde_json::from_str(text).map_err(|error| format!("not JSON: {error}"));
    }
    let document = xml::read(text).map_err(|reason| format!("not XML: {reason}"))?;
    match document {
        Value::Object(members) => Ok(members.into_iter().next().map_or(Value::Null, |(_, inner)| inner)),
        other => Ok(other),
    }
}

/// A member's text, or its number; in JSON some are written either way. Empty ones are none.
pub(super) fn text(message: &Value, name: &str) -> Option<String> {
    let text = match message.get(name)? {
        Value::String(text) => text.trim().to_owned(),
        Value::Number(number) => number.to_string(),
        _ => return None,
    };
    (!text.is_empty()).then_some(text)
}

/// The items of a list, which is an object by itself where there is only one.
pub(super) fn items(value: Option<&Value>) -> Vec<&Value> {
    match value {
        Some(Value::Array(items)) => items.iter().collect(),
        Some(one @ Value::Object(_)) => vec![one],
        _ => Vec::new(),
    }
}
