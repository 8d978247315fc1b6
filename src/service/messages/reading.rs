//! Reads a message's JSON and finds everything that is wrong with it by itself. What depends on the caller or on the
//! store is checked in `draft`.

use std::collections::{BTreeMap, HashSet};
use std::fmt::Display;
use std::str::FromStr;

use serde_json::Value;

use super::body::MessageBody;
use crate::domain::address::normalise;
use crate::domain::audience::{Audience, DirectAddress, Params};
use crate::domain::channel::{AddressKind, ChannelKind};
use crate::domain::content::{Variant, clean_text};
use crate::domain::fields::{Fields, pointer};
use crate::domain::filter::{Filter, is_attribute_name};
use crate::domain::recipient::check_campus_id;
use crate::error::{Error, Fault, Result};

/// Longest `Idempotency-Key` and `dedup_key`, in characters.
pub(super) const LONGEST_KEY: usize = 255;
const LONGEST_SLUG: usize = 100;
const LONGEST_ATTRIBUTE: usize = 1_000;
const MOST_GROUPS: usize = 1_000;
const MOST_RECIPIENTS: usize = 10_000;
const MOST_ADDRESSES: usize = 1_000;
const MOST_PERSONALISED: usize = 10_000;
const MOST_ATTRIBUTES: usize = 32;
const MOST_PARAMS: usize = 100;

/// What could be read of a message, and all faults. `allowed`: the channels its source may use. An entry of a list that
/// is wrong keeps its place, so that what is found out about the others later is said of the right one.
pub(super) fn read(value: &Value, allowed: &[ChannelKind]) -> (MessageBody, Vec<Fault>) {
    let mut body = MessageBody::default();
    let mut faults = Vec::new();
    let mut fields = match Fields::of(value) {
        Ok(fields) => fields,
        Err(error) => return (body, faults_of(error)),
    };
    body.topic = parsed(&mut fields, "topic", "invalid_topic");
    body.category = parsed(&mut fields, "category", "unknown_value");
    body.priority = parsed(&mut fields, "priority", "unknown_value");
    body.title = string(&mut fields, "title");
    body.body = string(&mut fields, "body");
    if value.get("template").is_some_and(|template| !template.is_null()) {
        body.template = Some(fields.required("template", LONGEST_SLUG));
    } else {
        fields.value("template");
    }
    body.params = params(&mut fields, "params");
    body.variants = variants(&mut fields);
    body.audience = fields.value("audience").and_then(|value| audience(value, true, &mut faults));
    body.personalise = personalise(&mut fields);
    body.channels = channels(&mut fields, value, allowed);
    body.to = addresses(&mut fields, body.channels.as_deref().unwrap_or(allowed));
    body.send_at = moment(&mut fields, "send_at");
    body.expires_at = moment(&mut fields, "expires_at");
    body.link = string(&mut fields, "link");
    body.attributes = attributes(&mut fields);
    body.dedup_key = fields.text("dedup_key", LONGEST_KEY);
    together(&body, &mut fields, value);
    faults.splice(0..0, fields.finish().err().map(faults_of).unwrap_or_default());
    (body, faults)
}

/// Fields that need or exclude one another.
fn together(body: &MessageBody, fields: &mut Fields<'_>, value: &Value) {
    let has = |name: &str| value.get(name).is_some_and(|value| !value.is_null());
    if !has("topic") {
        fields.fault("topic", "required", "`topic` is needed, such as library.new-books");
    }
    if has("template") {
        for name in ["title", "body"].into_iter().filter(|name| has(name)) {
            fields.fault(name, "exclusive", "give either `template`, or `title` and `body`");
        }
    } else if has("params") && body.personalise.is_empty() {
        fields.fault("params", "exclusive", "variables need a `template`, or `personalise` for each person");
    }
    if has("audience") && has("to") {
        fields.fault("to", "exclusive", "give either `audience` or `to`");
    }
    if has("personalise") && has("to") {
        fields.fault(
            "personalise",
            "exclusive",
            "people outside the directory have no variables of their own",
        );
    }
}

pub(super) fn faults_of(error: Error) -> Vec<Fault> {
    match error {
        Error::Invalid(faults) => faults,
        other => vec![Fault::new("", "invalid", other.to_string())],
    }
}

