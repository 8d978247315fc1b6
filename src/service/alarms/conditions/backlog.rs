//! Deliveries that have been due for too long, by lane.

use crate::Result;
use crate::clock::Timestamp;
use crate::domain::alarm::{Condition, Limits, Matter};
use crate::domain::message::Lane;
use crate::service::Services;
use crate::store::reports;

pub(super) async fn find(s: &Services, limits: &Limits, now: Timestamp) -> Result<Vec<Condition>> {
    let due = reports::oldest_by_lane(&s.db, now).await?;
    let oldest = |lane: &Lane| {
        let row = due.iter().filter(|row| row.lane == *lane).min_by_key(|row| row.due_at)?;
        let waiting_ms = now.0 - row.due_at.0;
        let (severity, opens) = limits.backlog(*lane, waiting_ms)?;
        let matter = Matter::Backlog { lane: *lane, channel: row.channel, waiting_ms };
        Some(Condition::new(matter, severity, opens))
    };
    Ok(Lane::ALL.iter().filter_map(oldest).collect())
}
