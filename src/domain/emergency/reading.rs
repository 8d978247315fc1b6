//! A scenario as somebody wrote it, read.

use std::str::FromStr;

use serde_json::Value;

use super::cap_facts::{CapFacts, Category, Certainty, ResponseType, Urgency};
use super::scenario::{
    Escalation, Level, MOST_CHOICES, MOST_PLACEHOLDERS, Placeholder, Said, Scenario, Spoken, TILES, TIME,
    Texts,
};
use super::texts::names_of;
use crate::domain::audience::{self, Audience};
use crate::domain::channel::ChannelKind;
use crate::domain::content::{MAX_BODY, MAX_TITLE, clean_text};
use crate::domain::fields::{Fields, below, faults_of};
use crate::error::{Fault, Result};

const LONGEST_NAME: usize = 100;
const LONGEST_OWNER: usize = 200;
/// Characters of one choice.
const LONGEST_CHOICE: usize = 60;
/// Characters of an SMS and of a card's text. What costs more than it is worth is the lint's to say.
const LONGEST_SHORT: usize = 1_000;
/// Minutes that can be written at all.
const MOST_MINUTES: u32 = 1_000_000;

/// Reads a scenario. Whether it may be used is another question: [`super::lint`] answers it.
///
/// # Errors
///
/// [`crate::Error::Invalid`] with everything that keeps it from being one, at its place.
pub fn read(value: &Value) -> Result<Scenario> {
    let mut fields = Fields::of(value)?;
    let scenario = Scenario {
        name: wanted(&mut fields, "name", name),
        code: fields.required("code", LONGEST_NAME),
        level: one_of(&mut fields, "level").unwrap_or(Level::Red),
        life_threatening: flag(&mut fields, "life_threatening"),
        cap: required(&mut fields, "cap", cap).unwrap_or_else(no_facts),
        audience: audience(&mut fields),
        channels: channels(&mut fields),
        placeholders: placeholders(&mut fields),
        alert: wanted(&mut fields, "alert", texts),
        correction: wanted(&mut fields, "correction", texts),
        all_clear: wanted(&mut fields, "all_clear", texts),
        expires_in_minutes: minutes(&mut fields, "expires_in_minutes"),
        roll_call: flag(&mut fields, "roll_call"),
        escalation: fields.nested("escalation", escalation),
        owner: fields.required("owner", LONGEST_OWNER),
        review_on: review_on(&mut fields),
        tile: fields.number("tile", 1..=TILES).and_then(|tile| u8::try_from(tile).ok()),
    };
    fields.finish()?;
    Ok(scenario)
}

fn required<T>(fields: &mut Fields<'_>, name: &'static str, read: fn(&Value) -> Result<T>) -> Option<T> {
    if fields.value(name).is_none() {
        fields.fault(name, "required", format!("`{name}` is needed"));
    }
    fields.nested(name, read)
}

/// Where it is missing or wrong, what is answered does not matter.
fn wanted<T: Default>(fields: &mut Fields<'_>, name: &'static str, read: fn(&Value) -> Result<T>) -> T {
    required(fields, name, read).unwrap_or_default()
}

fn flag(fields: &mut Fields<'_>, name: &'static str) -> bool {
    match fields.value(name) {
        None => false,
        Some(Value::Bool(set)) => *set,
        Some(_) => {
            fields.fault(name, "not_a_boolean", "send true or false");
            false
        }
    }
}

fn one_of<T: FromStr<Err = String>>(fields: &mut Fields<'_>, name: &'static str) -> Option<T> {
    let text = fields.required(name, LONGEST_NAME);
    if text.is_empty() {
        return None;
    }
    text.parse().map_err(|why: String| fields.fault(name, "unknown_word", why)).ok()
}

fn minutes(fields: &mut Fields<'_>, name: &'static str) -> u32 {
    if fields.value(name).is_none() {
        fields.fault(name, "required", format!("`{name}` is needed"));
    }
    fields.number(name, 0..=MOST_MINUTES).unwrap_or_default()
}

fn review_on(fields: &mut Fields<'_>) -> jiff::civil::Date {
    let text = fields.required("review_on", LONGEST_NAME);
    text.parse().unwrap_or_else(|_| {
        if !text.is_empty() {
            fields.fault("review_on", "not_a_date", "send a date such as 2030-09-01");
        }
        jiff::civil::Date::ZERO
    })
}

fn channels(fields: &mut Fields<'_>) -> Vec<ChannelKind> {
    let mut channels: Vec<ChannelKind> = fields.parsed("channels", ChannelKind::ALL.len(), "unknown_channel");
    channels.sort_unstable();
    channels.dedup();
    channels
}

fn audience(fields: &mut Fields<'_>) -> Audience {
    let Some(value) = fields.value("audience") else {
        fields.fault("audience", "required", "say whom it concerns, such as {\"everyone\": true}");
        return Audience::default();
    };
    let (audience, faults) = audience::read(value);
    fields.extend(below("/audience", faults));
    audience.unwrap_or_default()
}

fn spoken(value: &Value, longest: usize) -> Result<Spoken> {
    let mut fields = Fields::of(value)?;
    let spoken = Spoken { zh: fields.required("zh", longest), en: fields.required("en", longest) };
    fields.finish()?;
    Ok(spoken)
}

fn name(value: &Value) -> Result<Spoken> {
    spoken(value, LONGEST_NAME)
}

fn choice(value: &Value) -> Result<Spoken> {
    spoken(value, LONGEST_CHOICE)
}

