//! From a filter's parts to rows.

use super::{Asks, Row, SEPARATORS};
use crate::domain::filter::ast::{Expression, Literal, Operator, Question, Test};

/// The row that says the same; `None` where none does.
pub(super) fn row(expression: &Expression) -> Option<Row> {
    let Expression::Test(Test { attribute, question }) = expression else { return None };
    let (asks, value) = match question {
        Question::IsNull { negated } => (if *negated { Asks::Known } else { Asks::Unknown }, String::new()),
        Question::Compare(Operator::Equal, Literal::Bool(is)) => {
            (if *is { Asks::Yes } else { Asks::No }, String::new())
        }
        Question::Compare(operator, literal) => {
            let is_number = matches!(literal, Literal::Number(_));
            let asks = Asks::ALL
                .into_iter()
                .find(|asks| asks.comparing() == Some(*operator) && asks.is_number() == is_number)?;
            (asks, shown(literal)?)
        }
        Question::OneOf { negated, list } => {
            let asks = match (negated, &list[0]) {
                (false, Literal::Text(_)) => Asks::OneOf,
                (true, Literal::Text(_)) => Asks::NoneOf,
                (false, Literal::Number(_)) => Asks::AnyNumber,
                _ => return None,
            };
            let values: Vec<_> = list.iter().map(shown).collect::<Option<_>>()?;
            if values.iter().any(|value| value.contains(SEPARATORS)) {
                return None;
            }
            (asks, values.join("、"))
        }
        Question::Like { negated, pattern } => {
            let (asks, inner) = match (negated, pattern.strip_prefix('%')) {
                (false, Some(rest)) => (Asks::Contains, rest),
                (true, Some(rest)) => (Asks::Lacks, rest),
                (false, None) => (Asks::Begins, pattern.as_str()),
                (true, None) => return None,
            };
            (asks, typeable(&unescaped(inner)?)?)
        }
    };
    let row = Row { attribute: attribute.clone(), asks, value };
    Some(row)
}

/// The value as it would be typed; `None` where nobody could type it into one line.
fn shown(literal: &Literal) -> Option<String> {
    match literal {
        Literal::Text(text) => typeable(text),
        Literal::Number(number) => Some(number.to_string()),
        Literal::Bool(_) => None,
    }
}

fn typeable(text: &str) -> Option<String> {
    let fits = !text.is_empty() && text.trim() == text && !text.contains(char::is_control);
    fits.then(|| text.to_owned())
}

/// Before the last sign, a `%` of its own; none of the others is a wildcard.
fn unescaped(pattern: &str) -> Option<String> {
    let mut text = String::new();
    let mut signs = pattern.chars();
    while let Some(sign) = signs.next() {
        match sign {
            '\\' => text.push(signs.next()?),
            '%' => return signs.next().is_none().then_some(text),
            '_' => return None,
            sign => text.push(sign),
        }
    }
    None
}
