//! What administrators write about a source, and its rules.

use std::fmt::Display;
use std::str::FromStr;

use crate::Result;
use crate::domain::source::Right;
use crate::error::Faults;
use crate::store::sources::Grant;

const LONGEST_NAME: usize = 100;
const MOST_TOPICS: usize = 100;
/// Groups that one source is limited to.
const MOST_GROUPS: usize = 100;
/// Bytes that AMQP has room for.
const LONGEST_BROKER_USER: usize = 255;
pub const HIGHEST_RATE: i64 = 1_000_000;
pub const HIGHEST_QUOTA: i64 = 1_000_000_000;

/// A source to be; the same as [`GrantForm`] but for its name, which it keeps, and the kind of its first key.
#[derive(Clone, Debug, Default)]
pub struct NewSource {
    pub name: String,
    pub department: String,
    pub topics: Vec<String>,
    pub channels: Vec<String>,
    pub rights: Vec<String>,
    /// Slugs.
    pub groups: Vec<String>,
    pub rate_per_second: Option<i64>,
    pub daily_messages: Option<i64>,
    /// As whom it publishes at the broker; empty: it does not.
    pub broker_user: String,
    /// The first key is a test key.
    pub test: bool,
}

/// What a source may do, as written in a form or on a command line.
#[derive(Clone, Debug, Default)]
pub struct GrantForm {
    pub department: String,
    /// Patterns of the topics it may send on, at least one.
    pub topics: Vec<String>,
    /// Names of the channels it may use, at least one.
    pub channels: Vec<String>,
    pub rights: Vec<String>,
    /// Slugs of the groups it may write to; none: to anybody.
    pub groups: Vec<String>,
    pub rate_per_second: Option<i64>,
    pub daily_messages: Option<i64>,
    /// As whom it publishes at the broker; empty: it does not.
    pub broker_user: String,
}

impl NewSource {
    /// The name and the grant, or all faults.
    pub(super) fn check(self) -> Result<(String, Grant)> {
        let mut faults = Faults::default();
        let name = words("/name", &self.name, &mut faults);
        let form = GrantForm {
            department: self.department,
            topics: self.topics,
            channels: self.channels,
            rights: self.rights,
            groups: self.groups,
            rate_per_second: self.rate_per_second,
            daily_messages: self.daily_messages,
            broker_user: self.broker_user,
        };
        let grant = form.check(&mut faults);
        faults.into_result()?;
        Ok((name, grant))
    }
}

impl GrantForm {
    /// What could be read of it; whole only where no fault was added.
    pub(super) fn check(self, faults: &mut Faults) -> Grant {
        if self.topics.len() > MOST_TOPICS {
            faults.add("/topics", "too_many", format!("at most {MOST_TOPICS} topic patterns"));
        }
        limit("/rate_per_second", self.rate_per_second, HIGHEST_RATE, faults);
        limit("/daily_messages", self.daily_messages, HIGHEST_QUOTA, faults);
        if self.groups.len() > MOST_GROUPS {
            faults.add("/groups", "too_many", format!("at most {MOST_GROUPS} groups"));
        }
        let rights: Vec<Right> = each("/rights", &self.rights, faults, false);
        let groups: Vec<String> = each("/groups", &self.groups, faults, false);
        let past = rights.iter().filter(|right| !groups.is_empty() && right.reaches_past_groups());
        for right in past {
            let detail = format!(
                "with `{right}` it reaches people past these groups: take it away, or name no groups"
            );
            faults.add("/groups", "reached_past", detail);
        }
        Grant {
            department: words("/department", &self.department, faults),
            topics: each("/topics", &self.topics, faults, true),
            channels: each("/channels", &self.channels, faults, true),
            rights,
            groups,
            rate_per_second: self.rate_per_second,
            daily_messages: self.daily_messages,
            broker_user: broker_user(&self.broker_user, faults),
        }
    }
}

