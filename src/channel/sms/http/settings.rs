//! A gateway's settings, read and checked whole. Everything but `request.url` has a default.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use reqwest::Method;
use reqwest::header::{CONTENT_LENGTH, HOST, HeaderName, TRANSFER_ENCODING};
use rustls::ClientConfig;
use serde_json::Value;
use url::Url;

use super::answer::{Rules, Success};
use super::body::Body;
use super::charset::Charset;
use super::document::{FORMATS, Format, Pointer, scalar};
use super::receipt::Shape;
use super::signature::{Algorithm, Encoding, Signature};
use super::template::{Placeholder, Secrets, Template};
use crate::channel::fields::{Fields, segment};
use crate::channel::sms::number;
use crate::channel::tls;
use crate::domain::delivery::{OutcomeClass, State};
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
    pub(super) answer: Rules,
    pub(super) receipt: Shape,
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
    pub(super) charset: Charset,
    pub(super) body: Body,
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
        let headers = self.request.headers.iter().map(|(_, value)| value);
        signed
            .chain(headers)
            .chain([&self.request.url])
            .chain(self.request.body.templates())
            .any(Template::uses_params)
    }

    fn mentions_numbers(&self) -> bool {
        let headers = self.request.headers.iter().map(|(_, value)| value);
        headers
            .chain([&self.request.url])
            .chain(self.request.body.templates())
            .any(|template| template.uses(&Placeholder::To))
    }
}