fn cap(value: &Value) -> Result<CapFacts> {
    let mut fields = Fields::of(value)?;
    let none = no_facts();
    let facts = CapFacts {
        category: one_of(&mut fields, "category").unwrap_or(none.category),
        urgency: one_of(&mut fields, "urgency").unwrap_or(none.urgency),
        certainty: one_of(&mut fields, "certainty").unwrap_or(none.certainty),
        response_type: one_of(&mut fields, "response_type").unwrap_or(none.response_type),
        event: wanted(&mut fields, "event", name),
    };
    fields.finish()?;
    Ok(facts)
}

/// Stands where something is wrong, until all that is wrong is told.
fn no_facts() -> CapFacts {
    CapFacts {
        category: Category::Other,
        urgency: Urgency::Unknown,
        certainty: Certainty::Unknown,
        response_type: ResponseType::None,
        event: Spoken::default(),
    }
}

fn texts(value: &Value) -> Result<Texts> {
    let mut fields = Fields::of(value)?;
    let texts = Texts { zh: wanted(&mut fields, "zh", said), en: wanted(&mut fields, "en", said) };
    fields.finish()?;
    Ok(texts)
}

/// Reads what is said in one language: `{title, body, sms?, wechat?}`.
///
/// # Errors
///
/// Everything that is wrong with it.
pub fn said(value: &Value) -> Result<Said> {
    let mut fields = Fields::of(value)?;
    let said = Said {
        title: fields.required("title", MAX_TITLE),
        body: lines(&mut fields, "body", MAX_BODY, true),
        sms: fields.text("sms", LONGEST_SHORT).unwrap_or_default(),
        wechat: lines(&mut fields, "wechat", LONGEST_SHORT, false),
    };
    fields.finish()?;
    Ok(said)
}

/// A text of several lines.
fn lines(fields: &mut Fields<'_>, name: &'static str, longest: usize, needed: bool) -> String {
    let text = match fields.value(name) {
        None => String::new(),
        Some(Value::String(text)) => clean_text(text).trim().to_owned(),
        Some(_) => {
            fields.fault(name, "not_a_string", "send a string");
            return String::new();
        }
    };
    if needed && text.is_empty() {
        fields.fault(name, "required", format!("`{name}` is needed and must not be empty"));
    }
    if text.chars().count() > longest {
        fields.fault(name, "too_long", format!("at most {longest} characters"));
    }
    text
}

fn escalation(value: &Value) -> Result<Escalation> {
    let mut fields = Fields::of(value)?;
    let escalation =
        Escalation { after_minutes: minutes(&mut fields, "after_minutes"), channels: channels(&mut fields) };
    fields.finish()?;
    Ok(escalation)
}

/// The entries of a list of objects, each with its place; those that cannot be read are told of and left out.
fn entries<T>(
    fields: &mut Fields<'_>,
    name: &'static str,
    most: usize,
    read: fn(&Value) -> Result<T>,
) -> Vec<(usize, T)> {
    let list = match fields.value(name) {
        None => return Vec::new(),
        Some(Value::Array(list)) => list,
        Some(_) => {
            fields.fault(name, "not_a_list", "send a list of objects");
            return Vec::new();
        }
    };
    if list.len() > most {
        fields.fault(name, "too_many", format!("at most {most} entries"));
        return Vec::new();
    }
    let mut entries = Vec::with_capacity(list.len());
    for (i, entry) in list.iter().enumerate() {
        match read(entry) {
            Ok(entry) => entries.push((i, entry)),
            Err(error) => fields.extend(below(&format!("/{name}/{i}"), faults_of(error))),
        }
    }
    entries
}

fn placeholders(fields: &mut Fields<'_>) -> Vec<Placeholder> {
    let mut read: Vec<Placeholder> = Vec::new();
    for (i, one) in entries(fields, "placeholders", MOST_PLACEHOLDERS, placeholder) {
        if read.iter().any(|before| before.name == one.name) {
            let detail = format!("there are two placeholders `{}`", one.name);
            fields.extend([Fault::new(format!("/placeholders/{i}/name"), "duplicate", detail)]);
        }
        read.push(one);
    }
    read
}

fn placeholder(value: &Value) -> Result<Placeholder> {
    let mut fields = Fields::of(value)?;
    let name = fields.required("name", LONGEST_NAME);
    if name == TIME {
        fields.fault("name", "reserved", "`time` fills itself in; choose another name");
    } else if !name.is_empty() && !is_name(&name) {
        let detail = "1 to 32 of `a-z`, `0-9` and `_`, a letter first, as texts name it in {{ }}";
        fields.fault("name", "bad_name", detail);
    }
    let label = wanted(&mut fields, "label", self::name);
    let mut choices: Vec<Spoken> = Vec::new();
    let before = fields.value("choices").and_then(Value::as_array).is_some_and(|list| !list.is_empty());
    for (i, one) in entries(&mut fields, "choices", MOST_CHOICES, choice) {
        let names = names_of(&one);
        if choices.iter().any(|before| names_of(before).iter().any(|name| names.contains(name))) {
            let detail = format!("`{}` or `{}` names another choice already", one.zh, one.en);
            fields.extend([Fault::new(format!("/choices/{i}"), "duplicate", detail)]);
        }
        choices.push(one);
    }
    if !before {
        fields.fault("choices", "required", "at least one choice: nobody types while something burns");
    }
    fields.finish()?;
    Ok(Placeholder { name, label, choices })
}

fn is_name(name: &str) -> bool {
    name.len() <= 32
        && name.starts_with(|c: char| c.is_ascii_lowercase())
        && name.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'_')
        // Words of the templates' language.
        && !matches!(name, "and" | "or" | "not" | "in" | "is" | "if" | "else" | "true" | "false" | "none" | "loop")
}
