//! A WeCom application's settings, read and checked whole.

use secrecy::SecretString;
use serde_json::Value;

use super::button::Buttons;
use super::card::Look;
use crate::channel::fields::Fields;
use crate::channel::http::{self, Reach};
use crate::channel::wechat::crypto::{KEY, Seal};
use crate::error::Fault;

const ENDPOINT: &str = "https://qyapi.weixin.qq.com";
const TIMEOUT_SECONDS: f64 = 10.0;
const MOST_CONCURRENCY: u64 = 16;
/// The words of the setting `message`.
const LOOKS: [(&str, Look); 4] = [
    ("text", Look::Text),
    ("textcard", Look::TextCard),
    ("markdown", Look::Markdown),
    ("template_card", Look::TemplateCard),
];

pub(super) struct Settings {
    pub(super) corp_id: String,
    pub(super) secret: SecretString,
    pub(super) agent_id: u64,
    pub(super) look: Look,
    pub(super) buttons: Buttons,
    /// What WeCom signs and encrypts its calls to us with; `None`: there are none.
    pub(super) callback: Option<(SecretString, Seal)>,
    pub(super) reach: Reach,
    pub(super) concurrency: usize,
}

pub(super) fn read(settings: &Value) -> Result<Settings, Vec<Fault>> {
    let mut fields = Fields::of(settings);
    let corp_id = fields.required("corp_id");
    if !corp_id.bytes().all(|b| b.is_ascii_alphanumeric() || b"_-".contains(&b)) {
        fields.fault(
            "corp_id",
            "not_an_id",
            "`corp_id` is the corp's id from the admin console, such as ww…",
        );
    }
    let secret = fields.required("secret");
    if secret.contains(|c: char| c.is_whitespace() || c.is_control()) {
        fields.fault("secret", "not_a_secret", "`secret` is the application's secret, without spaces");
    }
    let agent_id = fields.required_integer("agent_id", 1..=u64::from(u32::MAX));
    let look = fields.choice("message", &LOOKS, Some(Look::Fitting)).unwrap_or_default();
    let buttons = Buttons::read(&mut fields);
    let callback = callback(&mut fields, &corp_id);
    if !buttons.is_empty() {
        if look != Look::TemplateCard {
            fields.fault("message", "required", "only a `template_card` has buttons");
        }
        if callback.is_none() && !fields.has_faults() {
            let detail = "nobody hears what is pressed: buttons need `callback_token` and `callback_aes_key`";
            fields.fault("callback_token", "required", detail);
        }
    }
    let reach = http::reach(&mut fields, ENDPOINT, TIMEOUT_SECONDS);
    let concurrency = fields.integer("concurrency", 1..=MOST_CONCURRENCY).unwrap_or(1) as usize;

    let faults = fields.finish();
    match (agent_id, reach) {
        (Some(agent_id), Some(reach)) if faults.is_empty() => {
            let secret = secret.into();
            Ok(Settings { corp_id, secret, agent_id, look, buttons, callback, reach, concurrency })
        }
        _ => Err(faults),
    }
}

