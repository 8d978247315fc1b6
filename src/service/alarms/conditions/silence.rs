//! Sources from which nothing comes.

use crate::Result;
use crate::domain::alarm::{Condition, Matter, Severity};
use crate::service::{Services, sources};

pub(super) async fn find(s: &Services) -> Result<Vec<Condition>> {
    let silent = sources::silent(s).await?.into_iter();
    let condition = |source: sources::Silent| {
        let matter = Matter::Silent { id: source.id, name: source.name, last: source.last_message_at };
        Condition::new(matter, Severity::Look, true)
    };
    Ok(silent.map(condition).collect())
}
