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

impl InForce {
    /// These rules with the texts they name.
    pub async fn load(s: &Services, version: i64, rules: Vec<Rule>) -> Result<Self> {
        let mut texts = HashMap::new();
        for slug in rules.iter().filter_map(|rule| rule.then.template.as_ref()) {
            if !texts.contains_key(slug)
                && let Some(row) = templates::find(&s.db, slug, None).await?
            {
                texts.insert(slug.clone(), row);
            }
        }
        Ok(Self { version, rules, templates: texts })
    }
}

pub(in crate::service) async fn in_force(s: &Services) -> Result<Arc<InForce>> {
    let known = &s.rules.0;
    if let Some(rules) = known.get(&(), s.clock.steady()) {
        return Ok(rules);
    }
    let generation = known.generation();
    let (version, rules) = match routing::find(&s.db, None).await? {
        Some(row) => (row.number, row.rules.0),
        None => (0, Vec::new()),
    };
    let in_force = Arc::new(InForce::load(s, version, rules).await?);
    known.keep(generation, (), Arc::clone(&in_force), s.clock.steady());
    Ok(in_force)
}
