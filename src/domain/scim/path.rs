//! Names of attributes, as filters, bodies and patches write them: `userName`, `name.formatted`,
//! `urn:…:enterprise:2.0:User:department`, and in patches `emails[type eq "work"].value`.

use super::filter::{Filter, Parser};
use super::lexer::{Token, Wrong};
use super::{BELLTOWER, ENTERPRISE, GROUP, USER};
use crate::error::{Error, Result};

/// What a name may begin with.
const SCHEMAS: [&str; 4] = [USER, GROUP, ENTERPRISE, BELLTOWER];

/// An attribute's name, without what it means.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Path {
    /// `None`: of the resource's own schema.
    pub schema: Option<&'static str>,
    /// Empty: the schema as a whole.
    pub name: String,
    pub sub: Option<String>,
    /// Of a schema that nobody here knows.
    pub is_strange: bool,
}

impl Path {
    /// Of a word such as `emails.value`.
    pub fn of(word: &str) -> Self {
        for schema in SCHEMAS {
            let begins = word.get(..schema.len()).is_some_and(|start| start.eq_ignore_ascii_case(schema));
            match word.get(schema.len()..) {
                Some("") if begins => return Self::within(Some(schema), "", false),
                Some(rest) if begins && rest.starts_with(':') => {
                    return Self::within(Some(schema), &rest[1..], false);
                }
                _ => {}
            }
        }
        let is_strange = word.get(..4).is_some_and(|start| start.eq_ignore_ascii_case("urn:"));
        Self::within(None, word, is_strange)
    }

    fn within(schema: Option<&'static str>, rest: &str, is_strange: bool) -> Self {
        let (name, sub) = match rest.split_once('.') {
            Some((name, sub)) if !is_strange => (name, Some(sub.to_owned())),
            _ => (rest, None),
        };
        let schema = schema.filter(|schema| *schema != USER && *schema != GROUP || rest.is_empty());
        Self { schema, name: name.to_owned(), sub, is_strange }
    }

    /// A part of this attribute.
    #[must_use]
    pub fn part(&self, sub: &str) -> Self {
        Self { sub: Some(sub.to_owned()), ..self.clone() }
    }

    /// Whether it is the attribute of that name in the resource's own schema.
    pub fn is(&self, name: &str) -> bool {
        self.schema.is_none() && !self.is_strange && self.name.eq_ignore_ascii_case(name)
    }

    /// Whether the part of it is the one of that name.
    pub fn sub_is(&self, name: &str) -> bool {
        self.sub.as_deref().is_some_and(|sub| sub.eq_ignore_ascii_case(name))
    }

    pub(super) fn check(&self, at: usize) -> Result<(), Wrong> {
        let is_name = |name: &str| {
            name.starts_with(|c: char| c.is_alphabetic() || c == '$' || c == '_')
                && name.chars().all(|c| c.is_alphanumeric() || matches!(c, '-' | '_' | '$'))
        };
        // Keys of the directory's attributes may hold more.
        let is_right = self.is_strange
            || (self.schema.is_some() && self.name.is_empty() && self.sub.is_none())
            || (is_name(&self.name) && self.sub.as_deref().is_none_or(|sub| !sub.is_empty()));
        if is_right { Ok(()) } else { Err(Wrong::new(at, "this is not the name of an attribute")) }
    }
}

/// What a patch changes.
#[derive(Clone, Debug, PartialEq)]
pub struct Target {
    pub path: Path,
    /// Which of several values.
    pub which: Option<Filter>,
}

impl Target {
    /// Of a text such as `members[value eq "rcp_0a1b2c3d4e5f6"]`.
    ///
    /// # Errors
    ///
    /// A fault `invalid_path` at the pointer `at`, with the character where it is wrong; `invalid_filter` for what stands in
    /// brackets.
    pub fn read(text: &str, at: &str) -> Result<Self> {
        Self::parse(text).map_err(|(code, wrong)| Error::fault(at, code, wrong.to_string()))
    }

