//! Text to tokens, each with the number of characters before it.

use super::ast::Operator;
use super::{FilterError, MAX_LENGTH, is_attribute_name};

#[derive(Clone, Debug, PartialEq)]
pub(super) enum Token {
    Open,
    Close,
    Comma,
    Operator(Operator),
    Keyword(Keyword),
    /// An attribute's name, bare or in double quotes.
    Name(String),
    Text(String),
    Number(f64),
    End,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Keyword {
    And,
    Or,
    Not,
    In,
    Like,
    Is,
    Null,
    True,
    False,
}

const KEYWORDS: [(&str, Keyword); 9] = [
    ("and", Keyword::And),
    ("or", Keyword::Or),
    ("not", Keyword::Not),
    ("in", Keyword::In),
    ("like", Keyword::Like),
    ("is", Keyword::Is),
    ("null", Keyword::Null),
    ("true", Keyword::True),
    ("false", Keyword::False),
];

impl Keyword {
    fn of(word: &str) -> Option<Self> {
        KEYWORDS.iter().find(|(text, _)| word.eq_ignore_ascii_case(text)).map(|(_, keyword)| *keyword)
    }

    fn text(self) -> &'static str {
        KEYWORDS.iter().find(|(_, keyword)| *keyword == self).map_or("", |(text, _)| text)
    }
}

/// Whether a name has to stand in double quotes for being a word of the language.
pub(super) fn is_keyword(word: &str) -> bool {
    Keyword::of(word).is_some()
}

impl Token {
    /// For an error's "… but found".
    pub fn describe(&self) -> String {
        match self {
            Self::Open => "`(`".to_owned(),
            Self::Close => "`)`".to_owned(),
            Self::Comma => "`,`".to_owned(),
            Self::Operator(operator) => format!("`{}`", operator.symbol()),
            Self::Keyword(keyword) => format!("the word `{}`", keyword.text()),
            Self::Name(name) => format!("the name `{}`", shortened(name)),
            Self::Text(_) => "a string".to_owned(),
            Self::Number(number) => format!("the number {number}"),
            Self::End => "the end of the filter".to_owned(),
        }
    }
}

fn shortened(name: &str) -> String {
    if name.chars().count() <= 32 {
        return name.to_owned();
    }
    name.chars().take(32).chain(['…']).collect()
}

pub(super) struct Lexer {
    characters: Vec<char>,
    at: usize,
}

impl Lexer {
    pub fn new(text: &str) -> Result<Self, FilterError> {
        let characters: Vec<char> = text.chars().take(MAX_LENGTH + 1).collect();
        if characters.len() > MAX_LENGTH {
            return Err(FilterError::limit(
                MAX_LENGTH,
                format!(
                    "a filter is at most {MAX_LENGTH} characters long; a group can hold a long list of people"
                ),
            ));
        }
        Ok(Self { characters, at: 0 })
    }

    /// Characters read so far.
    pub fn position(&self) -> usize {
        self.at
    }

    /// The text from one character to before another.
    pub fn between(&self, start: usize, end: usize) -> String {
        self.characters[start..end].iter().collect()
    }

    fn peek(&self, ahead: usize) -> Option<char> {
        self.characters.get(self.at + ahead).copied()
    }

    fn take_while(&mut self, wanted: impl Fn(char) -> bool) -> String {
        let rest = &self.characters[self.at..];
        let taken: String = rest.iter().copied().take_while(|c| wanted(*c)).collect();
        self.at += taken.chars().count();
        taken
    }

    /// The next token and where it starts.
    pub fn next(&mut self) -> Result<(Token, usize), FilterError> {
        self.take_while(char::is_whitespace);
        let start = self.at;
        let Some(first) = self.peek(0) else { return Ok((Token::End, start)) };
        let token = match first {
            '(' => self.symbol(1, Token::Open),
            ')' => self.symbol(1, Token::Close),
            ',' => self.symbol(1, Token::Comma),
            '=' if self.peek(1) == Some('=') => {
                return Err(FilterError::syntax(start, "write `=` for equal, not `==`"));
            }
            '=' => self.symbol(1, Token::Operator(Operator::Equal)),
            '!' if self.peek(1) == Some('=') => self.symbol(2, Token::Operator(Operator::NotEqual)),
            '<' if self.peek(1) == Some('>') => {
                return Err(FilterError::syntax(start, "write `!=` for not equal, not `<>`"));
            }
            '<' if self.peek(1) == Some('=') => self.symbol(2, Token::Operator(Operator::LessOrEqual)),
            '<' => self.symbol(1, Token::Operator(Operator::Less)),
            '>' if self.peek(1) == Some('=') => self.symbol(2, Token::Operator(Operator::GreaterOrEqual)),
            '>' => self.symbol(1, Token::Operator(Operator::Greater)),
            '\'' => Token::Text(self.quoted('\'')?),
            '"' => self.quoted_name()?,
            '0'..='9' | '-' | '.' => self.number()?,
            c if c.is_alphabetic() || c == '_' => self.word()?,
            c => return Err(FilterError::syntax(start, unexpected(c))),
        };
        Ok((token, start))
    }

