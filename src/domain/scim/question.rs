//! Filters in the directory's own terms: what a store can answer.

use super::filter::{Filter, Literal, Operator, Test, invalid};
use super::path::Path;
use super::{BELLTOWER, ENTERPRISE};
use crate::clock::Timestamp;
use crate::domain::id::{GroupId, RecipientId};
use crate::error::Result;

/// What can be asked of a person.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum UserField {
    Id,
    ExternalId,
    UserName,
    Name,
    Email,
    Mobile,
    Active,
    Language,
    UserType,
    Department,
    EmployeeNumber,
    WecomUserid,
    WechatOpenid,
    Created,
    LastModified,
}

/// What can be asked of a group.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum GroupField {
    Id,
    ExternalId,
    Name,
    Member,
    Created,
    LastModified,
}

/// A question about each person, or each group. It is true or false of everyone: where nothing is known, only
/// [`Condition::Not`] of a comparison is true.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Condition<F> {
    Constant(bool),
    All(Vec<Self>),
    Any(Vec<Self>),
    Not(Box<Self>),
    Is(F, Asked),
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Asked {
    /// There is a value.
    Present,
    /// Any operator but `ne`.
    Text(Operator, String),
    Moment(Operator, Timestamp),
    Flag(bool),
    /// The row of that key.
    Key(i64),
}

/// How a field is compared.
enum Kind<F> {
    Text(F),
    Key(F, fn(&str) -> Option<i64>),
    Flag(F),
    Moment(F),
    /// Of every value of that field, the same.
    Constant(F, Literal),
}

/// A question about people.
///
/// # Errors
///
/// A fault `invalid_filter` for an attribute that cannot be asked for, or not so.
pub fn of_users(filter: &Filter) -> Result<Condition<UserField>> {
    translate(filter, None, &|path| {
        let person = |id: &str| id.parse::<RecipientId>().ok().map(|id| id.0);
        let is = |name| path.is(name) && path.sub.is_none();
        let has = |name, sub| path.is(name) && path.sub_is(sub);
        let value = |name| is(name) || has(name, "value");
        let of = |schema, name: &str| {
            path.schema == Some(schema) && path.name.eq_ignore_ascii_case(name) && path.sub.is_none()
        };
        let word = |word: &str| Literal::Text(word.to_owned());
        Some(match () {
            () if is("id") => Kind::Key(UserField::Id, person),
            () if is("externalId") => Kind::Text(UserField::ExternalId),
            () if is("userName") => Kind::Text(UserField::UserName),
            () if is("displayName") || has("name", "formatted") => Kind::Text(UserField::Name),
            () if value("emails") => Kind::Text(UserField::Email),
            () if has("emails", "type") => Kind::Constant(UserField::Email, word("work")),
            () if has("emails", "primary") => Kind::Constant(UserField::Email, Literal::Flag(true)),
            () if value("phoneNumbers") => Kind::Text(UserField::Mobile),
            () if has("phoneNumbers", "type") => Kind::Constant(UserField::Mobile, word("mobile")),
            () if has("phoneNumbers", "primary") => Kind::Constant(UserField::Mobile, Literal::Flag(true)),
            () if is("active") => Kind::Flag(UserField::Active),
            () if is("preferredLanguage") => Kind::Text(UserField::Language),
            () if is("userType") => Kind::Text(UserField::UserType),
            () if of(ENTERPRISE, "department") => Kind::Text(UserField::Department),
            () if of(ENTERPRISE, "employeeNumber") => Kind::Text(UserField::EmployeeNumber),
            () if of(BELLTOWER, "wecomUserid") => Kind::Text(UserField::WecomUserid),
            () if of(BELLTOWER, "wechatOpenid") => Kind::Text(UserField::WechatOpenid),
            () if has("meta", "created") => Kind::Moment(UserField::Created),
            () if has("meta", "lastModified") => Kind::Moment(UserField::LastModified),
            () => return None,
        })
    })
}

/// A question about groups.
///
/// # Errors
///
/// As [`of_users`].
pub fn of_groups(filter: &Filter) -> Result<Condition<GroupField>> {
    translate(filter, None, &|path| {
        let group = |id: &str| id.parse::<GroupId>().ok().map(|id| id.0);
        let person = |id: &str| id.parse::<RecipientId>().ok().map(|id| id.0);
        let is = |name| path.is(name) && path.sub.is_none();
        let has = |name, sub| path.is(name) && path.sub_is(sub);
        Some(match () {
            () if is("id") => Kind::Key(GroupField::Id, group),
            () if is("externalId") => Kind::Text(GroupField::ExternalId),
            () if is("displayName") => Kind::Text(GroupField::Name),
            () if is("members") || has("members", "value") => Kind::Key(GroupField::Member, person),
            () if has("members", "type") => {
                Kind::Constant(GroupField::Member, Literal::Text("User".to_owned()))
            }
            () if has("meta", "created") => Kind::Moment(GroupField::Created),
            () if has("meta", "lastModified") => Kind::Moment(GroupField::LastModified),
            () => return None,
        })
    })
}