/// What WeCom signs and encrypts its calls to us with: both, or none.
fn callback(fields: &mut Fields<'_>, corp_id: &str) -> Option<(SecretString, Seal)> {
    let token = fields.text("callback_token");
    if token
        .as_deref()
        .is_some_and(|token| token.len() > 32 || !token.bytes().all(|b| b.is_ascii_alphanumeric()))
    {
        fields.fault("callback_token", "not_a_token", "`callback_token` is 1 to 32 letters and digits");
    }
    let key = fields.text("callback_aes_key");
    let seal = key.as_deref().and_then(|key| Seal::new(key, corp_id));
    if key.is_some() && seal.is_none() {
        let detail = format!("`callback_aes_key` is the EncodingAESKey of {KEY} letters and digits");
        fields.fault("callback_aes_key", "not_a_key", detail);
    }
    match (&token, &key) {
        (Some(_), None) => {
            fields.fault("callback_aes_key", "required", "a `callback_token` needs a `callback_aes_key`");
        }
        (None, Some(_)) => {
            fields.fault("callback_token", "required", "a `callback_aes_key` needs a `callback_token`");
        }
        _ => {}
    }
    Some((token?.into(), seal?))
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use serde_json::json;

    use super::*;

    fn good() -> Value {
        json!({ "corp_id": "wwd08c8e7c775ab44d", "secret": "zJ6k0naVVQ--gt9P", "agent_id": 1_000_002 })
    }

    fn faults(changes: &Value) -> Vec<(String, String)> {
        let mut settings = good();
        settings.as_object_mut().unwrap().extend(changes.as_object().unwrap().clone());
        let faults = read(&settings).err().unwrap_or_default();
        faults.into_iter().map(|fault| (fault.pointer, fault.code.into_owned())).collect()
    }

    #[test]
    fn what_is_left_out_has_a_sensible_default() {
        let settings = read(&good()).ok().unwrap();
        assert_eq!(settings.reach.endpoint.as_str(), "https://qyapi.weixin.qq.com/");
        assert_eq!((settings.reach.timeout, settings.concurrency), (Duration::from_secs(10), 1));
        assert_eq!(settings.look, Look::Fitting);
        assert!(settings.callback.is_none());
    }

    #[test]
    fn every_mistake_is_named_at_once() {
        let changes = json!({
            "corp_id": "ww d", "secret": "a b", "agent_id": "1000002", "callback_token": "a-b",
            "callback_aes_key": "short", "endpoint": "http://qyapi.weixin.qq.com", "timeout_seconds": 0,
            "concurrency": 0, "message": "card", "agentid": 1,
        });
        let expected = [
            ("/corp_id", "not_an_id"),
            ("/secret", "not_a_secret"),
            ("/agent_id", "out_of_range"),
            ("/message", "unknown_value"),
            ("/callback_token", "not_a_token"),
            ("/callback_aes_key", "not_a_key"),
            ("/endpoint", "in_clear"),
            ("/timeout_seconds", "out_of_range"),
            ("/concurrency", "out_of_range"),
            ("/agentid", "unknown_field"),
        ];
        assert_eq!(faults(&changes), expected.map(|(pointer, code)| (pointer.to_owned(), code.to_owned())));
        let missing = read(&json!({})).err().unwrap();
        let missing: Vec<_> = missing.iter().map(|fault| (&*fault.pointer, &*fault.code)).collect();
        assert_eq!(missing, [("/corp_id", "required"), ("/secret", "required"), ("/agent_id", "required")]);
    }

    #[test]
    fn buttons_stand_on_cards_whose_presses_are_heard() {
        let buttons = json!([{ "key": "received", "text": "收到" }]);
        let one = |pointer: &str| vec![(pointer.to_owned(), "required".to_owned())];
        assert_eq!(faults(&json!({ "buttons": buttons })), one("/message"));
        assert_eq!(
            faults(&json!({ "message": "template_card", "templates": { "a": { "buttons": buttons } } })),
            one("/callback_token")
        );
        let key = "A".repeat(KEY);
        let heard = json!({
            "message": "template_card", "buttons": buttons, "callback_token": "QDG6eK", "callback_aes_key": key,
        });
        assert_eq!(faults(&heard), []);
        assert_eq!(faults(&json!({ "buttons": [], "templates": { "a": { "buttons": [] } } })), []);
    }

    #[test]
    fn token_and_key_of_callbacks_come_together() {
        let key = "A".repeat(KEY);
        assert_eq!(faults(&json!({ "callback_token": "QDG6eK", "callback_aes_key": key })), []);
        let one = |pointer: &str| vec![(pointer.to_owned(), "required".to_owned())];
        assert_eq!(faults(&json!({ "callback_token": "QDG6eK" })), one("/callback_aes_key"));
        assert_eq!(faults(&json!({ "callback_aes_key": key })), one("/callback_token"));
    }
}
