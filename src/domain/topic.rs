//! A message's topic, `academic.exam`, and the patterns that sources, rules and subscriptions name topics by.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// Words in a topic.
const MAX_WORDS: usize = 8;
/// Words and wildcards in a pattern. More than a topic has words, as each `#` may stand for none.
const MAX_PATTERN_WORDS: usize = 16;
/// An AMQP routing key has this many bytes at most (AMQP 0-9-1 §4.2.5.3), and topics travel as one.
const MAX_LENGTH: usize = 255;

/// One to eight words of `a-z 0-9 _ -` joined by dots, at most 255 characters.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Topic(Box<str>);

impl Topic {
    pub fn as_str(&self) -> &str {
        &self.0
    }

    fn words(&self) -> impl Iterator<Item = &str> {
        self.0.split('.')
    }
}

/// Words like a topic's, of which `*` stands for exactly one word and `#` for any number of them, none included.
/// Wildcards may stand anywhere, and as often as wanted, in at most sixteen words.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct TopicPattern(Box<str>);

impl TopicPattern {
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The only topic this pattern matches, if it has no wildcard.
    pub fn as_topic(&self) -> Option<Topic> {
        self.0.parse().ok()
    }

    /// Follows every reading of the pattern at once: bit `n` says that the words so far can end before pattern word
    /// `n`. The time is words times pattern words, whatever stands in the pattern.
    pub fn matches(&self, topic: &Topic) -> bool {
        let pattern: Vec<&str> = self.0.split('.').collect();
        let mut here = pass_hashes(1, &pattern);
        for word in topic.words() {
            let mut next = 0_u32;
            for (n, &wanted) in pattern.iter().enumerate().filter(|(n, _)| here & (1 << n) != 0) {
                match wanted {
                    "#" => next |= 1 << n,
                    "*" => next |= 1 << (n + 1),
                    _ if wanted == word => next |= 1 << (n + 1),
                    _ => {}
                }
            }
            here = pass_hashes(next, &pattern);
        }
        here & (1 << pattern.len()) != 0
    }

    /// Whether some topic matches this pattern and the other.
    pub fn meets(&self, other: &Self) -> bool {
        let (ours, theirs): (Vec<&str>, Vec<&str>) =
            (self.0.split('.').collect(), other.0.split('.').collect());
        // Which rests of both have a topic in common, from the ends on.
        let mut meet = vec![vec![false; theirs.len() + 1]; ours.len() + 1];
        for i in (0..=ours.len()).rev() {
            for j in (0..=theirs.len()).rev() {
                meet[i][j] = match (ours.get(i), theirs.get(j)) {
                    (None, None) => true,
                    (Some(&"#"), None) => meet[i + 1][j],
                    (Some(&"#"), Some(_)) => meet[i + 1][j] || meet[i][j + 1],
                    (None, Some(&"#")) => meet[i][j + 1],
                    (Some(_), Some(&"#")) => meet[i][j + 1] || meet[i + 1][j],
                    (Some(&a), Some(&b)) => (a == b || a == "*" || b == "*") && meet[i + 1][j + 1],
                    (None, Some(_)) | (Some(_), None) => false,
                };
            }
        }
        meet[0][0]
    }
}

/// A `#` may also stand for nothing, so whoever is before it is after it as well.
fn pass_hashes(mut at: u32, pattern: &[&str]) -> u32 {
    for (n, _) in pattern.iter().enumerate().filter(|(_, word)| **word == "#") {
        at |= (at & (1 << n)) << 1;
    }
    at
}

fn check(text: &str, max_words: usize, is_word: impl Fn(&str) -> bool) -> bool {
    text.len() <= MAX_LENGTH && text.split('.').count() <= max_words && text.split('.').all(is_word)
}

fn is_word(word: &str) -> bool {
    !word.is_empty() && word.bytes().all(|b| matches!(b, b'a'..=b'z' | b'0'..=b'9' | b'_' | b'-'))
}

impl FromStr for Topic {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        if check(text, MAX_WORDS, is_word) {
            return Ok(Self(text.into()));
        }
        Err(format!(
            "a topic is 1 to {MAX_WORDS} words of a-z, 0-9, _ and - joined by dots, such as library.new-books, \
             and at most {MAX_LENGTH} characters"
        ))
    }
}

impl FromStr for TopicPattern {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        if check(text, MAX_PATTERN_WORDS, |word| matches!(word, "*" | "#") || is_word(word)) {
            return Ok(Self(text.into()));
        }
        Err(format!(
            "a topic pattern is up to {MAX_PATTERN_WORDS} words of a-z, 0-9, _ and - joined by dots, where * stands \
             for one word and # for any number of words, such as library.#"
        ))
    }
}

