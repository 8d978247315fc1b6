//! A gateway's settings, read and checked whole. Everything but `request.url` has a default.
//!
//! - [`request`]: what a call says, and how it proves to be ours
//! - [`answers`]: what comes back, at once, later and when it is asked for
//! - [`wording`]: what its own template says

mod answers;
mod request;
mod wording;

use std::sync::Arc;
use std::time::Duration;

use reqwest::Method;
use reqwest::header::HeaderName;
use rustls::ClientConfig;
use serde_json::Value;
use url::Url;

use super::answer::Rules;
use super::body::Body;
use super::charset::Charset;
use super::receipt::Shape;
use super::signature::Signature;
use super::template::{Placeholder, Secrets, Template};
use crate::channel::fields::{Fields, segment};
use crate::channel::sms::number;
use crate::channel::tls;
use crate::domain::sms_text::Placement;
use crate::error::Fault;

/// For a call and its answer.
const TIMEOUT_SECONDS: f64 = 10.0;
/// Calls at once where each carries one number.
const CONCURRENCY: u64 = 8;
const MOST_CONCURRENCY: u64 = 64;
const MOST_NUMBERS: u64 = 1_000;

pub(super) struct Settings {
    pub(super) request: Request,
    pub(super) secrets: Secrets,
    pub(super) signature: Option<Signature>,
    pub(super) recipients: Recipients,
    pub(super) placement: Placement,
    pub(super) sign: String,
    /// Somebody said which sign a text bears, or that it bears none.
    pub(super) sign_is_known: bool,
    /// What the gateway's own template says, where calls name one and somebody entered it.
    pub(super) wording: Option<Template>,
    pub(super) answer: Rules,
    pub(super) receipt: Shape,
    pub(super) poll: Option<Poll>,
    pub(super) timeout: Duration,
    pub(super) concurrency: usize,
    pub(super) tls: Arc<ClientConfig>,
}

pub(super) struct Request {
    pub(super) method: Method,
    /// Placeholders stand behind the host only.
    pub(super) url: Template,
    /// Where it leads, without what placeholders add.
    pub(super) host: Url,
    pub(super) headers: Vec<(HeaderName, Template)>,
    /// Name and password of HTTP's own (RFC 7617).
    pub(super) basic: Option<(Template, Template)>,
    pub(super) charset: Charset,
    pub(super) body: Body,
}

/// How a gateway is asked what became of a text.
pub(super) struct Poll {
    pub(super) request: Request,
    /// Of its answer.
    pub(super) shape: Shape,
}

pub(super) struct Recipients {
    pub(super) per_call: usize,
    pub(super) separator: String,
    pub(super) format: number::Format,
}

impl Settings {
    /// Whether what a person gets depends on the message's variables beyond its text.
    pub(super) fn uses_params(&self) -> bool {
        let signed = self.signature.iter().flat_map(|signature| [&signature.over, &signature.key]);
        signed.chain(self.request.templates()).any(Template::uses_params)
    }
}

impl Request {
    fn templates(&self) -> impl Iterator<Item = &Template> {
        let headers = self.headers.iter().map(|(_, value)| value);
        let basic = self.basic.iter().flat_map(|(name, password)| [name, password]);
        headers.chain(basic).chain([&self.url]).chain(self.body.templates())
    }

    pub(super) fn uses(&self, placeholder: &Placeholder) -> bool {
        self.templates().any(|template| template.uses(placeholder))
    }
}

