//! How a source calls a queue of its own at the broker. What stands before that there is ours to say, so that no name leads
//! into somebody else's queue.

use std::fmt;
use std::str::FromStr;

/// Characters.
pub const LONGEST_QUEUE: usize = 64;

/// The last part of a queue's name, such as `library`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct QueueName(String);

impl QueueName {
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for QueueName {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let is_plain = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit();
        let fits = (1..=LONGEST_QUEUE).contains(&text.len());
        let begins = text.bytes().next().is_some_and(is_plain);
        if fits && begins && text.bytes().all(|b| is_plain(b) || matches!(b, b'.' | b'_' | b'-')) {
            return Ok(Self(text.to_owned()));
        }
        Err(format!(
            "1 to {LONGEST_QUEUE} lower-case letters, digits, dots, hyphens and underscores, beginning with a letter or digit"
        ))
    }
}

impl fmt::Display for QueueName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_plain_and_says_nothing_to_the_broker() {
        for text in ["library", "a", "0", "library.due-soon_2", &"q".repeat(LONGEST_QUEUE)] {
            assert_eq!(text.parse::<QueueName>().unwrap().as_str(), text);
        }
        for text in [
            "",
            "Library",
            "图书馆",
            "a b",
            "a/b",
            "a#",
            "a*",
            ".a",
            "-a",
            "_a",
            &"q".repeat(LONGEST_QUEUE + 1),
        ] {
            assert!(text.parse::<QueueName>().is_err(), "{text}");
        }
    }
}