macro_rules! text_like {
    ($name:ty) => {
        impl TryFrom<String> for $name {
            type Error = String;
            fn try_from(text: String) -> Result<Self, String> {
                text.parse()
            }
        }

        impl From<$name> for String {
            fn from(it: $name) -> Self {
                it.0.into()
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }
    };
}

text_like!(Topic);
text_like!(TopicPattern);

/// The pattern that matches this topic and no other.
impl From<Topic> for TopicPattern {
    fn from(topic: Topic) -> Self {
        Self(topic.0)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn matches(pattern: &str, topic: &str) -> bool {
        pattern.parse::<TopicPattern>().unwrap().matches(&topic.parse().unwrap())
    }

    #[test]
    fn topics_are_parsed() {
        for good in ["a", "library.new-books", "a.b.c.d.e.f.g.h", "0_-.x"] {
            assert_eq!(good.parse::<Topic>().unwrap().to_string(), good);
        }
        let long = "a".repeat(256);
        for bad in
            ["", ".", "a.", ".a", "a..b", "A", "教务", "a b", "a.*", "#", "a.b.c.d.e.f.g.h.i", "a\n", &long]
        {
            assert!(bad.parse::<Topic>().is_err(), "{bad:?}");
        }
    }

    #[test]
    fn patterns_are_parsed() {
        for good in ["#", "*", "a.#", "#.a.*", "a.b", "#.#"] {
            assert_eq!(good.parse::<TopicPattern>().unwrap().to_string(), good);
        }
        for bad in ["", "a.", "a*", "##", "a.#b", "A.#", &["*"; 17].join(".")] {
            assert!(bad.parse::<TopicPattern>().is_err(), "{bad:?}");
        }
    }

    #[test]
    fn wildcards_stand_for_words() {
        assert!(matches("academic.*", "academic.exam"));
        assert!(!matches("academic.*", "academic"));
        assert!(!matches("academic.*", "academic.exam.moved"));
        assert!(matches("academic.#", "academic"));
        assert!(matches("academic.#", "academic.exam.moved"));
        assert!(!matches("academic.#", "academics"));
        assert!(matches("#.moved", "moved"));
        assert!(matches("*.#.moved", "academic.exam.moved"));
        assert!(!matches("*.#.*", "academic"));
        assert!(matches("#.#.#", "academic"));
        assert!(matches("#.b.#", "a.b.a.b"));
    }

    #[test]
    fn patterns_meet_where_one_topic_matches_both() {
        let meet = |a: &str, b: &str| {
            let (a, b): (TopicPattern, TopicPattern) = (a.parse().unwrap(), b.parse().unwrap());
            assert_eq!(a.meets(&b), b.meets(&a), "{a} {b}");
            a.meets(&b)
        };
        for (a, b) in [
            ("#", "library.#"),
            ("a.*", "*.b"),
            ("a.#", "#.b"),
            ("a", "a.#"),
            ("#.x.#", "a.*"),
            ("a.b", "a.b"),
        ] {
            assert!(meet(a, b), "{a} {b}");
        }
        for (a, b) in [("a", "b"), ("a.*", "a"), ("a.#", "b.#"), ("*.*", "#.a.b.c"), ("a.b", "a.c")] {
            assert!(!meet(a, b), "{a} {b}");
        }
    }

    #[test]
    fn a_pattern_without_wildcards_is_a_topic() {
        assert_eq!("a.b".parse::<TopicPattern>().unwrap().as_topic(), Some("a.b".parse().unwrap()));
        assert_eq!("a.#".parse::<TopicPattern>().unwrap().as_topic(), None);
    }

    #[test]
    fn both_are_strings_on_the_wire() {
        let topic: Topic = serde_json::from_str(r#""a.b""#).unwrap();
        assert_eq!(serde_json::to_string(&topic).unwrap(), r#""a.b""#);
        let refused = serde_json::from_str::<TopicPattern>(r#""a b""#).unwrap_err();
        assert!(refused.to_string().contains("library.#"));
    }

    /// What the wildcards mean, word by word and without thought for time.
    fn naive(pattern: &[&str], topic: &[&str]) -> bool {
        match (pattern, topic) {
            ([], []) => true,
            (["#", rest @ ..], _) => (0..=topic.len()).any(|n| naive(rest, &topic[n..])),
            (["*", rest @ ..], [_, words @ ..]) => naive(rest, words),
            ([wanted, rest @ ..], [word, words @ ..]) => wanted == word && naive(rest, words),
            _ => false,
        }
    }

    proptest! {
        #[test]
        fn matching_agrees_with_the_definition(
            pattern in prop::collection::vec(prop::sample::select(vec!["a", "b", "*", "#"]), 1..8),
            topic in prop::collection::vec(prop::sample::select(vec!["a", "b", "c"]), 1..=8),
        ) {
            prop_assert_eq!(matches(&pattern.join("."), &topic.join(".")), naive(&pattern, &topic));
        }

        #[test]
        fn parsing_never_panics(text in ".{0,40}") {
            let _ = text.parse::<Topic>();
            let _ = text.parse::<TopicPattern>();
        }
    }
}
