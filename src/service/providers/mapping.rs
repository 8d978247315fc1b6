//! What a provider's settings say of our templates, held against the templates there are.

use super::registry;
use crate::Result;
use crate::error::Faults;
use crate::service::{Services, bindings};
use crate::store::templates;

/// Adds what a message by a mapped template would fail for, below `/settings`.
pub(super) async fn check(s: &Services, faults: &mut Faults, settings: &serde_json::Value) -> Result<()> {
    for mapped in registry::mapped(settings) {
        let slug = &mapped.slug;
        let known = if let Some(variables) = bindings::variables_of(slug) {
            variables
        } else if let Some(template) = templates::find(&s.db, slug, None).await? {
            // Checked when it was written.
            template.content.0.variables().unwrap_or_default().all
        } else {
            let detail = format!("there is no template `{slug}`: write it first, or mend its name here");
            faults.add(format!("/settings{}", mapped.pointer), "unknown_template", detail);
            continue;
        };
        for (pointer, name) in mapped.variables.iter().filter(|(_, name)| !known.contains(name)) {
            let has = known.iter().map(String::as_str).collect::<Vec<_>>().join(", ");
            let detail = format!("the template `{slug}` has no variable `{name}`; it has: {has}");
            faults.add(format!("/settings{pointer}"), "unknown_variable", detail);
        }
    }
    Ok(())
}
