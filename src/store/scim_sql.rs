//! A SCIM filter and the order of a list as SQL. Every comparison is true or false, whatever is NULL, so that `not` means what it says.

use super::Dialect;
use super::recipients::starts;
use crate::domain::filter::Bind;
use crate::domain::scim::filter::Operator;
use crate::domain::scim::order::Order;
use crate::domain::scim::question::{Asked, Condition};

/// How a field is asked for. The texts are SQL.
pub(super) enum Column {
    Text {
        column: String,
        lower: Lower,
    },
    /// A number, or the moment of one.
    Number(&'static str),
    Flag(&'static str),
    /// What stands for a key, and what says that there is any.
    Listed {
        key: fn(i64) -> String,
        present: &'static str,
    },
}

/// What a text is compared as: letters count as they are written, or those from A to Z are the same in either case.
pub(super) enum Lower {
    /// As it is.
    Exact,
    /// As this, in the words of an index, with a value in small letters.
    Indexed(String),
    Plain,
}

/// The condition and its values; the first of them is `$first`.
pub(super) fn condition<F: Copy>(
    dialect: Dialect,
    condition: &Condition<F>,
    column: &dyn Fn(F) -> Column,
    first: usize,
) -> (String, Vec<Bind>) {
    let mut writer = Writer { dialect, column, first, binds: Vec::new() };
    let text = writer.write(condition);
    (text, writer.binds)
}

/// What a list is ordered by: in the end by `id`, so that its parts neither overlap nor leave gaps.
pub(super) fn order<F: Copy>(
    dialect: Dialect,
    order: Option<Order<F>>,
    column: &dyn Fn(F) -> Column,
    id: &str,
) -> String {
    let Some(Order { by, descending }) = order else { return id.to_owned() };
    let way = if descending { "DESC" } else { "ASC" };
    let first = match column(by) {
        Column::Text { column, lower: Lower::Exact } => dialect.by_bytes(&column),
        // What a language makes small is more than A to Z: É and Ö as well.
        Column::Text { column, lower: Lower::Plain | Lower::Indexed(_) } => {
            format!("lower({})", dialect.by_bytes(&column))
        }
        Column::Number(column) | Column::Flag(column) => column.to_owned(),
        // Nothing is ordered by what there are many of.
        Column::Listed { .. } => return format!("{id} {way}"),
    };
    format!("{first} {way}, {id} {way}")
}

struct Writer<'c, F> {
    dialect: Dialect,
    column: &'c dyn Fn(F) -> Column,
    first: usize,
    binds: Vec<Bind>,
}

impl<F: Copy> Writer<'_, F> {
    fn write(&mut self, condition: &Condition<F>) -> String {
        match condition {
            Condition::Constant(true) => "1 = 1".to_owned(),
            Condition::Constant(false) => "1 = 0".to_owned(),
            Condition::All(all) => self.join(all, " AND "),
            Condition::Any(all) => self.join(all, " OR "),
            Condition::Not(one) => format!("NOT ({})", self.write(one)),
            Condition::Is(field, asked) => self.ask(&(self.column)(*field), asked),
        }
    }

    fn join(&mut self, all: &[Condition<F>], word: &str) -> String {
        let parts: Vec<_> = all.iter().map(|one| self.write(one)).collect();
        format!("({})", parts.join(word))
    }

    fn param(&mut self, text: String) -> String {
        self.binds.push(Bind::Text(text));
        format!("${}", self.first + self.binds.len() - 1)
    }

    fn ask(&mut self, column: &Column, asked: &Asked) -> String {
        match (column, asked) {
            (Column::Text { column, .. }, Asked::Present) => {
                format!("({column} IS NOT NULL AND {column} <> '')")
            }
            (Column::Text { column, lower }, Asked::Text(operator, text)) => {
                format!("({column} IS NOT NULL AND {})", self.compare(column, lower, *operator, text))
            }
            (Column::Number(column), Asked::Moment(operator, moment)) => {
                let sign = sign(*operator);
                format!("{column} {sign} {}", moment.millis())
            }
            (Column::Number(column), Asked::Key(key)) => format!("{column} = {key}"),
            (Column::Flag(column), Asked::Flag(true)) => (*column).to_owned(),
            (Column::Flag(column), Asked::Flag(false)) => format!("NOT {column}"),
            (Column::Listed { key, .. }, Asked::Key(of)) => key(*of),
            (Column::Listed { present, .. }, Asked::Present) => (*present).to_owned(),
            (Column::Number(_) | Column::Flag(_), Asked::Present) => "1 = 1".to_owned(),
            // The questions are put together by field.
            _ => "1 = 0".to_owned(),
        }
    }

    fn compare(&mut self, column: &str, lower: &Lower, operator: Operator, text: &str) -> String {
        if matches!(lower, Lower::Exact) {
            let value = self.param(text.to_owned());
            return self.hold(operator, (column, &value), (column, &value), true);
        }
        let value = self.param(text.to_ascii_lowercase());
        if let Lower::Indexed(folded) = lower {
            return self.hold(operator, (column, &value), (folded, &value), false);
        }
        // As in an order.
        let (column, value) = (self.dialect.by_bytes(column), self.dialect.by_bytes(&value));
        let (folded, same) = (format!("lower({column})"), format!("lower({value})"));
        self.hold(operator, (&column, &value), (&folded, &same), false)
    }

    /// Holds a column against a value; `folded` and `same` are what is alike in either case where that counts.
    fn hold(
        &self,
        operator: Operator,
        (column, value): (&str, &str),
        (folded, same): (&str, &str),
        exact: bool,
    ) -> String {
        match operator {
            Operator::Eq => format!("{folded} = {same}"),
            Operator::Ne => format!("{folded} <> {same}"),
            Operator::Co if exact => self.dialect.holds(column, value),
            Operator::Co => self.dialect.contains(column, value),
            Operator::Sw if exact => format!("substr({column}, 1, length({value})) = {value}"),
            Operator::Sw => starts(column, value),
            Operator::Ew => format!(
                "length({column}) >= length({value})
                 AND substr({folded}, length({folded}) - length({value}) + 1) = {same}"
            ),
            Operator::Gt | Operator::Ge | Operator::Lt | Operator::Le => {
                format!("{} {} {same}", self.dialect.by_bytes(folded), sign(operator))
            }
        }
    }
}

const fn sign(operator: Operator) -> &'static str {
    match operator {
        Operator::Ne => "<>",
        Operator::Gt => ">",
        Operator::Ge => ">=",
        Operator::Lt => "<",
        Operator::Le => "<=",
        // Parts of a moment are not asked for.
        Operator::Eq | Operator::Co | Operator::Sw | Operator::Ew => "=",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn letters_beyond_z_are_as_they_are_written_whatever_the_databases_language() {
        let plain = |()| Column::Text { column: "r.name".to_owned(), lower: Lower::Plain };
        let by_name = Some(Order { by: (), descending: false });
        let is = Condition::Is((), Asked::Text(Operator::Eq, "Élan".to_owned()));
        for (dialect, ordered, asked) in [
            (Dialect::Sqlite, "lower(r.name) ASC, r.id ASC", "lower(r.name) = lower($1)"),
            (
                Dialect::Postgres,
                "lower(r.name COLLATE \"C\") ASC, r.id ASC",
                "lower(r.name COLLATE \"C\") = lower($1 COLLATE \"C\")",
            ),
        ] {
            assert_eq!(order(dialect, by_name, &plain, "r.id"), ordered);
            let (text, _) = condition(dialect, &is, &plain, 1);
            assert!(text.contains(asked), "{text}");
        }
    }
}
