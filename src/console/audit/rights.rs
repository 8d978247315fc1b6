//! What the audit log keeps of rights, in words: grants as roles and where they hold, roles as what they include.

use std::collections::BTreeSet;

use serde_json::Value;

use crate::console::view::View;
use crate::domain::operator::Permission;
use crate::domain::rights_change::RightsChange;

/// Particulars that are said here.
pub(super) const SAID: [&str; 7] =
    ["before", "after", "grants", "permissions", "proposed_by", "proposal_reason", "change"];

/// What is said of rights in an act of operators and roles; nothing in others.
pub(super) fn said(view: &View, action: &str, detail: &Value) -> Vec<(String, String)> {
    let of = action.split_once('.').map_or("", |(of, _)| of);
    if !["operator", "role", "rights"].contains(&of) {
        return Vec::new();
    }
    let one = |key: &str| {
        let words = in_words(view, key, detail.get(key)?)?;
        Some((view.t(&format!("audit-{key}")), words))
    };
    SAID.iter().filter_map(|key| one(key)).collect()
}

fn in_words(view: &View, key: &str, value: &Value) -> Option<String> {
    if let Some(text) = value.as_str() {
        let known = RightsChange::NAMES.contains(&text);
        return Some(if key == "change" && known {
            view.t(&format!("change-{text}"))
        } else {
            text.to_owned()
        });
    }
    let lines: Option<Vec<_>> = value.as_array()?.iter().map(|one| line(view, one)).collect();
    let lines = lines?;
    Some(if lines.is_empty() { view.t("rights-changed-nothing") } else { view.listed(&lines) })
}

/// A grant, or a permission. A permission that this version does not know keeps its word.
fn line(view: &View, value: &Value) -> Option<String> {
    if let Some(word) = value.as_str() {
        return Some(match word.parse::<Permission>() {
            Ok(permission) => view.permission_text(permission),
            Err(_) => word.to_owned(),
        });
    }
    let role = view.role_name(value.get("role")?.as_str()?);
    let departments: BTreeSet<String> = match value.get("departments") {
        Some(names) => serde_json::from_value(names.clone()).ok()?,
        None => BTreeSet::new(),
    };
    Some(view.t2("permission-where", "permission", role, "where", view.where_text(&departments)))
}
