//! A relay's answer to one command (RFC 5321 §4.2), with its enhanced code (RFC 3463) where it has one.

/// Characters of a relay's words that are kept.
const KEPT: usize = 500;

#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Reply {
    pub(super) code: u16,
    /// The lines without their codes, joined by line feeds.
    pub(super) text: String,
}

impl Reply {
    /// The enhanced code the text begins with. One of another class than the basic code is not meant (RFC 2034 §4).
    pub(super) fn enhanced(&self) -> Option<(u16, u16, u16)> {
        let (code, _) = split_enhanced(&self.text)?;
        (code.0 == self.code / 100).then_some(code)
    }

    /// Both codes: `550 5.1.1`.
    pub(super) fn codes(&self) -> String {
        match self.enhanced() {
            Some((class, subject, detail)) => format!("{:03} {class}.{subject}.{detail}", self.code),
            None => format!("{:03}", self.code),
        }
    }

    /// What the relay said, on one line and no longer than is worth keeping; the enhanced code is not repeated.
    pub(super) fn words(&self) -> String {
        let enhanced = self.enhanced();
        let mut words = String::new();
        for line in self.text.lines() {
            let line = match split_enhanced(line) {
                Some((code, rest)) if Some(code) == enhanced => rest,
                _ => line,
            };
            if !words.is_empty() {
                words.push(' ');
            }
            words.push_str(line.trim());
        }
        printable(&words)
    }
}

/// `text` without control characters, and no longer than is worth keeping.
pub(super) fn printable(text: &str) -> String {
    text.chars().filter(|c| !c.is_control()).take(KEPT).collect()
}

/// The enhanced code that a text begins with.
pub(super) fn enhanced_at(text: &str) -> Option<(u16, u16, u16)> {
    split_enhanced(text.trim()).map(|(code, _)| code)
}

fn split_enhanced(text: &str) -> Option<((u16, u16, u16), &str)> {
    let end = text.find(|c: char| !c.is_ascii_digit() && c != '.').unwrap_or(text.len());
    let (code, rest) = text.split_at(end);
    if rest.starts_with(|c: char| !c.is_whitespace()) {
        return None;
    }
    let mut numbers = code.split('.').map(|part| part.parse::<u16>().ok().filter(|_| part.len() <= 3));
    let found = (numbers.next()??, numbers.next()??, numbers.next()??);
    (numbers.next().is_none() && matches!(found.0, 2 | 4 | 5)).then_some((found, rest))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn reply(code: u16, text: &str) -> Reply {
        Reply { code, text: text.to_owned() }
    }

    #[test]
    fn an_enhanced_code_is_read_where_it_is_one() {
        for (code, text, expected) in [
            (550, "5.1.1 No such person", Some((5, 1, 1))),
            (250, "2.0.0", Some((2, 0, 0))),
            (550, "5.7.509 Access denied", Some((5, 7, 509))),
            (550, "4.1.1 of another class", None),
            (550, "10.0.0.1 is listed", None),
            (550, "5.1 short", None),
            (550, "5.1.1.1 long", None),
            (550, "5.1.1000 long", None),
            (550, "5.1.1: glued", None),
            (550, "No such person 5.1.1", None),
            (550, "", None),
        ] {
            assert_eq!(reply(code, text).enhanced(), expected, "{code} {text}");
        }
    }

    #[test]
    fn words_are_one_printable_line() {
        let answer = reply(550, "5.7.1 Refused\t\u{1b}[31m\n5.7.1  see https://x.example\n4.0.0 other");
        assert_eq!(answer.codes(), "550 5.7.1");
        assert_eq!(answer.words(), "Refused[31m see https://x.example 4.0.0 other");
        assert_eq!(reply(421, "bye").codes(), "421");
        assert_eq!(reply(550, &"错".repeat(900)).words().chars().count(), KEPT);
    }
}
