//! Whom a message is for, as its sender wrote it.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::fields::{Fields, below, faults_of};
use super::filter::Filter;
use super::id::MessageId;
use super::recipient::check_campus_id;
use crate::error::Fault;

const MOST_GROUPS: usize = 1_000;
const MOST_RECIPIENTS: usize = 10_000;

/// Everyone, or the union of groups, people and a filter; minus the exclusion.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Audience {
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub everyone: bool,
    /// Slugs.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub groups: Vec<String>,
    /// Campus ids.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub recipients: Vec<String>,
    /// An expression in the filter language.
    #[serde(rename = "where", skip_serializing_if = "Option::is_none")]
    pub filter: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub exclude: Option<Box<Audience>>,
    /// Addresses outside the directory.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub to: Vec<DirectAddress>,
    /// Those of earlier messages. Only a broadcast's own messages name them.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub after: Option<Box<After>>,
    /// Slugs: of all these only people of these groups, to which whoever sends is limited. Nobody writes it: it comes from
    /// the rights of a source, as they were when the message was accepted.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub among: Vec<String>,
}

/// People that earlier messages were for.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct After {
    pub messages: Vec<MessageId>,
    pub whose: Whose,
}

/// Which of the people of earlier messages.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Whose {
    /// Those who have, or may have, what one of them says.
    Told,
    /// Those who have it by no channel.
    Missed,
    /// Those who were asked by them whether they are safe, and have not said.
    Silent,
}

impl Audience {
    /// Names nobody at all.
    pub fn is_empty(&self) -> bool {
        !self.everyone
            && self.groups.is_empty()
            && self.recipients.is_empty()
            && self.filter.is_none()
            && self.to.is_empty()
            && self.after.is_none()
    }

    /// Names that group, be it to leave it out or to go no further.
    pub fn names_group(&self, slug: &str) -> bool {
        self.groups.iter().chain(&self.among).any(|group| group == slug)
            || self.exclude.as_ref().is_some_and(|exclude| exclude.names_group(slug))
    }

    /// Names people of the directory, and nothing else decides who gets it.
    pub fn only_names_people(&self) -> bool {
        let names = Self { recipients: Vec::new(), ..self.clone() };
        !self.recipients.is_empty() && names.is_empty() && self.exclude.is_none() && self.among.is_empty()
    }
}

/// One address outside the directory, already normalised.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct DirectAddress {
    pub kind: super::channel::AddressKind,
    pub value: String,
}

/// Variables of a template by name; values are strings, numbers or booleans.
pub type Params = BTreeMap<String, Value>;

/// What could be read of an audience, and all faults.
pub fn read(value: &Value) -> (Option<Audience>, Vec<Fault>) {
    match Fields::of(value) {
        Ok(mut fields) => {
            let audience = self::fields(&mut fields, value, true);
            (Some(audience), fields.finish().err().map(faults_of).unwrap_or_default())
        }
        Err(error) => (None, faults_of(error)),
    }
}

/// Reads the fields of an audience, which may stand beside others, and tells what is wrong with them. `may_exclude`: it
/// is no exclusion itself.
pub fn fields(fields: &mut Fields<'_>, value: &Value, may_exclude: bool) -> Audience {
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
        recipients: recipients(fields),
        filter: filter(fields),
        exclude: None,
        to: Vec::new(),
        after: None,
        among: Vec::new(),
    };
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
    if may_exclude && let Some(value) = fields.value("exclude") {
        read.exclude = exclusion(fields, value).filter(|exclude| !exclude.is_empty()).map(Box::new);
    }
    read
}

fn exclusion(outer: &mut Fields<'_>, value: &Value) -> Option<Audience> {
    let (excluded, faults) = match Fields::of(value) {
        Ok(mut fields) => {
            let excluded = self::fields(&mut fields, value, false);
            (Some(excluded), fields.finish().err().map(faults_of).unwrap_or_default())
        }
        Err(error) => (None, faults_of(error)),
    };
    outer.extend(below("/exclude", faults));
    excluded
}

/// The text of a filter that can be read.
fn filter(fields: &mut Fields<'_>) -> Option<String> {
    let Value::String(text) = fields.value("where")? else {
        fields.fault("where", "not_a_string", "send a string");
        return None;
    };
    match Filter::parse(text) {
        Ok(_) => Some(text.clone()),
        Err(error) => {
            fields.extend([error.into_fault("/where")]);
            None
        }
    }
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
                // It keeps its place, so that what is found out about the others later is said of the right one.
                read.push(String::new());
            }
        }
    }
    read
}

/// A campus id as it is written in JSON: a string, or a whole number. Else the code and reason of a fault.
pub fn campus_id(value: &Value) -> Result<String, (&'static str, &'static str)> {
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
