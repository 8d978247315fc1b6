//! Filters as rows of attribute, operator and value, for whoever does not write the language: which filters can be shown
//! so without a word of them lost, and what rows are written as.

use super::ast::{Expression, Literal, Operator, Question, Test};
use super::lexer::is_keyword;
use super::{Filter, is_attribute_name};

/// What separates the values of a list where they are typed into one field.
const SEPARATORS: [char; 5] = ['、', ',', '，', ';', '；'];

/// Whether all have to hold, or any.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Join {
    #[default]
    All,
    Any,
}

impl Join {
    pub const ALL: [Self; 2] = [Self::All, Self::Any];

    pub const fn name(self) -> &'static str {
        match self {
            Self::All => "all",
            Self::Any => "any",
        }
    }

    pub fn of(name: &str) -> Self {
        if name == Self::Any.name() { Self::Any } else { Self::All }
    }

    const fn word(self) -> &'static str {
        match self {
            Self::All => " and ",
            Self::Any => " or ",
        }
    }
}

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

    const fn comparing(self) -> Option<Operator> {
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

/// One attribute put to one question, as it is typed.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Row {
    pub attribute: String,
    pub asks: Asks,
    /// Several values stand in one text, with `、` between them.
    pub value: String,
}

/// Rows that belong together.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Block {
    pub join: Join,
    pub rows: Vec<Row>,
}

/// A filter of one level of nesting: blocks of rows.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Rows {
    /// Between the blocks.
    pub join: Join,
    pub blocks: Vec<Block>,
}

/// Why a row cannot be written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RowFault {
    NoAttribute,
    BadAttribute,
    NoValue,
    NotANumber,
}

impl Rows {
    /// One block with one empty row, to begin with.
    pub fn blank() -> Self {
        Self { join: Join::All, blocks: vec![Block { join: Join::All, rows: vec![Row::default()] }] }
    }

    /// The filter as rows; `None` where it says more than rows can, so it has to stay a text.
    pub fn of(filter: &Filter) -> Option<Self> {
        let (join, parts) = match &filter.expression {
            Expression::All(parts) => (Join::All, parts.as_slice()),
            Expression::Any(parts) => (Join::Any, parts.as_slice()),
            only => (Join::All, std::slice::from_ref(only)),
        };
        let mut blocks: Vec<Block> = Vec::new();
        for part in parts {
            match part {
                Expression::All(inner) | Expression::Any(inner) => {
                    let own = if matches!(part, Expression::All(_)) { Join::All } else { Join::Any };
                    // `(a and b) and c` is no different from what it looks like; written anew it would be.
                    if own == join {
                        return None;
                    }
                    blocks.push(Block { join: own, rows: inner.iter().map(row).collect::<Option<_>>()? });
                }
                single => {
                    let row = row(single)?;
                    match blocks.last_mut() {
                        Some(last) if last.join == join => last.rows.push(row),
                        _ => blocks.push(Block { join, rows: vec![row] }),
                    }
                }
            }
        }
        Some(Self { join, blocks })
    }

    /// The rows as a filter's text. Empty blocks are left out; no rows at all are an empty text.
    ///
    /// # Errors
    ///
    /// Each row that cannot be written, by block and place in it.
    pub fn text(&self) -> Result<String, Vec<(usize, usize, RowFault)>> {
        let mut faults = Vec::new();
        let mut written = Vec::new();
        for (b, block) in self.blocks.iter().enumerate() {
            let mut rows = Vec::new();
            for (r, row) in block.rows.iter().enumerate() {
                match row.text() {
                    Ok(text) => rows.push(text),
                    Err(fault) => faults.push((b, r, fault)),
                }
            }
            if !rows.is_empty() {
                written.push((block.join, rows));
            }
        }
        if !faults.is_empty() {
            return Err(faults);
        }
        let alone = written.len() == 1;
        let blocks = written.into_iter().map(|(join, rows)| {
            let text = rows.join(join.word());
            if alone || rows.len() == 1 || join == self.join { text } else { format!("({text})") }
        });
        Ok(blocks.collect::<Vec<_>>().join(self.join.word()))
    }

    /// Nothing has been filled in yet.
    pub fn is_blank(&self) -> bool {
        self.blocks
            .iter()
            .flat_map(|block| &block.rows)
            .all(|row| row.attribute.is_empty() && row.value.is_empty())
    }
}

