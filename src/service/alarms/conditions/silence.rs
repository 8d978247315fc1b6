//! Sources that used to send and have stopped.

use crate::Result;
use crate::clock::Timestamp;
use crate::domain::alarm::{Condition, Matter, Severity};
use crate::service::{Services, reports};

pub(super) async fn find(s: &Services, now: Timestamp) -> Result<Vec<Condition>> {
    let silent = reports::silent(s, now).await?.into_iter();
    let condition = |source: reports::SilentSource| {
        let matter = Matter::Silent { id: source.id, name: source.name, last: source.last_message_at };
        Condition::new(matter, Severity::Look, true)
    };
    Ok(silent.map(condition).collect())
}
