//! An Official Account's settings, read and checked whole.

use secrecy::SecretString;
use serde_json::Value;

use super::field::Field;
use crate::channel::fields::Fields;
use crate::channel::http::{self, Reach};
use crate::channel::mapping::{By, Form, Mappings, Words};
use crate::channel::wechat::crypto::{KEY, Seal};
use crate::error::Fault;

const ENDPOINT: &str = "https://api.weixin.qq.com";
const TIMEOUT_SECONDS: f64 = 10.0;
const CONCURRENCY: u64 = 16;
const MOST_CONCURRENCY: u64 = 64;
/// Fields in a template of WeChat's.
const MOST_FIELDS: usize = 10;

pub const FORM: Form = Form { id: "id", slots: "fields", by: By::Type, most: MOST_FIELDS, has_text: false };

/// By which of its APIs an account sends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Mode {
    /// To whoever follows the account.
    Template,
    /// To whoever allowed this template, once or for good.
    Subscribe,
}

impl Mode {
    pub(super) const fn path(self) -> &'static str {
        match self {
            Self::Template => "/cgi-bin/message/template/send",
            Self::Subscribe => "/cgi-bin/message/subscribe/bizsend",
        }
    }
}

pub(super) struct Settings {
    pub(super) app_id: String,
    pub(super) secret: SecretString,
    pub(super) mode: Mode,
    pub(super) mappings: Mappings,
    /// What calls to us are signed with; `None`: there are none.
    pub(super) token: Option<SecretString>,
    /// What they are encrypted with, in "safe mode".
    pub(super) seal: Option<Seal>,
    pub(super) reach: Reach,
    pub(super) concurrency: usize,
}

pub(super) fn read(settings: &Value) -> Result<Settings, Vec<Fault>> {
    let mut fields = Fields::of(settings);
    let app_id = fields.required("app_id");
    if !app_id.bytes().all(|b| b.is_ascii_alphanumeric()) {
        fields.fault("app_id", "not_an_id", "`app_id` is the account's AppID, such as wx…");
    }
    let secret = fields.required("app_secret");
    if secret.contains(|c: char| c.is_whitespace() || c.is_control()) {
        fields.fault("app_secret", "not_a_secret", "`app_secret` is the account's AppSecret, without spaces");
    }
    let modes = [("template", Mode::Template), ("subscribe", Mode::Subscribe)];
    let mode = fields.choice("mode", &modes, Some(Mode::Template));
    let mappings = Mappings::read(&mut fields, Words { id: FORM.id, slots: FORM.slots, places: None });
    check(&mut fields, &mappings);
    let (token, seal) = callback(&mut fields, &app_id);
    let reach = http::reach(&mut fields, ENDPOINT, TIMEOUT_SECONDS);
    let concurrency = fields.integer("concurrency", 1..=MOST_CONCURRENCY).unwrap_or(CONCURRENCY) as usize;

    let faults = fields.finish();
    match (mode, reach) {
        (Some(mode), Some(reach)) if faults.is_empty() => {
            let (secret, token) = (secret.into(), token.map(Into::into));
            Ok(Settings { app_id, secret, mode, mappings, token, seal, reach, concurrency })
        }
        _ => Err(faults),
    }
}

/// What can be said of the mappings without asking WeChat.
fn check(fields: &mut Fields<'_>, mappings: &Mappings) {
    if mappings.all().next().is_none() {
        let detail =
            "WeChat sends approved templates only: one for all messages, or `templates` by our slugs";
        fields.fault("default_template", "required", detail);
    }
    let mut faults = Vec::new();
    for (pointer, mapping) in mappings.all() {
        let mut note = |below: &str, code, detail| faults.push((format!("{pointer}/{below}"), code, detail));
        match mapping.slots.len() {
            0 => note(
                "fields",
                "required",
                "a template has fields, such as {\"thing1\": \"title\"}".to_owned(),
            ),
            1..=MOST_FIELDS => {}
            _ => note("fields", "too_many", format!("a template has at most {MOST_FIELDS} fields")),
        }
        for slot in &mapping.slots {
            let below = format!("fields/{}", crate::channel::fields::segment(&slot.name));
            match Field::of(&slot.name) {
                None if matches!(&*slot.name, "first" | "remark") => {
                    let detail = format!("WeChat shows `{}` to nobody since 2023; leave it out", slot.name);
                    note(&below, "not_shown", detail);
                }
                None => {
                    let detail = format!(
                        "a field's name is its type and its number, as in the template: {}",
                        Field::words()
                    );
                    note(&below, "unknown_type", detail);
                }
                Some(field) if !field.suits(&slot.source) => {
                    let detail = format!(
                        "this never fits into `{}`: name a variable of the message, or a text in a thing field",
                        slot.name
                    );
                    note(&below, "never_fits", detail);
                }
                Some(_) => {}
            }
        }
    }
    for (pointer, code, detail) in faults {
        fields.fault(&pointer, code, detail);
    }
}