impl Row {
    /// The values of a list, one by one.
    pub fn values(&self) -> impl Iterator<Item = &str> {
        self.value.split(SEPARATORS).map(str::trim).filter(|value| !value.is_empty())
    }

    fn text(&self) -> Result<String, RowFault> {
        if self.attribute.is_empty() {
            return Err(RowFault::NoAttribute);
        }
        if !is_attribute_name(&self.attribute) {
            return Err(RowFault::BadAttribute);
        }
        let name = name(&self.attribute);
        let value = self.value.trim();
        let is_empty = if self.asks.takes_list() { self.values().next().is_none() } else { value.is_empty() };
        if self.asks.takes_value() && is_empty {
            return Err(RowFault::NoValue);
        }
        let literal = |value: &str| {
            if !self.asks.is_number() {
                return Ok(quoted(value));
            }
            if is_number(value) { Ok(value.to_owned()) } else { Err(RowFault::NotANumber) }
        };
        let list =
            || self.values().map(literal).collect::<Result<Vec<_>, _>>().map(|values| values.join(", "));
        Ok(match self.asks {
            Asks::OneOf | Asks::AnyNumber => format!("{name} in ({})", list()?),
            Asks::NoneOf => format!("{name} not in ({})", list()?),
            Asks::Begins => format!("{name} like {}", quoted(&format!("{}%", escaped(value)))),
            Asks::Contains => format!("{name} like {}", quoted(&format!("%{}%", escaped(value)))),
            Asks::Lacks => format!("{name} not like {}", quoted(&format!("%{}%", escaped(value)))),
            Asks::Yes => format!("{name} = true"),
            Asks::No => format!("{name} = false"),
            Asks::Known => format!("{name} is not null"),
            Asks::Unknown => format!("{name} is null"),
            compared => {
                let symbol = compared.comparing().unwrap_or(Operator::Equal).symbol();
                format!("{name} {symbol} {}", literal(value)?)
            }
        })
    }
}

