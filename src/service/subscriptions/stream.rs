//! Events as a stream. Whoever reads one is remembered for some days after, so that what happens meanwhile is written down and
//! can be read from where they were: the last event they have seen says where.

use std::sync::Arc;
use std::time::Duration;

use serde_json::Value;

use super::super::caller::KeyCaller;
use super::super::lately::Lately;
use super::super::seats::{Seat, Seats};
use super::super::sources::{self, Pass};
use super::super::{Caller, Services};
use super::{form, interest, telling};
use crate::clock::Timestamp;
use crate::domain::id::{EventId, SubscriptionId};
use crate::domain::source::Right;
use crate::domain::subscription::{EndpointKind, EventKind, MOST_STREAMS, MOST_TOPICS};
use crate::domain::topic::{Topic, TopicPattern};
use crate::error::{Fault, Faults};
use crate::store::subscription_events as events;
use crate::store::subscriptions::{self as store, New};
use crate::{Error, Result};

/// Streams that a key may read at a time, at each process.
const AT_A_TIME: usize = 8;
/// Streams that are read at a time at each process.
const IN_ALL: usize = 1_000;
/// How often it is written down that a stream is read, at most.
const SEEN_EVERY: Duration = Duration::from_hours(1);
/// Between events of which none was the reader's and the next.
const REST: Duration = Duration::from_millis(50);
/// Events read at a time.
const LOOKED_THROUGH: u32 = 200;

/// Who reads streams of this process, and the last place as the store said it lately.
#[derive(Debug)]
pub(in crate::service) struct Readers {
    seats: Arc<Seats>,
    place: Lately<(), i64>,
}

impl Default for Readers {
    fn default() -> Self {
        Self { seats: Seats::new(AT_A_TIME, IN_ALL), place: Lately::new(1) }
    }
}

impl Readers {
    /// This process gave places.
    pub fn forget_place(&self) {
        self.place.forget();
    }
}

/// A stream that is open.
#[derive(Debug)]
pub struct Open {
    pub id: SubscriptionId,
    pass: Pass,
    seen_at: Timestamp,
    _seat: Seat,
}

/// Some of a stream.
#[derive(Debug)]
pub struct Chunk {
    /// Id, type and body of each event.
    pub events: Vec<(EventId, String, Value)>,
    /// To be read from next.
    pub place: i64,
}

/// Opens a stream for the caller's source. `topics` and `events`: lists with commas; everything where one is left out.
///
/// # Errors
///
/// [`Error::AllTaken`] where the key reads as many as it may, or all keys together do.
pub async fn open_stream(
    s: &Services,
    caller: &Caller,
    pass: Pass,
    topics: Option<&str>,
    events: Option<&str>,
) -> Result<Open> {
    caller.require_right(Right::Subscribe)?;
    let Caller::Key(key) = caller else {
        return Err(Error::forbidden(Right::Subscribe.name(), "a source reads events with its own key"));
    };
    let (topics, events) = asked(key, topics, events)?;
    let seat = s.readers.seats.take(key.key.ok_or(Error::NotFound("key"))?)?;
    let now = s.clock.now();
    let mut tx = s.db.begin().await?;
    // From here on nobody makes another of the source's.
    let (_, n) = store::count(&mut tx, key.source).await?;
    let id = if let Some(known) = store::find_stream(&mut tx, key.source, &topics, &events).await? {
        store::see(&mut tx, known, now).await?;
        known
    } else {
        if n >= MOST_STREAMS {
            store::forget_stream(&mut tx, key.source).await?;
        }
        let (kind, source) = (EndpointKind::Stream, key.source);
        let new =
            New { source, kind, topics: &topics, events: &events, url: None, queue: None, secret: None };
        store::insert(&mut tx, new, now).await?
    };
    tx.commit().await?;
    s.interests.forget();
    Ok(Open { id, pass, seen_at: now, _seat: seat })
}