/// `campus`: the sign where none is named.
pub(super) fn read(settings: &Value, campus: &str) -> Result<Settings, Vec<Fault>> {
    let mut fields = Fields::of(settings);
    let secrets = secrets(&mut fields);
    let request =
        fields.object("request", |fields| request::request(fields, &secrets)).unwrap_or_else(|| {
            if settings.is_object() {
                fields.fault("request/url", "required", "`url` is required");
            }
            None
        });
    let signature = fields.object("signature", |fields| request::signature(fields, &secrets)).flatten();
    let recipients = fields.object("recipients", recipients).unwrap_or_else(default_recipients);
    let named = fields.text("sign_name");
    let placements = [
        ("prefix", Placement::Prefix),
        ("suffix", Placement::Suffix),
        ("field", Placement::Field),
        ("none", Placement::None),
    ];
    let unsaid = if named.is_some() { Placement::Prefix } else { Placement::None };
    let placement = fields.choice("sign_placement", &placements, Some(unsaid)).unwrap_or(unsaid);
    let sign_is_known = named.is_some() || settings.get("sign_placement").is_some_and(|said| !said.is_null());
    if named.as_deref().is_some_and(|name| name.contains(|c: char| c.is_control() || "【】[]".contains(c)))
    {
        fields.fault("sign_name", "not_a_name", "`sign_name` is one line without its brackets");
    }
    let wording = wording::wording(&mut fields, request.as_ref(), named.as_deref().unwrap_or(campus));
    let answer = fields.object("answer", answers::answer).unwrap_or_default();
    let receipt = fields.object("receipt", answers::receipt).unwrap_or_default();
    let poll = fields.object("poll", |fields| answers::poll(fields, &secrets)).flatten();
    let timeout = fields.number("timeout_seconds", 0.1..=600.0).unwrap_or(TIMEOUT_SECONDS);
    let concurrency = fields.integer("concurrency", 1..=MOST_CONCURRENCY).unwrap_or(CONCURRENCY);
    let tls = tls::client_config(&mut fields);
    let has_faults = fields.has_faults();
    let (Some(request), Some(tls), false) = (request, tls, has_faults) else { return Err(fields.finish()) };
    let settings = Settings {
        request,
        secrets,
        signature,
        recipients,
        placement,
        sign: named.unwrap_or_else(|| campus.to_owned()),
        sign_is_known,
        wording,
        answer,
        receipt,
        poll,
        timeout: Duration::from_secs_f64(timeout),
        concurrency: concurrency as usize,
        tls,
    };
    if !settings.request.uses(&Placeholder::To) {
        fields.fault(
            "request/body",
            "no_number",
            "the request nowhere says {to}, so nobody would get anything",
        );
    }
    let faults = fields.finish();
    if faults.is_empty() { Ok(settings) } else { Err(faults) }
}

fn secrets(fields: &mut Fields<'_>) -> Secrets {
    let mut secrets = Secrets::new();
    for (name, value) in fields.entries("secrets") {
        match value.as_str() {
            Some(secret) => drop(secrets.insert(name.to_owned(), secret.into())),
            None => fields.fault(&format!("secrets/{}", segment(name)), "wrong_type", "a secret is a text"),
        }
    }
    secrets
}

/// Notes what is wrong with a template at its place.
fn template(fields: &mut Fields<'_>, key: &str, text: &str, secrets: &Secrets) -> Template {
    Template::parse(text, secrets).unwrap_or_else(|reason| {
        fields.fault(key, "unknown_placeholder", reason);
        Template::default()
    })
}

fn default_recipients() -> Recipients {
    Recipients { per_call: 1, separator: ",".to_owned(), format: number::Format::National }
}

