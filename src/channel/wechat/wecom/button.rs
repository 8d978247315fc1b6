//! Buttons of a card: which an administrator wants, and what a press says.
//!
//! A press names a member, a card's `task_id` and a button's key, and nothing else. So the task names the message and the
//! application that sent it, and the key holds the words that were read: whoever changes the settings changes nothing
//! of what somebody answered before.

use std::collections::{HashMap, HashSet};
use std::fmt::Write as _;
use std::sync::LazyLock;

use sha2::{Digest as _, Sha256};
use url::form_urlencoded;

use crate::channel::fields::Fields;
use crate::clock::Timestamp;
use crate::domain::answer::UNANSWERED;
use crate::domain::emergency::Condition;
use crate::domain::group::is_slug;
use crate::domain::id::MessageId;

/// WeCom's limits: buttons of a card, and characters of what one says, beyond which its app cuts.
const MOST: usize = 6;
const LONGEST_TEXT: usize = 10;

#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Button {
    /// By which programs know the answer.
    key: String,
    text: String,
    /// Below a text in English.
    text_en: Option<String>,
}

impl Button {
    pub(super) fn words(&self, in_english: bool) -> &str {
        self.text_en.as_deref().filter(|_| in_english).unwrap_or(&self.text)
    }

    /// What WeCom calls it by.
    pub(super) fn event_key(&self, in_english: bool) -> String {
        let words: String = form_urlencoded::byte_serialize(self.words(in_english).as_bytes()).collect();
        format!("{}={words}", self.key)
    }
}

/// Those of a card that asks whether people are safe.
pub(super) fn roll_call() -> &'static [Button] {
    static BUTTONS: LazyLock<Vec<Button>> = LazyLock::new(|| {
        let button = |condition: &Condition| {
            let words = condition.words();
            Button { key: condition.name().to_owned(), text: words.zh, text_en: Some(words.en) }
        };
        Condition::ALL.iter().map(button).collect()
    });
    &BUTTONS
}

/// Key and words of the button that WeCom calls so; `None`: it is none of ours.
pub(super) fn pressed(event_key: &str) -> Option<(String, String)> {
    let (key, words) = form_urlencoded::parse(event_key.as_bytes()).next()?;
    (!key.is_empty() && !words.is_empty()).then(|| (key.into_owned(), words.into_owned()))
}

/// Those of one application.
#[derive(Clone, Debug, Default)]
pub(super) struct Buttons {
    usual: Vec<Button>,
    /// By our templates' slugs.
    own: HashMap<String, Vec<Button>>,
}

impl Buttons {
    /// Reads `buttons` and `templates`.
    pub(super) fn read(fields: &mut Fields<'_>) -> Self {
        let usual = list(fields);
        let own = fields.objects("templates", |fields| {
            let has = fields.take("buttons").is_some();
            if !has && fields.is_object() {
                fields.fault("buttons", "required", "the buttons of this template's cards; [] for none");
            }
            list(fields)
        });
        Self { usual, own: own.into_iter().map(|(slug, list)| (slug.to_owned(), list)).collect() }
    }

    /// Of the cards of a message by its template, or those of all that have none of their own.
    pub(super) fn of(&self, template: Option<&str>) -> &[Button] {
        template.and_then(|slug| self.own.get(slug)).unwrap_or(&self.usual)
    }

    /// No card has any.
    pub(super) fn is_empty(&self) -> bool {
        self.usual.is_empty() && self.own.values().all(Vec::is_empty)
    }
}

fn list(fields: &mut Fields<'_>) -> Vec<Button> {
    let buttons = fields.list("buttons", MOST, |fields| {
        let key = fields.required("key");
        if !key.is_empty() && (!is_slug(&key) || key == UNANSWERED) {
            let detail = format!(
                "1 to 64 of `a-z`, `0-9`, `-` and `_`, a letter or digit first, and not `{UNANSWERED}`"
            );
            fields.fault("key", "bad_slug", detail);
        }
        let text = fields.required("text");
        let text_en = fields.text("text_en");
        for (name, text) in [("text", Some(&text)), ("text_en", text_en.as_ref())] {
            if text.is_some_and(|text| text.chars().count() > LONGEST_TEXT) {
                fields.fault(name, "too_long", format!("a button says at most {LONGEST_TEXT} characters"));
            }
        }
        Button { key, text, text_en }
    });
    let mut known = HashSet::new();
    for (place, button) in buttons.iter().enumerate().filter(|(_, button)| !button.key.is_empty()) {
        if !known.insert(&button.key) {
            let detail = format!("there is another button `{}`", button.key);
            fields.fault(&format!("buttons/{place}/key"), "duplicate", detail);
        }
    }
    buttons
}

/// What an application's cards are known by, so that none reads what was pressed on another's.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Mark(String);

impl Mark {
    pub(super) fn of(corp_id: &str, agent_id: u64) -> Self {
        Self(digest(&[corp_id, &agent_id.to_string()], 4))
    }

