//! Everything that a message says to anybody, looked through for words.
//!
//! Texts are known before it is known whom they are for, but for what people have values of their own for: those values are
//! looked through one by one, the texts around them and between them as they are written, and for some people as they read
//! it.

use std::collections::{BTreeSet, HashSet};
use std::ops::Range;

use serde_json::Value;

use super::{Entry, Searcher, Treatment};
use crate::domain::audience::Params;
use crate::domain::content::{Content, Escape, Rendered, Template, template};
use crate::domain::message::Wording;

/// Characters shown on each side of a word.
const AROUND: usize = 12;
/// Places of one message that are told; the first of each word always is.
const MOST: usize = 200;
/// People whose texts are put together and looked through.
const SAMPLE: usize = 50;
/// Of all that may be looked through, what their texts may be.
const SAMPLE_SHARE: usize = 8;
/// What putting a text together counts as, in bytes, however little comes out.
const FILLING: usize = 2 * 1024;

/// What was found in a message.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Looked {
    pub seen: Vec<Sighting>,
    /// It says more than there was room for, and the rest was not looked through.
    pub is_cut: bool,
    /// The bytes that were.
    pub bytes: usize,
}

/// A word of the list in a message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Sighting {
    pub entry: Entry,
    pub place: Place,
    /// What stands around it, as people read it: before, the word as it is written there, and after.
    pub context: (String, String, String),
}

/// Which of a message's texts.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Place {
    pub part: Part,
    /// `sms.en`: of the variant; none of the general text.
    pub variant: Option<String>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Part {
    Title,
    Body,
    /// A value that is filled in for some or for all.
    Values,
}

impl Part {
    pub const ALL: [Self; 3] = [Self::Title, Self::Body, Self::Values];

    pub const fn name(self) -> &'static str {
        match self {
            Self::Title => "title",
            Self::Body => "body",
            Self::Values => "values",
        }
    }
}

impl Sighting {
    /// The words of a treatment among these, each once.
    pub fn words(all: &[Self], treatment: Treatment) -> Vec<&str> {
        let mut known = HashSet::new();
        let of = all.iter().filter(|sighting| sighting.entry.treatment == treatment);
        of.map(|sighting| &*sighting.entry.word).filter(|word| known.insert(*word)).collect()
    }
}

impl Searcher {
    /// The words in everything that a message says to anybody; `own`: the values that people have of their own. Of it all
    /// `room` bytes are looked through.
    pub fn look<'p>(
        &self,
        wording: &Wording,
        own: impl IntoIterator<Item = &'p Params>,
        room: usize,
    ) -> Looked {
        if self.is_empty() {
            return Looked::default();
        }
        let mut looking = Looking { searcher: self, room, known: HashSet::new(), looked: Looked::default() };
        let raw = texts(&wording.content);
        // Filled in only where there is room for it.
        let size = raw.iter().map(|(_, text)| text.len()).sum();
        if looking.takes(size) {
            for (place, text) in texts(&wording.outline()) {
                looking.text(&place, text, Told::All);
            }
        }
        let mut values = BTreeSet::new();
        let mut sample: Vec<&Params> = Vec::new();
        for params in own.into_iter().filter(|_| wording.has_variables) {
            if sample.len() < SAMPLE && !sample.contains(&params) {
                sample.push(params);
            }
            for value in params.values() {
                collect(value, &mut values);
            }
        }
        for value in wording.params.values() {
            collect(value, &mut values);
        }
        let place = Place { part: Part::Values, variant: None };
        for value in values {
            if !looking.takes(value.len()) {
                break;
            }
            looking.note(&value, &place, Told::All);
        }
        if wording.has_variables && !looking.looked.is_cut {
            for (place, text) in &raw {
                for literal in template::literals(text, &wording.own) {
                    looking.text(place, &literal, Told::New);
                }
            }
            looking.sample(wording, &raw, &sample, room / SAMPLE_SHARE);
        }
        looking.looked.bytes = room - looking.room;
        looking.looked
    }
}

/// Which places of words are told.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Told {
    All,
    /// Those of words that stand nowhere else.
    New,
}

