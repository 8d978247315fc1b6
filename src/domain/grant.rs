//! What an operator holds: roles, each everywhere or in some departments, and what follows from them.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::id::RoleId;
use super::operator::{Permission, Role};

/// A built-in role, or one that administrators made.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum AnyRole {
    BuiltIn(Role),
    Made(RoleId),
}

impl fmt::Display for AnyRole {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::BuiltIn(role) => role.fmt(f),
            Self::Made(id) => id.fmt(f),
        }
    }
}

impl FromStr for AnyRole {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match text.parse() {
            Ok(id) => Ok(Self::Made(id)),
            Err(_) => text.parse().map(Self::BuiltIn),
        }
    }
}

impl Serialize for AnyRole {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for AnyRole {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(serde::de::Error::custom)
    }
}

/// A role that an operator holds.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Grant {
    pub role: AnyRole,
    /// Where it holds; empty: everywhere.
    pub departments: BTreeSet<String>,
}

impl Grant {
    /// Whoever holds it owns the platform.
    pub fn owns(&self) -> bool {
        self.role == AnyRole::BuiltIn(Role::Owner) && self.departments.is_empty()
    }
}

impl From<Role> for Grant {
    fn from(role: Role) -> Self {
        Self { role: AnyRole::BuiltIn(role), departments: BTreeSet::new() }
    }
}

/// How far a permission reaches.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Reach {
    Everywhere,
    /// At least one.
    Departments(BTreeSet<String>),
}

impl Reach {
    /// Whether what belongs to a department is within it.
    pub fn covers(&self, department: &str) -> bool {
        match self {
            Self::Everywhere => true,
            Self::Departments(departments) => departments.contains(department),
        }
    }

    fn contains(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Everywhere, _) => true,
            (Self::Departments(_), Self::Everywhere) => false,
            (Self::Departments(mine), Self::Departments(theirs)) => mine.is_superset(theirs),
        }
    }

    fn widen(&mut self, departments: &BTreeSet<String>) {
        match self {
            Self::Everywhere => {}
            Self::Departments(_) if departments.is_empty() => *self = Self::Everywhere,
            Self::Departments(mine) => mine.extend(departments.iter().cloned()),
        }
    }
}

/// All that somebody may do, and where.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Powers(BTreeMap<Permission, Reach>);

impl Powers {
    /// Adds permissions, with what each [includes](Permission::includes), in departments; in none: everywhere.
    pub fn add(&mut self, permissions: impl IntoIterator<Item = Permission>, departments: &BTreeSet<String>) {
        let with_included = |permission: Permission| [Some(permission), permission.includes()];
        for permission in permissions.into_iter().flat_map(with_included).flatten() {
            self.0
                .entry(permission)
                .or_insert_with(|| Reach::Departments(BTreeSet::new()))
                .widen(departments);
        }
    }

    /// Where the permission is held; nothing: nowhere.
    pub fn reach(&self, permission: Permission) -> Option<&Reach> {
        self.0.get(&permission)
    }

    /// Whether the permission is held without a limit.
    pub fn everywhere(&self, permission: Permission) -> bool {
        self.reach(permission) == Some(&Reach::Everywhere)
    }

    /// Whether whoever has the others has nothing beyond these.
    pub fn contain(&self, others: &Self) -> bool {
        others
            .0
            .iter()
            .all(|(permission, reach)| self.reach(*permission).is_some_and(|my| my.contains(reach)))
    }
}

impl From<Role> for Powers {
    fn from(role: Role) -> Self {
        let mut powers = Self::default();
        powers.add(role.permissions(), &BTreeSet::new());
        powers
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn departments(names: &[&str]) -> BTreeSet<String> {
        names.iter().map(|name| (*name).to_owned()).collect()
    }

    fn powers(held: &[(Role, &[&str])]) -> Powers {
        let mut powers = Powers::default();
        for (role, names) in held {
            powers.add(role.permissions(), &departments(names));
        }
        powers
    }

    #[test]
    fn grants_add_up_and_everywhere_is_the_widest() {
        let both = powers(&[(Role::Sender, &["图书馆"]), (Role::Reviewer, &["教务处"])]);
        let seen = Reach::Departments(departments(&["图书馆", "教务处"]));
        assert_eq!(both.reach(Permission::MessagesView), Some(&seen));
        assert_eq!(both.reach(Permission::MessagesSend), Some(&Reach::Departments(departments(&["图书馆"]))));
        assert_eq!(both.reach(Permission::AuditView), None);
        for order in [
            [(Role::Sender, &[][..]), (Role::Sender, &["图书馆"])],
            [(Role::Sender, &["图书馆"]), (Role::Sender, &[])],
        ] {
            assert!(powers(&order).everywhere(Permission::MessagesView));
        }
    }

    #[test]
    fn whoever_may_send_broadcasts_may_practise_and_not_the_other_way_round() {
        let held = |permission| {
            let mut powers = Powers::default();
            powers.add([permission], &departments(&[]));
            powers
        };
        let (fires, drills) = (held(Permission::EmergencyFire), held(Permission::EmergencyDrill));
        assert!(fires.everywhere(Permission::EmergencyDrill));
        assert!(fires.contain(&drills), "so a drill is theirs to give");
        assert_eq!(drills.reach(Permission::EmergencyFire), None);
        assert_eq!(drills.reach(Permission::EmergencyView), None);
        for role in Role::ALL.iter().filter(|role| role.may(Permission::EmergencyFire)) {
            assert!(role.may(Permission::EmergencyDrill), "{role} shows what it includes");
        }
    }

    #[test]
    fn nobody_contains_more_than_they_hold() {
        let owner = Powers::from(Role::Owner);
        let library = powers(&[(Role::Sender, &["图书馆"])]);
        let two = powers(&[(Role::Sender, &["图书馆", "教务处"])]);
        let sender = Powers::from(Role::Sender);
        for (holder, other, contains) in [
            (&owner, &sender, true),
            (&sender, &owner, false),
            (&sender, &library, true),
            (&library, &sender, false),
            (&two, &library, true),
            (&library, &two, false),
            (&library, &Powers::default(), true),
        ] {
            assert_eq!(holder.contain(other), contains, "{holder:?} {other:?}");
        }
    }

    #[test]
    fn a_grant_is_written_as_it_is_read() {
        let text = r#"[{"role":"sender","departments":["图书馆"]}]"#;
        let grants: Vec<Grant> = serde_json::from_str(text).unwrap();
        assert_eq!(grants[0].role, AnyRole::BuiltIn(Role::Sender));
        assert_eq!(serde_json::to_string(&grants).unwrap(), text);
        let made = AnyRole::Made(RoleId(7));
        assert_eq!(made.to_string().parse(), Ok(made));
        assert!("emperor".parse::<AnyRole>().is_err());
        assert!(Grant::from(Role::Owner).owns());
        assert!(!Grant { departments: departments(&["图书馆"]), ..Grant::from(Role::Owner) }.owns());
    }
}
