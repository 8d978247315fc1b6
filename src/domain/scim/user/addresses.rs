//! A person has one email address here and one mobile number; identity systems have lists of them.

use serde_json::Value;

use crate::domain::scim::filter::{Filter, Literal, Operator, Test};
use crate::domain::scim::flag_of;

/// Addresses that differ in case or in how a number is written are the same.
pub(super) fn same(a: &str, b: &str) -> bool {
    let bare = |text: &str| -> String {
        let text: String = text.chars().filter(|c| !matches!(c, ' ' | '-' | '(' | ')')).collect();
        text.trim_start_matches("tel:").trim_start_matches("+86").to_lowercase()
    };
    bare(a) == bare(b)
}

/// Of several addresses the one that is kept, or nothing where none is of the kind: the primary one of the type, one of the
/// type, or one without a type. Of emails any will do.
pub(super) fn chosen<'v>(list: &'v [Value], word: &str) -> Option<&'v Value> {
    let kind = |one: &Value| one.get("type").and_then(Value::as_str).map(str::to_ascii_lowercase);
    let is_primary =
        |one: &&Value| one.get("primary").is_some_and(|flag| flag_of(flag, "").ok().flatten() == Some(true));
    let is_right = |one: &&Value| kind(one).as_deref() == Some(word);
    let is_bare = |one: &&Value| kind(one).is_none();
    let any_will_do = word == "work";
    let all = || list.iter();
    all()
        .find(|one| is_primary(one) && (any_will_do || is_right(one) || is_bare(one)))
        .or_else(|| all().find(is_right))
        .or_else(|| all().find(is_bare))
        .or_else(|| all().next().filter(|_| any_will_do))
}

/// Whether what stands in brackets is true of the one address there is, or would be.
pub(super) fn chooses(which: &Filter, word: &str, stands: Option<&str>) -> bool {
    match which {
        Filter::All(all) => all.iter().all(|one| chooses(one, word, stands)),
        Filter::Any(all) => all.iter().any(|one| chooses(one, word, stands)),
        Filter::Not(one) => !chooses(one, word, stands),
        Filter::Within(..) => false,
        Filter::Is { path, test, .. } => match test {
            Test::Present => path.is("type") || path.is("primary") || (path.is("value") && stands.is_some()),
            Test::Compare(operator, literal) => {
                let equal = match literal {
                    Literal::Text(text) if path.is("type") => text.eq_ignore_ascii_case(word),
                    Literal::Text(text) if path.is("primary") => text.eq_ignore_ascii_case("true"),
                    Literal::Flag(flag) if path.is("primary") => *flag,
                    Literal::Text(text) if path.is("value") => stands.is_some_and(|now| same(text, now)),
                    _ => false,
                };
                match operator {
                    Operator::Eq => equal,
                    Operator::Ne => !equal,
                    _ => false,
                }
            }
        },
    }
}

/// Whether what stands in brackets looks at the address itself.
pub(super) fn names_value(which: &Filter) -> bool {
    match which {
        Filter::All(all) | Filter::Any(all) => all.iter().any(names_value),
        Filter::Not(one) => names_value(one),
        Filter::Within(..) => false,
        Filter::Is { path, .. } => path.is("value"),
    }
}
