//! What a provider's settings say of our templates, held against the templates there are.
//!
//! A mapping says which template of the vendor's stands for one of ours, and what its variables are filled with. It is a
//! part of the provider's settings and of nothing else.
//!
//! - [`written`]: a mapping as somebody writes it, and as the settings have it
//! - [`lint`]: what comes of it with the template's samples
//! - [`edit`]: seeing, keeping and removing one
//! - [`broken`](mod@broken): what a new version of a template does to those there are

mod broken;
mod edit;
mod lint;
mod written;

pub(in crate::service) use self::broken::broken;
pub use self::edit::{Kept, Sheet, Standing, keep_mapping, mapping, mappings, remove_mapping};
pub use self::lint::{Arrival, Linted, MappingDoubt, lint_mapping, word};
pub use self::written::{Mapping, Slot};

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
