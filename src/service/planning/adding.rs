//! Deliveries are added: those of small messages together, those of a large one chunk by chunk.

use std::collections::HashSet;

use super::kept::lease;
use super::plan::Plan;
use super::watch::Watch;
use super::{CHUNK, FIRST, LEAD, failed};
use crate::domain::channel::Outlet;
use crate::domain::delivery::State;
use crate::queue::{Entry, Work};
use crate::service::deliveries::{self, publish};
use crate::service::{Services, subscriptions};
use crate::store::events;
use crate::store::fan_out::{self, Added};
use crate::store::planning::{self as store, Planned};
use crate::{Error, Result};

/// Plans small messages together; where that fails, each by itself, so that one at fault stops no other.
pub(super) async fn plan_small(s: &Services, plans: &mut [Plan]) -> Result<()> {
    match add_whole(s, plans).await {
        Err(error @ Error::Unavailable { .. }) => {
            for plan in plans {
                plan.part.failed(error.code());
            }
            Err(error)
        }
        Err(error) => {
            tracing::warn!(%error, messages = plans.len(), "not planned together; trying each by itself");
            for plan in plans {
                if let Err(error) = add_whole(s, std::slice::from_ref(plan)).await {
                    plan.part.failed(error.code());
                    failed(s, plan.message.id, error).await?;
                }
            }
            Ok(())
        }
        Ok(()) => Ok(()),
    }
}

async fn add_whole(s: &Services, plans: &[Plan]) -> Result<()> {
    let now = s.clock.now();
    let whole: Vec<_> = plans.iter().map(|plan| plan.whole(now)).collect();
    let interests = subscriptions::in_force(s).await?;
    let mut tx = s.db.begin().await?;
    let (held, added) = fan_out::add_whole(&mut tx, now, &whole).await?;
    let (some, none): (Vec<_>, Vec<_>) = plans
        .iter()
        .filter(|plan| held.contains(&plan.message.id))
        .partition(|plan| added.iter().any(|a| a.message == plan.message.id));
    let told: Vec<_> = some.iter().flat_map(|plan| plan.planned(&added, now)).collect();
    events::insert(&mut tx, &told).await?;
    for plan in none {
        plan.tell(&mut tx, &interests, &added, now).await?;
    }
    tx.commit().await?;
    wake(s, &plans.iter().map(|plan| &plan.message).collect::<Vec<_>>(), &added);
    Ok(())
}

/// Plans a message chunk by chunk.
pub(super) async fn plan_large(s: &Services, plan: &mut Plan, watch: &mut Watch) -> Result<()> {
    let now = s.clock.now();
    let lease = lease(plan.message.rank).as_millis() as i64;
    let id = plan.message.id;
    let mut planned: Vec<Added> = Vec::new();
    for chunk in plan.listed.chunks(CHUNK as usize) {
        let (message, screen) = (&plan.message, &plan.screen);
        let mut tx = s.db.begin().await?;
        let Some(added) = fan_out::add_listed(&mut tx, message, chunk, screen, now, lease).await? else {
            return Ok(());
        };
        tx.commit().await?;
        wake(s, &[message], &added);
        planned.extend(added);
        watch.look(s).await?;
    }
    let mut size = FIRST;
    let mut next = if plan.first.is_some() { plan.next_chunk(s, now, size).await? } else { None };
    while let Some(chunk) = next {
        let Some(fan_out) = plan.fan_out(now) else { break };
        let mut tx = s.db.begin().await?;
        let Some(added) = fan_out::add_chunk(&mut tx, &fan_out, chunk.end, lease).await? else {
            return Ok(());
        };
        tx.commit().await?;
        plan.message.plan_cursor = chunk.end;
        wake(s, &[&plan.message], &added);
        planned.extend(added);
        watch.look(s).await?;
        let is_last = chunk.people < size;
        if size == FIRST && s.db.has_one_process() {
            tokio::time::sleep(LEAD).await;
        }
        size = CHUNK.min(size * 2);
        next = if is_last { None } else { plan.next_chunk(s, now, size).await? };
    }
    let interests = subscriptions::in_force(s).await?;
    let mut tx = s.db.begin().await?;
    if !store::finish(&mut tx, &[id], watch.owner, now).await?.is_empty() {
        plan.tell(&mut tx, &interests, &planned, now).await?;
    }
    tx.commit().await?;
    // After the commit: whoever settles the last delivery meanwhile sees the message `sending`.
    deliveries::complete(s, &[id]).await
}

/// Wakes the workers of what was added.
fn wake(s: &Services, planned: &[&Planned], added: &[Added]) {
    let pending: HashSet<_> =
        added.iter().filter(|a| a.state == State::Pending).map(|a| (a.message, a.outlet)).collect();
    let mut entries: Vec<Entry> = Vec::new();
    for message in planned {
        for outlet in Outlet::ALL.into_iter().filter(|outlet| pending.contains(&(message.id, *outlet))) {
            let entry = Entry { lane: message.rank.lane(), work: Work::Send(outlet) };
            if !entries.contains(&entry) {
                entries.push(entry);
            }
        }
    }
    for entry in entries {
        publish(s, entry);
    }
}
