//! What others say, as far as it can be kept: a store takes no NUL, and an index no word without an end.

/// Characters of a reference, an address or a code: longer ones are nobody's.
const SHORT: usize = 512;
/// Characters of whatever else is told.
const LONG: usize = 2_000;

/// A reference, an address or a code: without control characters, and no longer than an index has room for.
pub fn word(text: &str) -> String {
    text.chars().filter(|c| !c.is_control()).take(SHORT).collect()
}

/// A sentence in one line.
pub fn words(text: &str) -> String {
    text.chars().map(|c| if c.is_control() { ' ' } else { c }).take(LONG).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_but_text_is_kept() {
        assert_eq!(word("a\u{0}b\nc"), "abc");
        assert_eq!(words("no\u{0} such\r\nnumber"), "no  such  number");
        assert_eq!(word(&"长".repeat(600)).chars().count(), SHORT);
    }
}
