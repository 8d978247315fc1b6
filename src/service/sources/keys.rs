//! Making and ending API keys.

use std::time::Duration;

use serde::Serialize;
use serde_json::json;

use super::super::caller::KeyCaller;
use super::super::{Caller, Services};
use super::authenticate::{LIVE, TEST, fingerprint};
use crate::clock::Timestamp;
use crate::domain::grant::Reach;
use crate::domain::id::{KeyId, SourceId};
use crate::domain::operator::Permission;
use crate::store::keys::KeyRow;
use crate::store::{self, Tx, audit};
use crate::{Error, Result};

/// How long a replaced key goes on working unless something else is asked for.
pub const DEFAULT_OVERLAP: Duration = Duration::from_hours(24);
const LONGEST_OVERLAP: Duration = Duration::from_hours(30 * 24);
/// Keys of one source that open something. Bounds what a key that rotates itself can make.
const MOST_KEYS: i64 = 20;
const KEY_BYTES: usize = 24;
const HINT_CHARACTERS: usize = 4;

pub(super) fn masked(test: bool, hint: &str) -> String {
    format!("{}…{hint}", if test { TEST } else { LIVE })
}

/// An API key as administrators see it.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Key {
    pub id: KeyId,
    pub source_id: SourceId,
    pub test: bool,
    /// The key's last characters, to tell keys apart.
    pub hint: String,
    pub created_at: Timestamp,
    pub expires_at: Option<Timestamp>,
    pub revoked_at: Option<Timestamp>,
    /// To the minute.
    pub last_used_at: Option<Timestamp>,
}

impl Key {
    /// As much of it as may be shown: `bt_live_…4c9c`.
    pub fn masked(&self) -> String {
        masked(self.test, &self.hint)
    }

    /// Whether it opens anything at that moment, its source being enabled.
    pub fn is_valid(&self, now: Timestamp) -> bool {
        self.revoked_at.is_none() && self.expires_at.is_none_or(|at| at > now)
    }
}

impl From<KeyRow> for Key {
    fn from(row: KeyRow) -> Self {
        let KeyRow { id, source_id, test, hint, created_at, expires_at, revoked_at, last_used_at } = row;
        Self { id, source_id, test, hint, created_at, expires_at, revoked_at, last_used_at }
    }
}

/// A new key. It is shown this once.
#[derive(Clone, Debug, Serialize)]
pub struct KeyCreated {
    pub key_id: KeyId,
    pub key: String,
}

/// A new key, and when the one it replaces ends.
#[derive(Clone, Debug, Serialize)]
pub struct KeyRotated {
    pub key_id: KeyId,
    pub key: String,
    pub old_key_id: KeyId,
    pub old_key_expires_at: Timestamp,
}

/// A key that is being made: random beyond guessing (192 bits), so a fast keyed hash of it is kept.
pub(super) struct Secret {
    pub(super) text: String,
    hash: [u8; 32],
    test: bool,
}

impl Secret {
    pub(super) fn new(s: &Services, test: bool) -> Self {
        let text = format!("{}{}", if test { TEST } else { LIVE }, s.vault.token(KEY_BYTES));
        let hash = fingerprint(s, &text);
        Self { text, hash, test }
    }

    pub(super) async fn insert(&self, tx: &mut Tx, source: SourceId, now: Timestamp) -> Result<KeyId> {
        if store::keys::count_valid(tx, source, now).await? >= MOST_KEYS {
            return Err(Error::conflict(
                "too_many_keys",
                format!("the source has {MOST_KEYS} keys in use; revoke one first"),
            ));
        }
        let hint = &self.text[self.text.len() - HINT_CHARACTERS..];
        store::keys::insert(tx, source, self.test, &self.hash, hint, now).await
    }
}

/// Every key the source ever had, the newest first.
pub async fn keys(s: &Services, caller: &Caller, source: SourceId) -> Result<Vec<Key>> {
    super::get(s, caller, source).await?;
    Ok(store::keys::list(&s.db, source).await?.into_iter().map(Key::from).collect())
}

/// Keys of the caller's sources that were replaced, end within a day and are still used, each with its source.
pub async fn late_keys(s: &Services, caller: &Caller) -> Result<Vec<(SourceId, KeyId)>> {
    let mine = super::mine(s, caller).await?;
    let rows = store::keys::late(&s.db, s.clock.now()).await?.into_iter();
    Ok(rows.filter(|row| mine.contains(&row.source_id)).map(|row| (row.source_id, row.id)).collect())
}

