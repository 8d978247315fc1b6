//! From a message to a template that a vendor has approved, for vendors that send no other text.
//!
//! An administrator says which of the vendor's templates stands for which of ours, and for all other messages, and what
//! each of its variables is filled with.

use std::collections::HashMap;

use serde_json::Value;

use super::approved::{Approved, Places};
use super::fields::{Fields, segment};
use super::{Cut, Parcel};
use crate::domain::content::Rendered;
use crate::domain::sms_text::words;

/// What a value that had to be cut ends with.
const CUT: char = '…';
/// Variables of one template; vendors take far fewer.
const MOST_SLOTS: usize = 50;

/// How a vendor's settings name the parts of a mapping.
#[derive(Clone, Copy, Debug)]
pub(super) struct Words {
    /// The vendor's id of a template: `code`, `id`.
    pub(super) id: &'static str,
    /// What it is filled with: `variables`, `fields`.
    pub(super) slots: &'static str,
    /// How the wording of a template is written; `None`: it is no text of its own.
    pub(super) places: Option<Places>,
}

/// How the variables of a vendor's template are told apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum By {
    /// Names that the template has.
    Name,
    /// Where they stand in it.
    Place,
    /// Names that say what they take: `thing1`.
    Type,
}

/// How a kind's settings map a template of ours to one that the vendor approved.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Form {
    /// What they call the vendor's id of it.
    pub id: &'static str,
    /// What they call what it is filled with.
    pub slots: &'static str,
    pub by: By,
    /// Variables of one template.
    pub most: usize,
    /// Its wording may be entered as `text`.
    pub has_text: bool,
}

impl Form {
    /// By names or places that a wording has.
    pub(super) const fn sms(id: &'static str, by: By) -> Self {
        Self { id, slots: "variables", by, most: MOST_SLOTS, has_text: true }
    }
}

/// What may stand in a mapping besides the names of a message's variables.
pub const SOURCES: [&str; 8] = ["title", "body", "text", "link", "page", "page_code", "name", "campus"];

/// A template of ours that settings map, and what of a message it needs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mapped {
    pub slug: String,
    /// The vendor's id of its own; empty where none is named.
    pub id: String,
    /// Where it stands in the settings.
    pub pointer: String,
    /// The message's variables, each with its place.
    pub variables: Vec<(String, String)>,
    /// Of [`SOURCES`].
    pub words: Vec<String>,
}

/// Which templates of ours settings map, whatever the kind; what is wrong with the settings otherwise is not looked at.
pub fn mapped(settings: &Value) -> Vec<Mapped> {
    let templates = settings.get("templates").and_then(Value::as_object);
    let templates = templates.into_iter().flatten();
    templates
        .map(|(slug, mapping)| {
            let pointer = format!("/templates/{}", segment(slug));
            let id = ["code", "id"].iter().find_map(|key| mapping.get(key).and_then(Value::as_str));
            let (mut variables, mut words) = (Vec::new(), Vec::new());
            for slots in ["variables", "fields"] {
                let sources: Vec<(String, &Value)> = match mapping.get(slots) {
                    Some(Value::Array(list)) => {
                        list.iter().enumerate().map(|(at, source)| (at.to_string(), source)).collect()
                    }
                    Some(Value::Object(named)) => {
                        named.iter().map(|(name, source)| (segment(name), source)).collect()
                    }
                    _ => Vec::new(),
                };
                for (place, source) in sources {
                    let Some(word) = source.as_str().map(str::trim) else { continue };
                    match Source::of(word) {
                        Source::Variable(name) => {
                            variables.push((format!("{pointer}/{slots}/{place}"), name));
                        }
                        _ => words.push(word.to_owned()),
                    }
                }
            }
            let id = id.unwrap_or_default().to_owned();
            Mapped { slug: slug.clone(), id, pointer, variables, words }
        })
        .collect()
}

/// All of one account.
#[derive(Clone, Debug, Default)]
pub(super) struct Mappings {
    default: Option<Mapping>,
    /// By our templates' slugs.
    named: HashMap<String, Mapping>,
}

/// One of the vendor's templates, and what it is filled with.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Mapping {
    pub(super) id: String,
    /// In the order they were written.
    pub(super) slots: Vec<Slot>,
    /// What it says around them, where somebody entered it.
    pub(super) approved: Option<Approved>,
}

/// One variable of a vendor's template.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Slot {
    /// As the vendor calls it. In a list, where the vendor has no names, the source's.
    pub(super) name: String,
    pub(super) source: Source,
}

