//! As much of Rust's grammar as the rules need: names and signs, without comments, texts and numbers.

use std::iter::Peekable;
use std::str::Chars;

#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Token {
    /// A name or keyword; raw names come without `r#`.
    Name(String),
    /// `::`
    Path,
    /// Any other sign, one character each.
    Sign(char),
}

impl Token {
    pub(super) fn is_name(&self, name: &str) -> bool {
        matches!(self, Self::Name(n) if n == name)
    }
}

pub(super) fn read(text: &str) -> Vec<Token> {
    let mut rest = text.chars().peekable();
    let mut tokens = Vec::new();
    while let Some(c) = rest.next() {
        match c {
            '/' if rest.peek() == Some(&'/') => skip_line(&mut rest),
            '/' if rest.peek() == Some(&'*') => skip_block(&mut rest),
            '"' => skip_text(&mut rest),
            '\'' => skip_character(&mut rest),
            ':' if rest.next_if_eq(&':').is_some() => tokens.push(Token::Path),
            c if c.is_alphabetic() || c == '_' => name(c, &mut rest, &mut tokens),
            c if c.is_ascii_digit() => while rest.next_if(|c| c.is_alphanumeric() || *c == '_').is_some() {},
            c if c.is_whitespace() => {}
            c => tokens.push(Token::Sign(c)),
        }
    }
    tokens
}

fn name(first: char, rest: &mut Peekable<Chars<'_>>, tokens: &mut Vec<Token>) {
    let mut name = String::from(first);
    while let Some(c) = rest.next_if(|c| c.is_alphanumeric() || *c == '_') {
        name.push(c);
    }
    match (name.as_str(), rest.peek()) {
        ("r" | "br" | "cr", Some('"' | '#')) => {
            let mut hashes = 0;
            while rest.next_if_eq(&'#').is_some() {
                hashes += 1;
            }
            if rest.next_if_eq(&'"').is_some() {
                skip_raw_text(hashes, rest);
            }
        }
        ("b" | "c", Some('"' | '\'')) => {}
        _ => tokens.push(Token::Name(name)),
    }
}

fn skip_line(rest: &mut Peekable<Chars<'_>>) {
    while rest.next_if(|c| *c != '\n').is_some() {}
}

fn skip_block(rest: &mut Peekable<Chars<'_>>) {
    let mut depth = 0;
    let mut before = '/';
    for c in rest.by_ref() {
        match (before, c) {
            ('/', '*') => depth += 1,
            ('*', '/') => depth -= 1,
            _ => {
                before = c;
                continue;
            }
        }
        if depth == 0 {
            return;
        }
        before = ' ';
    }
}

fn skip_text(rest: &mut Peekable<Chars<'_>>) {
    while let Some(c) = rest.next() {
        match c {
            '\\' => drop(rest.next()),
            '"' => return,
            _ => {}
        }
    }
}

fn skip_raw_text(hashes: usize, rest: &mut Peekable<Chars<'_>>) {
    while let Some(c) = rest.next() {
        if c == '"' && (0..hashes).all(|_| rest.next_if_eq(&'#').is_some()) {
            return;
        }
    }
}

/// After a `'`: a character such as `'{'` is skipped; of a lifetime only the sign is, its name harms nobody.
fn skip_character(rest: &mut Peekable<Chars<'_>>) {
    let mut ahead = rest.clone();
    match ahead.next() {
        Some('\\') => {
            rest.next();
            rest.next();
            while rest.next().is_some_and(|c| c != '\'') {}
        }
        Some(_) if ahead.next() == Some('\'') => {
            rest.next();
            rest.next();
        }
        _ => {}
    }
}

#[test]
fn comments_texts_and_characters_are_not_code() {
    let text = r##"
        //! crate::one
        use a::b; /* crate::two /* nested */ still */
        let c = ["crate::\"three", '"', '\'', '{', b'\\']; let d: &'static str = r#"a " crate::four"#;
        r#type 1_000u64 '\u{4e00}' end
    "##;
    let names: Vec<_> = read(text)
        .into_iter()
        .filter_map(|t| match t {
            Token::Name(name) => Some(name),
            _ => None,
        })
        .collect();
    assert_eq!(names, ["use", "a", "b", "let", "c", "let", "d", "static", "str", "type", "end"]);
}
