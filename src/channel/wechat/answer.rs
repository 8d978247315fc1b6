//! How WeChat and WeCom answer our calls: HTTP 200 whatever happened, and an `errcode`.

use secrecy::{ExposeSecret as _, SecretString};
use serde_json::Value;

use crate::channel::Refusal;
use crate::channel::http::{Answer, Trouble};
use crate::channel::refused::seen_address;

/// Characters of what a vendor says that are kept.
const MOST_WORDS: usize = 300;

/// Why a call came to nothing, as far as is known.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Failure {
    /// Nothing was handed over.
    NotSent(String),
    /// Nothing was handed over: whoever answers there is not the vendor.
    Untrusted(String),
    /// It was, and no usable answer came.
    NoAnswer(String),
    Refused {
        code: i64,
        words: String,
    },
    /// The vendor, or what is before it, answered in HTTP alone.
    Status(u16),
}

impl Failure {
    /// Of a call that carried nothing of a message, such as one for a token.
    pub(super) fn of_nothing(self) -> Self {
        match self {
            Self::NoAnswer(words) => Self::NotSent(words),
            other => other,
        }
    }

    pub(super) fn in_words(self, vendor: &str) -> String {
        match self {
            Self::NotSent(words) | Self::Untrusted(words) | Self::NoAnswer(words) => words,
            Self::Refused { code, words } => format!("{code} {words}"),
            Self::Status(status) => format!("HTTP {status}, and no answer of {vendor}'s"),
        }
    }

    /// For an administrator's test. `list`: the vendor's list of addresses that may call it, where our address is what
    /// it refuses.
    pub(super) fn refusal(self, vendor: &str, list: Option<&str>) -> Refusal {
        let code = match &self {
            Self::Refused { code, .. } => Some(code.to_string()),
            _ => None,
        };
        let mut words = self.in_words(vendor);
        let seen_address = list.and_then(|_| seen_address(&words));
        if let (Some(list), Some(address)) = (list, &seen_address) {
            words.push_str(&format!(" (add {address} to {list})"));
        }
        Refusal { code, words, seen_address }
    }
}

/// What a call was answered, if it was taken. `secrets` are blotted out of whatever the vendor repeats.
pub(super) fn read(
    answer: Result<Answer, Trouble>,
    vendor: &str,
    secrets: &[&SecretString],
) -> Result<Value, Failure> {
    let Answer { status, body } = answer.map_err(|trouble| match trouble {
        Trouble::NotSent(words) => Failure::NotSent(words),
        Trouble::Untrusted(words) => Failure::Untrusted(words),
        Trouble::NoAnswer(words) => Failure::NoAnswer(words),
    })?;
    let said = serde_json::from_slice::<Value>(&body).unwrap_or_default();
    match said.get("errcode").and_then(Value::as_i64) {
        Some(0) => Ok(said),
        Some(code) => {
            let words = said.get("errmsg").and_then(Value::as_str).unwrap_or_default();
            Err(Failure::Refused { code, words: clean(words, secrets) })
        }
        // A token comes by itself, and so does the ticket of a QR code.
        None if ["access_token", "ticket"]
            .iter()
            .any(|name| said.get(name).is_some_and(Value::is_string)) =>
        {
            Ok(said)
        }
        None if status != 200 => Err(Failure::Status(status)),
        None => Err(Failure::NoAnswer(format!("the answer is none of {vendor}'s"))),
    }
}

/// A vendor's words for a log: one line, not too long, and without what it may repeat of ours.
fn clean(words: &str, secrets: &[&SecretString]) -> String {
    let mut words = words.to_owned();
    for secret in secrets {
        words = words.replace(secret.expose_secret(), "…");
    }
    words.chars().map(|c| if c.is_control() { ' ' } else { c }).take(MOST_WORDS).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn said(status: u16, body: &str) -> Result<Value, Failure> {
        let answer = Answer { status, body: body.as_bytes().to_vec() };
        read(Ok(answer), "WeChat", &[&"hunter2".to_owned().into()])
    }

    #[test]
    fn the_code_decides_whatever_http_says() {
        assert!(said(200, r#"{"errcode":0,"errmsg":"ok"}"#).is_ok());
        assert!(said(200, r#"{"access_token":"t","expires_in":7200}"#).is_ok(), "a token comes by itself");
        assert!(said(200, r#"{"ticket":"t","expire_seconds":60,"url":"http://weixin.qq.com/q/x"}"#).is_ok());
        let refused = Failure::Refused { code: 40_125, words: "invalid … rid: 1".to_owned() };
        let body = "{\"errcode\":40125,\"errmsg\":\"invalid hunter2\\nrid: 1\"}";
        assert_eq!(said(500, body), Err(refused));
        assert_eq!(said(502, "<html>"), Err(Failure::Status(502)));
        for rubbish in ["<html>", "{}", "[]", "null", r#"{"errcode":"0"}"#] {
            assert!(matches!(said(200, rubbish), Err(Failure::NoAnswer(_))), "{rubbish}");
        }
    }

    #[test]
    fn an_administrator_is_told_which_address_to_allow() {
        let failure = Failure::Refused { code: 40_164, words: "invalid ip 203.0.113.7".to_owned() };
        let refusal = failure.clone().refusal("WeChat", Some("the list"));
        assert_eq!(refusal.words, "40164 invalid ip 203.0.113.7 (add 203.0.113.7 to the list)");
        assert_eq!(refusal.seen_address.as_deref(), Some("203.0.113.7"));
        assert_eq!(
            failure.refusal("WeChat", None).seen_address,
            None,
            "another code speaks of other addresses"
        );
    }
}
