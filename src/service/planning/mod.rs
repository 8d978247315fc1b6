//! Planning: an accepted message becomes one delivery for each person and channel.

mod adding;
mod kept;
mod plan;
mod telling;
mod watch;

use std::time::Duration;

use self::adding::{plan_large, plan_small};
use self::kept::{Taken, lease};
use self::plan::Plan;
pub(super) use self::plan::united;
use self::watch::Watch;
use super::deliveries::event;
use super::policies::{self, Heeded};
use super::routing::{self, WhyUnrouted};
use super::{Services, drafts, providers, sensitive, subscriptions};
use crate::clock::Timestamp;
use crate::domain::id::MessageId;
use crate::domain::message::{Rank, Status};
use crate::store::planning::{self as store, Planned};
use crate::store::{events, messages};
use crate::{Error, Result};

pub use crate::store::planning::ToSend;

/// People planned in one transaction, each on every channel. The embedded store has one writer: it is held for some
/// tens of milliseconds at a time, and emergencies are planned between the chunks of others.
const CHUNK: i64 = 2_000;
/// Of those of a large message the first, so that they are handed over while the others are planned; each time twice as many.
const FIRST: i64 = 200;

/// The workers that the first of them wake come to the only writer there is before the planner does again. A few turns of theirs
/// are as long as a chunk.
const LEAD: Duration = Duration::from_millis(5);

/// Messages taken by one claim; most are for few people, so that their transactions can be shared.
const CLAIM: i64 = 64;

/// What sending these messages' deliveries needs.
pub async fn to_send(s: &Services, messages: &[MessageId]) -> Result<Vec<ToSend>> {
    store::to_send(&s.db, messages).await
}

/// Plans what waits in the most urgent lane that has anything; returns how many messages it took.
///
/// # Errors
///
/// Where the store is away. What was taken stays this `owner`'s until [`give_back`].
pub async fn plan_next(s: &Services, owner: i64) -> Result<usize> {
    let now = s.clock.now();
    let (taken, routed) = claim(s, owner, now).await?;
    if let Some(first) = routed.first() {
        let rank = first.rank;
        let messages: Vec<MessageId> = routed.iter().map(|message| message.id).collect();
        let taken = Taken { owner, rank, messages: &messages };
        taken.kept(s, Box::pin(plan(s, owner, rank, routed, now))).await?;
    }
    Ok(taken)
}

/// Plans messages of one rank that were taken.
async fn plan(s: &Services, owner: i64, rank: Rank, routed: Vec<Planned>, now: Timestamp) -> Result<()> {
    let heeded = Heeded::load(s).await?;
    let room = providers::room(s, rank.lane(), now).await?;
    let mut watch = Watch::new(s, owner, rank);
    let (mut small, mut large): (Vec<Plan>, Vec<Plan>) = (Vec::new(), Vec::new());
    let mut people = 0;
    for message in routed {
        let id = message.id;
        let mut part = s.traces.planning(id);
        let made = match Plan::make(s, message, &heeded, &room, now).await {
            Ok(mut plan) => {
                plan.part = part;
                Ok(plan)
            }
            Err(error) => {
                part.failed(error.code());
                Err(error)
            }
        };
        match made {
            // What repeats a large one goes after it.
            Ok(plan) if large.iter().any(|other| plan.screen.repeats.contains(&other.message.id)) => {
                large.push(plan);
            }
            Ok(plan) if plan.is_small() => {
                // Few people at a time first: they need not wait until a message to everyone is planned. And what repeats
                // another is planned after it.
                let repeats = |other: &Plan| plan.screen.repeats.contains(&other.message.id);
                if people + plan.size() > CHUNK || small.iter().any(repeats) {
                    plan_small(s, &mut std::mem::take(&mut small)).await?;
                    people = 0;
                }
                people += plan.size();
                small.push(plan);
            }
            Ok(plan) => large.push(plan),
            Err(error) => failed(s, id, error).await?,
        }
        watch.look(s).await?;
    }
    if !small.is_empty() {
        plan_small(s, &mut small).await?;
    }
    for mut plan in large {
        if let Err(error) = plan_large(s, &mut plan, &mut watch).await {
            plan.part.failed(error.code());
            failed(s, plan.message.id, error).await?;
        }
    }
    Ok(())
}

