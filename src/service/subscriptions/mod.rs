//! Applications that are told of what happens to messages. A source subscribes to topics and events; what happens is written
//! beside what it tells, in one transaction ([`note()`]), gets its place, is made out for each endpoint in that order
//! ([`filling`]), sent ([`work`]) or read as a stream ([`stream`]).

mod filling;
mod form;
mod interests;
mod note;
mod owner;
mod stream;
mod telling;
mod views;
pub mod work;

use std::collections::HashMap;
use std::time::Duration;

use serde_json::{Value, json};

use super::throttle::Throttle;
use super::{Caller, Services};
use crate::clock::Timestamp;
use crate::domain::id::{EventId, HandingId, SourceId, SubscriptionId};
use crate::domain::operator::Permission;
use crate::domain::source::Right;
use crate::domain::subscription::{EndpointKind, EventKind, Interest, MOST_ENDPOINTS, Secret, Standing};
use crate::domain::topic::Topic;
use crate::store::subscription_events::{self as events, NewEvent};
use crate::store::subscription_handings::{self as handings, HandingRow, NewHanding};
use crate::store::subscriptions::{self as store, New, SubscriptionRow};
use crate::store::{Tx, audit};
use crate::{Error, Result};

pub(super) use self::filling::Looked;
use self::form::Place;
pub(super) use self::interests::{Known, in_force};
pub(super) use self::note::{Happening, note, note_stopped};
pub(super) use self::stream::Readers;
pub use self::stream::{Chunk, Open, goes_on, latest_place, open_stream, read, start_of};
pub use self::views::{
    CalledView, DisabledView, Endpoint, EndpointView, EventRefView, HandingView, SubscriptionView,
};

/// Bytes of an endpoint's secret.
const SECRET_BYTES: usize = 32;
/// How long an endpoint's old secret signs too where nothing else is said.
pub const DEFAULT_OVERLAP: Duration = Duration::from_hours(24);
/// Whoever subscribes waits no longer for the broker.
const PREPARED: Duration = Duration::from_secs(3);
const LONGEST_OVERLAP: Duration = Duration::from_hours(30 * 24);

/// Tests and replays of one subscription a minute.
const MOST_TRIALS: u32 = 10;
/// What waits for an endpoint for longer is told: much of its week is left.
const LATE: Duration = Duration::from_hours(24);
/// Pages that are looked through for one of what an endpoint may still be told of.
const MOST_PAGES: usize = 50;

/// A new endpoint. The secret is shown this once.
#[derive(Clone, Debug)]
pub struct Created {
    pub view: SubscriptionView,
    pub secret: String,
}

/// An endpoint's new secret, shown this once, and until when the old one signs too.
#[derive(Clone, Debug)]
pub struct Rotated {
    pub secret: String,
    pub old_until: Timestamp,
}

/// Tests and replays of each subscription.
#[derive(Debug)]
pub(super) struct Trials(Throttle<SubscriptionId>);

impl Default for Trials {
    fn default() -> Self {
        Self(Throttle::new(MOST_TRIALS, Duration::from_mins(1)))
    }
}

const UNKNOWN: Error = Error::NotFound("subscription");

/// What the subscription may be told of now, if of anything.
fn interest(row: &SubscriptionRow) -> Option<Interest> {
    row.is_granted().then(|| Interest {
        kinds: row.events.0.iter().copied().collect(),
        topics: row.topics.0.clone(),
        source: (!row.rights.0.contains(&Right::ReadAll)).then_some(row.source_id),
    })
}

/// Whether the subscription may be told now of an event of that kind, as the store numbers it, on that topic. `of`: the source of
/// the message; of a test, whose endpoint it tries out.
fn may_have(
    row: &SubscriptionRow,
    interest: Option<&Interest>,
    kind: i64,
    topic: &str,
    of: Option<SourceId>,
) -> bool {
    match (interest, EventKind::from_code(kind), topic.parse::<Topic>()) {
        (Some(interest), Some(kind), Ok(topic)) => interest.wants(kind, &topic, of),
        (Some(_), None, _) => of == Some(row.source_id),
        _ => false,
    }
}

