//! What a gateway's answer means: for the call, and for single numbers of it.

use std::collections::BTreeMap;
use std::time::Duration;

use reqwest::StatusCode;
use secrecy::{ExposeSecret as _, SecretString};
use serde_json::Value;

use super::charset::Charset;
use super::document::{Pointer, clean, embedded, guess, parts, scalar};
use super::template::Secrets;
use crate::channel::sms::number;
use crate::domain::address::normalise_mobile;
use crate::domain::delivery::OutcomeClass as Class;
use crate::telemetry::mask;

/// How answers are read.
#[derive(Debug)]
pub(super) struct Rules {
    pub(super) success: Option<Success>,
    pub(super) message_id: Option<Pointer>,
    pub(super) failed_numbers: Option<Pointer>,
    pub(super) code: Option<Pointer>,
    pub(super) codes: BTreeMap<String, Class>,
    /// Of an answer that nothing else explains.
    pub(super) otherwise: Class,
}

#[derive(Debug)]
pub(super) struct Success {
    pub(super) pointer: Pointer,
    pub(super) equals: Vec<String>,
}

impl Default for Rules {
    fn default() -> Self {
        Self {
            success: None,
            message_id: None,
            failed_numbers: None,
            code: None,
            codes: BTreeMap::new(),
            otherwise: Class::Unknown,
        }
    }
}

/// An answer as it came.
#[derive(Debug)]
pub(super) struct Reply {
    pub(super) status: StatusCode,
    pub(super) retry_after: Option<Duration>,
    pub(super) content_type: Option<String>,
    pub(super) body: Vec<u8>,
}

/// What it means.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Verdict {
    /// For the call as a whole.
    pub(super) class: Class,
    /// As the gateway wrote it; where it gave none, the HTTP status of a refusal.
    pub(super) code: Option<String>,
    pub(super) detail: Option<String>,
    /// The gateway's own id of the call.
    pub(super) reference: Option<String>,
    pub(super) wait: Option<Duration>,
    /// Numbers, in E.164, that fared worse than the rest.
    pub(super) failed: Vec<Failed>,
}

#[derive(Debug, PartialEq, Eq)]
pub(super) struct Failed {
    pub(super) number: String,
    pub(super) class: Class,
    pub(super) code: Option<String>,
}

/// Characters of an answer that are kept.
const KEPT: usize = 300;

impl Rules {
    /// The settings' rules come first, the HTTP status after them, as vendors say no with 200 and yes with 201.
    pub(super) fn judge(&self, reply: &Reply, charset: Charset, secrets: &Secrets) -> Verdict {
        let text = charset.decode(&reply.body, reply.content_type.as_deref());
        let answer = guess(&text, reply.content_type.as_deref());
        let code =
            self.code.as_ref().and_then(|pointer| pointer.text(&answer)).filter(|code| !code.is_empty());
        let class = self.class(reply.status, &answer, code.as_deref());
        let failed = self.failed_numbers.as_ref().and_then(|pointer| pointer.find(&answer));
        let refused = || format!("HTTP {}", reply.status.as_u16());
        Verdict {
            class,
            code: code.or_else(|| (!reply.status.is_success()).then(refused)),
            detail: excerpt(&text, secrets),
            reference: self
                .message_id
                .as_ref()
                .and_then(|pointer| pointer.text(&answer))
                .filter(|id| !id.is_empty()),
            wait: reply.retry_after,
            failed: failed.map(|value| self.failed(&value)).unwrap_or_default(),
        }
    }

    fn class(&self, status: StatusCode, answer: &Value, code: Option<&str>) -> Class {
        let went_well = self.success.as_ref().is_some_and(|success| {
            let found = success.pointer.text(answer);
            found.is_some_and(|found| success.equals.contains(&found))
        });
        if went_well && status.is_success() {
            return Class::Accepted;
        }
        if let Some(class) = code.and_then(|code| self.codes.get(code)) {
            return *class;
        }
        if self.success.is_none() && self.codes.is_empty() && status.is_success() {
            return Class::Accepted;
        }
        by_status(status).unwrap_or(self.otherwise)
    }

