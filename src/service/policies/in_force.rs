//! The policy that messages heed now.

use std::sync::Arc;

use super::super::Services;
use super::super::lately::Lately;
use crate::Result;
use crate::domain::policy::Policy;
use crate::store::policies;

/// What the store said of the policy lately.
#[derive(Debug)]
pub(in crate::service) struct KnownPolicy(Lately<(), Arc<Policy>>);

impl Default for KnownPolicy {
    fn default() -> Self {
        Self(Lately::new(1))
    }
}

impl KnownPolicy {
    /// The policy was changed here.
    pub fn forget(&self) {
        self.0.forget();
    }
}

pub(in crate::service) async fn in_force(s: &Services) -> Result<Arc<Policy>> {
    let known = &s.policy.0;
    if let Some(policy) = known.get(&(), s.clock.steady()) {
        return Ok(policy);
    }
    let generation = known.generation();
    let policy = policies::find(&s.db).await?.map(|row| row.policy.0).unwrap_or_default();
    let policy = Arc::new(policy);
    known.keep(generation, (), Arc::clone(&policy), s.clock.steady());
    Ok(policy)
}