/// Whether that endpoint is the caller's to look at; for operators, by that permission.
fn is_theirs(caller: &Caller, permission: Permission, row: &SubscriptionRow) -> Result<bool> {
    Ok(match caller {
        Caller::Key(key) => {
            caller.require_right(Right::Subscribe)?;
            key.source == row.source_id
        }
        _ => caller.reach(permission)?.covers(&row.department),
    } && row.kind.is_handed())
}

fn seen_by(caller: &Caller, row: Option<SubscriptionRow>) -> Result<SubscriptionRow> {
    match row {
        Some(row) if is_theirs(caller, Permission::SourcesView, &row)? => Ok(row),
        Some(_) | None => {
            // Whoever may see none is told so, whatever there is.
            match caller {
                Caller::Key(_) => caller.require_right(Right::Subscribe)?,
                _ => drop(caller.reach(Permission::SourcesView)?),
            }
            Err(UNKNOWN)
        }
    }
}

/// The endpoint, if the caller may change it, locked.
async fn take(tx: &mut Tx, caller: &Caller, id: SubscriptionId) -> Result<SubscriptionRow> {
    match caller {
        Caller::Key(_) => caller.require_right(Right::Subscribe)?,
        _ => drop(caller.reach(Permission::SourcesEdit)?),
    }
    let row = store::lock(tx, id).await?.ok_or(UNKNOWN)?;
    if is_theirs(caller, Permission::SourcesEdit, &row)? { Ok(row) } else { Err(UNKNOWN) }
}

async fn write_down(
    s: &Services,
    tx: &mut Tx,
    caller: &Caller,
    (act, id): (&str, SubscriptionId),
    mut detail: Value,
    (row, now): (&SubscriptionRow, Timestamp),
) -> Result<()> {
    detail["source"] = row.source_name.as_str().into();
    detail["host"] = views::host(s, row).into();
    audit::append(tx, now, &caller.label(), act, &id.to_string(), &detail).await
}

/// Subscribes the caller's source. Nothing is called; a queue is made.
///
/// # Errors
///
/// [`Error::Invalid`] with all faults of the body; [`Error::Conflict`] where the source has as many as it may.
pub async fn create(s: &Services, caller: &Caller, body: &Value) -> Result<Created> {
    caller.require_right(Right::Subscribe)?;
    let Caller::Key(key) = caller else {
        return Err(Error::forbidden(Right::Subscribe.name(), "a source subscribes with its own key"));
    };
    let asked = form::read(s, key, body).await?;
    let secret = Secret::new(rand::random::<[u8; SECRET_BYTES]>().to_vec());
    let sealed = s.vault.seal(secret.bytes());
    let now = s.clock.now();
    let mut tx = s.db.begin().await?;
    if store::count(&mut tx, key.source).await?.0 >= MOST_ENDPOINTS {
        return Err(Error::conflict(
            "too_many_subscriptions",
            format!(
                "a source has at most {MOST_ENDPOINTS} subscriptions; remove one that is not needed any more"
            ),
        ));
    }
    let (kind, url, queue) = match &asked.place {
        Place::Url(url) => (EndpointKind::Webhook, Some(url.as_str()), None),
        Place::Queue(name) => (EndpointKind::Amqp, None, Some(name.as_str())),
    };
    let new = New {
        source: key.source,
        kind,
        topics: &asked.topics,
        events: &asked.events,
        url,
        queue,
        secret: Some(&sealed),
    };
    let id = store::insert(&mut tx, new, now).await?;
    let row = store::lock(&mut tx, id).await?.ok_or(UNKNOWN)?;
    let topics: Vec<_> = asked.topics.iter().map(ToString::to_string).collect();
    let detail = json!({ "topics": topics, "events": asked.events });
    write_down(s, &mut tx, caller, ("subscription.create", id), detail, (&row, now)).await?;
    tx.commit().await?;
    s.interests.forget();
    let view = SubscriptionView::new(s, row, 0);
    if let Some(queue) = &view.endpoint.queue {
        prepare(s, queue).await;
    }
    Ok(Created { view, secret: secret.text() })
}

