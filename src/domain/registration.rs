//! A system that asks for a key by itself: what it says of itself, and what becomes of it.

use std::fmt;

use serde::{Deserialize, Serialize};
use serde_json::Value;
use unicode_normalization::UnicodeNormalization as _;

use super::address::normalise_email;
use super::channel::ChannelKind;
use super::fields::Fields;
use super::message::coded;
use super::sensitive::plain::Plain;
use super::topic::TopicPattern;
use crate::error::Result;

pub const LONGEST_NAME: usize = 100;
/// Of a mailbox's address (RFC 5321 §4.5.3.1.3).
pub const LONGEST_EMAIL: usize = 254;
pub const LONGEST_PURPOSE: usize = 1_000;
pub const MOST_TOPICS: usize = 100;

coded! {
    /// What became of it.
    RegistrationState {
        Pending = 1 "pending",
        Approved = 2 "approved",
        Rejected = 3 "rejected",
        /// Nobody looked at it in time. Kept as pending.
        Expired = 4 "expired",
    }
}

/// What a system asks for, whose fields are plain lines.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Registration {
    /// Of the system; in Unicode's form C, as all of them.
    pub name: String,
    pub department: String,
    /// Who answers for it.
    pub contact_name: String,
    pub contact_email: String,
    /// What it is to send, and to whom.
    pub purpose: String,
    /// At least one.
    pub topics: Vec<TopicPattern>,
    /// At least one.
    pub channels: Vec<ChannelKind>,
}

impl Registration {
    /// Reads `{name, department, contact_name, contact_email, purpose, topics, channels}`. Rights are none of them: an
    /// administrator grants those.
    ///
    /// # Errors
    ///
    /// [`Error::Invalid`](crate::Error::Invalid) with every fault.
    pub fn read(body: &Value) -> Result<Self> {
        let mut fields = Fields::of(body)?;
        let name = line(&mut fields, "name", LONGEST_NAME);
        if mixes_letters(&name) {
            let detail = "letters of the Latin alphabet do not stand beside Greek or Cyrillic ones";
            fields.fault("name", "mixed_letters", detail);
        }
        let department = line(&mut fields, "department", LONGEST_NAME);
        let contact_name = line(&mut fields, "contact_name", LONGEST_NAME);
        let written = fields.required("contact_email", LONGEST_EMAIL);
        let contact_email = match normalise_email(&written) {
            Ok(address) => address,
            Err(why) => {
                if !written.is_empty() {
                    fields.fault("contact_email", "bad_address", why.to_string());
                }
                written
            }
        };
        let purpose = line(&mut fields, "purpose", LONGEST_PURPOSE);
        let topics = list(&mut fields, "topics", MOST_TOPICS);
        let channels = list(&mut fields, "channels", 2 * ChannelKind::ALL.len());
        fields.finish()?;
        Ok(Self { name, department, contact_name, contact_email, purpose, topics, channels })
    }
}

/// A text that must be there, of characters that are seen.
fn line(fields: &mut Fields<'_>, name: &'static str, longest: usize) -> String {
    let text = fields.required(name, longest);
    if let Some(hidden) = text.chars().find(|c| is_hidden(*c)) {
        let detail = format!(
            "U+{:04X} is seen by nobody, turns the text around it or has no meaning of its own",
            u32::from(hidden)
        );
        fields.fault(name, "hidden_character", detail);
    }
    text.nfc().collect()
}

/// At least one, repetitions left out.
fn list<T>(fields: &mut Fields<'_>, name: &'static str, most: usize) -> Vec<T>
where
    T: std::str::FromStr<Err: fmt::Display> + PartialEq,
{
    if fields.value(name).is_none_or(|value| value.as_array().is_some_and(Vec::is_empty)) {
        fields.fault(name, "required", format!("`{name}` is needed and must not be empty"));
        return Vec::new();
    }
    let mut kept = Vec::new();
    for value in fields.parsed::<T>(name, most, "invalid") {
        if !kept.contains(&value) {
            kept.push(value);
        }
    }
    kept
}

/// `Default_Ignorable_Code_Point` of Unicode, what sets the direction or the line of a text, and private use.
fn is_hidden(character: char) -> bool {
    matches!(u32::from(character),
        0xAD | 0x34F | 0x61C | 0x115F..=0x1160 | 0x17B4..=0x17B5 | 0x180B..=0x180F | 0x200B..=0x200F
        | 0x2028..=0x202E | 0x2060..=0x206F | 0x3164 | 0xE000..=0xF8FF | 0xFE00..=0xFE0F | 0xFEFF | 0xFFA0
        | 0xFFF0..=0xFFFB | 0xE0000..=0xE0FFF | 0xF_0000..=0x10_FFFF)
}

