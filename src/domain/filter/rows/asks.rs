//! What a row may ask.

use crate::domain::filter::ast::Operator;

/// What a row asks of its attribute.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Asks {
    #[default]
    Is,
    IsNot,
    OneOf,
    NoneOf,
    Begins,
    Contains,
    Lacks,
    /// From here on the attribute is read as a number.
    Equals,
    Differs,
    AnyNumber,
    Less,
    AtMost,
    More,
    AtLeast,
    /// From here on no value is asked for.
    Yes,
    No,
    Known,
    Unknown,
}

impl Asks {
    pub const ALL: [Self; 18] = [
        Self::Is,
        Self::IsNot,
        Self::OneOf,
        Self::NoneOf,
        Self::Begins,
        Self::Contains,
        Self::Lacks,
        Self::Equals,
        Self::Differs,
        Self::AnyNumber,
        Self::Less,
        Self::AtMost,
        Self::More,
        Self::AtLeast,
        Self::Yes,
        Self::No,
        Self::Known,
        Self::Unknown,
    ];

    pub const fn name(self) -> &'static str {
        match self {
            Self::Is => "is",
            Self::IsNot => "is-not",
            Self::OneOf => "one-of",
            Self::NoneOf => "none-of",
            Self::Begins => "begins",
            Self::Contains => "contains",
            Self::Lacks => "lacks",
            Self::Equals => "equals",
            Self::Differs => "differs",
            Self::AnyNumber => "any-number",
            Self::Less => "less",
            Self::AtMost => "at-most",
            Self::More => "more",
            Self::AtLeast => "at-least",
            Self::Yes => "yes",
            Self::No => "no",
            Self::Known => "known",
            Self::Unknown => "unknown",
        }
    }

    pub fn of(name: &str) -> Self {
        Self::ALL.into_iter().find(|asks| asks.name() == name).unwrap_or_default()
    }

    pub const fn takes_value(self) -> bool {
        !matches!(self, Self::Yes | Self::No | Self::Known | Self::Unknown)
    }

    pub const fn takes_list(self) -> bool {
        matches!(self, Self::OneOf | Self::NoneOf | Self::AnyNumber)
    }

    pub const fn is_number(self) -> bool {
        matches!(
            self,
            Self::Equals
                | Self::Differs
                | Self::AnyNumber
                | Self::Less
                | Self::AtMost
                | Self::More
                | Self::AtLeast
        )
    }

    pub(super) const fn comparing(self) -> Option<Operator> {
        Some(match self {
            Self::Is | Self::Equals => Operator::Equal,
            Self::IsNot | Self::Differs => Operator::NotEqual,
            Self::Less => Operator::Less,
            Self::AtMost => Operator::LessOrEqual,
            Self::More => Operator::Greater,
            Self::AtLeast => Operator::GreaterOrEqual,
            _ => return None,
        })
    }
}
