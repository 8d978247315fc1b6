//! Routine sending stands still while a red alert goes out, and goes on by itself.

use std::sync::atomic::Ordering;
use std::time::Duration;

use super::progress::Lately;
use super::{Services, rules};
use crate::Result;
use crate::clock::Timestamp;
use crate::domain::emergency::{Level, Run};
use crate::store::broadcasts as store;

/// What has not gone out by then, because a channel is dead or a mailbox keeps it waiting, keeps nobody else waiting.
const LONGEST: Duration = Duration::from_mins(2);

/// What other processes press is seen this soon.
const LOOK: Duration = Duration::from_millis(200);

/// What was found of it last.
#[derive(Clone, Copy, Debug)]
pub(super) struct Known {
    /// By the steady clock.
    at: Duration,
    /// The rules say that routine is to stand still.
    heeds: bool,
    goes_out: bool,
}

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

/// What is known of it.
#[derive(Clone, Copy, Debug)]
pub(in crate::service) struct Stillness {
    /// Nothing but emergencies is to be handed over now.
    pub stands: bool,
    /// Nor where a red alert has been going out since then of which this does not know yet. `None`: the rules let routine go on.
    pub since: Option<Timestamp>,
}

/// Asked of the store some times a second at most.
pub(in crate::service) async fn stillness(s: &Services) -> Result<Stillness> {
    let (now, since) = (s.clock.steady(), s.clock.now().minus(LONGEST));
    let mut latest = s.broadcasts.still.lock().await;
    let known = latest.filter(|latest| now.saturating_sub(latest.at) < LOOK);
    let known = if let Some(known) = known {
        known
    } else {
        let heeds = rules::in_force(s).await?.pause_routine;
        let goes_out = heeds && store::red_goes_out(&s.db, since).await?;
        *latest.insert(Known { at: now, heeds, goes_out })
    };
    let goes_out = known.goes_out || s.broadcasts.going_out.load(Ordering::Relaxed) > 0;
    Ok(Stillness { stands: known.heeds && goes_out, since: known.heeds.then_some(since) })
}
