//! What filters can ask for: the attributes people have, and their common values.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use super::super::recipients::within;
use super::super::{Caller, Services};
use crate::Result;
use crate::domain::operator::Permission;
use crate::store::attributes as store;
use crate::store::audience::{self, ResolvedAudience};

/// People looked at where the directory has more.
const LOOKED_AT: i64 = 10_000;
/// Values of each attribute.
const MOST_VALUES: u32 = 30;
/// What an answer may be behind what other processes write.
const KEPT_FOR: Duration = Duration::from_secs(30);

/// What people have.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Attributes {
    /// Known of the most people first.
    pub all: Vec<Attribute>,
    /// Figures are reckoned from a part of a large directory.
    pub about: bool,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Attribute {
    pub name: String,
    /// Active people who have it.
    pub people: u64,
    /// Its commonest values with how many people have each; one that somebody has alone would tell of that person.
    pub values: Vec<(String, u64)>,
}

/// What was found lately, and at which steady time.
#[derive(Debug, Default)]
pub(in crate::service) struct LatestAttributes(Mutex<Option<(Duration, Arc<Attributes>)>>);

impl LatestAttributes {
    /// People were changed here.
    pub fn forget(&self) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = None;
    }

    fn fresh(&self, steady: Duration) -> Option<Arc<Attributes>> {
        let latest = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let (since, attributes) = latest.as_ref()?;
        steady.checked_sub(*since).is_some_and(|age| age < KEPT_FOR).then(|| Arc::clone(attributes))
    }
}

/// The names of all attributes that anybody has whom the caller may see.
pub async fn attribute_names(s: &Services, caller: &Caller) -> Result<Vec<String>> {
    let within = within(caller, Permission::DirectoryView)?;
    store::names(&s.db, within.as_deref()).await
}

/// What the people of the directory have, as it was within half a minute.
pub async fn attributes(s: &Services, caller: &Caller) -> Result<Arc<Attributes>> {
    let within = within(caller, Permission::DirectoryView)?;
    let steady = s.clock.steady();
    if let Some(known) = s.attributes.fresh(steady).filter(|_| within.is_none()) {
        return Ok(known);
    }
    let is_all = within.is_none();
    let everyone = ResolvedAudience { everyone: true, within, ..ResolvedAudience::default() };
    let people = audience::count(&s.db, &everyone).await?;
    let every = (people / LOOKED_AT).max(1);
    let mut all: Vec<Attribute> = Vec::new();
    let scaled = |n: i64| (n * every).unsigned_abs();
    for row in store::common(&s.db, every, MOST_VALUES, everyone.within.as_deref()).await? {
        if all.last().is_none_or(|last| last.name != row.name) {
            all.push(Attribute { name: row.name.clone(), people: scaled(row.known), values: Vec::new() });
        }
        if let (Some(last), true) = (all.last_mut(), row.people > 1) {
            last.values.push((row.value, scaled(row.people)));
        }
    }
    let found = Arc::new(Attributes { all, about: every > 1 });
    if is_all {
        *s.attributes.0.lock().unwrap_or_else(PoisonError::into_inner) = Some((steady, Arc::clone(&found)));
    }
    Ok(found)
}
