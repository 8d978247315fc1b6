//! The groups that audiences name. Most messages name one of a few.

use std::collections::HashMap;

use super::super::Services;
use super::super::lately::Lately;
use crate::Result;
use crate::store::audience::{self, NamedGroup};

const MOST_KNOWN: usize = 1_024;

/// What the store said of groups lately. That there is none of a name is asked again each time.
#[derive(Debug)]
pub(in crate::service) struct KnownGroups(Lately<String, NamedGroup>);

impl Default for KnownGroups {
    fn default() -> Self {
        Self(Lately::new(MOST_KNOWN))
    }
}

impl KnownGroups {
    /// Some group was changed here.
    pub fn forget(&self) {
        self.0.forget();
    }
}

/// The groups among `slugs` that exist, by their slugs.
pub(super) async fn named(s: &Services, slugs: &[&str]) -> Result<HashMap<String, NamedGroup>> {
    let known = &s.groups.0;
    let mut found = HashMap::new();
    let mut missing = Vec::new();
    let steady = s.clock.steady();
    for slug in slugs {
        match known.get(*slug, steady) {
            Some(group) => drop(found.insert((*slug).to_owned(), group)),
            None => missing.push(*slug),
        }
    }
    if missing.is_empty() {
        return Ok(found);
    }
    let generation = known.generation();
    for group in audience::named(&s.db, &missing).await? {
        known.keep(generation, group.slug.clone(), group.clone(), s.clock.steady());
        found.insert(group.slug.clone(), group);
    }
    Ok(found)
}
