//! What writing something came to that may have been there before.

use serde::Serialize;
use serde_json::{Map, Value, json};

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

/// Which fields of an object became others, as the audit log keeps them: `{name: {before, after}}`.
pub(super) fn between(before: &Value, after: &Value) -> Value {
    let fields = after.as_object().into_iter().flatten();
    let changed: Map<_, _> = fields
        .filter(|(name, value)| before.get(name.as_str()) != Some(value))
        .map(|(name, value)| (name.clone(), json!({ "before": before.get(name.as_str()), "after": value })))
        .collect();
    changed.into()
}
