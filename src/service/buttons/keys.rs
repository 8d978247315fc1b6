//! The keys of buttons, and what they sign with.

use std::time::Duration;

use serde_json::json;

use super::super::{Caller, Services};
use super::{ButtonRow, arming, get, hand_of, unknown};
use crate::clock::Timestamp;
use crate::domain::button::ButtonState;
use crate::domain::id::{ButtonId, ButtonKeyId, OperatorId};
use crate::domain::operator::Permission;
use crate::store::button_keys::ButtonKeyRow;
use crate::store::{Tx, audit, button_keys, buttons as store};
use crate::{Error, Result};

pub(super) const PREFIX: &str = "bt_button_";
const SECRET_PREFIX: &str = "bts_";
const KEY_BYTES: usize = 24;
const HINT_CHARACTERS: usize = 4;
const LONGEST_OVERLAP: Duration = Duration::from_hours(30 * 24);

/// A key as administrators see it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Key {
    pub id: ButtonKeyId,
    /// As much of it as may be shown: `bt_button_…4c9c`.
    pub masked: String,
    pub created_at: Timestamp,
    pub created_by: String,
    pub expires_at: Option<Timestamp>,
    pub last_used_at: Option<Timestamp>,
    /// The highest number that came with it.
    pub last_seq: Option<i64>,
}

impl Key {
    pub fn is_valid(&self, now: Timestamp) -> bool {
        self.expires_at.is_none_or(|at| at > now)
    }
}

impl From<ButtonKeyRow> for Key {
    fn from(row: ButtonKeyRow) -> Self {
        Self {
            id: row.id,
            masked: format!("{PREFIX}…{}", row.hint),
            created_at: row.created_at,
            created_by: row.created_by,
            expires_at: row.expires_at,
            last_used_at: row.last_used_at,
            last_seq: row.last_seq,
        }
    }
}

/// A key that is being made: random beyond guessing, so a fast keyed hash of it is kept.
pub(super) struct New {
    pub text: String,
    hash: [u8; 32],
}

pub(super) fn fingerprint(s: &Services, key: &str) -> [u8; 32] {
    s.vault.fingerprint("button-key", key.as_bytes())
}

pub(super) fn new_secret(s: &Services) -> String {
    format!("{SECRET_PREFIX}{}", s.vault.token(KEY_BYTES))
}

impl New {
    pub fn make(s: &Services) -> Self {
        let text = format!("{PREFIX}{}", s.vault.token(KEY_BYTES));
        let hash = fingerprint(s, &text);
        Self { text, hash }
    }

    pub async fn insert(
        &self,
        tx: &mut Tx,
        button: ButtonId,
        by: &str,
        now: Timestamp,
    ) -> Result<ButtonKeyId> {
        let hint = &self.text[self.text.len() - HINT_CHARACTERS..];
        button_keys::insert(tx, button, &self.hash, hint, by, now).await
    }
}

/// Every key the button ever had, the newest first.
pub async fn keys(s: &Services, caller: &Caller, id: ButtonId) -> Result<Vec<Key>> {
    get(s, caller, id).await?;
    Ok(button_keys::list(&s.db, id).await?.into_iter().map(Key::from).collect())
}

/// Whoever holds what an armed button shows can press it: that is given to those alone who may press themselves.
async fn take(s: &Services, caller: &Caller, id: ButtonId) -> Result<(Tx, ButtonRow, OperatorId)> {
    caller.require(Permission::EmergencyPrepare)?;
    let operator = hand_of(caller)?;
    let mut tx = s.db.begin().await?;
    let row = store::lock(&mut tx, id).await?.ok_or_else(unknown)?;
    arming::not_revoked(&row)?;
    if row.state == ButtonState::Armed {
        caller.require(Permission::EmergencyFire)?;
    }
    Ok((tx, row, operator))
}

/// Whoever was shown what a device presses with has a hand in the button, and is not the one to agree that it be armed. What
/// was asked for is asked anew, with the keys as they are now; one that is armed stays so.
async fn had_a_hand(tx: &mut Tx, row: &ButtonRow, operator: OperatorId, now: Timestamp) -> Result<()> {
    let mut editors = row.editors.0.clone();
    arming::add(&mut editors, operator);
    let armed = row.armed.as_ref().map(|armed| &armed.0);
    arming::stand(tx, row, row.state, None, armed, &editors, now).await
}

/// A new key; those there were work for `overlap` longer. Its device counts anew. It is shown this once.
///
/// # Errors
///
/// [`Error::Forbidden`] without `emergency.prepare`, and for an armed button without `emergency.fire`.
pub async fn rotate_key(s: &Services, caller: &Caller, id: ButtonId, overlap: Duration) -> Result<String> {
    if overlap > LONGEST_OVERLAP {
        return Err(Error::fault("/overlap", "out_of_range", "the old key may live 30 days longer at most"));
    }
    let (mut tx, row, operator) = take(s, caller, id).await?;
    let now = s.clock.now();
    let by = caller.label();
    let key = New::make(s);
    button_keys::expire(&mut tx, id, now.plus(overlap)).await?;
    let new = key.insert(&mut tx, id, &by, now).await?;
    had_a_hand(&mut tx, &row, operator, now).await?;
    let detail = json!({ "new_key": new, "old_keys_expire_at": now.plus(overlap).to_string() });
    audit::append(&mut tx, now, &by, "button.rotate", &id.to_string(), &detail).await?;
    tx.commit().await?;
    s.buttons.strangers.forget();
    Ok(key.text)
}

/// Another secret, from this moment on, of a button that signs. It is shown this once.
///
/// # Errors
///
/// As [`rotate_key`]; [`Error::Conflict`] where it signs nothing.
pub async fn renew_secret(s: &Services, caller: &Caller, id: ButtonId) -> Result<String> {
    let (mut tx, row, operator) = take(s, caller, id).await?;
    if row.secret.is_none() {
        return Err(Error::conflict("button_state", "this button does not sign; change it first"));
    }
    let now = s.clock.now();
    let secret = new_secret(s);
    store::reseal(&mut tx, id, &s.vault.seal(secret.as_bytes())).await?;
    had_a_hand(&mut tx, &row, operator, now).await?;
    audit::append(&mut tx, now, &caller.label(), "button.secret", &id.to_string(), &json!({})).await?;
    tx.commit().await?;
    Ok(secret)
}