/// Gives the messages of the last days the department of their source where they have none: nodes of an older version, which
/// may be there while others are updated one by one, write none. For whoever sweeps.
pub async fn give_departments(s: &Services) -> Result<u64> {
    const LATELY: Duration = Duration::from_hours(72);
    const AT_ONCE: i64 = 1_000;
    let first = MessageId::first_at(s.clock.now().minus(LATELY));
    let mut given = 0;
    loop {
        let mut tx = s.db.begin().await?;
        let now = store::give_departments(&mut tx, first, AT_ONCE).await?;
        tx.commit().await?;
        given += now;
        if now < AT_ONCE as u64 {
            return Ok(given);
        }
    }
}

/// Offers again what this planner took before an error stopped it.
pub async fn give_back(s: &Services, owner: i64) -> Result<()> {
    let mut tx = s.db.begin().await?;
    store::give_back(&mut tx, owner, s.clock.now()).await?;
    tx.commit().await
}

/// Takes messages of the first rank that has any: how many, and those that somebody said the audience of.
async fn claim(s: &Services, owner: i64, now: Timestamp) -> Result<(usize, Vec<Planned>)> {
    let (rules, policy) = (routing::in_force(s).await?, policies::in_force(s).await?);
    let words = sensitive::in_force(s).await?;
    let interests = subscriptions::in_force(s).await?;
    let mut tx = s.db.begin().await?;
    let mut messages = Vec::new();
    for rank in Rank::ALL {
        messages = store::claim(&mut tx, *rank, now, owner, lease(*rank).as_millis() as i64, CLAIM).await?;
        if !messages.is_empty() {
            break;
        }
    }
    let taken = messages.len();
    if taken == 0 {
        return Ok((0, messages));
    }
    let claimed: Vec<_> = messages.iter().map(|message| message.id).collect();
    let messages = drafts::recall_rights(&mut tx, messages, now).await?;
    let messages = routing::route_claimed(&mut tx, &rules, &policy, &words, messages, now).await?;
    let (routed, unrouted): (Vec<_>, Vec<_>) = messages.into_iter().partition(is_for_somebody);
    if !unrouted.is_empty() {
        let ids: Vec<MessageId> = unrouted.iter().map(|m| m.id).collect();
        let why = WhyUnrouted::NoAudience;
        let reason = why.to_string();
        store::unrouted(&mut tx, &ids, &reason, now).await?;
        let detail = why.told(&reason);
        let told: Vec<_> = ids.iter().map(|id| event(*id, now, "unrouted", &detail)).collect();
        events::insert(&mut tx, &told).await?;
    }
    let is_stopped = |id: &MessageId| routed.iter().all(|message| message.id != *id);
    let stopped: Vec<_> = claimed.into_iter().filter(is_stopped).collect();
    subscriptions::note_stopped(&mut tx, &interests, &stopped, now).await?;
    tx.commit().await?;
    Ok((taken, routed))
}

/// Its sender or a rule said whom it is for.
fn is_for_somebody(message: &Planned) -> bool {
    let by_rules = message.routing.as_ref().is_some_and(|routing| !routing.0.audiences.is_empty());
    by_rules || message.audience.is_some() || message.personalise.is_some()
}

/// Planning failed. A store that is away is waited for; anything else would fail again and again, so the message says it.
async fn failed(s: &Services, message: MessageId, error: Error) -> Result<()> {
    if let Error::Unavailable { .. } = error {
        return Err(error);
    }
    tracing::error!(%message, %error, "planning failed");
    let reason = match &error {
        // Whoever reads why is no operator of this server, nor has to be of this campus.
        Error::Internal(_) => {
            "planning failed: an error of Belltower's own, which the log tells of".to_owned()
        }
        error => format!("planning failed: {error}"),
    };
    let interests = subscriptions::in_force(s).await?;
    let mut tx = s.db.begin().await?;
    if let Some(standing) = messages::standing(&mut tx, message).await?
        && standing.status == Status::Routing
    {
        let (status, now) = (Status::Unrouted, s.clock.now());
        messages::set_status(&mut tx, message, status, Some(&reason), standing.expires_at, now).await?;
        subscriptions::note_stopped(&mut tx, &interests, &[message], now).await?;
    }
    tx.commit().await
}
