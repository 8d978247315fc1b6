//! A text as its words are looked for, and where each of its characters stands in the text itself.

use std::ops::Range;

use unicode_normalization::UnicodeNormalization as _;

/// Letters and digits in lower case, and as Unicode holds them to be the same (NFKD): of one width, without accents, rings
/// or dots.
///
/// Whatever stands between two letters of which one is Han is left out, as people put spaces, stars and dots there to get
/// by; between others it is one space. A line and a sentence end where they end: words are not looked for across.
#[derive(Debug, Default)]
pub(in crate::domain) struct Plain {
    pub text: String,
    /// For each character: where it begins in `text`, and its place in the original.
    places: Vec<(usize, Range<usize>)>,
}

impl Plain {
    pub fn of(original: &str) -> Self {
        let mut plain = Self::default();
        let mut before = Before { character: '\n', gap: false };
        for (at, character) in original.char_indices() {
            let place = at..at + character.len_utf8();
            if character.is_ascii() || is_usual_han(character) {
                plain.take(character, place, &mut before);
            } else {
                std::iter::once(character).nfkd().for_each(|c| plain.take(c, place.clone(), &mut before));
            }
        }
        plain
    }

    fn take(&mut self, character: char, place: Range<usize>, before: &mut Before) {
        if is_unseen(character) {
            return;
        }
        if ends_something(character) {
            if before.character != '\n' {
                self.push('\n', place);
            }
            *before = Before { character: '\n', gap: false };
        } else if character.is_alphanumeric() {
            let is_new = before.character != '\n' && !is_han(before.character) && !is_han(character);
            if before.gap && is_new {
                self.push(' ', place.start..place.start);
            }
            for lower in character.to_lowercase() {
                self.push(lower, place.clone());
            }
            *before = Before { character, gap: false };
        } else {
            before.gap = true;
        }
    }

    fn push(&mut self, character: char, place: Range<usize>) {
        self.places.push((self.text.len(), place));
        self.text.push(character);
    }

    /// Where it stands in the original what is found there in `text`.
    pub fn place(&self, found: &Range<usize>) -> Range<usize> {
        let after = |at: usize| self.places.partition_point(|(start, _)| *start < at);
        let of = |index: usize| self.places.get(index).map(|(_, place)| place.clone()).unwrap_or_default();
        of(after(found.start)).start..of(after(found.end).saturating_sub(1)).end
    }

    /// Words of letters that are written together are whole words, and so are numbers: `ass` is not in `class`, but `qq` is
    /// in `qq123`.
    pub fn is_whole(&self, found: &Range<usize>) -> bool {
        let is_letter = |c: char| c.is_alphabetic() && !is_han(c);
        let joins = |one: Option<char>, other: Option<char>| {
            let both = |is: &dyn Fn(char) -> bool| one.is_some_and(is) && other.is_some_and(is);
            both(&is_letter) || both(&char::is_numeric)
        };
        let (before, rest) = self.text.split_at(found.start);
        let (word, after) = rest.split_at(found.end - found.start);
        !joins(before.chars().next_back(), word.chars().next())
            && !joins(word.chars().next_back(), after.chars().next())
    }
}

/// What stands before, and whether anything that counts for nothing came since.
struct Before {
    character: char,
    gap: bool,
}

/// What stands in a word and is not looked for: it is left out between Han letters, and a space between others.
pub(super) fn is_sign(character: char) -> bool {
    std::iter::once(character).nfkd().any(|c| !c.is_alphanumeric() && !c.is_whitespace() && !is_unseen(c))
}

/// That which most texts consist of is as it should be.
const fn is_usual_han(character: char) -> bool {
    matches!(character, '\u{4E00}'..='\u{9FFF}')
}

/// What nobody sees, and marks that are set over or through a letter.
fn is_unseen(character: char) -> bool {
    matches!(u32::from(character),
        0xAD | 0x34F | 0x61C | 0x115F..=0x1160 | 0x17B4..=0x17B5 | 0x180B..=0x180F | 0x200B..=0x200F
        | 0x202A..=0x202E | 0x2060..=0x206F | 0x3164 | 0xFE00..=0xFE0F | 0xFEFF | 0xFFA0 | 0xE0000..=0xE0FFF
        | 0x300..=0x36F | 0x1AB0..=0x1AFF | 0x1DC0..=0x1DFF | 0x20D0..=0x20FF)
}

fn ends_something(character: char) -> bool {
    matches!(character, '\n' | '\r' | '\u{2028}' | '\u{2029}' | '。' | '!' | '?' | ';')
}

pub(in crate::domain) fn is_han(character: char) -> bool {
    matches!(u32::from(character),
        0x3005 | 0x3007 | 0x3400..=0x4DBF | 0x4E00..=0x9FFF | 0xF900..=0xFAFF | 0x2_0000..=0x3_FFFF)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(text: &str) -> String {
        Plain::of(text).text
    }

    #[test]
    fn what_is_put_between_han_letters_is_left_out() {
        for text in [
            "代考",
            "代 考",
            "代\u{3000}考",
            "代*考",
            "代·考",
            "代，考",
            "代\u{200b}考",
            "代̶考",
            "【代】考",
            "代——考",
        ] {
            assert_eq!(of(text), "代考", "{text:?}");
        }
        assert_eq!(of("加 Q Q 群"), "加q q群");
        assert_eq!(of("ＱＱ 群"), "qq群");
    }

    #[test]
    fn what_is_the_same_to_unicode_is_the_same() {
        for text in ["qq1", "ＱＱ１", "ⓆⓆ①", "𝐐𝐪¹", "Q\u{307}q\u{325}1"] {
            assert_eq!(of(text), "qq1", "{text:?}");
        }
        assert_eq!((of("\u{2F00}\u{F983}"), of("résumé")), ("一旅".to_owned(), "resume".to_owned()));
    }

    #[test]
    fn between_other_letters_it_is_one_space() {
        assert_eq!(of("Wire -  Transfer"), "wire transfer");
        assert_eq!(of("fr\u{ad}ee"), "free");
        assert_eq!(of("  Free!  "), "free\n");
    }

    #[test]
    fn lines_and_sentences_end() {
        assert_eq!(of("新时代。\n\n考试安排；另见"), "新时代\n考试安排\n另见");
        assert_eq!(of("- 时代\n- 考试"), "时代\n考试");
    }

    #[test]
    fn what_is_found_has_its_place_in_the_original() {
        let original = "请勿 İ 找人代\u{200b} * 考！";
        let plain = Plain::of(original);
        let start = plain.text.find("代考").unwrap();
        let place = plain.place(&(start..start + "代考".len()));
        assert_eq!(&original[place], "代\u{200b} * 考");
        // A letter that becomes two is one letter still.
        let start = plain.text.find('i').unwrap();
        assert_eq!(&original[plain.place(&(start..start + 1))], "İ");
    }

    #[test]
    fn letters_that_are_written_together_are_one_word() {
        let whole = |text: &str, word: &str| {
            let plain = Plain::of(text);
            let start = plain.text.find(word).unwrap();
            plain.is_whole(&(start..start + word.len()))
        };
        assert!(!whole("class", "ass") && !whole("assign", "ass") && !whole("19850", "985"));
        assert!(whole("加QQ123456", "qq") && whole("a4纸", "4") && !whole("qqa1", "qq"));
        assert!(whole("an ass, really", "ass") && whole("加QQ群", "qq") && whole("找人代考吗", "代考"));
    }
}
