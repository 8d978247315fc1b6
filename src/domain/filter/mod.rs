//! The audience filter: `role = 'student' and college = '农学院'`. Grammar and meaning are in `docs/FILTERS.md`.
//!
//! [`lexer`] and [`parser`] turn the text into an [`ast`]; [`evaluate`] answers for one person in memory and is the
//! definition of what a filter means; [`sql`] lets a database answer for all of them and must agree with it, which
//! `tests/it/filter` checks on both.

mod ast;
mod evaluate;
mod ids;
mod lexer;
mod parser;
mod rows;
mod sql;

#[cfg(test)]
mod tests;

use std::collections::BTreeSet;
use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::error::Fault;

pub use self::evaluate::Value;
pub use self::rows::{Asks, Block, Join, Row, RowFault, Rows};
pub use self::sql::{Bind, SqlFlavour};

/// Characters in a filter.
pub const MAX_LENGTH: usize = 4_000;
/// Comparisons in a filter; each value of an `in` list counts as one.
pub const MAX_TERMS: usize = 500;
/// Parentheses and `not`s around one another.
pub const MAX_DEPTH: usize = 64;
/// Characters in an attribute's name.
pub const MAX_NAME: usize = 64;

/// Attributes that are columns of the directory, not keys of a person's `attributes`.
pub const COLUMNS: [&str; 3] = ["campus_id", "department", "language"];

/// A parsed filter. Its text is kept and is its form on the wire and in the store.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Filter {
    text: Box<str>,
    expression: ast::Expression,
}

impl Filter {
    pub fn parse(text: &str) -> Result<Self, FilterError> {
        Ok(Self { text: text.into(), expression: parser::parse(text)? })
    }

    /// The filter as it was written.
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// The names of all attributes the filter looks at.
    pub fn attributes(&self) -> BTreeSet<&str> {
        let mut names = BTreeSet::new();
        self.expression.each_attribute(&mut |name| {
            names.insert(name);
        });
        names
    }

    /// The filter with what `instead` answers for each campus id it asks for by `=`, `!=` or `in`; what it does not
    /// answer for stays, as do bounds and patterns. `instead` is given the id and whether it is written as a number, and
    /// answers how the value is written.
    pub fn with_ids(&self, instead: &dyn Fn(&str, bool) -> Option<String>) -> String {
        ids::replace(&self.text, instead).unwrap_or_else(|_| self.text.to_string())
    }

    /// Whether it is true of what `lookup` says the attributes are. `None` and JSON null are a missing attribute.
    pub fn matches<'v>(&self, lookup: &dyn Fn(&str) -> Option<Value<'v>>) -> bool {
        self.expression.matches(lookup)
    }

    /// A boolean SQL expression over table `recipient` under `alias`, and what to bind, in the order of the numbers
    /// from `$first_param` on. It is never NULL, stands in parentheses, and holds no text from the filter: names and
    /// values alike are bound. At most `MAX_TERMS` values and as many names.
    pub fn to_sql(&self, flavour: SqlFlavour, alias: &str, first_param: usize) -> (String, Vec<Bind>) {
        sql::generate(&self.expression, flavour, alias, first_param)
    }
}

impl FromStr for Filter {
    type Err = FilterError;

    fn from_str(text: &str) -> Result<Self, FilterError> {
        Self::parse(text)
    }
}

impl TryFrom<String> for Filter {
    type Error = FilterError;

    fn try_from(text: String) -> Result<Self, FilterError> {
        Self::parse(&text)
    }
}

impl From<Filter> for String {
    fn from(filter: Filter) -> Self {
        filter.text.into()
    }
}

impl fmt::Display for Filter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

/// Where a filter stops making sense, and what was expected there.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("at position {position}: {detail}")]
pub struct FilterError {
    /// Characters before the fault, so 0 is the filter's first character.
    pub position: usize,
    /// `filter_syntax`, `filter_value` (well formed, but cannot be compared so) or `filter_limit`.
    pub code: &'static str,
    /// What was expected, in a sentence without the position.
    pub detail: String,
}

impl FilterError {
    fn syntax(position: usize, detail: impl Into<String>) -> Self {
        Self { position, code: "filter_syntax", detail: detail.into() }
    }

    fn value(position: usize, detail: impl Into<String>) -> Self {
        Self { position, code: "filter_value", detail: detail.into() }
    }

    fn limit(position: usize, detail: impl Into<String>) -> Self {
        Self { position, code: "filter_limit", detail: detail.into() }
    }

    /// As a fault of the body's field at `pointer`; its detail names the position.
    pub fn into_fault(self, pointer: impl Into<String>) -> Fault {
        Fault::new(pointer, self.code, self.to_string())
    }
}

/// The name among `known` that was probably meant by one nobody has: another case, or a slip of the finger.
pub fn meant<'k>(name: &str, known: impl IntoIterator<Item = &'k str>) -> Option<&'k str> {
    let plain = name.to_lowercase();
    let most = if plain.chars().count() < 5 { 1 } else { 2 };
    known
        .into_iter()
        .map(|known| (strsim::damerau_levenshtein(&plain, &known.to_lowercase()), known))
        .filter(|(distance, known)| *distance <= most && *distance < known.chars().count())
        .min()
        .map(|(_, known)| known)
}

/// What a name of an attribute must be for filters to reach it: 1 to 64 characters, none of them a control
/// character, `"` or `\`, which would need escaping in one database's JSON paths and not in the other's.
pub fn is_attribute_name(name: &str) -> bool {
    let mut length = 0;
    name.chars().all(|c| {
        length += 1;
        length <= MAX_NAME && !c.is_control() && !matches!(c, '"' | '\\')
    }) && length > 0
}
