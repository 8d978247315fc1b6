//! Routine sending stands still while a red alert goes out, and goes on by itself.

use std::time::Duration;

use super::Services;
use super::progress::FRESH;
use super::rules;
use crate::Result;
use crate::store::broadcasts as store;

/// What has not gone out by then, because a channel is dead or a mailbox keeps it waiting, keeps nobody else waiting.
const LONGEST: Duration = Duration::from_mins(2);

/// Nothing but emergencies is to be handed over now. Asked of the store once a second at most.
pub(in crate::service) async fn stands_still(s: &Services) -> Result<bool> {
    let mut latest = s.broadcasts.still.lock().await;
    let now = s.clock.steady();
    if let Some((at, still)) = latest.as_ref()
        && now.saturating_sub(*at) < FRESH
    {
        return Ok(*still);
    }
    let goes_out = store::red_goes_out(&s.db, s.clock.now().minus(LONGEST)).await?;
    let still = goes_out && rules::in_force(s).await?.pause_routine;
    *latest = Some((now, still));
    Ok(still)
}
