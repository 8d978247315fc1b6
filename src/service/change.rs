//! What writing something came to that may have been there before.

use serde::Serialize;

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Change {
    Created,
    Updated,
    Unchanged,
}

impl Change {
    /// How the audit log calls the act; what changed nothing is none.
    pub(super) const fn act(self, create: &'static str, update: &'static str) -> Option<&'static str> {
        match self {
            Self::Created => Some(create),
            Self::Updated => Some(update),
            Self::Unchanged => None,
        }
    }
}
