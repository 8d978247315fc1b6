//! Who calls, by the key. A request need not ask the store: what it said of a key lately is kept.

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use super::super::Services;
use super::super::caller::KeyCaller;
use super::super::lately::Lately;
use super::super::strangers::Strangers;
use super::calls::CalledBy;
use super::keys::masked;
use super::publishers::Published;
use super::{quota, rate};
use crate::clock::Timestamp;
use crate::domain::id::KeyId;
use crate::domain::network::Network;
use crate::domain::source::Right;
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
const MOST_KNOWN: usize = 4096;
const MOST_REFUSED: usize = 1024;
/// How exactly a key's last use is kept.
const TOUCHED_EVERY: Duration = Duration::from_mins(1);

type Hash = [u8; 32];

pub(super) fn fingerprint(s: &Services, key: &str) -> Hash {
    s.vault.fingerprint("api-key", key.as_bytes())
}

/// A key that opened, and what the store said with it.
#[derive(Clone, Debug)]
struct Known {
    caller: Arc<KeyCaller>,
    by: CalledBy,
    networks: Arc<[Network]>,
    expires_at: Option<Timestamp>,
}

/// Why a key opened nothing, and whose it is, where it is somebody's.
#[derive(Debug)]
pub struct Refused {
    pub by: Option<CalledBy>,
    pub error: Error,
}

impl Refused {
    pub(super) fn stranger(why: &'static str) -> Self {
        Self { by: None, error: Error::Unauthenticated(why) }
    }
}

/// The caller behind an API key (`bt_live_…`, `bt_test_…`), or [`Error::Unauthenticated`] where it opens nothing. For calls that
/// come from nowhere; see [`authenticate_from`].
pub async fn authenticate(s: &Services, bearer: &str) -> Result<Arc<KeyCaller>> {
    let_in(s, bearer, None).await.map(|(caller, _)| caller).map_err(|refused| refused.error)
}

/// As [`authenticate`], for a call from that address, which its source may have to call from. [`Error::RateLimited`] where the
/// key is nobody's and many such came from there.
pub async fn authenticate_from(
    s: &Services,
    bearer: &str,
    address: IpAddr,
) -> Result<(Arc<KeyCaller>, CalledBy), Refused> {
    let_in(s, bearer, Some(address)).await
}

async fn let_in(
    s: &Services,
    bearer: &str,
    address: Option<IpAddr>,
) -> Result<(Arc<KeyCaller>, CalledBy), Refused> {
    let is_key = bearer.starts_with(LIVE) || bearer.starts_with(TEST);
    if !is_key || bearer.len() > LONGEST_KEY {
        return Err(Refused::stranger(UNKNOWN));
    }
    open(s, fingerprint(s, bearer), address).await
}

async fn open(
    s: &Services,
    hash: Hash,
    address: Option<IpAddr>,
) -> Result<(Arc<KeyCaller>, CalledBy), Refused> {
    match s.keys.look_up(&hash, s.clock.now(), s.clock.steady()) {
        Some(Ok(known)) => return known.open_from(address),
        Some(Err((by, why))) => return Err(Refused { by, error: Error::Unauthenticated(why) }),
        None => {}
    }
    if let Some(address) = address {
        let checked = s.keys.strangers.check(&s.clock, (&hash, address), store::keys::hashes(&s.db)).await;
        checked.map_err(|error| Refused { by: None, error })?;
    }
    let generations = (s.keys.known.generation(), s.keys.refused.generation());
    let row = store::keys::find_by_hash(&s.db, &hash).await.map_err(|error| Refused { by: None, error })?;
    let now = s.clock.now();
    let steady = s.clock.steady();
    let by = row.as_ref().map(called_by);
    match judge(row, now) {
        Ok(row) => {
            let (key, used) = (row.id, row.last_used_at);
            let known = Known::new(row);
            s.keys.known.keep(generations.0, hash, known.clone(), steady);
            let opened = known.open_from(address)?;
            if used.is_none_or(|at| now.since(at) >= TOUCHED_EVERY) && s.keys.may_touch(key, steady) {
                touch(s, key, now);
            }
            Ok(opened)
        }
        Err(why) => {
            if let (None, Some(address)) = (&by, address) {
                s.keys.strangers.count(&s.clock, address);
            }
            s.keys.refused.keep(generations.1, hash, (by.clone(), why), steady);
            Err(Refused { by, error: Error::Unauthenticated(why) })
        }
    }
}

