//! Words that somebody should look at before a message leaves. [`WordList`] is what the administrators keep, [`Searcher`]
//! finds its words in what a message says.

mod list;
mod look;
pub(in crate::domain) mod plain;
mod search;

use std::fmt;

use serde::{Deserialize, Serialize};

pub use self::list::{LONGEST_NOTE, LONGEST_WORD, MOST_WORDS, WordList};
pub use self::look::{Looked, Part, Place, Sighting};
pub use self::search::Searcher;

/// What is done about a message that says a word.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Treatment {
    /// Whoever writes it is to have looked at it.
    Warn,
    /// Somebody else has to let it go.
    Hold,
}

impl Treatment {
    pub const ALL: [Self; 2] = [Self::Warn, Self::Hold];

    pub const fn name(self) -> &'static str {
        match self {
            Self::Warn => "warn",
            Self::Hold => "hold",
        }
    }
}

impl fmt::Display for Treatment {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// One word of the list.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Entry {
    /// As it was typed.
    pub word: String,
    pub treatment: Treatment,
    /// Why it is there; perhaps empty.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub note: String,
}

/// Why a message is held, as a reviewer reads it: these words, each once, as many as anybody reads.
pub fn held_for(words: &[&str]) -> String {
    format!("{HELD_FOR}{}", words[..words.len().min(MOST_NAMED)].join(BETWEEN))
}

/// The words in such a reason, as they are joined there.
pub fn words_held_for(reason: &str) -> Option<Vec<&str>> {
    Some(reason.strip_prefix(HELD_FOR)?.split(BETWEEN).collect())
}

const HELD_FOR: &str = "sensitive word: ";
const BETWEEN: &str = ", ";
const MOST_NAMED: usize = 20;

/// Why a message is held that says more than is looked through.
pub const TOO_LARGE: &str = "it says too much to be looked through for sensitive words";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_reason_names_the_words_and_is_known_again() {
        let reason = held_for(&["代考", "wire transfer"]);
        assert_eq!(reason, "sensitive word: 代考, wire transfer");
        assert_eq!(words_held_for(&reason), Some(vec!["代考", "wire transfer"]));
        assert_eq!(words_held_for("the rule says so"), None);
    }
}
