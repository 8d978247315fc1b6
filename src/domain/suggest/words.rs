//! What of a text is weighed: the words of Chinese as jieba's dictionary has them, each of their characters, and words of
//! Latin letters. Numbers, punctuation and addresses say nothing.

use std::collections::BTreeMap;

use jieba_rs::Jieba;
use unicode_normalization::UnicodeNormalization as _;

/// Characters of a title or body that are read.
const READ: usize = 2_000;
/// What a word of the title weighs against one of the body.
const TITLE: f32 = 1.5;
/// Words of English that are in every text.
const COMMON: [&str; 71] = [
    "all", "an", "and", "any", "are", "as", "at", "be", "been", "by", "can", "do", "each", "for", "from",
    "has", "have", "how", "if", "in", "is", "it", "its", "may", "more", "no", "not", "of", "on", "one", "or",
    "our", "than", "that", "the", "their", "there", "they", "this", "to", "was", "we", "were", "what",
    "when", "which", "who", "will", "with", "you", "your", "he", "she", "his", "her", "me", "my", "us",
    "but", "so", "such", "these", "those", "then", "here", "also", "had", "would", "should", "could",
    "about",
];

/// The dictionary: some 350,000 words, about 30 MB of memory and some tenths of a second to load.
pub struct Segmenter(Jieba);

impl std::fmt::Debug for Segmenter {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Segmenter")
    }
}

/// A text as it is weighed.
#[derive(Debug, Default)]
pub(super) struct Words {
    /// Words and characters, each with the weight of where it stands.
    pub weights: BTreeMap<String, f32>,
    /// Words of at least two characters in their order: as they are weighed, and as they were written.
    pub whole: Vec<(String, String)>,
}

impl Words {
    fn weigh(&mut self, key: &str, weight: f32) {
        let known = self.weights.entry(key.to_owned()).or_insert(0.0);
        *known = known.max(weight);
    }

    fn word(&mut self, key: &str, shown: &str, weight: f32) {
        self.weigh(key, weight);
        if !self.whole.iter().any(|(known, _)| known == key) {
            self.whole.push((key.to_owned(), shown.to_owned()));
        }
    }
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Script {
    Han,
    Latin,
    Other,
}

impl Script {
    const fn of(c: char) -> Self {
        match c {
            '\u{4E00}'..='\u{9FFF}' => Self::Han,
            'a'..='z' => Self::Latin,
            _ => Self::Other,
        }
    }
}

impl Segmenter {
    pub fn load() -> Self {
        Self(Jieba::new())
    }

    pub(super) fn read(&self, title: &str, body: &str) -> Words {
        let mut words = Words::default();
        for (text, weight) in [(title, TITLE), (body, 1.0)] {
            let text: String = without_addresses(text).chars().take(READ).collect();
            let plain: String = text.nfkc().flat_map(char::to_lowercase).collect();
            let mut rest = plain.as_str();
            while let Some(first) = rest.chars().next() {
                let script = Script::of(first);
                let end = rest.find(|c: char| Script::of(c) != script).unwrap_or(rest.len());
                let (run, after) = rest.split_at(end);
                rest = after;
                match script {
                    Script::Han => self.chinese(run, weight, &mut words),
                    Script::Latin => latin(run, weight, &mut words),
                    Script::Other => {}
                }
            }
        }
        words
    }

    fn chinese(&self, run: &str, weight: f32, words: &mut Words) {
        // Long words with the shorter ones inside; without guessing words that the dictionary lacks.
        for token in self.0.cut_for_search(run, false) {
            if token.word.chars().nth(1).is_some() {
                words.word(token.word, token.word, weight);
            }
        }
        for c in run.chars() {
            words.weigh(c.encode_utf8(&mut [0; 4]), weight);
        }
    }
}

/// A word of Latin letters, of which singular and plural are the same.
fn latin(word: &str, weight: f32, words: &mut Words) {
    if word.len() < 2 || COMMON.contains(&word) {
        return;
    }
    match word.strip_suffix("ies") {
        Some(stem) if word.len() > 4 => words.word(&format!("{stem}y"), word, weight),
        _ => match word.strip_suffix('s') {
            Some(stem) if word.len() > 3 && !stem.ends_with('s') => words.word(stem, word, weight),
            _ => words.word(word, word, weight),
        },
    }
}

/// Without `https://…`.
fn without_addresses(text: &str) -> String {
    let mut kept = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find("http") {
        let (before, from) = rest.split_at(at);
        kept.push_str(before);
        let is_address = from.starts_with("http://") || from.starts_with("https://");
        let ends = |c: char| c.is_whitespace() || !c.is_ascii();
        let end = if is_address { from.find(ends).unwrap_or(from.len()) } else { "http".len() };
        if !is_address {
            kept.push_str(&from[..end]);
        }
        rest = &from[end..];
    }
    kept.push_str(rest);
    kept
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_is_its_words_and_characters() {
        let segmenter = Segmenter::load();
        let words =
            segmenter.read("图书馆闭馆", "ＮＥＷ Libraries: 12 boxes at https://lib.example/books?x=1。闭馆");
        let keys: Vec<_> = words.weights.keys().map(String::as_str).collect();
        for key in ["图书馆", "图书", "图", "闭", "馆", "new", "library", "boxe"] {
            assert!(keys.contains(&key), "{key}: {keys:?}");
        }
        for key in ["at", "12", "https", "lib", "example", "books"] {
            assert!(!keys.contains(&key), "{key}: {keys:?}");
        }
        assert!(words.weights["图书馆"] > words.weights["library"], "the title weighs more");
        let shown: Vec<_> = words.whole.iter().map(|(_, shown)| shown.as_str()).collect();
        assert!(
            shown.contains(&"libraries") && shown.iter().all(|word| word.chars().count() > 1),
            "{shown:?}"
        );
    }

    #[test]
    fn addresses_say_nothing_and_the_rest_stays() {
        for (text, plain) in [
            ("见https://a.example/x?y，谢谢", "见，谢谢"),
            ("see http://a.example now", "see  now"),
            ("http 是协议", "http 是协议"),
            ("无", "无"),
        ] {
            assert_eq!(without_addresses(text), plain);
        }
    }

    #[test]
    fn common_words_stand_once() {
        let all: std::collections::BTreeSet<_> = COMMON.iter().collect();
        assert_eq!(all.len(), COMMON.len());
    }
}