fn translate<F: Copy>(
    filter: &Filter,
    within: Option<&Path>,
    known: &impl Fn(&Path) -> Option<Kind<F>>,
) -> Result<Condition<F>> {
    let each = |all: &[Filter]| all.iter().map(|one| translate(one, within, known)).collect::<Result<_>>();
    Ok(match filter {
        Filter::All(all) => Condition::All(each(all)?),
        Filter::Any(all) => Condition::Any(each(all)?),
        Filter::Not(one) => Condition::Not(Box::new(translate(one, within, known)?)),
        Filter::Within(path, one) => {
            if within.is_some() || path.sub.is_some() {
                return Err(invalid("brackets follow an attribute with parts, and hold no others"));
            }
            translate(one, Some(path), known)?
        }
        Filter::Is { path, test, at } => {
            let whole = match within {
                None => path.clone(),
                Some(_) if path.sub.is_some() || path.schema.is_some() => {
                    return Err(wrong(*at, "within brackets a part such as `value` is named"));
                }
                Some(outer) => outer.part(&path.name),
            };
            let Some(kind) = known(&whole) else {
                return Err(wrong(*at, "this attribute cannot be asked for"));
            };
            ask(kind, test, *at)?
        }
    })
}

fn wrong(at: usize, why: &str) -> crate::Error {
    invalid(&format!("at character {}: {why}", at + 1))
}

fn not<F>(condition: Condition<F>) -> Condition<F> {
    Condition::Not(Box::new(condition))
}

fn ask<F: Copy>(kind: Kind<F>, test: &Test, at: usize) -> Result<Condition<F>> {
    let (operator, literal) = match test {
        Test::Present => {
            let (Kind::Text(field)
            | Kind::Key(field, _)
            | Kind::Flag(field)
            | Kind::Moment(field)
            | Kind::Constant(field, _)) = kind;
            return Ok(Condition::Is(field, Asked::Present));
        }
        // Null and no value are the same (RFC 7643 §2.5).
        Test::Compare(operator @ (Operator::Eq | Operator::Ne), Literal::Null) => {
            let present = ask(kind, &Test::Present, at)?;
            return Ok(if *operator == Operator::Eq { not(present) } else { present });
        }
        Test::Compare(Operator::Ne, literal) => {
            return Ok(not(ask(kind, &Test::Compare(Operator::Eq, literal.clone()), at)?));
        }
        Test::Compare(operator, literal) => (*operator, literal),
    };
    let is = |field, asked| Ok(Condition::Is(field, asked));
    match (kind, literal) {
        (Kind::Text(field), Literal::Text(text)) => is(field, Asked::Text(operator, text.clone())),
        (Kind::Text(_), _) => Err(wrong(at, "this attribute is compared with a text")),
        (Kind::Key(field, read), Literal::Text(text)) if operator == Operator::Eq => {
            Ok(read(text).map_or(Condition::Constant(false), |key| Condition::Is(field, Asked::Key(key))))
        }
        (Kind::Key(..), _) => Err(wrong(at, "of this attribute only `eq` and `ne` with a text can be asked")),
        (Kind::Flag(field), literal) if operator == Operator::Eq => match flag(literal) {
            Some(flag) => is(field, Asked::Flag(flag)),
            None => Err(wrong(at, "this attribute is true or false")),
        },
        (Kind::Flag(_), _) => Err(wrong(at, "of this attribute only `eq` and `ne` can be asked")),
        (Kind::Moment(field), Literal::Text(text)) => {
            let moment = text.parse::<jiff::Timestamp>().map(Timestamp::from);
            let is_order = !matches!(operator, Operator::Co | Operator::Sw | Operator::Ew);
            match moment {
                Ok(moment) if is_order => is(field, Asked::Moment(operator, moment)),
                _ => Err(wrong(
                    at,
                    "compare it by `eq ne gt ge lt le` with a time such as \"2026-09-01T00:00:00Z\"",
                )),
            }
        }
        (Kind::Moment(_), _) => Err(wrong(at, "this attribute is compared with a time in quotation marks")),
        (Kind::Constant(field, Literal::Text(value)), Literal::Text(text)) => {
            let (value, text) = (value.to_lowercase(), text.to_lowercase());
            let holds = match operator {
                Operator::Eq => value == text,
                Operator::Co => value.contains(&text),
                Operator::Sw => value.starts_with(&text),
                Operator::Ew => value.ends_with(&text),
                _ => return Err(wrong(at, "this attribute is no more or less than another")),
            };
            if holds { is(field, Asked::Present) } else { Ok(Condition::Constant(false)) }
        }
        (Kind::Constant(field, Literal::Flag(_)), literal) if operator == Operator::Eq => match flag(literal)
        {
            Some(true) => is(field, Asked::Present),
            Some(false) => Ok(Condition::Constant(false)),
            None => Err(wrong(at, "this attribute is true or false")),
        },
        (Kind::Constant(..), _) => Err(wrong(at, "this attribute is not compared so")),
    }
}