/// Has a queue there, so that its source can read it from now on. Where that cannot be now, the first event makes it.
async fn prepare(s: &Services, queue: &str) {
    let Some(queues) = &s.source_queues else { return };
    let prepared = tokio::time::timeout(PREPARED, Box::pin(queues.prepare(queue))).await;
    if let Ok(Err(failure)) = prepared {
        tracing::warn!(queue, reason = failure.detail, "the queue of a new subscription is not made yet");
    }
}

async fn endpoints(s: &Services, rows: Vec<SubscriptionRow>) -> Result<Vec<Endpoint>> {
    let ids: Vec<_> = rows.iter().map(|row| row.id).collect();
    let mut waiting = HashMap::new();
    if !ids.is_empty() {
        waiting.extend(
            handings::waiting(&s.db, &ids).await?.into_iter().map(|row| (row.subscription_id, row.waiting)),
        );
    }
    let endpoint = |row: SubscriptionRow| {
        let waiting = waiting.get(&row.id).copied().unwrap_or(0);
        Endpoint {
            source: row.source_id,
            source_name: row.source_name.clone(),
            department: row.department.clone(),
            is_granted: row.is_granted(),
            host: views::host(s, &row),
            view: SubscriptionView::new(s, row, waiting),
        }
    };
    Ok(rows.into_iter().map(endpoint).collect())
}

/// The caller's own, the newest first, older than the one with the id `before`.
pub async fn list(
    s: &Services,
    caller: &Caller,
    before: Option<SubscriptionId>,
    limit: u32,
) -> Result<Vec<SubscriptionView>> {
    caller.require_right(Right::Subscribe)?;
    let Caller::Key(key) = caller else { return Ok(Vec::new()) };
    let rows = store::list(&s.db, key.source, before, limit).await?;
    Ok(endpoints(s, rows).await?.into_iter().map(|one| one.view).collect())
}

/// The endpoints of all sources of an operator's departments, by source.
pub async fn all(s: &Services, caller: &Caller) -> Result<Vec<Endpoint>> {
    let reach = caller.reach(Permission::SourcesView)?;
    let mut rows = store::all(&s.db).await?;
    rows.retain(|row| row.kind.is_handed() && reach.covers(&row.department));
    endpoints(s, rows).await
}

pub async fn get(s: &Services, caller: &Caller, id: SubscriptionId) -> Result<Endpoint> {
    let row = seen_by(caller, store::find(&s.db, id).await?)?;
    endpoints(s, vec![row]).await?.pop().ok_or(UNKNOWN)
}

/// What was handed to an endpoint and what waits for it, the newest first, older than the one with the id `before`.
pub async fn deliveries(
    s: &Services,
    caller: &Caller,
    id: SubscriptionId,
    before: Option<HandingId>,
    limit: u32,
) -> Result<Vec<HandingView>> {
    let row = seen_by(caller, store::find(&s.db, id).await?)?;
    let interest = interest(&row);
    let is_theirs = |one: &HandingRow| may_have(&row, interest.as_ref(), one.kind, &one.topic, one.source_id);
    let (mut theirs, mut before) = (Vec::new(), before);
    // What it may not be told of any more is not shown either, and makes no page shorter.
    for _ in 0..MOST_PAGES {
        let rows = handings::list(&s.db, id, before, limit).await?;
        let is_last = rows.len() < limit as usize;
        before = rows.last().map(|one| one.id);
        theirs.extend(rows.into_iter().filter(is_theirs));
        if is_last || theirs.len() >= limit as usize {
            break;
        }
    }
    theirs.truncate(limit as usize);
    Ok(theirs.into_iter().map(|handing| HandingView::new(handing, &row)).collect())
}

