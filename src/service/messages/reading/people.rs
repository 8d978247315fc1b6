//! Whom a message is for, and what each of them is told.

use std::collections::HashSet;

use serde_json::Value;

use super::{below, faults_of, string, values};
use crate::domain::address::normalise;
use crate::domain::audience::{Audience, DirectAddress, Params};
use crate::domain::channel::{AddressKind, ChannelKind};
use crate::domain::fields::Fields;
use crate::domain::filter::Filter;
use crate::domain::recipient::check_campus_id;
use crate::error::{Error, Fault, Result};

const LONGEST_ADDRESS: usize = 1_000;
const MOST_GROUPS: usize = 1_000;
const MOST_RECIPIENTS: usize = 10_000;
const MOST_ADDRESSES: usize = 1_000;
const MOST_PERSONALISED: usize = 10_000;

/// The entries of a field that is a list; nothing where it is left out, and a fault too where it is something else or too
/// long.
fn list<'v>(
    fields: &mut Fields<'v>,
    name: &'static str,
    kind: &str,
    most: usize,
    of: &str,
) -> Option<&'v [Value]> {
    match fields.value(name)? {
        Value::Array(list) if list.len() <= most => return Some(list),
        Value::Array(_) => fields.fault(name, "too_many", format!("at most {most}{of}")),
        _ => fields.fault(name, "not_a_list", format!("send a list {kind}")),
    }
    None
}

/// The audience, or its exclusion, at its place in the message.
pub(super) fn audience(value: &Value, may_exclude: bool, faults: &mut Vec<Fault>) -> Option<Audience> {
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
    let more = "; use a group or a filter for more";
    let Some(list) = list(fields, "recipients", "of campus ids", MOST_RECIPIENTS, more) else {
        return Vec::new();
    };
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

pub(super) fn addresses(fields: &mut Fields<'_>, channels: &[ChannelKind]) -> Vec<DirectAddress> {
    let example = "such as [{\"email\": \"…\"}]";
    let Some(list) = list(fields, "to", example, MOST_ADDRESSES, " addresses") else { return Vec::new() };
    if list.is_empty() {
        fields.fault("to", "required", "name at least one address, or leave `to` out");
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
        let Some(text) = fields.text(kind.name(), LONGEST_ADDRESS) else { continue };
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

pub(super) fn personalise(fields: &mut Fields<'_>) -> Vec<(String, Params)> {
    let example = "such as [{\"campus_id\": \"…\", \"params\": {…}}]";
    let Some(list) = list(fields, "personalise", example, MOST_PERSONALISED, " people") else {
        return Vec::new();
    };
    let mut read = Vec::with_capacity(list.len());
    let mut seen = HashSet::with_capacity(list.len());
    for (i, value) in list.iter().enumerate() {
        let at = format!("/personalise/{i}");
        let result = Fields::of(value).and_then(|mut inner| {
            let id = inner.value("campus_id").map(campus_id);
            let params = values::params(&mut inner, "params");
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
