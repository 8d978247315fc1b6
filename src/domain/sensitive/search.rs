//! Finding the words of a list in what a message says.

use std::collections::BTreeSet;
use std::ops::Range;

use aho_corasick::{AhoCorasick, AhoCorasickKind};
use serde_json::Value;

use super::plain::Plain;
use super::{Entry, Treatment, WordList};
use crate::domain::audience::Params;
use crate::domain::content::Rendered;
use crate::domain::message::Wording;
use crate::error::{Error, Result};

/// Characters shown on each side of a word.
const AROUND: usize = 12;
/// Places of one message that are told.
const MOST: usize = 200;

/// The words of one version of the list, ready to be looked for.
#[derive(Debug, Default)]
pub struct Searcher {
    version: i64,
    entries: Vec<Entry>,
    automaton: Option<AhoCorasick>,
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

impl Searcher {
    pub fn new(list: WordList) -> Result<Self> {
        let plain = list.entries.iter().map(|entry| Plain::of(&entry.word).text);
        // Small beside the others, and built in no time.
        let mut builder = AhoCorasick::builder();
        let builder = builder.kind(Some(AhoCorasickKind::ContiguousNFA));
        let automaton =
            if list.entries.is_empty() { None } else { Some(builder.build(plain).map_err(Error::internal)?) };
        Ok(Self { version: list.version, entries: list.entries, automaton })
    }

    pub const fn version(&self) -> i64 {
        self.version
    }

    pub const fn is_empty(&self) -> bool {
        self.automaton.is_none()
    }

    /// Every place of a word in a text, in their order.
    pub fn find(&self, text: &str) -> Vec<(&Entry, Range<usize>)> {
        let Some(automaton) = &self.automaton else { return Vec::new() };
        let plain = Plain::of(text);
        let found = automaton.find_overlapping_iter(&plain.text);
        found
            .filter(|found| plain.is_whole(&found.range()))
            .filter_map(|found| {
                Some((self.entries.get(found.pattern().as_usize())?, plain.place(&found.range())))
            })
            .take(MOST)
            .collect()
    }

    /// The words in everything that a message says to anybody; `own`: the values that people have of their own.
    pub fn look<'p>(&self, wording: &Wording, own: impl IntoIterator<Item = &'p Params>) -> Vec<Sighting> {
        if self.is_empty() {
            return Vec::new();
        }
        let mut seen = Vec::new();
        let content = wording.outline();
        let variants = content
            .variants
            .iter()
            .map(|(key, variant)| (Some(key.as_str()), variant.title.as_deref(), variant.body.as_deref()));
        let general = (None, Some(content.title.as_str()), Some(content.body.as_str()));
        for (variant, title, body) in [general].into_iter().chain(variants) {
            let place = |part| Place { part, variant: variant.map(str::to_owned) };
            self.note(title.unwrap_or_default(), &place(Part::Title), &mut seen);
            // As it is read: marks of Markdown are in nobody's way.
            let body = Rendered::new("", body.unwrap_or_default(), None);
            self.note(&body.plain, &place(Part::Body), &mut seen);
        }
        let texts = |params: &'p Params| params.values().filter_map(Value::as_str);
        let mut values: BTreeSet<&str> = own.into_iter().flat_map(texts).collect();
        values.extend(wording.params.values().filter_map(Value::as_str));
        for value in values {
            self.note(value, &Place { part: Part::Values, variant: None }, &mut seen);
        }
        seen
    }

    fn note(&self, text: &str, place: &Place, seen: &mut Vec<Sighting>) {
        for (entry, at) in self.find(text) {
            if seen.len() < MOST {
                let context = around(text, &at);
                seen.push(Sighting { entry: entry.clone(), place: place.clone(), context });
            }
        }
    }
}

impl Sighting {
    /// The words of a treatment among these, each once.
    pub fn words(all: &[Self], treatment: Treatment) -> Vec<&str> {
        let mut words = Vec::new();
        for sighting in all.iter().filter(|sighting| sighting.entry.treatment == treatment) {
            if !words.contains(&sighting.entry.word.as_str()) {
                words.push(&*sighting.entry.word);
            }
        }
        words
    }
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

    use super::*;

    fn searcher() -> Searcher {
        let hold = "代考\n替考\nwire transfer";
        let list = WordList::typed([(Treatment::Warn, "兼职\nass\nQQ群"), (Treatment::Hold, hold)]).unwrap();
        Searcher::new(list).unwrap()
    }

    fn found(text: &str) -> Vec<(String, String)> {
        searcher()
            .find(text)
            .into_iter()
            .map(|(entry, at)| (entry.word.clone(), text[at].to_owned()))
            .collect()
    }

    #[test]
    fn words_are_found_however_they_are_spelt() {
        assert_eq!(
            found("寻人代 * 考，可加ＱＱ 群"),
            [("代考".to_owned(), "代 * 考".to_owned()), ("QQ群".to_owned(), "ＱＱ 群".to_owned()),]
        );
        assert_eq!(
            found("A Wire\u{a0}TRANSFER is due"),
            [("wire transfer".to_owned(), "Wire\u{a0}TRANSFER".to_owned())]
        );
        assert!(found("新时代。考试周的 class assignments").is_empty());
    }

    #[test]
    fn an_empty_list_finds_nothing() {
        let empty = Searcher::new(WordList::default()).unwrap();
        assert!(empty.is_empty() && empty.find("代考").is_empty());
    }

    #[test]
    fn everything_a_message_says_is_looked_through() {
        let wording: Wording = serde_json::from_value(json!({
            "content": {
                "title": "勤工助学", "body": "招**兼**职，{{ what }}",
                "variants": {"sms.en": {"title": "Jobs", "body": "No wire transfer, {{ what }}"}},
            },
            "has_variables": true, "own": ["what"],
        }))
        .unwrap();
        let own: Params = serde_json::from_value(json!({"what": "不得替考", "n": 3})).unwrap();
        let seen = searcher().look(&wording, [&own, &own]);
        let told: Vec<_> = seen
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
        assert_eq!(Sighting::words(&seen, Treatment::Hold), ["wire transfer", "替考"]);
        assert_eq!(Sighting::words(&seen, Treatment::Warn), ["兼职"]);
    }

    #[test]
    fn what_stands_around_a_word_is_short_and_on_one_line() {
        let text = format!("{}\n招兼职{}", "前".repeat(40), "后".repeat(40));
        let searcher = searcher();
        let found = searcher.find(&text);
        assert_eq!(found[0].0.word, "兼职");
        let (before, word, after) = around(&text, &found[0].1);
        assert_eq!((before.as_str(), word.as_str()), ("…前前前前前前前前前前 招", "兼职"));
        assert_eq!(after, format!("{}…", "后".repeat(AROUND)));
    }
}