/// Takes an endpoint away, with what waits for it: it is gone at once, and cleared out little by little.
pub async fn delete(s: &Services, caller: &Caller, id: SubscriptionId) -> Result<()> {
    let now = s.clock.now();
    let mut tx = s.db.begin().await?;
    let row = take(&mut tx, caller, id).await?;
    store::remove(&mut tx, id, now).await?;
    write_down(s, &mut tx, caller, ("subscription.delete", id), json!({}), (&row, now)).await?;
    tx.commit().await?;
    s.interests.forget();
    Ok(())
}

fn in_use(row: &SubscriptionRow) -> Result<()> {
    match row.standing {
        Standing::Active => Ok(()),
        Standing::Disabled => Err(Error::conflict(
            "subscription_disabled",
            "this subscription is disabled: its endpoint is not called; enable it first",
        )),
    }
}

/// Has an event that tells of nothing sent to an endpoint as soon as it may be called, which is now; returns the event.
///
/// # Errors
///
/// [`Error::Conflict`] while one waits, and where the endpoint is disabled; [`Error::RateLimited`] where there were many.
pub async fn test(s: &Services, caller: &Caller, id: SubscriptionId) -> Result<EventId> {
    let now = s.clock.now();
    let mut tx = s.db.begin().await?;
    let row = take(&mut tx, caller, id).await?;
    in_use(&row)?;
    if handings::test_waits(&mut tx, id).await? {
        return Err(Error::conflict(
            "test_waits",
            "a test waits already; it is sent as soon as the endpoint may be called",
        ));
    }
    s.trials.0.admit(&s.clock, id)?;
    let new = NewEvent {
        kind: 0,
        message_id: None,
        source_id: Some(row.source_id.0),
        topic: String::new(),
        delivery_id: None,
        at: now.0,
        detail: json!({ "subscription": id }).to_string(),
    };
    let event = events::insert(&mut tx, &[new]).await?.pop().ok_or_else(|| Error::internal("no event"))?;
    let handing = NewHanding { subscription: id, event, message: None, whole: true };
    handings::insert(&mut tx, &[handing], now).await?;
    store::hasten(&mut tx, id, now).await?;
    // What a system does to itself over and over is not written down.
    if !matches!(caller, Caller::Key(_)) {
        write_down(s, &mut tx, caller, ("subscription.test", id), json!({}), (&row, now)).await?;
    }
    tx.commit().await?;
    Ok(event)
}

/// Has an event go to an endpoint once more, under the same id, whatever became of it.
///
/// # Errors
///
/// [`Error::Conflict`] while it is being sent, and where the endpoint is disabled; [`Error::RateLimited`] where there were
/// many.
pub async fn replay(s: &Services, caller: &Caller, id: SubscriptionId, handing: HandingId) -> Result<()> {
    let now = s.clock.now();
    let mut tx = s.db.begin().await?;
    let row = take(&mut tx, caller, id).await?;
    in_use(&row)?;
    let interest = interest(&row);
    let found = handings::find(&mut tx, id, handing).await?;
    if !found.is_some_and(|one| may_have(&row, interest.as_ref(), one.kind, &one.topic, one.source_id)) {
        return Err(Error::NotFound("delivery"));
    }
    s.trials.0.admit(&s.clock, id)?;
    if !handings::replay(&mut tx, id, handing, now).await? {
        return Err(Error::conflict("being_sent", "it is being sent at this moment"));
    }
    store::hasten(&mut tx, id, now).await?;
    if !matches!(caller, Caller::Key(_)) {
        let detail = json!({ "delivery": handing });
        write_down(s, &mut tx, caller, ("subscription.replay", id), detail, (&row, now)).await?;
    }
    tx.commit().await
}