/// Names at the broker are whatever its administrators like, within what AMQP has room for.
fn broker_user(text: &str, faults: &mut Faults) -> Option<String> {
    let user = text.trim();
    if user.len() > LONGEST_BROKER_USER || user.chars().any(char::is_control) {
        let detail =
            format!("a user of the broker: at most {LONGEST_BROKER_USER} bytes, without line breaks");
        faults.add("/broker_user", "invalid", detail);
    }
    (!user.is_empty()).then(|| user.to_owned())
}

fn words(pointer: &str, text: &str, faults: &mut Faults) -> String {
    let text = text.trim();
    if text.is_empty() {
        faults.add(pointer, "required", "this must not be empty");
    } else if text.chars().count() > LONGEST_NAME {
        faults.add(pointer, "too_long", format!("at most {LONGEST_NAME} characters"));
    } else if text.chars().any(char::is_control) {
        faults.add(pointer, "control_character", "control characters and line breaks are not allowed");
    }
    text.to_owned()
}

/// Each text read, repetitions left out.
fn each<T>(pointer: &str, texts: &[String], faults: &mut Faults, required: bool) -> Vec<T>
where
    T: FromStr<Err: Display> + PartialEq,
{
    if required && texts.is_empty() {
        faults.add(pointer, "required", "at least one is needed");
    }
    let mut read = Vec::with_capacity(texts.len());
    for (at, text) in texts.iter().enumerate() {
        match text.trim().parse::<T>() {
            Ok(value) if read.contains(&value) => {}
            Ok(value) => read.push(value),
            Err(why) => faults.add(format!("{pointer}/{at}"), "invalid", why.to_string()),
        }
    }
    read
}

fn limit(pointer: &str, value: Option<i64>, highest: i64, faults: &mut Faults) {
    if value.is_some_and(|value| !(1..=highest).contains(&value)) {
        faults.add(pointer, "out_of_range", format!("a number from 1 to {highest}, or nothing for no limit"));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Error;
    use crate::domain::channel::ChannelKind;

    fn texts(list: &[&str]) -> Vec<String> {
        list.iter().map(|text| (*text).to_owned()).collect()
    }

    #[test]
    fn a_good_source_is_read() {
        let new = NewSource {
            name: " 图书馆 ".to_owned(),
            department: "图书馆".to_owned(),
            topics: texts(&["library.#", " library.# "]),
            channels: texts(&["sms", "email", "sms"]),
            rights: texts(&["emergency"]),
            rate_per_second: Some(20),
            broker_user: " 图书馆 ".to_owned(),
            ..NewSource::default()
        };
        let (name, grant) = new.check().unwrap();
        assert_eq!(name, "图书馆");
        assert_eq!(grant.topics.len(), 1, "repetitions count once");
        assert_eq!(grant.channels, [ChannelKind::Sms, ChannelKind::Email]);
        assert_eq!(grant.rights, [Right::Emergency]);
        assert_eq!((grant.rate_per_second, grant.daily_messages), (Some(20), None));
        assert_eq!(grant.broker_user.as_deref(), Some("图书馆"));
    }

    #[test]
    fn every_fault_is_told() {
        let new = NewSource {
            name: "a\nb".to_owned(),
            department: "  ".to_owned(),
            topics: texts(&["ok.#", "Not OK"]),
            rights: texts(&["fly"]),
            rate_per_second: Some(0),
            daily_messages: Some(-1),
            broker_user: "a\nb".to_owned(),
            ..NewSource::default()
        };
        let Err(Error::Invalid(faults)) = new.check() else { panic!("taken") };
        let mut at: Vec<_> = faults.iter().map(|fault| fault.pointer.as_str()).collect();
        at.sort_unstable();
        assert_eq!(
            at,
            [
                "/broker_user",
                "/channels",
                "/daily_messages",
                "/department",
                "/name",
                "/rate_per_second",
                "/rights/0",
                "/topics/1"
            ]
        );
    }
}
