//! Events on their way to endpoints, step by step; several nodes take them together. An event is claimed with a lease, sent
//! with nothing held, and settled: what a process had in hand when it died is sent again, under the same id.
//!
//! An endpoint that fails is called by one call at a time and ever more seldom, whatever waits for it. Once it answers, all
//! that failed meanwhile is due at once. That the broker is away is no failure of an endpoint behind it.

mod judging;

use std::time::Duration;

use rand::random;
use reqwest::header::{CONTENT_TYPE, HeaderMap, HeaderName, HeaderValue};
use url::Url;

pub use self::judging::Answer;
use self::judging::judge;
use super::super::Services;
use super::{interest, interests, owner, telling, views};
use crate::Result;
use crate::channel::queues::Event;
use crate::clock::Timestamp;
use crate::domain::id::{EventId, SubscriptionId};
use crate::domain::said;
use crate::domain::subscription::{EndpointKind, EventKind, Handed, Secret, Standing, sign};
use crate::domain::topic::Topic;
use crate::store::subscription_events::{self as events, ToldRow};
use crate::store::subscription_handings::{self as handings, Claim, ClaimedRow, Settled};
use crate::store::subscriptions::{self as store, Called, SubscriptionRow};

/// Events that are given a place in one transaction.
const PLACES: i64 = 1_000;
/// Events that an endpoint is looked through for at a time.
const LOOKED_THROUGH: u32 = 500;
/// Events that are made out for an endpoint ahead of it.
const AHEAD: i64 = 200;
/// Calls to one endpoint at a time while it answers.
pub const AT_ONCE: i64 = 4;
/// A claim is another node's to take after this long; a call takes a third of it at most.
const LEASE: Duration = Duration::from_mins(1);
/// Characters of an answer that are kept.
const KEPT_ANSWER: usize = 200;
/// Events removed in one transaction.
const REMOVED: i64 = 1_000;
/// Failures in a row after which an endpoint counts as having been away.
const AWAY: i64 = 2;

/// An event that is to be sent to an endpoint now.
#[derive(Clone, Debug)]
pub struct Call {
    pub subscription: SubscriptionId,
    pub event: EventId,
    row: ClaimedRow,
    /// None where its secret does not open.
    to: Option<To>,
    secrets: Vec<Secret>,
    /// Such as `message.completed`.
    kind: &'static str,
    body: Vec<u8>,
    started_at: Timestamp,
}

/// Where an event goes.
#[derive(Clone, Debug)]
enum To {
    Url(Url),
    /// The queue of that name.
    Queue(String),
}

/// Gives new events their places, so that they are handed on; returns how many.
pub async fn give_places(s: &Services) -> Result<usize> {
    if !events::any_new(&s.db).await? {
        return Ok(0);
    }
    let mut tx = s.db.begin().await?;
    let given = events::give_places(&mut tx, PLACES).await?;
    tx.commit().await?;
    if given > 0 {
        s.readers.forget_place();
    }
    Ok(given as usize)
}

/// Makes out events for endpoints that have room; returns how many were looked through.
pub async fn fill(s: &Services) -> Result<usize> {
    let mut looked = 0;
    for id in store::behind(&s.db).await? {
        looked += fill_one(s, id).await?;
    }
    Ok(looked)
}

async fn fill_one(s: &Services, id: SubscriptionId) -> Result<usize> {
    let mut tx = s.db.begin().await?;
    let Some(row) = store::take(&mut tx, id).await? else { return Ok(0) };
    let room = AHEAD - handings::open(&mut tx, id, AHEAD).await?;
    let (Standing::Active, true) = (row.standing, room > 0) else { return Ok(0) };
    let next = events::after_in(&mut tx, row.place, LOOKED_THROUGH).await?;
    let interest = interest(&row);
    let (mut theirs, mut place, mut looked) = (Vec::new(), row.place, 0);
    for event in next {
        let is_theirs = match (&interest, EventKind::from_code(event.kind), event.topic.parse::<Topic>()) {
            (Some(interest), Some(kind), Ok(topic)) => interest.wants(kind, &topic, event.source_id),
            _ => false,
        };
        if is_theirs && theirs.len() as i64 >= room {
            break;
        }
        if is_theirs {
            theirs.push((event.id, event.message_id));
        }
        place = event.place;
        looked += 1;
    }
    if looked == 0 {
        return Ok(0);
    }
    if !theirs.is_empty() {
        handings::insert(&mut tx, id, &theirs, s.clock.now()).await?;
    }
    store::advance(&mut tx, id, place).await?;
    tx.commit().await?;
    Ok(looked)
}

