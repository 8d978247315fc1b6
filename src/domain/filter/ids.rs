//! The people a filter names one by one.

use super::FilterError;
use super::ast::Operator;
use super::lexer::{Keyword, Lexer, Token};

/// Where the next value would stand.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Place {
    Elsewhere,
    /// Behind the name `campus_id`.
    Question,
    /// Behind `=`, `!=` or within the list of `in`.
    Value,
}

/// Writes a filter again with what `instead` answers for each campus id it asks for by `=`, `!=` or `in`. Bounds and
/// patterns are no ids. `instead` is given the id, or the digits of a number, and whether it is a number; what it answers
/// goes into the text as it is.
pub(super) fn replace(
    text: &str,
    instead: &dyn Fn(&str, bool) -> Option<String>,
) -> Result<String, FilterError> {
    let mut lexer = Lexer::new(text)?;
    let mut written = String::with_capacity(text.len());
    let mut end = 0;
    let mut place = Place::Elsewhere;
    loop {
        let (token, start) = lexer.next()?;
        let id = match &token {
            Token::End => break,
            Token::Text(id) => Some((id.clone(), false)),
            Token::Number(number) => Some((number.to_string(), true)),
            _ => None,
        };
        let replaced = id.filter(|_| place == Place::Value).and_then(|(id, number)| instead(&id, number));
        written.push_str(&lexer.between(end, start));
        end = lexer.position();
        written.push_str(&replaced.unwrap_or_else(|| lexer.between(start, end)));
        place = next(place, &token);
    }
    Ok(written + &lexer.between(end, lexer.position()))
}

fn next(place: Place, token: &Token) -> Place {
    match (place, token) {
        (_, Token::Name(name)) if name == "campus_id" => Place::Question,
        (Place::Question, Token::Keyword(Keyword::Not)) => Place::Question,
        (
            Place::Question,
            Token::Keyword(Keyword::In) | Token::Operator(Operator::Equal | Operator::NotEqual),
        )
        | (Place::Value, Token::Open | Token::Comma | Token::Text(_) | Token::Number(_)) => Place::Value,
        _ => Place::Elsewhere,
    }
}
