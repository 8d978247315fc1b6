//! Presses become broadcasts: at once, or when they can be called off no more.

use std::time::Duration;

use super::super::Services;
use super::super::broadcasts::{Fired, fire_button};
use crate::clock::Timestamp;
use crate::domain::button::Led;
use crate::store::button_presses::{self as presses, PressRow};
use crate::store::buttons;
use crate::{Error, Result};

/// Looked at in one go.
const AT_ONCE: i64 = 50;
/// What did not go out is tried again after this long,
const AGAIN: Duration = Duration::from_secs(2);
/// and for this long: later it would say what is so no more.
const TRIED: Duration = Duration::from_mins(10);

/// As logs name a button.
pub(super) fn label(name: &str) -> String {
    format!("button {name}")
}

/// It should have gone out so long ago that it would say what is so no more.
pub(super) fn is_too_late(row: &PressRow, now: Timestamp) -> bool {
    row.is_to_go_out() && now.since(row.at) >= TRIED
}

/// Sends what a press stands for, once; the press as it is then, which perhaps was called off. One that is too late is given
/// up, whoever comes upon it: the process was away, or the store.
///
/// # Errors
///
/// Where it could not be sent; it is kept, and due still.
pub async fn fire(s: &Services, row: &PressRow, name: &str, request_id: &str) -> Result<PressRow> {
    if is_too_late(row, s.clock.now()) {
        return give_up(s, row, name).await;
    }
    let Some(prepared) = &row.prepared else { return Ok(row.clone()) };
    let waited = row.due_at.is_some_and(|due| due > row.at);
    let by = label(name);
    let fired = Fired {
        press: row.id,
        led: if waited { Led::Accepted } else { Led::Live },
        by: &by,
        from: &row.done_from,
        prepared: &prepared.0,
        request_id,
    };
    match Box::pin(fire_button(s, &fired)).await {
        // Somebody was faster: the same press once more, or one who called it off.
        Ok(()) | Err(Error::Conflict { code: "try_again", .. }) => {}
        Err(other) => return Err(other),
    }
    match presses::find(&s.db, row.id).await? {
        Some(sent) if !sent.is_to_go_out() => Ok(sent),
        _ => Err(Error::conflict("try_again", "the same broadcast ended just now")),
    }
}

/// There is an alarm about it, as about everything that was to go out and did not.
async fn give_up(s: &Services, row: &PressRow, name: &str) -> Result<PressRow> {
    let mut tx = s.db.begin().await?;
    presses::give_up(&mut tx, row.id).await?;
    tx.commit().await?;
    tracing::error!(press = %row.id, button = name, "a press of a button was not sent in time, and is not sent any more");
    presses::find(&s.db, row.id).await?.ok_or_else(super::unknown)
}

/// Sends what is due by now; returns how much went out.
///
/// # Errors
///
/// Where the store is away; it is tried again.
pub async fn fire_due(s: &Services) -> Result<usize> {
    let now = s.clock.now();
    let mut fired = 0;
    for row in presses::due(&s.db, now, AT_ONCE).await? {
        let button = buttons::find(&s.db, row.button_id).await?;
        let name = button.map(|button| button.name).unwrap_or_default();
        match fire(s, &row, &name, "button").await {
            Ok(row) => fired += usize::from(row.broadcast_id.is_some()),
            // One that cannot go out keeps no other from it.
            Err(error) => {
                tracing::error!(%error, press = %row.id, button = name, "a press of a button did not go out");
                let mut tx = s.db.begin().await?;
                presses::put_off(&mut tx, row.id, now.plus(AGAIN)).await?;
                tx.commit().await?;
            }
        }
    }
    Ok(fired)
}
