//! Events on their way to endpoints, step by step; several nodes take them together. An event is claimed with a lease, sent
//! with nothing held, and settled: what a process had in hand when it died is sent again, under the same id.
//!
//! An endpoint that fails is called by one call at a time and ever more seldom, whatever waits for it. Once it answers, all
//! that failed meanwhile is due at once. An event that it refuses waits by itself, and that the broker is away is no failure of
//! an endpoint behind it.

mod judging;

use std::collections::HashMap;
use std::time::Duration;

use rand::random;
use reqwest::header::{CONTENT_TYPE, HeaderMap, HeaderName, HeaderValue};
use url::Url;

pub use self::judging::Answer;
use self::judging::judge;
use super::super::{Services, broadcasts};
pub use super::filling::fill;
use super::{interest, interests, may_have, owner, telling, views};
use crate::Result;
use crate::channel::queues::Event;
use crate::clock::Timestamp;
use crate::domain::id::{EventId, SourceId, SubscriptionId};
use crate::domain::said;
use crate::domain::subscription::{EndpointKind, Handed, Secret, Standing, WhyDisabled, refuses, sign};
use crate::store::Tx;
use crate::store::subscription_events::{self as events, ToldRow};
use crate::store::subscription_handings::{self as handings, Claim, ClaimedRow, Settled};
use crate::store::subscriptions::{self as store, Called, SubscriptionRow};

/// Events that are given a place in one transaction.
const PLACES: i64 = 1_000;
/// Calls to one endpoint at a time while it answers.
pub const AT_ONCE: i64 = 4;
/// Calls to all endpoints of one source at a time, by all processes: slow ones take none from another's.
const OF_A_SOURCE: i64 = 32;
/// A claim is another node's to take after this long; a call takes a third of it at most.
const LEASE: Duration = Duration::from_mins(1);
/// Characters of an answer that are kept.
const KEPT_ANSWER: usize = 200;
/// What is kept as the answer where an event was not sent.
const WITHHELD: &str = "not sent: its source may not be told of it any more";
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

/// Nothing is told while an emergency goes out: what there was to tell waits those two minutes at most.
pub async fn rests(s: &Services) -> Result<bool> {
    Ok(broadcasts::stillness(s).await?.stands)
}