/// `а` is not `a`, and nobody sees it.
fn mixes_letters(text: &str) -> bool {
    let is_latin = |c: char| c.is_alphabetic() && matches!(u32::from(c), 0x41..=0x24F | 0x1E00..=0x1EFF);
    let is_other = |c: char| matches!(u32::from(c), 0x370..=0x52F | 0x1C80..=0x1C8F | 0x1F00..=0x1FFF | 0x2DE0..=0x2DFF | 0xA640..=0xA69F);
    text.chars().any(is_latin) && text.chars().any(is_other)
}

/// Whether somebody may take one name for the other: case, width, accents, spaces and punctuation aside they are the same.
pub fn looks_like(name: &str, other: &str) -> bool {
    let look = |name| Plain::of(name).text.chars().filter(|c| !c.is_whitespace()).collect::<String>();
    look(name) == look(other)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::Error;

    fn whole() -> Value {
        json!({
            "name": " 图书馆门户 ", "department": "图书馆", "contact_name": "李伟", "contact_email": "liwei@LIB.example.edu.cn",
            "purpose": "借阅到期提醒", "topics": ["library.#", "library.#"], "channels": ["email", "sms", "email"],
        })
    }

    fn faults(body: &Value) -> Vec<(String, String)> {
        let Err(Error::Invalid(faults)) = Registration::read(body) else { panic!("taken: {body}") };
        faults.into_iter().map(|fault| (fault.pointer, fault.code.into_owned())).collect()
    }

    fn with(field: &str, value: Value) -> Value {
        let mut body = whole();
        body[field] = value;
        body
    }

    #[test]
    fn what_is_asked_for_is_read_in_one_spelling() {
        let read = Registration::read(&whole()).unwrap();
        assert_eq!(
            (read.name.as_str(), read.contact_email.as_str()),
            ("图书馆门户", "liwei@lib.example.edu.cn")
        );
        assert_eq!(read.topics, ["library.#".parse().unwrap()]);
        assert_eq!(read.channels, [ChannelKind::Email, ChannelKind::Sms]);
        let composed = Registration::read(&with("name", json!("Cafe\u{301}"))).unwrap();
        assert_eq!(composed.name, "Caf\u{e9}");
    }

    #[test]
    fn every_fault_is_told_at_once() {
        let mut missing: Vec<_> =
            faults(&json!({})).into_iter().map(|(at, code)| format!("{at} {code}")).collect();
        missing.sort();
        assert_eq!(
            missing,
            [
                "/channels required",
                "/contact_email required",
                "/contact_name required",
                "/department required",
                "/name required",
                "/purpose required",
                "/topics required",
            ]
        );
        let body = json!({
            "name": "a\nb", "department": "x".repeat(101), "contact_name": 7, "contact_email": "nobody",
            "purpose": "\u{202e}", "topics": ["Not OK"], "channels": ["fax"], "rights": ["emergency"],
        });
        let mut wrong: Vec<_> = faults(&body).into_iter().map(|(at, code)| format!("{at} {code}")).collect();
        wrong.sort();
        assert_eq!(
            wrong,
            [
                "/channels/0 invalid",
                "/contact_email bad_address",
                "/contact_name not_a_string",
                "/department too_long",
                "/name control_character",
                "/purpose hidden_character",
                "/rights unknown_field",
                "/topics/0 invalid",
            ]
        );
    }

    #[test]
    fn no_name_pretends_to_be_another() {
        for name in
            ["图书\u{200b}馆", "\u{202e}教务", "教务\u{fe0f}", "教务\u{e000}", "a\u{2066}b", "教\u{2028}务"]
        {
            assert_eq!(faults(&with("name", json!(name)))[0].1, "hidden_character", "{name:?}");
        }
        assert_eq!(faults(&with("name", json!("L\u{456}brary")))[0].1, "mixed_letters");
        for name in ["图书馆（本部）", "Library 2", "Библиотека", "π", "人力资源·招聘"]
        {
            assert!(Registration::read(&with("name", json!(name))).is_ok(), "{name}");
        }
    }

    #[test]
    fn names_that_look_alike_are_told_from_others() {
        for other in ["图书馆 门户", "图书馆·门户", "【图书馆】门户"] {
            assert!(looks_like("图书馆门户", other), "{other}");
        }
        assert!(looks_like("Library", "ＬＩＢＲＡＲＹ") && looks_like("Library", "lībrary"));
        assert!(!looks_like("图书馆门户", "图书馆门户2") && !looks_like("Library", "Librarian"));
    }

    #[test]
    fn lists_are_bounded() {
        let topics: Vec<_> = (0..=MOST_TOPICS).map(|n| format!("a.n{n}")).collect();
        assert_eq!(faults(&with("topics", json!(topics))), [("/topics".to_owned(), "too_many".to_owned())]);
        assert_eq!(
            faults(&with("topics", json!("library.#"))),
            [("/topics".to_owned(), "not_a_list".to_owned())]
        );
    }
}