struct Looking<'s> {
    searcher: &'s Searcher,
    /// Bytes that may still be looked through.
    room: usize,
    /// Which entries were seen.
    known: HashSet<usize>,
    looked: Looked,
}

impl Looking<'_> {
    fn takes(&mut self, bytes: usize) -> bool {
        match self.room.checked_sub(bytes) {
            Some(rest) => self.room = rest,
            None => self.looked.is_cut = true,
        }
        !self.looked.is_cut
    }

    /// A text as it is read: marks of Markdown are in nobody's way, nor are addresses behind links.
    fn text(&mut self, place: &Place, text: &str, told: Told) {
        if place.part == Part::Title {
            return self.note(text, place, told);
        }
        let body = Rendered::new("", text, None);
        self.note(&body.plain, place, told);
        if body.html.contains("<a ") {
            self.note(&without_tags(&body.html), place, Told::New);
        }
    }

    fn note(&mut self, text: &str, place: &Place, told: Told) {
        let Self { searcher, known, looked: Looked { seen, .. }, .. } = self;
        searcher.each(text, |index, entry, at| {
            let is_told = !known.contains(&index) || (told == Told::All && seen.len() < MOST);
            if let Some(at) = is_told.then(at).flatten() {
                known.insert(index);
                let context = around(text, &at);
                seen.push(Sighting { entry: entry.clone(), place: place.clone(), context });
            }
        });
    }

    /// Texts as some people read them: what only their values make together is found there.
    fn sample(&mut self, wording: &Wording, raw: &[(Place, &str)], people: &[&Params], share: usize) {
        let mut templates = Vec::new();
        for (place, text) in raw {
            let escape = if place.part == Part::Title { Escape::None } else { Escape::Markdown };
            let Ok(template) = Template::parse(text, escape) else { continue };
            if !template.variables().all.is_disjoint(&wording.own) {
                templates.push((place, template));
            }
        }
        let mut left = share.min(self.room);
        for person in people {
            let mut params = wording.params.clone();
            params.extend(person.iter().map(|(name, value)| (name.clone(), value.clone())));
            for (place, template) in &templates {
                let text = template.render(&params).unwrap_or_default();
                let bytes = text.len().max(FILLING);
                if bytes > left {
                    return;
                }
                left -= bytes;
                self.room -= bytes;
                self.text(place, &text, Told::New);
            }
        }
    }
}

/// Titles and bodies of a message.
fn texts(content: &Content) -> Vec<(Place, &str)> {
    let general = (None, Some(content.title.as_str()), Some(content.body.as_str()));
    let variants = content
        .variants
        .iter()
        .map(|(key, variant)| (Some(key), variant.title.as_deref(), variant.body.as_deref()));
    let of = |(variant, title, body): (Option<&String>, Option<_>, Option<_>)| {
        let place = |part| Place { part, variant: variant.cloned() };
        [(place(Part::Title), title), (place(Part::Body), body)]
    };
    let both = [general].into_iter().chain(variants).flat_map(of);
    both.filter_map(|(place, text)| Some((place, text?))).collect()
}

/// All that a value may say, however deep.
fn collect(value: &Value, values: &mut BTreeSet<String>) {
    match value {
        Value::String(text) => {
            if !values.contains(text.as_str()) {
                values.insert(text.clone());
            }
        }
        Value::Number(number) => {
            values.insert(number.to_string());
        }
        Value::Array(items) => items.iter().for_each(|item| collect(item, values)),
        Value::Object(fields) => {
            for (name, field) in fields {
                if !values.contains(name) {
                    values.insert(name.clone());
                }
                collect(field, values);
            }
        }
        Value::Null | Value::Bool(_) => {}
    }
}

/// The text of an HTML fragment of ours: what is no text is left out, and a block ends a line.
fn without_tags(html: &str) -> String {
    let mut text = String::with_capacity(html.len());
    for (n, part) in html.split('<').enumerate() {
        let (tag, rest) = if n == 0 { ("", part) } else { part.split_once('>').unwrap_or((part, "")) };
        if tag == "br" || (tag.starts_with('/') && !matches!(tag, "/a" | "/em" | "/strong" | "/code")) {
            text.push('\n');
        }
        text.push_str(rest);
    }
    let text = text.trim_end();
    text.replace("&lt;", "<").replace("&gt;", ">").replace("&quot;", "\"").replace("&amp;", "&")
}