/// One more key for a source.
pub async fn create_key(s: &Services, caller: &Caller, source: SourceId, test: bool) -> Result<KeyCreated> {
    let reach = caller.reach(Permission::SourcesEdit)?;
    let now = s.clock.now();
    let secret = Secret::new(s, test);
    let mut tx = s.db.begin().await?;
    super::may_edit(&mut tx, &reach, source).await?;
    sees_no_further(s, &reach, source).await?;
    let key = secret.insert(&mut tx, source, now).await?;
    let detail = json!({ "source": source, "test": test });
    audit::append(&mut tx, now, &caller.label(), "key.create", &key.to_string(), &detail).await?;
    tx.commit().await?;
    s.keys.made();
    Ok(KeyCreated { key_id: key, key: secret.text })
}

/// Ends a key at once: here with the answer, in other processes within a second. Ending it again changes nothing.
pub async fn revoke_key(s: &Services, caller: &Caller, id: KeyId) -> Result<()> {
    let key = editable(s, caller, id).await?;
    let now = s.clock.now();
    let mut tx = s.db.begin().await?;
    if store::keys::revoke(&mut tx, id, now).await? {
        let detail = json!({ "source": key.source_id, "hint": key.hint });
        audit::append(&mut tx, now, &caller.label(), "key.revoke", &id.to_string(), &detail).await?;
        tx.commit().await?;
        s.keys.forget();
    }
    Ok(())
}

/// A source replaces the key it calls with; the old one works for `overlap` longer.
pub async fn rotate_key(s: &Services, key: &KeyCaller, overlap: Duration) -> Result<KeyRotated> {
    let old = key.key.ok_or(Error::NotFound("key"))?;
    rotate(s, &format!("source {}", key.source_name), old, overlap).await
}

/// An administrator replaces a key; the old one works for `overlap` longer.
pub async fn replace_key(s: &Services, caller: &Caller, id: KeyId, overlap: Duration) -> Result<KeyRotated> {
    let reach = caller.reach(Permission::SourcesEdit)?;
    if reach != Reach::Everywhere {
        sees_no_further(s, &reach, editable(s, caller, id).await?.source_id).await?;
    }
    rotate(s, &caller.label(), id, overlap).await
}

/// Refuses whoever is limited to departments a new key that reaches beyond them.
async fn sees_no_further(s: &Services, reach: &Reach, source: SourceId) -> Result<()> {
    if *reach == Reach::Everywhere {
        return Ok(());
    }
    let rights = super::find(s, source).await?.rights;
    match rights.iter().find(|right| right.goes_beyond()) {
        Some(right) => Err(Error::forbidden(
            right.name(),
            "a key of this source reaches beyond your departments; ask somebody who may change every source",
        )),
        None => Ok(()),
    }
}

/// The key, if the caller may change its source.
async fn editable(s: &Services, caller: &Caller, id: KeyId) -> Result<KeyRow> {
    let reach = caller.reach(Permission::SourcesEdit)?;
    let key = store::keys::find(&s.db, id).await?.ok_or(Error::NotFound("key"))?;
    let source = super::find(s, key.source_id).await?;
    if reach.covers(&source.department) { Ok(key) } else { Err(Error::NotFound("key")) }
}

async fn rotate(s: &Services, actor: &str, old: KeyId, overlap: Duration) -> Result<KeyRotated> {
    if overlap > LONGEST_OVERLAP {
        return Err(Error::fault("/overlap", "out_of_range", "the old key may live 30 days longer at most"));
    }
    let now = s.clock.now();
    let mut tx = s.db.begin().await?;
    let Some(key) = store::keys::expire(&mut tx, old, now.plus(overlap), now).await? else {
        return Err(Error::conflict("key_ended", "this key was revoked or has expired"));
    };
    let secret = Secret::new(s, key.test);
    let new = secret.insert(&mut tx, key.source_id, now).await?;
    let expires_at = key.expires_at.unwrap_or(now);
    let detail =
        json!({ "source": key.source_id, "new_key": new, "old_key_expires_at": expires_at.to_string() });
    audit::append(&mut tx, now, actor, "key.rotate", &old.to_string(), &detail).await?;
    tx.commit().await?;
    s.keys.forget();
    Ok(KeyRotated { key_id: new, key: secret.text, old_key_id: old, old_key_expires_at: expires_at })
}
