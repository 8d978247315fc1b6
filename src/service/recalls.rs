//! Calling back what providers took of a message, where they can.

use std::collections::hash_map::Entry;
use std::collections::{BTreeMap, HashMap};
use std::future::ready;
use std::sync::Arc;
use std::time::Duration;

use futures_util::StreamExt as _;
use futures_util::stream;
use serde_json::json;

use super::{Caller, Services, deliveries, providers};
use crate::Result;
use crate::channel::Channel;
use crate::domain::channel::ChannelKind;
use crate::domain::id::{MessageId, ProviderId};
use crate::store::recalls::Taken;
use crate::store::{events, recalls as store};

/// Somebody waits for the result. No call begins after this long; those under way end by their own time-outs.
const PATIENCE: Duration = Duration::from_secs(10);
const AT_ONCE: usize = 4;
/// Calls for one provider. Where everybody's text is their own there may be as many as people; they are asked for again
/// by stopping the message once more.
const MOST_CALLS: i64 = 1_000;

/// What can still be called back of a message: its provider can do it, and took it recently enough.
pub(super) async fn find(s: &Services, message: MessageId) -> Result<Vec<Taken>> {
    let now = s.clock.now();
    let mut found = Vec::new();
    for (provider, channel, limit) in providers::recalling(s).await? {
        let since = now.minus(limit);
        found.extend(store::list(&s.db, message, channel, provider, since, MOST_CALLS).await?);
    }
    Ok(found)
}

/// Calls back what can be called back, and says how many deliveries that was, by channel.
pub(super) async fn call_back(
    s: &Services,
    caller: &Caller,
    message: MessageId,
) -> Result<BTreeMap<ChannelKind, i64>> {
    let recallable = find(s, message).await?;
    if recallable.is_empty() {
        return Ok(BTreeMap::new());
    }
    let recalled = carry_out(s, message, recallable).await?;
    let now = s.clock.now();
    let detail = json!({ "by": caller.label(), "recalled": recalled.values().sum::<i64>() });
    let mut tx = s.db.begin().await?;
    events::insert(&mut tx, &[deliveries::event(message, now, "recalled", &detail)]).await?;
    deliveries::audit(&mut tx, caller, now, "message.recall", message).await?;
    tx.commit().await?;
    Ok(recalled)
}

/// Asks for it, what reached the most people first. What a provider refuses, or what there was no time for, stays as
/// it is.
async fn carry_out(
    s: &Services,
    message: MessageId,
    recallable: Vec<Taken>,
) -> Result<BTreeMap<ChannelKind, i64>> {
    let mut adapters: HashMap<ProviderId, Arc<dyn Channel>> = HashMap::new();
    let mut calls = Vec::with_capacity(recallable.len());
    for taken in recallable {
        let adapter = match adapters.entry(taken.provider_id) {
            Entry::Occupied(known) => known.get().clone(),
            Entry::Vacant(place) => match providers::find_adapter(s, taken.provider_id).await? {
                Some(adapter) => place.insert(adapter).clone(),
                None => continue,
            },
        };
        calls.push((taken, adapter));
    }
    let until = s.clock.steady() + PATIENCE;
    let mut answers = stream::iter(calls)
        .take_while(|_| ready(s.clock.steady() < until))
        .map(async |(taken, adapter)| (adapter.recall(&taken.reference).await, taken))
        .buffer_unordered(AT_ONCE);
    let mut recalled = BTreeMap::new();
    while let Some((answer, taken)) = answers.next().await {
        if let Err(reason) = answer {
            tracing::warn!(%message, provider = %taken.provider_id, reason, "a message was not called back");
            continue;
        }
        let now = s.clock.now();
        let mut tx = s.db.begin().await?;
        let n = store::settle(&mut tx, message, &taken, now, &s.campus.day(now)).await?;
        tx.commit().await?;
        *recalled.entry(taken.channel).or_default() += n;
    }
    Ok(recalled)
}