    fn parse(text: &str) -> Result<Self, (&'static str, Wrong)> {
        let bad_path = |wrong| ("invalid_path", wrong);
        let mut parser = Parser::of(text).map_err(bad_path)?;
        let (began, token) = parser.next();
        let Token::Word(word) = token else {
            return Err(bad_path(Wrong::new(began, "the name of an attribute is missing")));
        };
        let mut path = Path::of(&word);
        path.check(began).map_err(bad_path)?;
        let mut which = None;
        if parser.skip(&Token::OpenBracket) {
            which = Some(parser.within().map_err(|wrong| ("invalid_filter", wrong))?);
            if let (at, Token::Word(word)) = parser.peek() {
                let Some(sub) = word.strip_prefix('.').filter(|sub| !sub.is_empty() && path.sub.is_none())
                else {
                    return Err(bad_path(Wrong::new(
                        at,
                        "after `]` a part such as `.value` or nothing may follow",
                    )));
                };
                path = path.part(sub);
                parser.next();
            }
        }
        match parser.next() {
            (_, Token::End) => Ok(Self { path, which }),
            (at, _) => Err(bad_path(Wrong::new(at, "the path should end here"))),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fault(text: &str) -> (String, String) {
        match Target::read(text, "/p") {
            Err(Error::Invalid(faults)) => (faults[0].code.to_string(), faults[0].detail.clone()),
            other => panic!("{text}: {other:?}"),
        }
    }

    #[test]
    fn names_are_taken_apart() {
        for (text, schema, name, sub) in [
            ("userName", None, "userName", None),
            ("name.familyName", None, "name", Some("familyName")),
            ("urn:ietf:params:scim:schemas:core:2.0:User:emails.value", None, "emails", Some("value")),
            ("URN:ietf:params:scim:schemas:core:2.0:group:members", None, "members", None),
            (
                "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User:department",
                Some(ENTERPRISE),
                "department",
                None,
            ),
            ("urn:ietf:params:scim:schemas:extension:enterprise:2.0:User", Some(ENTERPRISE), "", None),
            (
                "urn:ietf:params:scim:schemas:extension:belltower:2.0:User:attributes.学院",
                Some(BELLTOWER),
                "attributes",
                Some("学院"),
            ),
        ] {
            let path = Target::read(text, "").unwrap().path;
            assert_eq!((path.schema, path.name.as_str(), path.sub.as_deref()), (schema, name, sub), "{text}");
            assert!(!path.is_strange, "{text}");
        }
        let strange = Target::read("urn:example:schemas:2.0:User:shoeSize", "").unwrap().path;
        assert!(strange.is_strange && !strange.is("shoeSize"));
    }

    #[test]
    fn one_of_several_values_is_chosen_by_a_filter() {
        let target = Target::read("emails[type eq \"work\"].value", "").unwrap();
        assert!(target.path.is("EMAILS") && target.path.sub_is("Value"));
        // Its place counts from the beginning of the path.
        assert_eq!(target.which, Some(Filter::parse("       type eq \"work\"").unwrap()));
        let whole = Target::read("members[value eq \"rcp_1\" or value eq \"rcp_2\"]", "").unwrap();
        assert!(whole.path.sub.is_none() && whole.which.is_some());
    }

    #[test]
    fn what_is_wrong_is_told_with_its_place() {
        for (text, code, place) in [
            ("", "invalid_path", 1),
            ("[value eq \"x\"]", "invalid_path", 1),
            ("1st", "invalid_path", 1),
            ("name.", "invalid_path", 1),
            ("emails[type eq \"work\"]value", "invalid_path", 23),
            ("emails[type eq \"work\"].", "invalid_path", 23),
            ("emails.value[type eq \"work\"].value", "invalid_path", 29),
            ("emails[type eq \"work\"", "invalid_filter", 22),
            ("emails[]", "invalid_filter", 8),
            ("emails[type is \"work\"]", "invalid_filter", 13),
            ("userName extra", "invalid_path", 10),
            ("user/name", "invalid_path", 5),
        ] {
            let (found, detail) = fault(text);
            assert_eq!(found, code, "{text}: {detail}");
            assert!(detail.starts_with(&format!("at character {place}:")), "{text}: {detail}");
        }
    }
}
