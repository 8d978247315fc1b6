//! Routine sending stands still while a red alert goes out, and goes on by itself.

use std::sync::atomic::Ordering;
use std::time::Duration;

use super::progress::Lately;
use super::{Services, rules};
use crate::Result;
use crate::domain::emergency::{Level, Run};
use crate::store::broadcasts as store;

/// What has not gone out by then, because a channel is dead or a mailbox keeps it waiting, keeps nobody else waiting.
const LONGEST: Duration = Duration::from_mins(2);

/// What other processes press is seen this soon.
const LOOK: Duration = Duration::from_millis(200);

/// A red alert is being kept, and goes out as soon as it is: until this is dropped, nothing else is handed over here. What is in
/// flight has landed by then, and leaves the store and the processors to it.
#[derive(Debug)]
pub(super) struct GoingOut<'a>(&'a Lately);

impl Drop for GoingOut<'_> {
    fn drop(&mut self) {
        self.0.going_out.fetch_sub(1, Ordering::Relaxed);
    }
}

/// To be held until it is kept and what was known before is forgotten. `None`: nothing has to stand still for this one.
pub(super) fn going_out(s: &Services, run: Run, level: Level) -> Option<GoingOut<'_>> {
    if run == Run::Drill || level != Level::Red {
        return None;
    }
    s.broadcasts.going_out.fetch_add(1, Ordering::Relaxed);
    Some(GoingOut(&s.broadcasts))
}

/// Nothing but emergencies is to be handed over now. Asked of the store some times a second at most.
pub(in crate::service) async fn stands_still(s: &Services) -> Result<bool> {
    if s.broadcasts.going_out.load(Ordering::Relaxed) > 0 {
        return Ok(rules::in_force(s).await?.pause_routine);
    }
    let mut latest = s.broadcasts.still.lock().await;
    let now = s.clock.steady();
    if let Some((at, still)) = latest.as_ref()
        && now.saturating_sub(*at) < LOOK
    {
        return Ok(*still);
    }
    let goes_out = store::red_goes_out(&s.db, s.clock.now().minus(LONGEST)).await?;
    let still = goes_out && rules::in_force(s).await?.pause_routine;
    *latest = Some((now, still));
    Ok(still)
}
