//! Alarm buttons that are not heard of, run down, are not tried out or have a wrong clock, and presses that went nowhere or were
//! refused.

use crate::Result;
use crate::clock::Timestamp;
use crate::domain::alarm::Condition;
use crate::service::{Services, buttons};

pub(super) async fn find(s: &Services, now: Timestamp) -> Result<Vec<Condition>> {
    buttons::conditions(s, now).await
}
