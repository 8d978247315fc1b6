//! What waits for somebody: messages for a reviewer, or for whoever can say whom they are for; registrations of sources for
//! an administrator.

use std::time::Duration;

use crate::Result;
use crate::clock::Timestamp;
use crate::domain::alarm::{Condition, Limits, Matter, Severity, Waits};
use crate::domain::id::MessageId;
use crate::domain::message::Status;
use crate::service::sources::registrations;
use crate::service::{Services, reports};
use crate::store::reports::stuck_before;

/// Whoever registers a system is in no such hurry as a message: minutes.
const DAY: u32 = 24 * 60;

pub(super) async fn find(s: &Services, limits: &Limits, now: Timestamp) -> Result<Vec<Condition>> {
    let minutes = limits.waiting_minutes;
    let until = MessageId::first_at(now.minus(Duration::from_mins(u64::from(minutes))));
    let rows = stuck_before(&s.db, MessageId::first_at(now.minus(reports::WORTH_ROUTING)), until).await?;
    let condition = |row: crate::store::reports::StatusCountRow| {
        let waits = if row.status == Status::Held { Waits::Review } else { Waits::Audience };
        Condition::new(Matter::Waiting { waits, n: row.n, minutes }, Severity::Look, true)
    };
    let mut found: Vec<_> = rows.into_iter().map(condition).collect();
    let minutes = minutes.max(DAY);
    let waiting = registrations::waiting_since(s, now.minus(Duration::from_mins(u64::from(minutes)))).await?;
    if waiting > 0 {
        let matter = Matter::Waiting { waits: Waits::Registration, n: waiting.cast_signed(), minutes };
        found.push(Condition::new(matter, Severity::Look, true));
    }
    Ok(found)
}