    /// The id of the card of a call. A repeat of the call has the same; no two calls that WeCom takes do, as one member
    /// gets a message once, or again after a provider had taken it.
    pub(super) fn task(
        &self,
        message: MessageId,
        members: &[&str],
        sent_before: Option<Timestamp>,
    ) -> String {
        let members = members.join("|").to_ascii_lowercase();
        let before = sent_before.map_or(0, Timestamp::millis).to_string();
        format!("{message}-{}-{}", self.0, digest(&[&members, &before], 8))
    }

    /// The message of a card with this id; `None`: it is none of this application's by us.
    pub(super) fn message_of(&self, task: &str) -> Option<MessageId> {
        let mut parts = task.split('-');
        let (message, mark, _) = (parts.next()?, parts.next()?, parts.next()?);
        if mark != self.0 || parts.next().is_some() {
            return None;
        }
        message.parse().ok()
    }
}

/// The first bytes of it, in hexadecimal digits.
fn digest(parts: &[&str], bytes: usize) -> String {
    let digest = Sha256::digest(parts.join("\n"));
    digest.iter().take(bytes).fold(String::with_capacity(2 * bytes), |mut text, byte| {
        // Writing to a text cannot fail.
        let _ = write!(text, "{byte:02x}");
        text
    })
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    fn read(settings: &Value) -> (Buttons, Vec<(String, String)>) {
        let mut fields = Fields::of(settings);
        let buttons = Buttons::read(&mut fields);
        let faults = fields.finish().into_iter().map(|f| (f.pointer, f.code.into_owned())).collect();
        (buttons, faults)
    }

    #[test]
    fn a_template_has_buttons_of_its_own_or_those_of_all() {
        let (buttons, faults) = read(&json!({
            "buttons": [{ "key": "received", "text": "收到", "text_en": "Received" }],
            "templates": {
                "safe": { "buttons": [{ "key": "safe", "text": "我安全" }, { "key": "help", "text": "需要帮助" }] },
                "quiet": { "buttons": [] },
            },
        }));
        assert_eq!(faults, []);
        let words = |template, in_english| {
            let words = buttons.of(template).iter().map(|button| button.words(in_english).to_owned());
            words.collect::<Vec<_>>()
        };
        assert_eq!((words(None, false), words(None, true)), (vec!["收到".into()], vec!["Received".into()]));
        assert_eq!(words(Some("another"), false), ["收到"]);
        assert_eq!(words(Some("safe"), true), ["我安全", "需要帮助"], "no other words are known");
        assert!(words(Some("quiet"), false).is_empty() && !buttons.is_empty());
    }

    #[test]
    fn what_wecom_would_refuse_is_told_at_its_place() {
        let long = "一二三四五六七八九十多";
        let (_, faults) = read(&json!({
            "buttons": [
                { "key": "a b", "text": long }, { "key": "none", "text": "x", "colour": 1 }, { "text_en": long },
                { "key": "yes", "text": "是" }, { "key": "yes", "text": "好" },
            ],
            "templates": { "a": {}, "b": { "buttons": [{}, {}, {}, {}, {}, {}, {}] } },
        }));
        let expected = [
            ("/buttons/0/key", "bad_slug"),
            ("/buttons/0/text", "too_long"),
            ("/buttons/1/key", "bad_slug"),
            ("/buttons/1/colour", "unknown_field"),
            ("/buttons/2/key", "required"),
            ("/buttons/2/text", "required"),
            ("/buttons/2/text_en", "too_long"),
            ("/buttons/4/key", "duplicate"),
            ("/templates/a/buttons", "required"),
            ("/templates/b/buttons", "too_many"),
        ];
        assert_eq!(faults, expected.map(|(pointer, code)| (pointer.to_owned(), code.to_owned())));
    }

    #[test]
    fn a_press_tells_the_words_that_were_read() {
        let text = "收到 & 谢=谢?";
        let button = Button { key: "got-it".to_owned(), text: text.to_owned(), text_en: None };
        let key = button.event_key(false);
        assert!(key.is_ascii(), "{key}");
        assert_eq!(pressed(&key), Some(("got-it".to_owned(), text.to_owned())));
        for foreign in ["", "submit", "=x", "a="] {
            assert_eq!(pressed(foreign), None, "{foreign}");
        }
    }

    #[test]
    fn a_card_names_its_message_to_its_application_alone() {
        let (ours, other) = (Mark::of("ww1", 1_000_002), Mark::of("ww1", 1_000_003));
        let message = MessageId(7_001);
        let task = ours.task(message, &["lina", "Wang"], None);
        assert!(task.len() <= 128 && task.bytes().all(|b| b.is_ascii_alphanumeric() || b"_-@".contains(&b)));
        assert_eq!((ours.message_of(&task), other.message_of(&task)), (Some(message), None));
        assert_eq!(task, ours.task(message, &["LINA", "wang"], None), "a repeat is the same call");
        assert_ne!(task, ours.task(message, &["lina"], None));
        assert_ne!(task, ours.task(message, &["lina", "Wang"], Some(Timestamp(5))));
        for foreign in ["", "task-7", "msg_1-0a1b", &format!("{task}-1")] {
            assert_eq!(ours.message_of(foreign), None, "{foreign}");
        }
    }
}
