//! Sessions of browsers, kept in the store so that they can be ended from anywhere.

use std::collections::HashMap;
use std::time::Duration;

use super::{Services, operators};
use crate::clock::Timestamp;
use crate::domain::id::OperatorId;
use crate::store;
use crate::{Error, Result};

/// The entry of a session's state that holds the signed-in operator's id, as JSON.
pub const OPERATOR: &str = "operator";
/// The entry that holds the id of whoever still owes a code.
pub const OWING: &str = "owing";
/// The entry that says how often every way in of that operator had ended when they proved who they are.
pub const OUSTED: &str = "ousted";
/// Entries by which whoever looks at a list knows a session: a name of its own, where it began and in which browser.
pub const NAME: &str = "name";
pub const ADDRESS: &str = "address";
pub const BROWSER: &str = "browser";

const KEY_BYTES: usize = 32;
/// How exactly a session's last use is kept.
const TOUCHED_EVERY: Duration = Duration::from_mins(1);
/// For a code to be given after the password.
const OWING_LIVES: Duration = Duration::from_mins(10);

/// What a session holds: JSON values by name.
pub type State = HashMap<String, String>;

/// A session somebody is signed in by.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OpenSession {
    hash: Vec<u8>,
    /// Tells it from others, and opens nothing.
    pub name: String,
    pub address: String,
    /// What the browser says of itself.
    pub browser: String,
    pub since: Timestamp,
    pub seen_at: Timestamp,
}

impl OpenSession {
    pub(super) fn hash(&self) -> &[u8] {
        &self.hash
    }
}

fn hash(s: &Services, key: &str) -> [u8; 32] {
    s.vault.fingerprint("session", key.as_bytes())
}

/// Whose it is: whoever is signed in, or is about to be.
fn operator_in(state: &State) -> Result<Option<OperatorId>> {
    let text = state.get(OPERATOR).or_else(|| state.get(OWING));
    text.map(|text| serde_json::from_str(text)).transpose().map_err(Error::internal)
}

fn ousted_in(state: &State) -> Result<i64> {
    let count = state.get(OUSTED).map(|text| serde_json::from_str(text)).transpose();
    Ok(count.map_err(Error::internal)?.unwrap_or_default())
}

/// What the session with that key holds; nothing where it has ended.
pub async fn load(s: &Services, key: &str) -> Result<Option<State>> {
    let row = store::sessions::find(&s.db, &hash(s, key), s.clock.now()).await?;
    Ok(row.map(|row| row.state.0))
}

/// Begins a session and gives its key, which only the browser keeps. It lives unused for as long as the administrators say.
/// It is nobody's where its operator was shut out, or all they come in by ended, since they proved who they are.
pub async fn save(s: &Services, state: &State) -> Result<String> {
    let key = s.vault.token(KEY_BYTES);
    let now = s.clock.now();
    let operator = operator_in(state)?;
    let rules = operators::in_force(s).await?;
    let lives = if state.contains_key(OWING) { OWING_LIVES } else { rules.idle().min(rules.longest()) };
    let mut tx = s.db.begin().await?;
    let nobody = State::new();
    let (operator, state) = match operator {
        Some(id) if !comes_in(&mut tx, id, ousted_in(state)?).await? => (None, &nobody),
        operator => (operator, state),
    };
    store::sessions::insert(&mut tx, &hash(s, &key), operator, state, now, now.plus(lives)).await?;
    tx.commit().await?;
    Ok(key)
}

async fn comes_in(tx: &mut store::Tx, id: OperatorId, ousted: i64) -> Result<bool> {
    let row = store::operators::lock(tx, id).await?;
    Ok(row.is_some_and(|row| row.disabled_at.is_none() && row.ousted == ousted))
}

/// Replaces what a session holds. One that was ended meanwhile stays ended.
pub async fn update(s: &Services, key: &str, state: &State) -> Result<()> {
    let operator = operator_in(state)?;
    let mut tx = s.db.begin().await?;
    store::sessions::update(&mut tx, &hash(s, key), operator, state).await?;
    tx.commit().await
}

/// Notes that a session is in use. Written behind the request's back, once a minute.
pub async fn touch(s: &Services, key: &str) -> Result<()> {
    let hash = hash(s, key);
    let now = s.clock.now();
    let Some(row) = store::sessions::find(&s.db, &hash, now).await? else { return Ok(()) };
    if now.since(row.seen_at) < TOUCHED_EVERY || row.state.0.contains_key(OWING) {
        return Ok(());
    }
    let rules = operators::in_force(s).await?;
    let ends = now.plus(rules.idle()).min(row.created_at.plus(rules.longest()));
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
    if let Some(operator) = operator {
        store::operators::touch(&mut tx, operator, now).await?;
    }
    store::sessions::touch(&mut tx, hash, now, ends).await?;
    tx.commit().await
}

/// Ends a session.
pub async fn delete(s: &Services, key: &str) -> Result<()> {
    let mut tx = s.db.begin().await?;
    store::sessions::delete(&mut tx, &hash(s, key)).await?;
    tx.commit().await
}

/// Whether an operator's session of that name goes on, as this transaction sees it.
pub(super) async fn goes_on(
    s: &Services,
    tx: &mut store::Tx,
    operator: OperatorId,
    name: &str,
) -> Result<bool> {
    let states = store::sessions::states_of(tx, operator, s.clock.now()).await?;
    let called = |state: &State| {
        state.contains_key(OPERATOR)
            && state.get(NAME).and_then(|text| serde_json::from_str::<String>(text).ok()).as_deref()
                == Some(name)
    };
    Ok(states.iter().any(called))
}

/// An operator's sessions, those used last first.
pub(super) async fn list_of(s: &Services, operator: OperatorId) -> Result<Vec<OpenSession>> {
    let rows = store::sessions::list_of(&s.db, operator, s.clock.now()).await?;
    let signed_in = rows.into_iter().filter(|row| row.state.0.contains_key(OPERATOR));
    Ok(signed_in
        .map(|row| {
            let text = |name: &str| {
                let text = row.state.0.get(name).and_then(|text| serde_json::from_str(text).ok());
                text.unwrap_or_default()
            };
            OpenSession {
                name: text(NAME),
                address: text(ADDRESS),
                browser: text(BROWSER),
                since: row.created_at,
                seen_at: row.seen_at,
                hash: row.hash,
            }
        })
        .collect())
}

/// Ends every session of an operator and says how many there were.
pub async fn delete_all_of(s: &Services, operator: OperatorId) -> Result<u64> {
    let mut tx = s.db.begin().await?;
    store::operators::oust(&mut tx, operator).await?;
    let ended = store::sessions::delete_all_of(&mut tx, operator).await?;
    tx.commit().await?;
    Ok(ended)
}
