//! Reads a message's JSON and finds everything that is wrong with it by itself. What depends on the caller or on the
//! store is checked in `draft`.

mod people;
mod values;

use std::collections::BTreeMap;
use std::fmt::Display;
use std::str::FromStr;

use serde_json::Value;

use super::body::MessageBody;
use crate::domain::audience;
use crate::domain::channel::ChannelKind;
use crate::domain::content::Variant;
use crate::domain::fields::{Fields, below, faults_of, pointer};
use crate::error::Fault;

/// Longest `Idempotency-Key` and `dedup_key`, in characters.
pub(super) const LONGEST_KEY: usize = 255;
const LONGEST_SLUG: usize = 100;

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
    body.params = values::params(&mut fields, "params");
    body.variants = variants(&mut fields);
    if let Some(value) = fields.value("audience") {
        let (audience, found) = audience::read(value);
        body.audience = audience;
        faults.extend(below("/audience", found));
    }
    body.personalise = people::personalise(&mut fields);
    body.channels = channels(&mut fields, value, allowed);
    body.to = people::addresses(&mut fields, body.channels.as_deref().unwrap_or(allowed));
    body.send_at = moment(&mut fields, "send_at");
    body.expires_at = moment(&mut fields, "expires_at");
    body.link = string(&mut fields, "link");
    body.attributes = values::attributes(&mut fields);
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
    let read = text.parse().ok();
    if read.is_none() {
        fields.fault(name, "invalid_time", why_no_moment(&text));
    }
    read
}

fn why_no_moment(text: &str) -> String {
    let year = text.bytes().take_while(u8::is_ascii_digit).count();
    let is_date = text.bytes().enumerate().take(10).all(|(i, byte)| match i {
        4 | 7 => byte == b'-',
        _ => byte.is_ascii_digit(),
    });
    let day = text.get(..10).filter(|_| is_date);
    let too_far = || format!("a time lies in the years 0 to 9999; {} is the last", jiff::Timestamp::MAX);
    match day.map(str::parse::<jiff::civil::Date>) {
        Some(Err(_)) => format!("there is no date {}", &text[..10]),
        Some(Ok(day)) if day.year() == 9999 && text.len() > 19 => too_far(),
        _ if year > 4 => too_far(),
        _ => "send a time with its offset, such as 2026-09-01T08:00:00+08:00".to_owned(),
    }
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

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn said(body: &Value) -> Vec<(String, String)> {
        read(body, &ChannelKind::ALL).1.into_iter().map(|fault| (fault.pointer, fault.detail)).collect()
    }

    #[test]
    fn why_a_time_is_none_is_told() {
        for (time, why) in [
            ("2026-02-30T08:00:00+08:00", "there is no date 2026-02-30"),
            ("9999-12-31T23:59:59Z", "9999-12-30"),
            ("12026-01-01T00:00:00Z", "in the years"),
            ("2026-09-01T08:00:00", "with its offset"),
            ("9999-12-30T08:00", "with its offset"),
            ("二〇二六年九月一日八点钟", "with its offset"),
            ("", "with its offset"),
        ] {
            let found = said(&json!({"topic": "a", "expires_at": time}));
            let [(at, detail)] = found.as_slice() else { panic!("{time}: {found:?}") };
            assert!(at == "/expires_at" && detail.contains(why), "{time}: {detail}");
        }
    }

    #[test]
    fn too_many_attributes_do_not_hide_their_own_faults() {
        let mut attributes: serde_json::Map<_, _> = (0..33).map(|n| (format!("a{n}"), json!(n))).collect();
        attributes.insert("list".to_owned(), json!([1]));
        let found = said(&json!({"topic": "a", "attributes": attributes}));
        let at: Vec<_> = found.iter().map(|(at, _)| at.as_str()).collect();
        assert_eq!(at, ["/attributes", "/attributes/list"]);
    }
}