    /// A list of numbers, a text that lists them, objects with a number each, or an object of codes by number.
    fn failed(&self, value: &Value) -> Vec<Failed> {
        let one = |text: &str, code: Option<String>| {
            let class = self.failed_class(code.as_deref())?;
            Some(Failed { number: number::read(text), class, code: code.as_deref().map(clean) })
        };
        match value {
            Value::String(text) => match embedded(text) {
                Some(inner) => self.failed(&inner),
                None => parts(text).filter_map(|part| one(part, None)).collect(),
            },
            Value::Number(number) => one(&number.to_string(), None).into_iter().collect(),
            Value::Array(items) => items.iter().flat_map(|item| self.failed(item)).collect(),
            Value::Object(members) => {
                if members.keys().any(|name| normalise_mobile(name).is_ok()) {
                    let numbers = members.iter().filter(|(name, _)| normalise_mobile(name).is_ok());
                    return numbers.filter_map(|(name, value)| one(name, scalar(value))).collect();
                }
                let words = || members.values().filter_map(scalar);
                let number = words().find(|text| normalise_mobile(text).is_ok());
                let code = words().find(|text| self.codes.contains_key(text));
                number.and_then(|number| one(&number, code)).into_iter().collect()
            }
            Value::Null | Value::Bool(_) => Vec::new(),
        }
    }

    /// Without a code of its own, or with one nobody explained, it is the number's own fault. `None`: it did not fail, as
    /// some gateways list every number.
    fn failed_class(&self, code: Option<&str>) -> Option<Class> {
        let class = code.and_then(|code| self.codes.get(code)).copied();
        Some(class.unwrap_or(Class::PermanentRecipient)).filter(|class| *class != Class::Accepted)
    }
}

/// What an HTTP status means by itself; `None`: nothing certain.
pub(super) fn by_status(status: StatusCode) -> Option<Class> {
    Some(match status.as_u16() {
        // Credentials, a list of addresses, or a gateway that is not there.
        401 | 403 | 407 => Class::Config,
        300..=399 | 404 | 405 | 410 => Class::Config,
        429 => Class::Throttled,
        // What stands before the gateway handed it on and heard nothing.
        504 => Class::Unknown,
        500..=599 => Class::Transient,
        _ => return None,
    })
}