/// Takes what is due for endpoints that may be called and have room, for this `owner`. Those in `busy` have no room here.
pub async fn claim(s: &Services, owner: i64, busy: &[SubscriptionId]) -> Result<Vec<Call>> {
    let now = s.clock.now();
    let mut calls = Vec::new();
    for id in store::due(&s.db, now, busy).await? {
        calls.extend(claim_one(s, owner, id, now).await?);
    }
    Ok(calls)
}

async fn claim_one(s: &Services, owner: i64, id: SubscriptionId, now: Timestamp) -> Result<Vec<Call>> {
    let mut tx = s.db.begin().await?;
    let Some(row) = store::take(&mut tx, id).await? else { return Ok(Vec::new()) };
    let may_be = row.standing == Standing::Active && row.next_at <= now && row.is_granted();
    if !may_be {
        return Ok(Vec::new());
    }
    let at_once = if row.failures > 0 { 1 } else { AT_ONCE };
    let limit = at_once - handings::sending(&mut tx, id).await?;
    if limit <= 0 {
        return Ok(Vec::new());
    }
    let lease_ms = LEASE.as_millis() as i64;
    let claimed = handings::claim(&mut tx, id, now, Claim { owner, lease_ms, limit }).await?;
    if claimed.is_empty() {
        return Ok(Vec::new());
    }
    let ids: Vec<_> = claimed.iter().map(|one| one.event_id).collect();
    // Before the commit: what cannot be told is not claimed.
    let told = events::told_in(&mut tx, &ids).await?;
    tx.commit().await?;
    Ok(made_out(s, &row, claimed, &told, now))
}

/// The calls that claims come to.
fn made_out(
    s: &Services,
    row: &SubscriptionRow,
    claimed: Vec<ClaimedRow>,
    told: &[ToldRow],
    now: Timestamp,
) -> Vec<Call> {
    let to = match row.kind {
        EndpointKind::Amqp => views::queue(s, row).map(To::Queue),
        EndpointKind::Webhook | EndpointKind::Stream => {
            row.url.as_deref().and_then(|url| Url::parse(url).ok()).map(To::Url)
        }
    };
    let (to, secrets) = match secrets(s, row, now) {
        Ok(secrets) => (to, secrets),
        // Sealed with another key: that fails as the endpoint would, and keeps no other from being called.
        Err(error) => {
            tracing::error!(subscription = %row.id, %error, "the secret of an endpoint does not open");
            (None, Vec::new())
        }
    };
    let call = |one: ClaimedRow| {
        // One whose event is gone went with it.
        let event = told.iter().find(|event| event.id == one.event_id)?;
        Some(Call {
            subscription: row.id,
            event: event.id,
            row: one,
            to: to.clone(),
            secrets: secrets.clone(),
            kind: views::word(event.kind),
            body: telling::body(event).to_string().into_bytes(),
            started_at: now,
        })
    };
    claimed.into_iter().filter_map(call).collect()
}

/// The secrets that sign now, the newest first.
fn secrets(s: &Services, row: &SubscriptionRow, now: Timestamp) -> Result<Vec<Secret>> {
    let old = row.old_secret.as_ref().filter(|_| row.old_until.is_some_and(|until| until > now));
    let sealed = row.secret.iter().chain(old);
    sealed.map(|sealed| s.vault.open_sealed(sealed).map(Secret::new)).collect()
}

fn headers(id: &str, timestamp: i64, signature: &str) -> std::result::Result<HeaderMap, String> {
    let mut headers = HeaderMap::new();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    for (name, text) in
        [("webhook-id", id), ("webhook-timestamp", &timestamp.to_string()), ("webhook-signature", signature)]
    {
        let value = HeaderValue::from_str(text).map_err(|error| error.to_string())?;
        headers.insert(HeaderName::from_static(name), value);
    }
    Ok(headers)
}