fn recipients(fields: &mut Fields<'_>) -> Recipients {
    let usual = default_recipients();
    let per_call = fields.integer("per_call", 1..=MOST_NUMBERS).map_or(usual.per_call, |n| n as usize);
    // Not `text`: a separator may well be a space.
    let separator = match fields.take("separator") {
        None => usual.separator,
        Some(Value::String(text)) if !text.is_empty() => text.clone(),
        Some(_) => {
            fields.fault("separator", "wrong_type", "`separator` is a text between two numbers");
            usual.separator
        }
    };
    let formats = [
        ("e164", number::Format::E164),
        ("national", number::Format::National),
        ("0086", number::Format::International),
    ];
    let format = fields.choice("number_format", &formats, Some(usual.format)).unwrap_or(usual.format);
    Recipients { per_call, separator, format }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    const CAMPUS: &str = "钟楼大学";

    fn faults(settings: &Value) -> Vec<(String, String)> {
        let faults = read(settings, CAMPUS).err().unwrap_or_default();
        let mut faults: Vec<_> = faults.into_iter().map(|f| (f.pointer, f.code.into_owned())).collect();
        faults.sort();
        faults
    }

    fn url(url: &str) -> Value {
        json!({"request": {"url": url}})
    }

    #[test]
    fn only_the_address_is_needed() {
        let settings = read(&url("https://gw.example/send"), CAMPUS).ok().unwrap();
        assert_eq!(settings.request.method, Method::POST);
        assert_eq!((settings.request.charset, settings.recipients.per_call), (Charset::Utf8, 1));
        assert_eq!(settings.recipients.format, number::Format::National);
        assert_eq!((settings.placement, settings.sign.as_str()), (Placement::None, CAMPUS));
        assert_eq!((settings.timeout, settings.concurrency), (Duration::from_secs(10), 8));
        assert!(settings.signature.is_none() && settings.answer.success.is_none());
        assert_eq!(settings.receipt.delivered, ["DELIVRD"]);

        let named = json!({"request": {"url": "https://gw.example"}, "sign_name": "图书馆"});
        let settings = read(&named, CAMPUS).ok().unwrap();
        assert_eq!((settings.placement, settings.sign.as_str()), (Placement::Prefix, "图书馆"));
    }

    /// The example that the documentation promises.
    #[test]
    fn the_complete_example_is_taken() {
        let complete = json!({
            "request": {
                "method": "POST", "url": "https://gw.example/send", "headers": {"X-App": "{secret.app}"},
                "format": "json", "charset": "utf-8",
                "body": {"mobile": "{to}", "content": "{text}", "sign": "{signature}"},
            },
            "secrets": {"app": "a", "key": "k"},
            "signature": {
                "algorithm": "hmac-sha256", "over": "{secret.app}{to}{timestamp}", "key": "{secret.key}",
                "encoding": "hex",
            },
            "recipients": {"per_call": 100, "separator": ",", "number_format": "national"},
            "sign_placement": "prefix", "sign_name": "钟楼大学",
            "answer": {
                "success": {"pointer": "/code", "equals": ["0", 0]}, "message_id": "/msgid",
                "failed_numbers": "/failed", "code": "/code",
                "codes": {"1001": "permanent_recipient", "2001": "throttled"}, "otherwise": "unknown",
            },
            "receipt": {
                "format": "json", "records": "", "id": "/msgid", "number": "/mobile", "status": "/status",
                "delivered": ["DELIVRD"], "bounced": [], "acknowledge": {"body": "OK", "content_type": "text/plain"},
            },
            "timeout_seconds": 5, "concurrency": 4,
        });
        assert_eq!(faults(&complete), []);
    }

    #[test]
    fn every_mistake_is_named_at_once_and_at_its_place() {
        let settings = json!({
            "request": {
                "method": "PATCH", "url": "http://gw.example/send", "headers": {
                    "X App": "a", "Host": "b", "X-Key": "{secret.other}", "X-List": [1], "X-Two": "a\nb",
                },
                "format": "yaml", "charset": "big5", "body": {"mobile": "{to}", "deep": {"x": "{mobile}"}},
            },
            "secrets": {"key": 5, "app": "a"},
            "signature": {"algorithm": "hmac-md5", "over": "{signature}", "encoding": "hexx"},
            "recipients": {"per_call": 0, "separator": "", "number_format": "local"},
            "sign_placement": "front", "sign_name": "【钟楼】",
            "answer": {
                "success": {"pointer": "code"}, "message_id": 5, "codes": {"1/0": "fine"}, "otherwise": "so",
                "cod": "/code",
            },
            "receipt": {"format": "yml", "records": "x", "delivered": [], "bounced": ["UNKNOWN"],
                "acknowledge": {"content_type": "文"}},
            "timeout_seconds": 0.01, "concurrency": 65, "retries": 3,
        });
        let expected = [
            ("/answer/cod", "unknown_field"),
            ("/answer/codes/1~10", "unknown_value"),
            ("/answer/message_id", "not_a_pointer"),
            ("/answer/otherwise", "unknown_value"),
            ("/answer/success/equals", "required"),
            ("/answer/success/pointer", "not_a_pointer"),
            ("/concurrency", "out_of_range"),
            ("/receipt/acknowledge/content_type", "not_a_media_type"),
            ("/receipt/bounced", "contradicts"),
            ("/receipt/delivered", "wrong_type"),
            ("/receipt/format", "unknown_value"),
            ("/receipt/records", "not_a_pointer"),
            ("/recipients/number_format", "unknown_value"),
            ("/recipients/per_call", "out_of_range"),
            ("/recipients/separator", "wrong_type"),
            ("/request/body/deep/x", "unknown_placeholder"),
            ("/request/charset", "unknown_value"),
            ("/request/format", "unknown_value"),
            ("/request/headers/Host", "not_a_header"),
            ("/request/headers/X App", "not_a_header"),
            ("/request/headers/X-Key", "unknown_placeholder"),
            ("/request/headers/X-List", "wrong_type"),
            ("/request/headers/X-Two", "control_character"),
            ("/request/method", "unknown_value"),
            ("/request/url", "in_clear"),
            ("/retries", "unknown_field"),
            ("/secrets/key", "wrong_type"),
            ("/sign_name", "not_a_name"),
            ("/sign_placement", "unknown_value"),
            ("/signature/algorithm", "unknown_value"),
            ("/signature/encoding", "unknown_value"),
            ("/timeout_seconds", "out_of_range"),
        ];
        let expected = expected.map(|(pointer, code)| (pointer.to_owned(), code.to_owned()));
        assert_eq!(faults(&settings), expected);
    }

    #[test]
    fn a_search_and_a_name_are_checked_as_well() {
        let mut settings = url("https://gw.example/send");
        settings["request"]["basic"] = json!({"username": "a:b"});
        settings["poll"] =
            json!({"request": {"url": "https://gw.example/status", "body": {"a": "b"}}, "id": 5});
        let expected = [
            ("/poll/id", "not_a_pointer"),
            ("/poll/request/body", "no_id"),
            ("/request/basic/password", "required"),
            ("/request/basic/username", "not_a_name"),
        ];
        let expected = expected.map(|(pointer, code)| (pointer.to_owned(), code.to_owned()));
        assert_eq!(faults(&settings), expected);
        settings["poll"] = json!({});
        assert!(faults(&settings).contains(&("/poll/request/url".to_owned(), "required".to_owned())));
    }

    #[test]
    fn what_does_not_go_together_is_refused() {
        let one = |pointer: &str, code: &str| vec![(pointer.to_owned(), code.to_owned())];
        assert_eq!(faults(&json!({})), one("/request/url", "required"));
        assert_eq!(faults(&json!([])), one("", "wrong_type"));
        let request = |more: Value| {
            let mut request = json!({"url": "https://gw.example/send"});
            request.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
            json!({ "request": request })
        };
        assert_eq!(faults(&request(json!({"body": {"a": "{text}"}}))), one("/request/body", "no_number"));
        let get = request(json!({"method": "GET", "format": "json"}));
        assert_eq!(faults(&get), one("/request/format", "no_body"));
        let keyless = json!({
            "request": {"url": "https://gw.example"}, "signature": {"algorithm": "hmac-sha1", "over": "{to}"},
        });
        assert_eq!(faults(&keyless), one("/signature/key", "required"));
        let circular = json!({
            "request": {"url": "https://gw.example"}, "signature": {"algorithm": "md5", "over": "{signature}"},
        });
        assert_eq!(faults(&circular), one("/signature/over", "signs_itself"));
        for (format, body, code) in [
            ("xml", json!("<a>{to}</b>"), "not_xml"),
            ("xml", json!({"a b": "{to}"}), "not_xml"),
            ("xml", json!(5), "wrong_type"),
            ("form", json!(["{to}"]), "wrong_type"),
            ("json", json!("{\"to\": "), "not_json"),
        ] {
            let settings = request(json!({"format": format, "body": body}));
            assert_eq!(faults(&settings), one("/request/body", code), "{settings}");
        }
        let nested = request(json!({"format": "query", "body": {"a": "{to}", "b/c": {"d": 1}}}));
        assert_eq!(faults(&nested), one("/request/body/b~1c", "wrong_type"));
    }

    #[test]
    fn secrets_leave_this_machine_only_in_cipher() {
        for good in [
            "https://gw.example/send",
            "https://10.0.0.1:8443/a?b={secret.x}",
            "http://127.0.0.1:8080/send",
            "http://localhost/send",
            "http://[::1]:80/send/{secret.x}",
            "https://gw.example?to={to}",
        ] {
            let mut settings = url(good);
            settings["secrets"] = json!({"x": "y"});
            assert_eq!(faults(&settings), [], "{good}");
        }
        for (bad, code) in [
            ("http://gw.example/send", "in_clear"),
            ("http://127.0.0.1.gw.example/", "in_clear"),
            ("http://10.0.0.1/", "in_clear"),
            ("https://bell:hunter2@gw.example/", "credentials_in_address"),
            ("https://gw{to}.example/send", "not_an_address"),
            ("https://{to}/send", "not_an_address"),
            ("ftp://gw.example/", "not_an_address"),
            ("gw.example/send", "not_an_address"),
        ] {
            assert_eq!(faults(&url(bad)), [("/request/url".to_owned(), code.to_owned())], "{bad}");
        }
    }
}
