//! An account's settings, read and checked whole.

use std::collections::HashSet;
use std::sync::Arc;

use secrecy::SecretString;
use serde_json::Value;

use crate::channel::approved::Places;
use crate::channel::fields::Fields;
use crate::channel::http::{self, Reach};
use crate::channel::mapping::{By, Form, Mappings, Words};
use crate::channel::sms::vendor;
use crate::error::Fault;

const ENDPOINT: &str = "https://dysmsapi.aliyuncs.com";
/// The vendor asks for at least one.
const TIMEOUT_SECONDS: f64 = 10.0;
/// What one number may get by one template in a day, unless the account is allowed more.
const DAILY_LIMIT: u64 = 50;

pub const FORM: Form = Form::sms("code", By::Name);
const WORDS: Words = Words { id: FORM.id, slots: FORM.slots, places: Some(Places::Named) };

pub(super) struct Settings {
    pub(super) key_id: String,
    pub(super) secret: SecretString,
    pub(super) token: Option<SecretString>,
    pub(super) sign: String,
    pub(super) extend_code: Option<String>,
    pub(super) mappings: Mappings,
    pub(super) daily_limit: usize,
    pub(super) campus: Arc<str>,
    pub(super) reach: Reach,
    pub(super) concurrency: usize,
}

pub(super) fn read(settings: &Value, campus: &Arc<str>) -> Result<Settings, Vec<Fault>> {
    let mut fields = Fields::of(settings);
    let key_id = vendor::secret(&mut fields, "access_key_id");
    let secret = vendor::secret(&mut fields, "access_key_secret");
    let token = vendor::optional_secret(&mut fields, "security_token");
    let sign = vendor::sign(&mut fields);
    let extend_code = vendor::extend_code(&mut fields, "extend_code");
    let mappings = Mappings::read(&mut fields, WORDS);
    vendor::check_wordings(&mut fields, &mappings, &sign);
    for (pointer, mapping) in mappings.all() {
        let mut seen = HashSet::new();
        if let Some(twice) = mapping.slots.iter().find(|slot| !seen.insert(&slot.name)) {
            let detail = format!("the template's variable `{}` is named twice", twice.name);
            fields.fault(&format!("{pointer}/variables"), "duplicate", detail);
        }
    }
    let daily_limit = fields.integer("daily_limit", 1..=100_000).unwrap_or(DAILY_LIMIT) as usize;
    let reach = http::reach(&mut fields, ENDPOINT, TIMEOUT_SECONDS);
    let concurrency = vendor::concurrency(&mut fields);

    let faults = fields.finish();
    match reach {
        Some(reach) if faults.is_empty() => Ok(Settings {
            key_id,
            secret: secret.into(),
            token: token.map(Into::into),
            sign,
            extend_code,
            mappings,
            daily_limit,
            campus: Arc::clone(campus),
            reach,
            concurrency,
        }),
        _ => Err(faults),
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use serde_json::json;

    use super::*;

    fn good() -> Value {
        json!({ "access_key_id": "LTAI5tExample", "access_key_secret": "s3cret", "sign_name": "钟楼大学" })
    }

    fn faults(changes: &Value) -> Vec<(String, String)> {
        let mut settings = good();
        settings.as_object_mut().unwrap().extend(changes.as_object().unwrap().clone());
        let faults = read(&settings, &"钟楼大学".into()).err().unwrap_or_default();
        faults.into_iter().map(|fault| (fault.pointer, fault.code.into_owned())).collect()
    }

    #[test]
    fn what_is_left_out_has_a_sensible_default() {
        let settings = read(&good(), &"钟楼大学".into()).ok().unwrap();
        assert_eq!(settings.reach.endpoint.as_str(), "https://dysmsapi.aliyuncs.com/");
        assert_eq!((settings.reach.timeout, settings.concurrency), (Duration::from_secs(10), 8));
        assert_eq!(settings.daily_limit, 50);
        let whole = json!({
            "security_token": "t", "extend_code": "12", "daily_limit": 300, "concurrency": 2,
            "default_template": { "code": "SMS_1", "variables": ["title", "page"] },
            "templates": { "due": { "code": "SMS_2", "variables": { "b": "book", "c": "book" } } },
        });
        assert_eq!(faults(&whole), []);
    }

    #[test]
    fn every_mistake_is_named_at_once() {
        let changes = json!({
            "access_key_id": "a b", "access_key_secret": "c\nd", "security_token": "e f", "sign_name": "【钟楼】",
            "extend_code": "12a", "daily_limit": 0, "endpoint": "http://dysmsapi.aliyuncs.com", "concurrency": 65,
            "default_template": { "variables": ["title", "title"] }, "templates": { "due": 5 }, "sign": 1,
        });
        let expected = [
            ("/access_key_id", "not_a_secret"),
            ("/access_key_secret", "not_a_secret"),
            ("/security_token", "not_a_secret"),
            ("/sign_name", "not_a_name"),
            ("/extend_code", "not_a_code"),
            ("/default_template/code", "required"),
            ("/templates/due", "wrong_type"),
            ("/templates/due/code", "required"),
            ("/default_template/variables", "duplicate"),
            ("/daily_limit", "out_of_range"),
            ("/endpoint", "in_clear"),
            ("/concurrency", "out_of_range"),
            ("/sign", "unknown_field"),
        ];
        let found = faults(&changes);
        for (pointer, code) in expected {
            let pair = (pointer.to_owned(), code.to_owned());
            assert!(found.contains(&pair) || pointer == "/templates/due/code", "{pair:?} in {found:?}");
        }
        let missing = read(&json!({}), &"钟楼大学".into()).err().unwrap();
        let missing: Vec<_> = missing.iter().map(|fault| (&*fault.pointer, &*fault.code)).collect();
        assert_eq!(
            missing,
            [("/access_key_id", "required"), ("/access_key_secret", "required"), ("/sign_name", "required")]
        );
    }
}