/// With what a call was let in that goes on for longer than a request does, so that it can be asked whether it would be still.
#[derive(Clone, Copy)]
pub struct Pass {
    hash: Hash,
    address: IpAddr,
}

impl std::fmt::Debug for Pass {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Pass").field("address", &self.address).finish_non_exhaustive()
    }
}

impl Pass {
    /// Of a call with that key from that address.
    pub fn new(s: &Services, bearer: &str, address: IpAddr) -> Self {
        Self { hash: fingerprint(s, bearer), address }
    }
}

/// Whether a call that was let in would be now, with that right: its key was not revoked and is not over, its source is not
/// disabled and calls from there. Asks the store no more often than calls with that key do.
pub async fn still_opens(s: &Services, pass: &Pass, right: Right) -> Result<bool> {
    match open(s, pass.hash, Some(pass.address)).await {
        Ok((caller, _)) => Ok(caller.rights.contains(&right)),
        Err(Refused { error: Error::Unauthenticated(_) | Error::AddressNotAllowed { .. }, .. }) => Ok(false),
        Err(refused) => Err(refused.error),
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

fn called_by(row: &KeyWithSource) -> CalledBy {
    CalledBy { source: row.source_id, key: masked(row.test, &row.hint) }
}

impl Known {
    fn new(row: KeyWithSource) -> Self {
        Self {
            by: called_by(&row),
            networks: row.networks.0.as_slice().into(),
            expires_at: row.expires_at,
            caller: Arc::new(KeyCaller {
                key: Some(row.id),
                test: row.test,
                source: row.source_id,
                source_name: row.name,
                department: row.department,
                topics: row.topics.0,
                channels: row.channels.0,
                rights: row.rights.0,
                groups: row.audience_groups.0,
                rate_per_second: rate(row.rate_per_second),
                daily_messages: quota(row.daily_messages),
            }),
        }
    }

    /// Its caller, unless the source calls from elsewhere.
    fn open_from(self, address: Option<IpAddr>) -> Result<(Arc<KeyCaller>, CalledBy), Refused> {
        let Self { caller, by, networks, .. } = self;
        match address {
            Some(address) if !networks.is_empty() && !networks.iter().any(|network| network.has(address)) => {
                Err(Refused { by: Some(by), error: Error::AddressNotAllowed { address } })
            }
            _ => Ok((caller, by)),
        }
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

/// Whose key it is, and why it opens nothing.
type Closed = (Option<CalledBy>, &'static str);

/// What the store said of keys lately.
#[derive(Debug)]
pub(in crate::service) struct KnownKeys {
    known: Lately<Hash, Known>,
    /// Wrong keys are bounded apart, so that a flood of them pushes out no good one.
    refused: Lately<Hash, Closed>,
    /// By the user of the broker.
    pub(super) publishers: Lately<String, Published>,
    touched: Mutex<HashMap<KeyId, Duration>>,
    strangers: Strangers,
}

impl Default for KnownKeys {
    fn default() -> Self {
        Self {
            known: Lately::new(MOST_KNOWN),
            refused: Lately::new(MOST_REFUSED),
            publishers: Lately::new(MOST_KNOWN),
            touched: Mutex::default(),
            strangers: Strangers::default(),
        }
    }
}

impl KnownKeys {
    fn look_up(&self, hash: &Hash, now: Timestamp, steady: Duration) -> Option<Result<Known, Closed>> {
        let known = self.known.get(hash, steady);
        if let Some(known) = known.filter(|known| known.expires_at.is_none_or(|at| at > now)) {
            return Some(Ok(known));
        }
        self.refused.get(hash, steady).map(Err)
    }

    /// Whether the key's use was not noted, nor tried to be, within the minute.
    fn may_touch(&self, key: KeyId, steady: Duration) -> bool {
        let mut touched = self.touched.lock().unwrap_or_else(PoisonError::into_inner);
        let last = touched.get(&key);
        let due = last.is_none_or(|at| steady.checked_sub(*at).is_none_or(|age| age >= TOUCHED_EVERY));
        if due {
            touched.insert(key, steady);
        }
        due
    }

    /// A key was made here: it is known at once, wherever it is used first.
    pub(super) fn made(&self) {
        self.strangers.forget();
        self.publishers.forget();
    }

    /// Something about sources or keys was changed here.
    pub(super) fn forget(&self) {
        self.known.forget();
        self.refused.forget();
        self.publishers.forget();
        self.strangers.forget();
    }
}
