//! From rows to a filter's text.

use super::{Asks, Row, RowFault};
use crate::domain::filter::ast::Operator;
use crate::domain::filter::is_attribute_name;
use crate::domain::filter::lexer::is_keyword;

impl Row {
    pub(super) fn text(&self) -> Result<String, RowFault> {
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