    fn symbol(&mut self, length: usize, token: Token) -> Token {
        self.at += length;
        token
    }

    /// What stands between this quote and the next single one; a doubled quote is one quote in the text.
    fn quoted(&mut self, quote: char) -> Result<String, FilterError> {
        let start = self.at;
        self.at += 1;
        let mut text = String::new();
        loop {
            match (self.peek(0), self.peek(1)) {
                (Some(c), Some(d)) if c == quote && d == quote => {
                    text.push(quote);
                    self.at += 2;
                }
                (Some(c), _) if c == quote => {
                    self.at += 1;
                    return Ok(text);
                }
                (Some('\0'), _) => {
                    return Err(FilterError::syntax(
                        self.at,
                        "the character U+0000 cannot be stored or compared",
                    ));
                }
                (Some(c), _) => {
                    text.push(c);
                    self.at += 1;
                }
                (None, _) => {
                    return Err(FilterError::syntax(
                        start,
                        format!(
                            "this {quote} has no closing {quote}; write {quote}{quote} for the character itself"
                        ),
                    ));
                }
            }
        }
    }

    fn quoted_name(&mut self) -> Result<Token, FilterError> {
        let start = self.at;
        let name = self.quoted('"')?;
        Self::name(start, name)
    }

    fn word(&mut self) -> Result<Token, FilterError> {
        let start = self.at;
        let word = self.take_while(|c| c.is_alphanumeric() || c == '_');
        Keyword::of(&word).map_or_else(|| Self::name(start, word), |keyword| Ok(Token::Keyword(keyword)))
    }

    fn name(start: usize, name: String) -> Result<Token, FilterError> {
        if is_attribute_name(&name) {
            return Ok(Token::Name(name));
        }
        Err(FilterError::syntax(
            start,
            "an attribute's name is 1 to 64 characters, without control characters, \" and \\",
        ))
    }

    fn number(&mut self) -> Result<Token, FilterError> {
        let start = self.at;
        let text = self.take_while(|c| c.is_alphanumeric() || matches!(c, '-' | '+' | '.'));
        let digits = text.strip_prefix('-').unwrap_or(&text);
        let (mantissa, exponent) = digits.split_once(['e', 'E']).unwrap_or((digits, "0"));
        let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, "0"));
        let exponent = exponent.strip_prefix(['-', '+']).unwrap_or(exponent);
        let well_formed = [whole, fraction, exponent]
            .iter()
            .all(|part| !part.is_empty() && part.bytes().all(|b| b.is_ascii_digit()));
        match text.parse::<f64>() {
            Ok(number) if well_formed && number.is_finite() => Ok(Token::Number(number)),
            Ok(_) if well_formed => Err(FilterError::value(start, "this number is too large")),
            _ => Err(FilterError::syntax(
                start,
                "expected a number such as 2024, -1.5 or 2e3; write text in single quotes, and a name that starts \
                 with a digit in double quotes",
            )),
        }
    }
}

/// The usual slips, most of them from a Chinese keyboard.
fn unexpected(c: char) -> String {
    let instead = match c {
        '‘' | '’' | '“' | '”' | '「' | '」' | '`' => "'",
        '（' => "(",
        '）' => ")",
        '，' | '、' => ",",
        '＝' => "=",
        '＜' | '《' => "<",
        '＞' | '》' => ">",
        '！' | '≠' | '!' => "!=",
        '≤' => "<=",
        '≥' => ">=",
        '&' => "and",
        '|' => "or",
        '*' => "% inside a like pattern",
        c if c.is_control() => return "a control character cannot stand here".to_owned(),
        c => return format!("the character `{c}` cannot stand here"),
    };
    format!("the character `{c}` cannot stand here; write {instead} instead")
}
