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

/// Sends what a press stands for, once; the press as it is then. Nothing where it was called off.
pub(super) async fn fire(
    s: &Services,
    row: &PressRow,
    name: &str,
    request_id: &str,
) -> Result<Option<PressRow>> {
    let Some(prepared) = &row.prepared else { return Ok(None) };
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
    let sent = match Box::pin(fire_button(s, &fired)).await {
        // Somebody was faster: the same press once more, or one who called it off.
        Err(Error::Conflict { code: "try_again", .. }) => presses::find(&s.db, row.id).await?,
        Err(other) => return Err(other),
        Ok(()) => presses::find(&s.db, row.id).await?,
    };
    match sent {
        Some(sent) if sent.broadcast_id.is_some() => Ok(Some(sent)),
        Some(sent) if sent.cancelled_at.is_some() => Ok(None),
        _ => Err(Error::conflict("try_again", "the same broadcast ended just now")),
    }
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
            Ok(_) => fired += 1,
            // One that cannot go out keeps no other from it.
            Err(error) => {
                tracing::error!(%error, press = %row.id, button = name, "a press of a button did not go out");
                put_off(s, &row, now).await?;
            }
        }
    }
    Ok(fired)
}

async fn put_off(s: &Services, row: &PressRow, now: Timestamp) -> Result<()> {
    let again = (now.since(row.at) < TRIED).then(|| now.plus(AGAIN));
    let mut tx = s.db.begin().await?;
    presses::put_off(&mut tx, row.id, again).await?;
    tx.commit().await
}
