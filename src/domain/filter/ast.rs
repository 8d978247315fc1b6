//! What a filter says, without its spelling.

/// A filter or a part of it. As deep as [`super::MAX_DEPTH`] at most: chains of `and` and `or` are lists.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Expression {
    /// True if all are. Two or more.
    All(Vec<Expression>),
    /// True if any is. Two or more.
    Any(Vec<Expression>),
    Not(Box<Expression>),
    Test(Test),
}

/// One attribute put to one question.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Test {
    pub attribute: String,
    pub question: Question,
}

#[derive(Clone, Debug, PartialEq)]
pub(super) enum Question {
    Compare(Operator, Literal),
    /// `in`, or `not in`: a missing attribute answers both with no. The list is not empty and of one kind.
    OneOf {
        negated: bool,
        list: Vec<Literal>,
    },
    /// The pattern escapes by backslash and never ends in a lone one.
    Like {
        negated: bool,
        pattern: String,
    },
    IsNull {
        negated: bool,
    },
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Operator {
    Equal,
    NotEqual,
    Less,
    LessOrEqual,
    Greater,
    GreaterOrEqual,
}

impl Operator {
    /// As it is written, in filters and in SQL alike.
    pub fn symbol(self) -> &'static str {
        match self {
            Self::Equal => "=",
            Self::NotEqual => "!=",
            Self::Less => "<",
            Self::LessOrEqual => "<=",
            Self::Greater => ">",
            Self::GreaterOrEqual => ">=",
        }
    }
}

/// A value as the filter writes it. Its kind decides how the attribute is read.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Literal {
    Text(String),
    /// Finite.
    Number(f64),
    Bool(bool),
}

impl Literal {
    pub fn kind(&self) -> &'static str {
        match self {
            Self::Text(_) => "strings",
            Self::Number(_) => "numbers",
            Self::Bool(_) => "booleans",
        }
    }
}

impl Expression {
    pub fn each_attribute<'e>(&'e self, tell: &mut dyn FnMut(&'e str)) {
        match self {
            Self::All(parts) | Self::Any(parts) => {
                for part in parts {
                    part.each_attribute(tell);
                }
            }
            Self::Not(inner) => inner.each_attribute(tell),
            Self::Test(test) => tell(&test.attribute),
        }
    }
}
