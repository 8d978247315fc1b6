//! What a call says, and how it proves to be ours.

use reqwest::Method;
use reqwest::header::{CONTENT_LENGTH, HOST, HeaderName, TRANSFER_ENCODING};
use serde_json::Value;
use url::Url;

use super::super::body::Body;
use super::super::charset::Charset;
use super::super::document::{FORMATS, Format, scalar};
use super::super::signature::{Algorithm, Encoding, Signature};
use super::super::template::{Placeholder, Secrets, Template};
use super::{Request, template};
use crate::channel::fields::{Fields, segment};
use crate::channel::{closed, tls};

pub(super) fn request(fields: &mut Fields<'_>, secrets: &Secrets) -> Option<Request> {
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
    let basic = fields.object("basic", |fields| basic(fields, secrets));
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
    Some(Request { method, url, host: host?, headers, basic, charset, body: body? })
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
    if url.host_str().is_some_and(closed::is_closed) {
        fields.fault("url", closed::CODE, closed::WORDS);
        return None;
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

/// Name and password, joined by a colon, which therefore no name has.
fn basic(fields: &mut Fields<'_>, secrets: &Secrets) -> (Template, Template) {
    let (name, password) = (fields.required("username"), fields.required("password"));
    if name.contains(':') {
        fields.fault("username", "not_a_name", "a `username` has no colon");
    }
    (template(fields, "username", &name, secrets), template(fields, "password", &password, secrets))
}

pub(super) fn signature(fields: &mut Fields<'_>, secrets: &Secrets) -> Option<Signature> {
    let algorithm =
        fields.choice("algorithm", &Algorithm::ALL, Some(Algorithm::None)).unwrap_or(Algorithm::None);
    let over = fields.text("over").unwrap_or_default();
    let key = fields.text("key").unwrap_or_default();
    let encoding = fields.choice("encoding", &Encoding::ALL, Some(Encoding::Hex)).unwrap_or(Encoding::Hex);
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