/// Moves faults of a nested object to their place in the whole.
fn below(at: &str, faults: Vec<Fault>) -> impl Iterator<Item = Fault> {
    faults.into_iter().map(move |fault| Fault { pointer: format!("{at}{}", fault.pointer), ..fault })
}

/// A text as it was sent; long ones and those of several lines too.
fn string(fields: &mut Fields<'_>, name: &'static str) -> Option<String> {
    match fields.value(name)? {
        Value::String(text) => Some(text.clone()),
        _ => {
            fields.fault(name, "not_a_string", "send a string");
            None
        }
    }
}

fn parsed<T: FromStr<Err: Display>>(
    fields: &mut Fields<'_>,
    name: &'static str,
    code: &'static str,
) -> Option<T> {
    let text = string(fields, name)?;
    text.parse().map_err(|why: T::Err| fields.fault(name, code, why.to_string())).ok()
}

/// RFC 3339; a moment without an offset could be any of two dozen.
fn moment(fields: &mut Fields<'_>, name: &'static str) -> Option<jiff::Timestamp> {
    let text = string(fields, name)?;
    let read = text.parse();
    if read.is_err() {
        fields.fault(name, "invalid_time", "send a time with its offset, such as 2026-09-01T08:00:00+08:00");
    }
    read.ok()
}

fn channels(fields: &mut Fields<'_>, value: &Value, allowed: &[ChannelKind]) -> Option<Vec<ChannelKind>> {
    let texts = fields.texts("channels", 16);
    match value.get("channels") {
        None | Some(Value::Null) => return None,
        Some(Value::Array(list)) if list.is_empty() => {
            fields.fault("channels", "required", "name at least one channel, or leave `channels` out");
        }
        Some(_) => {}
    }
    let mut read = Vec::with_capacity(texts.len());
    for (i, text) in texts.iter().enumerate() {
        match text.parse::<ChannelKind>() {
            Ok(channel) if !allowed.contains(&channel) => {
                let why = format!("this source may not use {channel}");
                fields.extend([Fault::new(format!("/channels/{i}"), "channel_not_allowed", why)]);
            }
            Ok(channel) if read.contains(&channel) => {}
            Ok(channel) => read.push(channel),
            Err(why) => fields.extend([Fault::new(format!("/channels/{i}"), "unknown_value", why)]),
        }
    }
    Some(read)
}

fn variants(fields: &mut Fields<'_>) -> BTreeMap<String, Variant> {
    let mut read = BTreeMap::new();
    let object = match fields.value("variants") {
        None => return read,
        Some(Value::Object(object)) => object,
        Some(_) => {
            fields.fault("variants", "not_an_object", "send an object such as {\"sms\": {\"body\": \"…\"}}");
            return read;
        }
    };
    for (key, value) in object {
        let at = format!("/variants{}", pointer(key));
        let result = Fields::of(value).and_then(|mut inner| {
            let variant = Variant { title: string(&mut inner, "title"), body: string(&mut inner, "body") };
            inner.finish()?;
            Ok(variant)
        });
        match result {
            Ok(variant) => drop(read.insert(key.clone(), variant)),
            Err(error) => fields.extend(below(&at, faults_of(error))),
        }
    }
    read
}

fn audience(value: &Value, may_exclude: bool, faults: &mut Vec<Fault>) -> Option<Audience> {
    let at = if may_exclude { "/audience" } else { "/audience/exclude" };
    let mut fields = match Fields::of(value) {
        Ok(fields) => fields,
        Err(error) => {
            faults.extend(below(at, faults_of(error)));
            return None;
        }
    };
    let everyone = match fields.value("everyone") {
        None => false,
        Some(Value::Bool(everyone)) => *everyone,
        Some(_) => {
            fields.fault("everyone", "not_a_boolean", "send true or leave it out");
            false
        }
    };
    let mut read = Audience {
        everyone,
        groups: fields.texts("groups", MOST_GROUPS),
        recipients: recipients(&mut fields),
        filter: string(&mut fields, "where"),
        exclude: None,
        to: Vec::new(),
    };
    if let Some(Err(error)) = read.filter.as_deref().map(Filter::parse) {
        fields.extend([error.into_fault("/where")]);
        read.filter = None;
    }
    let names_nobody = ["everyone", "groups", "recipients", "where"].into_iter().all(|name| {
        value.get(name).is_none_or(|value| {
            value.is_null() || *value == Value::Bool(false) || value.as_array().is_some_and(Vec::is_empty)
        })
    });
    if may_exclude && names_nobody {
        let detail = "this names nobody: give everyone, groups, recipients or where, or leave `audience` out";
        fields.extend([Fault::new("", "empty_audience", detail)]);
    }
    if everyone && !(read.groups.is_empty() && read.recipients.is_empty() && read.filter.is_none()) {
        fields.fault("everyone", "exclusive", "everyone is everyone: leave groups, recipients and where out");
    }
    let mut excluded = Vec::new();
    if may_exclude && let Some(value) = fields.value("exclude") {
        read.exclude =
            audience(value, false, &mut excluded).filter(|exclude| !exclude.is_empty()).map(Box::new);
    }
    faults.extend(below(at, fields.finish().err().map(faults_of).unwrap_or_default()));
    faults.extend(excluded);
    Some(read)
}