/// What a variable is filled with.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Source {
    Title,
    /// Without the link that it ends with: vendors refuse addresses where their template has no place for one.
    Body,
    /// Title and body as one.
    Text,
    /// The message's link.
    Link,
    /// The recipient's own page of the message; the message's link where there is none.
    Page,
    /// What the address of that page ends with, to stand behind a fixed address in the vendor's template.
    PageCode,
    /// The recipient's name.
    Name,
    Campus,
    /// The message's own variable of this name.
    Variable(String),
}

impl Source {
    fn of(word: &str) -> Self {
        match word {
            "title" => Self::Title,
            "body" => Self::Body,
            "text" => Self::Text,
            "link" => Self::Link,
            "page" => Self::Page,
            "page_code" => Self::PageCode,
            "name" => Self::Name,
            "campus" => Self::Campus,
            variable => Self::Variable(variable.to_owned()),
        }
    }

    /// Cut, it would lead nowhere.
    const fn is_address(&self) -> bool {
        matches!(self, Self::Link | Self::Page | Self::PageCode)
    }

    /// On one line. `None`: the message has no such variable.
    pub(super) fn value(&self, parcel: &Parcel, campus: &str) -> Option<String> {
        let content = &parcel.content;
        let text = match self {
            Self::Title => content.title.to_string(),
            Self::Body => without_link(&content.plain, content),
            Self::Text => without_link(&words(content), content),
            Self::Link => content.link.as_deref().unwrap_or_default().to_owned(),
            Self::Page => parcel.page.as_deref().or(content.link.as_deref()).unwrap_or_default().to_owned(),
            Self::PageCode => {
                parcel.page.as_deref().and_then(|page| page.rsplit('/').next()).unwrap_or_default().to_owned()
            }
            Self::Name => parcel.name.clone().unwrap_or_default(),
            Self::Campus => campus.to_owned(),
            Self::Variable(name) => match parcel.params.get(name)? {
                Value::String(text) => text.clone(),
                Value::Null => String::new(),
                other => other.to_string(),
            },
        };
        Some(text.split_whitespace().collect::<Vec<_>>().join(" "))
    }
}

/// A text without the message's link at its end.
fn without_link(text: &str, content: &Rendered) -> String {
    let link = content.link.as_deref();
    link.and_then(|link| text.trim_end().strip_suffix(link)).unwrap_or(text).to_owned()
}

/// Why a variable cannot be filled. Each has its name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Unfilled {
    /// The message has nothing of the kind.
    Missing(String),
    /// It is an address for which it has no room.
    LinkTooLong(String),
}

impl Mapping {
    /// Each variable's name and value. What has more characters than `limit` allows it is cut, addresses excepted.
    pub(super) fn fill(
        &self,
        parcel: &Parcel,
        campus: &str,
        limit: impl Fn(&Slot) -> usize,
    ) -> Result<Vec<(String, String)>, Unfilled> {
        let fill = |slot: &Slot| match slot.source.value(parcel, campus) {
            Some(value) if slot.source.is_address() && value.chars().count() > limit(slot) => {
                Err(Unfilled::LinkTooLong(slot.name.clone()))
            }
            Some(value) => Ok((slot.name.clone(), cut(&value, limit(slot)))),
            None => Err(Unfilled::Missing(slot.name.clone())),
        };
        self.slots.iter().map(fill).collect()
    }
}

impl Mapping {
    /// Each variable's name with what stands there of this message, no longer than `most` characters, or why nothing can.
    pub(super) fn shown(
        &self,
        parcel: &Parcel,
        campus: &str,
        most: usize,
    ) -> Vec<(String, Result<Cut, String>)> {
        let show = |slot: &Slot| match slot.source.value(parcel, campus) {
            None => Err("it is filled with a variable that the message does not have".to_owned()),
            Some(value) if slot.source.is_address() && value.chars().count() > most => {
                Err(format!("it has room for {most} characters, and the address is longer"))
            }
            Some(value) => Ok(Cut::of(&cut(&value, most), &value)),
        };
        self.slots.iter().map(|slot| (slot.name.clone(), show(slot))).collect()
    }
}

/// At most so many characters, the last of them [`CUT`] where some are missing.
pub(super) fn cut(text: &str, limit: usize) -> String {
    if text.chars().count() <= limit {
        return text.to_owned();
    }
    let mut kept: String = text.chars().take(limit.saturating_sub(1)).collect();
    kept.truncate(kept.trim_end().len());
    kept.push(CUT);
    kept
}

impl Mappings {
    /// Reads `default_template` and `templates`.
    pub(super) fn read(fields: &mut Fields<'_>, said: Words) -> Self {
        let default = fields.object("default_template", |fields| mapping(fields, said));
        let named = fields.objects("templates", |fields| mapping(fields, said));
        let named = named.into_iter().map(|(slug, mapping)| (slug.to_owned(), mapping)).collect();
        Self { default, named }
    }