/// Gives an endpoint another secret; the one it has signs too for `overlap` longer.
pub async fn rotate(s: &Services, caller: &Caller, id: SubscriptionId, overlap: Duration) -> Result<Rotated> {
    if overlap > LONGEST_OVERLAP {
        return Err(Error::fault(
            "/overlap",
            "out_of_range",
            "the old secret may sign 30 days longer at most",
        ));
    }
    let now = s.clock.now();
    let old_until = now.plus(overlap);
    let secret = Secret::new(rand::random::<[u8; SECRET_BYTES]>().to_vec());
    let mut tx = s.db.begin().await?;
    let row = take(&mut tx, caller, id).await?;
    store::reseal(&mut tx, id, &s.vault.seal(secret.bytes()), old_until).await?;
    let detail = json!({ "old_secret_until": old_until.to_string() });
    write_down(s, &mut tx, caller, ("subscription.rotate", id), detail, (&row, now)).await?;
    tx.commit().await?;
    Ok(Rotated { secret: secret.text(), old_until })
}

/// Calls an endpoint again that was disabled: it gets what it missed, in order, as far as that is kept. One that fails is
/// called at once.
pub async fn enable(s: &Services, caller: &Caller, id: SubscriptionId) -> Result<()> {
    let now = s.clock.now();
    let mut tx = s.db.begin().await?;
    let row = take(&mut tx, caller, id).await?;
    store::enable(&mut tx, id, now).await?;
    handings::hasten(&mut tx, id, true, now).await?;
    write_down(s, &mut tx, caller, ("subscription.enable", id), json!({}), (&row, now)).await?;
    tx.commit().await?;
    s.interests.forget();
    Ok(())
}

/// An endpoint that is called no more, or does not keep up, for whoever looks after it.
#[derive(Clone, Debug)]
pub struct Lost {
    pub source: SourceId,
    pub source_name: String,
    pub subscription: SubscriptionId,
    pub host: String,
    pub since: Timestamp,
}

/// Endpoints that were disabled and may still be enabled again without having missed anything.
pub(super) async fn lost(s: &Services) -> Result<Vec<Lost>> {
    let oldest = s.clock.now().minus(interests::KEPT);
    let rows = store::all(&s.db).await?.into_iter();
    let lost = |row: SubscriptionRow| {
        let since = row.disabled_at.filter(|at| *at > oldest && row.standing == Standing::Disabled)?;
        let host = views::host(s, &row);
        Some(Lost { source: row.source_id, source_name: row.source_name, subscription: row.id, host, since })
    };
    Ok(rows.filter(SubscriptionRow::is_granted).filter_map(lost).collect())
}

/// Endpoints that are called and for which something has waited for more than a day, whether it was made out for them or not:
/// after seven it is dropped.
pub(super) async fn behind(s: &Services) -> Result<Vec<Lost>> {
    let late = s.clock.now().minus(LATE);
    let mut oldest: HashMap<_, _> =
        handings::oldest(&s.db, late).await?.into_iter().map(|row| (row.subscription_id, row.at)).collect();
    for row in store::far_behind(&s.db, late).await? {
        let id = row.id;
        if let Some(left) = filling::oldest_left(s, row, late).await? {
            oldest.entry(id).and_modify(|at| *at = left.min(*at)).or_insert(left);
        }
    }
    if oldest.is_empty() {
        return Ok(Vec::new());
    }
    let rows = store::all(&s.db).await?.into_iter();
    let behind = |row: SubscriptionRow| {
        let since = *oldest.get(&row.id).filter(|_| row.standing == Standing::Active)?;
        let host = views::host(s, &row);
        Some(Lost { source: row.source_id, source_name: row.source_name, subscription: row.id, host, since })
    };
    Ok(rows.filter(SubscriptionRow::is_granted).filter_map(behind).collect())
}
