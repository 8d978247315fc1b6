//! What somebody has filled in so far, finished or not, and the message it is.

use jiff::civil::DateTime;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};

use super::super::Campus;
use crate::clock::Timestamp;
use crate::domain::channel::ChannelKind;
use crate::domain::content::{Content, Variant};
use crate::domain::message::Category;

/// A message as it is being written. Texts are as they were typed: what is wrong with them is said, never lost.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Composed {
    /// For which it is written; the author's only one, or the whole campus, where it is empty.
    pub department: String,
    pub topic: String,
    pub category: String,
    pub channels: Vec<ChannelKind>,
    /// A slug, instead of title, body and variants.
    pub template: String,
    /// Names and values of its variables.
    pub params: Vec<(String, String)>,
    pub title: String,
    pub body: String,
    pub link: String,
    /// Key, title and body.
    pub variants: Vec<(String, String, String)>,
    pub whom: Whom,
    /// `2026-09-21T08:00` in the campus's time zone; at once where it is empty.
    pub send_at: String,
    /// As `send_at`; as usual where it is empty.
    pub expires_at: String,
    /// Somebody else is to look at it first.
    pub review: bool,
    /// The sensitive words that its author has looked at, as [`looked_at`](super::looked_at) says it.
    pub looked_at: String,
    /// The page that wrote it last: what one page sends twice, or faster than it is answered, is no conflict.
    pub window: String,
}

/// For whom it is, in as many ways as there are.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Whom {
    pub everyone: bool,
    /// Slugs.
    pub groups: Vec<String>,
    /// In the filter language.
    pub filter: String,
    /// Campus ids as they were pasted.
    pub ids: String,
    /// Groups and people who are left out.
    pub without_groups: Vec<String>,
    pub without_ids: String,
}

impl Whom {
    pub fn is_nobody(&self) -> bool {
        let Self { everyone, groups, filter, ids, .. } = self;
        !everyone && groups.is_empty() && filter.trim().is_empty() && campus_ids(ids).is_empty()
    }

    /// As a message names it.
    pub fn document(&self) -> Value {
        let mut audience = part(&self.groups, &self.ids);
        if self.everyone {
            audience.insert("everyone".to_owned(), true.into());
        }
        if !self.filter.trim().is_empty() {
            audience.insert("where".to_owned(), self.filter.trim().into());
        }
        let without = part(&self.without_groups, &self.without_ids);
        if !without.is_empty() {
            audience.insert("exclude".to_owned(), without.into());
        }
        audience.into()
    }
}

fn part(groups: &[String], ids: &str) -> Map<String, Value> {
    let mut part = Map::new();
    if !groups.is_empty() {
        part.insert("groups".to_owned(), json!(groups));
    }
    let ids = campus_ids(ids);
    if !ids.is_empty() {
        part.insert("recipients".to_owned(), json!(ids));
    }
    part
}

/// Campus ids as they are pasted: one a line, or with commas or spaces between, each once.
pub fn campus_ids(text: &str) -> Vec<String> {
    let mut ids: Vec<String> = Vec::new();
    let mut seen = std::collections::HashSet::new();
    let apart = |c: char| c.is_whitespace() || matches!(c, ',' | '，' | '、' | ';' | '；');
    for id in text.split(apart).filter(|id| !id.is_empty()) {
        if seen.insert(id) {
            ids.push(id.to_owned());
        }
    }
    ids
}

impl Composed {
    /// Nobody has written anything yet.
    pub fn is_blank(&self) -> bool {
        let texts = [&self.topic, &self.template, &self.title, &self.body, &self.link];
        texts.into_iter().all(|text| text.trim().is_empty())
            && self.rows().next().is_none()
            && self.whom.is_nobody()
    }

    /// Its own texts; a template's are elsewhere.
    pub fn content(&self) -> Content {
        let some = |text: &String| Some(text.clone()).filter(|text| !text.trim().is_empty());
        let variant = |(key, title, body): &(String, String, String)| {
            (key.clone(), Variant { title: some(title), body: some(body) })
        };
        Content {
            title: self.title.clone(),
            body: self.body.clone(),
            variants: self.rows().map(variant).collect(),
            link: some(&self.link),
            language: None,
        }
    }

    /// Rows without a word are none.
    fn rows(&self) -> impl Iterator<Item = &(String, String, String)> {
        self.variants.iter().filter(|(key, title, body)| {
            !(key.trim().is_empty() && title.trim().is_empty() && body.trim().is_empty())
        })
    }