    /// The one for a message by its template, or the one for all that have none of their own.
    pub(super) fn of(&self, parcel: &Parcel) -> Option<&Mapping> {
        let own = parcel.template.as_deref().and_then(|slug| self.named.get(slug));
        own.or(self.default.as_ref())
    }

    /// All of them, with the pointer of their settings.
    pub(super) fn all(&self) -> impl Iterator<Item = (String, &Mapping)> {
        let named =
            self.named.iter().map(|(slug, mapping)| (format!("templates/{}", segment(slug)), mapping));
        self.default.iter().map(|mapping| ("default_template".to_owned(), mapping)).chain(named)
    }
}

/// `slots` is a list of sources, or an object of names with their sources.
fn mapping(fields: &mut Fields<'_>, said: Words) -> Mapping {
    let id = fields.required(said.id);
    let slots = match fields.take(said.slots) {
        None => Vec::new(),
        Some(Value::Array(sources)) => sources.iter().map(|source| (None, source)).collect(),
        Some(Value::Object(named)) => named.iter().map(|(name, source)| (Some(name), source)).collect(),
        Some(_) => {
            let detail =
                format!("`{}` is a list of what it is filled with, or an object by name", said.slots);
            fields.fault(said.slots, "wrong_type", detail);
            Vec::new()
        }
    };
    if slots.len() > MOST_SLOTS {
        fields.fault(said.slots, "too_many", format!("a template has at most {MOST_SLOTS} variables"));
    }
    let mut read = Vec::with_capacity(slots.len());
    for (place, (name, source)) in slots.into_iter().enumerate() {
        match source.as_str().map(str::trim).filter(|word| !word.is_empty()) {
            Some(word) => {
                let name = name.map_or(word, String::as_str).to_owned();
                read.push(Slot { name, source: Source::of(word) });
            }
            None => {
                let place = name.map_or_else(|| place.to_string(), |name| segment(name));
                let detail =
                    "title, body, text, link, page, page_code, name, campus, or a variable of the message";
                fields.fault(&format!("{}/{place}", said.slots), "wrong_type", detail);
            }
        }
    }
    let approved = said.places.and_then(|places| approved(fields, places, &read));
    Mapping { id, slots: read, approved }
}

