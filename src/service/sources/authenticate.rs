//! Who calls, by the key. A request need not ask the store: what it said of a key is kept for half a second, so a
//! revocation in another process takes effect within one.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use super::super::Services;
use super::super::caller::KeyCaller;
use super::{quota, rate};
use crate::clock::Timestamp;
use crate::domain::id::KeyId;
use crate::store;
use crate::store::keys::KeyWithSource;
use crate::{Error, Result};

pub(super) const LIVE: &str = "bt_live_";
pub(super) const TEST: &str = "bt_test_";

const UNKNOWN: &str = "this API key is not known";
const REVOKED: &str = "this API key was revoked";
const EXPIRED: &str = "this API key has expired";
const DISABLED: &str = "this API key's source is disabled; ask an administrator of the platform";

const LONGEST_KEY: usize = 100;
const KEPT_FOR: Duration = Duration::from_millis(500);
/// Wrong keys are bounded apart, so that a flood of them pushes out no good one.
const MOST_KNOWN: usize = 4096;
const MOST_REFUSED: usize = 1024;
/// How exactly a key's last use is kept.
const TOUCHED_EVERY: Duration = Duration::from_mins(1);

type Hash = [u8; 32];

pub(super) fn fingerprint(s: &Services, key: &str) -> Hash {
    s.vault.fingerprint("api-key", key.as_bytes())
}

/// The caller behind an API key (`bt_live_…`, `bt_test_…`), or [`Error::Unauthenticated`] where it opens nothing.
pub async fn authenticate(s: &Services, bearer: &str) -> Result<Arc<KeyCaller>> {
    let is_key = bearer.starts_with(LIVE) || bearer.starts_with(TEST);
    if !is_key || bearer.len() > LONGEST_KEY {
        return Err(Error::Unauthenticated(UNKNOWN));
    }
    let hash = fingerprint(s, bearer);
    let generation = match s.keys.look_up(&hash, s.clock.now(), s.clock.steady()) {
        Seen::Known(caller) => return Ok(caller),
        Seen::Refused(why) => return Err(Error::Unauthenticated(why)),
        Seen::Not { generation } => generation,
    };
    let row = store::keys::find_by_hash(&s.db, &hash).await?;
    let now = s.clock.now();
    let steady = s.clock.steady();
    match judge(row, now) {
        Ok(row) => {
            let used = row.last_used_at;
            let expires_at = row.expires_at;
            let caller = Arc::new(caller(row));
            s.keys.keep(generation, hash, Known { caller: caller.clone(), expires_at }, steady);
            if used.is_none_or(|at| now.since(at) >= TOUCHED_EVERY) && s.keys.may_touch(caller.key, steady) {
                touch(s, caller.key, now);
            }
            Ok(caller)
        }
        Err(why) => {
            s.keys.refuse(generation, hash, why, steady);
            Err(Error::Unauthenticated(why))
        }
    }
}

fn judge(row: Option<KeyWithSource>, now: Timestamp) -> Result<KeyWithSource, &'static str> {
    let row = row.ok_or(UNKNOWN)?;
    if row.revoked_at.is_some() {
        return Err(REVOKED);
    }
    if row.expires_at.is_some_and(|at| at <= now) {
        return Err(EXPIRED);
    }
    if row.disabled_at.is_some() {
        return Err(DISABLED);
    }
    Ok(row)
}

fn caller(row: KeyWithSource) -> KeyCaller {
    KeyCaller {
        key: row.id,
        test: row.test,
        source: row.source_id,
        source_name: row.name,
        department: row.department,
        topics: row.topics.0,
        channels: row.channels.0,
        rights: row.rights.0,
        rate_per_second: rate(row.rate_per_second),
        daily_messages: quota(row.daily_messages),
    }
}

/// Notes the key's use behind the request's back. Missing it once is no loss.
fn touch(s: &Services, key: KeyId, now: Timestamp) {
    let db = s.db.clone();
    s.background.spawn(async move {
        let touched = async {
            let mut tx = db.begin().await?;
            store::keys::touch(&mut tx, key, now).await?;
            tx.commit().await
        };
        if let Err(error) = touched.await {
            tracing::debug!(%error, %key, "the key's last use was not noted");
        }
    });
}

/// What the store said of keys lately.
#[derive(Debug, Default)]
pub(in crate::service) struct KnownKeys(Mutex<Memory>);

