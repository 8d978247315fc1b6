//! The list of words as it is kept and as it is typed: a word on each line, perhaps with why it is there.

use std::collections::HashMap;

use serde::{Deserialize, Serialize};

use super::plain::{Plain, is_sign};
use super::{Entry, Treatment};
use crate::error::{Faults, Result};

pub const MOST_WORDS: usize = 5_000;
/// Characters of a word.
pub const LONGEST_WORD: usize = 40;
/// Characters of why it is there.
pub const LONGEST_NOTE: usize = 100;

#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct WordList {
    /// From 1; 0 where there has never been a list.
    pub version: i64,
    pub entries: Vec<Entry>,
}

impl WordList {
    /// Reads a text for each treatment: a word on each line, and behind `|` why it is there. Empty lines are none. The
    /// version is that of nobody's list yet.
    ///
    /// # Errors
    ///
    /// [`Error::Invalid`](crate::Error::Invalid) with a fault for each line that is wrong, at `/warn/3` for the third
    /// line of `warn`.
    pub fn typed(texts: [(Treatment, &str); 2]) -> Result<Self> {
        let mut faults = Faults::default();
        let mut entries = Vec::new();
        let mut known: HashMap<String, (Treatment, usize)> = HashMap::new();
        let lines = texts.into_iter().flat_map(|(treatment, text)| {
            let numbered = (1..).zip(text.lines());
            numbered.map(move |(number, line)| (treatment, number, line))
        });
        for (treatment, number, line) in lines {
            let (word, note) = line.split_once(['|', '｜']).unwrap_or((line, ""));
            let (word, note) = (word.trim(), note.trim());
            if word.is_empty() && note.is_empty() {
                continue;
            }
            let pointer = format!("/{treatment}/{number}");
            let plain = Plain::of(word).text;
            if plain.trim().is_empty() {
                faults.add(pointer, "no_letters", "a word has letters or digits");
            } else if word.chars().count() > LONGEST_WORD {
                faults.add(pointer, "word_too_long", format!("at most {LONGEST_WORD} characters"));
            } else if plain.contains('\n') {
                faults.add(pointer, "two_sentences", "words are not looked for across the end of a sentence");
            } else if word.chars().any(is_sign) {
                // It would be found without: `C++` in every `c`.
                faults.add(pointer, "signs", "signs are not looked for; write the word without them");
            } else if note.chars().count() > LONGEST_NOTE {
                faults.add(pointer, "note_too_long", format!("at most {LONGEST_NOTE} characters"));
            } else if word.chars().chain(note.chars()).any(char::is_control) {
                faults.add(pointer, "control_character", "write it in printable characters");
            } else if let Some((before, line)) = known.get(&plain) {
                let detail = format!("{before}/{line}");
                faults.add(pointer, "word_twice", detail);
            } else {
                known.insert(plain, (treatment, number));
                entries.push(Entry { word: word.to_owned(), treatment, note: note.to_owned() });
            }
        }
        if entries.len() > MOST_WORDS {
            faults.add("", "too_many_words", format!("at most {MOST_WORDS} words"));
        }
        faults.into_result()?;
        Ok(Self { version: 0, entries })
    }

    /// The words of a treatment as they are typed.
    pub fn text(&self, treatment: Treatment) -> String {
        let of = self.entries.iter().filter(|entry| entry.treatment == treatment);
        let line = |entry: &Entry| match entry.note.as_str() {
            "" => entry.word.clone(),
            note => format!("{} | {note}", entry.word),
        };
        of.map(line).collect::<Vec<_>>().join("\n")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Error;

    fn typed(warn: &str, hold: &str) -> Result<WordList> {
        WordList::typed([(Treatment::Warn, warn), (Treatment::Hold, hold)])
    }

    fn faults(warn: &str, hold: &str) -> Vec<(String, String)> {
        let Err(Error::Invalid(faults)) = typed(warn, hold) else { panic!("{warn} {hold}") };
        faults.into_iter().map(|fault| (fault.pointer, fault.code.to_string())).collect()
    }

    #[test]
    fn words_are_typed_one_on_a_line_and_read_back_alike() {
        let list = typed("转账 | 常见诈骗用语\n\n  兼职 \r\n", "代考｜学术不端").unwrap();
        let entry = |word: &str, treatment, note: &str| Entry {
            word: word.to_owned(),
            treatment,
            note: note.to_owned(),
        };
        let expected = [
            entry("转账", Treatment::Warn, "常见诈骗用语"),
            entry("兼职", Treatment::Warn, ""),
            entry("代考", Treatment::Hold, "学术不端"),
        ];
        assert_eq!(list.entries, expected);
        assert_eq!(list.text(Treatment::Warn), "转账 | 常见诈骗用语\n兼职");
        assert_eq!(typed(&list.text(Treatment::Warn), &list.text(Treatment::Hold)).unwrap(), list);
    }

    #[test]
    fn what_is_wrong_is_said_of_each_line() {
        let long = "长".repeat(LONGEST_WORD + 1);
        let note = format!("词 | {}", "长".repeat(LONGEST_NOTE + 1));
        let warn = format!("代 考\n***\n{long}\n{note}\n| 只有说明\n免费。领取\nC++\n#1\n法*功\nＡ＋");
        let expected = [
            ("/warn/2", "no_letters"),
            ("/warn/3", "word_too_long"),
            ("/warn/4", "note_too_long"),
            ("/warn/5", "no_letters"),
            ("/warn/6", "two_sentences"),
            ("/warn/7", "signs"),
            ("/warn/8", "signs"),
            ("/warn/9", "signs"),
            ("/warn/10", "signs"),
            ("/hold/2", "word_twice"),
        ];
        let expected: Vec<_> =
            expected.iter().map(|(at, code)| ((*at).to_owned(), (*code).to_owned())).collect();
        assert_eq!(faults(&warn, "替考\n代　考"), expected);
    }

    #[test]
    fn a_list_has_an_end() {
        let many: Vec<_> = (0..=MOST_WORDS).map(|n| format!("词{n}")).collect();
        assert!(typed(&many[1..].join("\n"), "").is_ok());
        assert_eq!(faults(&many.join("\n"), ""), [(String::new(), "too_many_words".to_owned())]);
    }
}