fn flag(literal: &Literal) -> Option<bool> {
    match literal {
        Literal::Flag(flag) => Some(*flag),
        Literal::Text(text) => text.to_ascii_lowercase().parse().ok(),
        Literal::Number(_) | Literal::Null => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Error;

    fn users(text: &str) -> Result<Condition<UserField>> {
        of_users(&Filter::parse(text)?)
    }

    fn text(field: UserField, operator: Operator, text: &str) -> Condition<UserField> {
        Condition::Is(field, Asked::Text(operator, text.to_owned()))
    }

    #[test]
    fn attributes_are_found_under_their_names() {
        let email = |operator, value| text(UserField::Email, operator, value);
        let by_id = format!("id eq \"{}\"", RecipientId(7));
        for (written, meant) in [
            ("userName eq \"1\"", text(UserField::UserName, Operator::Eq, "1")),
            (
                "urn:ietf:params:scim:schemas:core:2.0:User:username sw \"1\"",
                text(UserField::UserName, Operator::Sw, "1"),
            ),
            ("emails eq \"a@b\"", email(Operator::Eq, "a@b")),
            ("emails.value co \"@b\"", email(Operator::Co, "@b")),
            (
                "emails[type eq \"work\" and value eq \"a@b\"]",
                Condition::All(vec![
                    Condition::Is(UserField::Email, Asked::Present),
                    email(Operator::Eq, "a@b"),
                ]),
            ),
            ("emails[type eq \"home\"]", Condition::Constant(false)),
            ("emails[primary eq true]", Condition::Is(UserField::Email, Asked::Present)),
            ("active eq \"False\"", Condition::Is(UserField::Active, Asked::Flag(false))),
            ("active ne true", not(Condition::Is(UserField::Active, Asked::Flag(true)))),
            ("name.formatted ew \"伟\"", text(UserField::Name, Operator::Ew, "伟")),
            ("externalId eq null", not(Condition::Is(UserField::ExternalId, Asked::Present))),
            ("id eq \"nobody\"", Condition::Constant(false)),
            (by_id.as_str(), Condition::Is(UserField::Id, Asked::Key(7))),
            (
                "meta.lastModified gt \"2026-09-01T08:00:00+08:00\"",
                Condition::Is(
                    UserField::LastModified,
                    Asked::Moment(Operator::Gt, Timestamp(1_788_220_800_000)),
                ),
            ),
            (
                "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User:department eq \"x\"",
                text(UserField::Department, Operator::Eq, "x"),
            ),
            (
                "urn:ietf:params:scim:schemas:extension:belltower:2.0:User:wecomUserid eq \"x\"",
                text(UserField::WecomUserid, Operator::Eq, "x"),
            ),
        ] {
            assert_eq!(users(written).unwrap(), meant, "{written}");
        }
        let member = of_groups(&Filter::parse(&format!("members[value eq \"{}\"]", RecipientId(3))).unwrap());
        assert_eq!(member.unwrap(), Condition::Is(GroupField::Member, Asked::Key(3)));
    }

    #[test]
    fn what_cannot_be_asked_is_told() {
        for (written, place) in [
            ("title eq \"x\"", 1),
            ("active eq true and nickName pr", 20),
            ("department eq \"x\"", 1),
            ("userName eq 1", 1),
            ("userName gt true", 1),
            ("active gt true", 1),
            ("active eq \"perhaps\"", 1),
            ("id sw \"rcp_\"", 1),
            ("meta.created eq \"soon\"", 1),
            ("meta.created co \"2026-09-01T00:00:00Z\"", 1),
            ("emails[type gt \"work\"]", 8),
            ("emails[display eq \"x\"]", 8),
            ("urn:example:2.0:User:shoe eq 1", 1),
        ] {
            let Err(Error::Invalid(faults)) = users(written) else { panic!("{written}") };
            assert_eq!(faults[0].code, "invalid_filter");
            let detail = &faults[0].detail;
            assert!(detail.starts_with(&format!("at character {place}: ")), "{written}: {detail}");
        }
        for written in ["emails[emails[value pr]]", "emails.value[value pr]"] {
            assert!(users(written).is_err(), "{written}");
        }
    }
}