    /// The values of a template's variables that are filled in.
    pub fn values(&self) -> Map<String, Value> {
        let filled = self.params.iter().filter(|(name, value)| !name.is_empty() && !value.trim().is_empty());
        filled.map(|(name, value)| (name.clone(), value.trim().into())).collect()
    }

    /// The message as it would be sent, whether or not it could be.
    pub(super) fn document(&self, campus: &Campus) -> Value {
        let mut message = Map::new();
        let mut put = |name: &str, value: Value| {
            message.insert(name.to_owned(), value);
        };
        put("topic", self.topic.as_str().into());
        let category = if self.category.is_empty() { Category::Announcement.name() } else { &self.category };
        put("category", category.into());
        if !self.channels.is_empty() {
            put("channels", json!(self.channels));
        }
        if self.template.is_empty() {
            let Content { title, body, variants, .. } = self.content();
            put("title", title.into());
            put("body", body.into());
            if !variants.is_empty() {
                put("variants", json!(variants));
            }
        } else {
            put("template", self.template.as_str().into());
            let values = self.values();
            if !values.is_empty() {
                put("params", values.into());
            }
        }
        if !self.link.trim().is_empty() {
            put("link", self.link.trim().into());
        }
        if !self.whom.is_nobody() {
            put("audience", self.whom.document());
        }
        for (name, typed) in [("send_at", &self.send_at), ("expires_at", &self.expires_at)] {
            if !typed.trim().is_empty() {
                put(name, moment(campus, typed).map_or_else(|| typed.as_str().into(), Value::from));
            }
        }
        Value::Object(message)
    }

    /// When it is to be sent, where that is said and can be read.
    pub fn sends_at(&self, campus: &Campus) -> Option<Timestamp> {
        let at: DateTime = self.send_at.trim().parse().ok()?;
        campus.time_zone.to_timestamp(at).ok().map(Timestamp::from)
    }
}

/// A moment by the campus's clocks, as messages name it.
fn moment(campus: &Campus, typed: &str) -> Option<String> {
    let at: DateTime = typed.trim().parse().ok()?;
    campus.time_zone.to_timestamp(at).ok().map(|at| at.to_string())
}

#[cfg(test)]
mod tests {
    use jiff::tz::TimeZone;

    use super::*;
    use crate::config::Language;

    fn campus() -> Campus {
        Campus {
            name: "钟楼大学".to_owned(),
            time_zone: TimeZone::get("Asia/Shanghai").unwrap(),
            language: Language::SimplifiedChinese,
            public_url: "http://localhost".parse().unwrap(),
        }
    }

    #[test]
    fn pasted_ids_come_one_by_one() {
        let pasted = " 2024001\r\n2024002, 2024003，2024001、T9;\t\n";
        assert_eq!(campus_ids(pasted), ["2024001", "2024002", "2024003", "T9"]);
        assert!(campus_ids(" ,\n").is_empty());
    }

    #[test]
    fn times_are_the_campuss_own() {
        let at = |text: &str| {
            let composed = Composed { send_at: text.to_owned(), ..Composed::default() };
            composed.document(&campus())["send_at"].clone()
        };
        assert_eq!(at("2026-09-21T08:00"), json!("2026-09-21T00:00:00Z"));
        assert_eq!(at("tomorrow"), json!("tomorrow"), "what cannot be read is told, not lost");
        assert_eq!(at(""), Value::Null);
    }

    #[test]
    fn a_template_stands_instead_of_texts() {
        let mut composed = Composed {
            topic: "library.due".to_owned(),
            title: "标题".to_owned(),
            body: "正文".to_owned(),
            variants: vec![(String::new(), String::new(), " ".to_owned())],
            ..Composed::default()
        };
        let free =
            json!({"topic": "library.due", "category": "announcement", "title": "标题", "body": "正文"});
        assert_eq!(composed.document(&campus()), free);
        composed.template = "due".to_owned();
        composed.params = vec![("book".to_owned(), " 三体 ".to_owned()), ("until".to_owned(), String::new())];
        composed.whom.groups = vec!["all".to_owned()];
        composed.whom.without_ids = "T1".to_owned();
        let by_template = json!({
            "topic": "library.due", "category": "announcement", "template": "due", "params": {"book": "三体"},
            "audience": {"groups": ["all"], "exclude": {"recipients": ["T1"]}},
        });
        assert_eq!(composed.document(&campus()), by_template);
    }
}