fn row(expression: &Expression) -> Option<Row> {
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

fn escaped(text: &str) -> String {
    text.chars().flat_map(|c| matches!(c, '%' | '_' | '\\').then_some('\\').into_iter().chain([c])).collect()
}

fn quoted(text: &str) -> String {
    format!("'{}'", text.replace('\'', "''"))
}

/// The name as filters write it.
fn name(name: &str) -> String {
    let is_letter = |c: char| c.is_alphabetic() || c == '_';
    let is_bare = name.starts_with(is_letter)
        && name.chars().all(|c| c.is_alphanumeric() || c == '_')
        && !is_keyword(name);
    if is_bare { name.to_owned() } else { format!("\"{name}\"") }
}

fn is_number(text: &str) -> bool {
    let digits = text.strip_prefix('-').unwrap_or(text);
    let (whole, fraction) = digits.split_once('.').unwrap_or((digits, "0"));
    [whole, fraction].iter().all(|part| !part.is_empty() && part.bytes().all(|b| b.is_ascii_digit()))
        && text.parse::<f64>().is_ok_and(f64::is_finite)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn rows(text: &str) -> Option<Rows> {
        Rows::of(&Filter::parse(text).unwrap_or_else(|error| panic!("{text}: {error}")))
    }

    fn block(join: Join, rows: &[(&str, Asks, &str)]) -> Block {
        let row = |(attribute, asks, value): &(&str, Asks, &str)| Row {
            attribute: (*attribute).into(),
            asks: *asks,
            value: (*value).into(),
        };
        Block { join, rows: rows.iter().map(row).collect() }
    }

    #[test]
    fn a_filter_is_seen_as_rows() {
        let seen = rows(
            "role = 'student' and grade >= 2023 and (department in ('农学院','理学院') or 宿舍 like '北苑%')",
        );
        let expected = Rows {
            join: Join::All,
            blocks: vec![
                block(Join::All, &[("role", Asks::Is, "student"), ("grade", Asks::AtLeast, "2023")]),
                block(
                    Join::Any,
                    &[("department", Asks::OneOf, "农学院、理学院"), ("宿舍", Asks::Begins, "北苑")],
                ),
            ],
        };
        assert_eq!(seen, Some(expected));
    }

    #[test]
    fn what_rows_cannot_say_stays_a_text() {
        for text in [
            "not role = 'student'",
            "a = 1 or (b = 1 and (c = 1 or d = 1))",
            "(a = 1 and b = 1) and c = 1",
            "a = ''",
            "a = ' x'",
            "a = 'x\ny'",
            "a in ('北苑, 1栋')",
            "a like 'a_b%'",
            "a like '%x'",
            "a like 'x'",
            "a like '%'",
            "a not like 'x%'",
            "a not in (1)",
            "a in (true)",
            "a != true",
            "a < 'x'",
        ] {
            assert_eq!(rows(text), None, "{text}");
        }
    }

    #[test]
    fn what_is_missing_in_a_row_is_told_at_its_place() {
        let typed = Rows {
            join: Join::All,
            blocks: vec![
                block(Join::All, &[("", Asks::Is, "x"), ("a\"b", Asks::Is, "x"), ("a", Asks::Is, " ")]),
                block(
                    Join::Any,
                    &[("a", Asks::OneOf, "、,"), ("a", Asks::Less, "1e3"), ("a", Asks::Known, "")],
                ),
            ],
        };
        assert_eq!(
            typed.text(),
            Err(vec![
                (0, 0, RowFault::NoAttribute),
                (0, 1, RowFault::BadAttribute),
                (0, 2, RowFault::NoValue),
                (1, 0, RowFault::NoValue),
                (1, 1, RowFault::NotANumber),
            ])
        );
        assert_eq!(Rows::default().text(), Ok(String::new()));
        assert!(Rows::blank().is_blank() && !typed.is_blank());
    }

    #[test]
    fn operators_have_names_of_their_own() {
        for asks in Asks::ALL {
            assert_eq!(Asks::of(asks.name()), asks);
        }
        for join in Join::ALL {
            assert_eq!(Join::of(join.name()), join);
        }
    }

    fn any_row() -> impl Strategy<Value = Row> {
        let name = prop_oneof![
            "[a-z农_][a-z0-9学]{0,6}",
            "[0-9 .'a-z-]{1,8}",
            Just("in".to_owned()),
            Just("NULL".to_owned())
        ];
        let text = "[a-z农%_\\\\'\"(1-9][a-z %_\\\\'、0-9]{0,6}";
        let number = "-?[0-9]{1,6}(\\.[0-9]{1,3})?";
        (name, 0..Asks::ALL.len(), text, number).prop_map(|(attribute, asks, text, number)| {
            let asks = Asks::ALL[asks];
            Row { attribute, asks, value: if asks.is_number() { number } else { text } }
        })
    }

    fn any_rows() -> impl Strategy<Value = Rows> {
        let join = prop_oneof![Just(Join::All), Just(Join::Any)];
        let block = (join.clone(), prop::collection::vec(any_row(), 0..4));
        let block = block.prop_map(|(join, rows)| Block { join, rows });
        (join, prop::collection::vec(block, 0..4)).prop_map(|(join, blocks)| Rows { join, blocks })
    }

    proptest! {
        #[test]
        fn rows_that_are_written_are_read_as_the_same(typed in any_rows()) {
            let text = typed.text().unwrap();
            if !text.is_empty() {
                let filter = Filter::parse(&text).unwrap();
                let again = Rows::of(&filter).unwrap_or_else(|| panic!("{text}")).text().unwrap();
                prop_assert_eq!(Filter::parse(&again).unwrap().expression, filter.expression);
            }
        }

        /// Whatever can be shown as rows means the same when they are written again.
        #[test]
        fn no_filter_is_mangled(text in "(\\(){0,2}(not )?[ab](( = | != | < )('[x ,%_]{0,2}'|[0-9]{1,3}|true)| (not )?in \\(('x'|'y, z'|1)\\)| (not )?like '[%_x]{0,3}'| is null)\\)?( (and|or) \\(?(not )?[ab] = ('x'|1)\\)?){0,4}") {
            if let Ok(filter) = Filter::parse(&text)
                && let Some(rows) = Rows::of(&filter)
            {
                let again = Filter::parse(&rows.text().unwrap()).unwrap();
                prop_assert_eq!(again.expression, filter.expression);
            }
        }
    }
}
