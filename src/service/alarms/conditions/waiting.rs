//! Messages that wait for somebody: a reviewer, or whoever can say whom they are for.

use std::time::Duration;

use crate::Result;
use crate::clock::Timestamp;
use crate::domain::alarm::{Condition, Limits, Matter, Severity, Waits};
use crate::domain::id::MessageId;
use crate::domain::message::Status;
use crate::service::{Services, reports};
use crate::store::reports::stuck_before;

pub(super) async fn find(s: &Services, limits: &Limits, now: Timestamp) -> Result<Vec<Condition>> {
    let minutes = limits.waiting_minutes;
    let until = MessageId::first_at(now.minus(Duration::from_mins(u64::from(minutes))));
    let rows = stuck_before(&s.db, MessageId::first_at(now.minus(reports::WORTH_ROUTING)), until).await?;
    let condition = |row: crate::store::reports::StatusCountRow| {
        let waits = if row.status == Status::Held { Waits::Review } else { Waits::Audience };
        Condition::new(Matter::Waiting { waits, n: row.n, minutes }, Severity::Look, true)
    };
    Ok(rows.into_iter().map(condition).collect())
}
