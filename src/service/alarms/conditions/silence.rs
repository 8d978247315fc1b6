//! Sources from which nothing comes, and those whose endpoints take nothing, or too little.

use crate::Result;
use crate::domain::alarm::{Condition, Matter, Severity};
use crate::service::{Services, sources, subscriptions};

pub(super) async fn find(s: &Services) -> Result<Vec<Condition>> {
    let silent = sources::silent(s).await?.into_iter();
    let condition = |source: sources::Silent| {
        let matter = Matter::Silent { id: source.id, name: source.name, last: source.last_message_at };
        Condition::new(matter, Severity::Look, true)
    };
    let lost = subscriptions::lost(s).await?.into_iter().map(|one| {
        let subscriptions::Lost { source: id, source_name: name, subscription, host, since } = one;
        Condition::new(Matter::Endpoint { id, name, subscription, host, since }, Severity::Look, true)
    });
    let behind = subscriptions::behind(s).await?.into_iter().map(|one| {
        let subscriptions::Lost { source: id, source_name: name, subscription, host, since } = one;
        Condition::new(Matter::EndpointBehind { id, name, subscription, host, since }, Severity::Look, true)
    });
    Ok(silent.map(condition).chain(lost).chain(behind).collect())
}