/// `text`: the wording that the vendor approved.
fn approved(fields: &mut Fields<'_>, places: Places, slots: &[Slot]) -> Option<Approved> {
    let text = fields.text("text")?;
    let names: Vec<_> = slots.iter().map(|slot| slot.name.as_str()).collect();
    match Approved::read(&text, places, &names) {
        Ok(approved) => Some(approved),
        Err(flaws) => {
            for (code, detail) in flaws {
                fields.fault("text", code, detail);
            }
            None
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use serde_json::json;

    use super::*;
    use crate::channel::sample;

    const WORDS: Words = Words { id: "code", slots: "variables", places: Some(Places::Named) };

    fn read(settings: &Value) -> (Mappings, Vec<(String, String)>) {
        let mut fields = Fields::of(settings);
        let mappings = Mappings::read(&mut fields, WORDS);
        let faults = fields.finish().into_iter().map(|f| (f.pointer, f.code.into_owned())).collect();
        (mappings, faults)
    }

    fn parcel(template: Option<&str>) -> Parcel {
        let params = json!({ "book": "三体", "count": 3 });
        Parcel {
            name: Some("李娜".to_owned()),
            content: Arc::new(Rendered::new("图书到期", "请归还\n《三体》", Some("https://lib.example/l"))),
            params: Arc::new(params.as_object().expect("an object").clone().into_iter().collect()),
            template: template.map(Into::into),
            ..sample::parcel()
        }
    }

    #[test]
    fn a_message_goes_by_its_own_template_or_by_the_one_for_all() {
        let (mappings, faults) = read(&json!({
            "default_template": { "code": "SMS_1", "variables": ["title", "page"] },
            "templates": { "due": { "code": "SMS_2", "variables": { "b": "book", "n": "count", "who": "name" } } },
        }));
        assert_eq!(faults, []);
        let filled = |template| {
            let parcel = parcel(template);
            let mapping = mappings.of(&parcel).expect("one for all");
            let values = mapping.fill(&parcel, "钟楼大学", |_| 35).expect("all there");
            (mapping.id.clone(), values.into_iter().map(|(n, v)| format!("{n}={v}")).collect::<Vec<_>>())
        };
        let for_all =
            ("SMS_1".to_owned(), vec!["title=图书到期".to_owned(), "page=https://lib.example/l".to_owned()]);
        assert_eq!(filled(None), for_all);
        assert_eq!(filled(Some("another")), for_all);
        let (id, values) = filled(Some("due"));
        assert_eq!((id.as_str(), values), ("SMS_2", vec!["b=三体".into(), "n=3".into(), "who=李娜".into()]));
    }

    #[test]
    fn values_stand_on_one_line_and_are_cut_where_it_shows() {
        let (mappings, _) = read(&json!({ "default_template": { "code": "1", "variables": ["text"] } }));
        let parcel = parcel(None);
        let fill = |limit| mappings.of(&parcel).expect("one").fill(&parcel, "", |_| limit).expect("filled");
        assert_eq!(fill(35)[0].1, "图书到期：请归还 《三体》", "and no address");
        assert_eq!(fill(12)[0].1, "图书到期：请归还 《三…");
        assert_eq!(cut("一二三四", 4), "一二三四");
        assert_eq!(cut("一二 三四", 4), "一二…");
    }

    #[test]
    fn an_address_is_whole_or_refused() {
        let (mappings, _) = read(&json!({
            "default_template": { "code": "1", "variables": { "a": "page_code" } },
            "templates": { "l": { "code": "2", "variables": { "b": "link" } }, "p": { "code": "3", "variables": { "c": "page" } } },
        }));
        let filled = |template, limit| {
            let page = Some("https://bell.example/m/k3J_9-aB2cD4eF6gH8iJ0kLm".into());
            let parcel = Parcel { page, ..parcel(template) };
            mappings.of(&parcel).expect("one").fill(&parcel, "", |_| limit)
        };
        let value = |name: &str, value: &str| Ok(vec![(name.to_owned(), value.to_owned())]);
        assert_eq!(filled(None, 35), value("a", "k3J_9-aB2cD4eF6gH8iJ0kLm"));
        assert_eq!(filled(Some("l"), 35), value("b", "https://lib.example/l"));
        assert_eq!(filled(Some("l"), 20), Err(Unfilled::LinkTooLong("b".to_owned())));
        assert_eq!(filled(Some("p"), 35), Err(Unfilled::LinkTooLong("c".to_owned())));
        assert_eq!(filled(Some("p"), 47), value("c", "https://bell.example/m/k3J_9-aB2cD4eF6gH8iJ0kLm"));
    }

    #[test]
    fn what_stands_in_each_place_is_shown() {
        let (mappings, _) = read(&json!({
            "templates": { "due": { "code": "1", "variables": { "a": "book", "b": "reader", "c": "title", "d": "link" } } },
        }));
        let parcel = parcel(Some("due"));
        let shown = mappings.of(&parcel).expect("its own").shown(&parcel, "", 3);
        let shown: HashMap<_, _> = shown.into_iter().collect();
        assert_eq!(shown["a"], Ok(Cut { text: "三体".to_owned(), left_out: 0 }));
        assert_eq!(shown["c"], Ok(Cut { text: "图书…".to_owned(), left_out: 2 }));
        assert!(shown["b"].is_err() && shown["d"].is_err(), "{shown:?}");
    }

    #[test]
    fn what_a_mapping_needs_of_a_message_is_told() {
        let settings = json!({
            "templates": { "due": { "code": "SMS_1", "variables": { "a": "book", "b": "title" } }, "cards": { "buttons": [] } },
        });
        let all: HashMap<_, _> = mapped(&settings).into_iter().map(|one| (one.slug.clone(), one)).collect();
        let due = &all["due"];
        assert_eq!((due.id.as_str(), due.words.as_slice()), ("SMS_1", ["title".to_owned()].as_slice()));
        assert_eq!(due.variables, [("/templates/due/variables/a".to_owned(), "book".to_owned())]);
        assert!(all["cards"].id.is_empty() && all["cards"].variables.is_empty());
        for word in SOURCES {
            assert!(!matches!(Source::of(word), Source::Variable(_)), "{word}");
        }
    }

    #[test]
    fn a_variable_the_message_does_not_have_is_named() {
        let (mappings, _) =
            read(&json!({ "default_template": { "code": "1", "variables": { "who": "reader" } } }));
        let parcel = parcel(None);
        let filled = mappings.of(&parcel).expect("one").fill(&parcel, "", |_| 35);
        assert_eq!(filled, Err(Unfilled::Missing("who".to_owned())));
    }

    #[test]
    fn every_fault_is_told_at_its_place() {
        let (_, faults) = read(&json!({
            "default_template": { "variables": "title" },
            "templates": { "a/b": { "code": "1", "variables": [7], "colour": 1 }, "c": 3 },
        }));
        let pair = |pointer: &str, code: &str| (pointer.to_owned(), code.to_owned());
        assert_eq!(
            faults,
            [
                pair("/default_template/code", "required"),
                pair("/default_template/variables", "wrong_type"),
                pair("/templates/a~1b/variables/0", "wrong_type"),
                pair("/templates/a~1b/colour", "unknown_field"),
                pair("/templates/c", "wrong_type"),
            ]
        );
    }
}