#[derive(Debug, Default)]
struct Memory {
    /// Counts changes made by this process: an answer of the store from before one is not kept after it.
    generation: u64,
    known: HashMap<Hash, Kept<Known>>,
    refused: HashMap<Hash, Kept<&'static str>>,
    touched: HashMap<KeyId, Duration>,
}

#[derive(Debug)]
struct Kept<T> {
    value: T,
    since: Duration,
}

#[derive(Clone, Debug)]
struct Known {
    caller: Arc<KeyCaller>,
    expires_at: Option<Timestamp>,
}

enum Seen {
    Known(Arc<KeyCaller>),
    Refused(&'static str),
    Not { generation: u64 },
}

impl<T> Kept<T> {
    fn is_fresh(&self, steady: Duration) -> bool {
        steady.checked_sub(self.since).is_some_and(|age| age < KEPT_FOR)
    }
}

impl KnownKeys {
    fn memory(&self) -> MutexGuard<'_, Memory> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn look_up(&self, hash: &Hash, now: Timestamp, steady: Duration) -> Seen {
        let memory = self.memory();
        if let Some(kept) = memory.known.get(hash).filter(|kept| kept.is_fresh(steady))
            && kept.value.expires_at.is_none_or(|at| at > now)
        {
            return Seen::Known(kept.value.caller.clone());
        }
        match memory.refused.get(hash).filter(|kept| kept.is_fresh(steady)) {
            Some(kept) => Seen::Refused(kept.value),
            None => Seen::Not { generation: memory.generation },
        }
    }

    fn keep(&self, generation: u64, hash: Hash, known: Known, steady: Duration) {
        let mut memory = self.memory();
        if memory.generation == generation {
            insert(&mut memory.known, MOST_KNOWN, hash, known, steady);
        }
    }

    fn refuse(&self, generation: u64, hash: Hash, why: &'static str, steady: Duration) {
        let mut memory = self.memory();
        if memory.generation == generation {
            insert(&mut memory.refused, MOST_REFUSED, hash, why, steady);
        }
    }

    /// Whether the key's use was not noted, nor tried to be, within the minute.
    fn may_touch(&self, key: KeyId, steady: Duration) -> bool {
        let mut memory = self.memory();
        let last = memory.touched.get(&key);
        let due = last.is_none_or(|at| steady.checked_sub(*at).is_none_or(|age| age >= TOUCHED_EVERY));
        if due {
            memory.touched.insert(key, steady);
        }
        due
    }

    /// Something about sources or keys was changed here: ask the store again.
    pub(super) fn forget(&self) {
        let mut memory = self.memory();
        memory.generation += 1;
        memory.known.clear();
        memory.refused.clear();
    }
}

/// Keeps a value; where there is no room, what is stale goes first, then everything.
fn insert<T>(map: &mut HashMap<Hash, Kept<T>>, most: usize, hash: Hash, value: T, steady: Duration) {
    if map.len() >= most {
        map.retain(|_, kept| kept.is_fresh(steady));
    }
    if map.len() >= most {
        map.clear();
    }
    map.insert(hash, Kept { value, since: steady });
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn memory_is_bounded_and_short() {
        let keys = KnownKeys::default();
        let at = Duration::from_secs(1000);
        for n in 0..5000_u32 {
            let mut hash = [0; 32];
            hash[..4].copy_from_slice(&n.to_be_bytes());
            keys.refuse(0, hash, UNKNOWN, at);
            assert!(keys.memory().refused.len() <= MOST_REFUSED);
        }
        keys.refuse(0, [1; 32], REVOKED, at);
        let seen = |later: u64| keys.look_up(&[1; 32], Timestamp(0), at + Duration::from_millis(later));
        assert!(matches!(seen(499), Seen::Refused(REVOKED)));
        assert!(matches!(seen(500), Seen::Not { .. }));
    }

    #[test]
    fn an_answer_from_before_a_change_is_not_kept() {
        let keys = KnownKeys::default();
        let at = Duration::from_secs(1000);
        let Seen::Not { generation } = keys.look_up(&[1; 32], Timestamp(0), at) else { panic!("seen") };
        keys.forget();
        keys.refuse(generation, [1; 32], UNKNOWN, at);
        assert!(matches!(keys.look_up(&[1; 32], Timestamp(0), at), Seen::Not { .. }));
    }
}
