//! An account's settings, read and checked whole.

use std::sync::Arc;

use secrecy::SecretString;
use serde_json::Value;

use crate::channel::approved::Places;
use crate::channel::fields::Fields;
use crate::channel::http::{self, Reach};
use crate::channel::mapping::{By, Form, Mappings, Words};
use crate::channel::sms::vendor;
use crate::error::Fault;

const ENDPOINT: &str = "https://sms.tencentcloudapi.com";
const TIMEOUT_SECONDS: f64 = 10.0;
const REGION: &str = "ap-guangzhou";
/// Characters of a whole text, so that variables are cut where they would be too long in any case.
pub(super) const MOST_VARIABLE: u64 = 500;

pub const FORM: Form = Form::sms("id", By::Place);
const WORDS: Words = Words { id: FORM.id, slots: FORM.slots, places: Some(Places::Numbered) };

pub(super) struct Settings {
    pub(super) secret_id: String,
    pub(super) secret_key: SecretString,
    pub(super) token: Option<SecretString>,
    pub(super) sdk_app_id: String,
    pub(super) region: String,
    pub(super) sign: String,
    pub(super) extend_code: Option<String>,
    pub(super) sender_id: Option<String>,
    pub(super) mappings: Mappings,
    pub(super) variable_limit: usize,
    pub(super) daily_limit: Option<usize>,
    pub(super) bounced: Vec<String>,
    pub(super) campus: Arc<str>,
    pub(super) reach: Reach,
    pub(super) concurrency: usize,
}

pub(super) fn read(settings: &Value, campus: &Arc<str>) -> Result<Settings, Vec<Fault>> {
    let mut fields = Fields::of(settings);
    let secret_id = vendor::secret(&mut fields, "secret_id");
    let secret_key = vendor::secret(&mut fields, "secret_key");
    let token = vendor::optional_secret(&mut fields, "security_token");
    let sdk_app_id = sdk_app_id(&mut fields);
    let region = fields.text("region").unwrap_or_else(|| REGION.to_owned());
    if !region.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-') {
        fields.fault("region", "not_a_region", "`region` is one of the vendor's, such as ap-guangzhou");
    }
    let sign = vendor::sign(&mut fields);
    let extend_code = vendor::extend_code(&mut fields, "extend_code");
    let sender_id = fields.text("sender_id");
    let mappings = Mappings::read(&mut fields, WORDS);
    vendor::check_wordings(&mut fields, &mappings, &sign);
    let variable_limit =
        fields.integer("variable_limit", 1..=MOST_VARIABLE).unwrap_or(MOST_VARIABLE) as usize;
    let daily_limit = fields.integer("daily_limit", 1..=100_000).map(|limit| limit as usize);
    let bounced = bounced(&mut fields);
    let reach = http::reach(&mut fields, ENDPOINT, TIMEOUT_SECONDS);
    let concurrency = vendor::concurrency(&mut fields);

    let faults = fields.finish();
    match reach {
        Some(reach) if faults.is_empty() => Ok(Settings {
            secret_id,
            secret_key: secret_key.into(),
            token: token.map(Into::into),
            sdk_app_id,
            region,
            sign,
            extend_code,
            sender_id,
            mappings,
            variable_limit,
            daily_limit,
            bounced,
            campus: Arc::clone(campus),
            reach,
            concurrency,
        }),
        _ => Err(faults),
    }
}

/// Ten digits, which are written as a number as often as as a text.
fn sdk_app_id(fields: &mut Fields<'_>) -> String {
    let written = match fields.take("sdk_app_id") {
        Some(Value::Number(number)) => number.to_string(),
        _ => fields.required("sdk_app_id"),
    };
    if !written.bytes().all(|b| b.is_ascii_digit()) {
        fields.fault("sdk_app_id", "not_an_id", "`sdk_app_id` is the application's id, such as 1400006666");
    }
    written
}

/// Carriers' words that say that there is no such number differ from one to another, so none is known beforehand.
fn bounced(fields: &mut Fields<'_>) -> Vec<String> {
    let codes = match fields.take("bounced") {
        None => return Vec::new(),
        Some(Value::Array(codes)) => codes.iter().map(|code| code.as_str().map(str::to_owned)).collect(),
        Some(_) => None,
    };
    codes.unwrap_or_else(|| {
        fields.fault("bounced", "wrong_type", "`bounced` is a list of receipts' codes, such as MK:0001");
        Vec::new()
    })
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use serde_json::json;

    use super::*;

    fn good() -> Value {
        json!({
            "secret_id": "AKIDexample", "secret_key": "Gu5t9x", "sdk_app_id": 1_400_006_666, "sign_name": "钟楼大学",
        })
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
        assert_eq!(settings.reach.endpoint.as_str(), "https://sms.tencentcloudapi.com/");
        assert_eq!((settings.reach.timeout, settings.concurrency), (Duration::from_secs(10), 8));
        assert_eq!((settings.sdk_app_id.as_str(), settings.region.as_str()), ("1400006666", "ap-guangzhou"));
        assert_eq!((settings.daily_limit, settings.variable_limit), (None, 500));
        let whole = json!({
            "sdk_app_id": "1400006666", "region": "ap-nanjing", "daily_limit": 10, "variable_limit": 12,
            "security_token": "t", "extend_code": "1", "sender_id": "Bell", "bounced": ["MK:0001"], "concurrency": 2,
            "default_template": { "id": "449739", "variables": ["title", "page"] },
            "templates": { "due": { "id": "449740", "variables": ["book"] } },
        });
        assert_eq!(faults(&whole), []);
    }

    #[test]
    fn every_mistake_is_named_at_once() {
        let changes = json!({
            "secret_id": "a b", "secret_key": "c\nd", "sdk_app_id": "app", "sign_name": "[Bell]", "region": "a/b",
            "extend_code": "x", "daily_limit": 0, "variable_limit": 501, "bounced": "MK:0001",
            "default_template": { "variables": ["title"] }, "timeout_seconds": 0, "secretid": 1,
        });
        let expected = [
            ("/secret_id", "not_a_secret"),
            ("/secret_key", "not_a_secret"),
            ("/sdk_app_id", "not_an_id"),
            ("/region", "not_a_region"),
            ("/sign_name", "not_a_name"),
            ("/extend_code", "not_a_code"),
            ("/default_template/id", "required"),
            ("/variable_limit", "out_of_range"),
            ("/daily_limit", "out_of_range"),
            ("/bounced", "wrong_type"),
            ("/timeout_seconds", "out_of_range"),
            ("/secretid", "unknown_field"),
        ];
        assert_eq!(faults(&changes), expected.map(|(pointer, code)| (pointer.to_owned(), code.to_owned())));
        let missing = read(&json!({}), &"钟楼大学".into()).err().unwrap();
        let missing: Vec<_> = missing.iter().map(|fault| (&*fault.pointer, &*fault.code)).collect();
        let expected = ["/secret_id", "/secret_key", "/sdk_app_id", "/sign_name"];
        assert_eq!(missing, expected.map(|pointer| (pointer, "required")));
    }
}
