//! Whom a message is for beside its audience, and what each of them is told.

use std::collections::HashSet;

use serde_json::Value;

use super::values;
use crate::domain::address::normalise;
use crate::domain::audience::{DirectAddress, Params, campus_id};
use crate::domain::channel::{AddressKind, ChannelKind};
use crate::domain::fields::{Fields, below, faults_of};
use crate::error::{Error, Fault, Result};

const LONGEST_ADDRESS: usize = 1_000;
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