/// The gateway's words, without our secrets and other people's numbers should it repeat them.
fn excerpt(text: &str, secrets: &Secrets) -> Option<String> {
    let mut words = text.split_whitespace().collect::<Vec<_>>().join(" ");
    for secret in secrets.values().map(SecretString::expose_secret).filter(|secret| secret.len() > 3) {
        words = words.replace(secret, "…");
    }
    let cut: String = words.chars().filter(|c| !c.is_control()).take(KEPT).collect();
    let cut = mask::text(&cut);
    (!cut.is_empty()).then_some(cut)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn rules() -> Rules {
        let pointer = |text| Pointer::parse(text);
        Rules {
            success: Some(Success {
                pointer: pointer("/code").unwrap(),
                equals: vec!["0".to_owned(), "OK".to_owned()],
            }),
            message_id: pointer("/msgid"),
            failed_numbers: pointer("/failed"),
            code: pointer("/code"),
            codes: BTreeMap::from([
                ("1001".to_owned(), Class::PermanentRecipient),
                ("2001".to_owned(), Class::Throttled),
                ("3".to_owned(), Class::Accepted),
            ]),
            otherwise: Class::Config,
        }
    }

    fn judged(rules: &Rules, status: u16, body: &str) -> Verdict {
        let reply = Reply {
            status: StatusCode::from_u16(status).unwrap(),
            retry_after: None,
            content_type: None,
            body: body.as_bytes().to_vec(),
        };
        let secrets = Secrets::from([("key".to_owned(), "hunter2".into())]);
        rules.judge(&reply, Charset::Utf8, &secrets)
    }

    #[test]
    fn the_settings_come_before_the_status() {
        use Class::{Accepted, Config, PermanentRecipient, Throttled, Transient, Unknown};
        for (status, body, class, code) in [
            (200, r#"{"code": 0}"#, Accepted, Some("0")),
            (201, r#"{"code": "OK"}"#, Accepted, Some("OK")),
            (200, r#"{"code": 1001}"#, PermanentRecipient, Some("1001")),
            (500, r#"{"code": "2001"}"#, Throttled, Some("2001")),
            (200, r#"{"code": "3"}"#, Accepted, Some("3")),
            // Success is not believed of a refusal, nor an unknown code.
            (500, r#"{"code": "0"}"#, Transient, Some("0")),
            (200, r#"{"code": "9999"}"#, Config, Some("9999")),
            (200, "<html>hello</html>", Config, None),
            (400, "", Config, Some("HTTP 400")),
            (401, "", Config, Some("HTTP 401")),
            (404, "", Config, Some("HTTP 404")),
            (302, "", Config, Some("HTTP 302")),
            (429, "", Throttled, Some("HTTP 429")),
            (503, "", Transient, Some("HTTP 503")),
            (504, "", Unknown, Some("HTTP 504")),
        ] {
            let verdict = judged(&rules(), status, body);
            assert_eq!((verdict.class, verdict.code.as_deref()), (class, code), "{status} {body}");
        }
    }

    #[test]
    fn without_rules_the_status_decides() {
        assert_eq!(judged(&Rules::default(), 200, "whatever").class, Class::Accepted);
        assert_eq!(judged(&Rules::default(), 202, "").class, Class::Accepted);
        assert_eq!(judged(&Rules::default(), 400, "").class, Class::Unknown);
        // Codes alone are rules too: an unlisted one is not success.
        let codes = Rules { success: None, ..rules() };
        assert_eq!(judged(&codes, 200, r#"{"code": "7"}"#).class, Class::Config);
        assert_eq!(judged(&codes, 200, r#"{"code": "3"}"#).class, Class::Accepted);
    }

    #[test]
    fn numbers_that_failed_are_found_in_every_way_to_list_them() {
        let failed = |value: Value| -> Vec<(String, Class)> {
            let body = json!({"code": 0, "failed": value}).to_string();
            judged(&rules(), 200, &body).failed.into_iter().map(|f| (f.number, f.class)).collect()
        };
        let (one, two) = ("+8613800000001".to_owned(), "+8613800000002".to_owned());
        let both = vec![(one.clone(), Class::PermanentRecipient), (two.clone(), Class::PermanentRecipient)];
        for value in [
            json!(["13800000001", "8613800000002"]),
            json!([13_800_000_001_i64, "+8613800000002"]),
            json!("13800000001,13800000002"),
            json!("[\"13800000001\", \"13800000002\"]"),
            json!([{"mobile": "13800000001"}, {"mobile": "13800000002", "reason": "空号"}]),
        ] {
            assert_eq!(failed(value.clone()), both, "{value}");
        }
        let limited = vec![(one, Class::Throttled), (two, Class::PermanentRecipient)];
        assert_eq!(failed(json!({"13800000001": "2001", "13800000002": "7"})), limited);
        assert_eq!(failed(json!([{"n": "13800000001", "code": 2001}, "13800000002"])), limited);
        // Every number with its code, of which `3` is as good as none.
        assert_eq!(failed(json!({"13800000001": "3", "13800000002": "7"})), limited[1..]);
        assert_eq!(
            failed(json!([{"n": "13800000001", "code": 3}, {"n": "13800000002", "code": 7}])),
            limited[1..]
        );
        for nothing in [json!([]), json!(""), json!(null), json!({}), json!({"13800000001": "3"})] {
            assert_eq!(failed(nothing), []);
        }
    }

    #[test]
    fn an_answer_is_kept_without_secrets_and_numbers() {
        let verdict = judged(
            &rules(),
            200,
            "{\"code\": 9, \"msgid\": \"\", \"msg\": \"sign  of\n hunter2 for 13812345678 is wrong\"}",
        );
        let detail = verdict.detail.unwrap();
        assert!(detail.contains("sign of … for 138****5678 is wrong"), "{detail}");
        assert_eq!(verdict.reference, None, "an empty id is none");
        let long = judged(&rules(), 200, &"长".repeat(5_000)).detail.unwrap();
        assert_eq!(long.chars().count(), KEPT);
    }
}