fn around(text: &str, at: &Range<usize>) -> (String, String, String) {
    let line = |c: char| if c.is_whitespace() { ' ' } else { c };
    let before: Vec<char> = text[..at.start].chars().rev().take(AROUND + 1).map(line).collect();
    let after: Vec<char> = text[at.end..].chars().take(AROUND + 1).map(line).collect();
    let cut = |side: Vec<char>| {
        let is_more = side.len() > AROUND;
        side.into_iter().take(AROUND).chain(is_more.then_some('…')).collect::<Vec<char>>()
    };
    let before = cut(before).into_iter().rev().collect();
    (before, text[at.clone()].chars().map(line).collect(), cut(after).into_iter().collect())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::super::WordList;
    use super::*;

    const ROOM: usize = 1024 * 1024;

    fn searcher() -> Searcher {
        let hold = "代考\n替考\nwire transfer\n4008";
        let list = WordList::typed([(Treatment::Warn, "兼职\nass\nQQ群"), (Treatment::Hold, hold)]).unwrap();
        Searcher::new(list).unwrap()
    }

    fn wording(content: &Value, own: &Value) -> Wording {
        serde_json::from_value(json!({ "content": content, "has_variables": true, "own": own })).unwrap()
    }

    fn told(looked: &Looked) -> Vec<(&str, Part)> {
        looked.seen.iter().map(|seen| (seen.entry.word.as_str(), seen.place.part)).collect()
    }

    /// Of a body and a person's values.
    fn personal(body: &str, params: Value) -> Vec<String> {
        let own: Params = serde_json::from_value(params).unwrap();
        let names: Vec<_> = own.keys().collect();
        let wording = wording(&json!({"title": "通知", "body": body}), &json!(names));
        let looked = searcher().look(&wording, [&own], ROOM);
        assert!(!looked.is_cut);
        looked.seen.into_iter().map(|seen| seen.entry.word).collect()
    }

    #[test]
    fn everything_a_message_says_is_looked_through() {
        let content = json!({
            "title": "勤工助学", "body": "招**兼**职，{{ what }}",
            "variants": {"sms.en": {"title": "Jobs", "body": "No wire transfer, {{ what }}"}},
        });
        let own: Params = serde_json::from_value(json!({"what": "不得替考", "n": 3})).unwrap();
        let looked = searcher().look(&wording(&content, &json!(["what"])), [&own, &own], ROOM);
        let told: Vec<_> = looked
            .seen
            .iter()
            .map(|s| (s.entry.word.as_str(), s.place.part, s.place.variant.as_deref(), &*s.context.1))
            .collect();
        assert_eq!(
            told,
            [
                ("兼职", Part::Body, None, "兼职"),
                ("wire transfer", Part::Body, Some("sms.en"), "wire transfer"),
                ("替考", Part::Values, None, "替考"),
            ]
        );
        assert_eq!(Sighting::words(&looked.seen, Treatment::Hold), ["wire transfer", "替考"]);
        assert_eq!(Sighting::words(&looked.seen, Treatment::Warn), ["兼职"]);
    }

    #[test]
    fn values_are_looked_through_however_deep_they_lie() {
        assert_eq!(personal("{{ book.title }}", json!({"book": {"title": "代考"}})), ["代考"]);
        let list = json!({"books": [{"by": "甲"}, {"by": ["替考"]}]});
        assert_eq!(personal("{% for b in books %}{{ b.by }}{% endfor %}", list), ["替考"]);
        assert_eq!(personal("电话 {{ n }}", json!({"n": 4008})), ["4008"]);
    }

    #[test]
    fn texts_within_what_is_personal_are_looked_through() {
        let no = json!({"overdue": false, "names": [], "name": "甲"});
        for body in [
            "{% if overdue %}找人**代**考{% endif %}{{ name }}{{ names }}",
            "{% if overdue %}甲{% elif name %}{% for n in names %}{{ n }}代考{% endfor %}{% endif %}",
            "{{ overdue }}{{ names | join(\"代考\") }}{{ name }}",
            "{{ overdue }}{{ names }}{{ \"代考\" if overdue else name }}",
            "{{ name | default(\"代考\") }}{{ overdue }}{{ names }}",
        ] {
            assert_eq!(personal(body, no.clone()), ["代考"], "{body}");
        }
        // What everybody sees the same of is read as everybody sees it.
        let common = json!({"title": "通知", "body": "{{ a }}{% if yes %}甲{% else %}代考{% endif %}"});
        let mut common = wording(&common, &json!(["a"]));
        common.params = serde_json::from_value(json!({"yes": true})).unwrap();
        let own: Params = serde_json::from_value(json!({"a": "甲"})).unwrap();
        assert!(searcher().look(&common, [&own], ROOM).seen.is_empty());
    }

    #[test]
    fn what_values_make_together_is_found_for_some_people() {
        assert_eq!(personal("{{ a }}{{ b }}", json!({"a": "代", "b": "考"})), ["代考"]);
        assert_eq!(personal("代{{ a }}", json!({"a": "考"})), ["代考"]);
        assert_eq!(personal("{{ a | join }}", json!({"a": ["代", "考"]})), ["代考"]);
        let people = |last: usize| -> Vec<Params> {
            let of = |n: usize| json!({"a": if n == last { "考".to_owned() } else { n.to_string() }});
            (1..=SAMPLE * 2).map(|n| serde_json::from_value(of(n)).unwrap()).collect()
        };
        let text = wording(&json!({"title": "通知", "body": "代{{ a }}"}), &json!(["a"]));
        let found = |last| told(&searcher().look(&text, &people(last), ROOM)).len();
        assert_eq!((found(SAMPLE), found(SAMPLE + 1)), (1, 0), "which is said in the documents");
    }

    #[test]
    fn many_harmless_words_hide_none_that_holds() {
        let content = json!({"title": "通知", "body": format!("{}代考", "兼职，".repeat(MOST + 50))});
        let text = wording(&content, &json!([]));
        let looked = searcher().look(&text, &[], ROOM);
        assert_eq!(looked.seen.len(), MOST + 1);
        assert_eq!(Sighting::words(&looked.seen, Treatment::Hold), ["代考"]);
    }

    #[test]
    fn links_hide_nothing() {
        let found = |body: &str| {
            let looked =
                searcher().look(&wording(&json!({"title": "通知", "body": body}), &json!([])), &[], ROOM);
            looked.seen.into_iter().map(|seen| seen.context).collect::<Vec<_>>()
        };
        let context = |before: &str, after: &str| (before.to_owned(), "代考".to_owned(), after.to_owned());
        assert_eq!(found("找[代](https://a.cn)考"), [context("找", "")]);
        assert_eq!(found("<代>\n\n[时代](https://a.cn)\n\n考 & 试"), []);
        // Told once, though it stands in both forms.
        assert_eq!(found("[甲](https://a.cn)代考").len(), 1);
    }

    #[test]
    fn no_more_is_looked_through_than_there_is_room_for() {
        let text = wording(&json!({"title": "通知", "body": "{{ a }}"}), &json!(["a"]));
        let people: Vec<Params> = (0..9)
            .map(|n| serde_json::from_value(json!({"a": format!("{n}{}", "长".repeat(30))})).unwrap())
            .collect();
        let whole = searcher().look(&text, &people, ROOM);
        assert!(!whole.is_cut && whole.bytes > 9 * 91 && whole.bytes < ROOM);
        let cut = searcher().look(&text, &people, 500);
        assert!(cut.is_cut && cut.bytes <= 500 && cut.seen.is_empty());
        assert!(searcher().look(&text, &people, 3).is_cut);
        let empty = Searcher::new(WordList::default()).unwrap();
        assert_eq!(empty.look(&text, &people, 0), Looked::default());
    }

    #[test]
    fn what_stands_around_a_word_is_short_and_on_one_line() {
        let text = format!("{}\n招兼职{}", "前".repeat(40), "后".repeat(40));
        let place = text.find("兼职").unwrap();
        let (before, word, after) = around(&text, &(place..place + "兼职".len()));
        assert_eq!((before.as_str(), word.as_str()), ("…前前前前前前前前前前 招", "兼职"));
        assert_eq!(after, format!("{}…", "后".repeat(AROUND)));
    }
}
