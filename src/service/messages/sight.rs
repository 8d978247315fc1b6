//! Whose messages somebody sees and acts on. A source sees its own, one with the right `read_all` all; operators see those
//! of the departments in which they hold the permission. A message is of the department it was sent for, wherever its
//! source belongs by now, or of none: the whole campus's. What somebody does not see is not there: it is answered as what
//! never was.

use std::collections::BTreeSet;

use crate::domain::grant::Reach;
use crate::domain::id::SourceId;
use crate::domain::operator::Permission;
use crate::domain::source::Right;
use crate::error::Result;
use crate::service::Caller;
use crate::store::messages::MessageFilter;

/// Whose messages are meant.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::service) enum Sight {
    All,
    Source(SourceId),
    Departments(BTreeSet<String>),
}

impl Sight {
    /// What the caller may look at.
    pub fn of(caller: &Caller) -> Result<Self> {
        match caller {
            Caller::Key(key) if key.rights.contains(&Right::ReadAll) => Ok(Self::All),
            Caller::Key(key) => Ok(Self::Source(key.source)),
            _ => Self::by(caller, Permission::MessagesView),
        }
    }

    /// Where an operator holds the permission.
    pub fn by(caller: &Caller, permission: Permission) -> Result<Self> {
        Ok(match caller.reach(permission)? {
            Reach::Everywhere => Self::All,
            Reach::Departments(departments) => Self::Departments(departments),
        })
    }

    /// Whether a message of that source, sent for that department, is among them.
    pub fn holds(&self, source: Option<SourceId>, department: Option<&str>) -> bool {
        match self {
            Self::All => true,
            Self::Source(own) => source == Some(*own),
            Self::Departments(own) => department.is_some_and(|department| own.contains(department)),
        }
    }

    /// The departments it is limited to; `None`: it is not limited by departments.
    pub fn departments(&self) -> Option<Vec<String>> {
        match self {
            Self::All | Self::Source(_) => None,
            Self::Departments(departments) => Some(departments.iter().cloned().collect()),
        }
    }

    /// For a list of them; of the source asked for, if one is.
    pub fn filter(&self, asked: Option<SourceId>) -> MessageFilter {
        let (source, departments) = match self {
            // None are both its own and another's.
            Self::Source(own) if asked.is_some_and(|asked| asked != *own) => (asked, Some(Vec::new())),
            Self::Source(own) => (Some(*own), None),
            Self::All | Self::Departments(_) => (asked, self.departments()),
        };
        MessageFilter { source, departments, ..MessageFilter::default() }
    }
}

/// Whether an operator holds the permission for messages of a department; of none: for those of the whole campus.
pub(super) fn may(caller: &Caller, permission: Permission, department: Option<&str>) -> bool {
    holds(caller, permission, department).unwrap_or(false)
}

/// As [`may`]; refuses whoever holds it nowhere.
pub(in crate::service) fn holds(
    caller: &Caller,
    permission: Permission,
    department: Option<&str>,
) -> Result<bool> {
    Ok(Sight::by(caller, permission)?.holds(None, department))
}
