//! Finding the words of a list in a text.

use std::ops::Range;

use aho_corasick::{AhoCorasick, AhoCorasickKind};

use super::plain::Plain;
use super::{Entry, Treatment, WordList};
use crate::error::{Error, Result};

/// The words of one version of the list, ready to be looked for.
#[derive(Debug, Default)]
pub struct Searcher {
    version: i64,
    entries: Vec<Entry>,
    automaton: Option<AhoCorasick>,
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

    /// A message may have to wait for somebody because of it.
    pub fn holds(&self) -> bool {
        self.entries.iter().any(|entry| entry.treatment == Treatment::Hold)
    }

    /// Hands over every place of a word in a text, in their order: which of the entries it is, and where, none where it is
    /// part of another word. A place that nobody asks for costs next to nothing.
    pub(super) fn each(
        &self,
        text: &str,
        mut found: impl FnMut(usize, &Entry, &dyn Fn() -> Option<Range<usize>>),
    ) {
        let Some(automaton) = &self.automaton else { return };
        let plain = Plain::of(text);
        for it in automaton.find_overlapping_iter(&plain.text) {
            let index = it.pattern().as_usize();
            let Some(entry) = self.entries.get(index) else { continue };
            found(index, entry, &|| plain.is_whole(&it.range()).then(|| plain.place(&it.range())));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(text: &str) -> Vec<(String, String)> {
        let hold = "代考\n替考\nwire transfer";
        let list =
            WordList::typed([(Treatment::Warn, "兼职\nass\nQQ群\n加QQ"), (Treatment::Hold, hold)]).unwrap();
        let mut all = Vec::new();
        Searcher::new(list).unwrap().each(text, |_, entry, place| {
            all.extend(place().map(|at| (entry.word.clone(), text[at].to_owned())));
        });
        all
    }

    #[test]
    fn words_are_found_however_they_are_spelt() {
        assert_eq!(
            found("寻人代 * 考，可入ＱＱ 群"),
            [("代考".to_owned(), "代 * 考".to_owned()), ("QQ群".to_owned(), "ＱＱ 群".to_owned()),]
        );
        assert_eq!(
            found("A Wire\u{a0}TRANSFER is due"),
            [("wire transfer".to_owned(), "Wire\u{a0}TRANSFER".to_owned())]
        );
        assert!(found("新时代。考试周的 class assignments").is_empty());
    }

    #[test]
    fn figures_behind_a_word_are_no_part_of_it() {
        assert_eq!(found("加QQ123456"), [("加QQ".to_owned(), "加QQ".to_owned())]);
        assert!(found("加QQX").is_empty());
    }

    #[test]
    fn an_empty_list_finds_nothing() {
        let empty = Searcher::new(WordList::default()).unwrap();
        let mut places = 0;
        empty.each("代考", |_, _, _| places += 1);
        assert!(empty.is_empty() && !empty.holds() && places == 0);
    }
}