/// Sends an event.
pub async fn send(s: &Services, call: &Call) -> Answer {
    let now = s.clock.now();
    let (id, timestamp) = (call.event.to_string(), now.0 / 1_000);
    let signature = sign(&call.secrets, &id, timestamp, &call.body);
    match &call.to {
        None => Answer::Failed("its secret does not open; give it a new one".to_owned()),
        Some(To::Url(url)) => {
            let posting = async {
                let outward = s.outward().map_err(|error| error.to_string())?;
                let headers = headers(&id, timestamp, &signature)?;
                outward.post(url, headers, call.body.clone(), now).await
            };
            posting.await.map_or_else(Answer::Failed, Answer::Said)
        }
        Some(To::Queue(queue)) => {
            let Some(queues) = &s.source_queues else {
                return Answer::Held("broker_away: this installation has no broker any more".to_owned());
            };
            let (attempt, signature) = (call.row.attempts, signature.as_str());
            let event = Event { id: &id, kind: call.kind, attempt, timestamp, signature, body: &call.body };
            match queues.publish(queue, event).await {
                Ok(()) => Answer::Confirmed,
                Err(failure) => {
                    let words = format!("{}: {}", failure.code, failure.detail);
                    if failure.is_the_queues { Answer::Failed(words) } else { Answer::Held(words) }
                }
            }
        }
    }
}

/// Stores what a call came to, and what follows from it for its endpoint.
pub async fn settle(s: &Services, owner: i64, call: &Call, answer: &Answer) -> Result<()> {
    let now = s.clock.now();
    let mut tx = s.db.begin().await?;
    // Removed meanwhile, and everything with it.
    let Some(row) = store::lock(&mut tx, call.subscription).await? else { return Ok(()) };
    let judged = judge(&row, call, answer, now, random());
    let status = answer.status().map(i64::from);
    let words: String = said::words(&answer.words()).chars().take(KEPT_ANSWER).collect();
    let settled = Settled {
        id: call.row.id,
        owner,
        attempt: call.row.attempts,
        state: judged.state,
        failures: judged.handing_failures,
        due_at: judged.due_at,
        status,
        answer: &words,
    };
    if !handings::settle(&mut tx, settled).await? {
        // Its lease ran out, and somebody else has sent it again.
        return Ok(());
    }
    let succeeded = judged.state == Handed::Delivered;
    let called = Called {
        at: now,
        status,
        answer: &words,
        succeeded,
        failed: !succeeded && !matches!(answer, Answer::Held(_)),
        failures: judged.failures,
        next_at: judged.next_at,
    };
    store::note(&mut tx, row.id, called).await?;
    if succeeded && row.failures >= AWAY {
        handings::hasten(&mut tx, row.id, now).await?;
    }
    let disabled = judged.disable.filter(|_| row.standing == Standing::Active);
    if let Some(why) = disabled {
        store::disable(&mut tx, row.id, why, now).await?;
    }
    tx.commit().await?;
    s.metrics.told(row.kind, answer.told());
    if let Some(why) = disabled {
        s.interests.forget();
        tracing::warn!(subscription = %row.id, source = row.source_name, %why, "an endpoint is called no more");
        // Should this process end first, the alarm about it is left.
        if let Err(error) = Box::pin(owner::tell(s, &row, why)).await {
            tracing::warn!(subscription = %row.id, %error, "whoever looks after the source was not told");
        }
    }
    Ok(())
}

/// Offers again what was lost on its way: what processes that are gone had in hand, and what outlived its lease.
pub async fn release_lost(s: &Services, owner: i64) -> Result<u64> {
    let mut tx = s.db.begin().await?;
    let released = handings::release_lost(&mut tx, s.clock.now(), owner).await?;
    tx.commit().await?;
    Ok(released)
}

/// Removes some of the events whose time is over, with what became of them; returns how many.
pub async fn prune(s: &Services) -> Result<usize> {
    let before = s.clock.now().minus(interests::KEPT);
    if !events::any_old(&s.db, before).await? {
        return Ok(0);
    }
    let mut tx = s.db.begin().await?;
    let removed = events::prune(&mut tx, before, REMOVED).await?;
    tx.commit().await?;
    Ok(removed as usize)
}

/// Forgets streams that nobody reads any more.
pub async fn prune_streams(s: &Services) -> Result<u64> {
    let mut tx = s.db.begin().await?;
    let removed = store::prune(&mut tx, s.clock.now().minus(interests::STREAM_KEPT)).await?;
    tx.commit().await?;
    if removed > 0 {
        s.interests.forget();
    }
    Ok(removed)
}
