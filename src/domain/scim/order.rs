//! The order in which a list is wanted (RFC 7644 §3.4.2.3).

use super::path::{Path, Target};
use super::question::{GroupField, UserField};
use crate::error::{Error, Fault, Result};

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Order<F> {
    pub by: F,
    pub descending: bool,
}

/// By what people can be ordered.
pub const OF_USERS: &[(&str, UserField)] = &[
    ("id", UserField::Id),
    ("userName", UserField::UserName),
    ("displayName", UserField::Name),
    ("name.formatted", UserField::Name),
    ("meta.created", UserField::Created),
    ("meta.lastModified", UserField::LastModified),
];

/// By what groups can be ordered.
pub const OF_GROUPS: &[(&str, GroupField)] = &[
    ("id", GroupField::Id),
    ("displayName", GroupField::Name),
    ("meta.created", GroupField::Created),
    ("meta.lastModified", GroupField::LastModified),
];

impl<F: Copy> Order<F> {
    /// Of `sortBy` and `sortOrder`, by one of these attributes; none where it is another: the standard has no error for that, and
    /// whoever asks for it as a matter of course is to have the list all the same.
    ///
    /// # Errors
    ///
    /// A fault `invalid_value` for what is not the name of an attribute, and for a direction that is none.
    pub fn read(by: &str, direction: Option<&str>, known: &[(&str, F)]) -> Result<Option<Self>> {
        let target = Target::read(by, "?sortBy").map_err(of_value)?;
        let descending = match direction {
            None => false,
            Some(word) if word.eq_ignore_ascii_case("ascending") => false,
            Some(word) if word.eq_ignore_ascii_case("descending") => true,
            Some(_) => {
                return Err(Error::fault(
                    "?sortOrder",
                    "invalid_value",
                    "`sortOrder` is `ascending` or `descending`",
                ));
            }
        };
        let found = known.iter().find(|(name, _)| target.which.is_none() && is(&target.path, name));
        Ok(found.map(|(_, by)| Self { by: *by, descending }))
    }
}

/// What is wrong with a path, said of a value: no path of a change is meant.
fn of_value(error: Error) -> Error {
    let of_value = |fault: Fault| Fault { code: "invalid_value".into(), ..fault };
    match error {
        Error::Invalid(faults) => Error::Invalid(faults.into_iter().map(of_value).collect()),
        other => other,
    }
}

fn is(path: &Path, name: &str) -> bool {
    match name.split_once('.') {
        None => path.is(name) && path.sub.is_none(),
        Some((name, sub)) => path.is(name) && path.sub_is(sub),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn attributes_that_can_be_ordered_by_are_found_under_their_names() {
        for (by, direction, expected) in [
            ("userName", None, (UserField::UserName, false)),
            ("USERNAME", Some("descending"), (UserField::UserName, true)),
            ("name.formatted", Some("Ascending"), (UserField::Name, false)),
            ("urn:ietf:params:scim:schemas:core:2.0:User:displayName", None, (UserField::Name, false)),
            ("meta.lastModified", Some("DESCENDING"), (UserField::LastModified, true)),
        ] {
            let order = Order::read(by, direction, OF_USERS).unwrap().unwrap();
            assert_eq!((order.by, order.descending), expected, "{by}");
        }
        assert_eq!(
            Order::read("displayName", None, OF_GROUPS).unwrap(),
            Some(Order { by: GroupField::Name, descending: false })
        );
    }

    #[test]
    fn others_are_passed_over() {
        for by in [
            "title",
            "name",
            "name.familyName",
            "emails",
            "userName.value",
            "emails[type eq \"work\"].value",
            "urn:example:2.0:User:userName",
        ] {
            assert_eq!(Order::read(by, None, OF_USERS).unwrap(), None, "{by}");
        }
        assert_eq!(Order::read("userName", Some("descending"), OF_GROUPS).unwrap(), None);
    }

    #[test]
    fn what_is_no_attribute_and_no_direction_is_told() {
        for (by, direction) in [
            ("a b", None),
            ("1st", None),
            ("emails[type is \"work\"]", None),
            ("userName", Some("upwards")),
            ("title", Some("upwards")),
        ] {
            let Err(Error::Invalid(faults)) = Order::read(by, direction, OF_USERS) else { panic!("{by}") };
            assert_eq!(faults[0].code, "invalid_value", "{by}");
        }
    }
}
