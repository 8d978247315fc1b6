//! Channels by which much of the last hour's deliveries failed.

use std::time::Duration;

use super::super::pulse::{self, Rate};
use crate::Result;
use crate::clock::Timestamp;
use crate::domain::alarm::{Condition, Limits, Matter};
use crate::domain::id::MessageId;
use crate::service::Services;
use crate::store::reports::own_words;

const HOUR: Duration = Duration::from_hours(1);

pub(super) async fn find(s: &Services, limits: &Limits, now: Timestamp) -> Result<Vec<Condition>> {
    // Word of an alarm that does not arrive is no reason for another, nor is a trial.
    let own = own_words(&s.db, MessageId::first_at(now.minus(HOUR))).await?;
    let condition = |rate: Rate| {
        let channel = rate.channel?;
        let own = own.iter().find(|row| row.channel == channel).map_or((0, 0), |row| (row.done, row.failed));
        let failed = (rate.failed - own.1).max(0);
        let ended = (rate.done - own.0).max(0) + failed;
        let (severity, opens) = limits.failures(failed, ended)?;
        Some(Condition::new(Matter::Failures { channel, failed, ended }, severity, opens))
    };
    Ok(pulse::rates(s, HOUR, now).await?.into_iter().filter_map(condition).collect())
}
