//! Where a button stands: one person asks that it be armed, another who had no hand in it reads what a press sends and
//! agrees.

use serde_json::json;

use super::super::{Caller, Services};
use super::{expect_version, hand_of, plans, unknown};
use crate::clock::Timestamp;
use crate::domain::button::{Armed, Asked, ButtonState};
use crate::domain::id::{ButtonId, OperatorId};
use crate::domain::operator::Permission;
use crate::store::buttons::{self as store, ButtonRow, Standing};
use crate::store::{Tx, audit};
use crate::{Error, Result};

/// Somebody has a hand in it from now on.
pub(super) fn add(editors: &mut Vec<OperatorId>, operator: OperatorId) {
    if !editors.contains(&operator) {
        editors.push(operator);
    }
}

pub(super) fn not_revoked(row: &ButtonRow) -> Result<()> {
    if row.state == ButtonState::Revoked {
        return Err(Error::conflict("button_state", "the button is revoked, for good"));
    }
    Ok(())
}

/// Writes where it stands. Since when it is watched follows from that.
pub(super) async fn stand(
    tx: &mut Tx,
    row: &ButtonRow,
    state: ButtonState,
    asked: Option<&Asked>,
    armed: Option<&Armed>,
    editors: &[OperatorId],
    now: Timestamp,
) -> Result<()> {
    let watched_from = match (row.state.is_in_use(), state.is_in_use()) {
        (_, false) => None,
        (true, true) => row.watched_from,
        (false, true) => Some(now),
    };
    store::stand(tx, row.id, &Standing { state, asked, armed, editors, watched_from }).await
}

/// A button in hand: its row locked, for somebody who may decide about it.
async fn take(s: &Services, caller: &Caller, id: ButtonId, needs: Permission) -> Result<(Tx, ButtonRow)> {
    caller.require(needs)?;
    let mut tx = s.db.begin().await?;
    let row = store::lock(&mut tx, id).await?.ok_or_else(unknown)?;
    not_revoked(&row)?;
    Ok((tx, row))
}

/// Asks that it be armed: from then on a second person may agree to what a press sends, as it is at this moment.
///
/// # Errors
///
/// [`Error::Forbidden`] without `emergency.prepare`; [`Error::Conflict`] where it is armed or asked for already, was changed
/// meanwhile, or stands for what is gone.
pub async fn ask(s: &Services, caller: &Caller, id: ButtonId, version: i64) -> Result<()> {
    caller.require(Permission::EmergencyPrepare)?;
    let operator = hand_of(caller)?;
    let seen = store::find(&s.db, id).await?.ok_or_else(unknown)?;
    let plans = plans::of(s, &seen.gestures.0).await;
    let (mut tx, row) = take(s, caller, id, Permission::EmergencyPrepare).await?;
    if row.state == ButtonState::Armed || row.asked.is_some() {
        let detail = "the button is armed, or somebody asked for that already";
        return Err(Error::conflict("button_state", detail));
    }
    expect_version(&row, version)?;
    expect_version(&seen, version)?;
    let now = s.clock.now();
    let by = caller.label();
    let asked = Asked { by: by.clone(), operator, at: now, plans: plans? };
    stand(&mut tx, &row, row.state, Some(&asked), None, &row.editors.0, now).await?;
    audit::append(&mut tx, now, &by, "button.ask", &id.to_string(), &json!({ "plans": asked.plans })).await?;
    tx.commit().await
}

/// Takes back that it be armed, or refuses to agree.
///
/// # Errors
///
/// [`Error::Forbidden`] for whoever may neither prepare nor approve; [`Error::Conflict`] where nobody asked.
pub async fn withdraw(s: &Services, caller: &Caller, id: ButtonId) -> Result<()> {
    let needs = either(caller, &[Permission::EmergencyPrepare, Permission::EmergencyApprove]);
    let (mut tx, row) = take(s, caller, id, needs).await?;
    if row.asked.is_none() {
        return Err(Error::conflict("button_state", "nobody asks that the button be armed"));
    }
    let now = s.clock.now();
    stand(&mut tx, &row, row.state, None, None, &row.editors.0, now).await?;
    audit::append(&mut tx, now, &caller.label(), "button.withdraw", &id.to_string(), &json!({})).await?;
    tx.commit().await
}

/// The first of these that the caller has, else the first.
fn either(caller: &Caller, permissions: &[Permission]) -> Permission {
    let held = permissions.iter().find(|permission| caller.require(**permission).is_ok());
    held.or(permissions.first()).copied().unwrap_or(Permission::EmergencyPrepare)
}

