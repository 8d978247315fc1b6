//! The order in which a list is wanted (RFC 7644 §3.4.2.3).

use super::path::{Path, Target};
use super::question::{GroupField, UserField};
use crate::error::{Error, Result};

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
    /// Of `sortBy` and `sortOrder`, by one of these attributes.
    ///
    /// # Errors
    ///
    /// A fault `invalid_path` for an attribute that is none of them, `invalid_value` for a direction that is none.
    pub fn read(by: &str, direction: Option<&str>, known: &[(&str, F)]) -> Result<Self> {
        let target = Target::read(by, "?sortBy")?;
        let found = known.iter().find(|(name, _)| target.which.is_none() && is(&target.path, name));
        let Some((_, by)) = found else {
            let names: Vec<_> = known.iter().map(|(name, _)| format!("`{name}`")).collect();
            let detail = format!("a list can be ordered by {}", names.join(", "));
            return Err(Error::fault("?sortBy", "invalid_path", detail));
        };
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
        Ok(Self { by: *by, descending })
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
            let order = Order::read(by, direction, OF_USERS).unwrap();
            assert_eq!((order.by, order.descending), expected, "{by}");
        }
        assert_eq!(
            Order::read("displayName", None, OF_GROUPS).unwrap(),
            Order { by: GroupField::Name, descending: false }
        );
    }

    #[test]
    fn others_are_told_with_those_that_there_are() {
        for (by, direction, code) in [
            ("title", None, "invalid_path"),
            ("name", None, "invalid_path"),
            ("userName.value", None, "invalid_path"),
            ("emails[type eq \"work\"].value", None, "invalid_path"),
            ("urn:example:2.0:User:userName", None, "invalid_path"),
            ("a b", None, "invalid_path"),
            ("userName", Some("upwards"), "invalid_value"),
        ] {
            let Err(Error::Invalid(faults)) = Order::read(by, direction, OF_USERS) else { panic!("{by}") };
            assert_eq!(faults[0].code, code, "{by}");
        }
        let Err(Error::Invalid(faults)) = Order::read("userName", None, OF_GROUPS) else { panic!() };
        assert!(faults[0].detail.contains("`displayName`, `meta.created`"), "{}", faults[0].detail);
    }
}
