//! What administrators do with one person by hand.

use serde_json::{Value, json};

use super::{MOST_OPT_OUTS, Recipient, note, require, seen, unknown, within};
use crate::domain::id::RecipientId;
use crate::domain::operator::Permission;
use crate::domain::recipient::{OptOut, RecipientInput};
use crate::service::{Caller, Services};
use crate::store::{opt_outs, recipients as store};
use crate::{Error, Result};

const LONGEST_REASON: usize = 200;

/// One person, addresses masked.
pub async fn find(s: &Services, caller: &Caller, id: RecipientId) -> Result<Recipient> {
    let within = within(caller, Permission::DirectoryView)?;
    Ok(seen(within.as_deref(), store::find_by_id(&s.db, id).await?)?.masked())
}

/// Creates the person `campus_id`, and never in the place of one who is there.
pub async fn create(s: &Services, caller: &Caller, campus_id: &str, body: &Value) -> Result<RecipientId> {
    require(caller, Permission::DirectoryEdit)?;
    let input = RecipientInput::read(campus_id, body)?;
    let now = s.clock.now();
    let mut tx = s.db.begin().await?;
    let there = store::lock(&mut tx, &input.campus_id).await?;
    if there.is_some() || store::upsert(&mut tx, std::slice::from_ref(&input), now).await?.created == 0 {
        return Err(Error::fault("/campus_id", "taken", "somebody in the directory has this campus id"));
    }
    let row = store::lock(&mut tx, &input.campus_id).await?.ok_or_else(unknown)?;
    note(&mut tx, caller, now, "recipient.create", &row.id.to_string(), &json!({})).await?;
    tx.commit().await?;
    Ok(row.id)
}

/// Lets audiences select a person, or no longer.
pub async fn set_active(s: &Services, caller: &Caller, campus_id: &str, active: bool) -> Result<()> {
    require(caller, Permission::DirectoryEdit)?;
    let now = s.clock.now();
    let mut tx = s.db.begin().await?;
    let row = store::lock(&mut tx, campus_id).await?.ok_or_else(unknown)?;
    if store::set_active(&mut tx, row.id, active, now).await? {
        let action = if active { "recipient.activate" } else { "recipient.deactivate" };
        note(&mut tx, caller, now, action, &row.id.to_string(), &json!({})).await?;
    }
    tx.commit().await
}

/// Keeps that a person does not want something, in their name and for that reason.
pub async fn opt_out(
    s: &Services,
    caller: &Caller,
    campus_id: &str,
    one: &OptOut,
    reason: &str,
) -> Result<()> {
    change(s, caller, campus_id, one, reason, true).await
}

/// Forgets that a person did not want something, for that reason.
pub async fn opt_in(
    s: &Services,
    caller: &Caller,
    campus_id: &str,
    one: &OptOut,
    reason: &str,
) -> Result<()> {
    change(s, caller, campus_id, one, reason, false).await
}

async fn change(
    s: &Services,
    caller: &Caller,
    campus_id: &str,
    one: &OptOut,
    reason: &str,
    out: bool,
) -> Result<()> {
    require(caller, Permission::DirectoryEdit)?;
    check(reason)?;
    let now = s.clock.now();
    let mut tx = s.db.begin().await?;
    let row = store::lock(&mut tx, campus_id).await?.ok_or_else(unknown)?;
    let changed = if out {
        if opt_outs::list_within(&mut tx, row.id).await?.len() >= MOST_OPT_OUTS {
            return Err(Error::fault("/topic", "too_many", format!("at most {MOST_OPT_OUTS} opt-outs")));
        }
        opt_outs::add(&mut tx, row.id, one, now).await?
    } else {
        opt_outs::remove(&mut tx, row.id, one).await?
    };
    if changed {
        let action = if out { "recipient.opt_out" } else { "recipient.opt_in" };
        let detail = json!({ "opt_out": one, "reason": reason });
        note(&mut tx, caller, now, action, &row.id.to_string(), &detail).await?;
    }
    tx.commit().await
}

fn check(reason: &str) -> Result<()> {
    if reason.trim().is_empty() {
        return Err(Error::fault("/reason", "required", "say why; it goes into the audit log"));
    }
    if reason.chars().count() > LONGEST_REASON {
        return Err(Error::fault("/reason", "too_long", format!("at most {LONGEST_REASON} characters")));
    }
    if reason.chars().any(char::is_control) {
        return Err(Error::fault("/reason", "control_character", "one line, please"));
    }
    Ok(())
}