/// What WeChat signs and, in "safe mode", encrypts its calls to us with.
fn callback(fields: &mut Fields<'_>, app_id: &str) -> (Option<String>, Option<Seal>) {
    let token = fields.text("token");
    let is_token =
        |token: &str| (3..=32).contains(&token.len()) && token.bytes().all(|b| b.is_ascii_alphanumeric());
    if token.as_deref().is_some_and(|token| !is_token(token)) {
        fields.fault("token", "not_a_token", "`token` is 3 to 32 letters and digits");
    }
    let key = fields.text("encoding_aes_key");
    let seal = key.as_deref().and_then(|key| Seal::new(key, app_id));
    if key.is_some() && seal.is_none() {
        let detail = format!("`encoding_aes_key` is the EncodingAESKey of {KEY} letters and digits");
        fields.fault("encoding_aes_key", "not_a_key", detail);
    }
    if key.is_some() && token.is_none() {
        fields.fault("token", "required", "an `encoding_aes_key` needs a `token`");
    }
    (token, seal)
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use serde_json::json;

    use super::*;

    fn good() -> Value {
        json!({
            "app_id": "wxba5fad812f8e6fb9", "app_secret": "0123456789abcdef",
            "default_template": { "id": "t1", "fields": { "thing1": "title", "time2": "when" } },
        })
    }

    fn faults(changes: &Value) -> Vec<(String, String)> {
        let mut settings = good();
        settings.as_object_mut().unwrap().extend(changes.as_object().unwrap().clone());
        let faults = read(&settings).err().unwrap_or_default();
        faults.into_iter().map(|fault| (fault.pointer, fault.code.into_owned())).collect()
    }

    fn pairs(expected: &[(&str, &str)]) -> Vec<(String, String)> {
        expected.iter().map(|(pointer, code)| ((*pointer).to_owned(), (*code).to_owned())).collect()
    }

    #[test]
    fn what_is_left_out_has_a_sensible_default() {
        let settings = read(&good()).ok().unwrap();
        assert_eq!(settings.reach.endpoint.as_str(), "https://api.weixin.qq.com/");
        assert_eq!((settings.reach.timeout, settings.concurrency), (Duration::from_secs(10), 16));
        assert_eq!(settings.mode, Mode::Template);
        assert!(settings.token.is_none() && settings.seal.is_none());
    }

    #[test]
    fn every_mistake_is_named_at_once() {
        let changes = json!({
            "app_id": "wx 1", "app_secret": "a b", "mode": "mass", "token": "a-b", "encoding_aes_key": "short",
            "endpoint": "http://api.weixin.qq.com", "timeout_seconds": 0, "concurrency": 65, "appid": 1,
        });
        let expected = pairs(&[
            ("/app_id", "not_an_id"),
            ("/app_secret", "not_a_secret"),
            ("/mode", "unknown_value"),
            ("/token", "not_a_token"),
            ("/encoding_aes_key", "not_a_key"),
            ("/endpoint", "in_clear"),
            ("/timeout_seconds", "out_of_range"),
            ("/concurrency", "out_of_range"),
            ("/appid", "unknown_field"),
        ]);
        assert_eq!(faults(&changes), expected);
        let missing = read(&json!({})).err().unwrap();
        let missing: Vec<_> = missing.iter().map(|fault| (&*fault.pointer, &*fault.code)).collect();
        let required = ["/app_id", "/app_secret", "/default_template"].map(|pointer| (pointer, "required"));
        assert_eq!(missing, required);
    }

    #[test]
    fn fields_that_wechat_would_refuse_are_told_when_they_are_saved() {
        let many: serde_json::Map<_, _> = (1..=11).map(|n| (format!("thing{n}"), json!("title"))).collect();
        let changes = json!({
            "default_template": { "id": "t1", "fields": { "first": "title", "things1": "body", "phrase1": "title" } },
            "templates": {
                "a/b": { "id": "t2", "fields": { "character_string1": "link", "thing2": "room" } },
                "c": { "id": "t3", "fields": many },
                "d": { "id": "t4" },
                "e": { "id": "t5", "fields": ["title"] },
            },
        });
        let mut found = faults(&changes);
        found.sort();
        let expected = pairs(&[
            ("/default_template/fields/first", "not_shown"),
            ("/default_template/fields/phrase1", "never_fits"),
            ("/default_template/fields/things1", "unknown_type"),
            ("/templates/a~1b/fields/character_string1", "never_fits"),
            ("/templates/c/fields", "too_many"),
            ("/templates/d/fields", "required"),
            ("/templates/e/fields/title", "unknown_type"),
        ]);
        assert_eq!(found, expected);
    }

    #[test]
    fn a_key_needs_a_token_and_not_the_other_way_round() {
        let key = "A".repeat(KEY);
        assert_eq!(faults(&json!({ "token": "QDG6eK", "encoding_aes_key": key })), []);
        assert_eq!(faults(&json!({ "token": "QDG6eK" })), []);
        assert_eq!(faults(&json!({ "encoding_aes_key": key })), pairs(&[("/token", "required")]));
    }
}