fn asked(
    key: &KeyCaller,
    topics: Option<&str>,
    events: Option<&str>,
) -> Result<(Vec<TopicPattern>, Vec<EventKind>)> {
    let mut faults = Faults::default();
    let mut patterns: Vec<TopicPattern> = Vec::new();
    for text in parts(topics.unwrap_or("#")) {
        match text.parse() {
            Ok(pattern) => patterns.push(pattern),
            Err(why) => faults.add("?topics", "invalid_topic", why),
        }
    }
    if patterns.len() > MOST_TOPICS {
        faults.add("?topics", "too_many", format!("at most {MOST_TOPICS} topics"));
    }
    let beyond = form::beyond(key, &patterns);
    faults.extend(beyond.into_iter().map(|fault| Fault { pointer: "?topics".to_owned(), ..fault }));
    let mut kinds: Vec<EventKind> = Vec::new();
    for text in parts(events.unwrap_or_default()) {
        match text.parse() {
            Ok(kind) => kinds.push(kind),
            Err(why) => faults.add("?events", "unknown_event", why),
        }
    }
    faults.into_result()?;
    if kinds.is_empty() {
        kinds = EventKind::ALL.to_vec();
    }
    patterns.sort_unstable();
    patterns.dedup();
    kinds.sort_unstable();
    kinds.dedup();
    Ok((patterns, kinds))
}

fn parts(list: &str) -> impl Iterator<Item = &str> {
    list.split(',').map(str::trim).filter(|part| !part.is_empty())
}

/// Where to read from: after the event that was seen last, or what happens from now on. After one that is not kept any more
/// it is everything that is.
pub async fn start_of(s: &Services, last: Option<&str>) -> Result<i64> {
    let Some(text) = last else { return events::last_place(&s.db).await };
    let id: EventId = text.parse().map_err(|_| {
        Error::fault(
            "Last-Event-ID",
            "invalid_value",
            "send the `id` of the last event you have seen, as it was",
        )
    })?;
    match events::place_of(&s.db, id).await? {
        // Nobody can have seen it yet.
        Some(0) => events::last_place(&s.db).await,
        Some(place) => Ok(place),
        None => Ok(0),
    }
}

/// The last place that was given, as of half a second ago at most: all streams of a process ask together.
pub async fn latest_place(s: &Services) -> Result<i64> {
    if let Some(place) = s.readers.place.get(&(), s.clock.steady()) {
        return Ok(place);
    }
    let generation = s.readers.place.generation();
    let place = events::last_place(&s.db).await?;
    s.readers.place.keep(generation, (), place, s.clock.steady());
    Ok(place)
}

/// The next events of a stream after a place; `None` where it is over, because its source may not read it any more, or
/// its key opens nothing any more.
pub async fn read(s: &Services, open: &mut Open, place: i64) -> Result<Option<Chunk>> {
    // One that is never quiet is read, too.
    if !goes_on(s, open).await? {
        return Ok(None);
    }
    let Some(row) = store::find(&s.db, open.id).await? else { return Ok(None) };
    let Some(interest) = interest(&row) else { return Ok(None) };
    let next = events::after(&s.db, place, LOOKED_THROUGH).await?;
    let end = next.last().map_or(place, |event| event.place);
    let is_theirs =
        |event: &events::PlacedRow| match (EventKind::from_code(event.kind), event.topic.parse::<Topic>()) {
            (Some(kind), Ok(topic)) => interest.wants(kind, &topic, event.source_id),
            _ => false,
        };
    let ids: Vec<_> = next.iter().filter(|event| is_theirs(event)).map(|event| event.id).collect();
    if ids.is_empty() && !next.is_empty() {
        // Far behind, it is at the store again at once: others want something of that, too.
        tokio::time::sleep(REST).await;
    }
    let told = if ids.is_empty() { Vec::new() } else { events::told(&s.db, &ids).await? };
    let events = told
        .iter()
        .map(|row| (row.id, super::views::word(row.kind).to_owned(), telling::body(row)))
        .collect();
    Ok(Some(Chunk { events, place: end }))
}

/// Whether a stream goes on; to be asked every so often, where nothing is read too.
pub async fn goes_on(s: &Services, open: &mut Open) -> Result<bool> {
    if !sources::still_opens(s, &open.pass, Right::Subscribe).await? {
        return Ok(false);
    }
    seen(s, open).await?;
    Ok(true)
}

/// Writes down every so often that a stream is read.
async fn seen(s: &Services, open: &mut Open) -> Result<()> {
    let now = s.clock.now();
    if now.since(open.seen_at) < SEEN_EVERY {
        return Ok(());
    }
    let mut tx = s.db.begin().await?;
    store::see(&mut tx, open.id, now).await?;
    tx.commit().await?;
    open.seen_at = now;
    Ok(())
}