/// Campus ids; a whole number is taken as its digits.
fn recipients(fields: &mut Fields<'_>) -> Vec<String> {
    let list = match fields.value("recipients") {
        None => return Vec::new(),
        Some(Value::Array(list)) => list,
        Some(_) => {
            fields.fault("recipients", "not_a_list", "send a list of campus ids");
            return Vec::new();
        }
    };
    if list.len() > MOST_RECIPIENTS {
        let detail = format!("at most {MOST_RECIPIENTS}; use a group or a filter for more");
        fields.fault("recipients", "too_many", detail);
        return Vec::new();
    }
    let mut read = Vec::with_capacity(list.len());
    for (i, value) in list.iter().enumerate() {
        match campus_id(value) {
            Ok(id) => read.push(id),
            Err((code, why)) => {
                fields.extend([Fault::new(format!("/recipients/{i}"), code, why)]);
                read.push(String::new());
            }
        }
    }
    read
}

fn campus_id(value: &Value) -> Result<String, (&'static str, &'static str)> {
    let text = match value {
        Value::String(text) => text.trim().to_owned(),
        Value::Number(number) if number.is_u64() => number.to_string(),
        _ => return Err(("not_a_string", "send a campus id")),
    };
    match check_campus_id(&text) {
        None => Ok(text),
        Some(why) => Err(("bad_campus_id", why)),
    }
}

fn addresses(fields: &mut Fields<'_>, channels: &[ChannelKind]) -> Vec<DirectAddress> {
    let list = match fields.value("to") {
        None => return Vec::new(),
        Some(Value::Array(list)) => list,
        Some(_) => {
            fields.fault("to", "not_a_list", "send a list such as [{\"email\": \"…\"}]");
            return Vec::new();
        }
    };
    if list.is_empty() {
        fields.fault("to", "required", "name at least one address, or leave `to` out");
    }
    if list.len() > MOST_ADDRESSES {
        fields.fault("to", "too_many", format!("at most {MOST_ADDRESSES} addresses"));
        return Vec::new();
    }
    let mut read = Vec::with_capacity(list.len());
    let mut seen = HashSet::with_capacity(list.len());
    for (i, value) in list.iter().enumerate() {
        match address(value) {
            Ok(address) if !channels.contains(&address.kind.channel()) => {
                let why = format!("this needs {}, which the message may not use", address.kind.channel());
                fields.extend([Fault::new(format!("/to/{i}"), "channel_not_allowed", why)]);
            }
            // Written twice, it is one address.
            Ok(address) if seen.insert(address.clone()) => read.push(address),
            Ok(_) => {}
            Err(error) => fields.extend(below(&format!("/to/{i}"), faults_of(error))),
        }
    }
    read
}

fn address(value: &Value) -> Result<DirectAddress> {
    let mut fields = Fields::of(value)?;
    let mut found = Vec::new();
    for kind in AddressKind::ALL {
        let Some(text) = fields.text(kind.name(), LONGEST_ATTRIBUTE) else { continue };
        match normalise(kind, &text) {
            Ok(value) => found.push(DirectAddress { kind, value }),
            Err(why) => fields.fault(kind.name(), "bad_address", why.to_string()),
        }
    }
    fields.finish()?;
    match <[DirectAddress; 1]>::try_from(found) {
        Ok([address]) => Ok(address),
        Err(_) => Err(Error::fault(
            "",
            "one_address",
            "give exactly one of email, mobile, wecom_userid and wechat_openid",
        )),
    }
}