/// `campus`: the sign where none is named.
pub(super) fn read(settings: &Value, campus: &str) -> Result<Settings, Vec<Fault>> {
    let mut fields = Fields::of(settings);
    let secrets = secrets(&mut fields);
    let request = fields.object("request", |fields| request(fields, &secrets)).unwrap_or_else(|| {
        if settings.is_object() {
            fields.fault("request/url", "required", "`url` is required");
        }
        None
    });
    let signature = fields.object("signature", |fields| signature(fields, &secrets)).flatten();
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
    if named.as_deref().is_some_and(|name| name.contains(|c: char| c.is_control() || "【】[]".contains(c)))
    {
        fields.fault("sign_name", "not_a_name", "`sign_name` is one line without its brackets");
    }
    let answer = fields.object("answer", answer).unwrap_or_default();
    let receipt = fields.object("receipt", receipt).unwrap_or_default();
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
        answer,
        receipt,
        timeout: Duration::from_secs_f64(timeout),
        concurrency: concurrency as usize,
        tls,
    };
    if !settings.mentions_numbers() {
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

fn request(fields: &mut Fields<'_>, secrets: &Secrets) -> Option<Request> {
    let methods = [("POST", Method::POST), ("GET", Method::GET), ("PUT", Method::PUT)];
    let names = methods.each_ref().map(|(name, method)| (*name, method));
    let method = fields.choice("method", &names, Some(&Method::POST)).unwrap_or(&Method::POST).clone();
    let text = fields.required("url");
    let url = template(fields, "url", &text, secrets);
    let host = if text.is_empty() { None } else { host(fields, &text) };
    let mut headers = Vec::new();
    for (name, value) in fields.entries("headers") {
        headers.extend(header(fields, name, value, secrets));
    }
    let usual = if method == Method::GET { Format::Query } else { Format::Json };
    let format = fields.choice("format", &FORMATS, Some(usual)).unwrap_or(usual);
    if method == Method::GET && format != Format::Query {
        fields.fault("format", "no_body", "a GET has no body: its `format` is `query`");
    }
    let charset = fields
        .choice("charset", &[("utf-8", Charset::Utf8), ("gbk", Charset::Gbk)], Some(Charset::Utf8))
        .unwrap_or(Charset::Utf8);
    let body = match Body::read(fields.take("body"), format, charset, secrets) {
        Ok(body) => Some(body),
        Err(faults) => {
            for (path, code, detail) in faults {
                fields.fault(&format!("body{path}"), code, detail);
            }
            None
        }
    };
    Some(Request { method, url, host: host?, headers, charset, body: body? })
}

/// Where the gateway is. Secrets and telephone numbers go in clear to this machine only.
fn host(fields: &mut Fields<'_>, text: &str) -> Option<Url> {
    // A placeholder may stand in path and query; what it says there is encoded.
    let bare = text.split(['{', '?', '#']).next().unwrap_or(text);
    let Ok(url) = Url::parse(bare) else {
        fields.fault("url", "not_an_address", "`url` is a complete https:// address");
        return None;
    };
    let has_path = bare.split_once("://").is_some_and(|(_, rest)| rest.contains('/'));
    if text[bare.len()..].starts_with('{') && !has_path {
        fields.fault("url", "not_an_address", "placeholders may stand behind the host only");
        return None;
    }
    if !url.username().is_empty() || url.password().is_some() {
        fields.fault(
            "url",
            "credentials_in_address",
            "write credentials under `secrets`, and where they belong a header or {secret.x}",
        );
    }
    match (url.scheme(), url.host_str()) {
        ("https", Some(_)) => Some(url),
        ("http", Some(host)) if tls::is_loopback(host) => Some(url),
        ("http", Some(_)) => {
            let detail = "plain http:// may only lead to this machine itself; use https://";
            fields.fault("url", "in_clear", detail);
            None
        }
        _ => {
            fields.fault("url", "not_an_address", "`url` is a complete https:// address");
            None
        }
    }
}

fn header(
    fields: &mut Fields<'_>,
    name: &str,
    value: &Value,
    secrets: &Secrets,
) -> Option<(HeaderName, Template)> {
    let key = format!("headers/{}", segment(name));
    let parsed = HeaderName::try_from(name).ok();
    let is_ours =
        parsed.as_ref().is_some_and(|name| [HOST, CONTENT_LENGTH, TRANSFER_ENCODING].contains(name));
    if parsed.is_none() || is_ours {
        fields.fault(&key, "not_a_header", format!("`{name}` is no header that can be set"));
    }
    let Some(text) = scalar(value) else {
        fields.fault(&key, "wrong_type", "a header's value is a text");
        return None;
    };
    if text.contains(char::is_control) {
        fields.fault(&key, "control_character", "a header's value is one line");
    }
    let value = template(fields, &key, &text, secrets);
    Some((parsed?, value))
}

fn signature(fields: &mut Fields<'_>, secrets: &Secrets) -> Option<Signature> {
    let algorithm =
        fields.choice("algorithm", &Algorithm::ALL, Some(Algorithm::None)).unwrap_or(Algorithm::None);
    let over = fields.text("over").unwrap_or_default();
    let key = fields.text("key").unwrap_or_default();
    let encoding = fields
        .choice("encoding", &[("hex", Encoding::Hex), ("base64", Encoding::Base64)], Some(Encoding::Hex))
        .unwrap_or(Encoding::Hex);
    if algorithm == Algorithm::None {
        return None;
    }
    if over.is_empty() {
        fields.fault("over", "required", "`over` says what is signed, such as {secret.app}{to}{timestamp}");
    }
    if algorithm.is_keyed() && key.is_empty() {
        fields.fault("key", "required", "an HMAC needs a `key`, such as {secret.key}");
    }
    let (over_template, key_template) =
        (template(fields, "over", &over, secrets), template(fields, "key", &key, secrets));
    for (name, template) in [("over", &over_template), ("key", &key_template)] {
        if template.uses(&Placeholder::Signature) {
            fields.fault(name, "signs_itself", "a signature cannot be part of what it signs");
        }
    }
    Some(Signature { algorithm, over: over_template, key: key_template, encoding })
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

/// A pointer, or nothing where it is left out or none.
fn pointer(fields: &mut Fields<'_>, key: &'static str) -> Option<Pointer> {
    let parsed = match fields.take(key)? {
        Value::String(text) => Pointer::parse(text),
        _ => None,
    };
    if parsed.is_none() {
        let detail = format!("`{key}` is a JSON pointer such as /data/0/id, or empty for the whole answer");
        fields.fault(key, "not_a_pointer", detail);
    }
    parsed
}

/// One value or a list of them, as texts; `None` where it is left out.
fn values(fields: &mut Fields<'_>, key: &'static str) -> Option<Vec<String>> {
    let value = fields.take(key)?;
    Some(texts(fields, key, value))
}

fn texts(fields: &mut Fields<'_>, key: &'static str, value: &Value) -> Vec<String> {
    let texts: Option<Vec<String>> = match value {
        Value::Array(items) => items.iter().map(scalar).collect(),
        value => scalar(value).map(|value| vec![value]),
    };
    let texts = texts.unwrap_or_default();
    if texts.is_empty() {
        fields.fault(key, "wrong_type", format!("`{key}` is a text or a number, or a list of them"));
    }
    texts
}

fn class(word: &str) -> Option<OutcomeClass> {
    OutcomeClass::ALL.into_iter().find(|class| class.name() == word)
}

fn answer(fields: &mut Fields<'_>) -> Rules {
    let words = OutcomeClass::ALL.map(OutcomeClass::name).join(", ");
    let success = fields.object("success", |fields| {
        let pointer = pointer(fields, "pointer").unwrap_or_default();
        let equals = values(fields, "equals").unwrap_or_else(|| {
            fields.fault("equals", "required", "`equals` says what stands there when it went well");
            Vec::new()
        });
        Success { pointer, equals }
    });
    let mut codes = BTreeMap::new();
    for (code, value) in fields.entries("codes") {
        match value.as_str().and_then(class) {
            Some(class) => drop(codes.insert(code.to_owned(), class)),
            None => {
                let detail = format!("a code means one of {words}");
                fields.fault(&format!("codes/{}", segment(code)), "unknown_value", detail);
            }
        }
    }
    let otherwise = fields.choice(
        "otherwise",
        &OutcomeClass::ALL.map(|class| (class.name(), class)),
        Some(OutcomeClass::Unknown),
    );
    Rules {
        success,
        message_id: pointer(fields, "message_id"),
        failed_numbers: pointer(fields, "failed_numbers"),
        code: pointer(fields, "code"),
        codes,
        otherwise: otherwise.unwrap_or(OutcomeClass::Unknown),
    }
}

fn receipt(fields: &mut Fields<'_>) -> Shape {
    let usual = Shape::default();
    let format = fields.choice("format", &FORMATS, Some(usual.format)).unwrap_or(usual.format);
    let records = pointer(fields, "records").unwrap_or(usual.records);
    let id = pointer(fields, "id").unwrap_or(usual.id);
    let number = pointer(fields, "number").unwrap_or(usual.number);
    let status = pointer(fields, "status").unwrap_or(usual.status);
    let delivered = values(fields, "delivered").unwrap_or(usual.delivered);
    let bounced = match fields.take("bounced") {
        None => usual.bounced,
        Some(Value::Array(items)) if items.is_empty() => Vec::new(),
        Some(value) => texts(fields, "bounced", value),
    };
    let (acknowledge, content_type) = fields
        .object("acknowledge", |fields| {
            let body = match fields.take("body") {
                None => usual.acknowledge.clone(),
                Some(Value::String(text)) => text.clone(),
                Some(value) => value.to_string(),
            };
            let content_type = fields.text("content_type").unwrap_or_else(|| usual.content_type.clone());
            if content_type.contains(|c: char| c.is_control() || !c.is_ascii()) {
                fields.fault("content_type", "not_a_media_type", "such as text/plain or application/json");
            }
            (body, content_type)
        })
        .unwrap_or((usual.acknowledge.clone(), usual.content_type.clone()));
    let shape = Shape { format, records, id, number, status, delivered, bounced, acknowledge, content_type };
    if shape.bounced.iter().any(|status| shape.state(status) != State::Failed) {
        fields.fault(
            "bounced",
            "contradicts",
            "a status that means it arrived, or nothing yet, is no bounce",
        );
    }
    shape
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
