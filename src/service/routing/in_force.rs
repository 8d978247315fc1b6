//! The rules that messages are put to now.

use std::collections::HashMap;
use std::sync::Arc;

use super::super::Services;
use super::super::lately::Lately;
use crate::Result;
use crate::domain::routing::Rule;
use crate::store::routing;
use crate::store::templates::{self, TemplateRow};

/// What the store said of the rules lately.
#[derive(Debug)]
pub(in crate::service) struct KnownRules(Lately<(), Arc<InForce>>);

impl Default for KnownRules {
    fn default() -> Self {
        Self(Lately::new(1))
    }
}

impl KnownRules {
    /// The rules were changed here.
    pub fn forget(&self) {
        self.0.forget();
    }
}

/// The latest version, and the texts its rules name.
#[derive(Debug, Default)]
pub(in crate::service) struct InForce {
    pub version: i64,
    pub rules: Vec<Rule>,
    /// By slug; one that is gone is missing.
    pub templates: HashMap<String, TemplateRow>,
}

pub(in crate::service) async fn in_force(s: &Services) -> Result<Arc<InForce>> {
    let known = &s.rules.0;
    if let Some(rules) = known.get(&(), s.clock.steady()) {
        return Ok(rules);
    }
    let generation = known.generation();
    let mut in_force = InForce::default();
    if let Some(row) = routing::find(&s.db, None).await? {
        in_force.version = row.number;
        in_force.rules = row.rules.0;
    }
    for slug in in_force.rules.iter().filter_map(|rule| rule.then.template.as_ref()) {
        if !in_force.templates.contains_key(slug)
            && let Some(row) = templates::find(&s.db, slug, None).await?
        {
            in_force.templates.insert(slug.clone(), row);
        }
    }
    let in_force = Arc::new(in_force);
    known.keep(generation, (), Arc::clone(&in_force), s.clock.steady());
    Ok(in_force)
}
