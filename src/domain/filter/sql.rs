//! A filter as SQL. Nothing the filter's author wrote is in the text: names and values are parameters, and what is
//! spelled out here are our own constants.
//!
//! An attribute is read as the literal it meets wants it (text, number or boolean), giving NULL where it cannot be,
//! and the comparison is closed by `coalesce(…, FALSE)`, so that `NOT` and `OR` outside see two values only.

use std::collections::BTreeMap;

use super::COLUMNS;
use super::ast::{Expression, Literal, Question, Test};

/// The database that will read the text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SqlFlavour {
    /// `attributes` is JSON text.
    Sqlite,
    /// `attributes` is JSONB.
    Postgres,
}

/// One parameter.
#[derive(Clone, Debug, PartialEq)]
pub enum Bind {
    Text(String),
    Real(f64),
}

/// What PostgreSQL and Rust both parse as a number and SQLite's numeric affinity accepts. See `looks_like_number`.
const NUMBER_PATTERN: &str = "'^-?([0-9]+[.]?[0-9]*|[.][0-9]+)$'";

pub(super) fn generate(
    expression: &Expression,
    flavour: SqlFlavour,
    alias: &str,
    first_param: usize,
) -> (String, Vec<Bind>) {
    let mut writer = Writer { flavour, alias, first_param, binds: Vec::new(), names: BTreeMap::new() };
    let sql = writer.expression(expression);
    (format!("({sql})"), writer.binds)
}

struct Writer<'a> {
    flavour: SqlFlavour,
    alias: &'a str,
    first_param: usize,
    binds: Vec<Bind>,
    /// The parameter that holds each attribute's name, so that it is bound once.
    names: BTreeMap<&'a str, String>,
}

/// An attribute in SQL: a column, or a key of `attributes`.
enum Place {
    Column(String),
    /// `text` is its text form, `kind` the name of its JSON type.
    Key {
        text: String,
        kind: String,
    },
}

impl<'a> Writer<'a> {
    fn expression(&mut self, expression: &'a Expression) -> String {
        match expression {
            Expression::All(parts) => self.joined(parts, "AND"),
            Expression::Any(parts) => self.joined(parts, "OR"),
            Expression::Not(inner) => format!("NOT ({})", self.expression(inner)),
            Expression::Test(test) => self.test(test),
        }
    }

    /// By halves: a long chain must not become a deep tree, as SQLite refuses one of more than 1,000 levels.
    fn joined(&mut self, parts: &'a [Expression], word: &str) -> String {
        match parts {
            [] => "TRUE".to_owned(),
            [only] => self.expression(only),
            _ => {
                let (left, right) = parts.split_at(parts.len() / 2);
                format!("({} {word} {})", self.joined(left, word), self.joined(right, word))
            }
        }
    }

    fn test(&mut self, test: &'a Test) -> String {
        let place = self.place(&test.attribute);
        match &test.question {
            Question::IsNull { negated } => {
                let (Place::Column(value) | Place::Key { text: value, .. }) = place;
                format!("({value} IS {}NULL)", if *negated { "NOT " } else { "" })
            }
            Question::Compare(operator, literal) => {
                let (value, literal) = (self.read_as(literal, &place), self.literal(literal));
                format!("coalesce({value} {} {literal}, FALSE)", operator.symbol())
            }
            Question::OneOf { negated, list } => {
                let value = list.first().map_or_else(String::new, |first| self.read_as(first, &place));
                let list: Vec<_> = list.iter().map(|literal| self.literal(literal)).collect();
                let word = if *negated { "NOT IN" } else { "IN" };
                format!("coalesce({value} {word} ({}), FALSE)", list.join(", "))
            }
            Question::Like { negated, pattern } => {
                let value = self.as_text(&place);
                // SQLite's LIKE folds A to Z by itself; PostgreSQL's folds nothing, or what the locale says.
                let (value, pattern) = match self.flavour {
                    SqlFlavour::Sqlite => (value, pattern.clone()),
                    SqlFlavour::Postgres => (format!("lower({value})"), pattern.to_ascii_lowercase()),
                };
                let pattern = self.bind(Bind::Text(pattern));
                let word = if *negated { "NOT LIKE" } else { "LIKE" };
                format!(r"coalesce({value} {word} {pattern} ESCAPE '\', FALSE)")
            }
        }
    }

    fn place(&mut self, attribute: &'a str) -> Place {
        let alias = self.alias;
        if COLUMNS.contains(&attribute) {
            return Place::Column(format!("{alias}.{attribute}"));
        }
        let name = self.name(attribute);
        let kind = match self.flavour {
            SqlFlavour::Sqlite => format!("json_type({alias}.attributes, {name})"),
            SqlFlavour::Postgres => format!("jsonb_typeof({alias}.attributes -> {name})"),
        };
        Place::Key { text: format!("({alias}.attributes ->> {name})"), kind }
    }