/// Arms it, as it was when the second person looked at it.
///
/// # Errors
///
/// [`Error::Forbidden`] without `emergency.approve`, and for whoever asked or changed it; [`Error::Conflict`] where nobody
/// asked, it was changed meanwhile, or a scenario of it was.
pub async fn confirm(s: &Services, caller: &Caller, id: ButtonId, version: i64) -> Result<()> {
    caller.require(Permission::EmergencyApprove)?;
    let operator = hand_of(caller)?;
    // Looked up before the button is held.
    let seen = store::find(&s.db, id).await?.ok_or_else(unknown)?;
    let mut overtaken = false;
    for asked in seen.asked.iter().flat_map(|asked| asked.0.plans.values()) {
        overtaken |= plans::is_overtaken(s, asked).await?;
    }
    let (mut tx, row) = take(s, caller, id, Permission::EmergencyApprove).await?;
    let Some(asked) = row.asked.as_ref().map(|asked| asked.0.clone()) else {
        return Err(Error::conflict("button_state", "nobody asks that the button be armed"));
    };
    if asked.operator == operator || row.editors.0.contains(&operator) {
        let detail = "you asked for it or changed the button; somebody who did neither has to agree";
        return Err(Error::forbidden(Permission::EmergencyApprove.name(), detail));
    }
    expect_version(&row, version)?;
    expect_version(&seen, version)?;
    if overtaken {
        let detail =
            "a scenario of the button says something else since it was asked for; have it asked anew";
        return Err(Error::conflict("button_overtaken", detail));
    }
    let now = s.clock.now();
    let by = caller.label();
    let armed = Armed { asked_by: asked.by, confirmed_by: by.clone(), at: now, plans: asked.plans };
    stand(&mut tx, &row, ButtonState::Armed, None, Some(&armed), &[], now).await?;
    audit::append(&mut tx, now, &by, "button.arm", &id.to_string(), &json!({ "plans": armed.plans })).await?;
    tx.commit().await?;
    tracing::warn!(button = %id, name = row.name, by, "a button was armed");
    Ok(())
}

/// Puts it into a state in which a press sends nothing.
async fn quieten(s: &Services, caller: &Caller, id: ButtonId, state: ButtonState, act: &str) -> Result<()> {
    let may = [Permission::EmergencyPrepare, Permission::EmergencyApprove, Permission::EmergencyStop];
    // Trying one out is preparing; to end what a button may do, whoever may stop a broadcast is enough.
    let may = if state == ButtonState::Test { &may[..1] } else { &may[..] };
    let (mut tx, row) = take(s, caller, id, either(caller, may)).await?;
    if row.state == state && row.asked.is_none() {
        return Ok(());
    }
    let now = s.clock.now();
    stand(&mut tx, &row, state, None, None, &row.editors.0, now).await?;
    let detail = json!({ "before": row.state });
    audit::append(&mut tx, now, &caller.label(), act, &id.to_string(), &detail).await?;
    tx.commit().await?;
    tracing::warn!(button = %id, name = row.name, %state, by = caller.label(), "a button sends nothing any more");
    Ok(())
}

/// Disarms it. Presses that wait to go out go out all the same: they were made while it was armed.
pub async fn disarm(s: &Services, caller: &Caller, id: ButtonId) -> Result<()> {
    quieten(s, caller, id, ButtonState::Disarmed, "button.disarm").await
}

/// Has it tried out: presses are counted as tests, and send nothing.
pub async fn try_out(s: &Services, caller: &Caller, id: ButtonId) -> Result<()> {
    quieten(s, caller, id, ButtonState::Test, "button.test").await
}

/// Takes it out of use for good.
///
/// # Errors
///
/// [`Error::Invalid`] where `name` is not what it is called.
pub async fn revoke(s: &Services, caller: &Caller, id: ButtonId, name: &str) -> Result<()> {
    let (mut tx, row) = take(s, caller, id, Permission::EmergencyPrepare).await?;
    if name.trim() != row.name {
        return Err(Error::fault("/confirm", "not_the_same", "type the button's name as it is written"));
    }
    let now = s.clock.now();
    stand(&mut tx, &row, ButtonState::Revoked, None, None, &row.editors.0, now).await?;
    let detail = json!({ "before": row.state, "name": row.name });
    audit::append(&mut tx, now, &caller.label(), "button.revoke", &id.to_string(), &detail).await?;
    tx.commit().await
}
