//! Filters and paths to tokens, each with the number of characters before it.

use super::MAX_LENGTH;

#[derive(Clone, Debug, PartialEq)]
pub(super) enum Token {
    Open,
    Close,
    OpenBracket,
    CloseBracket,
    /// A name, an operator, a number or a literal.
    Word(String),
    /// A JSON string.
    Text(String),
    End,
}

/// What is wrong with a text, and at which character, from 0.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Wrong {
    pub(super) at: usize,
    pub(super) why: String,
}

impl Wrong {
    pub(super) fn new(at: usize, why: impl Into<String>) -> Self {
        Self { at, why: why.into() }
    }
}

impl std::fmt::Display for Wrong {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "at character {}: {}", self.at + 1, self.why)
    }
}

/// All tokens, [`Token::End`] the last.
pub(super) fn read(text: &str) -> Result<Vec<(usize, Token)>, Wrong> {
    let chars: Vec<char> = text.chars().collect();
    if chars.len() > MAX_LENGTH {
        return Err(Wrong::new(MAX_LENGTH, format!("at most {MAX_LENGTH} characters")));
    }
    if let Some(at) = chars.iter().position(|c| *c == '\0') {
        return Err(Wrong::new(at, crate::error::NO_NUL));
    }
    let mut tokens = Vec::new();
    let mut at = 0;
    while at < chars.len() {
        let began = at;
        let token = match chars[at] {
            c if c.is_whitespace() => {
                at += 1;
                continue;
            }
            '(' => Token::Open,
            ')' => Token::Close,
            '[' => Token::OpenBracket,
            ']' => Token::CloseBracket,
            '"' => {
                at = end_of_text(&chars, at)?;
                let written: String = chars[began..=at].iter().collect();
                let text: String = serde_json::from_str(&written)
                    .map_err(|_| Wrong::new(began, "this is not a JSON string"))?;
                if crate::error::has_nul(&text) {
                    return Err(Wrong::new(began, crate::error::NO_NUL));
                }
                Token::Text(text)
            }
            c if is_of_word(c) => {
                while at + 1 < chars.len() && is_of_word(chars[at + 1]) {
                    at += 1;
                }
                Token::Word(chars[began..=at].iter().collect())
            }
            _ => return Err(Wrong::new(at, "this character has no meaning here")),
        };
        at += 1;
        tokens.push((began, token));
    }
    tokens.push((chars.len(), Token::End));
    Ok(tokens)
}

/// Names have letters, digits, `-`, `_` and `$` (RFC 7643 §2.1), and keys of the directory's attributes any letter; URNs and
/// numbers have `:`, `.` and `+`.
fn is_of_word(c: char) -> bool {
    c.is_alphanumeric() || matches!(c, '-' | '_' | '$' | ':' | '.' | '+')
}

fn end_of_text(chars: &[char], began: usize) -> Result<usize, Wrong> {
    let mut at = began + 1;
    while at < chars.len() {
        match chars[at] {
            '\\' => at += 1,
            '"' => return Ok(at),
            _ => {}
        }
        at += 1;
    }
    Err(Wrong::new(began, "this text has no closing quotation mark"))
}