/// Takes what is due for endpoints that may be called and have room, for this `owner`. Those in `busy` have no room here.
pub async fn claim(s: &Services, owner: i64, busy: &[SubscriptionId]) -> Result<Vec<Call>> {
    let now = s.clock.now();
    let due = store::due(&s.db, now, busy).await?;
    if due.is_empty() {
        return Ok(Vec::new());
    }
    let mut tx = s.db.begin().await?;
    let rows = store::take_all(&mut tx, &due).await?;
    let sending = handings::sending(&mut tx).await?;
    let mut of_sources: HashMap<SourceId, i64> = HashMap::new();
    for row in &sending {
        *of_sources.entry(row.source_id).or_default() += row.sending;
    }
    let mut claims = Vec::new();
    for row in rows {
        let may_be = row.standing == Standing::Active && row.next_at <= now;
        let Some(interest) = interest(&row).filter(|_| may_be) else { continue };
        let at_once = if row.failures > 0 { 1 } else { AT_ONCE };
        let here: i64 =
            sending.iter().filter(|one| one.subscription_id == row.id).map(|one| one.sending).sum();
        let of_source = of_sources.entry(row.source_id).or_default();
        let limit = (at_once - here).min(OF_A_SOURCE - *of_source);
        if limit <= 0 {
            continue;
        }
        let singles: Vec<_> = row.events.0.iter().copied().filter(|kind| kind.is_of_delivery()).collect();
        let lease_ms = LEASE.as_millis() as i64;
        let wanted = Claim { owner, lease_ms, limit, singles: (&singles, row.single_place) };
        let claimed = handings::claim(&mut tx, row.id, now, wanted).await?;
        *of_source += claimed.len() as i64;
        if !claimed.is_empty() {
            claims.push((row, interest, claimed));
        }
    }
    if claims.is_empty() {
        return Ok(Vec::new());
    }
    let ids: Vec<_> =
        claims.iter().flat_map(|(.., claimed)| claimed.iter().map(|one| one.event_id)).collect();
    // Before the commit: what cannot be told is not claimed.
    let told = events::told_in(&mut tx, &ids).await?;
    let mut calls = Vec::new();
    let mut withheld = Vec::new();
    for (row, interest, claimed) in claims {
        // What was made out for it when it might still be told of it: its source may have lost a right since.
        let is_told = |one: &ClaimedRow| {
            let event = told.iter().find(|event| event.id == one.event_id);
            event.is_none_or(|event| {
                may_have(&row, Some(&interest), event.kind, &event.topic, event.source_id)
            })
        };
        let (claimed, kept): (Vec<_>, Vec<_>) = claimed.into_iter().partition(is_told);
        withheld.extend(kept.iter().map(|one| one.id));
        calls.extend(made_out(s, &row, claimed, &told, now));
    }
    if !withheld.is_empty() {
        handings::withhold(&mut tx, &withheld, WITHHELD).await?;
    }
    tx.commit().await?;
    Ok(calls)
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

/// Stores what calls came to, and what follows from it for their endpoints.
pub async fn settle(s: &Services, owner: i64, answered: &[(Call, Answer)]) -> Result<()> {
    let now = s.clock.now();
    let mut ids: Vec<_> = answered.iter().map(|(call, _)| call.subscription).collect();
    ids.sort_unstable();
    ids.dedup();
    if ids.is_empty() {
        return Ok(());
    }
    let mut tx = s.db.begin().await?;
    let mut rows = store::lock_all(&mut tx, &ids).await?;
    let mut disabled = Vec::new();
    for (call, answer) in answered {
        // Removed meanwhile, and everything with it.
        let Some(row) = rows.iter_mut().find(|row| row.id == call.subscription) else { continue };
        if let Some(why) = settle_one(&mut tx, owner, row, (call, answer), now).await? {
            disabled.push((row.id, why));
        }
    }
    tx.commit().await?;
    for (call, answer) in answered {
        if let Some(row) = rows.iter().find(|row| row.id == call.subscription) {
            s.metrics.told(row.kind, answer.told());
        }
    }
    for (id, why) in disabled {
        let Some(row) = rows.iter().find(|row| row.id == id) else { continue };
        s.interests.forget();
        tracing::warn!(subscription = %row.id, source = row.source_name, %why, "an endpoint is called no more");
        // Should this process end first, the alarm about it is left.
        if let Err(error) = Box::pin(owner::tell(s, row, why)).await {
            tracing::warn!(subscription = %row.id, %error, "whoever looks after the source was not told");
        }
    }
    Ok(())
}

/// Stores what one call came to; why its endpoint is called no more, if that is so from now on. The row is kept as the store has it.
async fn settle_one(
    tx: &mut Tx,
    owner: i64,
    row: &mut SubscriptionRow,
    (call, answer): (&Call, &Answer),
    now: Timestamp,
) -> Result<Option<WhyDisabled>> {
    let judged = judge(row, call, answer, now, random());
    let status = answer.status();
    let words: String = said::words(&answer.words()).chars().take(KEPT_ANSWER).collect();
    let settled = Settled {
        id: call.row.id,
        owner,
        attempt: call.row.attempts,
        state: judged.state,
        failures: judged.handing_failures,
        due_at: judged.due_at,
        status: status.map(i64::from),
        answer: &words,
    };
    if !handings::settle(tx, settled).await? {
        // Its lease ran out, and somebody else has sent it again.
        return Ok(None);
    }
    let succeeded = judged.state == Handed::Delivered;
    let failed = !succeeded && !status.is_some_and(refuses) && !matches!(answer, Answer::Held(_));
    let called = Called {
        at: now,
        status: status.map(i64::from),
        answer: &words,
        succeeded,
        failed,
        failures: judged.failures,
        next_at: judged.next_at,
    };
    store::note(tx, row.id, called).await?;
    if succeeded && row.failures >= AWAY {
        handings::hasten(tx, row.id, false, now).await?;
    }
    (row.failures, row.next_at) = (judged.failures, judged.next_at);
    if succeeded {
        (row.succeeded_at, row.failed_at) = (Some(now), None);
    } else if failed {
        row.failed_at = Some(now);
    }
    let disabled = judged.disable.filter(|_| row.standing == Standing::Active);
    if let Some(why) = disabled {
        store::disable(tx, row.id, why, now).await?;
        row.standing = Standing::Disabled;
    }
    Ok(disabled)
}

/// Offers again what was lost on its way: what processes that are gone had in hand, and what outlived its lease.
pub async fn release_lost(s: &Services, owner: i64) -> Result<u64> {
    let mut tx = s.db.begin().await?;
    let released = handings::release_lost(&mut tx, s.clock.now(), owner).await?;
    tx.commit().await?;
    Ok(released)
}

/// Removes some of the events whose time is over, with what became of them, or of what was handed to endpoints that are no
/// more; returns how many.
pub async fn prune(s: &Services) -> Result<usize> {
    let before = s.clock.now().minus(interests::KEPT);
    let removed = if events::any_old(&s.db, before).await? {
        let mut tx = s.db.begin().await?;
        let removed = events::prune(&mut tx, before, REMOVED).await?;
        tx.commit().await?;
        removed
    } else if store::any_removed(&s.db).await? {
        let mut tx = s.db.begin().await?;
        let removed = store::clear_out(&mut tx, REMOVED).await?;
        tx.commit().await?;
        removed
    } else {
        0
    };
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
