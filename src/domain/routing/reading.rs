//! Reads a list of rules from JSON and finds everything that is wrong with it.

use std::collections::HashSet;
use std::fmt::Display;
use std::str::FromStr;

use serde_json::Value;

use super::{Action, AudienceMode, ChannelPlan, Condition, QuietHours, Rule, RuleAudience, Step};
use crate::domain::audience;
use crate::domain::channel::ChannelKind;
use crate::domain::fields::{Fields, below, faults_of};
use crate::domain::filter::Filter;
use crate::domain::group::is_slug;
use crate::domain::id::RuleId;
use crate::error::{Error, Fault, Result};

/// Rules in a list.
pub const MOST_RULES: usize = 500;
/// Entries of a list in a condition.
const MOST_ENTRIES: usize = 100;
const LONGEST_NAME: usize = 100;
const LONGEST_NOTE: usize = 500;
const LONGEST_SOURCE: usize = 200;
const LONGEST_WORD: usize = 100;
const LONGEST_REASON: usize = 200;
const LONGEST_SLUG: usize = 64;
/// A day: who was not reached by then is not reached sooner by one more channel.
const LONGEST_WAIT: u64 = 1_440;
/// Thirty days.
const LONGEST_LIFE: u64 = 43_200;

/// A list of rules as it is written.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct RuleList {
    /// The version it was made from, where it must still be the latest.
    pub version: Option<i64>,
    /// What the change is about.
    pub note: Option<String>,
    pub rules: Vec<Rule>,
}

/// Reads `{version?, note?, rules: […]}`. `identify` says which rule one is, by the id it brings, if it does, and its
/// name.
///
/// # Errors
///
/// [`Error::Invalid`] with every fault.
pub fn read(value: &Value, mut identify: impl FnMut(Option<RuleId>, &str) -> RuleId) -> Result<RuleList> {
    let mut fields = Fields::of(value)?;
    let note = fields.text("note", LONGEST_NOTE);
    let mut list = RuleList { version: fields.version(), note, rules: Vec::new() };
    let rules = match fields.value("rules") {
        Some(Value::Array(rules)) if rules.len() > MOST_RULES => {
            fields.fault("rules", "too_many", format!("at most {MOST_RULES} rules"));
            &[]
        }
        Some(Value::Array(rules)) => rules.as_slice(),
        Some(_) => {
            fields.fault("rules", "not_a_list", "send a list of rules");
            &[]
        }
        None => {
            fields.fault("rules", "required", "`rules` is needed; an empty list for no rules");
            &[]
        }
    };
    let (mut names, mut ids) = (HashSet::new(), HashSet::new());
    for (i, value) in rules.iter().enumerate() {
        let at = format!("/rules/{i}");
        match rule(value, &mut identify) {
            Ok(rule) => {
                if !names.insert(rule.name.clone()) {
                    let detail = format!("another rule is called `{}`", rule.name);
                    fields.extend([Fault::new(format!("{at}/name"), "duplicate", detail)]);
                } else if !ids.insert(rule.id) {
                    fields.extend([Fault::new(format!("{at}/id"), "duplicate", "another rule has this id")]);
                }
                list.rules.push(rule);
            }
            Err(error) => fields.extend(below(&at, faults_of(error))),
        }
    }
    fields.finish()?;
    Ok(list)
}

fn rule(value: &Value, identify: &mut impl FnMut(Option<RuleId>, &str) -> RuleId) -> Result<Rule> {
    let mut fields = Fields::of(value)?;
    let id = fields.text("id", LONGEST_NAME).and_then(|text| {
        text.parse().map_err(|_| fields.fault("id", "invalid_id", "leave it out for a new rule")).ok()
    });
    let name = fields.required("name", LONGEST_NAME);
    let enabled = boolean(&mut fields, "enabled").unwrap_or(true);
    let stop = boolean(&mut fields, "stop").unwrap_or(false);
    let when = fields.nested("when", condition).unwrap_or_default();
    let unless = fields.nested("unless", condition);
    if unless.as_ref().is_some_and(Condition::is_empty) {
        let detail = "an exception that asks nothing holds always, and the rule never matches";
        fields.fault("unless", "required", detail);
    }
    let then = fields.nested("then", action).unwrap_or_default();
    let given = value.get("then").and_then(Value::as_object).is_some_and(|then| !then.is_empty());
    if !stop && !given {
        fields.fault("then", "required", "say what the rule does, or let it `stop`");
    }
    fields.finish()?;
    let id = identify(id, &name);
    Ok(Rule { id, name, enabled, stop, when, unless, then })
}

fn boolean(fields: &mut Fields<'_>, name: &'static str) -> Option<bool> {
    let value = fields.value(name)?;
    if value.as_bool().is_none() {
        fields.fault(name, "not_a_boolean", "send true or false");
    }
    value.as_bool()
}

fn condition(value: &Value) -> Result<Condition> {
    let mut fields = Fields::of(value)?;
    let read = Condition {
        sources: texts(&mut fields, "sources", LONGEST_SOURCE),
        topics: parsed(&mut fields, "topics", "invalid_topic"),
        categories: parsed(&mut fields, "categories", "unknown_value"),
        priorities: parsed(&mut fields, "priorities", "unknown_value"),
        attributes: attributes(&mut fields),
        words: texts(&mut fields, "words", LONGEST_WORD),
    };
    fields.finish()?;
    Ok(read)
}

fn texts(fields: &mut Fields<'_>, name: &'static str, longest: usize) -> Vec<String> {
    let mut read = Vec::new();
    for (i, text) in fields.texts(name, MOST_ENTRIES).into_iter().enumerate() {
        if (1..=longest).contains(&text.trim().chars().count()) {
            read.push(text.trim().to_owned());
        } else {
            let detail = format!("1 to {longest} characters");
            fields.extend([Fault::new(format!("/{name}/{i}"), "length", detail)]);
        }
    }
    not_empty(fields, name);
    read
}