    /// The attribute's name as a parameter. SQLite would read some names as paths (`a.b`, `$x`, `[0]`), so it always
    /// gets a path, quoted; the names that would need escaping there are not names ([`super::is_attribute_name`]).
    fn name(&mut self, attribute: &'a str) -> String {
        if let Some(name) = self.names.get(attribute) {
            return name.clone();
        }
        let bound = match self.flavour {
            SqlFlavour::Sqlite => format!("$.\"{attribute}\""),
            SqlFlavour::Postgres => attribute.to_owned(),
        };
        let name = self.bind(Bind::Text(bound));
        self.names.insert(attribute, name.clone());
        name
    }

    fn bind(&mut self, bind: Bind) -> String {
        let number = self.first_param + self.binds.len();
        let cast = match (self.flavour, &bind) {
            (SqlFlavour::Sqlite, _) => "",
            (SqlFlavour::Postgres, Bind::Text(_)) => "::text",
            (SqlFlavour::Postgres, Bind::Real(_)) => "::float8",
        };
        self.binds.push(bind);
        format!("${number}{cast}")
    }

    fn literal(&mut self, literal: &Literal) -> String {
        match literal {
            Literal::Text(text) => self.bind(Bind::Text(text.clone())),
            Literal::Number(number) => self.bind(Bind::Real(*number)),
            Literal::Bool(true) => "TRUE".to_owned(),
            Literal::Bool(false) => "FALSE".to_owned(),
        }
    }

    fn read_as(&self, literal: &Literal, place: &Place) -> String {
        match literal {
            Literal::Text(_) => self.as_text(place),
            Literal::Number(_) => self.as_number(place),
            Literal::Bool(_) => self.as_bool(place),
        }
    }

    /// Compared and folded byte by byte: SQLite does so unasked.
    fn as_text(&self, place: &Place) -> String {
        let value = match (place, self.flavour) {
            (Place::Column(column), _) => column.clone(),
            (Place::Key { text, kind }, SqlFlavour::Sqlite) => {
                let whole = format!(
                    "CASE WHEN {text} > -1e15 AND {text} < 1e15 AND {text} = CAST({text} AS INTEGER) \
                     THEN CAST(CAST({text} AS INTEGER) AS TEXT) END"
                );
                format!(
                    "CASE {kind} WHEN 'text' THEN {text} WHEN 'integer' THEN {whole} WHEN 'real' THEN {whole} \
                     WHEN 'true' THEN 'true' WHEN 'false' THEN 'false' END"
                )
            }
            (Place::Key { text, kind }, SqlFlavour::Postgres) => {
                let number = format!("{text}::numeric");
                format!(
                    "CASE {kind} WHEN 'string' THEN {text} WHEN 'boolean' THEN {text} WHEN 'number' THEN \
                     CASE WHEN abs({number}) < 1e15 AND trunc({number}) = {number} THEN trunc({number})::text END END"
                )
            }
        };
        match self.flavour {
            SqlFlavour::Sqlite => format!("({value})"),
            SqlFlavour::Postgres => format!("(({value}) COLLATE \"C\")"),
        }
    }

    fn as_number(&self, place: &Place) -> String {
        match (place, self.flavour) {
            (Place::Column(column), _) => self.parsed_number(column),
            (Place::Key { text, kind }, SqlFlavour::Sqlite) => format!(
                "(CASE {kind} WHEN 'integer' THEN CAST({text} AS REAL) WHEN 'real' THEN {text} WHEN 'text' THEN {} END)",
                self.parsed_number(text)
            ),
            (Place::Key { text, kind }, SqlFlavour::Postgres) => format!(
                "(CASE {kind} WHEN 'number' THEN {text}::float8 WHEN 'string' THEN {} END)",
                self.parsed_number(text)
            ),
        }
    }

    fn parsed_number(&self, text: &str) -> String {
        match self.flavour {
            // Compared with a REAL, a text becomes a number if all of it is one (numeric affinity), else stays text
            // and is not equal.
            SqlFlavour::Sqlite => format!(
                "(CASE WHEN length({text}) <= 15 AND {text} NOT GLOB '*[^0-9.-]*' AND {text} = CAST({text} AS REAL) \
                 THEN CAST({text} AS REAL) END)"
            ),
            SqlFlavour::Postgres => format!(
                "(CASE WHEN length({text}) <= 15 AND ({text} COLLATE \"C\") ~ {NUMBER_PATTERN} \
                 THEN {text}::float8 END)"
            ),
        }
    }

    fn as_bool(&self, place: &Place) -> String {
        match (place, self.flavour) {
            (Place::Column(column), _) => self.parsed_bool(column),
            (Place::Key { text, kind }, SqlFlavour::Sqlite) => format!(
                "(CASE {kind} WHEN 'true' THEN TRUE WHEN 'false' THEN FALSE WHEN 'text' THEN {} END)",
                self.parsed_bool(text)
            ),
            (Place::Key { text, kind }, SqlFlavour::Postgres) => {
                format!("(CASE WHEN {kind} IN ('boolean', 'string') THEN {} END)", self.parsed_bool(text))
            }
        }
    }

    fn parsed_bool(&self, text: &str) -> String {
        let collation = match self.flavour {
            SqlFlavour::Sqlite => "",
            SqlFlavour::Postgres => " COLLATE \"C\"",
        };
        format!("(CASE lower({text}{collation}) WHEN 'true' THEN TRUE WHEN 'false' THEN FALSE END)")
    }
}
