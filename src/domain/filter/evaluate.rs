//! What a filter means for one person. The databases must come to the same answers.

use std::borrow::Cow;
use std::cmp::Ordering;

use super::ast::{Expression, Literal, Operator, Question, Test};

/// An attribute's value as it is stored. A missing attribute has none.
#[derive(Clone, Debug, PartialEq)]
pub enum Value<'v> {
    Text(Cow<'v, str>),
    Number(f64),
    Bool(bool),
}

impl<'v> Value<'v> {
    /// `None` for null, and for lists and objects, which no attribute is.
    pub fn from_json(json: &'v serde_json::Value) -> Option<Self> {
        match json {
            serde_json::Value::String(text) => Some(Self::Text(Cow::Borrowed(text))),
            serde_json::Value::Number(number) => number.as_f64().map(Self::Number),
            serde_json::Value::Bool(it) => Some(Self::Bool(*it)),
            _ => None,
        }
    }

    /// How a string in the filter sees the value. A whole number below 10^15 is its digits, so that a code is found
    /// whether it was imported as 2024 or as "2024"; other numbers have no text that two databases agree on.
    fn as_text(&self) -> Option<Cow<'_, str>> {
        match self {
            Self::Text(text) => Some(Cow::Borrowed(text)),
            Self::Number(number) if number.fract() == 0.0 && number.abs() < 1e15 => {
                Some(Cow::Owned((*number as i64).to_string()))
            }
            Self::Number(_) => None,
            Self::Bool(it) => Some(Cow::Borrowed(if *it { "true" } else { "false" })),
        }
    }

    /// How a number in the filter sees the value.
    fn as_number(&self) -> Option<f64> {
        match self {
            Self::Number(number) => Some(*number),
            Self::Text(text) if looks_like_number(text) => text.parse().ok(),
            _ => None,
        }
    }

    /// How `true` and `false` in the filter see the value. Spreadsheets write TRUE.
    fn as_bool(&self) -> Option<bool> {
        match self {
            Self::Bool(it) => Some(*it),
            Self::Text(text) if text.eq_ignore_ascii_case("true") => Some(true),
            Self::Text(text) if text.eq_ignore_ascii_case("false") => Some(false),
            _ => None,
        }
    }
}

/// Digits with perhaps a minus before them and a decimal point, 15 characters at most: what both databases can be
/// asked about and turn into the same number.
fn looks_like_number(text: &str) -> bool {
    let digits = text.strip_prefix('-').unwrap_or(text);
    let (whole, fraction) = digits.split_once('.').unwrap_or((digits, ""));
    text.len() <= 15
        && whole.len() + fraction.len() > 0
        && whole.bytes().chain(fraction.bytes()).all(|b| b.is_ascii_digit())
}

type Lookup<'l, 'v> = &'l dyn Fn(&str) -> Option<Value<'v>>;

impl Expression {
    pub fn matches(&self, lookup: Lookup<'_, '_>) -> bool {
        match self {
            Self::All(parts) => parts.iter().all(|part| part.matches(lookup)),
            Self::Any(parts) => parts.iter().any(|part| part.matches(lookup)),
            Self::Not(inner) => !inner.matches(lookup),
            Self::Test(test) => test.matches(lookup),
        }
    }
}

impl Test {
    /// Never unknown: what cannot be compared answers no, and only `not` around it makes that a yes.
    fn matches(&self, lookup: Lookup<'_, '_>) -> bool {
        let value = lookup(&self.attribute);
        let Some(value) = value else { return self.question == Question::IsNull { negated: false } };
        match &self.question {
            Question::IsNull { negated } => *negated,
            Question::Compare(operator, literal) => compare(&value, *operator, literal),
            Question::OneOf { negated: false, list } => {
                list.iter().any(|literal| compare(&value, Operator::Equal, literal))
            }
            Question::OneOf { negated: true, list } => {
                list.iter().all(|literal| compare(&value, Operator::NotEqual, literal))
            }
            Question::Like { negated, pattern } => {
                value.as_text().is_some_and(|text| like(&text, pattern) != *negated)
            }
        }
    }
}

fn compare(value: &Value<'_>, operator: Operator, literal: &Literal) -> bool {
    let ordering = match literal {
        Literal::Text(wanted) => value.as_text().map(|text| text.as_bytes().cmp(wanted.as_bytes())),
        Literal::Number(wanted) => value.as_number().and_then(|number| number.partial_cmp(wanted)),
        Literal::Bool(wanted) => value.as_bool().map(|it| it.cmp(wanted)),
    };
    ordering.is_some_and(|ordering| match operator {
        Operator::Equal => ordering == Ordering::Equal,
        Operator::NotEqual => ordering != Ordering::Equal,
        Operator::Less => ordering == Ordering::Less,
        Operator::LessOrEqual => ordering != Ordering::Greater,
        Operator::Greater => ordering == Ordering::Greater,
        Operator::GreaterOrEqual => ordering != Ordering::Less,
    })
}

/// `%` is any run of characters, `_` any one, and A to Z equal a to z. After a failure only the last `%` is tried
/// again one character further on, so the time is at most text times pattern.
fn like(text: &str, pattern: &str) -> bool {
    enum Part {
        Run,
        One,
        Exactly(char),
    }
    let mut parts = Vec::new();
    let mut characters = pattern.chars();
    while let Some(c) = characters.next() {
        parts.push(match c {
            '%' => Part::Run,
            '_' => Part::One,
            '\\' => Part::Exactly(characters.next().unwrap_or('\\')),
            c => Part::Exactly(c),
        });
    }
    let text: Vec<char> = text.chars().collect();
    let (mut t, mut p) = (0, 0);
    let mut retry = None;
    while t < text.len() {
        match parts.get(p) {
            Some(Part::Run) => {
                p += 1;
                retry = Some((t, p));
            }
            Some(Part::One) => (t, p) = (t + 1, p + 1),
            Some(Part::Exactly(c)) if c.eq_ignore_ascii_case(&text[t]) => (t, p) = (t + 1, p + 1),
            _ => {
                let Some((from, after_run)) = retry else { return false };
                retry = Some((from + 1, after_run));
                (t, p) = (from + 1, after_run);
            }
        }
    }
    parts[p..].iter().all(|part| matches!(part, Part::Run))
}