fn personalise(fields: &mut Fields<'_>) -> Vec<(String, Params)> {
    let list = match fields.value("personalise") {
        None => return Vec::new(),
        Some(Value::Array(list)) => list,
        Some(_) => {
            let detail = "send a list such as [{\"campus_id\": \"…\", \"params\": {…}}]";
            fields.fault("personalise", "not_a_list", detail);
            return Vec::new();
        }
    };
    if list.len() > MOST_PERSONALISED {
        fields.fault("personalise", "too_many", format!("at most {MOST_PERSONALISED} people"));
        return Vec::new();
    }
    let mut read = Vec::with_capacity(list.len());
    let mut seen = HashSet::with_capacity(list.len());
    for (i, value) in list.iter().enumerate() {
        let at = format!("/personalise/{i}");
        let result = Fields::of(value).and_then(|mut inner| {
            let id = inner.value("campus_id").map(campus_id);
            let params = params(&mut inner, "params");
            match &id {
                Some(Ok(_)) => {}
                Some(Err((code, why))) => inner.fault("campus_id", code, *why),
                None => inner.fault("campus_id", "required", "`campus_id` is needed"),
            }
            inner.finish()?;
            Ok(id.and_then(Result::ok).map(|id| (id, params)))
        });
        match result {
            Ok(Some((id, _))) if !seen.insert(id.clone()) => {
                let fault =
                    Fault::new(format!("{at}/campus_id"), "duplicate", format!("`{id}` is named twice"));
                fields.extend([fault]);
                read.push((String::new(), Params::new()));
            }
            Ok(one) => read.push(one.unwrap_or_default()),
            Err(error) => {
                fields.extend(below(&at, faults_of(error)));
                read.push((String::new(), Params::new()));
            }
        }
    }
    read
}

/// Variables by name, their texts without what no channel should carry.
fn params(fields: &mut Fields<'_>, name: &'static str) -> Params {
    let object = match fields.value(name) {
        None => return Params::new(),
        Some(Value::Object(object)) => object,
        Some(_) => {
            fields.fault(name, "not_an_object", "send an object of variables by name");
            return Params::new();
        }
    };
    if object.len() > MOST_PARAMS {
        fields.fault(name, "too_many", format!("at most {MOST_PARAMS} variables"));
        return Params::new();
    }
    object
        .iter()
        .filter(|(_, value)| !value.is_null())
        .map(|(key, value)| (clean_text(key), clean(value)))
        .collect()
}

fn clean(value: &Value) -> Value {
    match value {
        Value::String(text) => Value::String(clean_text(text)),
        Value::Array(items) => Value::Array(items.iter().map(clean).collect()),
        Value::Object(fields) => {
            Value::Object(fields.iter().map(|(key, value)| (clean_text(key), clean(value))).collect())
        }
        other => other.clone(),
    }
}

fn attributes(fields: &mut Fields<'_>) -> Params {
    let object = match fields.value("attributes") {
        None => return Params::new(),
        Some(Value::Object(object)) => object,
        Some(_) => {
            fields.fault("attributes", "not_an_object", "send an object of strings, numbers and booleans");
            return Params::new();
        }
    };
    if object.len() > MOST_ATTRIBUTES {
        fields.fault("attributes", "too_many", format!("at most {MOST_ATTRIBUTES} attributes"));
        return Params::new();
    }
    let mut read = Params::new();
    for (name, value) in object {
        let (code, detail) = match value {
            _ if !is_attribute_name(name) => {
                ("bad_name", "a name has 1 to 64 characters, no control characters, `\"` or `\\`".to_owned())
            }
            Value::Null => continue,
            Value::Array(_) | Value::Object(_) => {
                ("not_flat", "send a string, a number or a boolean".to_owned())
            }
            Value::String(text) if text.chars().count() > LONGEST_ATTRIBUTE => {
                ("too_long", format!("at most {LONGEST_ATTRIBUTE} characters"))
            }
            _ => {
                read.insert(name.clone(), clean(value));
                continue;
            }
        };
        fields.extend([Fault::new(format!("/attributes{}", pointer(name)), code, detail)]);
    }
    read
}