/// A list that was given and is empty would ask nothing, which nobody means by it.
fn not_empty(fields: &mut Fields<'_>, name: &'static str) {
    if fields.value(name).and_then(Value::as_array).is_some_and(Vec::is_empty) {
        fields.fault(name, "required", "name at least one, or leave it out");
    }
}

fn parsed<T: FromStr<Err: Display>>(
    fields: &mut Fields<'_>,
    name: &'static str,
    code: &'static str,
) -> Vec<T> {
    let read = fields.parsed(name, MOST_ENTRIES, code);
    not_empty(fields, name);
    read
}

fn attributes(fields: &mut Fields<'_>) -> Option<Filter> {
    let Value::String(text) = fields.value("attributes")? else {
        fields.fault("attributes", "not_a_string", "send a filter such as level = 'urgent'");
        return None;
    };
    Filter::parse(text).map_err(|error| fields.extend([error.into_fault("/attributes")])).ok()
}

fn action(value: &Value) -> Result<Action> {
    let mut fields = Fields::of(value)?;
    let template = fields.text("template", LONGEST_SLUG);
    if template.as_deref().is_some_and(|slug| !is_slug(slug)) {
        fields.fault("template", "bad_slug", "1 to 64 of `a-z`, `0-9`, `-` and `_`, a letter or digit first");
    }
    let hold = fields.value("hold").is_some().then(|| fields.required("hold", LONGEST_REASON));
    let quiet_hours = fields.text("quiet_hours", LONGEST_SLUG).and_then(|text| {
        text.parse::<QuietHours>().map_err(|why| fields.fault("quiet_hours", "unknown_value", why)).ok()
    });
    let read = Action {
        template,
        hold,
        expires_in_minutes: minutes(&mut fields, "expires_in_minutes", LONGEST_LIFE),
        quiet_hours,
        audience: fields.nested("audience", rule_audience),
        channels: fields.nested("channels", channels),
    };
    fields.finish()?;
    Ok(read)
}

fn minutes(fields: &mut Fields<'_>, name: &'static str, longest: u64) -> Option<u32> {
    let value = fields.value(name)?;
    let minutes = value.as_u64().filter(|minutes| (1..=longest).contains(minutes));
    if minutes.is_none() {
        fields.fault(name, "out_of_range", format!("send a whole number of minutes from 1 to {longest}"));
    }
    minutes.and_then(|minutes| u32::try_from(minutes).ok())
}

fn rule_audience(value: &Value) -> Result<RuleAudience> {
    let mut fields = Fields::of(value)?;
    let mode = match fields.text("mode", LONGEST_SLUG).as_deref().map(str::parse) {
        Some(Ok(mode)) => mode,
        Some(Err(why)) => {
            fields.fault("mode", "unknown_value", why);
            AudienceMode::Add
        }
        None => AudienceMode::Add,
    };
    let people = audience::fields(&mut fields, value, true);
    fields.finish()?;
    Ok(RuleAudience { mode, people })
}

fn channels(value: &Value) -> Result<ChannelPlan> {
    let mut fields = Fields::of(value)?;
    let together: Vec<ChannelKind> = parsed(&mut fields, "together", "unknown_value");
    let steps = steps(&mut fields);
    let given = ["together", "fallback"].map(|name| value.get(name).is_some_and(|value| !value.is_null()));
    if given[0] == given[1] {
        let detail = "give either `together`, a list of channels, or `fallback`, a list of steps";
        fields.extend([Fault::new("", "exclusive", detail)]);
    }
    let plan = if given[1] { ChannelPlan::Fallback(steps) } else { ChannelPlan::Together(together) };
    let mut seen = HashSet::new();
    if !plan.channels().iter().all(|channel| seen.insert(*channel)) {
        fields.extend([Fault::new("", "duplicate", "name each channel once")]);
    }
    fields.finish()?;
    Ok(plan)
}

fn steps(fields: &mut Fields<'_>) -> Vec<Step> {
    let list = match fields.value("fallback") {
        None => return Vec::new(),
        Some(Value::Array(list)) if (2..=ChannelKind::ALL.len()).contains(&list.len()) => list,
        Some(_) => {
            let detail = format!("send a list of 2 to {} steps", ChannelKind::ALL.len());
            fields.fault("fallback", "not_a_list", detail);
            return Vec::new();
        }
    };
    let mut read = Vec::new();
    for (i, value) in list.iter().enumerate() {
        match step(value, i + 1 == list.len()) {
            Ok(step) => read.push(step),
            Err(error) => fields.extend(below(&format!("/fallback/{i}"), faults_of(error))),
        }
    }
    read
}

fn step(value: &Value, last: bool) -> Result<Step> {
    let mut fields = Fields::of(value)?;
    let channel = fields.required("channel", LONGEST_SLUG);
    let wait_minutes = minutes(&mut fields, "wait_minutes", LONGEST_WAIT);
    match value.get("wait_minutes") {
        Some(_) if last => fields.fault("wait_minutes", "not_wanted", "nothing comes after the last step"),
        None if !last => fields.fault("wait_minutes", "required", "how long to wait before the next channel"),
        _ => {}
    }
    let channel: Option<ChannelKind> = match channel.parse() {
        Ok(channel) => Some(channel),
        Err(_) if channel.is_empty() => None,
        Err(why) => {
            fields.fault("channel", "unknown_value", why);
            None
        }
    };
    fields.finish()?;
    let channel = channel.ok_or_else(|| Error::fault("/channel", "required", "`channel` is needed"))?;
    Ok(Step { channel, wait_minutes })
}
