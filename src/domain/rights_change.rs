//! A change of what operators may do or by what they come in, as it is asked for and as it may have to wait.

use serde::{Deserialize, Serialize};

use super::grant::{Grant, Powers};
use super::id::{OperatorId, RoleId};
use super::operator::Permission;

/// What may be changed that gives somebody something. What only takes away is no such change: nobody waits with it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum RightsChange {
    /// Somebody new is let in, by a link.
    Invite { email: String, name: String, grants: Vec<Grant> },
    /// Replaces what an operator holds.
    Grant { operator: OperatorId, grants: Vec<Grant> },
    /// Lets somebody in again who was shut out.
    Enable { operator: OperatorId },
    /// Takes a password away and makes a link to choose another by.
    Link { operator: OperatorId },
    /// Takes a second factor away.
    ResetFactor { operator: OperatorId },
    /// Names the campus id by which an operator comes in. Sealed: it is somebody's data, and waits for days.
    CampusId { operator: OperatorId, sealed: Vec<u8> },
    /// Replaces all of a role.
    Role { role: RoleId, name: String, description: String, permissions: Vec<Permission> },
    /// No change of rights needs a second administrator any more.
    TurnOff,
}

/// What somebody, or everybody who holds a role, may do before a change and after it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Effect {
    pub before: Powers,
    pub after: Powers,
}

impl RightsChange {
    pub const NAMES: [&str; 8] =
        ["invite", "grant", "enable", "link", "reset_factor", "campus_id", "role", "turn_off"];

    /// The word it is kept and told by.
    pub const fn name(&self) -> &'static str {
        match self {
            Self::Invite { .. } => "invite",
            Self::Grant { .. } => "grant",
            Self::Enable { .. } => "enable",
            Self::Link { .. } => "link",
            Self::ResetFactor { .. } => "reset_factor",
            Self::CampusId { .. } => "campus_id",
            Self::Role { .. } => "role",
            Self::TurnOff => "turn_off",
        }
    }

    /// The operator it is about, where it is about one who is there.
    pub const fn operator(&self) -> Option<OperatorId> {
        match self {
            Self::Grant { operator, .. }
            | Self::Enable { operator }
            | Self::Link { operator }
            | Self::ResetFactor { operator }
            | Self::CampusId { operator, .. } => Some(*operator),
            Self::Invite { .. } | Self::Role { .. } | Self::TurnOff => None,
        }
    }

    /// Whether another is about the same person, role or rule: once this is made, that was thought of over something else.
    pub fn same_matter(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Invite { email: one, .. }, Self::Invite { email: another, .. }) => one == another,
            (Self::Role { role: one, .. }, Self::Role { role: another, .. }) => one == another,
            (Self::TurnOff, Self::TurnOff) => true,
            _ => self.operator().is_some() && self.operator() == other.operator(),
        }
    }

    /// Whether it waits for a second administrator where that is asked for: it gives somebody a right, or opens a way in as
    /// them, or makes an end of asking.
    pub fn gives(&self, effect: &Effect) -> bool {
        match self {
            Self::Invite { .. }
            | Self::Link { .. }
            | Self::ResetFactor { .. }
            | Self::CampusId { .. }
            | Self::TurnOff => true,
            Self::Grant { .. } | Self::Enable { .. } | Self::Role { .. } => {
                !effect.before.contain(&effect.after)
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::domain::operator::Role;

    fn effect(before: Role, after: Role) -> Effect {
        Effect { before: before.into(), after: after.into() }
    }

    fn all() -> Vec<RightsChange> {
        let (operator, role) = (OperatorId(2), RoleId(3));
        let (email, name) = ("li@bell.example".to_owned(), "李娜".to_owned());
        vec![
            RightsChange::Invite { email, name: name.clone(), grants: vec![Role::Sender.into()] },
            RightsChange::Grant { operator, grants: vec![Role::Auditor.into()] },
            RightsChange::Enable { operator },
            RightsChange::Link { operator },
            RightsChange::ResetFactor { operator },
            RightsChange::CampusId { operator, sealed: vec![1, 2] },
            RightsChange::Role {
                role,
                name,
                description: String::new(),
                permissions: vec![Permission::AuditView],
            },
            RightsChange::TurnOff,
        ]
    }

    #[test]
    fn what_only_takes_away_waits_for_nobody() {
        let (more, less) = (effect(Role::Sender, Role::Owner), effect(Role::Owner, Role::Sender));
        for change in all() {
            assert!(change.gives(&more), "{}", change.name());
            let only_rights = ["grant", "enable", "role"].contains(&change.name());
            assert_eq!(change.gives(&less), !only_rights, "{}", change.name());
        }
        let other = effect(Role::Auditor, Role::Sender);
        assert!(all()[1].gives(&other), "it takes and gives");
    }

    #[test]
    fn what_is_about_the_same_is_known() {
        for (i, one) in all().iter().enumerate() {
            for (j, other) in all().iter().enumerate() {
                let both_of_one = one.operator().is_some() && other.operator().is_some();
                assert_eq!(one.same_matter(other), i == j || both_of_one, "{} {}", one.name(), other.name());
            }
        }
        let grant = |id| RightsChange::Enable { operator: OperatorId(id) };
        assert!(!grant(2).same_matter(&grant(3)));
    }

    #[test]
    fn a_change_is_read_as_it_was_kept_under_its_name() {
        let names: Vec<_> = all().iter().map(RightsChange::name).collect();
        assert_eq!(names, RightsChange::NAMES);
        for change in all() {
            let kept = json!(change);
            assert_eq!(kept["kind"], change.name());
            assert_eq!(serde_json::from_value::<RightsChange>(kept).unwrap(), change);
            assert_eq!(change.operator().is_some(), !["invite", "role", "turn_off"].contains(&change.name()));
        }
        let mut limited = effect(Role::Sender, Role::Auditor);
        limited.after.add([Permission::MessagesSend], &["图书馆".to_owned()].into());
        assert_eq!(serde_json::from_value::<Effect>(json!(limited)).unwrap(), limited);
    }
}
