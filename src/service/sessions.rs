//! Sessions of browsers, kept in the store so that they can be ended from anywhere.

use std::collections::HashMap;
use std::time::Duration;

use super::Services;
use crate::clock::Timestamp;
use crate::domain::id::OperatorId;
use crate::store;
use crate::{Error, Result};

/// A session nobody uses for so long ends.
pub const IDLE: Duration = Duration::from_mins(30);
/// A session ends so long after it began, however much it is used.
pub const ABSOLUTE: Duration = Duration::from_hours(12);
/// The entry of a session's state that holds the signed-in operator's id, as JSON.
pub const OPERATOR: &str = "operator";

const KEY_BYTES: usize = 32;
/// How exactly a session's last use is kept.
const TOUCHED_EVERY: Duration = Duration::from_mins(1);

/// What a session holds: JSON values by name.
pub type State = HashMap<String, String>;

fn hash(s: &Services, key: &str) -> [u8; 32] {
    s.vault.fingerprint("session", key.as_bytes())
}

fn operator_in(state: &State) -> Result<Option<OperatorId>> {
    state.get(OPERATOR).map(|text| serde_json::from_str(text)).transpose().map_err(Error::internal)
}

/// What the session with that key holds; nothing where it has ended.
pub async fn load(s: &Services, key: &str) -> Result<Option<State>> {
    let row = store::sessions::find(&s.db, &hash(s, key), s.clock.now()).await?;
    Ok(row.map(|row| row.state.0))
}

/// Begins a session and gives its key, which only the browser keeps. `ttl`: how long it lives unused, [`IDLE`] as a
/// rule; [`ABSOLUTE`] bounds it in any case.
pub async fn save(s: &Services, state: &State, ttl: Duration) -> Result<String> {
    let key = s.vault.token(KEY_BYTES);
    let now = s.clock.now();
    let operator = operator_in(state)?;
    let mut tx = s.db.begin().await?;
    store::sessions::insert(&mut tx, &hash(s, &key), operator, state, now, now.plus(ttl.min(ABSOLUTE)))
        .await?;
    tx.commit().await?;
    Ok(key)
}

/// Replaces what a session holds. One that was ended meanwhile stays ended.
pub async fn update(s: &Services, key: &str, state: &State) -> Result<()> {
    let operator = operator_in(state)?;
    let mut tx = s.db.begin().await?;
    store::sessions::update(&mut tx, &hash(s, key), operator, state).await?;
    tx.commit().await
}

/// Notes that a session is in use: it lives for `ttl` from now. Written behind the request's back, once a minute.
pub async fn touch(s: &Services, key: &str, ttl: Duration) -> Result<()> {
    let hash = hash(s, key);
    let now = s.clock.now();
    let Some(row) = store::sessions::find(&s.db, &hash, now).await? else { return Ok(()) };
    if now.since(row.seen_at) < TOUCHED_EVERY {
        return Ok(());
    }
    let ends = now.plus(ttl).min(row.created_at.plus(ABSOLUTE));
    let db = s.db.clone();
    s.background.spawn(async move {
        if let Err(error) = note_use(&db, &hash, row.operator_id, now, ends).await {
            tracing::debug!(%error, "the session's use was not noted");
        }
    });
    Ok(())
}

async fn note_use(
    db: &store::Db,
    hash: &[u8],
    operator: Option<OperatorId>,
    now: Timestamp,
    ends: Timestamp,
) -> Result<()> {
    let mut tx = db.begin().await?;
    store::sessions::touch(&mut tx, hash, now, ends).await?;
    if let Some(operator) = operator {
        store::operators::touch(&mut tx, operator, now).await?;
    }
    tx.commit().await
}

/// Ends a session.
pub async fn delete(s: &Services, key: &str) -> Result<()> {
    let mut tx = s.db.begin().await?;
    store::sessions::delete(&mut tx, &hash(s, key)).await?;
    tx.commit().await
}

/// Ends every session of an operator and says how many there were.
pub async fn delete_all_of(s: &Services, operator: OperatorId) -> Result<u64> {
    let mut tx = s.db.begin().await?;
    let ended = store::sessions::delete_all_of(&mut tx, operator).await?;
    tx.commit().await?;
    Ok(ended)
}
